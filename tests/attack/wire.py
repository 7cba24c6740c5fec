"""Protobuf's wire format by hand, with the field numbers that docs/formats gives.

Messages are dictionaries by field name. The tables of docs/formats/messages.md and contents.md are read when this
module is loaded: what the pages do not say, this reader does not know. Fields that no table names are kept under
the key None, as (number, wire type, value), so that a message can be written again with them.
"""

import pathlib
import re
import struct

PAGES = pathlib.Path(__file__).resolve().parents[2] / "docs/formats"


class WireError(ValueError):
    """Bytes that are no message."""


def varint(value):
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def take_varint(data, at):
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            raise WireError("a number is cut off")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & (1 << 64) - 1, at
    raise WireError("a number of more than ten bytes")


def zigzag(value):
    return value << 1 if value >= 0 else (-value << 1) - 1


def unzigzag(value):
    return value >> 1 if not value & 1 else -((value + 1) >> 1)


def fields(data):
    """(number, wire type, value) of each field; bytes for type 2, integers otherwise."""
    at, out = 0, []
    while at < len(data):
        tag, at = take_varint(data, at)
        number, kind = tag >> 3, tag & 7
        if number == 0 or number >= 1 << 29:
            raise WireError("field number out of range")
        if kind == 0:
            value, at = take_varint(data, at)
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
            value, at = data[at:at + size], at + size
            if len(value) != size:
                raise WireError("a fixed number is cut off")
            value = int.from_bytes(value, "little")
        elif kind == 2:
            size, at = take_varint(data, at)
            value, at = data[at:at + size], at + size
            if len(value) != size:
                raise WireError("a field is cut off")
        else:
            raise WireError(f"wire type {kind}")
        out.append((number, kind, value))
    return out


class Field:
    def __init__(self, number, name, text):
        self.number, self.name = number, name
        self.repeated = text.startswith("repeated ")
        self.type = text.removeprefix("repeated ")
        entry = re.fullmatch(r"map<(\w+), (\w+)>", self.type)
        self.map = entry.groups() if entry else None


def _tables():
    """Messages and enums of the pages: {name: {number: Field}}, {name: {number: name}}."""
    messages, enums = {}, {}
    for page in ("messages.md", "contents.md"):
        rows = values = None
        for line in (PAGES / page).read_text(encoding="utf-8").splitlines():
            heading = re.fullmatch(r"### ([\w.]+)( \(enum\))?", line)
            if heading:
                rows = values = None
                if heading[2]:
                    values = enums.setdefault(heading[1], {})
                else:
                    rows = messages.setdefault(heading[1], {})
            row = re.match(r"\| (\d+) \| (\w+) \| ([\w<>, .]+?) \|", line)
            if rows is not None and row:
                rows[int(row[1])] = Field(int(row[1]), row[2], row[3])
            if values is not None:
                for number, name in re.findall(r"(?:^|; )(\d+) ([A-Z_0-9]+)", line):
                    values[int(number)] = name
    return messages, enums


MESSAGES, ENUMS = _tables()
SIGNED = {"int32", "int64"}
VARINTS = {"uint32", "uint64", "bool", "sint32", "sint64"} | SIGNED
FIXED = {"fixed32": ("<I", 5), "fixed64": ("<Q", 1), "double": ("<d", 1), "float": ("<f", 5)}


def enum(name, value):
    """The number of an enum's value by its name."""
    return next(number for number, text in ENUMS[name].items() if text == value)


def _is_message(kind):
    return kind in MESSAGES


def _scalar(kind, wire, raw):
    if kind in VARINTS or kind in ENUMS:
        if wire != 0:
            return None
        if kind.startswith("sint"):
            return unzigzag(raw)
        if kind == "bool":
            return raw != 0
        if kind in SIGNED or kind in ENUMS:
            raw = raw - (1 << 64) if raw >> 63 else raw
            if kind != "int64":
                raw = (raw & 0xFFFFFFFF) - (1 << 32 if raw >> 31 & 1 else 0)
            return raw
        return raw & 0xFFFFFFFF if kind == "uint32" else raw
    if kind in FIXED:
        form, expected = FIXED[kind]
        return struct.unpack(form, raw.to_bytes(8 if expected == 1 else 4, "little"))[0] if wire == expected else None
    if kind in ("bytes", "string"):
        if wire != 2:
            return None
        if kind == "bytes":
            return bytes(raw)
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError as error:
            raise WireError("text that is not UTF-8") from error
    raise WireError(f"the pages name no type {kind}")


def _packed(kind, data):
    at, out = 0, []
    while at < len(data):
        if kind in FIXED:
            form, _ = FIXED[kind]
            size = struct.calcsize(form)
            if at + size > len(data):
                raise WireError("a packed number is cut off")
            out.append(struct.unpack_from(form, data, at)[0])
            at += size
        else:
            raw, at = take_varint(data, at)
            out.append(_scalar(kind, 0, raw))
    return out


def decode(name, data):
    """A message of the pages from its bytes."""
    table, out = MESSAGES[name], {}
    for number, wire, raw in fields(data):
        field = table.get(number)
        value = None
        if field is not None and field.map:
            if wire == 2:
                entry = {1: "" if field.map[0] == "string" else 0, 2: None}
                for n, w, r in fields(raw):
                    if n in (1, 2):
                        entry[n] = _scalar(field.map[n - 1], w, r)
                out.setdefault(field.name, {})[entry[1]] = entry[2]
                continue
        elif field is not None and _is_message(field.type):
            if wire == 2:
                value = decode(field.type, raw)
                if not field.repeated and field.name in out:
                    value = {**out[field.name], **value}
        elif field is not None and field.repeated and wire == 2 and field.type not in ("bytes", "string"):
            out.setdefault(field.name, []).extend(_packed(field.type, raw))
            continue
        elif field is not None:
            value = _scalar(field.type, wire, raw)
        if value is None:
            out.setdefault(None, []).append((number, wire, raw))
        elif field.repeated:
            out.setdefault(field.name, []).append(value)
        else:
            out[field.name] = value
    return out


def encode_field(number, wire, value):
    head = varint(number << 3 | wire)
    if wire == 0:
        return head + varint(value)
    if wire == 2:
        return head + varint(len(value)) + bytes(value)
    return head + value.to_bytes(8 if wire == 1 else 4, "little")


def _one(number, kind, value):
    if _is_message(kind):
        return encode_field(number, 2, encode(kind, value))
    if kind == "string":
        return encode_field(number, 2, value.encode() if isinstance(value, str) else value)
    if kind == "bytes":
        return encode_field(number, 2, value)
    if kind in FIXED:
        form, wire = FIXED[kind]
        return encode_field(number, wire, int.from_bytes(struct.pack(form, value), "little"))
    return encode_field(number, 0, zigzag(value) if kind.startswith("sint") else int(value))


def encode(name, message):
    """The bytes of a message: fields ascending, defaults left out, unknown ones last."""
    out = b""
    for number, field in sorted(MESSAGES[name].items()):
        value = message.get(field.name)
        if value is None:
            continue
        if field.map:
            for key, item in value.items():
                entry = _one(1, field.map[0], key) + _one(2, field.map[1], item)
                out += encode_field(number, 2, entry)
        elif field.repeated:
            if value and field.type not in ("bytes", "string") and not _is_message(field.type):
                packed = b"".join(_one(1, field.type, item)[1:] for item in value)
                out += encode_field(number, 2, packed)
            else:
                out += b"".join(_one(number, field.type, item) for item in value)
        elif _is_message(field.type) or value not in (0, "", b"", False, 0.0):
            out += _one(number, field.type, value)
    for number, wire, raw in message.get(None, []):
        out += encode_field(number, wire, raw)
    known = {field.name for field in MESSAGES[name].values()} | {None}
    unknown = set(message) - known
    if unknown:
        raise KeyError(f"{name} has no field {', '.join(sorted(unknown))}")
    return out
