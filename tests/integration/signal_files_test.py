"""signal_files_test.py CASEBOX

Files of signals (EDF, EDF+), made here by other people's writers: every sample that comes out of `import` and
`export` is the one that other people's readers find.
"""

import csv
import hashlib
import io
import pathlib
import sys
import tempfile

from support import Casebox, expect, with_packages

with_packages("numpy", "pyedflib")

import numpy  # noqa: E402
import pyedflib  # noqa: E402

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


with tempfile.TemporaryDirectory() as work:
    print(check_edf(pathlib.Path(work)), "samples of EDF+ equal EDFlib's")
