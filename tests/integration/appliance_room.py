"""A room with senders of the tests' own and the recorder that stands in it, for tests that start both."""

import csv
import io
import json
import pathlib
import signal
import socket
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "attack"))
from support import Casebox, expect, with_packages

with_packages("crc32c", "nacl", "zstandard", "cryptography")
import casebox_format as cb
import log_files
import wire

HERE = pathlib.Path(__file__).parent
casebox = Casebox(sys.argv[1])
LIVENESS = 60  # s: anything that takes longer does not come


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def mono():
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC)


class Room:
    """A room with an insufflator, a scope that films, a camera that never comes, and its recorder."""

    def __init__(self, folder, cases="", sources="", health=False):
        self.folder = folder
        folder.mkdir(parents=True)
        self.port, self.scope_port, self.health_port = free_port(), free_port(), free_port()
        self.recorder = self.insufflator = self.scope = None
        self.log = folder / "sent"
        (folder / "room.yaml").write_text(
            f"recorder:\n  room: or-1\n  procedure: lap-cholecystectomy\n  spool_dir: {folder}/spool\n"
            f"  keystore_dir: {folder}/keys\n  sources:\n"
            f"    - {{name: insufflator, type: lines, url: 'tcp://127.0.0.1:{self.port}'}}\n{sources}"
            "cases:\n"
            "  begin: [{for_s: 1, all: [{stream: insufflator.state, channel: PRESSURE, above: 5}]}]\n"
            "  end: [{for_s: 2, all: [{stream: insufflator.state, channel: PRESSURE, below: 2}]}]\n"
            f"  ring_s: 4\n  resume_within_s: 60\n{cases}"
            + (f"health: {{port: {self.health_port}, state_file: {folder}/state}}\n" if health else ""))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in (self.recorder, self.insufflator, self.scope):
            if process is not None and process.poll() is None:
                process.kill()
                process.wait()

    def start(self):
        self.errors = open(self.folder / "stderr", "a")
        self.recorder = subprocess.Popen([casebox.program, "record", "--appliance", "--config", self.folder / "room.yaml",
                                          "--json"], stdout=subprocess.PIPE, stderr=self.errors, text=True)
        self.wait(lambda now: True, "the recorder to answer")

    def send(self):
        self.insufflator = subprocess.Popen([sys.executable, HERE / "line_sender.py", str(self.port), "20", self.log],
                                            stdin=subprocess.PIPE, text=True)
        self.wait(lambda now: any(s["name"] == "insufflator" and s["state"] == "running" for s in now["sources"]),
                  "the insufflator")

    def film(self):
        self.scope = subprocess.Popen([sys.executable, HERE / "picture_sender.py", str(self.scope_port), "10",
                                       self.folder / "filmed"])

    def pressure(self, mmhg):
        self.insufflator.stdin.write(f"{mmhg}\n")
        self.insufflator.stdin.flush()

    def ask(self, *args, code=0):
        return casebox.json("case", *args, "--control", self.folder / "spool/control", code=code)["state"]

    def state(self):
        done = casebox.run("case", "status", "--control", self.folder / "spool/control", "--json", code=None)
        return json.loads(done.stdout)["state"] if done.returncode == 0 else None

    def wait(self, condition, what):
        deadline = time.monotonic() + LIVENESS
        while True:
            now = self.state()
            if now is not None and condition(now):
                return now
            expect(self.recorder.poll() is None, f"the recorder ended: {self.said()[-2000:]}")
            expect(time.monotonic() < deadline, f"waited {LIVENESS} s for {what}: {now} {self.said()[-2000:]}")
            time.sleep(0.05)

    def wait_for(self, state):
        return self.wait(lambda now: now["state"] == state, state)

    def said(self):
        return (self.folder / "stderr").read_text()

    def stop(self, code):
        self.recorder.send_signal(signal.SIGTERM)
        out, _ = self.recorder.communicate(timeout=LIVENESS)
        expect(self.recorder.returncode == code, f"exit code {self.recorder.returncode}, {code} expected: {self.said()[-3000:]}")
        return json.loads(out)

    def kill(self):
        self.recorder.kill()
        at = mono()
        self.recorder.wait()
        return at

    def sent(self, stream):
        """Number and time of each item that the insufflator sent."""
        rows = (line.split() for line in self.log.read_text().splitlines())
        return {int(number): int(t) for name, number, t in rows if name == stream}

    def ingest(self):
        casebox.run("ingest", "--store", self.folder / "store", "--keys", self.folder / "keys", "--logs",
                    self.folder / "spool", "--until-idle", 1)
        return casebox.json("cases", "--store", self.folder / "store", "--keys", self.folder / "keys")["cases"]

    def show(self, case):
        return casebox.json("show", case, "--store", self.folder / "store", "--keys", self.folder / "keys")

    def stored(self, case, stream, column):
        """Values of a column in an export, with their case times in s."""
        out = casebox.run("export", case, "--format", "csv", "--stream", stream, "--store", self.folder / "store",
                          "--keys", self.folder / "keys").stdout
        rows = list(csv.reader(io.StringIO("\n".join(line for line in out.splitlines() if not line.startswith("#")))))
        at = next(i for i, name in enumerate(rows[0]) if name.startswith(column))
        return [(float(row[0]), float(row[at])) for row in rows[1:] if row[at] != ""]

    def zeros(self):
        """Case time zero of each case on the machine's clock, from the clock records of its frames; epochs in order."""
        found = {}
        for path in sorted((self.folder / "spool").glob("*.cblog")):
            file = log_files.read_file(path)
            for frame in (item.frame for item in file.items if item.frame is not None):
                if frame.kind == cb.CLOCK:
                    record = wire.decode("ClockRecord", frame.body)
                    found.setdefault(frame.epoch, set()).add(record["mono_ns"] - frame.t)
        return found


def epochs(shown):
    return [int(row["epoch"], 16) for row in shown["provenance"] if row["role"] == "recorder"]


def accounts(room, case, zeros):
    """Every item that was sent while the case ran is stored once, or lies in a gap that says so."""
    shown = room.show(case)
    own = [zeros[epoch] for epoch in epochs(shown)]
    zero = min(min(z) for z in own)
    expect(set.union(*own) == {zero}, f"the epochs of {case} do not share a time line: {own}")
    begin, end = zero, zero + shown["duration_s"] * 1e9
    stored = [round(value) for _, value in room.stored(case, "insufflator.state", "value")]
    expect(len(stored) == len(set(stored)), f"{case}: an item is stored twice")
    sent = room.sent("state")
    gaps = [g for g in shown["gaps"] if g["stream"] == "insufflator.state"]
    lost = {n: t for n, t in sent.items() if begin + 1e8 <= t <= end - 1e8 and n not in set(stored)}
    for n, t in lost.items():
        at = (t - zero) * 1e-9
        expect(any(g["t0_s"] - 0.06 <= at <= g["t1_s"] + 0.06 for g in gaps),
               f"{case}: item {n} of {at:.3f} s is neither stored nor in a gap: {gaps}")
    outside = [n for n in stored if not begin - 1e8 <= sent[n] <= end + 1e8]
    expect(not outside, f"{case}: items {outside[:5]} are none of it")
    print(f"   {case[:8]}: {shown['duration_s']:.1f} s, {len(stored)} stored, {len(lost)} in {len(gaps)} gaps")
    return shown, stored, lost
