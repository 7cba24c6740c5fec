"""What a hostile bus may carry: one record or some of each kind, with the reasons for which it may be in quarantine.

Frames are made by the attack suite's own writer (tests/attack/casebox_format.py), from the format pages alone.
"""

import dataclasses
import os

import casebox_format as cb
import honest
import wire

SEALED_EVENT = b"\x5a" * 40
ALL = (1 << 64) - 1


@dataclasses.dataclass
class Record:
    """`reasons` empty: it need not be in quarantine, since it is nothing or is known."""
    kind: str
    reasons: tuple
    key: bytes | None
    value: bytes | None
    partition: int = 0
    topic: str = "event"


@dataclasses.dataclass
class World:
    """What poison is aimed at."""
    closed: cb.Epoch   # a case that is stored and ended
    open: cb.Epoch     # one of which `sent` frames are on the bus
    sent: int
    later: bytes       # the id of one that is still to come
    stranger: object   # a signing key that nobody enrolled
    analysis: object   # one that is enrolled as an analysis


def key_of(case):
    return case.hex().encode()


def good_frame(epoch, stream=4):
    """Sealed data of `epoch` behind everything it has."""
    last = [frame for frame in epoch.frames if frame.stream == stream][-1]
    return cb.Frame(cb.DATA, cb.SEALED, stream, epoch.epoch, last.next, t=last.t, body=SEALED_EVENT)


def control_frame(epoch, kind, body):
    return cb.Frame(kind, 0, 0, epoch.epoch, epoch.frames[-1].next, t=epoch.t, body=body)


def not_frames(world):
    good = good_frame(world.closed)
    raw = good.pack()
    beat = world.closed.frames[-1].pack()
    yield "empty", b""
    yield "no value", None
    yield "noise", os.urandom(500)
    yield "a text", "grün: not a frame".encode()
    yield "larger than any frame", b"\x5a" * 1_900_000
    yield "bytes behind a frame", raw + b"x"
    yield "two frames in one", raw + raw
    yield "checksum", good.changed().pack()[:-1] + b"\0"
    for name, change in (("magic", {"magic": 0x11}), ("version", {"version": 9}), ("kind", {"kind": 99}),
                         ("flags", {"flags": 0xFF}), ("count of none", {"count": 0}),
                         ("numbers past 64 bits", {"first": ALL, "count": 1}), ("zero field", {"zero": 7}),
                         ("data on stream 0", {"stream": 0}), ("a sealed gap", {"kind": cb.GAP})):
        yield name, good.changed(**change).pack()
    length = bytearray(raw)
    length[4:8] = b"\xf0\xff\xff\xff"
    yield "body length", bytes(length)
    for size in sorted({1, 2, 3, 4, 8, 12, 16, 24, 32, 36, 40, 48, 56, 60, 62, 63, 64, 65, len(beat) - 1,
                        *range(0, len(beat), 41)}):
        yield f"cut after {size} bytes", beat[:size]


def singles(world):
    """(kind, reasons, case, frame) of what one frame says by itself."""
    closed, case = world.closed, world.closed.case
    good = good_frame(closed)
    for name, number in (("2^48", 1 << 48), ("2^63", 1 << 63), ("2^64 - 2", ALL - 1)):
        yield f"number {name}", ("number-range",), case, good.changed(first=number)
    yield "numbers up to 2^48", ("number-range",), case, good.changed(first=(1 << 48) - 5, count=100)
    yield "latest time", ("time-range",), case, good.changed(t=(1 << 63) - 1)
    yield "earliest time", ("time-range",), case, good.changed(t=-(1 << 63))
    yield "plain data", ("plain-data",), case, good.changed(flags=0)

    def gap(count, **message):
        return good.changed(kind=cb.GAP, flags=0, count=count,
                            body=wire.encode("Gap", {"origin": 1, "reason": "disconnected", **message}))
    yield "gap that takes more than it says", ("bad-gap",), case, gap(4_000_000_000, missing=5)
    yield "unknown gap that takes many", ("bad-gap",), case, gap(9, count_unknown=True)
    yield "gap of everything", ("bad-gap",), case, gap(1, missing=ALL)
    yield "gap until the end of time", ("time-range",), case, gap(1, missing=1, t_end_ns=(1 << 63) - 1)
    yield "gap of 4e9 behind the end", ("after-end",), case, gap(4_000_000_000, missing=4_000_000_000)
    yield "gap body", ("bad-body",), case, good.changed(kind=cb.GAP, flags=0, body=b"\xff\xff\xff")

    for kind in (cb.CASE, cb.STREAM, cb.BEAT):
        yield f"{cb.KINDS[kind]} body of noise", ("bad-body",), case, control_frame(closed, kind, b"\xff\xff")
    yield "case frame of nothing", ("bad-body",), case, control_frame(closed, cb.CASE, b"")
    yield "stream frame of stream 0", ("bad-body",), case, control_frame(closed, cb.STREAM, b"")
    yield "beat of nothing", ("bad-beat",), case, control_frame(closed, cb.BEAT, b"")
    own = {"stream_id": 0, "next_number": closed.frames[-1].next, "head": b"h" * 32}
    for name, positions in (("with a short head", [{**own, "head": b"short"}]),
                            ("of other numbers", [{**own, "next_number": 3}]),
                            ("that names a stream twice", [own, own]),
                            ("of 3000 streams", [own, *({**own, "stream_id": n} for n in range(1, 3000))])):
        yield f"beat {name}", ("bad-beat",), case, control_frame(
            closed, cb.BEAT, wire.encode("Beat", {"positions": positions}))
    opening = closed.frames[0]
    yield "opening in the middle", ("wrong-opening",), case, opening.changed(first=closed.frames[-1].next)
    yield "opening of another case", ("wrong-case",), world.open.case, opening
    yield "a control frame that takes two", ("number-range",), case, opening.changed(count=2)

    yield "data behind the end", ("after-end",), case, good
    yield "beat behind the end", ("after-end",), case, closed.frames[-1].changed(
        first=closed.frames[-1].next, body=wire.encode("Beat", {
            **closed.frames[-1].message(), "positions": [{**own}]}))
    yield "stream behind the end", ("after-end",), case, control_frame(
        closed, cb.STREAM, wire.encode("Stream", {"stream_id": 77, "name": "planted", "kind": 7}))
    yield "wrong flag", ("wrong-flag",), case, good.changed(flags=cb.SEALED | cb.DERIVED)
    data = next(frame for frame in closed.frames if frame.kind == cb.DATA)
    yield "other bytes for a signed number", ("not-signed",), case, data.changed(body=bytes(len(data.body)))
    beat = next(frame for frame in closed.frames if frame.kind == cb.BEAT)
    yield "signed beat with an unknown field", ("not-signed", "bad-signature"), case, beat.changed(
        body=beat.body + wire.encode_field(99, 2, b"more"))
    yield "opening again", (), case, opening
    yield "draft", (), case, good.changed(kind=cb.DRAFT, flags=0)


def strangers(world):
    """Epochs of keys that may not say what they say."""
    for role in (0, 1, 2, 3, 4, 99):
        for where, case in (("the closed case", world.closed.case), ("the open case", world.open.case)):
            epoch = cb.Epoch(case=case, role=role, key=world.stranger)
            epoch.stream(900, "planted", "ALARM")
            epoch.events(900, {"alarm": {"kind": 1, "priority": 3, "code": "asystole", "active": True}})
            epoch.close()
            reason = "unknown-role" if role in (0, 99) else "not-enrolled"
            for frame in epoch.frames:
                yield f"stranger in role {role} in {where}", (reason,), case, frame
    empty = cb.Epoch(case=world.later, key=world.stranger, procedure="appendectomy", room="OR9",
                     start_utc_ns=1_600_000_000_000_000_000)
    empty.close()
    for frame in empty.frames:
        yield "empty epoch that comes first in a case", ("not-enrolled",), world.later, frame
    unknown = cb.Epoch(case=world.closed.case, key=world.stranger)
    frame = unknown.frames[0]
    yield "stranger's opening with unknown fields", ("not-enrolled",), world.closed.case, frame.changed(
        body=frame.body + wire.encode_field(999, 2, b"more"))
    for role, reason in ((1, "role-not-enrolled"), (3, "role-not-enrolled"), (4, "role-not-enrolled")):
        epoch = cb.Epoch(case=world.closed.case, role=role, key=world.analysis)
        epoch.close()
        for frame in epoch.frames:
            yield f"enrolled analysis in role {role}", (reason,), world.closed.case, frame
    nowhere = cb.Epoch(role=cb.ANALYSIS, key=world.analysis)
    nowhere.close()
    for frame in nowhere.frames:
        yield "derived epoch without a case", ("awaiting-case",), nowhere.case, frame
    # Public keys can be copied.
    for where, case in (("the closed case", world.closed.case), ("a new case", os.urandom(16))):
        copied = cb.Epoch(case=case, key=world.closed.key)
        yield f"copied key: opening in {where}", ("awaiting-epoch",), case, copied.frames[0]
        copied.key = world.stranger
        yield f"copied key: beat in {where}", ("awaiting-epoch",), case, copied.beat()


def in_the_open_case(world):
    """Forgeries between the first and the second half of a case that goes on. Its next beats settle them."""
    epoch, settled = world.open, ("not-signed", "equivocation", "after-end", "bad-signature")
    coming = epoch.frames[world.sent:]
    data = next(frame for frame in coming if frame.kind == cb.DATA and frame.stream == 3)
    yield "other bytes before the true frame", settled, data.changed(body=bytes(len(data.body)))
    yield "overlapping numbers", settled, data.changed(first=data.first - 1, count=data.count + 2)
    yield "gap of 4e9 before the true frame", settled, data.changed(
        kind=cb.GAP, flags=0, count=4_000_000_000,
        body=wire.encode("Gap", {"origin": 1, "reason": "disconnected", "missing": 4_000_000_000}))
    beat = next(frame for frame in coming if frame.kind == cb.BEAT)
    yield "another's beat before the true one", settled, beat.changed(message={
        **beat.message(), "signature": world.stranger.sign(b"x").signature})
    number = next(frame.first for frame in coming if frame.stream == 0)
    yield "stream that nobody signs", settled, cb.Frame(
        cb.STREAM, 0, 0, epoch.epoch, number, t=data.t,
        body=wire.encode("Stream", {"stream_id": 77, "name": "planted", "kind": 7}))
    yield "data of that stream", settled + ("awaiting-stream",), cb.Frame(
        cb.DATA, cb.SEALED, 77, epoch.epoch, 0, body=SEALED_EVENT)
    yield "close frame that nobody signs", settled, next(
        frame for frame in epoch.frames if frame.kind == cb.CASE and frame.first > 0).changed(first=number)
    yield "data of a stream without a name", ("awaiting-stream", "after-end"), cb.Frame(
        cb.DATA, cb.SEALED, 500, epoch.epoch, 0, body=SEALED_EVENT)
    yield "data far ahead", settled, data.changed(first=1 << 40, body=SEALED_EVENT)
    yield "the opening of this case again", (), epoch.frames[0]


def holes(world, count):
    """Every second number, far ahead, in the open case."""
    frame = next(f for f in world.open.frames if f.stream == 4 and f.kind == cb.DATA)
    for n in range(count):
        yield Record("thousands of holes", ("not-signed", "too-many-holes", "after-end"), key_of(world.open.case),
                     frame.changed(first=1_000_000 + 2 * n, count=1, body=SEALED_EVENT).pack())


def junk_epochs(world, first, count):
    """Of each second nobody but a stranger says who it is."""
    opening = cb.Epoch(case=world.closed.case, key=world.stranger).frames[0]
    for n in range(first, first + count):
        if n % 2:
            frame, reason = opening.changed(epoch=n), "not-enrolled"
        else:
            frame, reason = cb.Frame(cb.DATA, cb.SEALED, 3, n, 0, body=b"junk"), "awaiting-epoch"
        yield Record("junk epochs", (reason,), key_of(world.closed.case), frame.pack())


def kinds(world):
    """Every kind, in no order that matters but that of the forgeries in the open case."""
    closed = key_of(world.closed.case)
    for kind, value in not_frames(world):
        yield Record(kind, ("not-a-frame",), closed, value)
    raw = good_frame(world.closed).pack()
    for name, key in (("empty", b""), ("missing", None), ("that is no id", b"not an id"), ("too long", b"1" * 4000),
                      ("of nobody", b"0" * 32)):
        yield Record(f"key {name}", ("no-case",), key, raw)
    yield Record("key of another case", ("awaiting-epoch",), key_of(world.later), raw)
    yield Record("on another topic", ("after-end",), closed, raw, topic="media")
    elsewhere = honest.own_case(9, world.closed.key, world.closed.producer, steps=2)
    for frame in elsewhere.frames:
        yield Record("in another partition", ("wrong-partition", "awaiting-epoch"), key_of(elsewhere.case),
                     frame.pack(), 1)
    for kind, reasons, case, frame in (*singles(world), *strangers(world)):
        yield Record(kind, reasons, key_of(case), frame.pack())
    for n in range(50):
        frame = cb.Frame(cb.DATA, cb.SEALED, 3, 0xABCD, n, body=os.urandom(20))
        yield Record("junk in a good case", ("awaiting-epoch",), closed, frame.pack())
    for kind, reasons, frame in in_the_open_case(world):
        yield Record(kind, reasons, key_of(world.open.case), frame.pack())
