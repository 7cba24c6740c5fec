#!/usr/bin/env python3
"""doors_test.py CASEBOX

One case, all doors: twenty cases (simulated with faults and broken clocks, marked, found and annotated phases, with
and without a date, analysed or not, one that nobody closed, one without phases) are asked for by `cases`, `show`,
the API, `query`, `analyze timing`, `analyze spc`, the liability file, the briefing and XES. Each must give the same
verdict, date, duration, phases, events and departures, with the same times and bounds.
"""

import html
import json
import pathlib
import re
import sys
import tempfile
import urllib.request
import xml.etree.ElementTree as ElementTree

from support import Casebox, expect

casebox = Casebox(sys.argv[1])
NS = 1e9


def plain(page):
    """The words of a page, a line for each row and paragraph."""
    text = re.sub(r"<(style|script|svg).*?</\1>", " ", page, flags=re.S)
    text = re.sub(r"</(tr|p|h\d|li|div|table|dd)>", "\n", text)
    return re.sub(r"[ \t]+", " ", html.unescape(re.sub(r"<[^>]+>", " ", text)))


def clock(seconds):
    """0:01:49.4, as the liability file has it."""
    tenths = int(seconds * 10 + 0.5)
    return f"{tenths // 36000}:{tenths // 600 % 60:02}:{tenths // 10 % 60:02}.{tenths % 10}"


class Doors:
    """A store, asked at every door."""

    def __init__(self, store, keys):
        self.at = ("--store", store, "--keys", keys)
        self.server = casebox.start("serve", *self.at, "--port", "0")
        self.address = re.search(r"http://[0-9.:]+", self.server.stderr.readline())[0]

    def close(self):
        self.server.terminate()
        self.server.communicate(timeout=20)

    def api(self, path):
        with urllib.request.urlopen(f"{self.address}/api/cases{path}") as answer:
            return json.load(answer), answer.headers["Casebox-Verdict"]

    def query(self, case, expression):
        """The rows of one case; None where it could not be told."""
        answer = casebox.json("query", expression, *self.at)
        return [row for row in answer["rows"] if row["case_id"] == case]


def same(case, what, *values):
    expect(all(value == values[0] for value in values[1:]),
           f"{case}: {what} is not the same at every door:\n" + "\n".join(f"  {value}" for value in values))


def seconds(value):
    """None: withheld."""
    return None if value is None else round(value, 6)


def headers(doors, listed, case, shown, api, header):
    same(case, "verdict", listed["verdict"], shown["verdict"], api["verdict"], header)
    same(case, "start", listed["start"], shown["start"], api["start"] or None)
    same(case, "state", listed["state"], shown["state"], api["state"])
    same(case, "procedure", listed["procedure"], shown["procedure"], api["procedure"])
    same(case, "duration", *(seconds(one["duration_s"]) for one in (listed, shown, api)),
         *(seconds(row["value"]) for row in doors.query(case, "duration >= 0")),
         *(seconds(row["t1_s"] - row["t0_s"]) for row in doors.query(case, "duration >= 0")))


def phase(one):
    return (one["phase"], one["level"], one["origin"], one["by"], seconds(one["start_s"]), seconds(one["end_s"]),
            one["start_u95_s"], one["end_u95_s"], one["open"])


def phases(doors, case, shown, api):
    wanted = sorted(map(phase, shown["phases"]), key=str)
    same(case, "why timing is withheld", shown["timing_withheld"], api["timing_withheld"])
    same(case, "where phases are from", shown["phase_source"], api["phase_source"])
    same(case, "phases", wanted, sorted(map(phase, api["phases"]), key=str))
    if any(one["start_s"] is None for one in shown["phases"]):
        for finding in api["findings"]:
            if finding["kind"] in ("phase", "departure", "timing"):
                told = (finding["text"], finding["values"].get("start_s"), finding["t0_s"], finding["t1_s"])
                expect(told[1:] == (None, None, None) and not re.search(r"\d:\d\d:\d\d", told[0]),
                       f"{case}: when it was is withheld, and a finding says {told}")
                why = casebox.json("why", finding["id"], *doors.at)
                expect(why["finding"]["t0_s"] is None and not why["video"], f"{case}: why tells when it was")
    for name, level in sorted({(one["phase"], one["level"]) for one in shown["phases"]}):
        term = {"phase": "phase", "step": "step", "mark": "span"}[level]
        rows = doors.query(case, f'{term}("{name}").entries >= 1')
        same(case, f"{level} {name} of query",
             sorted(((one[4], one[5]) for one in wanted if one[:2] == (name, level)), key=str),
             sorted(((seconds(row["t0_s"]), seconds(row["t1_s"])) for row in rows), key=str))
        told = doors.query(case, f'{term}("{name}").duration > -1 or not {term}("{name}").duration > -1')
        expect(bool(told) == (not shown["timing_withheld"]), f"{case}: a withheld duration is asked and answered")


def timing(doors, case, shown, times):
    """Phases of an analysis of many cases are those that are shown."""
    if shown["timing_withheld"]:
        expect(not times, f"{case}: withheld, and timed: {times}")
        return 0
    active = {}
    for one in shown["phases"]:
        if one["level"] == "phase":
            active[one["phase"]] = active.get(one["phase"], 0) + one["end_s"] - one["start_s"]
    for one in times:
        if one["active_s"] is not None:
            same(case, f"time in {one['phase']}", round(active[one["phase"]], 3), round(one["active_s"], 3))
    return len(times)


def departures(doors, case, shown, api):
    of_show = sorted((one["kind"], one["step"], one["certainty"], one["text"], seconds(one["t0_s"]))
                     for one in shown["departures"])
    of_api = sorted((one["deviation"], one["step"], one["certainty"], one["text"], seconds(one["t0_s"]))
                    for one in api["findings"] if one["kind"] == "departure")
    same(case, "departures", of_show, of_api)
    for kind in ("missing", "extra", "order", "time"):
        # Where the comparison withheld a time, a query gives none.
        want = sorted((None if one["labels"].get("timing") == "withheld" else seconds(one["t0_s"])
                       for one in api["findings"] if one["kind"] == "departure" and one["deviation"] == kind
                       and one["certainty"] in ("certain", "ambiguous")), key=str)
        rows = doors.query(case, f'departure("{kind}")')
        got = sorted((seconds(row["t0_s"]) for row in rows), key=str)
        same(case, f"departures {kind} of query", want, got)
    return len(of_show)


def liability(doors, case, shown, work):
    out = work / "liability.html"
    casebox.run("report", "liability", case, *doors.at, "--out", out)
    text = plain(out.read_text())
    expect(shown["verdict"] in text, f"{case}: the liability file has not the verdict")
    for one in shown["phases"]:
        if one["level"] != "phase" or one["start_s"] is None:
            continue
        row = f"{clock(one['start_s'])}"
        expect(row in text, f"{case}: {one['phase']} begins at {row} nowhere in the liability file")
        expect(clock(one["end_s"]) in text or one["open"], f"{case}: {one['phase']} ends elsewhere in it")
    for one in shown["departures"]:
        expect(one["finding_id"][:10] in text, f"{case}: the liability file leaves out: {one['text']}")
    return text


def about(seconds):
    """As the briefing rounds a length of time."""
    minutes = int(seconds / 60 + 0.5)
    if seconds < 60:
        return "less than a minute"
    if minutes < 60:
        return f"about {minutes} minute" + ("" if minutes == 1 else "s")
    rest = f" {minutes % 60} minutes" if minutes % 60 else ""
    return f"about {minutes // 60} hour" + ("" if minutes < 120 else "s") + rest


def lengths(text):
    """What is said of each phase's length."""
    return sorted(re.findall(r": (about [^;:.]*|less than a minute); (?:there are too few|in 8 of 10)", text))


def briefing(doors, case, shown, times, work):
    out = work / "briefing.html"
    done = casebox.run("report", "briefing", case, *doors.at, "--out", out, code=None)
    if done.returncode != 0:
        return False
    text = plain(out.read_text())
    expect(shown["verdict"] in text, f"{case}: the briefing has not the verdict")
    told = sum(one["finding_id"][:10] in text for one in shown["departures"])
    expect(told == len(shown["departures"]), f"{case}: the briefing tells {told} of {len(shown['departures'])} departures")
    told = lengths(text)
    known = sorted(about(one["active_s"]) for one in times if one["active_s"] is not None)
    expect(told == known, f"{case}: phases lasted {known}, the briefing says {told}")
    return True


def xes(doors, case, shown, api, work):
    out = work / "case.xes"
    casebox.run("export", case, *doors.at, "--format", "xes", "--out", out)
    events = []
    for event in ElementTree.parse(out).getroot().iter("{http://www.xes-standard.org/}event"):
        values = {child.get("key"): child.get("value") for child in event}
        events.append(values)
        expect("time:timestamp" not in values or shown["start"], f"{case}: a case without a date has times in XES")
    for one in shown["phases"]:
        if one["start_s"] is None:
            match = [e for e in events if e["concept:name"] == one["phase"]]
            expect(match and not any("time:timestamp" in e or "casebox:t0_ns" in e for e in match),
                   f"{case}: XES has times of {one['phase']}, which are withheld")
            continue
        match = [e for e in events if e["concept:name"] == one["phase"]
                 and seconds(int(e["casebox:t0_ns"]) / NS) == seconds(one["start_s"])]
        expect(len(match) == 1, f"{case}: XES has {len(match)} events for {one['phase']} at {one['start_s']}")
        bound = match[0].get("casebox:u95_ns")
        want = max(one["start_u95_s"] or 0, one["end_u95_s"] or 0)
        expect(bound is None or abs(int(bound) / NS - want) < 1e-6, f"{case}: the bound in XES is {bound}")
    known = [seconds(e["t_s"]) for e in api["events"]] + [seconds(p["start_s"]) for p in api["phases"]]
    for event in events:
        expect("casebox:t0_ns" not in event or seconds(int(event["casebox:t0_ns"]) / NS) in known, f"{case}: XES has {event}, the page has it not")


def simulated(work, name, seed, *options, kill=False):
    folder = work / name
    casebox.run("simulate", "--seed", seed, "--no-video", "--out", folder, *options)
    config = folder / "recorder.yaml"
    config.write_text(config.read_text().replace(str(folder / "keys"), str(work / "keys")))
    casebox.run("record", "--config", config)
    casebox.run("ingest", "--store", work / "store", "--keys", work / "keys", "--logs", folder / "spool",
                "--until-idle", 0.3)


def annotated(work, name, start, *options):
    """Labels of a case that began at `start` seconds; phases of 100 s, one of them entered twice."""
    names = ["Preparation", "CalotTriangleDissection", "ClippingCutting", "CalotTriangleDissection",
             "GallbladderDissection"]
    file = work / f"{name}.json"
    file.write_text(json.dumps({"phases": [
        {"label_name": label, "start": int((start + 110 * i) * 1000), "end": int((start + 110 * i + 100.5) * 1000)}
        for i, label in enumerate(names)]}))
    casebox.run("import", file, "--store", work / "store", "--keys", work / "keys", "--procedure",
                "lap-cholecystectomy", *options)


def holed(work):
    """Instruments in use, a row a second, and 150 s of which nothing was kept: phases are found, when is withheld."""
    names = ["Grasper", "Bipolar", "Hook", "Scissors", "Clipper", "Irrigator", "SpecimenBag"]
    plan = [(40, "Grasper"), (400, "Grasper Hook"), (120, "Grasper Clipper"), (40, "Scissors"), (500, "Grasper Hook"),
            (60, "Grasper SpecimenBag"), (120, "Grasper Irrigator Bipolar"), (60, "Grasper SpecimenBag")]
    rows = [",".join(["t", *names])]
    for used in (use for length, use in plan for _ in range(length)):
        t = len(rows) - 1
        rows.append(",".join([str(t), *(str(int(name in used.split() and t % 20 < 15)) for name in names)]))
    file = work / "tools.csv"
    file.write_text("\n".join(rows[:701] + rows[851:]) + "\n")
    casebox.run("import", f"tools={file}", "--store", work / "store", "--keys", work / "keys", "--procedure",
                "lap-cholecystectomy")


def make_cases(work):
    for seed in range(40, 46):
        simulated(work, f"sim{seed}", seed, "--duration-scale", 0.06)
    simulated(work, "clean", 50, "--duration-scale", 0.06, "--clean")
    simulated(work, "broken", 51, "--duration-scale", 0.06, "--faults", "clock-broken")
    simulated(work, "drift", 52, "--duration-scale", 0.06, "--faults", "clock-drift,dropout-unknown")
    simulated(work, "unmarked", 53, "--duration-scale", 0.06, "--no-phase-marks")
    simulated(work, "unmarked2", 54, "--duration-scale", 0.06, "--no-phase-marks", "--faults", "missing")
    holed(work)
    casebox.run("analyze", "--store", work / "store", "--keys", work / "keys")
    # From here on: cases that nobody analysed.
    for seed in range(60, 65):
        simulated(work, f"sim{seed}", seed, "--duration-scale", 0.06)
    simulated(work, "only", 66, "--duration-scale", 0.06)
    casebox.run("analyze", "conformance", "--store", work / "store", "--keys", work / "keys", "--case", "SIM-66")
    annotated(work, "undated", 12.5)
    annotated(work, "at-zero", 0)
    csv = work / "numbers.csv"
    csv.write_text("t,HR\n" + "".join(f"{i},{70 + i % 5}\n" for i in range(200)))
    casebox.run("import", f"monitor={csv}", "--store", work / "store", "--keys", work / "keys")


def main():
    with tempfile.TemporaryDirectory() as temporary:
        work = pathlib.Path(temporary)
        make_cases(work)
        doors = Doors(work / "store", work / "keys")
        try:
            listed = {one["case_id"]: one for one in casebox.json("cases", *doors.at)["cases"]}
            of_api = {one["case_id"]: one for one in doors.api("")[0]["cases"]}
            expect(len(listed) >= 20 and listed.keys() == of_api.keys(), f"{len(listed)} and {len(of_api)} cases")
            timed = casebox.json("analyze", "timing", "--each", *doors.at)["times"]
            charted = {point["first_case_id"]: point["value"] for point in casebox.json(
                "analyze", "spc", "--measure", "duration", *doors.at)["charts"][0]["points"]}
            counts = {"phases": 0, "departures": 0, "times": 0, "briefings": 0}
            sources, kinds = set(), set()
            for case, row in listed.items():
                shown = casebox.json("show", case, *doors.at)
                api, header = doors.api("/" + case)
                headers(doors, row, case, shown, api, header)
                same(case, "verdict in the list", row["verdict"], of_api[case]["verdict"])
                if case in charted:
                    same(case, "duration on the chart", seconds(row["duration_s"]), seconds(charted[case]))
                phases(doors, case, shown, api)
                counts["phases"] += len(shown["phases"])
                times = [one for one in timed if one["case_id"] == case]
                counts["times"] += timing(doors, case, shown, times)
                counts["departures"] += departures(doors, case, shown, api)
                liability(doors, case, shown, work)
                counts["briefings"] += briefing(doors, case, shown, times, work)
                xes(doors, case, shown, api, work)
                sources.add(api["phase_source"])
                if shown["phases"]:
                    kinds.add("unplaced" if shown["phases"][0]["start_s"] is None else
                              "untimed" if shown["timing_withheld"] else "timed")
            expect(kinds >= {"timed", "untimed", "unplaced"}, f"cases are only {kinds}")
            print(f"{len(listed)} cases: {counts}, phases {sorted(sources)}")
            expect(sources == {"annotated", "found", "marked", ""}, f"phases only {sources}")
            expect(all(n > 10 for n in counts.values()), f"too little was compared: {counts}")
        finally:
            doors.close()


main()
print("passed")
