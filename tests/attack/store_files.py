"""Attacks on a store: its files, the ones beside the database, and the database's log."""

import os
import shutil

import crc32c

from registry import EITHER, attack, each

REFUSED = EITHER | {"refused", "UNCLOSED"}


@each("store", REFUSED | {"as before"}, {
    "store-json-shards": b'{"format": 1, "store_id": "7", "shards": 2}',
    "store-json-format": b'{"format": 99, "store_id": "7", "shards": 1}',
    "store-json-id": b'{"format": 1, "store_id": "another", "shards": 1}',
    "store-json-noise": b"{", "store-json-empty": b""})
def store_json(copy, data):
    (copy.path / "store.json").write_bytes(data)


@attack("store", "store-json-gone", REFUSED)
def store_json_gone(copy):
    (copy.path / "store.json").unlink()


def change_file(path, how):
    data = path.read_bytes()
    path.write_bytes(how(data))


WAYS = {
    "cut": lambda data: data[:len(data) // 2],
    "emptied": lambda data: b"",
    "flipped": lambda data: data[:len(data) // 3] + bytes([data[len(data) // 3] ^ 1]) + data[len(data) // 3 + 1:],
    "zeroed": lambda data: b"\0" * len(data),
    "longer": lambda data: data + data[-40:],
    "last-byte": lambda data: data[:-1] + bytes([data[-1] ^ 1]),
}


@attack("store", "ledger-longer", REFUSED | {"as before"})
def ledger_longer(copy):
    """A piece of a record behind the committed ones."""
    change_file(copy.file("ledger"), WAYS["longer"])


@each("store", REFUSED, {f"ledger-{name}": how for name, how in WAYS.items() if name != "longer"})
def ledger(copy, how):
    change_file(copy.file("ledger"), how)


# Of its two slots the older one tells as well, and between them nothing stands.
@each("store", REFUSED | {"as before"}, {f"commits-{name}": WAYS[name] for name in ("cut", "flipped", "last-byte", "longer")})
def commits_slots(copy, how):
    change_file(copy.file("commits"), how)


@each("store", REFUSED, {f"commits-{name}": WAYS[name] for name in ("emptied", "zeroed")})
def commits(copy, how):
    change_file(copy.file("commits"), how)


@attack("store", "ledger-gone", REFUSED)
def ledger_gone(copy):
    copy.file("ledger").unlink()


@attack("store", "commits-gone", REFUSED)
def commits_gone(copy):
    copy.file("commits").unlink()


@attack("store", "ledger-and-commits-gone", REFUSED)
def both_gone(copy):
    copy.file("ledger").unlink()
    copy.file("commits").unlink()


# The database's own log, of a store that was never compacted.

def wal(copy):
    logs = sorted((copy.shard / "db").glob("*.log"), key=lambda path: path.stat().st_size)
    return logs[-1]


@each("store", REFUSED, {"database-log-cut": WAYS["cut"], "database-log-emptied": WAYS["emptied"],
                         "database-log-flipped": WAYS["flipped"], "database-log-last-byte": WAYS["last-byte"],
                         "database-log-cut-by-one": lambda data: data[:-1],
                         "database-log-last-batch-gone": lambda data: data[:-(len(data) // 20)]})
def database_log(copy, how):
    change_file(wal(copy), how)


@attack("store", "database-log-gone", REFUSED)
def database_log_gone(copy):
    wal(copy).unlink()


@attack("store", "database-of-before", REFUSED, others=True)
def rolled_back(copy):
    """The whole database as it was before the second case, under today's other files."""
    shutil.rmtree(copy.shard / "db")
    shutil.copytree(copy.honest.store_before / "shards" / "0" / "db", copy.shard / "db")


@attack("store", "shard-of-before", REFUSED | {"as before", "whole but shorter"}, others=True)
def shard_rolled_back(copy):
    """All of the store as it was: an honest older copy, which nobody here can tell from a younger one."""
    shutil.rmtree(copy.path / "shards")
    shutil.copytree(copy.honest.store_before / "shards", copy.path / "shards")


@each("store", REFUSED, {"manifest-cut": WAYS["cut"], "manifest-flipped": WAYS["flipped"]})
def manifest(copy, how):
    change_file(max((copy.shard / "db").glob("MANIFEST-*")), how)


@each("store", REFUSED, {"current-emptied": b"", "current-other": b"MANIFEST-999999\n"})
def current(copy, data):
    (copy.shard / "db" / "CURRENT").write_bytes(data)


@attack("store", "database-gone", REFUSED)
def database_gone(copy):
    shutil.rmtree(copy.shard / "db")


@attack("store", "shard-gone", REFUSED)
def shard_gone(copy):
    shutil.rmtree(copy.shard)


@attack("store", "media-gone", EITHER)
def media_folder_gone(copy):
    shutil.rmtree(copy.shard / "media")


@each("store", REFUSED | {"as before"}, {"table-file-cut": WAYS["cut"], "table-file-flipped": WAYS["flipped"],
                                         "table-file-gone": None}, others=True)
def table_file(copy, how):
    with copy.rows() as rows:
        rows.db.compact()
    path = max((copy.shard / "db").glob("*.sst"), key=lambda p: p.stat().st_size)
    if how is None:
        os.unlink(path)
    else:
        change_file(path, how)


# The log batch by batch: records of crc32c[4] masked, length[2], type[1], in blocks of 32 KiB.

BLOCK, HEADER = 32768, 7


def batches(data):
    """(begin, end) of each batch, in one record or in pieces."""
    at, begin, out = 0, None, []
    while at + HEADER <= len(data):
        left = BLOCK - at % BLOCK
        if left < HEADER:
            at += left
            continue
        length, kind = int.from_bytes(data[at + 4:at + 6], "little"), data[at + 6]
        if kind == 0 or at + HEADER + length > len(data):
            break
        if kind in (1, 2):
            begin = at
        at += HEADER + length
        if kind in (1, 4):
            out.append((begin, at))
    return out


def masked(data):
    value = crc32c.crc32c(data)
    return (((value >> 15) | (value << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def without(data, which):
    begin, end = batches(data)[which]
    return data[:begin] + data[end:]


def checksum_redone(data):
    """A byte in the last record is changed and its checksum made anew: what no checksum tells."""
    at, last = 0, None
    while at + HEADER <= len(data):
        left = BLOCK - at % BLOCK
        if left < HEADER:
            at += left
            continue
        length, kind = int.from_bytes(data[at + 4:at + 6], "little"), data[at + 6]
        if kind == 0 or at + HEADER + length > len(data):
            break
        last, at = (at, length), at + HEADER + length
    at, length = last
    out = bytearray(data)
    out[at + HEADER + length - 1] ^= 1
    out[at:at + 4] = masked(bytes(out[at + 6:at + HEADER + length])).to_bytes(4, "little")
    return bytes(out)


def zero_header(data):
    begin, _ = batches(data)[-1]
    return data[:begin] + b"\0" * HEADER + data[begin + HEADER:]


@each("store", REFUSED, {
    "database-log-without-its-last-batch": lambda data: without(data, -1),
    "database-log-without-the-batch-before": lambda data: without(data, -2),
    "database-log-without-its-first-batch": lambda data: without(data, 0),
    "database-log-with-a-zeroed-header": zero_header,
    "database-log-cut-in-the-last-header": lambda data: data[:batches(data)[-1][0] + 3],
    "database-log-zeroed": WAYS["zeroed"]})
def database_log_batches(copy, how):
    change_file(wal(copy), how)


@each("store", REFUSED | {"as before"}, {
    "database-log-with-its-last-batch-twice": lambda data: data + data[slice(*batches(data)[-1])],
    "database-log-with-noise-behind": lambda data: data + b"\xff" * 50,
    "database-log-with-zeros-behind": lambda data: data + b"\0" * 500,
    "database-log-changed-and-its-checksum": checksum_redone})
def database_log_longer(copy, how):
    change_file(wal(copy), how)


@attack("store", "database-log-of-before", REFUSED)
def database_log_of_before(copy):
    """The log of an older copy under today's tables."""
    old = max((copy.honest.store_before / "shards" / "0" / "db").glob("*.log"), key=lambda path: path.stat().st_size)
    wal(copy).write_bytes(old.read_bytes())


@attack("store", "database-and-commits-of-before", REFUSED, others=True)
def database_and_commits(copy):
    """Database and counter as they were: the ledger still names what came since."""
    rolled_back(copy)
    shutil.copy(copy.honest.store_before / "shards" / "0" / "commits", copy.shard / "commits")


@attack("store", "database-of-before-and-commits-gone", REFUSED, others=True)
def database_and_no_commits(copy):
    rolled_back(copy)
    (copy.shard / "commits").unlink()


@attack("store", "database-of-before-ledger-and-commits-gone", REFUSED, others=True)
def database_and_nothing(copy):
    """Nothing outside the rows is left that could tell what is missing; that it is gone must be said."""
    database_and_no_commits(copy)
    (copy.shard / "ledger").unlink()


@each("store", REFUSED | {"as before"}, {"ledger-of-before": "ledger", "commits-of-before": "commits"})
def file_of_before(copy, name):
    shutil.copy(copy.honest.store_before / "shards" / "0" / name, copy.shard / name)


@attack("store", "media-of-before", EITHER, others=True)
def media_of_before(copy):
    shutil.rmtree(copy.shard / "media")
    shutil.copytree(copy.honest.store_before / "shards" / "0" / "media", copy.shard / "media")


# Records of the ledger, one by one: crc[4] kind[1] role[1] zero[2] number[8] case[16] epoch[8] leaf[32] commit[8] head[32].

RECORD = 112


def ledger_edit(data, at, nth=0):
    """A byte of a record, its checksum redone; the chain is not."""
    out = bytearray(data)
    begin = RECORD * nth if nth >= 0 else len(data) + RECORD * nth
    out[begin + at] ^= 1
    out[begin:begin + 4] = crc32c.crc32c(bytes(out[begin + 4:begin + RECORD])).to_bytes(4, "little")
    return bytes(out)


@each("store", REFUSED, {f"ledger-{field}-of-the-{name}-record": (at, nth) for field, at in {
    "kind": 4, "role": 5, "number": 8, "case": 16, "epoch": 32, "leaf": 40, "commit": 72, "head": 80}.items()
    for name, nth in (("first", 0), ("last", -1))})
def ledger_field(copy, where):
    change_file(copy.file("ledger"), lambda data: ledger_edit(data, *where))


@each("store", REFUSED, {
    "ledger-without-its-first-record": lambda data: data[RECORD:],
    "ledger-without-its-last-record": lambda data: data[:-RECORD],
    "ledger-without-a-record": lambda data: data[:RECORD] + data[2 * RECORD:],
    "ledger-records-exchanged": lambda data: data[RECORD:2 * RECORD] + data[:RECORD] + data[2 * RECORD:],
    "ledger-cut-in-a-record": lambda data: data[:-9]})
def ledger_records(copy, how):
    change_file(copy.file("ledger"), how)


# The two slots of `commits`: magic, version, state, serial[8], counter[8], ledger records[8], head[32], ..., crc[4].

def slots(data):
    """(place, serial, counter) of the valid slots, the newest last."""
    found = []
    for at in (0, 4096):
        slot = data[at:at + 104]
        if len(slot) == 104 and crc32c.crc32c(slot[:100]) == int.from_bytes(slot[100:], "little"):
            found.append((int.from_bytes(slot[8:16], "little"), at, int.from_bytes(slot[16:24], "little")))
    return [(at, serial, counter) for serial, at, counter in sorted(found)]


def slot_edit(data, field, by):
    at = slots(data)[-1][0]
    out = bytearray(data)
    value = int.from_bytes(out[at + field:at + field + 8], "little") + by
    out[at + field:at + field + 8] = (value & (1 << 64) - 1).to_bytes(8, "little")
    out[at + 100:at + 104] = crc32c.crc32c(bytes(out[at:at + 100])).to_bytes(4, "little")
    return bytes(out)


@each("store", REFUSED | {"as before"}, {
    "commits-counter-forward": lambda data: slot_edit(data, 16, 5),
    "commits-counter-far-forward": lambda data: slot_edit(data, 16, 1 << 40),
    "commits-counter-back": lambda data: slot_edit(data, 16, -1),
    "commits-counter-far-back": lambda data: slot_edit(data, 16, -slots(data)[-1][2]),
    "commits-ledger-records-back": lambda data: slot_edit(data, 24, -1),
    "commits-ledger-records-forward": lambda data: slot_edit(data, 24, 1),
    "commits-ledger-head": lambda data: slot_edit(data, 32, 1),
    "commits-newest-slot-torn": lambda data: data[:slots(data)[-1][0] + 50] + b"\xff" * 4 + data[slots(data)[-1][0] + 54:]})
def commits_slot(copy, how):
    change_file(copy.file("commits"), how)


# Segments: media frames back to back.

def first_segment(copy):
    return max(copy.segments(), key=lambda path: path.stat().st_size)


@each("store", EITHER, {
    "segment-cut-to-a-header": lambda data: data[:64], "segment-cut-in-a-header": lambda data: data[:30],
    "segment-cut-by-one": lambda data: data[:-1], "segment-zeroed": WAYS["zeroed"],
    "segment-header-time": lambda data: data[:40] + bytes([data[40] ^ 1]) + data[41:],
    "segment-header-number": lambda data: data[:24] + bytes([data[24] ^ 1]) + data[25:],
    "segment-header-checksum": lambda data: data[:8] + bytes([data[8] ^ 1]) + data[9:],
    "segment-shifted": lambda data: b"\0" + data[:-1], "segment-noise": lambda data: os.urandom(len(data)),
    "segment-reversed-halves": lambda data: data[len(data) // 2:] + data[:len(data) // 2]})
def segment_file(copy, how):
    change_file(first_segment(copy), how)


@attack("store", "segments-cut-to-headers", EITHER)
def segments_headers(copy):
    for path in copy.segments():
        change_file(path, lambda data: data[:64])


@attack("store", "segment-renamed", EITHER)
def segment_renamed(copy):
    path = first_segment(copy)
    path.rename(path.with_name("00000077.seg"))


@attack("store", "segment-beside-the-others", EITHER | {"as before"})
def segment_extra(copy):
    shutil.copy(first_segment(copy), first_segment(copy).with_name("00000077.seg"))


@attack("store", "segment-a-folder", EITHER | {"refused"})
def segment_a_folder(copy):
    path = first_segment(copy)
    path.unlink()
    path.mkdir()


# Folders that are no part of it.

@attack("store", "another-shard-beside", REFUSED | {"as before"})
def shard_extra(copy):
    shutil.copytree(copy.shard, copy.path / "shards" / "1")


@attack("store", "aside-planted", {"as before"})
def aside(copy):
    shutil.copytree(copy.shard / "db", copy.shard / "aside" / "db")
