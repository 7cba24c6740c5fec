"""Attacks on a store: the same done to the rows of every table, whatever the table holds."""

import shutil

import store_format as sf
from registry import EITHER, attack

FRAMES = ("event", "wave", "media", "proof")
OTHERS = ("case", "segment", "tail", "meta", "quarantine")
LOOSE = EITHER | {"as before", "repaired", "refused", "UNCLOSED"}


def found(rows, family, case=None):
    """Rows of a table, of the case that attacks change where the key names one."""
    out = rows.db.rows(family)
    if family not in ("meta", "quarantine"):
        out = [(k, v) for k, v in out if k[:16] == (case or rows.copy.case)]
    if not out:
        raise LookupError(f"the honest store has no row in {family}")
    return out


def pick(rows, family):
    """A row in the middle; of events one that holds its frame."""
    mine = found(rows, family)
    whole = [row for row in mine if row[1][:1] == b"\xcb"] if family == "event" else mine
    return (whole or mine)[len(whole or mine) // 2]


def flip(data, at):
    at %= len(data)
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1:]


def first_gone(rows, family):
    rows.db.delete(family, found(rows, family)[0][0])


def last_gone(rows, family):
    rows.db.delete(family, found(rows, family)[-1][0])


def one_gone(rows, family):
    rows.db.delete(family, pick(rows, family)[0])


def every_second_gone(rows, family):
    for key, _ in found(rows, family)[::2]:
        rows.db.delete(family, key)


def all_gone(rows, family):
    for key, _ in rows.db.rows(family):
        rows.db.delete(family, key)


def of_the_case_gone(rows, family):
    for key, _ in found(rows, family):
        rows.db.delete(family, key)


def exchanged(rows, family):
    mine = found(rows, family)
    if len(mine) < 2:
        mine = rows.db.rows(family)
    at = len(mine) // 2
    other = next((row for row in mine if row[1] != mine[at][1]), None)
    if other is None:
        raise LookupError(f"all rows of {family} are the same")
    rows.db.put(family, mine[at][0], other[1])
    rows.db.put(family, other[0], mine[at][1])


def doubled(rows, family):
    """The row again under a key behind it."""
    key, value = pick(rows, family)
    rows.db.put(family, flip(key, -1), value)


def moved(rows, family):
    key, value = pick(rows, family)
    rows.db.delete(family, key)
    rows.db.put(family, flip(key, -1), value)


def to_another_case(rows, family):
    key, value = pick(rows, family)
    if family in ("meta", "quarantine"):
        raise LookupError("the key names no case")
    rows.db.delete(family, key)
    rows.db.put(family, rows.copy.other + key[16:], value)


def from_another_case(rows, family):
    for key, value in found(rows, family, rows.copy.other):
        rows.db.put(family, rows.copy.case + key[16:], value)


def to_a_case_that_never_was(rows, family):
    for key, value in found(rows, family, rows.copy.other):
        rows.db.put(family, b"\x42" * 16 + key[16:], value)


def cut(rows, family):
    key, value = pick(rows, family)
    rows.db.put(family, key, value[:len(value) // 2])


def emptied(rows, family):
    rows.db.put(family, pick(rows, family)[0], b"")


def longer(rows, family):
    key, value = pick(rows, family)
    rows.db.put(family, key, value + b"\0planted")


def first_byte(rows, family):
    key, value = pick(rows, family)
    if value:
        rows.db.put(family, key, flip(value, 0))


def last_byte(rows, family):
    key, value = pick(rows, family)
    if value:
        rows.db.put(family, key, flip(value, -1))


def middle_byte(rows, family):
    key, value = pick(rows, family)
    if value:
        rows.db.put(family, key, flip(value, len(value) // 2))


def short_key(rows, family):
    """A key that is none: too short, and too long."""
    key, value = pick(rows, family)
    rows.db.put(family, key[:20] if len(key) > 20 else key[:-1] or b"x", value)
    rows.db.put(family, key + b"\0", value)


WAYS = [first_gone, last_gone, one_gone, every_second_gone, all_gone, of_the_case_gone, exchanged, doubled, moved,
        to_another_case, from_another_case, to_a_case_that_never_was, cut, emptied, longer, first_byte, last_byte,
        middle_byte, short_key]
# Of these a frame's own row is as good as it was: a trailer says how it came, a reference holds nothing of its own, and
# what no proof row names, or stands under no case's record, is never shown.
HARMLESS = {"event": (first_gone, last_gone, every_second_gone, last_byte, longer, doubled, from_another_case,
                      to_a_case_that_never_was, exchanged, middle_byte, short_key),
            "wave": (last_byte, longer, doubled, from_another_case, to_a_case_that_never_was, short_key),
            "media": (last_byte, longer, doubled, from_another_case, to_a_case_that_never_was, middle_byte, short_key),
            "proof": (short_key, longer, to_a_case_that_never_was)}


def register():
    for family in (*FRAMES, *OTHERS):
        for way in WAYS:
            if family in ("meta", "quarantine") and way in (to_another_case, from_another_case, to_a_case_that_never_was):
                continue
            strict = family in FRAMES and way not in HARMLESS.get(family, ())
            others = family == "case" or way in (all_gone, to_another_case, from_another_case, to_a_case_that_never_was)

            @attack("store", f"rows-{family}-{way.__name__.replace('_', '-')}",
                    EITHER | {"UNCLOSED"} if strict else LOOSE, others=others)
            def one(copy, family=family, way=way):
                with copy.rows() as rows:
                    way(rows, family)


register()


# A whole case, from one table after the other, and from all that a database holds.

@attack("store", "case-gone-with-its-rows-of-meta", EITHER | {"UNCLOSED"}, others=True)
def case_gone(copy):
    with copy.rows() as rows:
        rows.delete_case(copy.other)
        for key, _ in rows.db.rows("meta"):
            if copy.other in key:
                rows.db.delete("meta", key)
    for path in copy.segments(copy.other):
        shutil.rmtree(path.parent, ignore_errors=True)


@attack("store", "case-under-another-id", EITHER | {"UNCLOSED"}, others=True)
def case_renamed(copy):
    """Every row of a case under an id that was never drawn, its record with it."""
    import wire
    new = b"\x42" * 16
    with copy.rows() as rows:
        record = rows.record(copy.other)
        for family in ("event", "wave", "media", "proof", "segment", "tail"):
            for key, value in found(rows, family, copy.other):
                rows.db.put(family, new + key[16:], value)
        rows.delete_case(copy.other)
        record["case_id"] = new
        rows.db.put("case", new, wire.encode("CaseRecord", record))


@attack("store", "cases-exchanged", EITHER | {"UNCLOSED"}, others=True)
def cases_exchanged(copy):
    """Two cases exchange all their rows."""
    with copy.rows() as rows:
        for family in ("event", "wave", "media", "proof", "tail", "case"):
            table = rows.db.rows(family)
            for a, b in ((copy.case, copy.other), (copy.other, copy.case)):
                for key, value in table:
                    if key[:16] == a:
                        rows.db.delete(family, key)
            for a, b in ((copy.case, copy.other), (copy.other, copy.case)):
                for key, value in table:
                    if key[:16] == a:
                        rows.db.put(family, b + key[16:], value)


# The end of an epoch, cut off row by row.

def cut_epoch(rows, roles, share, meta):
    """Rows of an epoch behind a share of its frames, its record to go with them."""
    import wire
    entry = rows.epoch(roles)
    index = entry.get("index", 0)
    proofs = rows.proofs(epoch=index)
    times = sorted(p.t for _, _, p in proofs)
    border = times[int(len(times) * share)]
    gone = [(key, place) for key, place, proof in proofs if proof.t > border or share == 0.0]
    if not gone:  # all at one time: the last frames of stream 0
        gone = [(key, place) for key, place, proof in proofs if place.stream == 0][-2:]
    numbers = {(place.stream, place.number) for _, place in gone}
    for key, _ in gone:
        rows.db.delete("proof", key)
    for table in sf.TABLES:
        for row in rows.frames(table):
            if row[1].epoch == index and (row[1].stream, row[1].number) in numbers:
                rows.db.delete(sf.TABLES[table], row[0])
    record = rows.record()
    for epoch in record["epochs"]:
        if epoch["epoch"] == entry["epoch"]:
            epoch.pop("close", None)
            epoch.pop("closed", None)
    rows.db.put("case", rows.copy.case, wire.encode("CaseRecord", record))
    if meta:
        for key, _ in rows.db.rows("meta"):
            if key.startswith(b"ledger/" + rows.copy.case) and key[-1:] == b"\2":
                rows.db.delete("meta", key)


for _roles, _who in (((1, 4), "the-recording"), ((2,), "an-analysis"), ((3,), "custody")):
    for _share in (0.5, 0.95):
        for _meta in (False, True):
            @attack("store", f"end-of-{_who}-cut-at-{_share}{'-with-its-ledger-rows' if _meta else ''}",
                    EITHER | {"UNCLOSED"})
            def _cut(copy, roles=_roles, share=_share, meta=_meta):
                with copy.rows() as rows:
                    try:
                        cut_epoch(rows, roles, share, meta)
                    except StopIteration as error:
                        raise LookupError(f"the honest store has no epoch of roles {roles}") from error
