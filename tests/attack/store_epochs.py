"""Attacks on a store: derived epochs, strangers' epochs, whole cases, and the rows that no frame stands in."""

import os
import shutil

import casebox_format as cb
import store_format as sf
import wire
from registry import EITHER, attack, each
from store_rows import ALARM, plain

UNTRUSTED = EITHER | {"UNTRUSTED_KEY"}


# Derived epochs.

def derived_index(rows):
    return rows.epoch((2, 3)).get("index", 0)


def delete_epoch_rows(rows, index):
    for key, place, _ in rows.proofs(epoch=index):
        rows.db.delete("proof", key)
    for table in sf.TABLES:
        for row in rows.frames(table):
            if row[1].epoch == index:
                rows.db.delete(sf.TABLES[table], row[0])


@attack("store", "derived-epoch-deleted", EITHER)
def derived_deleted(copy):
    """Findings, gone without a trace in the rows."""
    with copy.rows() as rows:
        entry = rows.epoch((2, 3))
        delete_epoch_rows(rows, entry.get("index", 0))
        record = rows.record()
        record["epochs"] = [e for e in record["epochs"] if e["epoch"] != entry["epoch"]]
        record["streams"] = [s for s in record["streams"] if s["epoch"] != entry["epoch"]]
        rows.db.put("case", copy.case, wire.encode("CaseRecord", record))


@attack("store", "derived-rows-deleted", EITHER)
def derived_rows(copy):
    with copy.rows() as rows:
        delete_epoch_rows(rows, derived_index(rows))


@attack("store", "finding-deleted", EITHER)
def finding_deleted(copy):
    with copy.rows() as rows:
        stream = rows.stream("FINDING")["stream"]["stream_id"]
        key, place, *_ = rows.row_of(sf.EVENT, stream=stream)
        rows.db.delete("event", key)
        rows.db.delete("proof", sf.proof_key(place.case, place.epoch, place.stream, place.number))


FINDING = {"finding": {"id": b"\x99" * 32, "kind": "departure", "certainty": 1, "step": "clip-duct",
                       "text": "The duct was cut before it was clipped.", "labels": {"deviation": "missing"}}}


@each("store", EITHER, {"finding-added-plain": False, "finding-added-plain-with-a-proof": True})
def finding_added(copy, proof):
    with copy.rows() as rows:
        stream = rows.stream("FINDING")["stream"]["stream_id"]
        key, place, frame, trailer = rows.row_of(sf.EVENT, nth=1 << 20, stream=stream)
        place.number += frame.count
        rows.put_frame(sf.EVENT, place, frame.changed(first=place.number, count=1, flags=cb.DERIVED,
                                                      body=plain(FINDING)), trailer, proof)


@each("store", UNTRUSTED, {f"strangers-epoch-of-role-{role}-with-a-{what}": (role, what)
                           for role in (0, 1, 2, 3, 99) for what in ("finding", "consent", "alarm")})
def stranger_epoch(copy, how):
    role, what = how
    epoch = cb.Epoch(case=copy.case, role=role, key=copy.honest.stranger)
    kind, event = {"finding": ("FINDING", FINDING), "alarm": ("ALARM", ALARM),
                   "consent": ("CONSENT", {"consent": {"granted": [1, 2, 3, 4, 5, 6, 7]}})}[what]
    epoch.stream(950, f"planted.{what}", kind)
    epoch.events(950, event, sealed=False)
    epoch.close()
    with copy.rows() as rows:
        rows.put_epoch(epoch, len(rows.record()["epochs"]))


@each("store", UNTRUSTED, {f"strangers-epoch-of-role-{role}-with-a-consent-frame": role for role in (1, 3, 4)})
def stranger_consent_frame(copy, role):
    """The row of the case says the same, as ingest would have it."""
    epoch = cb.Epoch(case=copy.case, role=role, key=copy.honest.stranger)
    epoch.t = 10 ** 13
    epoch.control(cb.CONSENT, {"granted": [1, 2, 3, 4, 5, 6, 7]})
    epoch.close()
    with copy.rows() as rows:
        rows.put_epoch(epoch, len(rows.record()["epochs"]))


# Whole cases.

@attack("store", "case-deleted", EITHER | {"UNCLOSED"}, others=True)
def case_deleted(copy):
    with copy.rows() as rows:
        rows.delete_case(copy.other)
    for path in copy.segments(copy.other):
        shutil.rmtree(path.parent, ignore_errors=True)


def study(rows):
    """The id of the study in the store."""
    found = [key for key, value in rows.db.rows("case") if wire.decode("CaseRecord", value).get("kind") == 1]
    if not found:
        raise LookupError("the honest store has no study")
    return found[0]


@attack("store", "study-deleted", EITHER | {"UNCLOSED"})
def study_deleted(copy):
    with copy.rows() as rows:
        rows.delete_case(study(rows))


@each("store", EITHER | {"repaired"}, {
    "study-turned-into-an-operation": lambda r: r.pop("kind"),
    "study-role": lambda r: r["epochs"][0].update(role=2),
    "study-runs-hidden": lambda r: r["epochs"].pop(),
    "study-date": lambda r: r.update(start_utc_ns=1)})
def study_record(copy, how):
    with copy.rows() as rows:
        place = study(rows)
        record = rows.record(place)
        how(record)
        rows.db.put("case", place, wire.encode("CaseRecord", record))


@attack("store", "study-finding-changed", EITHER)
def study_finding(copy):
    with copy.rows() as rows:
        key, place, frame, trailer = next(r for r in rows.frames(sf.EVENT, case=study(rows)) if r[2] is not None)
        rows.put_frame(sf.EVENT, place, frame.changed(flags=frame.flags & ~cb.SEALED, body=plain(FINDING)), trailer,
                       proof=True)


@attack("store", "case-rows-deleted", EITHER | {"UNCLOSED"}, others=True)
def case_rows_deleted(copy):
    with copy.rows() as rows:
        rows.delete_case(copy.other, record=False)


@attack("store", "all-cases-deleted", EITHER | {"UNCLOSED"})
def cases_deleted(copy):
    with copy.rows() as rows:
        for key, _ in rows.db.rows("case"):
            rows.delete_case(key)


@attack("store", "rows-of-another-case-under-this-one", EITHER | {"as before"})
def case_rows_copied(copy):
    with copy.rows() as rows:
        for family in ("event", "wave"):
            for key, value in rows.db.rows(family):
                if key[:16] == copy.other:
                    rows.db.put(family, copy.case + key[16:], value)


@each("store", EITHER | {"as before"}, {"tail-removed": None, "tail-zero": b"\0" * 4, "tail-noise": b"x"})
def tails(copy, value):
    """How far before a range a scan must begin: with less of it, frames would be missed."""
    with copy.rows() as rows:
        for key, _ in rows.db.rows("tail"):
            if value is None:
                rows.db.delete("tail", key)
            else:
                rows.db.put("tail", key, value)


@attack("store", "quarantine-planted", {"as before"})
def quarantine_planted(copy):
    """Quarantine changes no verdict and no case."""
    with copy.rows() as rows:
        frame = cb.Frame(cb.DATA, 0, 3, 77, 0, body=plain(ALARM)).pack()
        text = b"planted"
        value = copy.case + wire.varint(len(text)) + text + wire.varint(4) + b"file" + frame
        rows.db.put("quarantine", os.urandom(8) + b"\0\0\0\1" + b"\0" * 8, value)


@each("store", EITHER | {"as before"}, {"offsets-forward": 1 << 40, "offsets-back": 0})
def offsets(copy, value):
    """Where the next ingest reads on: it changes no case that is here."""
    with copy.rows() as rows:
        for key, _ in rows.db.rows("meta"):
            if key.startswith(b"offset/"):
                rows.db.put("meta", key, value.to_bytes(8, "big"))


@attack("store", "meta-emptied", EITHER | {"as before", "UNCLOSED"})
def meta_gone(copy):
    with copy.rows() as rows:
        for key, _ in rows.db.rows("meta"):
            rows.db.delete("meta", key)


# What the store keeps beside frames: kept verdicts, counters. Whatever their rows say, frames decide.

def others(rows):
    """(family, key, value) of the kept verdicts, the commit counter and the ledger's rows."""
    kept = (b"verdict/", b"commit", b"ledger/", b"lost", b"touched/")
    found = [("meta", key, value) for key, value in rows.db.rows("meta") if key.startswith(kept)]
    if not found:
        raise LookupError("the honest store keeps nothing beside its frames")
    return found


@each("store", EITHER | {"as before", "refused"}, {
    "kept-removed": None,
    "kept-flipped": lambda value: value[:-1] + bytes([value[-1] ^ 1]) if value else b"x",
    "kept-first-byte-flipped": lambda value: bytes([value[0] ^ 1]) + value[1:] if value else b"x",
    "kept-emptied": lambda value: b"", "kept-noise": lambda value: os.urandom(len(value) or 8)})
def kept(copy, how):
    with copy.rows() as rows:
        for name, key, value in others(rows):
            if how is None:
                rows.db.delete(name, key)
            else:
                rows.db.put(name, key, how(value))


@attack("store", "kept-verdict-and-a-wave-changed", EITHER)
def kept_then_changed(copy):
    """The verdict was kept before the change: whoever looks must notice all the same."""
    with copy.rows() as rows:
        key, place, frame, trailer = rows.row_of(sf.WAVE)
        rows.put_frame(sf.WAVE, place, frame.changed(body=b"\1" * len(frame.body)), trailer, proof=True)


@attack("store", "kept-of-another-case", EITHER | {"as before", "refused"})
def kept_swapped(copy):
    with copy.rows() as rows:
        found = others(rows)
        for name, key, _ in found:
            for other_name, other_key, value in found:
                if name == other_name and key != other_key:
                    rows.db.put(name, key, value)
