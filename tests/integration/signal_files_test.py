"""signal_files_test.py CASEBOX

Files of signals (EDF+, XDF), made here, by other people's writers where there are some: every sample that comes
out of `import` and `export` is the one that other people's readers find, at the same time.
"""

import csv
import hashlib
import io
import pathlib
import struct
import sys
import tempfile

from support import Casebox, expect, with_packages

with_packages("numpy", "pyedflib", "pyxdf")

import numpy  # noqa: E402
import pyedflib  # noqa: E402
import pyxdf  # noqa: E402

casebox = Casebox(sys.argv[1])


def digest_of(codes):
    return hashlib.sha256(numpy.asarray(codes).astype("<i4").tobytes()).hexdigest()


def table(store, case, stream):
    """Columns of an exported stream by the name before their unit; None where a cell is empty."""
    text = casebox.run("export", case, "--store", store, "--format", "csv", "--stream", stream).stdout
    rows = list(csv.reader(io.StringIO(text)))
    return {name.split("(")[0].split("[")[0].strip(): [row[i] for row in rows[1:]] for i, name in enumerate(rows[0])}


def channels_of(document):
    return {channel["name"]: (stream, channel) for stream in document["streams"] for channel in stream["channels"]}


def check_edf(folder):
    file = folder / "night.edf"
    rates = {"EEG Fpz-Cz": 100, "EEG Pz-Oz": 100, "ECG": 250, "SpO2": 1}
    random = numpy.random.default_rng(5)
    signals = [random.integers(-2048, 2048, rate * 30) for rate in rates.values()]
    with pyedflib.EdfWriter(str(file), len(rates), file_type=pyedflib.FILETYPE_EDFPLUS) as writer:
        writer.setPatientName("Haagse_Harry")
        writer.setStartdatetime(__import__("datetime").datetime(2021, 3, 2, 10, 20, 30))
        for i, (label, rate) in enumerate(rates.items()):
            writer.setSignalHeader(i, {"label": label, "dimension": "uV", "sample_frequency": rate,
                                       "physical_min": -500 - i, "physical_max": 500, "digital_min": -2048,
                                       "digital_max": 2047, "transducer": "", "prefilter": ""})
        writer.writeSamples([s.astype(numpy.int32) for s in signals], digital=True)
        writer.writeAnnotation(3.5, -1, "Incision")
        writer.writeAnnotation(12, 4.25, "Clamped")
    store = folder / "edf"
    document = casebox.json("import", f"m={file}", "--case", "c", "--store", store)
    ours = channels_of(document)
    with pyedflib.EdfReader(str(file)) as reader:
        for i in range(reader.signals_in_file):
            stream, channel = ours[reader.getLabel(i)]
            codes = reader.readSignal(i, digital=True)
            expect(channel["count"] == len(codes) and channel["digest"] == digest_of(codes),
                   f"EDF: {reader.getLabel(i)} differs from what EDFlib reads")
            expect(channel["rate_hz"] == reader.getSampleFrequency(i), f"EDF: rate {channel['rate_hz']}")
            shown = [float(v) for v in table(store, "c", stream["name"])[reader.getLabel(i)]]
            worst = numpy.abs(numpy.array(shown) - reader.readSignal(i)).max()
            expect(worst < 1e-9 * 500, f"EDF: {reader.getLabel(i)} is {worst} off")
        onsets, lengths, texts = reader.readAnnotations()
    events = table(store, "c", "m.events")
    expect([float(t) for t in events["t_s"]] == list(onsets) and events["text"] == list(texts),
           f"EDF: annotations {events}, EDFlib reads {onsets} {texts}")
    expect(float(events["duration_s"][1]) == lengths[1] == 4.25, f"EDF: lengths {events['duration_s']}")
    said = casebox.run("import", f"m={file}", "--dry-run")
    expect("Haagse" not in said.stdout + said.stderr and "left out" in said.stdout, "EDF: the patient's name")
    return sum(len(s) for s in signals)


def xdf_chunk(tag, content):
    return b"\x04" + struct.pack("<IH", len(content) + 2, tag) + content


def xdf_stream(number, name, channels, rate, form):
    return xdf_chunk(2, struct.pack("<I", number) + (
        f'<?xml version="1.0"?><info><name>{name}</name><type>EEG</type><channel_count>{channels}</channel_count>'
        f"<nominal_srate>{rate}</nominal_srate><channel_format>{form}</channel_format></info>").encode())


def xdf_samples(number, stamps, rows, kind):
    out = struct.pack("<I", number) + b"\x04" + struct.pack("<I", len(rows))
    for stamp, row in zip(stamps, rows):
        out += b"\0" if stamp is None else b"\x08" + struct.pack("<d", stamp)
        out += b"".join(b"\x01" + bytes([len(v)]) + v for v in row) if kind == "string" else struct.pack(
            f"<{len(row)}{kind}", *row)
    return xdf_chunk(3, out)


def check_xdf(folder):
    """Two machines whose clocks drift, one of which was started again; a pause; texts."""
    random = numpy.random.default_rng(9)
    out = b"XDF:" + xdf_chunk(1, b"<info><version>1.0</version></info>")
    out += xdf_stream(1, "EEG", 3, 250, "float32") + xdf_stream(2, "Counter", 1, 0, "int32")
    out += xdf_stream(3, "Marks", 1, 0, "string")
    for k in range(60):
        for number in (1, 2, 3):
            clock = 5000 + 5 * k if number != 2 or k < 30 else 12 + 5 * (k - 30)
            offset = -4990 + 1e-4 * k if number != 2 or k < 30 else 148.0
            out += xdf_chunk(4, struct.pack("<Idd", number, clock, offset + random.normal(0, 2e-5)))
        if not 20 <= k < 24:
            begin = 5000 + 5 * k
            out += xdf_samples(1, [begin + i / 250 for i in range(1250)],
                               random.normal(0, 1, (1250, 3)).astype(numpy.float32), "f")
        uneven = (5000 + 5 * k if k < 30 else 12 + 5 * (k - 30)) + numpy.sort(random.uniform(0, 4.9, 7))
        out += xdf_samples(2, uneven, [[k * 7 + i] for i in range(7)], "i")
        out += xdf_samples(3, [5001.5 + 5 * k], [[f"mark {k}".encode()]], "string")
    file = folder / "lsl.xdf"
    file.write_bytes(out)
    return compare_xdf(folder / "xdf", file, resets=1)


def compare_xdf(store, file, resets):
    document = casebox.json("import", f"lsl={file}", "--case", "c", "--store", store)
    kept = [s for s in document["streams"] if s["name"].startswith("lsl.")]
    streams, _ = pyxdf.load_xdf(str(file), dejitter_timestamps=False)
    expect(len(kept) == len(streams), f"XDF: {len(kept)} streams of {len(streams)}")
    zero = min(s["time_stamps"][0] for s in streams if len(s["time_stamps"]))
    samples = 0
    for theirs in streams:
        name, stamps = theirs["info"]["name"][0], theirs["time_stamps"]
        ours = next(s for s in kept if s["name"] == f"lsl.{name}")
        expect(ours["items"] == len(stamps), f"XDF: {name} has {ours['items']} samples, pyxdf reads {len(stamps)}")
        if not len(stamps):
            continue
        cells = table(store, "c", ours["name"])
        worst = numpy.abs(numpy.array([float(t) for t in cells["t_s"]]) - (stamps - zero)).max()
        expect(worst < 0.001, f"XDF: a sample of {name} is {worst:.4f} s off")
        if theirs["info"]["channel_format"][0] == "string":
            expect(cells["text"] == ["\t".join(row) for row in theirs["time_series"]], f"XDF: texts of {name}")
            continue
        columns = [c for c in cells if c not in ("t_s", "u95_s")]
        for i, channel in enumerate(ours["channels"]):
            column = next(c for c in columns if c == channel["name"])
            wanted = numpy.asarray(theirs["time_series"])[:, i]
            got = numpy.array([float(v) if v else numpy.nan for v in cells[column]]).astype(wanted.dtype)
            expect(numpy.array_equal(got, wanted, equal_nan=wanted.dtype.kind == "f"),
                   f"XDF: {name}, channel {i} differs from what pyxdf reads")
        samples += len(stamps) * len(ours["channels"])
    reasons = [gap["reason"] for gap in casebox.json("show", "c", "--store", store)["gaps"]]
    expect(reasons.count("clock-reset") == resets, f"XDF: gaps {reasons}")
    return samples


with tempfile.TemporaryDirectory() as work:
    print(check_xdf(pathlib.Path(work)), "samples of XDF equal pyxdf's")
    print(check_edf(pathlib.Path(work)), "samples of EDF+ equal EDFlib's")
