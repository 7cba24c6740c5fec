"""Attacks on a store: every field of CaseRecord and of what it holds, one by one, changed and left out."""

import store_records
import wire
from registry import attack

# Messages in a CaseRecord, each with how one that is filled is found.
WITHIN = {
    "CaseRecord": lambda r: [r],
    "EpochRecord": lambda r: r["epochs"],
    "CloseFrame": lambda r: [e["close"] for e in r["epochs"] if "close" in e],
    "StreamPosition": lambda r: [p for e in r["epochs"] for p in e.get("close", {}).get("positions", [])],
    "StreamRecord": lambda r: [s for s in r["streams"] if s.get("frames")],
    "Stream": lambda r: [s["stream"] for s in r["streams"]],
    "Channel": lambda r: [c for s in r["streams"] for c in s["stream"].get("channels", [])],
    "Rational": lambda r: [s["stream"]["tick_rate_hz"] for s in r["streams"] if "tick_rate_hz" in s["stream"]],
    "MediaFormat": lambda r: [s["stream"]["media"] for s in r["streams"] if "media" in s["stream"]],
    "TextFormat": lambda r: [c["text"] for s in r["streams"] for c in s["stream"].get("channels", []) if "text" in c],
}


def other(value, kind):
    """A value of the same type that is not this one."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, (int, float)):
        return value + 1
    if isinstance(value, str):
        return value + "x"
    if isinstance(value, bytes):
        return bytes([value[0] ^ 1]) + value[1:] if value else b"\1" * 32
    if isinstance(value, list):
        return value[:-1] if len(value) > 1 else value + value
    if isinstance(value, dict):
        return {}
    return {"bool": True, "string": "x", "bytes": b"\1" * 32}.get(kind, 1)


def holder(record, message, field):
    """The first message of a kind that has the field filled, else the first one."""
    found = WITHIN[message](record)
    if not found:
        raise LookupError(f"the honest record holds no {message}")
    return next((m for m in found if m.get(field)), found[0])


def change(record, message, field):
    table = {f.name: f for f in wire.MESSAGES[message].values()}
    place = holder(record, message, field)
    kind = table[field]
    if field not in place and (kind.repeated or kind.type in wire.MESSAGES):
        place[field] = [{}] if kind.repeated else {}
    else:
        place[field] = other(place.get(field), kind.type)


def leave_out(record, message, field):
    holder(record, message, field).pop(field, None)


def double(record, field):
    record[field].append(dict(record[field][0]))


def register():
    """Refused is right as well: an error shows nothing."""
    expected = store_records.CACHE | {"refused", "UNCLOSED", "UNTRUSTED_KEY"}
    for message in WITHIN:
        for field in wire.MESSAGES[message].values():
            for name, how in (("changed", change), ("left-out", leave_out)):
                @attack("store", f"field-{message}.{field.name}-{name}", expected)
                def one(copy, how=how, message=message, field=field.name):
                    copy.record(lambda record: how(record, message, field))
    for field in ("epochs", "streams"):
        @attack("store", f"field-CaseRecord.{field}-doubled", expected)
        def twice(copy, field=field):
            copy.record(lambda record: double(record, field))


register()
