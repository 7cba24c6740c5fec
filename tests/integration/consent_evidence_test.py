#!/usr/bin/env python3
"""What is obeyed of consent is what somebody who may say it has signed; and a change that is not stored is no change.

    consent_evidence_test.py CASEBOX

Strangers without a key append to the log of a recorder that died; a case is years old; custody may no longer sign; the
store was changed; a copy of the logs leaves the custody log out.
"""

import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "attack"))
from support import Casebox, expect, with_packages

with_packages("crc32c", "nacl", "zstandard", "cryptography", "rocksdict")
import casebox_format as cb
import log_files
import wire
from store_copy import Rows
from store_db import Database

casebox = Casebox(sys.argv[1])
EVERYTHING = {"granted": [1, 2, 3, 4, 5, 6, 7], "recorded_by": "nurse", "given_by": 1}
DAY_NS = 86_400_000_000_000


def granted(case, at, code=0):
    return casebox.json("consent", case, *at, code=code)["granted"]


def ingest(at, *logs):
    return casebox.run("ingest", *at, *[word for log in logs for word in ("--logs", log)], "--until-idle", 0.3)


def import_table(folder, name, date, at):
    table = folder / f"{name}.csv"
    table.write_text("time,HR\n" + "".join(f"{date}T08:{i // 60:02}:{i % 60:02}Z,{60 + i}\n" for i in range(120)), encoding="utf-8")
    casebox.run("import", table, "--case", name, "--procedure", "lap-cholecystectomy", "--consent", "record,quality", *at)


def of_long_ago(folder):
    print("== consent to a case of years ago is taken back")
    at = ["--store", folder / "old", "--keys", folder / "keys"]
    import_table(folder, "years", "2019-03-01", at)
    start = casebox.json("cases", *at)["cases"][0]["start"]
    expect(start.startswith("2019-03-01"), f"a case without its date is of no year: {start}")
    casebox.run("consent", "years", "--withdraw", "quality", *at)
    expect(granted("years", at) == ["record"], f"{granted('years', at)}")
    casebox.run("export", "years", "--format", "xes", *at, code=4)
    expect(casebox.json("verify", folder / "old")["verdict"] == "COMPLETE", "the act made the case another")


def that_is_not_stored(folder):
    print("== a change that nobody takes in is no change, and that is said")
    at = ["--store", folder / "old", "--keys", folder / "keys"]
    import_table(folder, "again", "2026-03-01", at)
    casebox.run("keys", "disable", "custody", "--keys", folder / "keys")
    done = casebox.run("consent", "again", "--withdraw", "quality", *at, code=3)
    expect("NOT in force" in done.stderr and "quarantine" in done.stderr and not done.stdout, f"{done.stdout} {done.stderr}")
    expect(sorted(granted("again", at)) == ["quality", "record"], "it says what is in force")


def dead_recorder(folder):
    """The log of a recorder that was killed in the middle of a case, and the keys of its site."""
    room = folder / "room"
    casebox.run("simulate", "--seed", 5, "--duration-scale", 0.05, "--no-video", "--speed", 4, "--out", room)
    recorder = subprocess.Popen([casebox.program, "record", "--config", room / "recorder.yaml"],
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while True:
        expect(time.monotonic() < deadline and recorder.poll() is None, "the recorder writes nothing")
        time.sleep(0.3)
        if not list((room / "spool").glob("*.cblog")):
            continue
        log = log_files.Log(room / "spool")
        if sum(p[2].kind == cb.BEAT for p in log.frames(stream=0)) >= 8:
            break
    recorder.send_signal(signal.SIGKILL)
    recorder.wait()
    (room / "spool/alive").unlink(missing_ok=True)
    return room, log_files.Log(room / "spool")


def with_more(log, frame, to):
    """A copy of a log, under another name, with a frame behind its last one."""
    forged = log.clone()
    forged.files[-1].items.append(log_files.Item(frame))
    forged.settle()
    for name in ("reserve", "control"):
        forged.others.pop(name, None)
    forged.others["id"] = b"fedcba9876543210"
    shutil.rmtree(to, ignore_errors=True)
    forged.save(to)
    return to


def strangers_append(folder):
    print("== what a stranger appends to the log of a dead recorder is not obeyed, and leaves nothing behind")
    room, log = dead_recorder(folder)
    case = log.files[0].header["case_id"].hex()
    control = [p[2] for p in log.frames(stream=0)]
    said = next(f for f in control if f.kind == cb.CONSENT)
    clock = next(f for f in control if f.kind == cb.CLOCK)
    last = control[-1]
    at = ["--store", folder / "unclosed", "--keys", room / "keys"]
    ingest(at, room / "spool")
    before = granted(case, at)
    expect("quality" in before and "litigation" not in before, f"{before}")
    forged = said.changed(first=last.next, t=last.t + 1_000_000_000, message=EVERYTHING)
    ingest(at, with_more(log, forged, folder / "forged"))
    expect(granted(case, at) == before, f"a stranger without a key gave consent: {granted(case, at)}")
    ingest(at, with_more(log, said.changed(first=last.next, t=last.t + 1, message={"withdrawn": [1, 2], "recorded_by": "nurse"}),
                         folder / "forged"))
    expect(granted(case, at) == before, "a stranger without a key took consent back")
    asked = casebox.json("query", "duration >= 0", *at)
    expect((asked["scanned_cases"], asked["refused_cases"]) == (1, 0), f"a question obeys what nobody signed: {asked}")

    at = ["--store", folder / "closed", "--keys", room / "keys"]
    for name, frame in (("clock", clock.changed(first=last.next, t=last.t + 2 * DAY_NS)), ("gap", gap_behind(log))):
        shutil.rmtree(folder / "closed", ignore_errors=True)
        ingest(at, room / "spool")
        ingest(at, with_more(log, frame, folder / "forged"))
        whole = folder / "whole"
        shutil.rmtree(whole, ignore_errors=True)
        shutil.copytree(room / "spool", whole)
        casebox.run("recover", whole, "--keys", room / "keys", code=None)
        ingest(at, whole)
        shown = casebox.json("verify", folder / "closed", "--trust", room / "keys/trust.list", code=3)
        expect(shown["verdict"] == "UNCLOSED" and not shown["problems"], f"{name}: {shown['verdict']} {shown['problems']}")


def gap_behind(log):
    data = [p[2] for p in log.frames() if p[2].stream != 0]
    last = [f for f in data if f.stream == data[-1].stream][-1]
    return cb.Frame(cb.GAP, 0, last.stream, last.epoch, last.next, 7, t=last.t + 2 * DAY_NS,
                    body=wire.encode("Gap", {"origin": 1, "reason": "disconnected", "missing": 7}))


def copies(folder):
    print("== a copy of the logs has what was done later, and a store that was changed is not signed again")
    keys = folder / "copied-keys"
    at = ["--store", folder / "first", "--keys", keys]
    import_table(folder, "copied", "2026-03-01", at)
    case = casebox.json("cases", *at)["cases"][0]["case_id"]
    casebox.run("consent", case, "--withdraw", "quality", *at)
    logs = casebox.json("replay", case, "--to-log", folder / "log", *at)["logs"]
    expect(logs == [str(folder / "log"), str(folder / "log/custody")], f"{logs}")
    second = ["--store", folder / "second", "--keys", keys]
    ingest(second, *logs)
    expect(granted(case, second) == ["record"], "the copy gives consent that was taken back")
    alone = ["--store", folder / "alone", "--keys", keys]
    ingest(alone, logs[0])
    expect(any("kept back" in line for line in casebox.json("verify", folder / "alone")["not_proven"]),
           "nobody is told that the custody log may be missing")

    # The row of the withdrawal is changed to a grant of everything.
    changed = 0
    with Database(folder / "first") as db:
        for key, parsed, proof in Rows(db, None).proofs(case=bytes.fromhex(case.replace("-", "")), stream=0):
            frame = cb.parse(proof.frame)
            if frame.kind == cb.CONSENT:
                Rows(db, None).put_control(key, frame.changed(message=EVERYTHING), proof)
                changed += 1
    expect(changed > 0, "no row was changed: the test proves nothing")
    refused = casebox.run("consent", case, "--withdraw", "research", *at, code=3)
    expect("TAMPERED" in refused.stderr and "withdraw every scope" in refused.stderr, refused.stderr)
    briefing = casebox.run("report", "briefing", case, "--out", folder / "b.html", *at, code=3)
    expect("TAMPERED" in briefing.stderr and "no key" not in briefing.stderr, f"the verdict is the reason: {briefing.stderr}")
    everything = ["record", "quality", "teaching", "research", "patient-briefing", "litigation", "staff-record"]
    listing = [word for scope in everything for word in ("--withdraw", scope.replace("-", "_"))]
    casebox.run("consent", case, *listing, *at, code=None)
    ingest(second, folder / "first/logs/custody")
    expect(granted(case, second) == [], "taking back everything needs no word of what was in force")


def notes(folder):
    print("== what a reader found counts until every byte was read again")
    at = ["--store", folder / "second", "--keys", folder / "copied-keys"]
    case = casebox.json("cases", *at)["cases"][0]["case_id"]
    (folder / "second/found").mkdir(exist_ok=True)
    (folder / f"second/found/{case}").write_text("DAMAGED")
    expect(casebox.json("cases", *at, code=None)["cases"][0]["verdict"] == "DAMAGED", "the note is not heard")
    casebox.run("verify", folder / "second")
    expect(casebox.json("cases", *at)["cases"][0]["verdict"] == "COMPLETE", "`casebox verify` read all of it, and the note stays")


def main():
    with tempfile.TemporaryDirectory(prefix="casebox-consent-") as name:
        folder = pathlib.Path(name)
        of_long_ago(folder)
        that_is_not_stored(folder)
        strangers_append(folder)
        copies(folder)
        notes(folder)
    print("passed")


main()
