"""Log folders: docs/formats/log.md, read and written whole."""

import collections
import copy
import dataclasses
import pathlib
import shutil
import struct

import casebox_format as cb
import wire

MAGIC = b"\x89CBLOG\r\n"


@dataclasses.dataclass
class Item:
    """A frame where it stands; bytes that are no frame stand as `junk`."""
    frame: cb.Frame | None
    junk: bytes = b""

    def pack(self):
        return self.junk if self.frame is None else self.frame.pack()


class LogFile:
    def __init__(self, index, header, copies=(), items=()):
        self.index, self.header = index, header
        self.copies, self.items = list(copies), list(items)
        self.raw_header = None  # bytes in place of the header that would be written
        self.tail = b""
        self.damage = []        # (offset, what) as read

    def front(self):
        copies = b"".join(frame.pack() for frame in self.copies)
        if self.raw_header is not None:
            return self.raw_header + copies
        message = {**self.header, "file_index": self.header.get("file_index", self.index),
                   "preamble_frames": len(self.copies), "preamble_bytes": len(copies)}
        body = wire.encode("LogFileHeader", message)
        head = MAGIC + struct.pack("<II", 1, len(body)) + body
        return head + struct.pack("<I", cb.crc(head)) + copies

    def pack(self):
        return self.front() + b"".join(item.pack() for item in self.items) + self.tail


def read_header(data):
    """(LogFileHeader, its length on disk); FormatError when it does not hold."""
    if data[:8] != MAGIC or len(data) < 20:
        raise cb.FormatError("no log file")
    version, size = struct.unpack_from("<II", data, 8)
    if version != 1 or size > 4 << 20 or len(data) < 20 + size:
        raise cb.FormatError("another version, or a header that is cut off")
    if struct.unpack_from("<I", data, 16 + size)[0] != cb.crc(data[:16 + size]):
        raise cb.FormatError("the header's checksum does not match")
    return wire.decode("LogFileHeader", data[16:16 + size]), 20 + size


def find_frame(data, at):
    """The next place where a whole frame begins, or the end."""
    while True:
        at = data.find(b"\xcb\x01", at)
        if at < 0:
            return len(data)
        try:
            cb.parse(data, at)
            return at
        except cb.FormatError:
            at += 1


def read_file(path):
    data = path.read_bytes()
    file = LogFile(int(path.name[:8]), None)
    try:
        file.header, at = read_header(data)
    except (cb.FormatError, wire.WireError) as error:
        at = find_frame(data, 0)
        file.raw_header = data[:at]
        file.damage.append((0, str(error)))
    copies_end = at + (file.header or {}).get("preamble_bytes", 0)
    while at < len(data):
        try:
            frame = cb.parse(data, at)
            (file.copies if at < copies_end else file.items).append(frame if at < copies_end else Item(frame))
            at += cb.LAYOUT.size + len(frame.body)
        except cb.FormatError as error:
            end = find_frame(data, at + 1)
            if end == len(data):
                file.tail = data[at:]
            else:
                file.items.append(Item(None, data[at:end]))
            if data[at:].strip(b"\0") or end < len(data):
                file.damage.append((at, str(error)))
            at = end
    return file


def durable_place(data):
    """(file, offset) of the newest whole slot; None if there is none."""
    best = None
    for at in (0, 32):
        slot = data[at:at + 32]
        if len(slot) == 32 and slot[:8] == b"CBDURAB1" and struct.unpack_from("<I", slot, 28)[0] == cb.crc(slot[:28]):
            sequence, file, offset = struct.unpack_from("<QII", slot, 8)
            if best is None or sequence > best[0]:
                best = (sequence, file, offset)
    return best and best[1:]


def durable_bytes(file, offset, sequence=2):
    def slot(number, place):
        head = b"CBDURAB1" + struct.pack("<QIII", number, file, place, 0)
        return head + struct.pack("<I", cb.crc(head))
    return slot(sequence, offset) + slot(sequence - 1, min(offset, 20))


class Log:
    """A log folder in memory. Attacks change a copy of an honest one and save it somewhere else."""

    def __init__(self, folder=None):
        self.files, self.others, self.durable = [], {}, None
        if folder is None:
            return
        for path in sorted(pathlib.Path(folder).iterdir()):
            if path.suffix == ".cblog":
                self.files.append(read_file(path))
            elif path.name == "durable":
                self.durable = path.read_bytes()
            elif path.name != "lock":
                self.others[path.name] = path.read_bytes()

    def clone(self):
        return copy.deepcopy(self)

    @staticmethod
    def of(*epochs, file_frames=None):
        """A log of epochs that were made here, one after the other, one file for each."""
        log = Log()
        for number, epoch in enumerate(epochs):
            header = {"case_id": epoch.case, "producer_id": epoch.producer, "role": epoch.role}
            log.files.append(LogFile(number + 1, header, (), [Item(frame) for frame in epoch.frames]))
        log.others["id"] = b"0123456789abcdef"
        log.settle()
        return log

    # Finding

    def items(self):
        return [item for file in self.files for item in file.items]

    def frames(self, **wanted):
        """(file, position, frame) of the frames whose fields are these."""
        return [(file, at, item.frame) for file in self.files for at, item in enumerate(file.items)
                if item.frame is not None and all(getattr(item.frame, k) == v for k, v in wanted.items())]

    def find(self, nth=0, **wanted):
        found = self.frames(**wanted)
        if not found:
            raise LookupError(f"the honest log has no frame with {wanted}")
        return found[nth if nth < 0 else min(nth, len(found) - 1)]

    def busiest(self):
        """The stream with the most data frames."""
        return collections.Counter(p[2].stream for p in self.frames(kind=cb.DATA)).most_common(1)[0][0]

    def opening(self, nth=0):
        """(file, position, frame, message) of an epoch's case frame."""
        places = [(f, at, frame) for f, at, frame in self.frames(kind=cb.CASE) if "open" in frame.message()]
        return (*places[nth], places[nth][2].message()["open"])

    def closing(self):
        places = [(f, at, frame) for f, at, frame in self.frames(kind=cb.CASE) if "close" in frame.message()]
        return (*places[-1], places[-1][2].message()["close"])

    # Changing

    def replace(self, place, frame):
        file, at = place[0], place[1]
        file.items[at] = Item(frame)

    def remove(self, place):
        del place[0].items[place[1]]

    def insert(self, place, frame, after=False):
        place[0].items.insert(place[1] + after, Item(frame))

    def keep_until(self, place, inclusive=True):
        """Cuts everything behind a place."""
        file, at = place[0], place[1]
        del file.items[at + inclusive:]
        file.tail = b""
        self.files = self.files[:self.files.index(file) + 1]
        self.settle()

    def split(self, *cuts):
        """The same frames in several files, as a writer with a smaller limit makes them; `cuts` are shares of 1."""
        first = self.files[0]
        frames = first.items
        borders = [0, *(int(len(frames) * cut) for cut in cuts), len(frames)]
        header = {k: v for k, v in first.header.items() if k != "file_index"}
        self.files = [LogFile(n + 1, dict(header), (), frames[a:b])
                      for n, (a, b) in enumerate(zip(borders, borders[1:]))]
        self.refit()
        return self

    def rechain(self):
        """{(epoch, stream): (next number, head)} after each file, as an attacker would compute it."""
        state, after = {}, []
        for file in self.files:
            for item in file.items:
                if item.frame is None or file.header is None:
                    continue
                f = item.frame
                head = state.get((f.epoch, f.stream), (0, None))[1] or cb.first_head(
                    file.header.get("producer_id", b""), file.header.get("case_id", b""), f.stream, f.epoch)
                state[f.epoch, f.stream] = (f.next, cb.next_head(head, f.leaf()))
                if f.kind == cb.STREAM:
                    try:
                        stream = f.message().get("stream_id", 0)
                        state.setdefault((f.epoch, stream), (0, cb.first_head(
                            file.header["producer_id"], file.header["case_id"], stream, f.epoch)))
                    except wire.WireError:
                        pass
            after.append(dict(state))
        return after

    def refit(self):
        """Makes headers, copies and `durable` agree with the frames, as whoever can write the folder can."""
        newest, chains = {}, self.rechain()
        case_epoch = None
        for number, file in enumerate(self.files):
            if number and file.header is not None:
                epochs = {}
                for (epoch, stream), (next_number, head) in sorted(chains[number - 1].items()):
                    epochs.setdefault(epoch, []).append(
                        {"stream_id": stream, "next_number": next_number, "head": head})
                epochs = {e: p for e, p in epochs.items() if e == case_epoch}
                file.header["epochs"] = [{"epoch": e, "positions": p} for e, p in epochs.items()]
                copies = {id(f): f for f in newest.values() if f.epoch == case_epoch}
                file.copies = sorted(copies.values(), key=lambda f: f.first)
            for item in file.items:
                f = item.frame
                if f is None or f.kind not in (cb.CASE, cb.STREAM, cb.KEY):
                    continue
                try:
                    message = f.message()
                except wire.WireError:
                    continue
                if f.kind == cb.CASE and "open" in message:
                    newest[f.epoch, f.kind, 0] = f
                    case_epoch = f.epoch
                elif f.kind == cb.STREAM:
                    newest[f.epoch, f.kind, message.get("stream_id", 0)] = f
                elif f.kind == cb.KEY:
                    for period in message.get("periods", []):
                        newest[f.epoch, f.kind, period.get("stream_id", 0)] = f
        self.settle()
        return self

    def settle(self):
        """`durable` says that all is on disk."""
        if self.files:
            last = self.files[-1]
            self.durable = durable_bytes(last.index, len(last.pack()) - len(last.tail))

    def save(self, folder):
        folder = pathlib.Path(folder)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for file in self.files:
            (folder / f"{file.index:08}.cblog").write_bytes(file.pack())
        if self.durable is not None:
            (folder / "durable").write_bytes(self.durable)
        for name, data in self.others.items():
            (folder / name).write_bytes(data)
        return folder
