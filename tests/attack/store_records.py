"""Attacks on a store: what CaseRecord says. It is a cache: signed frames decide."""

import os

import casebox_format as cb
import wire
from registry import EITHER, SAME, attack, each

BAD = EITHER | {"UNCLOSED", "UNTRUSTED_KEY"}
CACHE = EITHER | {"repaired"}  # noticed, or the rebuilt truth is shown in its place


def owner(record):
    return next(e for e in record["epochs"] if e.get("role") in cb.OWNERS)


def derived(record):
    return next(e for e in record["epochs"] if e.get("role") not in cb.OWNERS)


def stream(record, kind, nth=0):
    wanted = wire.enum("StreamKind", kind)
    found = [s for s in record["streams"] if s["stream"].get("kind") == wanted]
    return found[min(nth, len(found) - 1)]["stream"]


def channel(record, kind="NUMERIC"):
    return stream(record, kind)["channels"][0]


def swap(a, b, *fields):
    for field in fields:
        a[field], b[field] = b.get(field, ""), a.get(field, "")


def swap_channels(record, kind):
    channels = next(s["stream"]["channels"] for s in record["streams"] if len(s["stream"].get("channels", [])) > 1)
    swap(channels[0], channels[1], "name", "unit")


def swap_streams(record, *kinds):
    wanted = [wire.enum("StreamKind", kind) for kind in kinds]
    found = [s["stream"] for s in record["streams"] if s["stream"].get("kind") in wanted]
    swap(found[0], found[1], "name", "device")


def hide_gaps(record):
    for row in record["streams"]:
        for field in ("gap_frames", "missing", "unknown_gaps"):
            row.pop(field, None)


def swap_indices(record):
    first, second = record["epochs"][0], record["epochs"][1]
    first["index"], second["index"] = second.get("index", 0), first.get("index", 0)


def drop_epoch(record, entry):
    record["epochs"].remove(entry)
    record["streams"] = [s for s in record["streams"] if s.get("epoch") != entry["epoch"]]


RECORD = {
    "gain": lambda r: channel(r).update(gain=0.1 * (channel(r).get("gain", 0) or 1)),
    "offset": lambda r: channel(r).update(offset=40.0),
    "decimals": lambda r: channel(r).update(decimals=channel(r).get("decimals", 0) + 1),
    "unit": lambda r: channel(r).update(unit="kPa"),
    "channel-name": lambda r: channel(r).update(name="another"),
    "channels-swapped": lambda r: swap_channels(r, "NUMERIC"),
    "channel-gone": lambda r: stream(r, "NUMERIC")["channels"].pop(),
    "streams-swapped": lambda r: swap_streams(r, "NUMERIC", "WAVE"),
    "stream-name": lambda r: stream(r, "WAVE").update(name="another"),
    "stream-kind": lambda r: stream(r, "ALARM").update(kind=wire.enum("StreamKind", "ROOM")),
    "stream-device": lambda r: stream(r, "WAVE").update(device="another-device"),
    "stream-clock": lambda r: stream(r, "WAVE").update(clock_id=77),
    "stream-rate": lambda r: stream(r, "WAVE").update(tick_rate_hz={"num": 1, "den": 1}),
    "stream-id": lambda r: stream(r, "WAVE").update(stream_id=stream(r, "WAVE")["stream_id"] + 100),
    "stream-gone": lambda r: r["streams"].remove(next(s for s in r["streams"] if s["stream"].get("kind") == 1)),
    "stream-invented": lambda r: r["streams"].append({"epoch": owner(r)["epoch"], "stream": {
        "stream_id": 900, "name": "planted", "kind": 1}}),
    "stream-absent-by-policy": lambda r: stream(r, "WAVE").update(by_policy_absent=True, policy_reason="privacy"),
    "date": lambda r: r.update(start_utc_ns=1_600_000_000_000_000_000),
    "date-second": lambda r: r.update(start_utc_ns=r["start_utc_ns"] + 1_000_000_000),
    "date-bound": lambda r: r.update(start_utc_u95_ns=1),
    "procedure": lambda r: r.update(procedure="sleeve-gastrectomy"),
    "room": lambda r: r.update(room="OR9"),
    "kind-study": lambda r: r.update(kind=1),
    "partition": lambda r: r.update(partition=r.get("partition", 0) + 1),
    "state-open": lambda r: r.update(state=1),
    "state-unclosed": lambda r: r.update(state=3),
    "first-t": lambda r: r.update(first_t_ns=r.get("first_t_ns", 0) - 10_000_000_000),
    "last-t": lambda r: r.update(last_t_ns=r.get("last_t_ns", 0) // 2),
    "frames": lambda r: r.update(frames=7),
    "source-digest": lambda r: r.update(source_digest=os.urandom(32)),
    "case-public-key": lambda r: r.update(case_public_key=os.urandom(32)),
    "gaps-hidden": hide_gaps,
    "gaps-invented": lambda r: r["streams"][0].update(gap_frames=9, missing=900),
    "items": lambda r: r["streams"][0].update(items=5),
    "stream-frames": lambda r: r["streams"][0].update(frames=5),
    "next-number": lambda r: r["streams"][0].update(next_number=5),
    "head": lambda r: r["streams"][0].update(head=os.urandom(32)),
    "control-head": lambda r: owner(r)["control"].update(head=os.urandom(32)),
    "control-next": lambda r: owner(r)["control"].update(next_number=3),
    "signing-key": lambda r: owner(r).update(signing_key=b"\x5a" * 32),
    "derived-signing-key": lambda r: derived(r).update(signing_key=b"\x5a" * 32),
    "sealed-key": lambda r: owner(r).update(sealed_epoch_key=os.urandom(80)),
    "producer": lambda r: owner(r).update(producer_id=os.urandom(16)),
    "role-analysis": lambda r: owner(r).update(role=2),
    "role-import": lambda r: owner(r).update(role=4),
    "role-0": lambda r: owner(r).update(role=0),
    "role-99": lambda r: owner(r).update(role=99),
    "derived-role-recorder": lambda r: derived(r).update(role=1),
    "derived-role-custody": lambda r: derived(r).update(role=3 if derived(r)["role"] == 2 else 2),
    "epoch-number": lambda r: owner(r).update(epoch=owner(r)["epoch"] ^ 1),
    "epoch-indices-swapped": swap_indices,
    "epoch-gone": lambda r: drop_epoch(r, owner(r)),
    "derived-epoch-gone": lambda r: drop_epoch(r, derived(r)),
    "epoch-invented": lambda r: r["epochs"].append(dict(derived(r), epoch=77, index=len(r["epochs"]))),
    "close-gone": lambda r: owner(r).pop("close"),
    "close-reason": lambda r: owner(r)["close"].update(reason=2),
    "close-positions": lambda r: owner(r)["close"]["positions"].pop(),
    "closed-false": lambda r: owner(r).update(closed=False),
    "equivocations": lambda r: r.update(equivocations=5),
    "unknown-field": lambda r: r.update({None: [(77, 2, b"planted")]}),
}


@each("store", CACHE, {f"record-{name}": how for name, how in RECORD.items()}, lists=True)
def record_changed(copy, how):
    copy.record(how)


@attack("store", "record-case-id", CACHE | {"refused"})
def record_case_id(copy):
    """A row under the key of another case than its own: an error shows nothing."""
    copy.record(lambda r: r.update(case_id=b"\7" * 16))


@attack("store", "record-quarantined", CACHE | {"as before"})
def record_quarantined(copy):
    """Information, not content."""
    copy.record(lambda r: r.update(quarantined=5))


@each("store", CACHE, {"record-media-codec": lambda s: s["media"].update(codec_string="avc1.000000"),
                       "record-media-size": lambda s: s["media"].update(width=64),
                       "record-media-init": lambda s: s["media"].update(init_segment=b"\0" * 64)})
def record_media(copy, how):
    copy.record(lambda r: how(stream(r, "VIDEO")))


@attack("store", "record-cameras-swapped", CACHE)
def record_cameras(copy):
    copy.record(lambda r: swap_streams(r, "VIDEO", "WAVE"))


@each("store", CACHE, {"record-noise": b"\xff" * 40, "record-empty": b"", "record-cut": None}, lists=True)
def record_bytes(copy, data):
    with copy.rows() as rows:
        value = dict(rows.db.rows("case"))[copy.case]
        rows.db.put("case", copy.case, value[:len(value) // 2] if data is None else data)


@attack("store", "record-of-another-case", CACHE, lists=True)
def record_other(copy):
    with copy.rows() as rows:
        rows.db.put("case", copy.case, dict(rows.db.rows("case"))[copy.other])


@attack("store", "record-gone", CACHE)
def record_gone(copy):
    with copy.rows() as rows:
        rows.db.delete("case", copy.case)


@attack("store", "record-under-another-case", EITHER | {"UNCLOSED"}, others=True)
def record_twice(copy):
    """A case that never was, with the record of one that is."""
    with copy.rows() as rows:
        record = rows.record()
        record["case_id"] = b"\x42" * 16
        rows.db.put("case", b"\x42" * 16, wire.encode("CaseRecord", record))


@attack("store", "honest-store-copied", SAME)
def store_copied(copy):
    """The copy alone."""


@attack("store", "honest-store-compacted", SAME)
def store_compacted(copy):
    with copy.rows() as rows:
        rows.db.compact()
