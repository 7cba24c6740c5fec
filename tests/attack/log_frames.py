"""Attacks on a log: frames changed, dropped, moved, put in. The checksum is always right again."""

import dataclasses

import casebox_format as cb
import wire
from registry import EITHER, GOOD, LOST, OPEN, SAME, SIGNED, attack, each


def change(log, place, **fields):
    log.replace(place, place[2].changed(**fields))
    log.refit()


def edit(log, place, edit_message):
    """Changes the message in a plain body."""
    message = place[2].message()
    edit_message(message)
    change(log, place, message=message)


# Every field of a data frame's header.

HEADER = {
    "kind": lambda f: {"kind": cb.GAP, "flags": 0},
    "flag-sealed": lambda f: {"flags": f.flags & ~cb.SEALED},
    "flag-derived": lambda f: {"flags": f.flags | cb.DERIVED},
    "flag-recovered": lambda f: {"flags": f.flags | cb.RECOVERED},
    "flag-sync": lambda f: {"flags": f.flags ^ cb.SYNC},
    "flag-first": lambda f: {"flags": f.flags ^ cb.FIRST},
    "flag-last": lambda f: {"flags": f.flags ^ cb.LAST},
    "u95": lambda f: {"u95_us": 1},
    "u95-unknown": lambda f: {"u95_us": 0xFFFFFFFF},
    "t": lambda f: {"t": f.t + 1_000_000_000},
    "t-first-bit": lambda f: {"t": f.t ^ 1},
    "t-negative": lambda f: {"t": -f.t - 1},
    "t-capture": lambda f: {"t_capture": f.t_capture + 1},
    "duration": lambda f: {"duration_us": f.duration_us + 1},
    "period": lambda f: {"period": f.period + 1},
}


@each("log", SIGNED, {f"data-header-{name}": how for name, how in HEADER.items()})
def data_header(log, honest, how):
    place = log.find(nth=40, kind=cb.DATA)
    change(log, place, **how(place[2]))


@each("log", EITHER, {
    "data-header-kind-draft": lambda f: {"kind": cb.DRAFT, "flags": 0},
    "data-header-count": lambda f: {"count": f.count + 1},
    "data-header-count-huge": lambda f: {"count": 0xFFFFFFFF},
    "data-header-first": lambda f: {"first": f.first + 1},
    "data-header-first-2-48": lambda f: {"first": (1 << 48) - 1},
    "data-header-first-2-63": lambda f: {"first": 1 << 63},
    "data-header-stream": lambda f: {"stream": f.stream + 1},
    "data-header-stream-unknown": lambda f: {"stream": 4_000_000},
    "data-header-epoch": lambda f: {"epoch": f.epoch ^ 1},
    "data-header-magic": lambda f: {"magic": 0xCC},
    "data-header-version": lambda f: {"version": 2},
    "data-header-zero": lambda f: {"zero": 1},
    "data-checksum": lambda f: {"stored_crc": 7},
})
def data_numbers(log, honest, how):
    place = log.find(nth=40, kind=cb.DATA)
    change(log, place, **how(place[2]))


@each("log", SIGNED, {"data-body-first-byte": 0, "data-body-last-byte": -1})
def data_body(log, honest, at):
    place = log.find(nth=40, kind=cb.DATA)
    body = bytearray(place[2].body)
    body[at] ^= 1
    change(log, place, body=bytes(body))


@attack("log", "data-body-empty", SIGNED)
def data_body_empty(log, honest):
    change(log, log.find(nth=40, kind=cb.DATA), body=b"")


@attack("log", "data-body-of-another-frame", SIGNED)
def data_body_swapped(log, honest):
    place = log.find(nth=40, kind=cb.DATA)
    other = log.find(nth=1, kind=cb.DATA, stream=place[2].stream)
    change(log, place, body=other[2].body)


@attack("log", "unsealed-body-in-place-of-a-sealed-one", SIGNED)
def unsealed_body(log, honest):
    place = log.find(nth=40, kind=cb.DATA)
    text = wire.encode("EventBatch", {"events": [{"text": {"code": "note", "text": "all went well"}}]})
    change(log, place, flags=place[2].flags & ~cb.SEALED, body=cb.pack_body(text))


@attack("log", "resealed-under-an-attackers-key", SIGNED)
def resealed(log, honest):
    place = log.find(nth=40, kind=cb.DATA)
    log.replace(place, cb.seal(place[2], b"\7" * 32, b""))
    log.refit()


# Messages of stream 0 and gaps.

OPENING = {
    "case-procedure": {"procedure": "sleeve-gastrectomy"},
    "case-room": {"room": "OR9"},
    "case-room-slot": {"room_slot": 5},
    "case-date": {"start_utc_ns": 1_600_000_000_000_000_000},
    "case-date-bound": {"start_utc_u95_ns": 1},
    "case-boot-id": {"boot_id": b"\1" * 16},
    "case-public-key": {"case_public_key": b"\2" * 32},
    "case-sealed-key": {"sealed_epoch_key": b"\3" * 80},
    "case-key-reused": {"case_key_reused": True},
    "case-software": {"software": "another program"},
    "case-previous-epoch": {"previous_epoch": b"\4" * 8},
    "case-source-digest": {"source_digest": b"\5" * 32},
    "case-kind-study": {"kind": 1},
    "case-role-import": {"role": 4},
    "case-role-analysis": {"role": 2},
    "case-role-0": {"role": 0},
    "case-role-99": {"role": 99},
    "case-producer": {"producer_id": b"\6" * 16},
    "case-id": {"case_id": b"\7" * 16},
    "case-config": {"config": {"room": "OR9"}},
}


@each("log", SIGNED, OPENING)
def opening(log, honest, fields):
    file, at, frame, _ = log.opening()
    message = frame.message()
    message["open"].update(fields)
    change(log, (file, at, frame), message=message)


@attack("log", "case-unknown-field", SIGNED)
def case_unknown_field(log, honest):
    place = log.opening()
    change(log, place, body=place[2].body + wire.encode_field(77, 2, b"planted"))


@attack("log", "case-ids-everywhere", SIGNED)
def case_ids_everywhere(log, honest):
    """Another case id in the case frame and in every file header."""
    file, at, frame, message = log.opening()
    message["case_id"] = b"\7" * 16
    for each_file in log.files:
        each_file.header["case_id"] = b"\7" * 16
    change(log, (file, at, frame), message={"open": message})


def channels(message):
    return message.get("channels", [])


def swap_names(message):
    first, second = channels(message)[0], channels(message)[-1]
    first["name"], second["name"] = second["name"] + ".", first["name"]


STREAM = {
    "stream-name": lambda m: m.update(name="another"),
    "stream-kind": lambda m: m.update(kind=2 if m["kind"] == 1 else 1),
    "stream-class": lambda m: m.update(stream_class=3),
    "stream-device": lambda m: m.update(device="another-device"),
    "stream-clock": lambda m: m.update(clock_id=77),
    "stream-rate": lambda m: m.update(tick_rate_hz={"num": 7, "den": 1}),
    "stream-gain": lambda m: channels(m)[0].update(gain=channels(m)[0].get("gain", 1) / 10 or 0.1),
    "stream-offset": lambda m: channels(m)[0].update(offset=10.0),
    "stream-decimals": lambda m: channels(m)[0].update(decimals=channels(m)[0].get("decimals", 0) + 1),
    "stream-unit": lambda m: channels(m)[0].update(unit="kPa"),
    "stream-channels-swapped": swap_names,
    "stream-channel-gone": lambda m: channels(m).pop(),
    "stream-id": lambda m: m.update(stream_id=m["stream_id"] + 100),
    "stream-absent-by-policy": lambda m: m.update(by_policy_absent=True, policy_reason="privacy"),
}


@each("log", SIGNED, STREAM)
def stream_frame(log, honest, how):
    place = next(p for p in log.frames(kind=cb.STREAM) if channels(p[2].message()))
    edit(log, place, how)


def set_period(message):
    message["periods"][0]["commitment"] = b"\1" * 32


@each("log", SIGNED, {
    "key-commitment": (cb.KEY, set_period),
    "key-salt": (cb.KEY, lambda m: m["periods"][0].update(salt=b"\1" * 16)),
    "key-period-gone": (cb.KEY, lambda m: m["periods"].clear()),
    "clock-utc": (cb.CLOCK, lambda m: m.update(utc_ns=m.get("utc_ns", 0) + 86_400_000_000_000)),
    "clock-bound": (cb.CLOCK, lambda m: m.update(utc_u95_ns=1)),
    "clock-sources": (cb.CLOCK, lambda m: m.update(sources=[{"clock_id": 1, "offset_ns": 5}])),
    "gap-reason": (cb.GAP, lambda m: m.update(reason="privacy")),
    "gap-origin": (cb.GAP, lambda m: m.update(origin=8)),
    "gap-missing": (cb.GAP, lambda m: m.update(missing=m.get("missing", 0) + 1)),
    "gap-times": (cb.GAP, lambda m: m.update(t_end_ns=m.get("t_begin_ns", 0))),
    "gap-unknown": (cb.GAP, lambda m: m.update(count_unknown=not m.get("count_unknown", False), missing=0)),
})
def control_message(log, honest, what):
    kind, how = what
    edit(log, log.find(nth=1, kind=kind), how)


@attack("log", "gap-header-count", EITHER)
def gap_count(log, honest):
    place = log.find(kind=cb.GAP)
    change(log, place, count=place[2].count + 7)


# Frames dropped, doubled, moved.

@each("log", LOST, {
    "drop-data": dict(kind=cb.DATA, nth=40), "drop-first-data": dict(kind=cb.DATA, nth=0),
    "drop-last-data": dict(kind=cb.DATA, nth=-1), "drop-gap": dict(kind=cb.GAP, nth=0),
    "drop-stream": dict(kind=cb.STREAM, nth=1), "drop-key": dict(kind=cb.KEY, nth=1),
    "drop-clock": dict(kind=cb.CLOCK, nth=2), "drop-beat": dict(kind=cb.BEAT, nth=3),
    "drop-case-frame": dict(kind=cb.CASE, nth=0),
})
def dropped(log, honest, which):
    nth = which["nth"]
    log.remove(log.find(nth, kind=which["kind"]))
    log.refit()


@attack("log", "drop-every-second-data", LOST)
def dropped_many(log, honest):
    for file, at, _ in reversed(log.frames(kind=cb.DATA)[::2]):
        del file.items[at]
    log.refit()


@attack("log", "drop-all-data-of-a-stream", LOST)
def dropped_stream(log, honest):
    stream = log.find(kind=cb.DATA)[2].stream
    for file, at, _ in reversed(log.frames(stream=stream)):
        del file.items[at]
    log.refit()


@attack("log", "drop-a-stream-and-its-entry", LOST)
def dropped_stream_whole(log, honest):
    stream = log.find(kind=cb.DATA)[2].stream
    for file, at, _ in reversed([p for p in log.frames() if p[2].stream == stream or p[2].kind == cb.STREAM and
                                 p[2].message().get("stream_id") == stream]):
        del file.items[at]
    log.refit()


@attack("log", "drop-data-renumbered", SIGNED)
def dropped_renumbered(log, honest):
    """A frame goes, and those behind it take its numbers."""
    place = log.find(nth=40, kind=cb.DATA)
    stream, count = place[2].stream, place[2].count
    behind = [p for p in log.frames(stream=stream) if p[2].first > place[2].first]
    for file, at, frame in behind:
        file.items[at].frame = frame.changed(first=frame.first - count)
    log.remove(place)
    log.refit()


@attack("log", "drop-data-for-a-forged-gap", SIGNED)
def data_to_gap(log, honest):
    place = log.find(nth=40, kind=cb.DATA)
    gap = wire.encode("Gap", {"origin": 1, "reason": "disconnected", "missing": place[2].count})
    change(log, place, kind=cb.GAP, flags=0, body=gap)


@attack("log", "gap-for-invented-data", SIGNED)
def gap_to_data(log, honest):
    place = log.find(kind=cb.GAP)
    sealed = cb.seal(place[2].changed(kind=cb.DATA), b"\7" * 32, b"")
    log.replace(place, sealed)
    log.refit()


@each("log", EITHER | GOOD, {
    "double-data": cb.DATA, "double-gap": cb.GAP, "double-key": cb.KEY, "double-beat": cb.BEAT}, loose=True)
def doubled(log, honest, kind):
    """The same bytes again: a duplicate changes nothing, but a writer makes none."""
    place = log.find(nth=2, kind=kind)
    log.insert(place, place[2], after=True)
    log.refit()


@attack("log", "double-data-with-other-bytes", SIGNED)
def equivocation(log, honest):
    place = log.find(nth=40, kind=cb.DATA)
    log.insert(place, place[2].changed(body=b"\0" * len(place[2].body)), after=True)
    log.refit()


@attack("log", "other-bytes-before-the-true-frame", SIGNED)
def equivocation_first(log, honest):
    place = log.find(nth=40, kind=cb.DATA)
    log.insert(place, place[2].changed(body=b"\0" * len(place[2].body)))
    log.refit()


@each("log", EITHER, {"swap-neighbours-of-a-stream": 1, "swap-far-frames-of-a-stream": 5})
def swapped(log, honest, far):
    stream = log.busiest()
    frames = log.frames(kind=cb.DATA, stream=stream)
    a, b = frames[1], frames[min(1 + far, len(frames) - 1)]
    log.replace(a, b[2])
    log.replace(b, a[2])
    log.refit()


@attack("log", "swap-contents-and-keep-numbers", SIGNED)
def swapped_contents(log, honest):
    stream = log.busiest()
    a, b = log.frames(kind=cb.DATA, stream=stream)[1:3]
    log.replace(a, b[2].changed(first=a[2].first, count=a[2].count, t=a[2].t))
    log.replace(b, a[2].changed(first=b[2].first, count=b[2].count, t=b[2].t))
    log.refit()


@attack("log", "swap-streams", SIGNED)
def swapped_streams(log, honest):
    """Two streams exchange their ids in every data frame and gap."""
    ids = sorted({p[2].stream for p in log.frames(kind=cb.DATA)})[:2]
    for file, at, frame in log.frames():
        if frame.stream in ids:
            file.items[at].frame = frame.changed(stream=ids[1 - ids.index(frame.stream)])
    log.refit()


@attack("log", "reverse-two-streams-order", SAME)
def reordered(log, honest):
    """Frames of different streams in another order between two beats: each stream's order is what counts."""
    beats = log.frames(kind=cb.BEAT)
    file, end = beats[4][0], beats[4][1]
    begin = next(at for f, at, _ in reversed(beats[:4]) if f is file) + 1
    part = file.items[begin:end]
    part.sort(key=lambda item: item.frame.stream)
    file.items[begin:end] = part
    log.refit()


@attack("log", "data-behind-the-end", SIGNED)
def after_end(log, honest):
    frame = log.find(nth=-1, kind=cb.DATA)[2]
    last = log.files[-1]
    last.items.append(dataclasses.replace(last.items[-1], frame=frame.changed(first=frame.next)))
    log.refit()


@attack("log", "gap-behind-the-end", SIGNED)
def gap_after_end(log, honest):
    frame = log.find(nth=-1, kind=cb.DATA)[2]
    body = wire.encode("Gap", {"origin": 1, "reason": "disconnected", "missing": 5})
    last = log.files[-1]
    gap = frame.changed(kind=cb.GAP, flags=0, first=frame.next, count=5, body=body)
    last.items.append(dataclasses.replace(last.items[-1], frame=gap))
    log.refit()


@attack("log", "gap-put-between", EITHER)
def gap_inserted(log, honest):
    place = log.find(nth=40, kind=cb.DATA)
    body = wire.encode("Gap", {"origin": 1, "reason": "disconnected", "missing": 5})
    log.insert(place, place[2].changed(kind=cb.GAP, flags=0, count=5, body=body))
    log.refit()


@attack("log", "gap-of-four-thousand-million", EITHER)
def gap_huge(log, honest):
    place = log.find(nth=40, kind=cb.DATA)
    body = wire.encode("Gap", {"origin": 1, "reason": "disconnected", "missing": 0xFFFFFFFF})
    log.insert(place, place[2].changed(kind=cb.GAP, flags=0, count=0xFFFFFFFF, body=body))
    log.refit()


@attack("log", "stream-entry-of-an-unknown-stream-behind-the-end", SIGNED)
def late_stream(log, honest):
    frame = log.find(nth=-1, kind=cb.BEAT)[2]
    body = wire.encode("Stream", {"stream_id": 900, "name": "stranger", "kind": 7})
    last = log.files[-1]
    last.items.append(dataclasses.replace(last.items[-1], frame=frame.changed(
        kind=cb.STREAM, first=frame.next, body=body)))
    log.refit()


@attack("log", "cut-at-a-beat", OPEN)
def cut_at_beat(log, honest):
    beats = log.frames(kind=cb.BEAT)
    log.keep_until(beats[len(beats) // 2])


@attack("log", "cut-behind-data", OPEN)
def cut_behind_data(log, honest):
    log.keep_until(log.find(nth=60, kind=cb.DATA))


@attack("log", "cut-the-last-beat", OPEN)
def cut_last_beat(log, honest):
    log.keep_until(log.closing()[:3])


@attack("log", "cut-the-close", OPEN)
def cut_close(log, honest):
    log.keep_until(log.closing()[:3], inclusive=False)


@attack("log", "cut-to-the-case-frame", OPEN)
def cut_to_case(log, honest):
    log.keep_until(log.opening()[:3])


@attack("log", "drop-close-keep-the-last-beat", LOST | OPEN)
def close_dropped(log, honest):
    log.remove(log.closing()[:3])
    log.refit()
