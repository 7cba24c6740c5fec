"""Frames, chains, beats, seals: docs/formats/frame.md and keystore.md, from the pages alone."""

import collections
import dataclasses
import hashlib
import hmac
import os
import struct

import crc32c
import nacl.public
import nacl.signing
import zstandard
from cryptography.hazmat.primitives import keywrap
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

import wire

DATA, DRAFT, GAP, CASE, STREAM, KEY, CLOCK, PAUSE, BEAT, CONSENT = 1, 2, 3, 16, 17, 18, 19, 20, 21, 22
KINDS = {DATA: "data", DRAFT: "draft", GAP: "gap", CASE: "case", STREAM: "stream", KEY: "key", CLOCK: "clock",
         PAUSE: "pause", BEAT: "beat", CONSENT: "consent"}
BODIES = {GAP: "Gap", CASE: "CaseControl", STREAM: "Stream", KEY: "KeyFrame", CLOCK: "ClockRecord", PAUSE: "Pause",
          BEAT: "Beat", CONSENT: "Consent"}
SEALED, SYNC, FIRST, LAST, RECOVERED, DERIVED = 1, 2, 4, 8, 16, 32
RECORDER, ANALYSIS, CUSTODY, IMPORT = 1, 2, 3, 4
OWNERS = (RECORDER, IMPORT)
MAX_BODY = 1 << 20
LAYOUT = struct.Struct("<BBBBIIIQQIIqQIHH")


class FormatError(ValueError):
    """Bytes that are no frame."""


def crc(*pieces):
    value = 0
    for piece in pieces:
        value = crc32c.crc32c(piece, value)
    return value


def sha256(*pieces):
    return hashlib.sha256(b"".join(pieces)).digest()


@dataclasses.dataclass
class Frame:
    kind: int = DATA
    flags: int = 0
    stream: int = 0
    epoch: int = 0
    first: int = 0
    count: int = 1
    u95_us: int = 0
    t: int = 0
    t_capture: int = 0
    duration_us: int = 0
    period: int = 0
    body: bytes = b""
    magic: int = 0xCB
    version: int = 1
    zero: int = 0
    stored_crc: int | None = None  # written as it is; None: the right one

    def header(self, checksum=0, flags=None):
        return LAYOUT.pack(self.magic, self.version, self.kind, self.flags if flags is None else flags,
                           len(self.body), checksum, self.stream, self.epoch, self.first, self.count, self.u95_us,
                           self.t, self.t_capture, self.duration_us, self.period, self.zero)

    def pack(self):
        checksum = self.stored_crc
        if checksum is None:
            checksum = crc(self.header(), self.body)
        return self.header(checksum) + self.body

    def leaf(self):
        """RFC 9162's leaf hash."""
        return sha256(b"\0", self.header(), sha256(self.body))

    @property
    def next(self):
        return self.first + self.count

    def message(self):
        """The body of a gap or a frame of stream 0."""
        return wire.decode(BODIES[self.kind], self.body)

    def changed(self, **fields):
        """A copy with other fields and a right checksum; `message` is encoded into the body."""
        if "message" in fields:
            fields["body"] = wire.encode(BODIES[self.kind], fields.pop("message"))
        return dataclasses.replace(self, **{"stored_crc": None, **fields})

    def __str__(self):
        return f"{KINDS.get(self.kind, self.kind)} of stream {self.stream} number {self.first}"


def parse(data, at=0):
    """One frame at a place in bytes, which may hold more behind it; FormatError says why not."""
    if len(data) - at < LAYOUT.size:
        raise FormatError("shorter than a header")
    (magic, version, kind, flags, size, checksum, stream, epoch, first, count, u95, t, capture, duration, period,
     zero) = LAYOUT.unpack_from(data, at)
    if magic != 0xCB or version != 1:
        raise FormatError("another magic or version")
    if kind not in KINDS or flags > 63 or zero:
        raise FormatError("another kind or flag")
    if size > MAX_BODY or at + LAYOUT.size + size > len(data):
        raise FormatError("a body that is not all there")
    if count == 0 or first + count >= 1 << 64:
        raise FormatError("a count of 0, or numbers that pass 2^64")
    if (kind >= CASE) != (stream == 0):
        raise FormatError("a kind that does not belong on its stream")
    if flags & SEALED and kind != DATA:
        raise FormatError("a sealed body of anything but data")
    body = bytes(data[at + LAYOUT.size:at + LAYOUT.size + size])
    frame = Frame(kind, flags, stream, epoch, first, count, u95, t, capture, duration, period, body)
    if checksum != crc(frame.header(), body):
        raise FormatError("checksum does not match")
    return frame


def first_head(producer, case, stream, epoch):
    return sha256(b"casebox.chain.v1\0", producer, case, struct.pack("<IQ", stream, epoch))


def next_head(head, leaf):
    return sha256(b"\x10", head, leaf)


def beat_message(case, producer, frame, beat):
    """The bytes that a beat's signature covers, by its form; `frame` is the beat's own, whose header form 2 covers."""
    second = beat.get("form", 0) >= 2
    positions = sorted(beat.get("positions", []), key=lambda p: p.get("stream_id", 0))
    out = [b"casebox.beat.v2\0" if second else b"casebox.beat.v1\0", case, producer]
    out.append(frame.changed(body=b"").header() if second else struct.pack("<Q", frame.epoch))
    out.append(struct.pack("<qI", beat.get("t_ns", 0), len(positions)))
    for position in positions:
        head = position.get("head", b"")[:32].ljust(32, b"\0")
        out.append(struct.pack("<IQ", position.get("stream_id", 0), position.get("next_number", 0)) + head)
        if second:
            out.append(struct.pack("<Q", position.get("gap_frames", 0)))
    return b"".join(out)


def beat_is_signed(case, producer, key, frame, beat):
    try:
        nacl.signing.VerifyKey(key).verify(beat_message(case, producer, frame, beat), beat.get("signature", b""))
        return True
    except (ValueError, TypeError, nacl.exceptions.CryptoError):
        return False


# Seals.

def hkdf(secret, salt, info):
    key = hmac.new(salt or b"\0" * 32, secret, hashlib.sha256).digest()
    return hmac.new(key, info + b"\1", hashlib.sha256).digest()


def period_secret(epoch_secret, epoch, stream, period):
    return hkdf(epoch_secret, struct.pack("<Q", epoch), b"casebox.period.v1" + struct.pack("<IH", stream, period))


def frame_key(secret):
    return hkdf(secret, b"", b"casebox.frame-key.v1")


def commitment(secret, salt):
    return hkdf(secret, salt, b"casebox.commitment.v1")


def _nonce(frame):
    return struct.pack("<IQ", frame.stream, frame.first)


def _associated(frame):
    return frame.header(flags=frame.flags & ~RECOVERED)


def pack_body(plain):
    return b"\1" + zstandard.compress(plain) if len(plain) > 128 else b"\0" + plain


def unpack_body(packed):
    if not packed or packed[0] > 1:
        raise FormatError("another packing")
    return packed[1:] if packed[0] == 0 else zstandard.ZstdDecompressor().decompress(packed[1:], 16 << 20)


def seal(frame, epoch_secret, plain):
    """The frame with a message's bytes packed and sealed as its body."""
    packed = pack_body(plain)
    sealed = frame.changed(flags=frame.flags | SEALED, body=b"\0" * (len(packed) + 16))
    key = frame_key(period_secret(epoch_secret, frame.epoch, frame.stream, frame.period))
    return sealed.changed(body=AESGCM(key).encrypt(_nonce(frame), packed, _associated(sealed)))


def unseal(frame, epoch_secret):
    key = frame_key(period_secret(epoch_secret, frame.epoch, frame.stream, frame.period))
    return unpack_body(AESGCM(key).decrypt(_nonce(frame), frame.body, _associated(frame)))


# Keystore pieces: what the owner of a folder can read.

def open_epoch(keys, opening, epoch):
    """The epoch secret of a case frame, with the keystore that holds the case's key."""
    public = opening["case_public_key"]
    wrapped = (keys / "cases" / (public.hex() + ".key")).read_bytes()
    private = keywrap.aes_key_unwrap_with_padding((keys / "site.key").read_bytes(), wrapped)
    plain = nacl.public.SealedBox(nacl.public.PrivateKey(private)).decrypt(opening["sealed_epoch_key"])
    secret = wire.decode("EpochSecret", plain)
    if secret["case_id"] != opening["case_id"] or secret["epoch"] != epoch:
        raise FormatError("an epoch secret of another epoch")
    return secret["secret"]


def seal_epoch(public, case, epoch, secret):
    plain = wire.encode("EpochSecret", {"case_id": case, "epoch": epoch, "secret": secret})
    return nacl.public.SealedBox(nacl.public.PublicKey(public)).encrypt(plain)


def signing_key(keys, role):
    """The signing key of a role ("recorder", "analysis", ...)."""
    wrapped = (keys / "signing" / (role + ".seed")).read_bytes()
    site = (keys / "site.key").read_bytes()
    return nacl.signing.SigningKey(keywrap.aes_key_unwrap_with_padding(site, wrapped))


class Epoch:
    """Makes the frames of one epoch as a producer does: numbers, seals, chains, beats, close."""

    def __init__(self, case=None, producer=None, role=RECORDER, key=None, epoch=None, public=None, **opening):
        self.case = case or os.urandom(16)
        self.producer = producer or os.urandom(16)
        self.key = key or nacl.signing.SigningKey.generate()
        self.epoch = epoch or int.from_bytes(os.urandom(8), "little")
        self.role, self.public = role, public or bytes(nacl.public.PrivateKey.generate().public_key)
        self.secret = os.urandom(32)
        self.chains, self.frames, self.t = {}, [], 0
        self.gaps = collections.Counter()
        self.derived = DERIVED if role not in OWNERS else 0
        message = {"case_id": self.case, "producer_id": self.producer, "role": role,
                   "procedure": "lap-cholecystectomy", "room": "OR1", "start_utc_ns": 1_700_000_000_000_000_000,
                   "signing_key": bytes(self.key.verify_key), "case_public_key": self.public,
                   "sealed_epoch_key": seal_epoch(self.public, self.case, self.epoch, self.secret),
                   "software": "a stranger", **opening}
        self.control(CASE, {"open": message})

    def add(self, frame):
        """A frame behind what its stream has; numbers and chain follow."""
        next_number, head = self.chains.get(frame.stream) or (
            0, first_head(self.producer, self.case, frame.stream, self.epoch))
        frame = frame.changed(epoch=self.epoch, first=next_number, flags=frame.flags | self.derived)
        if frame.flags & SEALED:
            frame = seal(frame.changed(body=b""), self.secret, frame.body)
        self.chains[frame.stream] = (frame.next, next_head(head, frame.leaf()))
        self.gaps[frame.stream] += frame.kind == GAP
        self.frames.append(frame)
        return frame

    def control(self, kind, message, **header):
        return self.add(Frame(kind, t=self.t, body=wire.encode(BODIES[kind], message), **header))

    def stream(self, stream, name, kind, **more):
        self.chains.setdefault(stream, (0, first_head(self.producer, self.case, stream, self.epoch)))
        self.control(STREAM, {"stream_id": stream, "name": name, "kind": wire.enum("StreamKind", kind), **more})
        salt = os.urandom(16)
        secret = period_secret(self.secret, self.epoch, stream, 0)
        self.control(KEY, {"periods": [{"stream_id": stream, "period": 0, "salt": salt,
                                        "commitment": commitment(secret, salt)}]})

    def events(self, stream, *events, sealed=True, t=None):
        batch = wire.encode("EventBatch", {"events": list(events)})
        body = batch if sealed else pack_body(batch)
        return self.add(Frame(DATA, SEALED if sealed else 0, stream, t=self.t if t is None else t, count=len(events),
                              body=body))

    def gap(self, stream, count, **gap):
        message = {"origin": 1, "reason": "disconnected", "missing": count, **gap}
        return self.add(Frame(GAP, stream=stream, t=self.t, count=count, body=wire.encode("Gap", message)))

    def positions(self, gaps=True):
        return [{"stream_id": stream, "next_number": next_number, "head": head,
                 **({"gap_frames": self.gaps[stream]} if gaps else {})}
                for stream, (next_number, head) in sorted(self.chains.items())]

    def beat(self, **change):
        frame = Frame(BEAT, t=self.t, epoch=self.epoch, first=self.chains[0][0], flags=self.derived)
        beat = {"positions": self.positions(), "t_ns": self.t, "form": 2, **change}
        beat["signature"] = self.key.sign(beat_message(self.case, self.producer, frame, beat)).signature
        return self.add(frame.changed(message=beat))

    def close(self, reason="CASE_ENDED"):
        self.control(CASE, {"close": {"reason": wire.enum("CloseFrame.Reason", reason), "positions": self.positions(),
                                      "end_t_ns": self.t}})
        return self.beat()
