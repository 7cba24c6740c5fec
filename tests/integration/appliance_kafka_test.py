#!/usr/bin/env python3
"""A recorder that forwards its own spool to a real broker: away at first, then with topics of another size, then
right; killed in between. And a store whose topics are not the ones that it read any more.

    appliance_kafka_test.py CASEBOX
"""

import pathlib
import shutil
import tempfile
import time

from appliance_room import Room, accounts, casebox
from kafka_node import start, stop
from support import expect, skip

import kafka_producer

LANES = ("event", "wave", "media")


def ingest(room, store, brokers, *more, code=0):
    return casebox.run("ingest", "--store", store, "--keys", room.folder / "keys", "--kafka", brokers, "--topic-prefix",
                       "room", "--until-idle", 3, *more, code=code)


def with_kafka(room, brokers):
    config = room.folder / "room.yaml"
    config.write_text(config.read_text().replace(
        "cases:\n", f"  kafka: {{brokers: '{brokers}', partitions: 2, topic_prefix: room}}\ncases:\n", 1))


def a_spool_reaches_the_broker_whatever_happens(work, brokers, folder):
    print("== a broker that is away, topics that do not fit, a kill, and all of it arrives")
    stop(folder)
    with Room(work / "room") as room:
        with_kafka(room, brokers)
        room.start()
        room.send()
        now = room.wait(lambda now: now["forward"] == "away" and now["forward_lag_s"] > 1, "lag")
        expect(any("not forwarded" in trouble for trouble in now["troubles"]), f"{now['troubles']}")
        case = room.ask("begin")["case_id"]  # an absent broker keeps nobody from recording
        time.sleep(2)
        expect(start(folder) == brokers, "the broker has another address")
        room.wait(lambda now: now["forward"] == "refused" and "no such topic" in now["forward_message"], "a refusal")
        casebox.run("topics", "--kafka", brokers, "--topic-prefix", "room", "--partitions", 2)
        room.wait(lambda now: now["forward"] == "forwarding", "the broker to be used")
        time.sleep(1)
        room.kill()
        room.start()
        room.wait_for("recording")
        time.sleep(2)
        room.ask("end")
        room.wait_for("idle")
        room.wait(lambda now: now["forward"] == "forwarding" and now["forward_lag_s"] < 1, "no lag")
        time.sleep(1)
        room.stop(3)  # the kill cost something, and that is said
        done = ingest(room, room.folder / "store", brokers)
        expect("quarantined 0" in done.stderr, done.stderr)
        listed = casebox.json("cases", "--store", room.folder / "store", "--keys", room.folder / "keys")["cases"]
        expect([c["case_id"] for c in listed] == [case] and listed[0]["state"] == "closed", f"{listed}")
        accounts(room, case, room.zeros())
        direct = room.folder / "direct"
        casebox.run("ingest", "--store", direct, "--keys", room.folder / "keys", "--logs", room.folder / "spool",
                    "--until-idle", 1)
        digests = {casebox.json("show", case, "--store", store, "--keys", room.folder / "keys")["case_digest"]
                   for store in (room.folder / "store", direct)}
        expect(len(digests) == 1, "what came over the broker is not what was recorded")
    with Room(work / "other-size") as room:
        with_kafka(room, brokers)
        config = room.folder / "room.yaml"
        config.write_text(config.read_text().replace("partitions: 2", "partitions: 3"))
        room.start()
        now = room.wait(lambda now: now["forward"] == "refused", "a refusal")
        expect("has 2 partitions" in now["forward_message"], now["forward_message"])
        room.stop(0)
    return work / "room"


def a_topic_that_is_another_one_is_refused(work, brokers, folder):
    print("== topics that were made again, and retention that passed before anybody read")
    class Of:  # what ingest() needs of a room
        pass
    room = Of()
    room.folder = folder
    store = folder / "store"
    admin = kafka_producer.Producer(brokers)
    for lane in LANES:
        admin.delete_topic(f"room.{lane}.v1")
    deadline = time.monotonic() + 60
    while True:
        done = casebox.run("topics", "--kafka", brokers, "--topic-prefix", "room", "--partitions", 2, code=None)
        refused = ingest(room, store, brokers, code=None)
        if done.returncode == 0 and "no such topic" not in refused.stderr:
            break
        expect(time.monotonic() < deadline, f"the topics do not come back: {done.stderr} {refused.stderr}")
        time.sleep(0.5)
    # The same spool once more: as many records as before, at the same offsets or others; other cases before it.
    with Room(work / "again") as again:
        with_kafka(again, brokers)
        shutil.copytree(folder / "keys", again.folder / "keys")
        again.start()
        again.send()
        again.ask("begin")
        time.sleep(25)
        again.ask("end")
        again.wait_for("idle")
        again.wait(lambda now: now["forward"] == "forwarding" and now["forward_lag_s"] < 1, "no lag")
        again.stop(0)
        refused = ingest(room, store, brokers, code=3)
        expect("made again" in refused.stderr and "--resume-at room." in refused.stderr, refused.stderr)
        places = [("--resume-at", f"room.{lane}.v1/{partition}=0") for lane in LANES for partition in (0, 1)]
        ingest(room, store, brokers, *[word for place in places for word in place])
        listed = casebox.json("cases", "--store", store, "--keys", folder / "keys")["cases"]
        expect(len(listed) == 2, f"the case of the topic that was made again: {listed}")
        # Retention: the first records of the events are gone before another store has read them.
        admin.delete_before("room.event.v1", 0, 3)
        fresh = folder / "fresh"
        refused = ingest(room, fresh, brokers, code=3)
        expect("room.event.v1/0: 3 records from 0 on were removed before they were read" in refused.stderr, refused.stderr)
        done = ingest(room, fresh, brokers, "--resume-at", "room.event.v1/0=3", code=None)
        expect("room.event.v1/0: offsets 0 to 3 were never read" in
               casebox.run("cases", "--store", fresh, "--keys", folder / "keys", code=None).stderr + done.stderr,
               f"the loss is not named: {done.stderr}")
    admin.close()


def main():
    for program in ("java", "mvn"):
        if shutil.which(program) is None:
            skip(f"{program} is not installed (apt-get install default-jre-headless maven)")
    with tempfile.TemporaryDirectory(prefix="casebox-appliance-kafka-") as name:
        work = pathlib.Path(name)
        folder = work / "kafka"
        try:
            brokers = start(folder)
            recorded = a_spool_reaches_the_broker_whatever_happens(work, brokers, folder)
            a_topic_that_is_another_one_is_refused(work, brokers, recorded)
        finally:
            stop(folder)
    print("passed")


main()
