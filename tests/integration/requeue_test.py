"""requeue_test.py CASEBOX MAKE_RECORDING

Who is not enrolled waits in quarantine and comes in once they are: by `requeue`, by an ingest that runs meanwhile, by
the next one. What the quarantine had no room for comes again from the bus with `--resume-at`.
"""

import json
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from support import Casebox, expect, one_line_error

casebox = Casebox(sys.argv[1])
GOOD = ("COMPLETE", "COMPLETE_WITH_DECLARED_GAPS")
KEPT = 10_000  # frames of one source and reason that the quarantine has room for


class Room:
    """A recorder with a keystore of its own, whom the site does not know."""

    def __init__(self, work, name, seconds):
        self.spool, self.keys = work / name, work / f"{name}-keys"
        subprocess.run([sys.argv[2], "log", self.spool, self.keys, str(seconds)], check=True)
        self.key = next(k["key"] for k in casebox.json("keys", "list", "--keys", self.keys)["keys"]
                        if k["role"] == "recorder")

    def enrol(self, site, name):
        casebox.run("keys", "enrol", "--name", name, "--role", "recorder", "--key", self.key, "--keys", site)


def ingest(store, site, *logs, **options):
    return casebox.json("ingest", "--store", store, "--keys", site, *(part for log in logs for part in ("--logs", log)),
                        "--until-idle", 0.3, **options)


def counts(store):
    return {c["reason"]: c for c in casebox.json("quarantine", "--store", store, "--rows", 0)["counts"]}


def frames_of(store):
    """How many are in quarantine; a store that is just being made has none."""
    done = casebox.run("quarantine", "--store", store, "--rows", 0, "--json", code=None)
    return sum(c["rows"] for c in json.loads(done.stdout)["counts"]) if done.returncode == 0 else 0


def until(what, condition, seconds=30):
    deadline = time.monotonic() + seconds
    while not condition():
        expect(time.monotonic() < deadline, f"after {seconds} s: {what}")
        time.sleep(0.1)


def enrolled_later(work, site):
    print("== a stranger waits in quarantine, is enrolled, and is whole")
    store, room = work / "store", Room(work, "stranger", 4)
    done = ingest(store, site, room.spool)
    frames = done["quarantined"]
    expect(frames > 100 and done["cases"] == [] and done["quarantine_reasons"] == [
        {"reason": "not-enrolled", "count": frames}], f"{done['quarantine_reasons']}")

    listed = casebox.json("quarantine", "--store", store, "--rows", 5)
    expect(listed["counts"][0]["rows"] == frames and len(listed["rows"]) == 5 and listed["rows_more"] == frames - 5,
           f"{listed['counts']}")
    row = listed["rows"][0]
    expect(row["reason"] == "not-enrolled" and row["case_id"] and row["source"].startswith("log/stranger."), f"{row}")
    case = row["case_id"]
    told = casebox.run("quarantine", "--store", store, "--rows", 1).stdout
    expect("not-enrolled" in told and f"and {frames - 1} more" in told, told)
    expect(casebox.json("quarantine", "--store", store, "--case", case)["counts"][0]["rows"] == frames, "by case")
    nobody = "00000000-0000-4000-8000-000000000001"
    expect(casebox.json("quarantine", "--store", store, "--case", nobody)["counts"] == [], "of no case")
    expect("nothing is in quarantine" in casebox.run("quarantine", "--store", store, "--reason", "bad-gap").stdout,
           "of no reason")
    one_line_error(casebox.run("quarantine", "--store", store, "--case", "zz", code=2))
    one_line_error(casebox.run("quarantine", "--store", store, "--rows", -1, code=2), "--rows")
    one_line_error(casebox.run("quarantine", "--store", work / "none", code=2))

    still = casebox.json("requeue", "--store", store, "--keys", site)
    expect(still["reasons"] == [{"reason": "not-enrolled", "rows": frames, "taken_in": 0, "known": 0,
                                 "came_back": frames}] and still["cases"] == [], f"{still}")
    room.enrol(site, "or-2")
    told = casebox.run("requeue", "--store", store, "--keys", site, "--reason", "bad-gap").stdout
    expect("nothing to requeue: no frame of this kind" in told, told)
    told = casebox.run("requeue", "--store", store, "--keys", site, "--case", case).stdout
    expect(["not-enrolled", str(frames), str(frames), "0", "0"] in [line.split() for line in told.splitlines()], told)
    verified = casebox.json("verify", store)
    expect(verified["verdict"] in GOOD and verified["cases"][0]["case_id"] == case
           and verified["quarantined"] == [], f"{verified['verdict']}")
    told = casebox.run("requeue", "--store", store, "--keys", site).stdout
    expect("nothing to requeue: the quarantine is empty" in told, told)
    empty = casebox.json("requeue", "--store", store, "--keys", site)
    expect(empty["reasons"] == [] and empty["left"] == [] and empty["beyond"] == [], f"{empty}")
    expect("nothing is in quarantine\n" in casebox.run("quarantine", "--store", store).stdout, "still listed")
    # The list, as a file of the site: the same for a store without keys.
    other = work / "other"
    casebox.run("keys", "trust", "--out", work / "site.trust", "--keys", site)
    late = Room(work, "late", 2)
    casebox.run("ingest", "--store", other, "--trust", work / "site.trust", "--logs", late.spool, "--until-idle", 0.3)
    late.enrol(site, "or-9")
    casebox.run("keys", "trust", "--out", work / "new.trust", "--keys", site)
    one_line_error(casebox.run("requeue", "--store", other, code=2), "--trust")
    taken = casebox.json("requeue", "--store", other, "--trust", work / "new.trust", "--reason", "not-enrolled")
    expect(taken["reasons"][0]["came_back"] == 0 and casebox.json("verify", other)["verdict"] in GOOD, f"{taken}")


def while_it_runs(work, site):
    print("== verify names what is in quarantine; who is enrolled while ingest runs comes in by itself")
    store = work / "live"
    known, stranger = Room(work, "known", 2), Room(work, "unknown", 2)
    known.enrol(site, "or-3")
    process = casebox.start("ingest", "--store", store, "--keys", site, "--logs", known.spool, "--logs", stranger.spool)
    try:
        frames = casebox.json("verify", stranger.spool)["frames"]
        until("not all of the stranger's frames are in quarantine", lambda: frames_of(store) == frames)
        until("the known case is not closed", lambda: casebox.run("verify", store, code=None).returncode == 0)
        verified = casebox.json("verify", store)
        expect(verified["quarantined"] == [{"reason": "not-enrolled", "frames": frames, "not_kept": 0}]
               and verified["cases"][0]["quarantined"] == [], f"{verified['quarantined']}")
        told = casebox.run("verify", store).stdout
        expect(f"in quarantine: {frames} not-enrolled; in no case" in told, told)
        refused = casebox.run("requeue", "--store", store, "--keys", site, code=1)
        one_line_error(refused, "another program holds the store", "by itself")
        stranger.enrol(site, "or-4")
        until("the stranger's frames are still in quarantine", lambda: not counts(store))
        until("its case is not closed", lambda: len(casebox.json("verify", store, code=None)["cases"]) == 2
              and casebox.run("verify", store, code=None).returncode == 0)
    finally:
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=60)
    expect(process.returncode == 0 and f"{frames} frames taken in from quarantine" in said, said)
    print("== an enrolment between two runs is found by the next")
    third = Room(work, "third", 2)
    expect(ingest(store, site, third.spool)["quarantined"] > 0, "nobody knows the third room")
    third.enrol(site, "or-5")
    done = ingest(store, site, third.spool)
    expect(done["requeued"] > 0 and casebox.json("verify", store)["verdict"] in GOOD and not counts(store), f"{done}")


def junk_of_a_good_case(work, site):
    print("== frames of a good case in quarantine change nothing of it")
    store, room = work / "good", Room(work, "good-room", 2)
    room.enrol(site, "or-6")
    ingest(store, site, room.spool)
    before = casebox.json("verify", store)
    case = before["cases"][0]["case_id"]
    spoiled = work / "spoiled"
    shutil.copytree(room.spool, spoiled)
    (spoiled / "id").unlink(missing_ok=True)
    log = next(spoiled.glob("*.cblog"))
    data = bytearray(log.read_bytes())
    for at in (len(data) // 3, len(data) // 2, 2 * len(data) // 3):
        data[at] ^= 1
    log.write_bytes(data)
    expect(ingest(store, site, spoiled, code=3)["quarantined"] > 0, "nothing in quarantine")
    after = casebox.json("verify", store)
    expect(after["verdict"] == before["verdict"] and after["cases"][0]["case_digest"] ==
           before["cases"][0]["case_digest"], f"{after['verdict']}")
    told = {one["reason"]: one["frames"] for one in after["cases"][0]["quarantined"]}
    expect(told == {reason: c["rows"] for reason, c in counts(store).items()} and told, f"{told}")
    expect("; no part of the case" in casebox.run("verify", store).stdout, "the text says nothing")
    shown = casebox.json("show", case, "--store", store, "--keys", site, "--no-digests")
    expect(shown["quarantined"] == sum(told.values()), f"show says {shown['quarantined']}")


def beyond_the_bound(work, site):
    print("== what the quarantine had no room for comes again from the bus")
    store, room = work / "big", Room(work, "big-room", 110)
    done = ingest(store, site, room.spool)
    full = counts(store)["not-enrolled"]
    expect(full["rows"] == KEPT and full["beyond"] == done["quarantined"] - KEPT > 500, f"{full}")
    expect(casebox.json("verify", store, code=None)["quarantined"] == [
        {"reason": "not-enrolled", "frames": done["quarantined"], "not_kept": full["beyond"]}], "verify counts others")
    room.enrol(site, "or-7")
    told = casebox.run("requeue", "--store", store, "--keys", site).stdout
    place = f"{full['source']}={full['first_beyond']}"
    expect(f"--resume-at {place}" in told, told)
    expect(casebox.json("verify", store, code=3)["verdict"] not in GOOD, "whole without what was not kept")
    bus = ("ingest", "--store", store, "--keys", site, "--logs", room.spool, "--until-idle", 0.3)
    for wrong, word in ((full["source"], "SOURCE=OFFSET"), (f"{full['source']}=-3", "SOURCE=OFFSET"),
                        ("log/other=1", full["source"]), (f"{full['source']}={2**63}", "the bus holds"),
                        (f"{full['source']}=0", "the bus holds")):
        one_line_error(casebox.run(*bus, "--resume-at", wrong, code=2), "--resume-at", word)
    again = casebox.json(*bus, "--resume-at", place)
    expect(again["resumed"][0]["at"] == full["first_beyond"] and not again["resumed"][0]["skips"],
           f"{again['resumed']}")
    expect(again["frames"] == full["beyond"] and again["quarantined"] == 0, f"{again['frames']} frames")
    expect(casebox.json("verify", store)["verdict"] in GOOD and not counts(store), "not whole")
    print("== a place ahead of the store is refused, and said loudly when it is forced")
    fresh = work / "fresh"
    bus = ("ingest", "--store", fresh, *bus[3:])
    one_line_error(casebox.run(*bus, "--resume-at", place, code=2), "--force")
    expect(counts(fresh) == {}, "something was read")
    forced = casebox.run(*bus, "--resume-at", place, "--force", "--json")
    expect("SKIPPED" in forced.stderr and json.loads(forced.stdout)["resumed"][0]["skips"], forced.stderr)
    expect(json.loads(forced.stdout)["cases"] == [], "a case without its beginning")


def own_findings(work):
    print("== a first run of --analyze takes its own findings, with a keystore that has no analysis key yet")
    folder, store = work / "room", work / "analysed"
    casebox.run("simulate", "--seed", 5, "--duration-scale", 0.03, "--clean", "--no-video", "--out", folder)
    casebox.run("record", "--config", folder / "recorder.yaml")
    keys = folder / "keys"
    expect(not any(k["role"] == "analysis" for k in casebox.json("keys", "list", "--keys", keys)["keys"]), "there is one")
    casebox.run("keys", "trust", "--out", work / "before.trust", "--keys", keys)
    run = ("ingest", "--store", store, "--keys", keys, "--logs", folder / "spool", "--analyze", "--until-idle", 1)
    done = casebox.json(*run)
    expect(done["analysed"] == 1 and done["failed"] == 0 and done["quarantined"] == 0 and counts(store) == {}, f"{done}")
    shown = casebox.json("show", done["cases"][0]["case_id"], "--store", store, "--keys", keys, "--no-digests")
    expect(any(p["role"] == "analysis" and p["closed"] for p in shown["provenance"]), "no findings in the store")
    one_line_error(casebox.run(*run, "--trust", work / "before.trust", code=2), "--analyze")


def main():
    work = pathlib.Path(tempfile.mkdtemp(prefix="casebox-requeue-"))
    try:
        site = work / "site"
        casebox.run("keys", "stock", "--add", 0, "--keys", site)
        enrolled_later(work, site)
        while_it_runs(work, site)
        junk_of_a_good_case(work, site)
        beyond_the_bound(work, site)
        own_findings(work)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    print("requeue: all good")


main()
