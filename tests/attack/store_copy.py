"""A copy of the honest store that an attack may change."""

import contextlib
import shutil

import casebox_format as cb
import store_format as sf
import wire
from store_db import Database


class StoreCopy:
    def __init__(self, honest, folder, source=None):
        self.honest, self.path = honest, folder
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(source or honest.store, folder)
        self.case, self.other = honest.cases[0], honest.cases[1]
        self.shard = folder / "shards" / "0"

    @contextlib.contextmanager
    def rows(self):
        with Database(self.path) as db:
            yield Rows(db, self)

    def record(self, how, case=None):
        """Edits a CaseRecord: how(record)."""
        with self.rows() as rows:
            record = rows.record(case)
            how(record)
            rows.db.put("case", case or self.case, wire.encode("CaseRecord", record))

    def segments(self, case=None):
        files = sorted((self.shard / "media").rglob("*.seg"))
        wanted = (case or self.case).hex()
        return [f for f in files if wanted in str(f).replace("-", "")]

    def file(self, name):
        """A file of the store by its name, wherever it stands."""
        found = sorted(self.path.rglob(name))
        if not found:
            raise LookupError(f"the store has no file {name}")
        return found[0]


class Rows:
    """The rows of an open copy."""

    def __init__(self, db, copy):
        self.db, self.copy = db, copy

    def record(self, case=None):
        return wire.decode("CaseRecord", dict(self.db.rows("case"))[case or self.copy.case])

    def epoch(self, roles, case=None):
        """The first EpochRecord of one of these roles."""
        return next(e for e in self.record(case).get("epochs", []) if e.get("role", 0) in roles)

    def owner(self):
        return self.epoch(cb.OWNERS)

    def stream(self, kind=None, name=None, case=None):
        """The first StreamRecord of a kind, or of a name."""
        wanted = kind and wire.enum("StreamKind", kind)
        return next(s for s in self.record(case)["streams"]
                    if (wanted is None or s["stream"].get("kind") == wanted) and
                    (name is None or s["stream"].get("name") == name) and
                    s.get("frames", 0) > (3 if kind in ("WAVE", "NUMERIC", "VIDEO") else 0))

    def proofs(self, case=None, stream=None, epoch=None):
        """(key, ProofKey, Proof) of a case, perhaps of one stream and epoch index."""
        out = []
        for key, value in self.db.rows("proof"):
            parsed = sf.parse_proof_key(key)
            if parsed.case == (case or self.copy.case) and stream in (None, parsed.stream) and \
                    epoch in (None, parsed.epoch):
                out.append((key, parsed, sf.parse_proof(value)))
        return out

    def frames(self, table, stream=None, case=None):
        """(key, RowKey, frame or MediaRow, trailer) of a table."""
        out = []
        for key, value in self.db.rows(sf.TABLES[table]):
            parsed = sf.row_key(table, key)
            if parsed.case != (case or self.copy.case) or stream not in (None, parsed.stream):
                continue
            if table == sf.MEDIA:
                row = sf.parse_media_row(value)
                out.append((key, parsed, row, row.trailer))
            else:
                out.append((key, parsed, *sf.split_row(value)))
        return out

    def row_of(self, table, nth=3, stream=None):
        """A row that holds a data frame itself."""
        found = [r for r in self.frames(table, stream) if r[2] is not None]
        if not found:
            raise LookupError("the honest store has no such row")
        return found[min(nth, len(found) - 1)]

    def put_frame(self, table, key, frame, trailer, proof=False):
        """A row anew; with `proof`, its leaf hash too, as whoever can write rows can."""
        self.db.put(sf.TABLES[table], key.pack(table), frame.pack() + trailer)
        if proof:
            row = sf.Proof(table, frame.kind == cb.GAP, frame.t, frame.count, frame.leaf(), b"")
            self.db.put("proof", sf.proof_key(key.case, key.epoch, key.stream, key.number), row.pack())

    def put_control(self, key, frame, proof):
        """A stream-0 frame anew in its proof row, with the leaf hash that goes with it."""
        proof.frame, proof.leaf, proof.t = frame.pack(), frame.leaf(), frame.t
        self.db.put("proof", key, proof.pack())

    def control(self, kind, nth=0, case=None, epoch=None):
        """(key, ProofKey, Proof, frame) of a stream-0 frame."""
        found = [(*p, cb.parse(p[2].frame)) for p in self.proofs(case, 0, epoch)]
        found = [p for p in found if p[3].kind == kind]
        return found[nth]

    def put_epoch(self, epoch, index):
        """All frames of an epoch of our own writer, with rows, proofs and records, as ingest would store them."""
        record = self.record(epoch.case)
        kinds = {}
        streams = {}
        for frame in epoch.frames:
            if frame.kind == cb.STREAM:
                kinds[frame.message()["stream_id"]] = frame.message()
            key = sf.RowKey(epoch.case, frame.t, frame.stream, index, frame.first)
            proof = sf.Proof(sf.EVENT, frame.kind == cb.GAP, frame.t, frame.count, frame.leaf(),
                             frame.pack() if frame.stream == 0 else b"")
            self.db.put("proof", sf.proof_key(epoch.case, index, frame.stream, frame.first), proof.pack())
            value = (b"\x08" if frame.stream == 0 else frame.pack() + b"\0") + b"\x01\x05"
            self.db.put("event", key.pack(sf.EVENT), value)
            row = streams.setdefault(frame.stream, {"epoch": epoch.epoch})
            row["frames"] = row.get("frames", 0) + 1
            row["bytes"] = row.get("bytes", 0) + len(frame.pack())
            row["items"] = row.get("items", 0) + (frame.count if frame.stream else 0)
        for stream, (number, head) in epoch.chains.items():
            row = streams.setdefault(stream, {"epoch": epoch.epoch})
            row.update(next_number=number, head=head, stream=kinds.get(stream, {"stream_id": stream}))
        opening = epoch.frames[0].message()["open"]
        close = next((f.message()["close"] for f in epoch.frames if f.kind == cb.CASE and "close" in f.message()), None)
        entry = {"epoch": epoch.epoch, "index": index, "role": epoch.role, "producer_id": epoch.producer,
                 "signing_key": opening["signing_key"], "sealed_epoch_key": opening["sealed_epoch_key"],
                 "closed": close is not None, "control": streams.pop(0)}
        if close is not None:
            entry["close"] = close
        record.setdefault("epochs", []).append(entry)
        record.setdefault("streams", []).extend(streams.values())
        record["frames"] = record.get("frames", 0) + len(epoch.frames)
        self.db.put("case", epoch.case, wire.encode("CaseRecord", record))

    def delete_case(self, case, record=True):
        for family in self.db.names:
            for key, _ in self.db.rows(family):
                if key[:16] == case and (record or family != "case"):
                    self.db.delete(family, key)
