"""Attacks on a log: files, their headers and copies, `durable`; and honest changes, which keep their verdict."""

import os
import shutil
import struct

import casebox_format as cb
import log_files
import wire
from registry import EITHER, GOOD, LOST, OPEN, SAME, SIGNED, attack, each


# The honest log of these has three files.

@each("log", LOST, {"file-removed-first": 0, "file-removed-middle": 1}, files=3)
def file_removed(log, honest, number):
    del log.files[number]


@attack("log", "file-removed-last", LOST, files=3)
def file_removed_last(log, honest):
    """`durable` names a file that is gone."""
    del log.files[-1]


@attack("log", "file-removed-last-durable-too", OPEN, files=3)
def file_removed_last_settled(log, honest):
    del log.files[-1]
    log.settle()


@attack("log", "files-removed-but-the-last", LOST, files=3)
def files_removed(log, honest):
    del log.files[:-1]


@each("log", LOST, {"file-cut-to-its-header-first": 0, "file-cut-to-its-header-middle": 1}, files=3)
def file_emptied(log, honest, number):
    log.files[number].items = []


@attack("log", "file-cut-to-its-header-last", LOST, files=3)
def file_emptied_last(log, honest):
    log.files[-1].items = []


@each("log", LOST, {"file-cut-inside-its-header": 30, "file-cut-to-nothing": 0, "file-cut-inside-its-magic": 5}, files=3)
def file_cut(log, honest, size):
    def after(folder):
        path = folder / "00000002.cblog"
        path.write_bytes(path.read_bytes()[:size])
    return after


@each("log", LOST, {"file-cut-in-the-middle": 2, "file-cut-in-the-middle-last": 3}, files=3)
def file_halved(log, honest, number):
    def after(folder):
        path = folder / f"{number:08}.cblog"
        data = path.read_bytes()
        path.write_bytes(data[:len(data) * 2 // 3])
    return after


@attack("log", "file-cut-in-a-frame-durable-too", OPEN)
def tail_torn(log, honest):
    """What a crash leaves: a torn frame behind everything that was durable."""
    place = log.find(nth=60, kind=cb.DATA)
    log.keep_until(place, inclusive=False)
    log.files[-1].tail = place[2].pack()[:-3]


@each("log", SAME, {"zeros-behind-the-end": b"\0" * 5000})
def zeros(log, honest, tail):
    log.files[-1].tail = tail


@attack("log", "noise-behind-the-end", OPEN | LOST | SIGNED)
def noise(log, honest):
    log.files[-1].tail = os.urandom(500)


@each("log", LOST, {"noise-between-frames": b"planted" * 9, "zeros-between-frames": b"\0" * 64})
def noise_between(log, honest, junk):
    place = log.find(nth=40, kind=cb.DATA)
    place[0].items.insert(place[1], log_files.Item(None, junk))
    log.settle()


@attack("log", "zeros-at-the-end-of-a-file-with-a-successor", LOST, files=3)
def zeros_middle(log, honest):
    log.files[0].tail = b"\0" * 4096


@each("log", LOST, {"header-magic": 0, "header-version": 8, "header-length": 12, "header-case-id": 20,
                    "header-checksum": -1}, files=3)
def header_byte(log, honest, at):
    file = log.files[1]
    copies = b"".join(frame.pack() for frame in file.copies)
    head = bytearray(file.front()[:len(file.front()) - len(copies)])
    head[at] ^= 1
    file.raw_header = bytes(head)


@attack("log", "header-position-on", EITHER, files=3, loose=True)
def header_position_on(log, honest):
    position = log.files[1].header["epochs"][0]["positions"][1]
    position["next_number"] = position.get("next_number", 0) + 1


@each("log", SIGNED, {
    "header-position-back": lambda p: p.update(next_number=0),
    "header-position-head": lambda p: p.update(head=b"\1" * 32),
}, files=3)
def header_position(log, honest, how):
    how(log.files[1].header["epochs"][0]["positions"][1])


@attack("log", "header-file-index", EITHER | GOOD, files=3, loose=True)
def header_index(log, honest):
    log.files[1].header["file_index"] = 7


@attack("log", "header-role", EITHER | GOOD, loose=True)
def header_role(log, honest):
    log.files[0].header["role"] = 3


@each("log", SIGNED, {"copy-of-the-case-frame": cb.CASE, "copy-of-a-stream-frame": cb.STREAM, "copy-of-a-key-frame": cb.KEY},
      files=3)
def copy_changed(log, honest, kind):
    copies = log.files[1].copies
    at = next(n for n, frame in enumerate(copies) if frame.kind == kind)
    copies[at] = copies[at].changed(t=copies[at].t + 1)
    log.settle()


@attack("log", "copy-that-copies-nothing", SIGNED, files=3)
def copy_planted(log, honest):
    frame = log.files[1].copies[-1]
    body = wire.encode("Stream", {"stream_id": 900, "name": "planted", "kind": 7})
    log.files[1].copies.append(frame.changed(kind=cb.STREAM, first=1 << 20, body=body))
    log.settle()


@attack("log", "originals-counted-as-copies", LOST | SIGNED, files=3)
def copies_longer(log, honest):
    """The header says that the first frames behind the copies are copies, too."""
    file = log.files[1]
    moved = [item.frame for item in file.items[:5]]
    file.copies += moved
    del file.items[:5]
    log.settle()


# `durable`.

@each("log", SAME, {"durable-gone": None, "durable-empty": b"", "durable-noise": b"x" * 64})
def durable_bytes(log, honest, data):
    log.durable = data


@attack("log", "durable-of-a-file-that-is-gone", LOST)
def durable_ahead(log, honest):
    log.durable = log_files.durable_bytes(9, 1000)


@attack("log", "durable-behind-the-files-end", LOST)
def durable_too_far(log, honest):
    size = len(log.files[-1].pack())
    log.durable = log_files.durable_bytes(log.files[-1].index, size + 5000)


@attack("log", "durable-rolled-back", SAME)
def durable_back(log, honest):
    """An older place is true as well."""
    log.durable = log_files.durable_bytes(1, 200)


@attack("log", "durable-one-slot-torn", SAME)
def durable_torn(log, honest):
    log.durable = log.durable[:40] + b"\xff" * 24


@attack("log", "durable-cut", SAME)
def durable_cut(log, honest):
    log.durable = log.durable[:32]


# Names and places.

@attack("log", "files-renamed-in-another-order", EITHER, files=3)
def renamed(log, honest):
    log.files[1].index, log.files[2].index = log.files[2].index, log.files[1].index
    log.files[1], log.files[2] = log.files[2], log.files[1]


@attack("log", "file-renamed-away", LOST, files=3)
def renamed_away(log, honest):
    def after(folder):
        os.rename(folder / "00000002.cblog", folder / "00000002.cblog.old")
    return after


@attack("log", "file-renamed-far", LOST, files=3)
def renamed_far(log, honest):
    log.files[-1].index = 4_000_000
    log.settle()


@attack("log", "file-twice", EITHER | GOOD, files=3, loose=True)
def file_twice(log, honest):
    def after(folder):
        shutil.copy(folder / "00000002.cblog", folder / "00000004.cblog")
    return after


@attack("log", "files-from-two-recordings", SIGNED | LOST, files=3)
def files_mixed(log, honest):
    other = honest.other.clone().split(0.3, 0.6)
    log.files[1] = other.files[1]


@attack("log", "no-files", OPEN | LOST)
def no_files(log, honest):
    def after(folder):
        for path in folder.glob("*.cblog"):
            path.unlink()
        (folder / "00000001.cblog").write_bytes(b"")
    return after


@attack("log", "empty-header-message", LOST | SIGNED | OPEN)
def header_empty(log, honest):
    log.files[0].raw_header = log_files.MAGIC + struct.pack("<II", 1, 0)
    log.files[0].raw_header += struct.pack("<I", cb.crc(log.files[0].raw_header))


# Honest changes.

@attack("log", "honest-copy", SAME)
def honest_copy(log, honest):
    """Read by this reader and written again."""


@attack("log", "honest-three-files", SAME, files=3)
def honest_files(log, honest):
    """Divided as a writer with a smaller limit divides it."""


@attack("log", "honest-lock-and-leftovers", SAME)
def honest_leftovers(log, honest):
    log.others["lock"] = b""
    log.others["00000009.cblog.new"] = b"a file that was being made"
    log.others["00000001.cblog.torn"] = b"what recovery put aside"


@attack("log", "honest-other-id", SAME)
def honest_id(log, honest):
    log.others["id"] = b"fedcba9876543210"


@attack("log", "honest-without-id", SAME)
def honest_without_id(log, honest):
    log.others.pop("id", None)


@attack("log", "honest-drafts", SAME)
def honest_drafts(log, honest):
    """Draft frames stand outside identity, chain, tiling and digest."""
    place = log.find(nth=40, kind=cb.DATA)
    log.insert(place, place[2].changed(kind=cb.DRAFT, flags=0, body=b"draft"))
    log.refit()


@attack("log", "honest-recovered-after-a-kill", OPEN, recorded=True)
def honest_recovered(log, honest):
    """Cut in a frame, then `recover`: gaps of unknown count, a close frame with reason RECOVERED, a beat."""
    tail_torn(log, honest)
    def after(folder):
        code = honest.program.run("recover", folder, "--keys", honest.keys).returncode
        if code != 3:
            raise RuntimeError(f"recover: exit code {code} where something was lost")

    return after


@attack("log", "honest-replayed-from-a-store", GOOD, recorded=True)
def honest_replayed(log, honest):
    def after(folder):
        shutil.rmtree(folder)
        honest.program.must("replay", honest.case_text(honest.cases[0]), "--to-log", folder, "--store", honest.store,
                            "--keys", honest.keys)
    return after
