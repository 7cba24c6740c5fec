"""The cases that query_test.py asks about, and what is known of each without `casebox query`: from the files that were
imported, from `show`, and from the tables that `export` writes."""

import csv
import io
import json
import re

ABSENT = "absent"  # the case has no such phase, event or value: a comparison with it does not hold
NORM_PHASES = ["Preparation", "CalotTriangleDissection", "ClippingCutting", "GallbladderDissection",
               "GallbladderPackaging"]


def hand_made():
    """Name -> what an operation is imported from: lengths of phases in s, vitals each 10 s, day, procedure, room."""
    cases = {}
    for i in range(10):
        lengths = {p: 100 + 40 * i + 25 * k for k, p in enumerate(NORM_PHASES)}
        cases[f"hand-{i}"] = {
            "phases": list(lengths.items()),
            "pressure": lambda t, i=i: 62 + 4 * i + (t // 10) % 7 - (18 if 300 <= t < 340 else 0),
            "day": f"2026-{1 + i % 6:02}-{3 + i:02}",
            "procedure": "gastric-bypass" if i >= 8 else "lap-cholecystectomy",
            "room": f"or-{1 + i % 3}",
        }
    cases["hand-2"]["phases"].pop(2)                        # not clipped
    cases["hand-3"]["phases"].insert(2, ("Preparation", 60))  # prepared twice
    cases["hand-4"]["phases"] = None                        # nobody annotated it
    cases["hand-5"]["pressure"] = None                      # no monitor
    cases["hand-6"]["overlap"] = 30                         # phases that overlap: durations are withheld
    cases["hand-7"]["holes"] = range(200, 400, 10)          # rows without a pressure
    return cases


def write(folder, name, case):
    """Files of one case, and what `import` is told of them."""
    files, at, phases = [], 0, []
    for label, length in case["phases"] or []:
        begin = at - case.get("overlap", 0) * (at > 0)
        phases.append({"label_name": label, "label_id": len(phases), "start": begin * 1000, "end": (at + length) * 1000})
        at += length
    end = at or 600
    if phases:
        extra = {"label_name": "out_of_body", "label_id": 12, "start": 50_000, "end": 60_000}
        steps = [{"label_name": "s1_trocars", "label_id": 1, "start": 5_000, "end": 45_000}]
        file = folder / f"{name}.json"
        file.write_text(json.dumps({"phases": phases + [extra], "steps": steps}), encoding="utf-8")
        files.append(f"annotation={file}")
    rows = []
    for t in range(0, end, 10):
        pressure = case["pressure"](t) if case["pressure"] and t not in case.get("holes", ()) else ""
        rows.append(f"{case['day']}T08:{t // 60 % 60:02}:{t % 60:02}Z,{pressure},{70 + t // 100}"
                    if t < 3600 else None)
    table = folder / f"{name}.csv"
    header = "time,ART_M [mm[Hg]],HR [/min]"
    if case["pressure"] is None:  # a monitor that has no pressure
        header = "time,HR [/min]"
        rows = [row and row.replace(",,", ",") for row in rows]
    table.write_text("\n".join([header, *filter(None, rows)]) + "\n", encoding="utf-8")
    files.append(f"monitor={table}")
    return files


def numbers(text):
    return float(text) if text not in ("", None) else None


class Case:
    """One case as `show` and `export` give it."""

    def __init__(self, casebox, store, header, alias):
        self.id, self.alias, self.header = header["case_id"], alias, header
        self.show = casebox.json("show", self.id, *store)
        for phase in self.show["phases"]:  # to the nanosecond, as tables have times
            for key in ("start_s", "end_s"):
                phase[key] = phase[key] and round(phase[key], 9)
        self.tables = {}
        self.casebox, self.store = casebox, store
        self.kinds = {s["name"]: s["kind"] for s in self.show["streams"] if not s["derived"]}
        self.items = {s["name"]: s["items"] for s in self.show["streams"] if not s["derived"]}
        broken = {c["clock_id"] for c in self.show["clocks"] if c["broken"]}
        self.broken = {s["name"] for s in self.show["streams"] if s["clock_id"] in broken}
        self.consent = set()

    def table(self, stream):
        if stream not in self.tables:
            text = self.casebox.run("export", self.id, *self.store, "--format", "csv", "--stream", stream).stdout
            self.tables[stream] = list(csv.DictReader(io.StringIO(text)))
        return self.tables[stream]

    def moments(self, kind):
        """(t, stream, text) of the streams of a kind; None: there is no such stream with items."""
        streams = [s for s, k in self.kinds.items() if k == kind and self.items[s]]
        if not streams:
            return None
        return [(float(r["t_s"]), s, r["text"]) for s in streams for r in self.table(s)]

    # Phases

    def spans(self, label, level="phase"):
        return [p for p in self.show["phases"] if p["phase"] == label and p["level"] == level]

    @property
    def phases_known(self):
        return bool(self.show["phase_source"])

    def entries(self, label):
        return len(self.spans(label)) if self.phases_known else None

    def duration(self, label):
        if not self.phases_known:
            return None
        found = self.spans(label)
        if found and self.show["timing_withheld"]:
            return None
        return sum(p["end_s"] - p["start_s"] for p in found) if found else ABSENT

    def start(self, label):
        return self._end_of(label, "start_s", min)

    def end(self, label):
        return self._end_of(label, "end_s", max)

    def _end_of(self, label, key, which):
        if not self.phases_known:
            return None
        found = self.spans(label)
        if not found:
            return ABSENT
        return None if found[0][key] is None else which(p[key] for p in found)

    # Departures

    @property
    def compared(self):
        return self.alias in self.compared_aliases

    compared_aliases = ()

    def departures(self, kind="", step="", certainty=""):
        if not self.compared:
            return None
        return [d for d in self.show["departures"]
                if kind in ("", d["kind"]) and step in ("", d["step"]) and certainty in ("", d["certainty"])]

    # Moments

    def count(self, kind, text, phase=None):
        """How often a text that matches was said, in the case or within a phase."""
        moments = self.moments(kind)
        if moments is None:
            return None
        found = [(t, stream) for t, stream, said in moments if re.fullmatch(text, said)]
        if phase is None:
            return len(found)
        if not self.phases_known:
            return None
        spans = self.spans(phase)
        if not spans:
            return ABSENT
        if spans[0]["start_s"] is None or any(stream in self.broken for _, stream in found):
            return None
        return sum(any(p["start_s"] <= t < p["end_s"] for p in spans) for t, _ in found)

    # Vitals

    def values(self, channel, phase=None):
        """Values of a channel, None: not to be asked, ABSENT: no such phase."""
        streams = [s for s, k in self.kinds.items() if k == "numeric" and self.items[s]
                   and any(key.split(" ")[0].split("[")[0] == channel for key in (self.table(s) or [{}])[0])]
        spans = None
        if phase is not None:
            if not self.phases_known:
                return None
            spans = self.spans(phase)
            if not spans:
                return ABSENT
            if spans[0]["start_s"] is None:
                return None
        if len(streams) != 1 or (phase and streams[0] in self.broken):
            return None
        out = []
        for row in self.table(streams[0]):
            key = next(k for k in row if k.split(" ")[0].split("[")[0] == channel)
            value, t = numbers(row[key]), float(row["t_s"])
            if value is not None and (spans is None or any(p["start_s"] <= t < p["end_s"] for p in spans)):
                out.append(value)
        return out or None

    def vital(self, what, channel, phase=None):
        values = self.values(channel, phase)
        if values is None or values == ABSENT:
            return values
        return {"min": min, "max": max, "count": len, "mean": lambda v: sum(v) / len(v)}[what](values)
