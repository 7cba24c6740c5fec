"""close_jobs_test.py CASEBOX

Jobs run as cases close, with no other command: in `serve` while it runs, in `ingest --analyze` from the bus, for
what closed while nobody looked, and through kill -9. The findings come into the store over the bus.
"""

import json
import pathlib
import random
import shutil
import signal
import sys
import tempfile
import time

from support import Casebox, expect, one_line_error

casebox = Casebox(sys.argv[1])
JOBS = {"quality", "phases", "timing", "conformance", "twin"}


def simulate(folder, seed):
    casebox.run("simulate", "--seed", seed, "--duration-scale", 0.05, "--clean", "--no-video", "--out", folder)
    return folder


def record(folder):
    return casebox.json("record", "--config", folder / "recorder.yaml")["case_id"]


def analysis_epochs(store, keys, case):
    shown = casebox.json("show", case, "--store", store, "--keys", keys)
    return [p for p in shown["provenance"] if p["role"] == "analysis"], shown


def expect_analysed(store, keys, case):
    """One whole run of all jobs, and what it found is there."""
    epochs, shown = analysis_epochs(store, keys, case)
    expect(len(epochs) == 1 and epochs[0]["closed"], f"runs: {epochs}")
    expect(shown["phases"] and shown["phases"][0]["origin"] == "algorithm", "no phases found")
    finding = shown["phases"][0]["sources"]
    expect(finding, "a found phase without sources")
    expect(casebox.json("verify", store)["verdict"] in ("COMPLETE", "COMPLETE_WITH_DECLARED_GAPS"), "not whole")


def ingest(folder, *more):
    return casebox.json("ingest", "--store", folder / "store", "--keys", folder / "keys", "--logs", folder / "spool",
                        "--until-idle", 0.5, *more)


def from_the_bus(folder):
    print("== ingest --analyze: run when the case closes, not again, and not for what is derived")
    case = record(folder)
    done = ingest(folder, "--analyze")
    expect(done["analysed"] == 1 and done["failed"] == 0 and done["quarantined"] == 0, f"{done}")
    expect_analysed(folder / "store", folder / "keys", case)
    again = ingest(folder, "--analyze")
    expect(again["analysed"] == 0 and again["frames"] == 0, f"again: {again['analysed']}, {again['frames']} frames")
    written = casebox.json("analyze", "--store", folder / "store", "--keys", folder / "keys")
    expect(not any(job["written"] for job in written["results"][0]["jobs"]), "a person's run finds something else")


def caught_up(folder):
    print("== what closed while nobody looked")
    case = record(folder)
    without = ingest(folder)
    expect(without["analysed"] is None, "analysed without being asked to")
    expect(analysis_epochs(folder / "store", folder / "keys", case)[0] == [], "analysed without being asked to")
    expect(ingest(folder, "--analyze")["analysed"] == 1, "not caught up")
    expect_analysed(folder / "store", folder / "keys", case)
    refused = casebox.run("ingest", "--store", folder / "store2", "--logs", folder / "spool", "--analyze",
                          "--until-idle", 0.1, code=2)
    one_line_error(refused, "keystore")


def killed(folder):
    print("== kill -9 at any moment")
    case = record(folder)
    hit = 0
    for _ in range(8):
        process = casebox.start("ingest", "--store", folder / "store", "--keys", folder / "keys", "--logs",
                                folder / "spool", "--analyze")
        time.sleep(random.uniform(0.05, 0.9))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        hit += process.returncode == -signal.SIGKILL
    expect(hit == 8, f"of 8 programs that never end by themselves {hit} were alive to be killed")
    done = ingest(folder, "--analyze")
    expect(done["quarantined"] == 0, f"{done['quarantine']}")
    epochs, shown = analysis_epochs(folder / "store", folder / "keys", case)
    expect(shown["phases"] and epochs and all(e["closed"] for e in epochs), f"runs: {epochs}")
    report = casebox.json("verify", folder / "store")
    expect(report["verdict"] in ("COMPLETE", "COMPLETE_WITH_DECLARED_GAPS"), f"{report['problems'][:3]}")
    expect(ingest(folder, "--analyze")["analysed"] == 0, "it never ends")


def in_serve(folder):
    print("== serve")
    process = casebox.start("serve", "--store", folder / "store", "--keys", folder / "keys", "--logs",
                            folder / "spool", "--port", 0, "--json")
    try:
        expect(json.loads(process.stdout.readline())["live"], "not live")
        case = record(folder)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            shown = casebox.run("show", case, "--store", folder / "store", "--keys", folder / "keys", "--json",
                                code=None)
            runs = [p for p in json.loads(shown.stdout)["provenance"] if p["role"] == "analysis"] \
                if shown.returncode == 0 else []
            if runs and runs[0]["closed"]:
                break
            time.sleep(0.3)
        expect_analysed(folder / "store", folder / "keys", case)
    finally:
        process.terminate()
        said = process.communicate(timeout=30)[1]
    expect(process.returncode == 0, f"serve ended with {process.returncode}")
    expect("casebox: " not in said, f"serve said: {said}")


def main():
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        for i, part in enumerate((from_the_bus, caught_up, killed, in_serve)):
            part(simulate(work / part.__name__, 31 + i))
            shutil.rmtree(work / part.__name__)


main()
