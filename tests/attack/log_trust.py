"""Attacks on a log that is read with a trust list: lists that are changed, and honest lists that say no."""

import nacl.signing

import casebox_format as cb
import wire
from log_signers import append, sign_again, stranger_epoch
from registry import SAME, SIGNED, STRANGER, attack, each

REFUSED = frozenset({"refused"})
SITE = nacl.signing.SigningKey(b"\x44" * 32)


def sign_list(producers, site=SITE, **fields):
    message = wire.encode("TrustList", {"site_key": bytes(site.verify_key), "serial": 3, "made_utc_ns": 1,
                                        "producers": producers, **fields})
    return wire.encode("SignedTrustList", {
        "list": message, "signature": site.sign(b"casebox.trust.v1\0" + message).signature})


def recorder(log, **fields):
    return {"name": "recorder", "role": 1, "key": log.opening()[3]["signing_key"], **fields}


def begins(log):
    _, _, frame, opening = log.opening()
    return opening["start_utc_ns"] + frame.t


@each("log", SAME, {
    "trust-any-room": lambda log: [recorder(log)],
    "trust-the-room": lambda log: [recorder(log, room=log.opening()[3]["room"])],
    "trust-until-later": lambda log: [recorder(log, from_utc_ns=begins(log), until_utc_ns=begins(log) + 1)],
}, trust=True)
def listed(log, honest, producers):
    log.trust = sign_list(producers(log))


@each("log", STRANGER, {
    "trust-nobody": lambda log: [],
    "trust-another-key": lambda log: [recorder(log, key=b"\5" * 32)],
    "trust-another-room": lambda log: [recorder(log, room="OR9")],
    "trust-as-analysis": lambda log: [recorder(log, role=2)],
    "trust-as-custody": lambda log: [recorder(log, role=3)],
    "trust-as-import": lambda log: [recorder(log, role=4)],
    "trust-over": lambda log: [recorder(log, until_utc_ns=begins(log))],
    "trust-long-over": lambda log: [recorder(log, until_utc_ns=1)],
    "trust-not-yet": lambda log: [recorder(log, from_utc_ns=begins(log) + 1)],
}, trust=True)
def not_listed(log, honest, producers):
    log.trust = sign_list(producers(log))


@each("log", REFUSED, {
    "trust-list-empty": lambda data: b"", "trust-list-noise": lambda data: b"\xff" * 60,
    "trust-list-cut": lambda data: data[:-5], "trust-list-signature": lambda data: data[:-1] + bytes([data[-1] ^ 1]),
    "trust-list-flipped": lambda data: data[:20] + bytes([data[20] ^ 1]) + data[21:]}, trust=True)
def list_changed(log, honest, how):
    log.trust = how(sign_list([recorder(log)]))


@each("log", REFUSED, {
    "trust-list-of-a-role-that-means-nothing": lambda log: sign_list([recorder(log, role=9)]),
    "trust-list-with-a-key-twice": lambda log: sign_list([recorder(log), recorder(log, name="again", role=2)]),
    "trust-list-with-a-short-key": lambda log: sign_list([recorder(log), recorder(log, name="short", key=b"\5" * 31)]),
    "trust-list-signed-by-another-than-it-says": lambda log: sign_list([recorder(log)], site_key=b"\5" * 32)},
    trust=True)
def list_invalid(log, honest, make):
    log.trust = make(log)


@attack("log", "trust-list-of-another-site", REFUSED, trust=True, site_key=b"\5" * 32)
def other_site(log, honest):
    """The reader was told another site's key."""
    log.trust = sign_list([recorder(log)])


@attack("log", "trust-signed-again-by-a-stranger", STRANGER, trust=True)
def stranger(log, honest):
    log.trust = sign_list([recorder(log)])
    sign_again(log, honest.stranger)


@each("log", STRANGER | SIGNED, {f"trust-stranger-of-role-{role}": role for role in (0, 1, 2, 3, 4, 99)}, trust=True)
def strangers_epoch(log, honest, role):
    log.trust = sign_list([recorder(log)])
    append(log, stranger_epoch(log, honest, role), own_file=True)


@each("log", STRANGER | SIGNED, {f"trust-analyst-in-role-{role}": role for role in (1, 3, 4)}, trust=True)
def analyst(log, honest, role):
    """Enrolled, and in another role than the one it takes."""
    log.trust = sign_list([recorder(log), {"name": "analysis", "role": 2, "key": bytes(honest.stranger.verify_key)}])
    append(log, stranger_epoch(log, honest, role), own_file=True)


@attack("log", "trust-both-recorders", SAME, trust=True)
def both(log, honest):
    """A second recorder that the site enrolled may go on with the case."""
    log.trust = sign_list([recorder(log), {"name": "other", "role": 1, "key": bytes(honest.stranger.verify_key)}])
    epoch = stranger_epoch(log, honest, cb.RECORDER)
    append(log, epoch, own_file=True)
