"""demo_test.py CASEBOX

The main job, as `deploy/demo --headless` runs it, over a few simulated operations with known truth: at least
90 % of phases begin within 10 s of the planted start, sent = stored + missing on every stream with the simulator
counting for itself, late forecasts refused, a good verdict. What share of planted departures is found is judged
over twenty operations by truth_test.cpp; three plant too few for a share, so here more must be found than missed
(in the long form, with twenty, the share is judged here too).
"""

import concurrent.futures
import os
import pathlib
import sys
import tempfile

from support import Casebox, expect

casebox = Casebox(sys.argv[1])
SEEDS = range(1, 21 if os.environ.get("CASEBOX_TEST_LONG") else 4)
TOLERANCE = 10  # s


def run(seed):
    with tempfile.TemporaryDirectory() as folder:
        document = casebox.json("demo", "--headless", "--seed", seed, "--out", pathlib.Path(folder, "demo"))
    where = f"seed {seed}"
    expect(document["streams"], f"{where}: no streams")
    for stream in document["streams"]:
        expect(stream["sent"] == stream["stored"] + stream["missing"], f"{where}: {stream} does not balance")
    expect(sum(stream["stored"] for stream in document["streams"]) > 10_000, f"{where}: hardly anything stored")
    expect(document["verdict"] in ("COMPLETE", "COMPLETE_WITH_DECLARED_GAPS"), f"{where}: {document['verdict']}")
    return document


def main():
    with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        documents = list(pool.map(run, SEEDS))
    boundaries = near = planted = found = ambiguous = missed = invented = forecasts = late = 0
    for seed, document in zip(SEEDS, documents):
        for phase in document["phases"]:
            boundaries += 1
            start = phase["found_start_s"]
            near += start is not None and abs(start - phase["planted_start_s"]) <= TOLERANCE
        departures = document["departures"]
        planted += departures["planted"]
        found += departures["found_certain"]
        ambiguous += departures["found_ambiguous"]
        missed += departures["missed"]
        invented += departures["false_certain"]
        forecasts += document["twin"]["forecasts"]
        late += document["twin"]["late_rejected"]
    print(f"{len(documents)} operations: {near} of {boundaries} boundaries within {TOLERANCE} s; {planted} departures "
          f"planted, {found} found as planted, {ambiguous} ambiguous, {missed} missed, {invented} invented; "
          f"{late} of {forecasts} forecasts late")
    expect(len({document["case_id"] for document in documents}) == len(documents), "two operations are one case")
    expect(boundaries >= 7 * len(documents) and near >= 0.9 * boundaries, "too few boundaries found")
    expect(planted == found + ambiguous + missed, "the counts of departures do not add up")
    share = 0.9 if len(documents) >= 20 else 0.5
    expect(planted > 0 and found + ambiguous >= share * planted, "planted departures were not found")
    expect(invented <= 0.1 * planted, "departures were invented")
    expect(late > 0, "no forecast was late: nothing was tested")


main()
