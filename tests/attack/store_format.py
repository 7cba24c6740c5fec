"""Keys and rows of a store: docs/formats/store.md."""

import dataclasses
import struct

import casebox_format as cb
import wire

EVENT, WAVE, MEDIA = 0, 1, 2
TABLES = {EVENT: "event", WAVE: "wave", MEDIA: "media"}
BY_REFERENCE = 8


def time_key(t):
    """A signed time whose byte order is number order."""
    return struct.pack(">Q", (t + (1 << 63)) & (1 << 64) - 1)


def key_time(data):
    return struct.unpack(">Q", data)[0] - (1 << 63)


def number_key(number):
    return struct.pack(">Q", number)[2:]


@dataclasses.dataclass
class RowKey:
    case: bytes
    t: int
    stream: int
    epoch: int    # index
    number: int

    def pack(self, table):
        tail = struct.pack(">H", self.epoch) + number_key(self.number)
        stream, t = struct.pack(">I", self.stream), time_key(self.t)
        return self.case + (t + stream if table == EVENT else stream + t) + tail


def row_key(table, key):
    if table == EVENT:
        t, stream = key_time(key[16:24]), struct.unpack(">I", key[24:28])[0]
    else:
        stream, t = struct.unpack(">I", key[16:20])[0], key_time(key[20:28])
    return RowKey(key[:16], t, stream, struct.unpack(">H", key[28:30])[0], int.from_bytes(key[30:36], "big"))


def proof_key(case, epoch, stream, number):
    return case + struct.pack(">HI", epoch, stream) + number_key(number)


@dataclasses.dataclass
class ProofKey:
    case: bytes
    epoch: int
    stream: int
    number: int

    def pack(self):
        return proof_key(self.case, self.epoch, self.stream, self.number)


def parse_proof_key(key):
    epoch, stream = struct.unpack(">HI", key[16:22])
    return ProofKey(key[:16], epoch, stream, int.from_bytes(key[22:28], "big"))


@dataclasses.dataclass
class Proof:
    table: int
    gap: bool
    t: int
    count: int
    leaf: bytes
    frame: bytes  # of stream 0

    def pack(self):
        return bytes([self.table | 0x80 * self.gap]) + time_key(self.t) + wire.varint(self.count) + self.leaf + \
            self.frame


def parse_proof(value):
    count, at = wire.take_varint(value, 9)
    return Proof(value[0] & 0x7F, bool(value[0] & 0x80), key_time(value[1:9]), count, value[at:at + 32],
                 value[at + 32:])


def split_row(value):
    """(frame or None, trailer) of an event or wave row."""
    if value[:1] != b"\xcb":
        return None, value
    frame = cb.parse(value)
    return frame, value[cb.LAYOUT.size + len(frame.body):]


@dataclasses.dataclass
class MediaRow:
    file: int
    offset: int
    header: bytes
    body: bytes     # SHA-256
    trailer: bytes

    def pack(self):
        return struct.pack(">IQ", self.file, self.offset) + self.header + self.body + self.trailer


def parse_media_row(value):
    file, offset = struct.unpack(">IQ", value[:12])
    return MediaRow(file, offset, value[12:76], value[76:108], value[108:])


def segment_file(store, shard, case, stream, index):
    found = [p for p in (store / "shards" / str(shard) / "media").rglob("*.seg")
             if p.stem == f"{index:08}" and p.parent.name == str(stream) and
             p.parent.parent.name.replace("-", "") == case.hex()]
    return found[0]
