"""evidence_test.py CASEBOX

Verdicts over a recording, its log and its store: complete, with declared gaps, unclosed after kill -9,
tampered after any flipped byte; all of it without a key. Without the case's private key recording, storing
and verifying go on, and nothing can be read.
"""

import json
import pathlib
import random
import shutil
import signal
import sys
import tempfile
import time

from support import Casebox, expect

casebox = Casebox(sys.argv[1])
GOOD = ("COMPLETE", "COMPLETE_WITH_DECLARED_GAPS")


def simulate(folder, *options):
    casebox.run("simulate", "--seed", 11, "--duration-scale", 0.05, "--out", folder, *options)
    return folder


def record(folder):
    return casebox.json("record", "--config", folder / "recorder.yaml")


def store(folder, keys=None):
    casebox.run("ingest", "--store", folder / "store", "--keys", keys or folder / "keys", "--logs", folder / "spool",
                "--until-idle", 0.5)
    return folder / "store"


def verdict(path, *options):
    good = casebox.run("verify", path, "--json", *options, code=None)
    document = json.loads(good.stdout)
    expect(good.returncode == (0 if document["verdict"] in GOOD else 3),
           f"{document['verdict']} with exit code {good.returncode}")
    return document


def expect_verdict(path, wanted, *options):
    got = verdict(path, *options)
    expect(got["verdict"] == wanted, f"{path.name}: {got['verdict']}, {wanted} expected: {got['problems'][:3]}")
    return got


def clean_and_gaps(work):
    print("== a clean case is complete, a lossy one says what it lost")
    for name, options, wanted in (("clean", ("--clean",), "COMPLETE"),
                                  ("lossy", ("--faults", "dropout-known,dropout-unknown,loss"),
                                   "COMPLETE_WITH_DECLARED_GAPS")):
        folder = simulate(work / name, *options)
        record(folder)
        in_log = expect_verdict(folder / "spool", wanted)
        in_store = expect_verdict(store(folder), wanted)
        expect(in_log["cases"][0]["case_digest"] == in_store["cases"][0]["case_digest"],
               "log and store hold different cases")
        shutil.move(folder / "keys", folder / "keys-elsewhere")
        expect_verdict(folder / "spool", wanted)
        expect_verdict(folder / "store", wanted)
        shutil.move(folder / "keys-elsewhere", folder / "keys")
    lossy = verdict(work / "lossy" / "store")
    expect(any(s["gap_frames"] > 0 for s in lossy["streams"]), "no gap frame although streams dropped out")


def killed(work):
    print("== kill -9 of the recorder")
    folder = simulate(work / "killed", "--speed", 8, "--clean", "--no-video")
    process = casebox.start("record", "--config", folder / "recorder.yaml")
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        time.sleep(0.5)
        spool = folder / "spool"
        if spool.is_dir() and sum(f.stat().st_blocks * 512 for f in spool.glob("*.cblog")) > 200_000:
            break
    time.sleep(1)
    expect(process.poll() is None, "the recorder ended before it could be killed")
    process.send_signal(signal.SIGKILL)
    process.wait()
    got = expect_verdict(folder / "spool", "UNCLOSED")
    expect(not [p for p in got["problems"] if p["kind"] != "torn-tail"], f"problems: {got['problems'][:3]}")
    expect(got["cases"][0]["valid_to_s"] > 1, "nothing before the kill is proven")
    recovered = casebox.json("recover", folder / "spool", "--keys", folder / "keys", code=3)
    expect(recovered["finished_epoch"], "recovery did not finish the epoch")
    lived = recovered["lived_until_s"]
    expect(all(max(s["lost_from_s"], lived) <= s["lost_until_s"] for s in recovered["streams"]),
           f"a loss that does not reach from the last item to the last proof of life: {recovered}")
    after = expect_verdict(folder / "spool", "UNCLOSED")
    expect(all(s["unknown_gaps"] == 1 for s in after["streams"]), "a stream's loss is not declared")
    expect_verdict(store(folder), "UNCLOSED")


def flipped(work):
    print("== flipped bytes")
    chance = random.Random(5)
    folder = work / "clean"
    files = sorted((folder / "spool").glob("*.cblog"))
    for _ in range(40):
        path = chance.choice(files)
        size = path.stat().st_size
        at = chance.randrange(600, size)
        with open(path, "r+b") as f:
            f.seek(at)
            byte = f.read(1)
            f.seek(at)
            f.write(bytes([byte[0] ^ 1 << chance.randrange(8)]))
        expect_verdict(folder / "spool", "DAMAGED")
        with open(path, "r+b") as f:
            f.seek(at)
            f.write(byte)
    expect_verdict(folder / "spool", "COMPLETE")

    # In the store some bytes carry nothing (RocksDB's own text log, unused space): a good verdict is right
    # only while the case is still the same, byte for byte.
    whole = verdict(folder / "store")["cases"][0]["case_digest"]
    files = [f for f in sorted((folder / "store" / "shards").rglob("*")) if f.is_file() and f.stat().st_size > 64]
    noticed = 0
    for _ in range(40):
        path = chance.choice(files)
        copy = work / "flipped"
        shutil.copytree(folder / "store", copy)
        target = copy / path.relative_to(folder / "store")
        at = chance.randrange(target.stat().st_size)
        with open(target, "r+b") as f:
            f.seek(at)
            byte = f.read(1)
            f.seek(at)
            f.write(bytes([byte[0] ^ 1 << chance.randrange(8)]))
        done = casebox.run("verify", copy, "--json", code=None)
        if done.returncode == 0:
            document = json.loads(done.stdout)
            expect([c["case_digest"] for c in document["cases"]] == [whole],
                   f"{path.name} byte {at}: another case, and the verdict is good")
        else:
            noticed += 1
        shutil.rmtree(copy)
    expect(noticed > 5, f"only {noticed} of 40 flips of the store were noticed")
    print(f"   {noticed} of 40 flips in the store noticed, the others changed no record")


def found_by_reading(work):
    """A kept verdict is by signatures and chains; what somebody found by reading is said from then on."""
    print("== lists say what reading found")
    folder = work / "clean"
    copy = work / "read"
    shutil.copytree(folder / "store", copy)
    segment = max((copy / "shards").rglob("*.seg"), key=lambda path: path.stat().st_size)

    def flip():
        with open(segment, "r+b") as f:
            f.seek(segment.stat().st_size // 2)
            byte = f.read(1)
            f.seek(-1, 1)
            f.write(bytes([byte[0] ^ 4]))

    def listed(*options):
        return casebox.json("cases", "--store", copy, "--keys", folder / "keys", *options)["cases"][0]

    case = listed()
    shown = casebox.json("show", case["case_id"], "--store", copy, "--keys", folder / "keys")
    name = next(stream["name"] for stream in shown["streams"] if stream["stream_id"] == int(segment.parent.name))
    flip()
    for step in ("--verify", "export", "show"):
        expect(listed()["verdict"] == "COMPLETE", "the kept verdict is the one that was made")
        if step == "show":
            done = casebox.run("show", case["case_id"], "--store", copy, "--keys", folder / "keys", code=None)
            expect(done.returncode == 3 and done.stdout.startswith("DAMAGED") and "checksum" in done.stdout,
                   f"show of it: {done.returncode} {done.stdout} {done.stderr}")
        elif step == "export":
            casebox.run("export", case["case_id"], "--store", copy, "--keys", folder / "keys", "--format", "mp4",
                        "--stream", name, "--out", work / "read.mp4", "--unproven", code=3)
        else:
            expect(listed("--verify")["verdict"] == "DAMAGED", "a flipped picture was not found")
        expect(listed()["verdict"] == "DAMAGED", f"after {step} the list says {listed()['verdict']}")
        flip()
        expect(listed()["verdict"] == "DAMAGED", "nobody has read the bytes again")
        expect(listed("--verify")["verdict"] == "COMPLETE", "the bytes are as they were")
        expect(listed()["verdict"] == "COMPLETE", "what was found is not forgotten")
        flip()
    shutil.rmtree(copy)


def without_private_key(work):
    print("== without the private key")
    folder = simulate(work / "sealed", "--clean", "--no-video")
    record(folder)
    for key in (folder / "keys" / "cases").glob("*.key"):
        key.unlink()
    expect_verdict(store(folder), "COMPLETE")
    cases = casebox.json("cases", "--store", folder / "store", "--keys", folder / "keys")["cases"]
    expect(len(cases) == 1 and cases[0]["state"] == "closed", "the case is not stored and closed")
    case_id = cases[0]["case_id"]
    shown = casebox.json("show", case_id, "--store", folder / "store", "--keys", folder / "keys")
    expect(shown["sealed"] is True and shown["phases"] == [], "content is shown without a key")
    expect(any(s["items"] > 0 for s in shown["streams"]), "nothing is counted")
    done = casebox.run("export", case_id, "--store", folder / "store", "--keys", folder / "keys", "--format", "csv",
                       "--stream", "monitor.numerics", code=None)
    expect(done.returncode != 0 and done.stdout.count("\n") <= 1, "content is exported without a key")
    # Public halves are all that recording needs.
    again = simulate(work / "sealed", "--clean", "--no-video")
    shutil.rmtree(again / "spool")
    record(again)
    expect_verdict(again / "spool", "COMPLETE")


with tempfile.TemporaryDirectory() as temporary:
    work = pathlib.Path(temporary)
    clean_and_gaps(work)
    killed(work)
    flipped(work)
    found_by_reading(work)
    without_private_key(work)
print("passed")
