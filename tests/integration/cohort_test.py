"""cohort_test.py CASEBOX

Seventy annotated operations of one hospital, imported in one call: a phase-timing table that equals one computed
here from the files, and conformance to the gastric-bypass protocol. That protocol was written from every other
file (the 1st, 3rd ... by name); it is judged by those it never saw.
"""

import json
import pathlib
import statistics
import sys
import tempfile
import time

from support import Casebox, data_dir, expect, skip

casebox = Casebox(sys.argv[1])
SPECIAL = {"out_of_body", "severe_index"}
PROCEDURE = "gastric-bypass"


def imported(store, files):
    begin = time.monotonic()
    document = casebox.json("import", *files, "--procedure", PROCEDURE, "--store", store)
    expect(len(document["cases"]) == len(files), f"{len(document['cases'])} cases of {len(files)} files")
    print(f"{len(files)} cases imported in {time.monotonic() - begin:.1f} s")


def active_times(files):
    """Phase -> active time of each case that has it, in s, from the files alone."""
    times = {}
    for file in files:
        of_case = {}
        for span in json.loads(file.read_text(encoding="utf-8"))["phases"]:
            if span["label_name"] not in SPECIAL:
                of_case[span["label_name"]] = of_case.get(span["label_name"], 0) + (span["end"] - span["start"]) / 1000
        for phase, seconds in of_case.items():
            times.setdefault(phase, []).append(seconds)
    return times


def timing(store, files):
    begin = time.monotonic()
    table = casebox.json("analyze", "timing", "--store", store)
    print(f"timing of {table['cases']} cases in {time.monotonic() - begin:.1f} s")
    # A case or a phase that is left out is named; what is in the table must be right.
    gone = {(one["case_id"], one["phase"]) for one in table["excluded"]}
    expect(len(gone) <= len(files) // 10, f"{len(gone)} are left out: {table['excluded'][:3]}")
    wanted = active_times(files)
    rows = {row["phase"]: row for row in table["phases"]}
    expect(set(rows) <= set(wanted), f"phases nobody annotated: {set(rows) - set(wanted)}")
    compared = 0
    for phase, times in wanted.items():
        if len(times) != rows.get(phase, {"n": 0})["n"]:
            expect(gone, f"{phase}: {len(times)} cases in the files, {rows.get(phase)}")
            continue
        row = rows[phase]
        compared += 1
        for key, value in (("median_s", statistics.median(times)), ("mean_s", statistics.fmean(times))):
            expect(abs(row[key] - value) < 1e-6, f"{phase}: {key} {row[key]}, the files say {value}")
        expect(row["ci95_s"] is None or row["ci95_s"][0] <= row["hl_s"] <= row["ci95_s"][1], f"{phase}: {row}")
    expect(compared >= 8, f"only {compared} phases were compared")


def conformance(store, cases):
    begin = time.monotonic()
    document = casebox.json("analyze", "conformance", "--store", store)
    results = document["results"]
    print(f"conformance of {len(results)} cases in {time.monotonic() - begin:.1f} s")
    expect(len(results) == cases, f"{len(results)} results of {cases} cases")
    for one in results:
        expect(one["jobs"][0]["skipped"] is None, f"not compared: {one['jobs'][0]}")
    departures = [[f for f in one["findings"] if f["kind"] == "departure"] for one in results]
    of_flow = [[f for f in found if f["labels"].get("deviation") != "time"] for found in departures]
    follow = sum(not found for found in of_flow)
    print(f"{follow} of {cases} follow its flow; departures a case: median {statistics.median(map(len, departures))}")
    # A norm from half of the cases says something of the other half: neither that all is well nor that nothing is.
    expect(cases // 4 < follow < cases, "the norm says the same of every case")
    expect(all(f["certainty"] in ("certain", "ambiguous", "unobserved", "justified") and f["text"] and f["sources"]
               for found in departures for f in found), "a departure without certainty, sentence or sources")


def main():
    data = data_dir()
    files = sorted((data / "phases/multibypass140/bern").rglob("*.json")) if data else []
    if len(files) < 70:
        skip("the 70 annotated operations are not among the real data")
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        imported(folder / "all", files)
        timing(folder / "all", files)
        unseen = files[1::2]
        imported(folder / "unseen", unseen)
        conformance(folder / "unseen", len(unseen))


main()
