#!/usr/bin/env python3
"""A live recorder held to what a camera of the tests' own says that it sent: ends, outages, absences, kills.

    live_test.py CASEBOX        CASEBOX_TEST_LONG=1: more kills
"""

import json
import os
import pathlib
import random
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "attack"))
from support import Casebox, expect, with_packages

with_packages("crc32c", "nacl", "zstandard", "cryptography")
import casebox_format as cb
import log_files
import picture_sender
import wire

SENDER = pathlib.Path(__file__).with_name("picture_sender.py")
RATES = (25, 10, 5, 1)
casebox = Casebox(sys.argv[1])


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Room:
    """A recorder's folder with one camera, and whoever plays it."""

    def __init__(self, folder, rate):
        self.folder, self.rate, self.port = folder, rate, free_port()
        self.folder.mkdir(parents=True)
        self.camera = self.recorder = None
        (folder / "recorder.yaml").write_text(
            f"room: or-1\nprocedure: lap-cholecystectomy\nspool_dir: {folder}/spool\n"
            f"keystore_dir: {folder}/keys\nsources:\n"
            f"  - name: scope\n    type: media\n    url: tcp://127.0.0.1:{self.port}\n")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in (self.camera, self.recorder):
            if process is not None and process.poll() is None:
                process.kill()
                process.wait()

    def film(self, *limits):
        """The camera goes on; its pictures are numbered on in another list each time."""
        self.sent_path = self.folder / f"sent-{time.monotonic_ns()}"
        self.camera = subprocess.Popen([sys.executable, SENDER, str(self.port), str(self.rate), self.sent_path,
                                        *map(str, limits)])
        while not self.sent_path.exists():
            time.sleep(0.01)

    def record(self):
        self.recorder = casebox.start("record", "--config", self.folder / "recorder.yaml", "--json")

    def sent(self, until_ns=None):
        """Times at which pictures were sent, up to a moment."""
        times = [int(line.split()[1]) for line in self.sent_path.read_text().splitlines()]
        return [t for t in times if until_ns is None or t <= until_ns]

    def wait_for_pictures(self, count, timeout=40):
        deadline = time.monotonic() + timeout
        while len(self.sent()) < count:
            expect(time.monotonic() < deadline, f"the recorder took {len(self.sent())} pictures in {timeout} s")
            time.sleep(0.01)

    def end(self, code):
        """An orderly end; what had been sent when it was asked for, and the recorder's own document."""
        asked = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
        self.recorder.send_signal(signal.SIGTERM)
        out, err = self.recorder.communicate(timeout=60)
        expect(self.recorder.returncode == code, f"exit code {self.recorder.returncode}, {code} expected: {err}")
        return asked, json.loads(out)

    def frames(self):
        """(stream's name in the clear, frame, gap) of every data and gap frame."""
        names, out = {}, []
        for path in sorted((self.folder / "spool").glob("*.cblog")):
            for frame in (item.frame for item in log_files.read_file(path).items if item.frame is not None):
                if frame.kind == cb.STREAM:
                    stream = wire.decode("Stream", frame.body)
                    names[stream["stream_id"]] = stream["name"]
                elif frame.kind in (cb.DATA, cb.GAP):
                    gap = wire.decode("Gap", frame.body) if frame.kind == cb.GAP else None
                    out.append((names[frame.stream], frame, gap))
        return out

    def zero_ns(self):
        """Where case time zero lies on the machine's clock, from the frame that opened the case."""
        path = min((self.folder / "spool").glob("*.cblog"))
        first = next(item.frame for item in log_files.read_file(path).items if item.frame.kind == cb.CASE)
        return first.t_capture - first.t

    def gaps(self):
        return [(name, gap) for name, _, gap in self.frames() if gap is not None]


def simulated_rooms_keep_what_began_before_the_end(work):
    print("== a simulated room that is stopped")
    folder = work / "simulated"
    casebox.run("simulate", "--seed", 7, "--no-video", "--speed", 1, "--out", folder)
    recorder = casebox.start("record", "--config", folder / "recorder.yaml", "--json")
    time.sleep(9.4)
    recorder.send_signal(signal.SIGTERM)
    out, err = recorder.communicate(timeout=60)
    expect(recorder.returncode == 0, f"what the room planted counts as lost: {err}")
    doc = json.loads(out)
    expect(doc["accounts_balance"], "the books do not balance")
    room = Room.__new__(Room)
    room.folder = folder
    ends = {}
    for name, frame, gap in room.frames():
        end = gap["t_end_ns"] if gap else frame.t + frame.duration_us * 1000
        ends[name] = max(ends.get(name, 0), end * 1e-9)
    rows = {s["name"] for s in doc["streams"] if s["kind"] in ("wave", "numeric", "twin-series", "twin_series")}
    expect(len(rows) > 5, f"{[(s['name'], s['kind']) for s in doc['streams']]}")
    short = {name: doc["seconds"] - ends.get(name, 0) for name in rows if ends.get(name, 0) < doc["seconds"] - 0.02}
    expect(not short, f"ends without a word before the end of the case: {short}")
    print(f"   {len(rows)} streams up to {doc['seconds']:.3f} s")


def row(doc):
    return next(s for s in doc["streams"] if s["name"] == "scope.video")


def an_orderly_end_loses_nothing(work):
    print("== an orderly end")
    for rate in RATES:
        with Room(work / f"end-{rate}", rate) as room:
            room.film()
            room.record()
            room.wait_for_pictures(max(8, 4 * rate))
            time.sleep(0.37)
            asked, doc = room.end(0)
            sent, stored = len(room.sent(asked)), row(doc)["stored"]
            print(f"   {rate:2} pictures/s: {sent} sent, {stored} stored")
            expect(stored >= sent, f"{sent - stored} pictures lost at an orderly end at {rate}/s")
            expect(not doc["lost"], f"{doc['lost']}")
            expect(not room.gaps(), "a gap where nothing is missing")


def a_camera_that_dies_is_missing_up_to_the_end(work):
    print("== a camera that dies, and one that comes back")
    with Room(work / "dies", 10) as room:
        room.film(30)
        room.record()
        room.camera.wait(timeout=60)
        died = time.monotonic()
        time.sleep(4)
        _, doc = room.end(3)
        expect(row(doc)["stored"] == 30, f"{row(doc)['stored']} of 30 pictures")
        (name, gap), = room.gaps()
        missing = (gap["t_end_ns"] - gap["t_begin_ns"]) * 1e-9
        print(f"   dead for {time.monotonic() - died:.2f} s, a gap of {missing:.2f} s: {gap['reason']}")
        expect(name == "scope.video" and gap["reason"] == "disconnected", f"{gap}")
        expect(abs(gap["t_end_ns"] * 1e-9 - doc["seconds"]) < 1e-6, "the gap does not reach the end of the case")
        expect(missing >= 3.9, f"dead for 4 s, declared {missing} s")
        lost, = doc["lost"]
        expect(lost["source"] == "scope" and lost["reason"] == "disconnected", f"{lost}")
    with Room(work / "back", 10) as room:
        room.film(20)
        room.record()
        room.camera.wait(timeout=60)
        time.sleep(3)
        room.film()
        came = time.monotonic()
        room.wait_for_pictures(15)
        print(f"   back, and 15 pictures later after {time.monotonic() - came:.2f} s")
        asked, doc = room.end(3)
        expect(row(doc)["stored"] >= 20 + len(room.sent(asked)), "pictures lost around an outage")
        (_, gap), = room.gaps()
        after = min(f.t for _, f, g in room.frames() if g is None and f.t >= gap["t_end_ns"])
        expect(after == gap["t_end_ns"], "the gap does not end where the next picture begins")


def a_camera_that_never_answers_is_tried_for_ever_and_told(work):
    print("== a camera that never answers, and one that answers late")
    with Room(work / "never", 10) as room:
        room.record()
        time.sleep(4)
        _, doc = room.end(3)
        (name, gap), = room.gaps()
        expect(name == "scope.video" and gap["reason"] == "source-absent", f"{name} {gap}")
        expect(gap.get("t_begin_ns", 0) == 0 and abs(gap["t_end_ns"] * 1e-9 - doc["seconds"]) < 1e-6,
               f"not from the beginning to the end of the case: {gap}")
        verdict = casebox.json("verify", room.folder / "spool")
        expect(verdict["verdict"] == "COMPLETE_WITH_DECLARED_GAPS", verdict["verdict"])
        expect(any(s["stream"] == "scope.video" and s["gap_frames"] == 1
                   for c in verdict["cases"] for s in c["streams"]), f"verify does not name it: {verdict}")
        expect("missing: scope.video: " in casebox.run("verify", room.folder / "spool").stdout,
               "verify does not name it to people")
        casebox.run("ingest", "--store", room.folder / "store", "--keys", room.folder / "keys", "--logs",
                    room.folder / "spool", "--until-idle", 1)
        shown = casebox.json("show", doc["case_id"], "--store", room.folder / "store", "--keys", room.folder / "keys")
        expect([(g["stream"], g["reason"]) for g in shown["gaps"]] == [("scope.video", "source-absent")],
               f"show does not name it: {shown['gaps']}")
    with Room(work / "late", 10) as room:
        room.record()
        time.sleep(5)
        room.film()
        room.wait_for_pictures(30)
        asked, doc = room.end(3)
        expect(row(doc)["stored"] >= len(room.sent(asked)), "pictures lost of a camera that came late")
        (_, gap), = room.gaps()
        came = room.sent()[0] - room.zero_ns()
        print(f"   first picture at {came * 1e-9:.2f} s, a gap up to {gap['t_end_ns'] * 1e-9:.2f} s")
        expect(gap.get("t_begin_ns", 0) == 0 and abs(gap["t_end_ns"] - came) < 3e8, f"{gap}, came at {came}")


def a_pipe_that_nobody_fills_holds_up_no_end(work):
    print("== a pipe that nobody writes into, and one that falls silent")
    for pictures in (0, 20):
        with Room(work / f"pipe-{pictures}", 10) as room:
            pipe, config = room.folder / "pipe", room.folder / "recorder.yaml"
            os.mkfifo(pipe)
            config.write_text(config.read_text().replace(f"tcp://127.0.0.1:{room.port}", str(pipe)))
            room.record()
            if pictures:
                with open(pipe, "wb", buffering=0) as into:
                    into.write(picture_sender.header())
                    for i in range(pictures):
                        unit = picture_sender.picture(i)
                        into.write(picture_sender.tag(100 * i, b"\x17\x01\0\0\0" + struct.pack(">I", len(unit)) + unit))
                        time.sleep(0.1)
                    time.sleep(2)
                    began = time.monotonic()
                    _, doc = room.end(3)
            else:
                time.sleep(3)
                began = time.monotonic()
                _, doc = room.end(3)
            (name, gap), = room.gaps()
            print(f"   {pictures} pictures, {row(doc)['stored']} stored, ended in {time.monotonic() - began:.1f} s: {gap['reason']}")
            expect(row(doc)["stored"] == pictures, f"{row(doc)['stored']} of {pictures} pictures")
            expect(gap["reason"] == ("silent" if pictures else "source-absent") and name == "scope.video", f"{gap}")
            expect(abs(gap["t_end_ns"] * 1e-9 - doc["seconds"]) < 1e-6, "the gap does not reach the end of the case")
            expect(time.monotonic() - began < 12, "a silent pipe held up the end")


def a_kill_costs_no_more_than_is_declared(work):
    print("== kill -9")
    chance = random.Random(11)
    for n in range(40 if os.environ.get("CASEBOX_TEST_LONG") else 6):
        rate = RATES[n % len(RATES)]
        with Room(work / f"kill-{n}", rate) as room:
            room.film()
            room.record()
            room.wait_for_pictures(max(8, 3 * rate))
            time.sleep(chance.uniform(0, 1.5))
            room.recorder.kill()
            killed = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
            room.recorder.wait()
            room.camera.kill()
            time.sleep(chance.uniform(0, 1))
            done = casebox.json("recover", room.folder / "spool", "--keys", room.folder / "keys", code=3)
            frames = room.frames()
            zero = min(f.t_capture - f.t for _, f, gap in frames if gap is None)
            stored = sum(f.count for _, f, gap in frames if gap is None)
            last = max(f.t for _, f, gap in frames if gap is None)
            (_, gap), = [(name, gap) for name, _, gap in frames if gap is not None]
            sent = [t - zero for t in room.sent(killed)]
            lost = [t for t in sent[stored:]]
            declared, = done["streams"]
            print(f"   {rate:2} pictures/s: {len(sent)} sent, {stored} stored; lost {len(lost)}, at most "
                  f"{declared['lost_at_most_s']:.3f} s from {declared['lost_from_s']:.3f} s, died at {(killed - zero) * 1e-9:.3f} s")
            expect(gap["reason"] == "crash" and gap["t_end_ns"] * 1e-9 == declared["lost_until_s"], f"{gap} {declared}")
            expect(gap["t_end_ns"] >= killed - zero - 5e6, f"declared up to {gap['t_end_ns']}, died at {killed - zero}")
            for t in lost:
                expect(gap["t_begin_ns"] - 6e7 <= t <= gap["t_end_ns"], f"a picture of {t} lies outside of {gap}")
            expect(last <= gap["t_begin_ns"], "the gap begins before the last picture")
            expect(len(lost) / rate <= declared["lost_at_most_s"] + 0.06, f"{len(lost)} lost, {declared} declared")
            # Beside what the container itself holds back (a picture), a quarter of a second.
            expect(len(lost) <= 1 + rate * 0.25, f"{len(lost)} pictures lost at {rate}/s")


def main():
    with tempfile.TemporaryDirectory(prefix="casebox-live-") as folder:
        work = pathlib.Path(folder)
        an_orderly_end_loses_nothing(work)
        simulated_rooms_keep_what_began_before_the_end(work)
        a_camera_that_dies_is_missing_up_to_the_end(work)
        a_camera_that_never_answers_is_tried_for_ever_and_told(work)
        a_pipe_that_nobody_fills_holds_up_no_end(work)
        a_kill_costs_no_more_than_is_declared(work)
    print("passed")


main()
