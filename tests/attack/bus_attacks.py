"""Attacks on the bus: log folders given to ingest beside an honest one.

Each returns what is read before the honest log and what is read after it; then a later case comes. Whatever they
hold, both cases must be whole, and nothing else may be listed.
"""

import os
import struct

import casebox_format as cb
import log_files
import wire
from registry import attack, each

WHOLE = frozenset({"whole"})
ALARM = {"alarm": {"kind": 1, "priority": 3, "code": "asystole", "active": True}}
FINDING = {"finding": {"id": b"\x99" * 32, "kind": "departure", "certainty": 1, "step": "clip-duct",
                       "text": "The duct was cut before it was clipped.", "labels": {"deviation": "missing"}}}
CONSENT = {"consent": {"granted": [1, 2, 3, 4, 5, 6, 7]}}
ROLES = (0, 1, 2, 3, 4, 5, 99)


def stranger(bus, role=cb.RECORDER, kind="ALARM", event=None, sealed=False, close=True, key=None, case=None, **opening):
    epoch = cb.Epoch(case=case or bus.case, role=role, key=key or bus.honest.stranger, **opening)
    epoch.t = 5_000_000_000
    epoch.stream(900, "planted", kind)
    epoch.events(900, event or ALARM, sealed=sealed)
    if close:
        epoch.close()
    return epoch


def loose(bus, frames, case=None, producer=None):
    """A log of frames as they are, in the recorder's name."""
    header = bus.log.files[0].header
    log = log_files.Log()
    log.files = [log_files.LogFile(1, {"case_id": case or header["case_id"], "role": 1,
                                       "producer_id": producer or header["producer_id"]}, (),
                                   [log_files.Item(frame) for frame in frames])]
    log.others["id"] = os.urandom(8).hex().encode()
    log.settle()
    return log


def data(bus, **wanted):
    return bus.log.find(nth=40, kind=cb.DATA, **wanted)[2]


# Strangers' epochs, before and after.

@each("bus", WHOLE, {f"stranger-of-role-{role}-before-the-case": role for role in ROLES})
def stranger_before(bus, role):
    return [log_files.Log.of(stranger(bus, role))], []


@each("bus", WHOLE, {f"stranger-of-role-{role}-behind-the-case": role for role in ROLES})
def stranger_after(bus, role):
    return [], [log_files.Log.of(stranger(bus, role))]


@each("bus", WHOLE, {f"strangers-{what}-behind-the-case": what for what in ("finding", "consent")}, briefing=True)
def stranger_content(bus, what):
    kind, event, role = {"finding": ("FINDING", FINDING, 2), "consent": ("CONSENT", CONSENT, 3)}[what]
    return [], [log_files.Log.of(stranger(bus, role, kind, event))]


@attack("bus", "strangers-consent-of-role-0", WHOLE, briefing=True)
def consent_role_0(bus):
    return [], [log_files.Log.of(stranger(bus, 0, "CONSENT", CONSENT))]


@each("bus", WHOLE, {f"strangers-consent-frame-of-role-{role}": role for role in (0, 1, 3, 4)}, briefing=True)
def consent_frame(bus, role):
    """In the clear, and newer than any: everything is granted to everybody."""
    epoch = cb.Epoch(case=bus.case, role=role, key=bus.honest.stranger)
    epoch.t = 10 ** 13
    epoch.control(cb.CONSENT, CONSENT["consent"])
    epoch.close()
    return [], [log_files.Log.of(epoch)]


@each("bus", WHOLE, {f"stranger-claims-name-and-date-role-{role}": role for role in (1, 4)})
def claims(bus, role):
    """An empty epoch that comes first and says what the case is."""
    epoch = cb.Epoch(case=bus.case, role=role, key=bus.honest.stranger, procedure="appendectomy", room="OR9",
                     start_utc_ns=1_600_000_000_000_000_000, source_digest=b"\7" * 32)
    return [log_files.Log.of(epoch)], []


@attack("bus", "stranger-claims-a-study", WHOLE)
def claims_study(bus):
    return [log_files.Log.of(cb.Epoch(case=bus.case, key=bus.honest.stranger, kind=1))], []


@attack("bus", "stranger-never-closes", WHOLE)
def never_closes(bus):
    return [], [log_files.Log.of(stranger(bus, close=False))]


@attack("bus", "stranger-with-a-case-of-his-own", WHOLE)
def own_case(bus):
    return [log_files.Log.of(stranger(bus, case=os.urandom(16), sealed=True))], []


@each("bus", WHOLE, {f"enrolled-{name}-in-role-{role}": (name, role) for name, role in
                     (("analysis", 1), ("analysis", 3), ("custody", 1), ("recorder", 2), ("recorder", 3))})
def other_role(bus, how):
    """An enrolled key speaks in another role than its own."""
    name, role = how
    return [], [log_files.Log.of(stranger(bus, role, key=cb.signing_key(bus.honest.keys, name), sealed=True))]


# Junk.

@each("bus", WHOLE, {"junk-frames-first": 50, "junk-frames-first-many": 5000})
def junk(bus, count):
    frames = [cb.Frame(cb.DATA, 0, 3, 0xABCD, n, body=os.urandom(20)) for n in range(count)]
    return [loose(bus, frames)], []


@attack("bus", "junk-of-a-megabyte-each", WHOLE)
def junk_large(bus):
    body = os.urandom(1 << 20)
    return [loose(bus, [cb.Frame(cb.DATA, 0, 3, 0xABCD, n, body=body) for n in range(150)])], []


@attack("bus", "junk-epochs-70000", WHOLE)
def junk_epochs(bus):
    return [loose(bus, [cb.Frame(cb.DATA, 0, 3, 1000 + n, 0, body=b"junk") for n in range(70_000)])], []


@attack("bus", "junk-epochs-70000-opened", WHOLE)
def junk_epochs_opened(bus):
    frame = cb.Epoch(case=bus.case, key=bus.honest.stranger, producer=bus.log.files[0].header["producer_id"]).frames[0]
    return [loose(bus, [frame.changed(epoch=1000 + n) for n in range(70_000)])], []


@attack("bus", "junk-cases-2000", WHOLE)
def junk_cases(bus):
    log = log_files.Log()
    for number in range(2000):
        case = struct.pack("<QQ", number + 1, 77)
        frame = cb.Frame(cb.DATA, 0, 3, 5, 0, body=b"junk")
        log.files.append(log_files.LogFile(number + 1, {"case_id": case, "producer_id": b"\1" * 16, "role": 1}, (),
                                           [log_files.Item(frame)]))
    log.others["id"] = b"00000000000000aa"
    log.settle()
    return [log], []


@attack("bus", "junk-streams-20000", WHOLE)
def junk_streams(bus):
    epoch = bus.log.opening()[2].epoch
    return [loose(bus, [cb.Frame(cb.DATA, 0, 1000 + n, epoch, 0, body=b"junk") for n in range(20_000)])], []


NUMBERS = {"2-48-less-1": (1 << 48) - 1, "2-48": 1 << 48, "2-63": 1 << 63, "2-64-less-2": (1 << 64) - 2}


@each("bus", WHOLE, {f"number-{name}-before": number for name, number in NUMBERS.items()})
def number_before(bus, number):
    return [loose(bus, [data(bus).changed(first=number, count=1)])], []


@each("bus", WHOLE, {f"number-{name}-behind": number for name, number in NUMBERS.items()})
def number_after(bus, number):
    return [], [loose(bus, [data(bus).changed(first=number, count=1)])]


def gap(frame, first, count):
    body = wire.encode("Gap", {"origin": 1, "reason": "disconnected", "missing": count})
    return frame.changed(kind=cb.GAP, flags=0, first=first, count=count, body=body)


@each("bus", WHOLE, {"gap-of-4e9-before": True, "gap-of-4e9-behind": False})
def huge_gap(bus, before):
    frame = data(bus)
    last = max(p[2].next for p in bus.log.frames(stream=frame.stream))
    log = loose(bus, [gap(frame, 0 if before else last, 0xFFFFFFFF)])
    return ([log], []) if before else ([], [log])


@attack("bus", "gap-of-4e9-by-a-stranger", WHOLE)
def huge_gap_stranger(bus):
    epoch = stranger(bus, close=False)
    epoch.gap(900, 0xFFFFFFFF)
    epoch.close()
    return [log_files.Log.of(epoch)], []


# Equivocations and what comes after the end.

@each("bus", WHOLE, {"other-bytes-before-the-true-frame": True, "other-bytes-behind-the-true-frame": False})
def equivocation(bus, before):
    frame = data(bus)
    log = loose(bus, [frame.changed(body=bytes(len(frame.body)))])
    return ([log], []) if before else ([], [log])


@attack("bus", "other-bytes-for-every-frame-first", WHOLE)
def equivocations(bus):
    return [loose(bus, [p[2].changed(body=bytes(len(p[2].body))) for p in bus.log.frames(kind=cb.DATA)])], []


@each("bus", WHOLE, {"other-case-frame-first": cb.CASE, "other-stream-frame-first": cb.STREAM,
                     "other-key-frame-first": cb.KEY, "other-beat-first": cb.BEAT})
def control_first(bus, kind):
    frame = bus.log.find(kind=kind)[2]
    message = frame.message()
    if kind == cb.CASE:
        message["open"]["procedure"] = "appendectomy"
        message["open"]["signing_key"] = bytes(bus.honest.stranger.verify_key)
    return [loose(bus, [frame.changed(message=message, t=frame.t + 1)])], []


@attack("bus", "overlapping-numbers-first", WHOLE)
def overlap(bus):
    frame = data(bus)
    return [loose(bus, [frame.changed(first=frame.first - 1 if frame.first else 0, count=frame.count + 2)])], []


@each("bus", WHOLE, {"data-behind-the-end": cb.DATA, "stream-behind-the-end": cb.STREAM, "close-behind-the-end": cb.CASE,
                     "beat-behind-the-end": cb.BEAT, "pause-behind-the-end": cb.PAUSE})
def after_end(bus, kind):
    last = bus.log.find(nth=-1, kind=cb.BEAT)[2]
    frame = {
        cb.DATA: lambda: bus.log.find(nth=-1, kind=cb.DATA)[2],
        cb.STREAM: lambda: last.changed(kind=cb.STREAM, body=wire.encode("Stream", {
            "stream_id": 900, "name": "planted", "kind": 7})),
        cb.CASE: lambda: bus.log.closing()[2],
        cb.BEAT: lambda: last,
        cb.PAUSE: lambda: last.changed(kind=cb.PAUSE, body=wire.encode("Pause", {"begins": True, "reason": "person"})),
    }[kind]()
    first = frame.next if kind == cb.DATA else last.next
    return [], [loose(bus, [frame.changed(first=first)])]


@attack("bus", "forged-beat-early", WHOLE)
def forged_beat(bus):
    """A beat of a stranger's that would settle false frames."""
    frame = data(bus)
    false = frame.changed(first=0, body=b"\0" * 40)
    header = bus.log.files[0].header
    head = cb.next_head(cb.first_head(header["producer_id"], bus.case, frame.stream, frame.epoch), false.leaf())
    beat_frame = bus.log.find(kind=cb.BEAT)[2]
    beat = {"positions": [{"stream_id": frame.stream, "next_number": false.next, "head": head}], "t_ns": 1}
    beat["signature"] = bus.honest.stranger.sign(
        cb.beat_message(bus.case, header["producer_id"], beat_frame, beat)).signature
    return [loose(bus, [false, beat_frame.changed(message=beat)])], []


# Names of others.

@attack("bus", "case-frame-under-another-case", WHOLE)
def case_elsewhere(bus):
    return [loose(bus, [item.frame for item in bus.log.items()], case=b"\x42" * 16)], []


@attack("bus", "frames-of-this-case-under-the-later-one", WHOLE)
def case_mixed(bus):
    return [loose(bus, [item.frame for item in bus.log.items()], case=bus.later_case)], []


@attack("bus", "frames-under-another-producer", WHOLE)
def producer_other(bus):
    return [loose(bus, [item.frame for item in bus.log.items()], producer=b"\x42" * 16)], []


@attack("bus", "frames-under-another-epoch", WHOLE)
def epoch_other(bus):
    return [loose(bus, [item.frame.changed(epoch=item.frame.epoch ^ 1) for item in bus.log.items()])], []


@attack("bus", "case-without-an-id", WHOLE)
def nil_case(bus):
    return [loose(bus, [data(bus)], case=b"\0" * 16)], []


@attack("bus", "second-recorder-key-in-the-name-of-a-crash", WHOLE)
def after_crash(bus):
    previous = struct.pack("<Q", bus.log.opening()[2].epoch)
    return [], [log_files.Log.of(stranger(bus, producer=bus.log.files[0].header["producer_id"],
                                          previous_epoch=previous))]


@each("bus", WHOLE, {"control-body-of-noise": b"\xff" * 50, "control-body-empty": b""})
def control_noise(bus, body):
    epoch = bus.log.opening()[2].epoch
    frames = [cb.Frame(kind, 0, 0, e, 0, body=body) for kind in (cb.CASE, cb.STREAM, cb.KEY, cb.CLOCK, cb.PAUSE, cb.BEAT)
              for e in (epoch, 7, 8)]
    return [loose(bus, frames)], []


@attack("bus", "stream-frame-of-a-megabyte", WHOLE)
def long_name(bus):
    return [log_files.Log.of(stranger(bus, software="x" * (1 << 19)))], []


@attack("bus", "drafts-only", WHOLE)
def drafts(bus):
    return [loose(bus, [data(bus).changed(kind=cb.DRAFT, flags=0, first=n) for n in range(200)])], []


# Damaged and doubled logs.

@attack("bus", "file-of-noise", WHOLE)
def noise_file(bus):
    log = loose(bus, [])
    log.files[0].raw_header = os.urandom(5000)
    return [log], []


@attack("bus", "noise-between-frames", WHOLE)
def noise_between(bus):
    log = bus.log.clone()
    log.files[0].items.insert(20, log_files.Item(None, os.urandom(300)))
    log.others["id"] = b"00000000000000bb"
    log.settle()
    return [log], []


@attack("bus", "honest-log-twice", WHOLE)
def twice(bus):
    log = bus.log.clone()
    log.others["id"] = b"00000000000000cc"
    return [log], [log]


@attack("bus", "honest-log-in-two-halves-late-half-first", WHOLE)
def halves(bus):
    items = bus.log.items()
    late = loose(bus, [item.frame for item in items[len(items) // 2:]])
    return [late], []


@attack("bus", "honest-frames-in-reverse", WHOLE)
def reverse(bus):
    return [loose(bus, [item.frame for item in reversed(bus.log.items())])], []


@attack("bus", "honest-log-with-a-hole-first", WHOLE)
def hole_first(bus):
    frames = [item.frame for item in bus.log.items()]
    del frames[len(frames) // 2]
    return [loose(bus, frames)], []


# What comes behind such a hole, the close and the beat that covers it included, is stored by a program that has ended
# when the hole is filled.
@each("bus", WHOLE, {"honest-log-without-a-beat-first": cb.BEAT, "honest-log-without-a-clock-record-first": cb.CLOCK},
      always=True)
def control_hole_first(bus, kind):
    frames = [item.frame for item in bus.log.items()]
    of_kind = [at for at, frame in enumerate(frames) if frame.kind == kind]
    del frames[of_kind[len(of_kind) // 2]]
    return [loose(bus, frames)], []
