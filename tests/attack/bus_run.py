"""Runs attacks on the bus: ingest with them beside an honest case, then a later case, then what is shown."""

import json
import os
import shutil
import subprocess
import tempfile
import time

import bus_attacks  # noqa: F401
import bus_records  # noqa: F401
import outputs
import registry

SECONDS, MIB = 60, 512  # what an ingest of an attack may take


class Bus:
    """What an attack on the bus may look at."""

    def __init__(self, honest):
        self.honest, self.log = honest, honest.log
        self.case, self.later_case = (log.files[0].header["case_id"] for log in (honest.log, honest.other))


class Runner:
    def __init__(self, honest, long):
        self.honest, self.bus = honest, Bus(honest)
        store = honest.scratch("bus-honest")
        self.ingest(store, [honest.folder / "spool"])
        self.ingest(store, [honest.other_folder / "spool"])
        self.enrol(store.with_name("bus-enrolled"), store)
        self.truth, verdict = self.look(store)
        self.told = self.briefing(store)
        if verdict not in registry.GOOD:
            raise RuntimeError(f"the honest bus gave {verdict}")

    def ingest(self, store, logs):
        """(exit code, seconds of processor, MiB at most, what it said)."""
        args = [self.honest.program.path, "ingest", "--store", str(store), "--keys", str(self.honest.keys),
                "--until-idle", "0.2"]
        for log in logs:
            args += ["--logs", str(log)]
        with tempfile.TemporaryFile("w+") as said:
            process = subprocess.Popen(args, stdout=subprocess.DEVNULL, stderr=said)
            deadline = time.monotonic() + 2 * SECONDS
            while True:
                pid, status, usage = os.wait4(process.pid, os.WNOHANG)
                if pid:
                    break
                if time.monotonic() > deadline:
                    process.kill()
                    _, status, usage = os.wait4(process.pid, 0)
                    break
                time.sleep(0.02)
            process.returncode = os.waitstatus_to_exitcode(status)
            said.seek(0)
            return (process.returncode, usage.ru_utime + usage.ru_stime, usage.ru_maxrss >> 10, said.read()[-300:])

    def enrol(self, store, honest):
        """Makes and enrols the site's own analysis and custody, as their first use does, in a store of its own."""
        shutil.rmtree(store, ignore_errors=True)
        shutil.copytree(honest, store)
        where = ("--store", store, "--keys", self.honest.keys)
        self.honest.program.must("analyze", *where)
        self.honest.program.must("consent", self.honest.case_text(self.bus.case), "--grant", "teaching", *where)

    def document(self, *args):
        done = self.honest.program.run(*args, "--json")
        return (json.loads(done.stdout) if done.stdout else None), done

    def look(self, store):
        """(what is shown of each case, verdict)."""
        where = ("--store", store, "--keys", self.honest.keys)
        verified, done = self.document("verify", store, *self.honest.trust)
        if verified is None:
            return {}, f"exit code {done.returncode}: {done.stderr.decode(errors='replace')[-200:]}"
        shown = {"digests": sorted((c["case_id"], c["verdict"], c["case_digest"]) for c in verified["cases"])}
        listed, _ = self.document("cases", *where)
        for case in (listed or {}).get("cases", []):
            shown[case["case_id"]] = (outputs.content(case), case.get("verdict"))
            whole, _ = self.document("show", case["case_id"], *where)
            shown["show " + case["case_id"]] = whole and outputs.content(whole)
        return shown, verified["verdict"]

    def briefing(self, store):
        """(what the case may be used for, what its patient is told)."""
        case, where = self.honest.case_text(self.bus.case), ("--store", store, "--keys", self.honest.keys)
        page = store.with_suffix(".html")
        self.honest.program.must("report", "briefing", case, "--out", page, *where)
        consent, _ = self.document("consent", case, *where)
        return outputs.content(consent), outputs.steady(outputs.text_of(page.read_text()))

    def judge(self, attack):
        folder = self.honest.scratch(attack.name)
        before, after = attack.run(self.bus)
        logs = lambda part, found: [log.save(folder / f"{part}-{n}") for n, log in enumerate(found)]
        store, wrong = folder / "store", []
        stages = [logs("before", before), [self.honest.folder / "spool"], logs("after", after),
                  [self.honest.other_folder / "spool"]]
        for stage in stages:
            if not stage:
                continue
            code, seconds, mib, said = self.ingest(store, stage)
            if code not in (0, 3):
                wrong.append(f"ingest ended with {code}: {said}")
            if seconds > SECONDS:
                wrong.append(f"ingest took {seconds:.0f} s")
            if mib > MIB:
                wrong.append(f"ingest held {mib} MiB")
        shown, verdict = self.look(store)
        for name, value in self.truth.items():
            if shown.get(name) != value:
                wrong.append(f"{name} differs")
        wrong += [f"{name} is shown and was never recorded" for name in shown if name not in self.truth]
        if attack.options.get("briefing") and self.briefing(store) != self.told:
            wrong.append("consent or briefing differ")
        got = "whole" if not wrong and verdict in registry.GOOD else f"{verdict}; " + "; ".join(wrong[:4])
        return got in attack.expected, got
