"""poison_test.py CASEBOX

A bus that may say anything, through a real Kafka broker: some two hundred kinds of records between the frames of
honest cases, with ingest killed and started again meanwhile. All of it must be in quarantine with its reason, every
honest case must be what a store has that never saw any of it, and memory must stay flat under thousands of junk epochs.
Then the stranger is enrolled, and what they said of a case of their own comes back.
"""

import collections
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import support
from support import ROOT, Casebox, expect, fail, skip

sys.path.insert(0, str(ROOT / "tests/attack"))
support.with_packages("crc32c", "zstandard", "nacl", "cryptography")

import honest  # noqa: E402
import kafka_producer  # noqa: E402
import log_files  # noqa: E402
import nacl.signing  # noqa: E402
import poison_records as poison  # noqa: E402

LONG = bool(os.environ.get("CASEBOX_TEST_LONG"))
GOOD = ("COMPLETE", "COMPLETE_WITH_DECLARED_GAPS")
MOST_MIB, MOST_GROWTH_MIB = 512, 64
KEPT = 10_000  # of one source and reason
LANES = {1: "wave", 2: "wave"}  # by stream of an honest case; the others are events

casebox = Casebox(sys.argv[1])


class Bus:
    """The broker, and where each record went."""

    def __init__(self, brokers):
        self.producer = kafka_producer.Producer(brokers)
        self.placed = {}  # (source, offset) -> Record, of poison

    def send(self, records):
        """Records in their order; those of one topic and partition behind each other go in one batch."""
        run, size = [], 0
        for record in records:
            same = run and (record.topic, record.partition) == (run[0].topic, run[0].partition)
            own = len(record.value or b"")
            if run and (not same or size + own > 500_000 or len(run) >= 2000):
                self.send_run(run)
                run, size = [], 0
            run.append(record)
            size += own
        if run:
            self.send_run(run)

    def send_run(self, run):
        topic = f"casebox.{run[0].topic}.v1"
        headers = [("casebox-format", b"frame/1"), ("casebox-producer", b"\x22" * 16)]
        offset = self.producer.send(topic, run[0].partition, [(r.key, r.value, headers) for r in run])
        for at, record in enumerate(run):
            if record.kind:
                self.placed[f"{topic}/{run[0].partition}", str(offset + at)] = record


def honest_records(epoch, frames):
    return [poison.Record("", (), poison.key_of(epoch.case), frame.pack(), topic=LANES.get(frame.stream, "event"))
            for frame in frames]


class Ingest:
    """A long-running ingest that is killed now and then."""

    def __init__(self, store, keys, brokers, log):
        self.args = ("ingest", "--store", store, "--keys", keys, "--kafka", brokers)
        self.store, self.log, self.process, self.kills = store, log, None, 0

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([casebox.program, *map(str, self.args)], stdout=log, stderr=log)

    def kill(self):
        expect(self.process.poll() is None, f"ingest ended by itself: {self.said()}")
        self.process.kill()
        self.process.wait()
        self.kills += 1

    def stop(self):
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGTERM)
        expect(self.process.wait(timeout=60) == 0, f"ingest failed: {self.said()}")

    def said(self):
        return pathlib.Path(self.log).read_text(encoding="utf-8", errors="replace")[-1500:]

    def rss_mib(self):
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text(encoding="utf-8").splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        return fail(f"ingest ended by itself: {self.said()}")

    def catch_up(self, reason, count):
        """Waits until so many frames are in quarantine for a reason, kept or not."""
        deadline = time.monotonic() + (600 if LONG else 120)
        while True:
            counts = casebox.json("quarantine", "--store", self.store, "--rows", 0)["counts"]
            have = sum(c["rows"] + c["beyond"] for c in counts if c["reason"] == reason)
            if have >= count:
                return
            expect(self.process.poll() is None, f"ingest ended by itself: {self.said()}")
            expect(time.monotonic() < deadline, f"{have} of {count} frames {reason} after a long time")
            time.sleep(0.1)

    def to_its_end(self):
        return casebox.json(*self.args, "--until-idle", 1)


def enrol(keys, name, role, key):
    casebox.run("keys", "enrol", "--name", name, "--role", role, "--key", bytes(key.verify_key).hex(), "--keys", keys)


def verified(store):
    """{case: (verdict, digest)} and the document."""
    document = casebox.json("verify", store, code=None)
    return {c["case_id"]: (c["verdict"], c["case_digest"]) for c in document["cases"]}, document


def junk(bus, ingest, world):
    """Memory while junk epochs come: more of them make it no larger."""
    print("== thousands of junk epochs")
    done, sizes = 0, []
    for many in (2000, 2000, *([66_000] if LONG else [])):
        bus.send(poison.junk_epochs(world, 100_000 + done, many))
        done += many
        ingest.catch_up("awaiting-epoch", awaiting_before(bus) + done // 2)
        ingest.catch_up("not-enrolled", done // 2)
        sizes.append((done, ingest.rss_mib()))
    print("   " + ", ".join(f"{mib:.0f} MiB after {n}" for n, mib in sizes))
    expect(max(mib for _, mib in sizes) < MOST_MIB, f"more than {MOST_MIB} MiB")
    for _, mib in sizes[1:]:
        expect(mib - sizes[0][1] < MOST_GROWTH_MIB, f"memory grew by {mib - sizes[0][1]:.0f} MiB")


def awaiting_before(bus):
    """Frames of the kinds that are in quarantine for want of their epoch, whatever comes of the junk."""
    return sum(1 for r in bus.placed.values() if r.reasons == ("awaiting-epoch",) and r.kind != "junk epochs")


def check_quarantine(bus, store):
    """Every poisoned record is there, with a reason that goes with its kind."""
    document = casebox.json("quarantine", "--store", store, "--rows", 1_000_000)
    rows = {(r["source"], r["offset"]): r for r in document["rows"]}
    beyond = {(c["source"], c["reason"]): c for c in document["counts"] if c["beyond"]}
    wrong, kinds, not_kept = [], set(), 0
    for place, record in bus.placed.items():
        row = rows.pop(place, None)
        kinds.add(record.kind)
        if row is None and any(int(beyond[place[0], reason]["first_beyond"]) <= int(place[1]) <=
                               int(beyond[place[0], reason]["last_beyond"])
                               for reason in record.reasons if (place[0], reason) in beyond):
            not_kept += 1
        elif (row is None) != (not record.reasons):
            wrong.append(f"{record.kind}: {'not in quarantine' if row is None else row['reason']}")
        elif row is not None and row["reason"] not in record.reasons:
            wrong.append(f"{record.kind}: {row['reason']} and not {' or '.join(record.reasons)}")
    wrong += [f"an honest frame at {place}: {row['reason']}" for place, row in rows.items()]
    expect(not wrong, "; ".join(f"{n} x {what}" for what, n in collections.Counter(wrong).most_common(8)))
    expect(sum(c["beyond"] for c in beyond.values()) == not_kept, "the counts of what is not kept are not right")
    expect(len(kinds) >= 40, f"only {len(kinds)} kinds")
    print(f"   {len(bus.placed)} poisoned records of {len(kinds)} kinds; {len(document['rows'])} kept with their "
          f"reason, {not_kept} counted")
    return document


def test(work, brokers, ingest):
    keys, store = work / "keys", work / "store"
    recorder, stranger, analysis = (nacl.signing.SigningKey.generate() for _ in range(3))
    casebox.run("keys", "stock", "--add", 0, "--keys", keys)
    enrol(keys, "or-1", "recorder", recorder)
    enrol(keys, "lab", "analysis", analysis)
    producer = b"\x22" * 16
    closed, going_on, later = (honest.own_case(n, recorder, producer, steps=steps)
                               for n, steps in ((1, 12), (2, 60), (3, 12)))
    of_the_stranger = honest.own_case(4, stranger, steps=4)

    print("== what an honest bus gives")
    clean = work / "clean"
    logs = []
    for n, epoch in enumerate((closed, going_on, later)):
        log = log_files.Log.of(epoch)
        log.others["id"] = f"{n:016x}".encode()
        logs += ["--logs", log.save(work / f"log-{n}")]
    casebox.run("ingest", "--store", clean, "--keys", keys, *logs, "--until-idle", 0.3)
    truth, _ = verified(clean)
    expect(len(truth) == 3 and all(verdict in GOOD for verdict, _ in truth.values()), f"{truth}")

    casebox.run("topics", "--kafka", brokers, "--partitions", 2)
    bus = Bus(brokers)
    bus.send(honest_records(closed, closed.frames))
    ingest.to_its_end()
    before, _ = verified(store)
    expect(before == {k: v for k, v in truth.items() if k in before} and len(before) == 1, f"{before}")

    print("== poison between the frames of a case that goes on, ingest killed meanwhile")
    half = len(going_on.frames) // 2
    bus.send(honest_records(going_on, going_on.frames[:half]))
    ingest.start()
    world = poison.World(closed, going_on, half, later.case, stranger, analysis)
    strangers_own = honest_records(of_the_stranger, of_the_stranger.frames)
    for record in strangers_own:  # waves may come before the opening that is refused
        record.kind, record.reasons = "a case of the stranger's own", ("not-enrolled", "awaiting-epoch")
    rest, seeded = honest_records(going_on, going_on.frames[half:]), random.Random(5)
    # The forgeries in the open case come before what they forge; everything else in between.
    poisoned, of_the_open = list(poison.kinds(world)), poison.key_of(going_on.case)
    others = [*(record for record in poisoned if record.key != of_the_open), *strangers_own]
    bus.send([record for record in poisoned if record.key == of_the_open])
    bus.send(poison.holes(world, 3000))
    step = len(others) // len(rest) + 1
    kill_at = {len(rest) * n // 4 for n in (1, 2, 3)}
    for at, frame in enumerate(rest):
        bus.send([*others[at * step:(at + 1) * step], frame])
        if at in kill_at:
            time.sleep(seeded.uniform(0.1, 0.8))
            ingest.kill()
            ingest.start()
    bus.send(others[len(rest) * step:])
    junk(bus, ingest, world)
    bus.send(honest_records(later, later.frames))
    ingest.stop()
    ingest.to_its_end()
    print(f"   ingest was killed {ingest.kills} times")

    print("== every honest case is what it is without poison, and the poison is accounted for")
    after, document = verified(store)
    expect(after == truth, f"{after} and not {truth}")
    listed = casebox.json("cases", "--store", store, "--keys", keys)["cases"]
    expect({c["case_id"] for c in listed} == set(truth), f"{[c['case_id'] for c in listed]} are listed")
    kept = check_quarantine(bus, store)
    told = {one["reason"]: one["frames"] for one in document["quarantined"]}
    counted = collections.Counter()
    for count in kept["counts"]:
        counted[count["reason"]] += count["rows"] + count["beyond"]
    expect(told == counted, f"verify says {told}, the quarantine {counted}")

    print("== the stranger is enrolled and comes back in")
    enrol(keys, "or-2", "recorder", stranger)
    casebox.run("requeue", "--store", store, "--keys", keys, "--case", honest.Honest.case_text(of_the_stranger.case))
    enrolled, _ = verified(store)
    mine = honest.Honest.case_text(of_the_stranger.case)
    expect(enrolled.pop(mine, ("missing",))[0] in GOOD and enrolled == truth, f"{enrolled}")


def main():
    for program in ("java", "mvn"):
        if shutil.which(program) is None:
            skip(f"{program} is not installed (apt-get install default-jre-headless maven)")
    work = pathlib.Path(tempfile.mkdtemp(prefix="casebox-poison-"))
    begin, ingest = time.monotonic(), None
    try:
        started = subprocess.run([ROOT / "deploy/kafka/start", work / "kafka"], capture_output=True, text=True)
        expect(started.returncode == 0, started.stderr)
        ingest = Ingest(work / "store", work / "keys", started.stdout.strip(), work / "ingest.log")
        test(work, started.stdout.strip(), ingest)
    finally:
        if ingest is not None and ingest.process is not None and ingest.process.poll() is None:
            ingest.process.kill()
            ingest.process.wait()
        subprocess.run([ROOT / "deploy/kafka/stop", work / "kafka", "KILL"], check=False, capture_output=True)
        shutil.rmtree(work, ignore_errors=True)
    print(f"poison: all good, {time.monotonic() - begin:.0f} s")


main()
