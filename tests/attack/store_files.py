"""Attacks on a store: its files, the ones beside the database, and the database's log."""

import os
import shutil

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


@each("store", REFUSED, {f"ledger-{name}": how for name, how in WAYS.items()})
def ledger(copy, how):
    change_file(copy.file("ledger"), how)


@each("store", REFUSED, {f"commits-{name}": how for name, how in WAYS.items() if name not in ("longer",)})
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


@attack("store", "database-of-before", REFUSED)
def rolled_back(copy):
    """The whole database as it was before the second case, under today's other files."""
    shutil.rmtree(copy.shard / "db")
    shutil.copytree(copy.honest.store_before / "shards" / "0" / "db", copy.shard / "db")


@attack("store", "shard-of-before", REFUSED | {"as before", "whole but shorter"})
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
                                         "table-file-gone": None})
def table_file(copy, how):
    with copy.rows() as rows:
        rows.db.compact()
    path = max((copy.shard / "db").glob("*.sst"), key=lambda p: p.stat().st_size)
    if how is None:
        os.unlink(path)
    else:
        change_file(path, how)
