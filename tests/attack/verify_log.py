"""verify_log.py FOLDER [--log-key HEX]... [--trust FILE]: the verdict of a log by docs/formats/verdicts.md.

A second opinion: it shares no line with the program, only the pages.
"""

import argparse
import dataclasses
import json
import pathlib

import nacl.signing
from nacl.exceptions import BadSignatureError

import casebox_format as cb
import log_files
import wire

ORDER = ["COMPLETE", "COMPLETE_WITH_DECLARED_GAPS", "UNCLOSED", "NOT_SEALED", "DAMAGED", "UNTRUSTED_KEY", "TAMPERED"]
GOOD = ORDER[:2]


class Listed:
    """Keys that were named one by one: each may sign in any role."""

    def __init__(self, keys):
        self.keys = keys

    def refusal(self, opening, begins):
        return None if opening.get("signing_key", b"") in self.keys else "another signer"


class TrustList:
    """A site's signed list (docs/formats/trust.md)."""

    def __init__(self, path, site_key=None):
        signed = wire.decode("SignedTrustList", pathlib.Path(path).read_bytes())
        self.list = wire.decode("TrustList", signed["list"])
        if site_key not in (None, self.list["site_key"]):
            raise ValueError("another site's list")
        message = b"casebox.trust.v1\0" + signed["list"]
        nacl.signing.VerifyKey(self.list["site_key"]).verify(message, signed["signature"])
        producers = self.list.get("producers", [])
        self.producers = {p.get("key", b""): p for p in producers}
        if len(self.producers) < len(producers) or any(
                len(p.get("key", b"")) != 32 or p.get("role", 0) not in (1, 2, 3, 4) for p in producers):
            raise ValueError("a list that no site makes")

    def refusal(self, opening, begins):
        role = opening.get("role", 0)
        producer = self.producers.get(opening.get("signing_key", b""))
        if producer is None:
            return "not enrolled"
        if producer.get("role", 0) != role and not (
                role == cb.RECORDER and (opening.get("kind") == 1 and producer.get("role") == cb.ANALYSIS or
                                         opening.get("source_digest") and producer.get("role") == cb.IMPORT)):
            return "enrolled in another role"
        if role == cb.RECORDER and producer.get("room") and producer["room"] != opening.get("room", ""):
            return "enrolled for another room"
        until = producer.get("until_utc_ns", 0)
        if role == cb.RECORDER and opening.get("start_utc_ns") and (
                begins < producer.get("from_utc_ns", 0) or until and begins >= until):
            return "not enrolled at that time"
        return None


@dataclasses.dataclass
class Chain:
    next: int = 0
    head: bytes | None = b""
    known: bool = True         # the head is known: nothing is missing since the last signed position
    stated: list = dataclasses.field(default_factory=list)
    checked: int = 0
    begun: bool = False
    lost: bool = False         # a hole was found
    gaps: int = 0
    counted: int = 0           # gap frames before `next`, by what was signed and what followed
    leaves: dict = dataclasses.field(default_factory=dict)


@dataclasses.dataclass
class EpochState:
    producer: bytes
    opening: dict | None = None
    begins: int = 0            # UTC, as its case frame says
    streams: dict = dataclasses.field(default_factory=dict)
    registered: set = dataclasses.field(default_factory=set)
    leaves: dict = dataclasses.field(default_factory=dict)
    commitments: dict = dataclasses.field(default_factory=dict)
    close: dict | None = None
    covered: bool = False
    beaten: bool = False


class CaseVerifier:
    def __init__(self, case, trust):
        self.case, self.trust = case, trust
        self.epochs, self.problems = {}, []
        self.unreadable = False  # bytes of a file of it are no frame

    def problem(self, verdict, what):
        self.problems.append((verdict, what))

    def chain(self, number, stream):
        epoch = self.epochs[number]
        if stream not in epoch.streams:
            epoch.streams[stream] = Chain(head=cb.first_head(epoch.producer, self.case, stream, number))
        return epoch.streams[stream]

    def missing(self, number):
        """What a frame of the epoch rests on may be missing with others: then it is no contradiction."""
        return self.epochs[number].streams[0].lost

    # A frame in its place: numbers tile, and the chain meets what was signed.

    def place(self, chain, frame, where):
        if frame.first < chain.next:
            if chain.leaves.get(frame.first) != frame.leaf():
                self.problem("TAMPERED", f"{where}: number {frame.first} stands here again with other bytes")
            return False
        if frame.first > chain.next:
            self.problem("DAMAGED", f"{where}: numbers {chain.next} to {frame.first - 1} are missing")
            chain.lost = True
            self.meet(chain, where, frame.first)
            chain.known = chain.next == frame.first and chain.known
        if chain.known:
            chain.head = cb.next_head(chain.head, frame.leaf())
        chain.leaves[frame.first] = frame.leaf()
        chain.counted += frame.kind == cb.GAP
        chain.next = frame.next
        return True

    def meet(self, chain, where, upto=None):
        """Compares with signed positions; behind a hole the next one gives the head again."""
        reached = chain.next if upto is None else upto
        while chain.checked < len(chain.stated) and chain.stated[chain.checked][0] <= reached:
            number, head, gaps = chain.stated[chain.checked]
            chain.checked += 1
            if number == reached and (upto is not None or not chain.known):
                chain.next, chain.head, chain.known = reached, head, True
                chain.counted = chain.counted if gaps is None else gaps
            elif number < reached:
                if upto is None and chain.known:
                    self.problem("TAMPERED", f"{where}: a signed position lies inside this frame")
                    chain.known = False
            elif chain.known and head != chain.head:
                self.problem("TAMPERED", f"{where}: not the frames that were signed")
                chain.known = False
            elif chain.known and gaps is not None and gaps != chain.counted:
                self.problem("TAMPERED", f"{where}: another number of gaps than was signed")

    def state(self, number, position, where, counts_gaps):
        if len(position.get("head", b"")) != 32:
            self.problem("TAMPERED", f"{where}: a head that is not 32 bytes")
            return
        stated = self.chain(number, position.get("stream_id", 0)).stated
        now = (position.get("next_number", 0), position["head"], position.get("gap_frames", 0) if counts_gaps else None)
        if stated and stated[-1][:2] == now[:2] and (stated[-1][2] is None or now[2] in (None, stated[-1][2])):
            stated[-1] = (*now[:2], stated[-1][2] if now[2] is None else now[2])
        elif stated and stated[-1][0] >= now[0]:
            self.problem("TAMPERED", f"{where}: a signed position goes back")
        else:
            stated.append(now)

    # Pass 1: stream 0

    def control(self, frame, producer, where):
        epoch = self.epochs.setdefault(frame.epoch, EpochState(producer))
        if epoch.producer != producer:
            self.problem("TAMPERED", f"{where}: an epoch of two producers")
        if epoch.covered:
            self.problem("TAMPERED", f"{where}: a frame after the end of its epoch")
        chain = self.chain(frame.epoch, 0)
        if not self.place(chain, frame, where):
            return
        try:
            message = frame.message()
        except wire.WireError:
            self.problem("TAMPERED", f"{where}: a body that does not parse")
            return
        before = self.before
        if frame.kind == cb.CASE:
            self.take_case(epoch, frame, message, where)
        elif frame.kind == cb.BEAT:
            self.take_beat(epoch, frame, message, before, where)
        elif frame.kind == cb.KEY:
            self.take_keys(epoch, message, where)
        elif frame.kind == cb.STREAM:
            if not message.get("stream_id"):
                self.problem("TAMPERED", f"{where}: a stream frame that names no stream")
            epoch.registered.add(message.get("stream_id", 0))
            self.chain(frame.epoch, message.get("stream_id", 0))
        self.check_flags(epoch, frame, where)
        if frame.kind in (cb.CASE, cb.STREAM, cb.KEY):
            epoch.leaves[frame.first] = frame.leaf()

    def check_flags(self, epoch, frame, where):
        derived = (epoch.opening or {}).get("role", 0) not in cb.OWNERS
        if epoch.opening and derived != bool(frame.flags & cb.DERIVED):
            self.problem("TAMPERED", f"{where}: the flag derived does not go with the role")

    def take_case(self, epoch, frame, message, where):
        opening = message.get("open")
        if opening is not None:
            if frame.first or opening.get("case_id") != self.case or opening.get("producer_id") != epoch.producer:
                self.problem("TAMPERED", f"{where}: a case frame out of place")
            if len(opening.get("signing_key", b"")) != 32:
                self.problem("TAMPERED", f"{where}: no signing key")
            if opening.get("role", 0) not in (cb.RECORDER, cb.ANALYSIS, cb.CUSTODY, cb.IMPORT):
                self.problem("TAMPERED", f"{where}: an unknown role")
            if epoch.opening is None:
                epoch.opening, epoch.begins = opening, opening.get("start_utc_ns", 0) + frame.t
        close = message.get("close")
        if close is not None:
            if epoch.close is not None:
                self.problem("TAMPERED", f"{where}: closed before")
            epoch.close = close
            for position in close.get("positions", []):
                if position.get("stream_id", 0):
                    self.state(frame.epoch, position, where, counts_gaps=False)

    def take_keys(self, epoch, message, where):
        for period in message.get("periods", []):
            if period.get("draft"):
                continue
            said = period.get("salt", b"") + period.get("commitment", b"")
            place = (period.get("stream_id", 0), period.get("period", 0))
            if epoch.commitments.setdefault(place, said) != said:
                self.problem("TAMPERED", f"{where}: a period that was committed to another key before")

    def take_beat(self, epoch, frame, beat, before, where):
        key = (epoch.opening or {}).get("signing_key", b"")
        if not epoch.opening:
            return  # its case frame is missing, which is said
        if not cb.beat_is_signed(self.case, epoch.producer, key, frame, beat):
            self.problem("TAMPERED", f"{where}: not signed by the epoch's key")
            return
        if None in beat or any(None in p for p in beat.get("positions", [])) or \
                wire.encode("Beat", beat) != frame.body:
            self.problem("TAMPERED", f"{where}: a beat with more in it than was signed")
        form = beat.get("form", 0)
        if form > 2 or (frame.count, frame.t, frame.u95_us, frame.duration_us, frame.period) != (
                1, beat.get("t_ns", 0), 0, 0, 0):
            self.problem("TAMPERED", f"{where}: a beat with a header that no recorder gives it")
        streams = [p.get("stream_id", 0) for p in beat.get("positions", [])]
        if streams[:1] != [0] or streams != sorted(set(streams)):
            self.problem("TAMPERED", f"{where}: does not cover stream 0, or streams out of order")
        for position in beat.get("positions", []):
            if position.get("stream_id", 0):
                self.state(frame.epoch, position, where, counts_gaps=form == 2)
                continue
            known, number, head = before
            if position.get("next_number", 0) != number or known and position.get("head") != head:
                self.problem("TAMPERED", f"{where}: not the control frames that were signed")
            elif not known:
                chain = self.chain(frame.epoch, 0)
                chain.head, chain.known = cb.next_head(position["head"], frame.leaf()), True
        epoch.beaten = True
        epoch.covered = epoch.covered or epoch.close is not None

    # Pass 2: everything else

    def data(self, frame, where):
        epoch = self.epochs.get(frame.epoch)
        if epoch is None:
            self.problem("DAMAGED" if self.unreadable else "TAMPERED", f"{where}: an epoch that nothing opens")
            return
        chain = self.chain(frame.epoch, frame.stream)
        if frame.stream not in epoch.registered and not chain.begun:
            self.problem("DAMAGED" if self.missing(frame.epoch) else "TAMPERED", f"{where}: a stream that no stream frame registers")
        chain.begun = True
        self.check_flags(epoch, frame, where)
        if frame.kind == cb.DATA and not frame.flags & cb.SEALED:
            sealing = (epoch.opening or {}).get("sealed_epoch_key")
            self.problem("TAMPERED" if sealing else "NOT_SEALED", f"{where}: a data frame that is not sealed")
        elif frame.kind == cb.DATA and (frame.stream, frame.period) not in epoch.commitments:
            self.problem("DAMAGED" if self.missing(frame.epoch) else "TAMPERED", f"{where}: no key frame commits to its period")
        self.meet(chain, where)
        if not self.place(chain, frame, where):
            return
        self.meet(chain, where)
        if frame.kind == cb.GAP:
            chain.gaps += 1
            try:
                frame.message()
            except wire.WireError:
                self.problem("TAMPERED", f"{where}: a gap that does not parse")

    def copy(self, frame, where):
        epoch = self.epochs.get(frame.epoch)
        if epoch is None or epoch.leaves.get(frame.first) != frame.leaf():
            lost = epoch is None or frame.first not in epoch.leaves and self.missing(frame.epoch)
            self.problem("DAMAGED" if lost else "TAMPERED", f"{where}: a copy of no frame")

    def position(self, number, position, control, where):
        stream = position.get("stream_id", 0)
        if (stream == 0) != control or number not in self.epochs:
            return
        chain = self.chain(number, stream)
        if position.get("next_number", 0) > chain.next:
            self.problem("DAMAGED", f"{where}: stream {stream} is missing from number {chain.next} on")
        elif chain.known and (position.get("next_number", 0), position.get("head")) != (chain.next, chain.head):
            self.problem("TAMPERED", f"{where}: the header does not give the place of stream {stream}")

    def finish(self):
        owners, gaps, ended = 0, False, False
        recorder_keys, all_keys = set(), set()
        for number, epoch in self.epochs.items():
            where = f"epoch {number:016x}"
            if epoch.opening is None:
                self.problem("DAMAGED", f"{where}: its case frame is missing")
            for stream, chain in epoch.streams.items():
                self.meet(chain, where)
                if chain.stated and chain.stated[-1][0] > chain.next:
                    self.problem("DAMAGED", f"{where} stream {stream}: signed numbers are missing")
                if epoch.covered and stream and chain.next > (chain.stated[-1][0] if chain.stated else 0):
                    self.problem("TAMPERED", f"{where} stream {stream}: frames after the end")
            opening = epoch.opening or {}
            key = opening.get("signing_key", b"")
            refused = self.trust.refusal(opening, epoch.begins) if self.trust and epoch.opening else None
            if refused:
                self.problem("UNTRUSTED_KEY", f"{where}: {refused}")
            if epoch.opening:
                all_keys.add(key)
            if opening.get("role", cb.RECORDER) not in cb.OWNERS:
                continue
            if epoch.opening:
                recorder_keys.add(key)
            owners += 1
            gaps = gaps or any(chain.gaps for chain in epoch.streams.values())
            if not epoch.covered:
                self.problem("UNCLOSED", f"{where}: no signed end")
            ended = epoch.covered and epoch.close.get("reason", 0) == 1
        if len(recorder_keys) > 1 and self.trust is None:
            self.problem("UNTRUSTED_KEY", "epochs of the recorder under two keys")
        if len(all_keys) > 1 and not isinstance(self.trust, TrustList):
            self.problem("UNTRUSTED_KEY", "epochs of one log under two keys")
        if not owners or not ended:
            self.problem("UNCLOSED", "nothing ends the case")
        worst = "COMPLETE_WITH_DECLARED_GAPS" if gaps else "COMPLETE"
        return max([worst, *(v for v, _ in self.problems)], key=ORDER.index)


class LogVerifier:
    def __init__(self, log, trust=None):
        self.log, self.trust, self.cases = log, trust, {}

    def case(self, case):
        if case not in self.cases:
            self.cases[case] = CaseVerifier(case, self.trust)
        return self.cases[case]

    def owner(self, file):
        """(case, producer) of a file: of its header, else of the first case frame in it."""
        if file.header is not None:
            return file.header.get("case_id", b""), file.header.get("producer_id", b"")
        for frame in [*file.copies, *(i.frame for i in file.items if i.frame)]:
            if frame.kind == cb.CASE:
                opening = frame.message().get("open")
                if opening:
                    return opening.get("case_id", b""), opening.get("producer_id", b"")
        return b"", b""

    def files(self):
        for file in self.log.files:
            case, producer = self.owner(file)
            yield file, self.case(case), producer

    def damage(self):
        place = log_files.durable_place(self.log.durable) if self.log.durable is not None else None
        indices = [file.index for file in self.log.files]
        lost = []
        if indices and indices != list(range(indices[0], indices[0] + len(indices))):
            lost.append("files are missing")
        if place and (not indices or place[0] > indices[-1]):
            lost.append("`durable` names a file that is gone")
        for file, case, _ in self.files():
            last = file is self.log.files[-1]
            for at, what in file.damage:
                torn = last and at and (place is None or place[0] < file.index or
                                        place[0] == file.index and at >= place[1])
                case.problem("UNCLOSED" if torn else "DAMAGED", f"file {file.index} offset {at}: {what}")
                case.unreadable = True
            if file.header is not None and file.header.get("file_index", 0) != file.index:
                case.problem("DAMAGED", f"file {file.index}: its header says that it is another")
            if file.header is not None and not any(item.frame for item in file.items):
                case.problem("UNCLOSED" if last else "DAMAGED", f"file {file.index}: a header and no frame")
            if not last and file.tail and not file.tail.strip(b"\0"):
                case.problem("DAMAGED", f"file {file.index}: zeros in front of another file")
            if place and place[0] == file.index and len(file.pack()) < place[1]:
                case.problem("DAMAGED", f"file {file.index}: shorter than `durable` says")
        for what in lost:
            for case in self.cases.values():
                case.problem("DAMAGED", what)

    def run(self):
        self.damage()
        for control in (True, False):
            for file, case, producer in self.files():
                where = f"file {file.index}"
                for epoch in (file.header or {}).get("epochs", []):
                    for position in epoch.get("positions", []):
                        case.position(epoch.get("epoch", 0), position, control, where + " header")
                for frame in file.copies:
                    if not control:
                        case.copy(frame, where)
                for frame in (item.frame for item in file.items if item.frame):
                    if frame.kind == cb.DRAFT or (frame.stream == 0) != control:
                        continue
                    if control:
                        chain = case.epochs[frame.epoch].streams.get(0) if frame.epoch in case.epochs else None
                        case.before = (chain.known, chain.next, chain.head) if chain else (True, 0, b"")
                        if chain and frame.first > chain.next:
                            case.before = (False, frame.first, b"")
                        case.control(frame, producer, f"{where}, {frame}")
                    else:
                        case.data(frame, f"{where}, {frame}")
        return {case: (v.finish(), v.problems) for case, v in self.cases.items()}


def verdict_of(folder, trust=None):
    """(worst verdict, {case: (verdict, problems)}) of a log folder; `trust` is a list of keys, a TrustList or None."""
    if isinstance(trust, (list, tuple)):
        trust = Listed(trust)
    cases = LogVerifier(log_files.Log(folder), trust).run()
    if not cases:
        return "UNCLOSED", {}
    return max((verdict for verdict, _ in cases.values()), key=ORDER.index), cases


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--log-key", action="append", type=bytes.fromhex)
    parser.add_argument("--trust", type=pathlib.Path)
    args = parser.parse_args()
    verdict, cases = verdict_of(args.folder, TrustList(args.trust) if args.trust else args.log_key)
    print(json.dumps({"verdict": verdict, "cases": {
        case.hex(): {"verdict": v, "problems": problems} for case, (v, problems) in cases.items()}}, indent=1))
    return 0 if verdict in GOOD else 3


if __name__ == "__main__":
    raise SystemExit(main())
