"""Attacks on the bus: records in the recorder's name, forged copies, headers, sizes, claims, other orders.

As in bus_attacks.py each returns what is read before the honest log and what is read after it.
"""

import os
import random
import struct

import casebox_format as cb
import log_files
import wire
from bus_attacks import ALARM, WHOLE, data, loose, stranger
from log_frames import change
from log_signers import sign_again
from registry import attack, each

WHEN = {"before": True, "behind": False}


def at(log, before):
    return ([log], []) if before else ([], [log])


def fresh(log, name):
    """A copy of a log under another id, so that it is another log."""
    log = log.clone()
    log.others["id"] = name.encode().hex()[:16].ljust(16, "0").encode()
    return log


# A data frame of the recorder's with one field of its header changed.

HEADER = {
    "time": lambda f: {"t": f.t + 1_000_000_000}, "first-moment": lambda f: {"t": -(1 << 63)},
    "last-moment": lambda f: {"t": (1 << 63) - 1}, "bound": lambda f: {"u95_us": 0xFFFFFFFF},
    "duration": lambda f: {"duration_us": 0xFFFFFFFF}, "period": lambda f: {"period": 0xFFFF},
    "flag-derived": lambda f: {"flags": f.flags | cb.DERIVED}, "flag-recovered": lambda f: {"flags": f.flags | cb.RECOVERED},
    "count": lambda f: {"count": f.count + 1}, "count-huge": lambda f: {"count": 0xFFFFFFFF},
    "stream-unknown": lambda f: {"stream": 4_000_000, "first": 0},
    "in-the-clear": lambda f: {"flags": f.flags & ~cb.SEALED, "body": b"\0" + wire.encode("EventBatch", {"events": [ALARM]})},
    "body-empty": lambda f: {"body": b""}, "body-of-a-megabyte": lambda f: {"body": os.urandom(1 << 20)},
    "a-gap": lambda f: {"kind": cb.GAP, "flags": 0, "body": wire.encode("Gap", {"origin": 1, "reason": "disconnected",
                                                                              "missing": f.count})},
    "a-gap-of-noise": lambda f: {"kind": cb.GAP, "flags": 0, "body": b"\xff" * 30},
}


@each("bus", WHOLE, {f"data-with-another-{name}-{when}": (how, before) for name, how in HEADER.items()
                     for when, before in WHEN.items()})
def data_changed(bus, what):
    how, before = what
    frame = data(bus)
    return at(loose(bus, [frame.changed(**how(frame))]), before)


# Control frames of the recorder's, changed.

CONTROL = {
    "date": (cb.CASE, lambda m: m["open"].update(start_utc_ns=1_600_000_000_000_000_000)),
    "procedure": (cb.CASE, lambda m: m["open"].update(procedure="appendectomy")),
    "room": (cb.CASE, lambda m: m["open"].update(room="OR9")),
    "partition": (cb.CASE, lambda m: m["open"].update(partition=7, room_slot=7)),
    "role": (cb.CASE, lambda m: m["open"].update(role=2)),
    "kind": (cb.CASE, lambda m: m["open"].update(kind=1)),
    "case-key": (cb.CASE, lambda m: m["open"].update(case_public_key=b"\2" * 32)),
    "epoch-key": (cb.CASE, lambda m: m["open"].update(sealed_epoch_key=b"\3" * 80)),
    "no-epoch-key": (cb.CASE, lambda m: m["open"].pop("sealed_epoch_key")),
    "key-of-31-bytes": (cb.CASE, lambda m: m["open"].update(signing_key=b"\1" * 31)),
    "stream-name": (cb.STREAM, lambda m: m.update(name="planted")),
    "stream-kind": (cb.STREAM, lambda m: m.update(kind=7)),
    "stream-id-0": (cb.STREAM, lambda m: m.pop("stream_id")),
    "stream-id-huge": (cb.STREAM, lambda m: m.update(stream_id=0xFFFFFFFF)),
    "commitment": (cb.KEY, lambda m: m["periods"][0].update(commitment=b"\1" * 32)),
    "clock": (cb.CLOCK, lambda m: m.update(utc_ns=1)),
    "beat-signature": (cb.BEAT, lambda m: m.update(signature=b"\1" * 64)),
    "beat-position": (cb.BEAT, lambda m: m["positions"][-1].update(next_number=1 << 40)),
    "beat-form": (cb.BEAT, lambda m: m.update(form=0)),
}


@each("bus", WHOLE, {f"control-with-another-{name}-{when}": (*how, before) for name, how in CONTROL.items()
                     for when, before in WHEN.items()})
def control_changed(bus, what):
    kind, how, before = what
    frame = bus.log.opening()[2] if kind == cb.CASE else bus.log.find(nth=1, kind=kind)[2]
    message = frame.message()
    how(message)
    return at(loose(bus, [frame.changed(message=message)]), before)


@each("bus", WHOLE, {f"{name}-with-an-unknown-field-first": kind for name, kind in (
    ("case-frame", cb.CASE), ("stream-frame", cb.STREAM), ("key-frame", cb.KEY), ("beat", cb.BEAT), ("clock", cb.CLOCK))})
def unknown_field(bus, kind):
    frame = bus.log.opening()[2] if kind == cb.CASE else bus.log.find(nth=1, kind=kind)[2]
    return [loose(bus, [frame.changed(body=frame.body + wire.encode_field(77, 2, b"planted"))])], []


@attack("bus", "beat-with-another-header-first", WHOLE)
def beat_header(bus):
    frame = bus.log.find(nth=3, kind=cb.BEAT)[2]
    return [loose(bus, [frame.changed(t=frame.t + 1), frame.changed(u95_us=7)])], []


@each("bus", WHOLE, {"early-close-first": True, "early-close-behind-half": False})
def early_close(bus, first):
    """A close frame of the recorder's epoch that nobody signed, with the positions of the middle."""
    items = bus.log.items()
    half = [item.frame for item in items[:len(items) // 2]]
    last = [frame for frame in half if frame.stream == 0][-1]
    beat = [frame for frame in half if frame.kind == cb.BEAT][-1].message()
    close = last.changed(kind=cb.CASE, first=last.next, body=wire.encode("CaseControl", {
        "close": {"reason": 1, "positions": beat["positions"], "end_t_ns": last.t}}))
    return [loose(bus, [close] if first else [*half, close])], []


# Copies at the front of a file: a reader that has not seen the originals yet.

@each("bus", WHOLE, {"forged-copy-of-the-case-frame": cb.CASE, "forged-copy-of-a-stream-frame": cb.STREAM,
                     "forged-copy-of-a-key-frame": cb.KEY})
def forged_copy(bus, kind):
    frame = bus.log.opening()[2] if kind == cb.CASE else bus.log.find(nth=1, kind=kind)[2]
    message = frame.message()
    if kind == cb.CASE:
        message["open"].update(procedure="appendectomy", signing_key=bytes(bus.honest.stranger.verify_key))
    elif kind == cb.STREAM:
        message["name"] = "planted"
    else:
        message["periods"][0]["commitment"] = b"\1" * 32
    log = loose(bus, [data(bus)])
    log.files[0].copies = [frame.changed(message=message)]
    log.settle()
    return [log], []


# File headers.

@each("bus", WHOLE, {
    "file-header-without-a-case": {"case_id": b""}, "file-header-with-a-short-case": {"case_id": b"\1" * 15},
    "file-header-with-a-long-case": {"case_id": b"\1" * 300}, "file-header-without-a-producer": {"producer_id": b""},
    "file-header-of-role-99": {"role": 99}, "file-header-of-another-index": {"file_index": 1 << 40},
    "file-header-of-three-megabytes": {None: [(77, 2, b"x" * (3 << 20))]}})
def file_header(bus, fields):
    log = loose(bus, [data(bus)])
    log.files[0].header.update(fields)
    log.settle()
    return [log], []


@each("bus", WHOLE, {"file-header-cut": 30, "file-header-that-claims-4-gigabytes": None})
def file_header_bytes(bus, size):
    log = loose(bus, [data(bus)])
    front = log.files[0].front()
    log.files[0].raw_header = front[:size] if size else front[:12] + b"\xff" * 4 + front[16:]
    log.settle()
    return [log], []


@each("bus", WHOLE, {"frame-of-more-than-a-megabyte": 2 << 20, "frame-that-claims-4-gigabytes": None})
def oversize(bus, size):
    raw = bytearray(data(bus).changed(body=b"\0" * (size or 100)).pack())
    if size is None:
        raw[4:8] = b"\xff" * 4
    log = loose(bus, [])
    log.files[0].items = [log_files.Item(None, bytes(raw)), log_files.Item(data(bus).changed(first=1 << 40))]
    log.settle()
    return [log], []


# Claims.

@each("bus", WHOLE, {
    "stranger-of-another-partition": {"partition": 7, "room_slot": 7}, "stranger-of-no-time": {"start_utc_ns": 0},
    "stranger-of-the-last-moment": {"start_utc_ns": (1 << 64) - 1}, "stranger-without-a-case-key": {"case_public_key": b""},
    "stranger-without-an-epoch-key": {"sealed_epoch_key": b""}, "stranger-with-markup-in-names": {
        "procedure": "<script>alert(1)</script>", "room": "'; drop table"},
    "stranger-with-names-of-a-megabyte": {"procedure": "x" * 900_000},
    "stranger-of-another-producer-than-his-log": {"producer_id": b"\6" * 16}})
def claim(bus, opening):
    return [log_files.Log.of(stranger(bus, **opening))], []


@attack("bus", "stranger-with-names-that-are-no-text", WHOLE)
def no_text(bus):
    epoch = stranger(bus)
    frame = epoch.frames[0]
    epoch.frames[0] = frame.changed(body=frame.body.replace(b"OR1", b"\xff\xfe\xfd"))
    return [log_files.Log.of(epoch)], []


@each("bus", WHOLE, {f"epoch-number-of-the-recorder-by-{who}-{when}": (who, before) for who in
                     ("a-stranger", "the-analysis", "custody") for when, before in WHEN.items()})
def epoch_number(bus, what):
    """Another producer takes the recorder's epoch number, under its own key."""
    who, before = what
    role, key = {"a-stranger": (1, bus.honest.stranger), "the-analysis": (2, None), "custody": (3, None)}[who]
    key = key or cb.signing_key(bus.honest.keys, {2: "analysis", 3: "custody"}[role])
    epoch = cb.Epoch(case=bus.case, role=role, key=key, epoch=bus.log.opening()[2].epoch)
    epoch.close()
    return at(log_files.Log.of(epoch), before)


@each("bus", WHOLE, {f"the-log-signed-again-by-a-stranger-{name}-{when}": (same, before) for name, same in
                     (("under-its-epoch", True), ("under-another", False)) for when, before in WHEN.items()})
def signed_again(bus, what):
    same, before = what
    log = fresh(bus.log, "again")
    if not same:
        for item in log.items():
            item.frame = item.frame.changed(epoch=item.frame.epoch ^ 1)
    sign_again(log, bus.honest.stranger)
    return at(log, before)


@each("bus", WHOLE, {f"a-case-of-{who}-alone": role for who, role in (("the-analysis", 2), ("custody", 3))})
def case_alone(bus, role):
    """A derived epoch, well signed, of a case that nobody recorded, in a role that owns none."""
    key = cb.signing_key(bus.honest.keys, {2: "analysis", 3: "custody"}[role])
    epoch = cb.Epoch(case=os.urandom(16), role=1, key=key)
    epoch.close()
    return [log_files.Log.of(epoch)], []


# Many of them.

@attack("bus", "stranger-with-20000-streams", WHOLE)
def many_streams(bus):
    epoch = stranger(bus, close=False)
    frame = next(f for f in epoch.frames if f.kind == cb.STREAM)
    first = epoch.frames[-1].next if epoch.frames[-1].stream == 0 else epoch.chains[0][0]
    frames = [frame.changed(first=first + n, message={"stream_id": 1000 + n, "name": f"planted-{n}", "kind": 1})
              for n in range(20_000)]
    log = log_files.Log.of(epoch)
    log.files[0].items += [log_files.Item(f) for f in frames]
    log.settle()
    return [log], []


@attack("bus", "strangers-cases-2000-opened", WHOLE)
def many_cases(bus):
    log = log_files.Log()
    for number in range(2000):
        case = struct.pack("<QQ", number + 1, 99)
        epoch = cb.Epoch(case=case, key=bus.honest.stranger, producer=b"\1" * 16)
        log.files.append(log_files.LogFile(number + 1, {"case_id": case, "producer_id": b"\1" * 16, "role": 1}, (),
                                           [log_files.Item(f) for f in epoch.frames]))
    log.others["id"] = b"00000000000000dd"
    log.settle()
    return [log], []


@attack("bus", "equivocations-20000-of-one-frame", WHOLE)
def many_equivocations(bus):
    frame = data(bus)
    return [loose(bus, [frame.changed(body=struct.pack("<I", n) * 8) for n in range(20_000)])], []


@attack("bus", "gaps-20000-of-4e9", WHOLE)
def many_gaps(bus):
    frame = data(bus)
    body = wire.encode("Gap", {"origin": 1, "reason": "disconnected", "missing": 0xFFFFFFFF})
    return [loose(bus, [frame.changed(kind=cb.GAP, flags=0, first=n << 32, count=0xFFFFFFFF, body=body)
                        for n in range(1, 20_000)])], []


# Honest frames in another order, in pieces, doubled.

@each("bus", WHOLE, {"honest-frames-shuffled": 1, "honest-frames-shuffled-again": 2})
def shuffled(bus, seed):
    frames = [item.frame for item in bus.log.items()]
    random.Random(seed).shuffle(frames)
    return [loose(bus, frames)], []


@attack("bus", "honest-frames-each-twice", WHOLE)
def each_twice(bus):
    return [loose(bus, [frame for item in bus.log.items() for frame in (item.frame, item.frame)])], []


@attack("bus", "honest-log-in-twenty-logs", WHOLE)
def in_pieces(bus):
    frames = [item.frame for item in bus.log.items()]
    size = len(frames) // 20 + 1
    return [loose(bus, frames[n:n + size]) for n in range(0, len(frames), size)], []


@each("bus", WHOLE, {"honest-opening-alone-first": cb.CASE, "honest-streams-alone-first": cb.STREAM,
                     "honest-beats-alone-first": cb.BEAT, "honest-data-alone-first": cb.DATA, "honest-gaps-alone-first": cb.GAP})
def one_kind(bus, kind):
    return [loose(bus, [p[2] for p in bus.log.frames(kind=kind)])], []


@attack("bus", "two-cases-frame-by-frame", WHOLE)
def interleaved(bus):
    """The frames of the later case under this one's name, between the true ones."""
    own, others = [i.frame for i in bus.log.items()], [i.frame for i in bus.honest.other.items()]
    return [loose(bus, [frame for pair in zip(own, others) for frame in pair])], []


@attack("bus", "later-case-with-a-frame-of-this-one", WHOLE)
def later_case(bus):
    log = fresh(bus.honest.other, "later")
    place = log.find(nth=40, kind=cb.DATA)
    change(log, place, body=data(bus).body)
    return [log], []


@each("bus", WHOLE, {"honest-log-with-another-frame-first": 1, "honest-log-with-twenty-other-frames-first": 20})
def other_frames(bus, count):
    """Read to its end, beats and all, before the true frames come."""
    log = fresh(bus.log, f"other{count}")
    for n in range(count):
        place = log.find(nth=10 + 7 * n, kind=cb.DATA)
        log.replace(place, place[2].changed(body=bytes(len(place[2].body))))
    log.refit()
    return [log], []


@attack("bus", "honest-log-with-other-streams-and-clocks-first", WHOLE)
def other_control(bus):
    """The same with control frames, which the beats' own chain is made of."""
    log = fresh(bus.log, "control")
    for kind, how in ((cb.STREAM, lambda m: m.update(name="planted")), (cb.CLOCK, lambda m: m.update(utc_ns=1))):
        place = log.find(nth=1, kind=kind)
        message = place[2].message()
        how(message)
        log.replace(place, place[2].changed(message=message))
    log.refit()
    return [log], []


@attack("bus", "honest-log-cut-in-a-frame-first", WHOLE)
def torn(bus):
    log = fresh(bus.log, "torn")
    place = log.find(nth=60, kind=cb.DATA)
    log.keep_until(place, inclusive=False)
    log.files[-1].tail = place[2].pack()[:-3]
    return [log], []


@attack("bus", "honest-log-flipped-in-every-tenth-frame-first", WHOLE)
def flipped(bus):
    log = fresh(bus.log, "flipped")
    for item in log.items()[::10]:
        raw = bytearray(item.frame.pack())
        raw[len(raw) // 2] ^= 1
        item.frame, item.junk = None, bytes(raw)
    log.settle()
    return [log], []
