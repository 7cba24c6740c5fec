"""Attacks on a log: beats and close frames, strangers' keys and epochs, splices of two cases."""

import collections
import dataclasses
import os

import casebox_format as cb
import log_files
import wire
from log_frames import change, edit
from registry import EITHER, GOOD, LOST, OPEN, SAME, SIGNED, STRANGER, attack, each


def unknown_field(frame):
    return frame.body + wire.encode_field(77, 2, b"planted")


def edit_beat(frame, how):
    message = frame.message()
    how(message)
    return wire.encode("Beat", message)


def move(positions, by):
    data = next(p for p in positions if p.get("stream_id") and p.get("next_number"))
    data["next_number"] += by


BEAT = {
    "signature": lambda f: {"body": edit_beat(f, lambda m: m.update(signature=b"\1" * 64))},
    "signature-bit": lambda f: {"body": edit_beat(f, lambda m: m.update(
        signature=bytes([m["signature"][0] ^ 1]) + m["signature"][1:]))},
    "signature-gone": lambda f: {"body": edit_beat(f, lambda m: m.pop("signature"))},
    "positions-gone": lambda f: {"body": edit_beat(f, lambda m: m["positions"].clear())},
    "position-moved": lambda f: {"body": edit_beat(f, lambda m: move(m["positions"], 1))},
    "position-of-stream-0-gone": lambda f: {"body": edit_beat(f, lambda m: m.update(
        positions=[p for p in m["positions"] if p.get("stream_id")]))},
    "head-changed": lambda f: {"body": edit_beat(f, lambda m: m["positions"][-1].update(head=b"\1" * 32))},
    "head-longer": lambda f: {"body": edit_beat(f, lambda m: m["positions"][-1].update(
        head=m["positions"][-1]["head"] + b"\1"))},
    "time": lambda f: {"body": edit_beat(f, lambda m: m.update(t_ns=m.get("t_ns", 0) + 1))},
    "form-1": lambda f: {"body": edit_beat(f, lambda m: m.update(form=0 if m.get("form") else 2))},
    "form-3": lambda f: {"body": edit_beat(f, lambda m: m.update(form=3))},
    "gap-count": lambda f: {"body": edit_beat(f, lambda m: m["positions"][-1].update(
        gap_frames=m["positions"][-1].get("gap_frames", 0) + 1))},
    "unknown-field": lambda f: {"body": unknown_field(f)},
    "unknown-field-in-a-position": lambda f: {"body": edit_beat(f, lambda m: m["positions"][0].update(
        {None: [(77, 2, b"planted")]}))},
    "positions-in-another-order": lambda f: {"body": edit_beat(f, lambda m: m["positions"].reverse())},
    "header-t": lambda f: {"t": f.t + 1},
    "header-u95": lambda f: {"u95_us": 1},
    "header-t-capture": lambda f: {"t_capture": f.t_capture + 1},
    "header-duration": lambda f: {"duration_us": 5},
    "header-period": lambda f: {"period": 3},
    "header-count": lambda f: {"count": 2},
    "header-flags": lambda f: {"flags": f.flags ^ cb.RECOVERED},
}


@each("log", SIGNED, {f"beat-{name}": how for name, how in BEAT.items()})
def beat(log, honest, how):
    place = log.find(nth=3, kind=cb.BEAT)
    change(log, place, **how(place[2]))


@each("log", SIGNED, {f"last-beat-{name}": how for name, how in BEAT.items()})
def last_beat(log, honest, how):
    place = log.find(nth=-1, kind=cb.BEAT)
    change(log, place, **how(place[2]))


@attack("log", "beat-replayed-in-place-of-the-next", SIGNED)
def beat_replayed(log, honest):
    old, new = log.find(nth=3, kind=cb.BEAT), log.find(nth=4, kind=cb.BEAT)
    log.replace(new, old[2].changed(first=new[2].first, t=new[2].t))
    log.refit()


@attack("log", "last-beat-replayed", SIGNED)
def last_beat_replayed(log, honest):
    old, new = log.find(nth=-2, kind=cb.BEAT), log.find(nth=-1, kind=cb.BEAT)
    log.replace(new, new[2].changed(body=old[2].body))
    log.refit()


@attack("log", "beat-of-another-case", SIGNED)
def beat_of_another_case(log, honest):
    place = log.find(nth=3, kind=cb.BEAT)
    change(log, place, body=honest.other.find(nth=3, kind=cb.BEAT)[2].body)


@attack("log", "beat-behind-the-end", SIGNED)
def beat_after_end(log, honest):
    last = log.files[-1]
    frame = last.items[-1].frame
    last.items.append(log_files.Item(frame.changed(first=frame.next)))
    log.refit()


@attack("log", "beats-all-gone-renumbered", SIGNED | LOST | OPEN)
def beats_gone(log, honest):
    """Without beats nothing is signed; the close frame alone ends nothing."""
    number = 0
    for file in log.files:
        kept = []
        for item in file.items:
            frame = item.frame
            if frame.stream == 0:
                if frame.kind == cb.BEAT:
                    continue
                frame = frame.changed(first=number)
                number += 1
            kept.append(log_files.Item(frame))
        file.items = kept
    log.refit()


# Close frames.

@each("log", SIGNED, {
    "close-reason-recovered": lambda m: m["close"].update(reason=2),
    "close-reason-0": lambda m: m["close"].pop("reason"),
    "close-reason-99": lambda m: m["close"].update(reason=99),
    "close-position-back": lambda m: m["close"]["positions"][1].update(next_number=1),
    "close-position-on": lambda m: m["close"]["positions"][1].update(next_number=1 << 40),
    "close-stream-left-out": lambda m: m["close"]["positions"].pop(),
    "close-positions-gone": lambda m: m["close"]["positions"].clear(),
    "close-end": lambda m: m["close"].update(end_t_ns=5),
    "close-into-an-opening": lambda m: m.clear(),
})
def close_changed(log, honest, how):
    edit(log, log.closing()[:3], how)


@attack("log", "close-doubled", SIGNED)
def close_doubled(log, honest):
    place = log.closing()
    log.insert(place, place[2].changed(first=place[2].next), after=True)
    log.refit()


@attack("log", "close-moved-forward", EITHER)
def close_moved(log, honest):
    place = log.closing()
    log.remove(place)
    log.insert(log.find(nth=3, kind=cb.BEAT), place[2])
    log.refit()


@attack("log", "close-forged-in-the-middle", SIGNED | OPEN)
def close_forged(log, honest):
    """Cut in the middle, with a close frame and a beat of the attacker's."""
    beats = log.frames(kind=cb.BEAT)
    place = beats[len(beats) // 2]
    log.keep_until(place)
    chains = log.rechain()[-1]
    positions = [{"stream_id": s, "next_number": n, "head": h} for (_, s), (n, h) in sorted(chains.items())]
    header = log.files[-1].header
    close = place[2].changed(kind=cb.CASE, first=place[2].next, body=wire.encode("CaseControl", {
        "close": {"reason": 1, "positions": positions, "end_t_ns": place[2].t}}))
    log.files[-1].items.append(log_files.Item(close))
    stranger = honest.stranger
    positions[0] = {"stream_id": 0, "next_number": close.next,
                    "head": cb.next_head(positions[0]["head"], close.leaf())}
    end = close.changed(kind=cb.BEAT, first=close.next)
    message = {"positions": positions, "t_ns": place[2].t}
    message["signature"] = stranger.sign(
        cb.beat_message(header["case_id"], header["producer_id"], end, message)).signature
    log.files[-1].items.append(log_files.Item(end.changed(message=message)))
    log.refit()


@attack("log", "close-forged-and-the-key-in-the-case-frame-replaced", SIGNED)
def close_forged_with_key(log, honest):
    close_forged(log, honest)
    file, at, frame, message = log.opening()
    message["signing_key"] = bytes(honest.stranger.verify_key)
    change(log, (file, at, frame), message={"open": message})


# Strangers.

def sign_again(log, key, **opening_fields):
    """The whole log under another key: every head and signature made anew, as whoever has the frames can."""
    file, at, frame, message = log.opening()
    message.update(signing_key=bytes(key.verify_key), **opening_fields)
    log.replace((file, at), frame.changed(message={"open": message}))
    for each_file in log.files:
        each_file.header["producer_id"] = message["producer_id"]
        each_file.header["case_id"] = message["case_id"]
    chains, gaps = {}, collections.Counter()
    case, producer, epoch = message["case_id"], message["producer_id"], frame.epoch

    def state(stream):
        return chains.setdefault(stream, (0, cb.first_head(producer, case, stream, epoch)))

    for each_file in log.files:
        for item in each_file.items:
            f = item.frame
            if f.stream == 0 and f.kind in (cb.BEAT, cb.CASE):
                body = f.message()
                holder = body if f.kind == cb.BEAT else body.get("close")
                if holder:
                    holder["positions"] = [{"stream_id": s, "next_number": n, "head": h}
                                           for s, (n, h) in sorted(chains.items())]
                    for position in holder["positions"] if body.get("form") == 2 else []:
                        position["gap_frames"] = gaps[position["stream_id"]]
                    if f.kind == cb.BEAT:
                        body["signature"] = key.sign(cb.beat_message(case, producer, f, body)).signature
                    f = item.frame = f.changed(message=body)
            elif f.kind == cb.STREAM:
                state(f.message()["stream_id"])
            chains[f.stream] = (f.next, cb.next_head(state(f.stream)[1], f.leaf()))
            gaps[f.stream] += f.kind == cb.GAP
    log.refit()


@attack("log", "signed-again-by-a-stranger", STRANGER)
def signed_again(log, honest):
    sign_again(log, honest.stranger)


@attack("log", "signed-again-by-a-stranger-without-a-list", GOOD, signer_named=True, no_key=True)
def signed_again_unasked(log, honest):
    """Nobody said whom to trust: the case is whole, and verify says that it does not know the signer."""
    sign_again(log, honest.stranger)


@attack("log", "signed-again-with-another-date", STRANGER)
def signed_again_date(log, honest):
    sign_again(log, honest.stranger, start_utc_ns=1_600_000_000_000_000_000)


@attack("log", "signed-again-with-swapped-channels", STRANGER)
def signed_again_stream(log, honest):
    for place in log.frames(kind=cb.STREAM):
        message = place[2].message()
        if len(message.get("channels", [])) > 1:
            first, second = message["channels"][:2]
            first["name"], second["name"] = second["name"], first["name"]
            log.replace(place, place[2].changed(message=message))
    sign_again(log, honest.stranger)


@attack("log", "signed-again-without-gaps", STRANGER)
def signed_again_without_gaps(log, honest):
    numbers = {}
    for file in log.files:
        kept = []
        for item in file.items:
            f = item.frame
            if f.kind == cb.GAP:
                continue
            first = numbers.get(f.stream, 0)
            numbers[f.stream] = first + f.count
            kept.append(log_files.Item(f.changed(first=first)))
        file.items = kept
    sign_again(log, honest.stranger)


@attack("log", "signed-again-cut-in-the-middle-and-closed", STRANGER)
def signed_again_short(log, honest):
    close, beat_frame = log.closing()[2], log.find(nth=-1, kind=cb.BEAT)[2]
    beats = log.frames(kind=cb.BEAT)
    place = beats[len(beats) // 2]
    log.keep_until(place)
    log.files[-1].items += [log_files.Item(close.changed(first=place[2].next)),
                            log_files.Item(beat_frame.changed(first=place[2].next + 1))]
    sign_again(log, honest.stranger)


@attack("log", "key-in-the-case-frame-replaced", SIGNED)
def key_replaced(log, honest):
    file, at, frame, message = log.opening()
    message["signing_key"] = bytes(honest.stranger.verify_key)
    change(log, (file, at, frame), message={"open": message})


@each("log", SIGNED, {"signing-key-of-31-bytes": b"\1" * 31, "signing-key-empty": b"", "signing-key-zero": b"\0" * 32,
                      "signing-key-of-small-order": b"\1" + b"\0" * 31})
def key_weak(log, honest, key):
    file, at, frame, message = log.opening()
    message["signing_key"] = key
    change(log, (file, at, frame), message={"open": message})


def stranger_epoch(log, honest, role, same_producer=False, plain=False, close=True, **opening):
    header = log.files[0].header
    epoch = cb.Epoch(case=header["case_id"], role=role, key=honest.stranger,
                     producer=header["producer_id"] if same_producer else None, **opening)
    epoch.t = log.find(nth=40, kind=cb.DATA)[2].t
    epoch.stream(900, "room.alarms", "ALARM")
    epoch.events(900, {"alarm": {"kind": 1, "priority": 3, "code": "asystole", "active": True}}, sealed=not plain)
    if close:
        epoch.close()
    return epoch


def append(log, epoch, own_file):
    items = [log_files.Item(frame) for frame in epoch.frames]
    if own_file:
        header = {"case_id": epoch.case, "producer_id": epoch.producer, "role": epoch.role}
        log.files.append(log_files.LogFile(log.files[-1].index + 1, header, (), items))
    else:
        log.files[-1].items += items
    log.settle()


@each("log", STRANGER | SIGNED, {f"stranger-of-role-{role}": role for role in (0, 1, 2, 3, 4, 5, 99, 1 << 31)})
def stranger(log, honest, role):
    append(log, stranger_epoch(log, honest, role), own_file=True)


@each("log", STRANGER | SIGNED, {f"stranger-of-role-{role}-with-plain-bodies": role for role in (0, 1, 2, 3, 99)})
def stranger_plain(log, honest, role):
    append(log, stranger_epoch(log, honest, role, plain=True), own_file=True)


@each("log", STRANGER | SIGNED, {f"stranger-of-role-{role}-in-the-recorders-file": role for role in (0, 1, 2, 3, 99)})
def stranger_inside(log, honest, role):
    append(log, stranger_epoch(log, honest, role, same_producer=True), own_file=False)


@each("log", STRANGER | SIGNED, {f"stranger-of-role-{role}-first": role for role in (0, 1, 2, 99)})
def stranger_first(log, honest, role):
    epoch = stranger_epoch(log, honest, role)
    append(log, epoch, own_file=True)
    log.files.insert(0, log.files.pop())
    for number, file in enumerate(log.files, 1):
        file.index = number
        file.header["file_index"] = number
    log.settle()


@each("log", STRANGER | SIGNED, {f"stranger-of-role-{role}-never-closed": role for role in (1, 2)})
def stranger_open(log, honest, role):
    append(log, stranger_epoch(log, honest, role, close=False), own_file=True)


@attack("log", "strangers-consent", STRANGER | SIGNED)
def stranger_consent(log, honest):
    epoch = cb.Epoch(case=log.files[0].header["case_id"], role=cb.CUSTODY, key=honest.stranger)
    epoch.stream(901, "custody.consent", "CONSENT")
    epoch.events(901, {"consent": {"granted": [1, 2, 3, 4, 5, 6, 7]}}, sealed=False)
    epoch.close()
    append(log, epoch, own_file=True)


@attack("log", "strangers-consent-frame", STRANGER | SIGNED)
def stranger_consent_frame(log, honest):
    epoch = cb.Epoch(case=log.files[0].header["case_id"], role=cb.CUSTODY, key=honest.stranger)
    epoch.control(cb.CONSENT, {"granted": [1, 2, 3, 4, 5, 6, 7]})
    epoch.close()
    append(log, epoch, own_file=True)


@attack("log", "second-recorder-key-without-a-list", STRANGER | SIGNED, no_key=True)
def second_recorder(log, honest):
    append(log, stranger_epoch(log, honest, cb.RECORDER, same_producer=True), own_file=True)


@attack("log", "strangers-epoch-in-the-name-of-a-crash", STRANGER | SIGNED)
def stranger_after_crash(log, honest):
    previous = log.opening()[2].epoch.to_bytes(8, "little")
    append(log, stranger_epoch(log, honest, cb.RECORDER, same_producer=True, previous_epoch=previous), own_file=False)


@attack("log", "strangers-frames-under-the-recorders-epoch", SIGNED | LOST)
def frames_in_epoch(log, honest):
    """A stream that the recorder never had, registered by nobody."""
    template = log.find(nth=40, kind=cb.DATA)[2]
    frame = template.changed(stream=900, first=0, flags=0, body=b"\0planted")
    log.insert(log.find(nth=41, kind=cb.DATA), frame)
    log.refit()


# Two cases.

@attack("log", "splice-a-frame-of-another-case", SIGNED | LOST)
def splice_frame(log, honest):
    place = log.find(nth=40, kind=cb.DATA)
    other = next(p[2] for p in honest.other.frames(kind=cb.DATA, stream=place[2].stream))
    log.replace(place, other)
    log.refit()


@attack("log", "splice-a-frame-of-another-case-in-its-place", SIGNED)
def splice_frame_fitted(log, honest):
    place = log.find(nth=40, kind=cb.DATA)
    other = next(p[2] for p in honest.other.frames(kind=cb.DATA, stream=place[2].stream))
    change(log, place, body=other.body, t=other.t, flags=other.flags)


@attack("log", "splice-a-stream-of-another-case", SIGNED | LOST)
def splice_stream(log, honest):
    stream = log.find(kind=cb.DATA)[2].stream
    others = [p[2] for p in honest.other.frames(stream=stream)]
    epoch = log.opening()[2].epoch
    for file, at, _ in reversed(log.frames(stream=stream)):
        del file.items[at]
    place = log.closing()
    for frame in reversed(others):
        log.insert(place, frame.changed(epoch=epoch))
    log.refit()


@attack("log", "splice-the-end-of-another-case", SIGNED | LOST | OPEN)
def splice_end(log, honest):
    beats = log.frames(kind=cb.BEAT)
    log.keep_until(beats[len(beats) // 2])
    others = [item for item in honest.other.items()]
    log.files[-1].items += others[len(others) // 2:]
    log.refit()


@attack("log", "splice-another-case-into-a-file", SIGNED | LOST)
def splice_case(log, honest):
    log.files[-1].items += honest.other.items()
    log.refit()


@attack("log", "another-case-behind-in-a-file-of-its-own", SAME)
def other_case_beside(log, honest):
    for file in honest.other.clone().files:
        file.index = file.header["file_index"] = log.files[-1].index + 1
        log.files.append(file)
    log.settle()


@attack("log", "headers-of-another-case", SIGNED | LOST)
def headers_of_other(log, honest):
    for file in log.files:
        file.header = dict(file.header, case_id=honest.other.files[0].header["case_id"])
    log.refit()


@attack("log", "headers-of-another-producer", SIGNED | LOST)
def headers_of_producer(log, honest):
    for file in log.files:
        file.header = dict(file.header, producer_id=os.urandom(16))
    log.refit()


@attack("log", "epoch-of-the-same-number-from-two-producers", SIGNED | STRANGER)
def two_producers(log, honest):
    epoch = cb.Epoch(case=log.files[0].header["case_id"], key=honest.stranger, epoch=log.opening()[2].epoch)
    epoch.close()
    append(log, epoch, own_file=True)


@attack("log", "data-of-an-epoch-that-nothing-opens", SIGNED | LOST)
def unopened_epoch(log, honest):
    place = log.find(nth=40, kind=cb.DATA)
    frame = dataclasses.replace(place[2], epoch=place[2].epoch ^ 0xFF, first=0)
    log.insert(place, frame.changed())
    log.refit()
