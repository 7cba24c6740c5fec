"""Attacks on a store: signed again under another key, kept verdicts, the trust list beside the rows."""

import collections

import nacl.signing

import casebox_format as cb
import wire
from registry import EITHER, attack, each

UNTRUSTED = EITHER | {"UNTRUSTED_KEY"}


def sign_again(copy, key, how=lambda opening: None, record=None):
    """The recorder's epoch under another key: its stream 0 anew, as whoever has the rows can make it."""
    with copy.rows() as rows:
        entry = rows.owner()
        index, producer = entry.get("index", 0), entry["producer_id"]
        chains, gaps = {}, collections.Counter()

        def state(stream):
            return chains.setdefault(stream, (0, cb.first_head(producer, copy.case, stream, entry["epoch"])))

        # In the order of the recording: a beat signs what stands before it by time.
        others = collections.defaultdict(list)
        for _, place, proof in rows.proofs(epoch=index):
            if place.stream:
                others[place.stream].append((place.number, proof))
        for key_, place, proof in rows.proofs(stream=0, epoch=index):
            frame = cb.parse(proof.frame)
            message = frame.message()
            if frame.kind == cb.CASE and "open" in message:
                message["open"]["signing_key"] = bytes(key.verify_key)
                how(message["open"])
                frame = frame.changed(message=message)
            elif frame.kind == cb.STREAM:
                state(message["stream_id"])
            elif frame.kind == cb.BEAT or "close" in message:
                holder = message if frame.kind == cb.BEAT else message["close"]
                for position in holder.get("positions", []):
                    stream = position.get("stream_id", 0)
                    if stream == 0:
                        position["next_number"], position["head"] = state(0)
                if frame.kind == cb.BEAT:
                    message["signature"] = key.sign(
                        cb.beat_message(copy.case, producer, frame.changed(message=message), message)).signature
                frame = frame.changed(message=message)
            chains[0] = (frame.next, cb.next_head(state(0)[1], frame.leaf()))
            rows.put_control(key_, frame, proof)
        made = rows.record()
        for epoch in made["epochs"]:
            if epoch["epoch"] == entry["epoch"]:
                epoch["signing_key"] = bytes(key.verify_key)
                epoch["control"]["next_number"], epoch["control"]["head"] = chains[0]
        if record:
            record(made)
        rows.db.put("case", copy.case, wire.encode("CaseRecord", made))


@attack("store", "signed-again-by-a-stranger", UNTRUSTED)
def signed_again(copy):
    sign_again(copy, copy.honest.stranger)


@attack("store", "signed-again-by-a-stranger-with-another-date", UNTRUSTED)
def signed_again_date(copy):
    then = 1_600_000_000_000_000_000
    sign_again(copy, copy.honest.stranger, lambda opening: opening.update(start_utc_ns=then),
               lambda record: record.update(start_utc_ns=then))


@each("store", UNTRUSTED, {f"signed-again-by-the-key-of-{role}": role for role in ("analysis", "custody")})
def signed_again_role(copy, role):
    """Enrolled, and in another role than the epoch's."""
    sign_again(copy, cb.signing_key(copy.honest.keys, role))


@attack("store", "signed-again-and-the-trust-list-with-it", UNTRUSTED | {"refused"}, beside=True)
def signed_again_list(copy):
    """The list beside the rows is a stranger's, too: whoever holds the site's list or keystore notices."""
    sign_again(copy, copy.honest.stranger)
    stranger_list(copy, {"name": "mallory", "role": 1, "key": bytes(copy.honest.stranger.verify_key)})


@each("store", UNTRUSTED, {f"epoch-of-{name}-in-role-{role}": (name, role) for name in ("analysis", "custody")
                           for role in (1, 2, 3, 4) if {"analysis": 2, "custody": 3}[name] != role})
def other_role(copy, how):
    name, role = how
    epoch = cb.Epoch(case=copy.case, role=role, key=cb.signing_key(copy.honest.keys, name))
    epoch.stream(950, "planted.alarm", "ALARM")
    epoch.events(950, {"alarm": {"kind": 1, "priority": 3, "code": "asystole", "active": True}})
    epoch.close()
    with copy.rows() as rows:
        rows.put_epoch(epoch, len(rows.record()["epochs"]))


# Kept verdicts: a code over the record and the list that only the keystore can make.

def kept(rows, case):
    return dict(rows.db.rows("meta"))[b"verdict/" + case]


@each("store", EITHER, {"kept-verdict-of-before-and-a-date": True, "kept-verdict-gone-and-a-date": False})
def kept_and_record(copy, keep):
    with copy.rows() as rows:
        record = rows.record()
        record["start_utc_ns"] += 86_400_000_000_000
        rows.db.put("case", copy.case, wire.encode("CaseRecord", record))
        if not keep:
            rows.db.delete("meta", b"verdict/" + copy.case)


@each("store", EITHER, {f"kept-verdict-rewritten-{name}": how for name, how in {
    "time": lambda m: m.update(at_utc_ns=m["at_utc_ns"] + 1), "verdict": lambda m: m.update(verdict="COMPLETE"),
    "authentication": lambda m: m.update(authentication=b"\1" * 32),
    "authentication-gone": lambda m: m.pop("authentication")}.items()})
def kept_rewritten(copy, how):
    """A case that is changed, and a verdict that says it is whole."""
    with copy.rows() as rows:
        message = wire.decode("KeptVerdict", kept(rows, copy.case))
        how(message)
        rows.db.put("meta", b"verdict/" + copy.case, wire.encode("KeptVerdict", message))
        record = rows.record()
        record["procedure"] = "sleeve-gastrectomy"
        rows.db.put("case", copy.case, wire.encode("CaseRecord", record))


@attack("store", "kept-verdict-of-another-case-and-its-record", EITHER | {"refused"})
def kept_of_other(copy):
    with copy.rows() as rows:
        record = rows.record(copy.other)
        record["case_id"] = copy.case
        rows.db.put("case", copy.case, wire.encode("CaseRecord", record))
        rows.db.put("meta", b"verdict/" + copy.case, kept(rows, copy.other))


@each("store", EITHER, {"record-and-kept-verdict-of-before": False, "record-ledger-rows-and-kept-verdict-of-before": True})
def rolled_back(copy, ledger):
    """The case's record and verdict from before its newest change of consent: both were honest then."""
    from store_db import Database
    with Database(copy.honest.early_store()) as early:
        record = dict(early.rows("case"))[copy.case]
        meta = dict(early.rows("meta"))
    with copy.rows() as rows:
        rows.db.put("case", copy.case, record)
        rows.db.put("meta", b"verdict/" + copy.case, meta[b"verdict/" + copy.case])
        if ledger:
            for key, _ in rows.db.rows("meta"):
                if key.startswith(b"ledger/" + copy.case) and key not in meta:
                    rows.db.delete("meta", key)


# The trust list beside the rows, which a reader without keystore and --trust goes by.

def sign_list(site, producers, **fields):
    message = wire.encode("TrustList", {"site_key": bytes(site.verify_key), "serial": 9, "made_utc_ns": 1,
                                        "producers": producers, **fields})
    signature = site.sign(b"casebox.trust.v1\0" + message).signature
    return wire.encode("SignedTrustList", {"list": message, "signature": signature})


def honest_list(copy):
    signed = wire.decode("SignedTrustList", (copy.path / "trust.list").read_bytes())
    return signed, wire.decode("TrustList", signed["list"])


def stranger_list(copy, *producers):
    site = nacl.signing.SigningKey(b"\x33" * 32)
    (copy.path / "trust.list").write_bytes(sign_list(site, list(producers)))


def edit_list(copy, how):
    signed, message = honest_list(copy)
    how(message)
    (copy.path / "trust.list").write_bytes(wire.encode("SignedTrustList", {**signed,
                                                                           "list": wire.encode("TrustList", message)}))


def enrol(message, copy):
    message["producers"].append({"name": "mallory", "role": 1, "key": bytes(copy.honest.stranger.verify_key)})


@each("store", UNTRUSTED | {"refused"}, {
    "trust-list-noise": b"\xff" * 90, "trust-list-empty": b"", "trust-list-of-another-kind": b"casebox\n"}, beside=True)
def trust_noise(copy, data):
    (copy.path / "trust.list").write_bytes(data)


@each("store", UNTRUSTED | {"refused"}, {
    "trust-list-with-a-stranger": enrol,
    "trust-list-without-the-recorder": lambda m, c: m.update(producers=[p for p in m["producers"] if p["role"] != 1]),
    "trust-list-with-other-roles": lambda m, c: [p.update(role=3 - p["role"]) for p in m["producers"] if p["role"] < 3],
    "trust-list-serial": lambda m, c: m.update(serial=m["serial"] + 7),
    "trust-list-site-key": lambda m, c: m.update(site_key=b"\1" * 32)}, beside=True)
def trust_edited(copy, how):
    """Its signature is the honest one."""
    edit_list(copy, lambda message: how(message, copy))


@attack("store", "trust-list-of-a-stranger", UNTRUSTED | {"refused"}, beside=True)
def trust_stranger(copy):
    stranger_list(copy, {"name": "mallory", "role": 1, "key": bytes(copy.honest.stranger.verify_key)})


@attack("store", "trust-list-of-a-stranger-with-everybody-over", UNTRUSTED | {"refused"}, beside=True)
def trust_over(copy):
    """The true producers, whose enrolment ended before they began."""
    _, message = honest_list(copy)
    stranger_list(copy, *[{**p, "from_utc_ns": 0, "until_utc_ns": 1} for p in message["producers"]])


@each("store", {"as before"} | UNTRUSTED | {"refused"}, {"trust-list-gone": None, "trust-list-of-a-stranger-with-the-true-keys": 1},
      beside=True, doubt=True)
def trust_unvouched(copy, how):
    """Nobody vouches for the signers: that is said."""
    if how is None:
        (copy.path / "trust.list").unlink()
    else:
        stranger_list(copy, *honest_list(copy)[1]["producers"])
