"""real_signals_test.py CASEBOX

Real recordings of signals: WFDB records of every kind, XDF with clock resets and empty streams. Every sample that
comes out of `import` is the one that other people's readers find.
"""

import hashlib
import pathlib
import sys
import tempfile

from support import Casebox, data_dir, expect, skip, with_packages

with_packages("numpy", "wfdb", "pyxdf")

import numpy  # noqa: E402
import pyxdf  # noqa: E402
import wfdb  # noqa: E402

casebox = Casebox(sys.argv[1])
PLAIN = ("100", "a103l", "flacformats", "mixedsignals", "s0010_re", "test01_00s")


def digest_of(codes):
    return hashlib.sha256(numpy.asarray(codes).astype("<i4").tobytes()).hexdigest()


def imported(store, source):
    return casebox.json("import", source, "--case", "c", "--store", store)


def check_wfdb(folder, data, name):
    """Codes as the record has them, those that are none left out."""
    document = imported(folder / name, f"m={data / name}.hea")
    ours = {c["name"]: (s, c) for s in document["streams"] for c in s["channels"]}
    theirs = wfdb.rdrecord(str(data / name), physical=False, smooth_frames=False)
    samples = 0
    for i, signal in enumerate(theirs.sig_name):
        stream, channel = ours[signal]
        codes = numpy.asarray(theirs.e_d_signal[i])
        missing = stream["missing"]
        expect(stream["items"] + missing == len(codes), f"{name}: {signal} has {stream['items']} + {missing} samples, "
               f"wfdb reads {len(codes)}")
        if missing == 0:
            expect(channel["digest"] == digest_of(codes), f"{name}: {signal} differs from what wfdb reads")
        samples += len(codes)
    if (data / f"{name}.atr").exists():
        marks = wfdb.rdann(str(data / name), "atr")
        events = [s for s in document["streams"] if s["name"] == "m.events"]
        expect(events and events[0]["items"] == len(marks.sample), f"{name}: annotations")
    return samples


def check_segments(folder, data):
    """A record of several segments: values and gaps as wfdb puts them together."""
    samples = 0
    for name in ("fixed1/v102s", "s00001/s00001-2896-10-09-01-56"):
        head = data / "multi-segment" / name
        if not head.with_suffix(".hea").exists():
            continue
        document = imported(folder / head.name, f"m={head}.hea")
        theirs = wfdb.rdrecord(str(head))
        for i, signal in enumerate(theirs.sig_name):
            there = int(numpy.count_nonzero(~numpy.isnan(theirs.p_signal[:, i])))
            stream = next(s for s in document["streams"] if s["name"] == f"m.{signal}")
            expect(stream["items"] == there, f"{name}: {signal} has {stream['items']} values, wfdb reads {there}")
            expect(stream["missing"] == len(theirs.p_signal) - there, f"{name}: {signal} misses {stream['missing']}")
            samples += there
    return samples


def check_xdf(folder, file):
    document = casebox.json("import", f"lsl={file}", "--dry-run", code=None)
    streams, _ = pyxdf.load_xdf(str(file), dejitter_timestamps=False)
    zero = min(s["time_stamps"][0] for s in streams if len(s["time_stamps"]))
    for theirs in streams:
        ours = next(s for s in document["streams"] if s["name"] == "lsl." + theirs["info"]["name"][0])
        stamps = theirs["time_stamps"]
        expect(ours["items"] == len(stamps), f"{file.name}: {ours['name']} has {ours['items']} samples")
        if len(stamps):
            for key, at in (("first_t_s", stamps[0]), ("last_t_s", stamps[-1])):
                slack = 0.002 + (1 / float(theirs["info"]["nominal_srate"][0] or 0) * 260
                                 if key == "last_t_s" and float(theirs["info"]["nominal_srate"][0]) else 0)
                expect(abs(ours[key] - (at - zero)) < slack, f"{file.name}: {ours['name']}: {key} {ours[key]}, "
                       f"pyxdf {at - zero}")
    return sum(len(s["time_stamps"]) for s in streams)


def main():
    data = data_dir()
    if data is None or not (data / "vitals/wfdb").is_dir() or not (data / "xdf").is_dir():
        skip("no real signals: neither in CASEBOX_TEST_DATA nor in ../shared/data")
    with tempfile.TemporaryDirectory() as work:
        folder = pathlib.Path(work)
        print(sum(check_wfdb(folder, data / "vitals/wfdb", name) for name in PLAIN), "samples of WFDB equal wfdb's")
        print(check_segments(folder, data / "vitals/wfdb"), "values of segments as wfdb puts them together")
        print(sum(check_xdf(folder, file) for file in sorted((data / "xdf").glob("*.xdf"))), "samples of XDF")


main()
