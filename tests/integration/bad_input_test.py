"""bad_input_test.py CASEBOX

Input that is not what it says, and a disk that is full: each gives one clear line and its exit code, and costs
no other record.
"""

import pathlib
import random
import shutil
import subprocess
import sys
import tempfile

from support import Casebox, data_dir, expect, one_line_error

casebox = Casebox(sys.argv[1])
data = data_dir()


def csv_text(rows=200, bad_row=None):
    lines = ["Time(s),HeartRate(1/min),MeanArterialPressure(mmHg)"]
    for i in range(rows):
        value = "broken" if i == bad_row else f"{70 + i * 0.01:.2f}"
        lines.append(f"{i * 0.02:.2f},{value},{90 + i * 0.1:.1f}")
    return "\n".join(lines) + "\n"


def import_good(work, *files, code=0):
    """Imports beside a good file; returns the document."""
    store = work / "store"
    if store.exists():
        shutil.rmtree(store)
    good = work / "good.csv"
    good.write_text(csv_text())
    return casebox.json("import", good, *files, "--case", "A1", "--store", store, code=code)


def bad_csv(work):
    print("== a CSV with a wrong column")
    bad = work / "bad.csv"
    bad.write_text(csv_text(bad_row=57))
    done = casebox.run("import", bad, "--case", "B1", "--store", work / "s1", code=2)
    one_line_error(done, "bad.csv:59: column 2")
    expect("HeartRate" not in done.stderr and "broken" not in done.stderr, "the error quotes the file")


def bad_vital(work):
    print("== a truncated .vital")
    if data is None:
        print("   skipped: no real data here")
        return
    source = sorted((data / "vitals" / "vital_files").glob("*.vital"))[0]
    cut = work / "cut.vital"
    cut.write_bytes(source.read_bytes()[: source.stat().st_size * 6 // 10])
    document = import_good(work, cut, code=2)
    skipped = [s for s in document["skipped"] if s["file"] == "cut.vital"]
    expect(skipped, "what was cut off is not told")
    streams = {s["name"]: s for s in document["streams"]}
    expect(any(c["count"] == 200 for s in streams.values() for c in s["channels"]), "the good file lost samples")
    kept = [c["count"] for n, s in streams.items() if n.startswith("monitor.") for c in s["channels"]]
    expect(sum(kept) > 1000, "what was readable of the cut file is not there")
    verified = casebox.json("verify", work / "store")
    expect(verified["verdict"] == "COMPLETE_WITH_DECLARED_GAPS", f"verdict {verified['verdict']}: the cut is no gap")
    noise = work / "noise.vital"
    noise.write_bytes(random.Random(1).randbytes(5000))
    one_line_error(casebox.run("import", noise, "--case", "B2", "--store", work / "s2", code=2), "noise.vital")


def bad_media(work):
    print("== a corrupt mp4")
    noise = work / "noise.mp4"
    noise.write_bytes(b"\0\0\0\x18ftypmp42" + random.Random(2).randbytes(20000))
    one_line_error(casebox.run("import", noise, "--case", "B3", "--store", work / "s3", code=2), "noise.mp4")
    if shutil.which("ffmpeg") is None:
        print("   damaged packets: skipped: ffmpeg is not installed")
        return
    clip = work / "clip.mp4"
    subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc=s=160x120:r=10", "-t", "5", "-c:v", "libx264",
                    "-bf", "2", clip], check=True)
    whole = casebox.json("import", clip, "--case", "C0", "--store", work / "whole")
    video = next(s for s in whole["streams"] if s["kind"] == "video")
    expect(video["channels"][0]["count"] == 50, "not every packet of a whole clip is stored")
    # The tail of the media is gone: packets up to there are stored, the rest is told.
    bytes_ = clip.read_bytes()
    at = bytes_.index(b"mdat")
    damaged = work / "damaged.mp4"
    damaged.write_bytes(bytes_[: at + (len(bytes_) - at) // 2])
    done = casebox.run("import", work / "damaged.mp4", "--case", "C1", "--store", work / "s4", "--json", code=None)
    expect(done.returncode in (0, 2), f"exit code {done.returncode}")
    if done.returncode == 2:
        one_line_error(done, "damaged.mp4")


def unread_beside_good(work):
    print("== files that nobody can read, beside one that can be read")
    (work / "mrs-smith.mp4").write_bytes(b"\0\0\0\x18ftypmp42" + random.Random(3).randbytes(20000))
    (work / "empty.csv").write_text("")
    (work / "half.csv").write_text(csv_text(bad_row=57))
    (work / "dust.vital").write_bytes(random.Random(4).randbytes(5000))
    (work / "list.json").write_text('{"phases": [')
    (work / "folder.mp4").mkdir()
    for name, stream in (("mrs-smith.mp4", "scope.video"), ("empty.csv", "table2.series"), ("half.csv", "table2.series"),
                         ("dust.vital", "monitor.numerics"), ("list.json", "annotation.phases"),
                         ("folder.mp4", "scope.video")):
        document = import_good(work, work / name, code=2)
        expect([s["file"] for s in document["skipped"]] == [name], f"{name}: skipped says {document['skipped']}")
        verified = casebox.json("verify", work / "store")
        expect(verified["verdict"] == "COMPLETE_WITH_DECLARED_GAPS", f"{name}: {verified['verdict']}")
        shown = casebox.json("show", document["case_id"], "--store", work / "store")
        gaps = [(g["stream"], g["reason"], g["origin"], g["count"], g["t0_s"], g["t1_s"]) for g in shown["gaps"]]
        expect(gaps == [(stream, "file-unreadable", "decode", None, 0, 4)], f"{name}: gaps {gaps}")
        for log in (work / "store").rglob("*.cblog"):
            expect(name.split(".")[0].encode() not in log.read_bytes(), f"{name} stands in the clear in {log.name}")
    (work / "none.json").write_text('{"phases": [], "steps": []}')
    document = import_good(work, work / "none.json", code=2)
    shown = casebox.json("show", document["case_id"], "--store", work / "store")
    gaps = [(g["stream"], g["reason"], g["t0_s"], g["t1_s"]) for g in shown["gaps"]]
    expect(gaps == [("annotation.phases", "source-absent", 0, 4)], f"a file with nothing in it: gaps {gaps}")


def bad_config(work):
    print("== a configuration with an unknown field")
    config = work / "recorder.yaml"
    config.write_text("room: or-1\nprocedure: lap-cholecystectomy\nspool_dir: x\nspol_size: 5\n")
    one_line_error(casebox.run("record", "--config", config, code=2), "recorder.yaml:4", "spol_size")
    one_line_error(casebox.run("config", "check", config, code=2), "recorder.yaml:4", "spol_size")
    one_line_error(casebox.run("record", "--config", work / "none.yaml", code=2), "none.yaml")


def bad_frame(work):
    print("== bytes in a log that are no frame")
    import_good(work)
    before = casebox.json("cases", "--store", work / "store")["cases"][0]
    log = sorted((work / "store" / "logs").glob("*/*.cblog"))[0]
    good = log.read_bytes()
    log.write_bytes(good[:-200] + b"\x55" * 100 + good[-100:])
    done = casebox.run("ingest", "--store", work / "other", "--keys", work / "store" / "keys", "--logs", log.parent,
                       "--until-idle", 0.5, "--json", code=None)
    expect(done.returncode in (0, 3), f"exit code {done.returncode}: {done.stderr}")
    after = casebox.json("cases", "--store", work / "store")["cases"][0]
    expect(after["case_id"] == before["case_id"], "the case is gone")
    other = casebox.run("verify", work / "other", "--json", code=None)
    expect(other.returncode == 3, "a damaged log makes a good store")


def same_source_twice(work):
    print("== the same source again")
    import_good(work)
    done = casebox.run("import", work / "good.csv", "--case", "A2", "--store", work / "store", code=None)
    expect(done.returncode != 0, "the same file was imported twice")
    one_line_error(done)


def full_disk(work):
    print("== a full disk")
    folder = work / "sim"
    casebox.run("simulate", "--seed", 4, "--duration-scale", 0.3, "--clean", "--out", folder)
    casebox.run("record", "--config", folder / "recorder.yaml")
    size = sum(f.stat().st_size for f in (folder / "spool").glob("*.cblog"))
    expect(size > 4 << 20, f"the recording of {size} bytes is too small for this test")
    disk = work / "disk"
    disk.mkdir()
    reserve = 64 << 20  # storage::Options: kept free
    mount = ["mount", "-t", "tmpfs", "-o", f"size={reserve + size // 2}", "tmpfs", disk]
    if subprocess.run(mount, capture_output=True).returncode != 0:
        print("   skipped: a small file system cannot be mounted here (needs root)")
        return
    try:
        ingest = ("ingest", "--store", disk / "store", "--keys", folder / "keys", "--logs", folder / "spool",
                  "--until-idle", 1)
        process = casebox.start(*ingest)
        try:
            process.wait(timeout=20)
            expect(process.returncode != 0, "ingest says that all is well on a full disk")
            text = process.stderr.read()
        except subprocess.TimeoutExpired:
            process.terminate()  # it waits for space: right as well, if it says so
            text = process.communicate(timeout=30)[1]
        expect("space" in text.lower(), f"nothing is said of the full disk: {text[-500:]!r}")
        subprocess.run(["mount", "-o", "remount,size=400m", disk], check=True)
        casebox.run(*ingest)
        casebox.run(*ingest[:2], work / "reference", *ingest[3:])
        full = casebox.json("verify", disk / "store")
        reference = casebox.json("verify", work / "reference")
        expect(full["verdict"] == "COMPLETE", f"after the full disk: {full['verdict']}")
        expect(full["cases"][0]["case_digest"] == reference["cases"][0]["case_digest"], "the stores differ")
    finally:
        subprocess.run(["umount", disk], check=True)


with tempfile.TemporaryDirectory() as temporary:
    for test in (bad_csv, bad_vital, bad_media, unread_beside_good, bad_config, bad_frame, same_source_twice, full_disk):
        folder = pathlib.Path(temporary) / test.__name__
        folder.mkdir()
        test(folder)
print("passed")
