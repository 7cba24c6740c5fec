"""said_test.py CASEBOX

What is said when something is wrong outside the record: a log that another took the place of, a folder that never
came, output that cannot be written, a case that does not hold any more, a recording that somebody stopped, a damaged
audit trail, text that would write to a terminal.
"""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

from support import Casebox, expect, one_line_error

casebox = Casebox(sys.argv[1])
GOOD = "COMPLETE_WITH_DECLARED_GAPS"


def ingest(work, *logs, store="store", **options):
    return casebox.run("ingest", "--store", work / store, "--keys", work / "room/keys",
                       *(part for log in logs for part in ("--logs", log)), "--until-idle", 0.2, **options)


def ids(work, store="store"):
    return {c["case_id"]: c["verdict"] for c in
            casebox.json("cases", "--store", work / store, "--keys", work / "room/keys")["cases"]}


def room(work, *options, name="room"):
    casebox.run("simulate", "--seed", 3, "--duration-scale", 0.02, "--out", work / name, *options)
    return work / name / "recorder.yaml"


def record(config):
    return casebox.json("record", "--config", config)["case_id"]


def logs_of_one_name(work):
    print("== a log put back from a backup: what was recorded since is stored, whatever place the store had in it")
    config, spool = room(work, "--no-video"), work / "room/spool"
    first = record(config)
    shutil.copytree(spool, work / "backup")
    second = record(config)
    ingest(work, spool)
    expect(set(ids(work)) == {first, second}, f"stored: {ids(work)}")
    shutil.rmtree(spool)
    shutil.copytree(work / "backup", spool)
    third = record(config)
    said = ingest(work, spool).stderr
    expect("is not the log that was read under its name" in said, f"said: {said}")
    expect(set(ids(work)) == {first, second, third}, f"the case after the backup is missing: {ids(work)}")
    said = ingest(work, spool).stderr
    expect("stored 0 frames, knew 0 already" in said, f"read again, though nothing changed: {said}")


def folder_that_never_came(work):
    print("== a folder that never came is no success, and finds nothing that was lost")
    shutil.copytree(work / "store", work / "lossy")
    (work / "lossy/shards/0/commits").unlink()
    before = casebox.run("verify", work / "lossy", code=3).stdout
    expect("DAMAGED" in before, f"verify: {before}")
    done = ingest(work, work / "nothere", store="lossy", code=2)
    expect("nothere: no such folder" in one_line_error(
        subprocess.CompletedProcess([], 2, "", done.stderr.splitlines()[-1])), done.stderr)
    (work / "empty").mkdir()
    ingest(work, work / "empty", store="lossy")
    after = casebox.run("verify", work / "lossy", code=3).stdout
    expect("DAMAGED" in after, f"what was lost is forgotten although nothing was read: {after}")
    ingest(work, work / "room/spool", store="lossy")
    expect("DAMAGED" not in casebox.run("verify", work / "lossy").stdout, "all was read again")


def output(work, case):
    print("== output that cannot be written is a failure; pipes and devices are written to and stay what they are")
    at = ("--store", work / "store", "--keys", work / "room/keys")
    for command in (["cases"], ["show", case], ["query", "", "--json"], ["replay", case, "--speed", "0"]):
        with open("/dev/full", "w") as full:
            done = subprocess.run([casebox.program, *map(str, [*command, *at])], stdout=full, stderr=subprocess.PIPE,
                                  text=True, timeout=120)
        expect(done.returncode == 1 and "No space left" in done.stderr, f"{command}: {done.returncode} {done.stderr}")
    pipe = work / "pipe"
    os.mkfifo(pipe)
    got = []
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()))
    reader.start()
    export = ("export", case, "--format", "csv", "--stream", "esu.state", *at)
    casebox.run(*export, "--out", pipe)
    reader.join(20)
    expect(pipe.is_fifo(), "the pipe is a file now")
    expect(got and got[0] == casebox.run(*export).stdout.encode(), "the pipe did not get what was exported")
    (work / "target.csv").write_text("old")
    (work / "link.csv").symlink_to(work / "target.csv")
    casebox.run(*export, "--out", work / "link.csv")
    expect((work / "link.csv").is_symlink() and len((work / "target.csv").read_text()) > 10, "a link is written through")
    one_line_error(casebox.run(*export, "--out", work, code=2), "is a folder")
    one_line_error(casebox.run("keys", "trust", "--out", pipe, "--keys", work / "room/keys", code=2), "no file")


def known_to_be_damaged(work):
    print("== what one reader found of a case, every door says, and a backup keeps")
    config = room(work, name="filmed")
    case = record(config)
    keys = work / "filmed/keys"
    casebox.run("ingest", "--store", work / "films", "--keys", keys, "--logs", work / "filmed/spool",
                "--until-idle", 0.2)
    at = ("--store", work / "films", "--keys", keys)
    segment = max((work / "films/shards/0/media").rglob("*.seg"), key=lambda f: f.stat().st_size)
    data = bytearray(segment.read_bytes())
    data[len(data) // 2] ^= 1
    segment.write_bytes(data)
    shown = casebox.json("show", case, *at, code=3)
    expect(shown["verdict"] == "DAMAGED" and shown["problems"] and not shown["phases"], f"show: {shown['verdict']}")
    server = casebox.start("serve", *at, "--port", 0, "--json")
    try:
        url = json.loads(server.stdout.readline())["url"].rstrip("/")
        with urllib.request.urlopen(f"{url}/api/cases/{case}", timeout=30) as answer:
            told = json.load(answer)
            expect(answer.headers["Casebox-Verdict"] == told["verdict"] == "DAMAGED" and not told["complete"],
                   f"the page says {answer.headers['Casebox-Verdict']}")
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(20)
        server.stdout.close()
        server.stderr.close()
    done = casebox.run("export", case, "--format", "csv", "--stream", "esu.state", *at, code=3)
    expect("DAMAGED" in done.stderr and len(done.stdout.splitlines()) <= 1, f"export: {done.stdout[:200]} {done.stderr}")
    casebox.run("backup", "--out", work / "copy", "--store", work / "films")
    casebox.run("restore", work / "copy", "--store", work / "again")
    listed = casebox.json("cases", "--store", work / "again", "--keys", keys)["cases"]
    expect(listed[0]["verdict"] == "DAMAGED", f"the restored copy is said to be {listed[0]['verdict']}")
    data[len(data) // 2] ^= 1
    segment.write_bytes(data)
    expect(casebox.json("show", case, "--verify", *at)["verdict"] == GOOD, "every byte was read again and holds")
    expect(casebox.json("show", case, *at)["verdict"] == GOOD, "and it is not said any more")


def written(spool):
    """Whether a log holds a case with some seconds of frames."""
    if not list(spool.glob("*.cblog")):
        return False
    done = casebox.run("verify", spool, "--json", code=None)
    return done.stdout.startswith("{") and json.loads(done.stdout)["frames"] > 40


def stopped(work):
    print("== a recording that somebody stopped says so")
    config = room(work, "--no-video", name="stopped")
    config.write_text(config.read_text().replace("as_fast_as_possible: true", "as_fast_as_possible: false")
                      .replace("speed: 0", "speed: 1"))
    process = casebox.start("record", "--config", config)
    deadline = time.monotonic() + 60
    while not written(work / "stopped/spool"):
        expect(time.monotonic() < deadline and process.poll() is None, "nothing is recorded")
        time.sleep(0.3)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    at = ("--store", work / "cut", "--keys", work / "stopped/keys")
    casebox.run("ingest", *at, "--logs", work / "stopped/spool", "--until-idle", 0.2)
    case = casebox.json("cases", *at)["cases"][0]["case_id"]
    expect(casebox.json("show", case, *at)["ended"] == "stopped", "show --json does not say that it was stopped")
    expect("stopped the recording" in casebox.run("show", case, *at).stdout, "show does not say that it was stopped")


def end_of_the_last_row(work):
    print("== a source that never came is missed up to the end of the last row of the others")
    folder = work / "rows"
    folder.mkdir()
    (folder / "hr.csv").write_text("time,HR\n" + "".join(f"{i},{60 + i % 7}\n" for i in range(600)))
    (folder / "recorder.yaml").write_text(f"""room: or-1
procedure: lap-cholecystectomy
spool_dir: {folder}/spool
keystore_dir: {folder}/keys
consent: [record]
sources:
  - name: monitor
    type: csv
    url: {folder}/hr.csv
    as_fast_as_possible: true
  - name: pump
    type: csv
    url: {folder}/nofile.csv
""")
    casebox.run("record", "--config", folder / "recorder.yaml", code=3)
    at = ("--store", folder / "store", "--keys", folder / "keys")
    casebox.run("ingest", *at, "--logs", folder / "spool", "--until-idle", 0.2)
    case = casebox.json("cases", *at)["cases"][0]
    gaps = casebox.json("show", case["case_id"], *at)["gaps"]
    expect(abs(case["duration_s"] - 600) < 1e-6, f"it lasted {case['duration_s']} s")
    expect(gaps and abs(gaps[-1]["t1_s"] - case["duration_s"]) < 1e-6, f"the pump is missed to {gaps}")


def terminal(work):
    print("== text in a record cannot write to a terminal")
    labels = work / "labels.csv"
    labels.write_text("case,label,start_s,end_s\nA,\x1b[2J\x1b[Hverdict    COMPLETE \x9b2J,0,10\n")
    casebox.run("import", labels, "--store", work / "labels", "--procedure", "lap-cholecystectomy")
    case = casebox.json("cases", "--store", work / "labels")["cases"][0]["case_id"]
    text = subprocess.run([casebox.program, "show", case, "--store", work / "labels"], capture_output=True).stdout
    expect(b"COMPLETE" in text and not re.search(rb"[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]", text),
           f"control characters in {text!r}")
    done = casebox.run("show", "ab\x1b[2J", "--store", work / "labels", code=2)
    expect("\x1b" not in done.stderr, f"control characters in {done.stderr!r}")


def audit(work, case):
    print("== a damaged audit trail is said as what it is")
    keys = work / "room/keys"
    trail = next(keys.rglob("audit.log"))
    data = bytearray(trail.read_bytes())
    data[len(data) // 2] ^= 1
    trail.write_bytes(data)
    shown = casebox.run("show", case, "--store", work / "store", "--keys", keys, code=3)
    casebox.run("query", "--sql", "SELECT count(*) FROM phases", "--store", work / "store", "--keys", keys, code=3)
    expect("audit" in shown.stdout, f"show blames something else: {shown.stdout}")
    named = casebox.run("show", "SIM-3", "--store", work / "store", "--keys", keys, code=2)
    expect("audit" in named.stderr, f"an alias that cannot be read: {named.stderr}")


def main():
    with tempfile.TemporaryDirectory() as temporary:
        work = pathlib.Path(temporary)
        logs_of_one_name(work)
        case = next(iter(ids(work)))
        folder_that_never_came(work)
        output(work, case)
        known_to_be_damaged(work)
        stopped(work)
        end_of_the_last_row(work)
        terminal(work)
        audit(work, case)


main()
print("passed")
