"""Attacks on a store: rows of frames and proofs, segments, derived epochs, whole cases."""

import os
import shutil

import casebox_format as cb
import store_format as sf
import wire
from registry import EITHER, attack, each

ALARM = {"alarm": {"kind": 1, "priority": 3, "code": "asystole", "active": True}}


def plain(*events):
    return cb.pack_body(wire.encode("EventBatch", {"events": list(events)}))


# Proof rows.

@each("store", EITHER, {
    "proof-leaf": lambda p: setattr(p, "leaf", os.urandom(32)),
    "proof-count": lambda p: setattr(p, "count", p.count + 5),
    "proof-time": lambda p: setattr(p, "t", p.t + 1_000_000_000),
    "proof-table": lambda p: setattr(p, "table", 1 - p.table if p.table < 2 else 0),
})
def proof_changed(copy, how):
    with copy.rows() as rows:
        stream = rows.stream("WAVE")["stream"]["stream_id"]
        key, _, proof = rows.proofs(stream=stream)[3]
        how(proof)
        rows.db.put("proof", key, proof.pack())


@attack("store", "proof-gap-bit", EITHER | {"as before"})
def proof_gap_bit(copy):
    """The frame itself says what it is."""
    with copy.rows() as rows:
        key, _, proof = rows.proofs(stream=rows.stream("WAVE")["stream"]["stream_id"])[3]
        proof.gap = not proof.gap
        rows.db.put("proof", key, proof.pack())


@attack("store", "proof-noise", EITHER)
def proof_noise(copy):
    with copy.rows() as rows:
        rows.db.put("proof", rows.proofs()[5][0], b"\xff" * 20)


@each("store", EITHER, {"proof-gone-of-a-wave": "WAVE", "proof-gone-of-a-number": "NUMERIC", "proof-gone-of-video": "VIDEO",
                        "proof-gone-of-a-device": "DEVICE"})
def proof_gone(copy, kind):
    with copy.rows() as rows:
        stream = rows.stream(kind)["stream"]["stream_id"]
        rows.db.delete("proof", rows.proofs(stream=stream)[-1][0])


@attack("store", "proofs-gone-of-a-stream", EITHER)
def proofs_gone(copy):
    with copy.rows() as rows:
        stream = rows.stream("WAVE")["stream"]["stream_id"]
        for key, *_ in rows.proofs(stream=stream):
            rows.db.delete("proof", key)


@attack("store", "proofs-gone-of-a-case", EITHER | {"UNCLOSED"})
def proofs_gone_all(copy):
    with copy.rows() as rows:
        for key, *_ in rows.proofs():
            rows.db.delete("proof", key)


@attack("store", "proof-added-without-a-row", EITHER)
def proof_added(copy):
    with copy.rows() as rows:
        key, place, proof = rows.proofs(stream=rows.stream("WAVE")["stream"]["stream_id"])[-1]
        place.number += proof.count
        rows.db.put("proof", place.pack(), proof.pack())


@attack("store", "proof-under-another-number", EITHER)
def proof_moved(copy):
    with copy.rows() as rows:
        key, place, proof = rows.proofs(stream=rows.stream("WAVE")["stream"]["stream_id"])[-1]
        rows.db.delete("proof", key)
        place.number += 1000
        rows.db.put("proof", place.pack(), proof.pack())


@each("store", EITHER, {"control-gone-case": cb.CASE, "control-gone-stream": cb.STREAM, "control-gone-key": cb.KEY,
                        "control-gone-clock": cb.CLOCK, "control-gone-beat": cb.BEAT})
def control_gone(copy, kind):
    with copy.rows() as rows:
        rows.db.delete("proof", rows.control(kind)[0])


@attack("store", "control-gone-close", EITHER | {"UNCLOSED"})
def close_gone(copy):
    with copy.rows() as rows:
        key = next(k for k, _, _, f in [rows.control(cb.CASE, n) for n in range(2)] if "close" in f.message())
        rows.db.delete("proof", key)


def rename(message):
    message["name"] = "another"


def lower(message):
    message["channels"][0]["gain"] = 0.1 * (message["channels"][0].get("gain", 0) or 1)


@each("store", EITHER, {
    "control-changed-date": (cb.CASE, lambda m: m["open"].update(start_utc_ns=1_600_000_000_000_000_000)),
    "control-changed-procedure": (cb.CASE, lambda m: m["open"].update(procedure="sleeve-gastrectomy")),
    "control-changed-key": (cb.CASE, lambda m: m["open"].update(signing_key=b"\x5a" * 32)),
    "control-changed-role": (cb.CASE, lambda m: m["open"].update(role=2)),
    "control-changed-stream-name": (cb.STREAM, rename),
    "control-changed-clock": (cb.CLOCK, lambda m: m.update(utc_ns=m.get("utc_ns", 0) + 10**15)),
    "control-changed-key-period": (cb.KEY, lambda m: m["periods"][0].update(commitment=b"\1" * 32)),
    "control-changed-beat": (cb.BEAT, lambda m: m.update(signature=b"\1" * 64)),
})
def control_changed(copy, what):
    kind, how = what
    with copy.rows() as rows:
        key, _, proof, frame = rows.control(kind)
        message = frame.message()
        how(message)
        rows.put_control(key, frame.changed(message=message), proof)


@attack("store", "control-changed-gain-and-the-record-with-it", EITHER)
def gain_everywhere(copy):
    """Heart rate 71 shown as 7.1: the stream frame, its proof and CaseRecord agree."""
    with copy.rows() as rows:
        number = next(n for n in range(30) if any(
            "gain" in c or c.get("decimals") for c in rows.control(cb.STREAM, n)[3].message().get("channels", [])))
        key, _, proof, frame = rows.control(cb.STREAM, number)
        message = frame.message()
        for channel in message["channels"]:
            channel["decimals"] = channel.get("decimals", 0) + 1
            channel["gain"] = channel.get("gain", 0) / 10
        rows.put_control(key, frame.changed(message=message), proof)
        record = rows.record()
        for row in record["streams"]:
            if row["stream"]["stream_id"] == message["stream_id"]:
                row["stream"] = message
        rows.db.put("case", copy.case, wire.encode("CaseRecord", record))


# Rows of events and waves.

TABLE = {"event": sf.EVENT, "wave": sf.WAVE}


@each("store", EITHER, {f"{name}-body-changed": table for name, table in TABLE.items()})
def row_body(copy, table):
    with copy.rows() as rows:
        key, place, frame, trailer = rows.row_of(table)
        rows.put_frame(table, place, frame.changed(body=frame.body[:-1] + bytes([frame.body[-1] ^ 1])), trailer)


@each("store", EITHER, {f"{name}-body-and-proof-changed": table for name, table in TABLE.items()})
def row_body_proof(copy, table):
    with copy.rows() as rows:
        key, place, frame, trailer = rows.row_of(table)
        rows.put_frame(table, place, frame.changed(body=b"\1" * len(frame.body)), trailer, proof=True)


@each("store", EITHER, {f"{name}-replaced-by-a-plain-one": table for name, table in TABLE.items()})
def row_plain(copy, table):
    with copy.rows() as rows:
        key, place, frame, trailer = rows.row_of(table)
        body = plain(ALARM) if table == sf.EVENT else b"\0"
        rows.put_frame(table, place, frame.changed(flags=frame.flags & ~cb.SEALED, body=body), trailer, proof=True)


@each("store", EITHER, {f"{name}-removed": table for name, table in TABLE.items()})
def row_gone(copy, table):
    with copy.rows() as rows:
        rows.db.delete(sf.TABLES[table], rows.row_of(table)[0])


@each("store", EITHER, {f"{name}-removed-with-its-proof": table for name, table in TABLE.items()})
def row_and_proof_gone(copy, table):
    with copy.rows() as rows:
        key, place, frame, _ = rows.row_of(table)
        rows.db.delete(sf.TABLES[table], key)
        rows.db.delete("proof", sf.proof_key(place.case, place.epoch, place.stream, place.number))


@each("store", EITHER, {f"{name}-moved-in-time": table for name, table in TABLE.items()})
def row_moved(copy, table):
    with copy.rows() as rows:
        key, place, frame, trailer = rows.row_of(table)
        value = dict(rows.db.rows(sf.TABLES[table]))[key]
        rows.db.delete(sf.TABLES[table], key)
        place.t += 5_000_000_000
        rows.db.put(sf.TABLES[table], place.pack(table), value)


@each("store", EITHER, {f"{name}-moved-in-time-everywhere": table for name, table in TABLE.items()})
def row_moved_all(copy, table):
    with copy.rows() as rows:
        key, place, frame, trailer = rows.row_of(table)
        rows.db.delete(sf.TABLES[table], key)
        place.t += 5_000_000_000
        rows.put_frame(table, place, frame.changed(t=place.t), trailer, proof=True)


@each("store", EITHER | {"as before"}, {f"{name}-again-under-another-epoch": table for name, table in TABLE.items()})
def row_twice(copy, table):
    with copy.rows() as rows:
        key, place, frame, trailer = rows.row_of(table)
        place.epoch = 1 - place.epoch
        rows.put_frame(table, place, frame, trailer)


# A row that no proof row knows is never shown; whether it is named is another matter.

@each("store", EITHER | {"as before"}, {f"{name}-again-without-a-proof": table for name, table in TABLE.items()})
def row_planted(copy, table):
    """A row at another time and number that no proof row knows: scans by time meet it."""
    with copy.rows() as rows:
        key, place, frame, trailer = rows.row_of(table)
        last = max(p.number + q.count for _, p, q in rows.proofs(stream=place.stream, epoch=place.epoch))
        place.number, place.t = last, place.t + 1
        rows.put_frame(table, place, frame.changed(first=last, t=place.t), trailer)


@each("store", EITHER | {"as before"}, {f"{name}-planted-plain-without-a-proof": table for name, table in TABLE.items()})
def row_planted_plain(copy, table):
    with copy.rows() as rows:
        key, place, frame, trailer = rows.row_of(table)
        place.number, place.t = 1 << 30, place.t + 1
        body = plain(ALARM) if table == sf.EVENT else b"\0"
        rows.put_frame(table, place, frame.changed(
            first=place.number, t=place.t, flags=frame.flags & ~cb.SEALED, body=body), trailer)


@each("store", EITHER, {f"{name}-planted-with-a-proof": table for name, table in TABLE.items()})
def row_planted_proof(copy, table):
    with copy.rows() as rows:
        key, place, frame, trailer = rows.row_of(table)
        last = max(p.number + q.count for _, p, q in rows.proofs(stream=place.stream, epoch=place.epoch))
        place.number, place.t = last, place.t + 1
        body = plain(ALARM) if table == sf.EVENT else b"\0"
        rows.put_frame(table, place, frame.changed(
            first=last, t=place.t, flags=frame.flags & ~cb.SEALED, body=body), trailer, proof=True)


@each("store", EITHER, {f"{name}-noise": table for name, table in TABLE.items()})
def row_noise(copy, table):
    with copy.rows() as rows:
        rows.db.put(sf.TABLES[table], rows.row_of(table)[0], b"\xff" * 30)


@each("store", EITHER, {f"{name}-neighbours-exchanged": table for name, table in TABLE.items()})
def rows_swapped(copy, table):
    with copy.rows() as rows:
        stream = rows.row_of(table)[1].stream
        found = [r for r in rows.frames(table, stream) if r[2] is not None]
        a, b = found[0], found[1]
        rows.db.put(sf.TABLES[table], a[0], b[2].pack() + b[3])
        rows.db.put(sf.TABLES[table], b[0], a[2].pack() + a[3])


@each("store", EITHER | {"as before"}, {"trailer-late": 1, "trailer-gap-before": 2})
def trailer_flag(copy, flag):
    """How a frame came here: no evidence."""
    with copy.rows() as rows:
        key, place, frame, trailer = rows.row_of(sf.WAVE)
        rows.db.put("wave", key, frame.pack() + bytes([trailer[0] ^ flag]) + trailer[1:])


@attack("store", "event-reference-gone", EITHER | {"as before"})
def reference_gone(copy):
    with copy.rows() as rows:
        rows.db.delete("event", next(r[0] for r in rows.frames(sf.EVENT) if r[2] is None))


@attack("store", "gap-removed", EITHER)
def gap_removed(copy):
    with copy.rows() as rows:
        key, place, proof = next(p for p in rows.proofs() if p[2].gap)
        rows.db.delete("proof", key)
        for table in (sf.EVENT, sf.WAVE):
            for row in rows.frames(table, place.stream):
                if row[1].number == place.number and row[1].epoch == place.epoch:
                    rows.db.delete(sf.TABLES[table], row[0])


@attack("store", "gap-removed-and-the-rest-renumbered", EITHER)
def gap_hidden(copy):
    with copy.rows() as rows:
        _, place, gap = next(p for p in rows.proofs() if p[2].gap and p[2].table != sf.MEDIA)
        table = gap.table
        for key, at, frame, trailer in rows.frames(table, place.stream):
            if at.epoch != place.epoch or frame is None or at.number < place.number:
                continue
            rows.db.delete(sf.TABLES[table], key)
            rows.db.delete("proof", sf.proof_key(at.case, at.epoch, at.stream, at.number))
            if at.number > place.number:
                at.number -= gap.count
                rows.put_frame(table, at, frame.changed(first=at.number), trailer, proof=True)


@attack("store", "gap-shorter", EITHER)
def gap_shorter(copy):
    with copy.rows() as rows:
        _, place, gap = next(p for p in rows.proofs() if p[2].gap and p[2].table != sf.MEDIA)
        key, at, frame, trailer = next(r for r in rows.frames(gap.table, place.stream)
                                       if r[1].number == place.number and r[1].epoch == place.epoch)
        rows.put_frame(gap.table, at, frame.changed(message={"origin": 1, "reason": "disconnected", "missing": 1}),
                       trailer, proof=True)


# Media rows and segments.

@each("store", EITHER, {
    "media-offset": lambda r: setattr(r, "offset", 0),
    "media-file": lambda r: setattr(r, "file", 9),
    "media-header-time": lambda r: setattr(r, "header", r.header[:40] + bytes([r.header[40] ^ 1]) + r.header[41:]),
})
def media_changed(copy, how):
    with copy.rows() as rows:
        key, place, row, _ = rows.row_of(sf.MEDIA)
        how(row)
        rows.db.put("media", key, row.pack())


@attack("store", "media-body-hash", EITHER | {"as before"})
def media_body_hash(copy):
    """What was shown is the frame, and that is held to its leaf hash."""
    with copy.rows() as rows:
        key, place, row, _ = rows.row_of(sf.MEDIA)
        row.body = os.urandom(32)
        rows.db.put("media", key, row.pack())


@attack("store", "media-removed", EITHER)
def media_gone(copy):
    with copy.rows() as rows:
        rows.db.delete("media", rows.row_of(sf.MEDIA)[0])


@attack("store", "media-removed-with-its-proof", EITHER)
def media_and_proof_gone(copy):
    with copy.rows() as rows:
        key, place, *_ = rows.row_of(sf.MEDIA)
        rows.db.delete("media", key)
        rows.db.delete("proof", sf.proof_key(place.case, place.epoch, place.stream, place.number))


@attack("store", "media-rows-exchanged", EITHER)
def media_swapped(copy):
    with copy.rows() as rows:
        a, b = rows.frames(sf.MEDIA)[:2]
        rows.db.put("media", a[0], b[2].pack())
        rows.db.put("media", b[0], a[2].pack())


@each("store", EITHER, {"segment-cut": 0.5, "segment-cut-to-nothing": 0.0})
def segment_cut(copy, share):
    path = copy.segments()[0]
    os.truncate(path, int(path.stat().st_size * share))


@attack("store", "segment-removed", EITHER)
def segment_gone(copy):
    copy.segments()[0].unlink()


@attack("store", "segment-folder-removed", EITHER)
def segment_folder_gone(copy):
    shutil.rmtree(copy.segments()[0].parent)


@each("store", EITHER, {"segment-byte-first": 0, "segment-byte-body": 500, "segment-byte-last": -1})
def segment_byte(copy, at):
    path = copy.segments()[0]
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


@attack("store", "segment-frame-changed-checksum-redone", EITHER)
def segment_frame(copy):
    path = copy.segments()[0]
    data = path.read_bytes()
    frame = cb.parse(data)
    changed = frame.changed(body=b"\1" * len(frame.body)).pack()
    path.write_bytes(changed + data[len(changed):])


@attack("store", "segments-of-two-cases-exchanged", EITHER)
def segments_swapped(copy):
    a, b = copy.segments()[0], copy.segments(copy.other)[0]
    one, two = a.read_bytes(), b.read_bytes()
    a.write_bytes(two)
    b.write_bytes(one)


@attack("store", "segment-longer", EITHER | {"as before"})
def segment_longer(copy):
    """Bytes behind the committed length were never there."""
    with open(copy.segments()[0], "ab") as file:
        file.write(b"planted" * 100)


@each("store", EITHER | {"as before"}, {"segment-rows-removed": None, "segment-rows-zero": b"\0" * 8,
                                        "segment-rows-huge": b"\0\0\1" + b"\0" * 5, "segment-rows-noise": b"x"})
def segment_rows(copy, value):
    with copy.rows() as rows:
        for key, _ in rows.db.rows("segment"):
            if value is None:
                rows.db.delete("segment", key)
            else:
                rows.db.put("segment", key, value)
