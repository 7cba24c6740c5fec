"""Attacks on a log: every field of every message in the clear and of every header, one by one."""

import casebox_format as cb
import wire
from log_frames import change
from registry import EITHER, GOOD, LOST, SIGNED, attack, each
from store_fields import other

KINDS = {"case": cb.CASE, "stream": cb.STREAM, "key": cb.KEY, "clock": cb.CLOCK, "gap": cb.GAP}


def place_of(log, kind):
    """A frame of a kind; of streams one that has channels, of case frames the opening; "close" is the closing."""
    if kind == "close":
        return log.closing()[:3]
    if kind == "case":
        return log.opening()[:3]
    if kind == "stream":
        return next(p for p in log.frames(kind=cb.STREAM) if p[2].message().get("channels"))
    return log.find(nth=1, kind=KINDS[kind])


# Headers of frames that stand in the clear.

HEADER = {
    "t": lambda f: {"t": f.t + 1}, "t-capture": lambda f: {"t_capture": f.t_capture + 1},
    "u95": lambda f: {"u95_us": f.u95_us ^ 1}, "duration": lambda f: {"duration_us": f.duration_us + 1},
    "period": lambda f: {"period": f.period + 1}, "recovered": lambda f: {"flags": f.flags ^ cb.RECOVERED},
    "derived": lambda f: {"flags": f.flags ^ cb.DERIVED}, "sync": lambda f: {"flags": f.flags ^ cb.SYNC},
}


@each("log", SIGNED, {f"header-of-a-{kind}-frame-{name}": (kind, how) for kind in (*KINDS, "close")
                      for name, how in HEADER.items()})
def header(log, honest, what):
    kind, how = what
    place = place_of(log, kind)
    change(log, place, **how(place[2]))


@each("log", EITHER, {f"header-of-a-{kind}-frame-{name}": (kind, how) for kind in (*KINDS, "close") for name, how in {
    "count": lambda f: {"count": f.count + 1}, "first": lambda f: {"first": f.first + 1},
    "epoch": lambda f: {"epoch": f.epoch ^ 1}, "first-2-48": lambda f: {"first": 1 << 48},
    "first-2-64-less-2": lambda f: {"first": (1 << 64) - 2}, "zero": lambda f: {"zero": 1},
    "checksum": lambda f: {"stored_crc": 7}}.items()})
def header_number(log, honest, what):
    kind, how = what
    place = place_of(log, kind)
    fields = how(place[2])
    if kind != "gap" and "count" in fields:
        fields["count"] = 2
    log.replace(place, place[2].changed(**fields))
    log.settle()


# Messages.

WITHIN = {
    ("case", "CaseFrame"): lambda m: [m["open"]],
    ("case", "RecorderConfig"): lambda m: [m["open"].setdefault("config", {})],
    ("stream", "Stream"): lambda m: [m],
    ("stream", "Channel"): lambda m: m["channels"],
    ("stream", "Rational"): lambda m: [m.setdefault("tick_rate_hz", {})],
    ("key", "KeyFrame"): lambda m: [m],
    ("key", "KeyCommitment"): lambda m: m["periods"],
    ("clock", "ClockRecord"): lambda m: [m],
    ("clock", "SourceClock"): lambda m: m.setdefault("sources", [{}]),
    ("gap", "Gap"): lambda m: [m],
    ("close", "CloseFrame"): lambda m: [m["close"]],
    ("close", "StreamPosition"): lambda m: m["close"]["positions"],
}


def edited(frame, path, field, leave_out):
    """The frame's body with another value of a field, or without it; None if that changes no byte."""
    message = frame.message()
    found = WITHIN[path](message)
    place = next((m for m in found if m.get(field.name)), found[-1])
    if leave_out:
        place.pop(field.name, None)
    elif field.name not in place and (field.repeated or field.type in wire.MESSAGES):
        place[field.name] = [{}] if field.repeated else {}
        if field.repeated and field.type not in wire.MESSAGES:
            place[field.name] = ["x" if field.type == "string" else 1]
    else:
        place[field.name] = other(place.get(field.name), field.type)
    body = wire.encode(cb.BODIES[frame.kind], message)
    return None if body == frame.body else body


def register():
    for path in WITHIN:
        for field in wire.MESSAGES[path[1]].values():
            for leave_out in (False, True):
                @attack("log", f"field-{path[0]}-{path[1]}.{field.name}-{'left-out' if leave_out else 'changed'}", SIGNED,
                        same_allowed=True)
                def one(log, honest, path=path, field=field, leave_out=leave_out):
                    place = place_of(log, path[0])
                    body = edited(place[2], path, field, leave_out)
                    if body is None:
                        return None
                    change(log, place, body=body)
                    return None


register()


@each("log", SIGNED, {f"unknown-field-in-a-{kind}-frame": kind for kind in (*KINDS, "close")})
def unknown_field(log, honest, kind):
    place = place_of(log, kind)
    change(log, place, body=place[2].body + wire.encode_field(77, 2, b"planted"))


@each("log", EITHER, {f"body-of-a-{kind}-frame-{name}": (kind, body) for kind in (*KINDS, "close")
                      for name, body in (("of-noise", b"\xff" * 40), ("empty", b""))}, loose=True)
def body_noise(log, honest, what):
    kind, body = what
    place = place_of(log, kind)
    change(log, place, body=body)


@each("log", EITHER, {f"{kind}-frame-of-another-case": kind for kind in KINDS})
def of_another_case(log, honest, kind):
    place = place_of(log, kind)
    body = place_of(honest.other, kind)[2].body
    change(log, place, body=body if body != place[2].body else body + wire.encode_field(78, 0, 1))


@each("log", EITHER, {f"{kind}-frame-{name}": (kind, how) for kind in ("stream", "key", "clock", "gap", "close") for
                      name, how in (("turned-into-a-pause", 0), ("turned-into-a-draft", 1))})
def other_kind(log, honest, what):
    kind, draft = what
    place = place_of(log, kind)
    if draft:
        log.replace(place, place[2].changed(kind=cb.DRAFT, flags=0, stream=place[2].stream or 1))
    elif kind == "gap":
        log.replace(place, place[2].changed(kind=cb.PAUSE, stream=0, count=1))
    else:
        log.replace(place, place[2].changed(kind=cb.PAUSE, body=wire.encode("Pause", {"begins": True})))
    log.settle()


# File headers: they find accidents; a changed one is seen or says nothing that counts.

def register_headers():
    for field in wire.MESSAGES["LogFileHeader"].values():
        if field.name in ("preamble_frames", "preamble_bytes"):
            continue
        for leave_out in (False, True):
            @attack("log", f"field-file-header-{field.name}-{'left-out' if leave_out else 'changed'}", EITHER | GOOD, files=3,
                    loose=True)
            def one(log, honest, name=field.name, leave_out=leave_out):
                file = log.files[1]
                file.header = dict(file.header)
                if name == "file_index":
                    file.header["file_index"] = 0 if leave_out else 9
                elif leave_out:
                    file.header.pop(name, None)
                else:
                    file.header[name] = other(file.header.get(name), "bytes")
                log.settle()


register_headers()


# Sizes that no writer makes.

@each("log", EITHER, {"body-of-more-than-a-megabyte": (1 << 20) + 1, "body-length-of-four-gigabytes": None})
def oversize(log, honest, size):
    place = log.find(nth=40, kind=cb.DATA)
    frame = place[2].changed(body=b"\0" * size if size else place[2].body)
    data = bytearray(frame.pack())
    if size is None:
        data[4:8] = b"\xff" * 4
    import log_files
    place[0].items[place[1]] = log_files.Item(None, bytes(data))
    log.settle()


@attack("log", "epochs-by-the-thousand", SIGNED | LOST)
def many_epochs(log, honest):
    """Frames of 70,000 epochs that nothing opens."""
    frame = cb.Frame(cb.DATA, 0, 3, 0, 0, body=b"junk")
    import log_files
    log.files[-1].items += [log_files.Item(frame.changed(epoch=1000 + n)) for n in range(70_000)]
    log.settle()


@attack("log", "streams-by-the-thousand", SIGNED | LOST)
def many_streams(log, honest):
    import log_files
    epoch = log.opening()[2].epoch
    place = log.closing()
    items = [log_files.Item(cb.Frame(cb.DATA, cb.SEALED, 1000 + n, epoch, 0, body=b"\0" * 20)) for n in range(20_000)]
    place[0].items[place[1]:place[1]] = items
    log.settle()


@each("log", EITHER, {"time-of-the-first-moment": -(1 << 63), "time-of-the-last-moment": (1 << 63) - 1})
def extreme_time(log, honest, t):
    place = log.find(nth=40, kind=cb.DATA)
    change(log, place, t=t)
