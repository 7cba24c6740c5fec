"""own_xes_test.py CASEBOX

A case exported as XES and compared with `conform` has the departures that `analyze conformance` found in the case
itself: the same kinds, steps, certainties and sentences, of simulated cases with planted faults, of cases that
nothing can be compared with, and of annotated operations where they are among the real data. In the long form
(CASEBOX_TEST_LONG) 60 simulated and all 70 annotated cases.
"""

import os
import pathlib
import sys
import tempfile

from support import Casebox, data_dir, expect, one_line_error

casebox = Casebox(sys.argv[1])
PROCEDURE = "lap-cholecystectomy"
long_form = bool(os.environ.get("CASEBOX_TEST_LONG"))
# Each plants another thing that a comparison has to know beside the events.
FAULTS = ["missing,extra,order", "unobserved,justified", "ambiguous,time", "clock-broken", "clock-drift,dropout-known",
          "phase-missing,instrument-noise"]


def simulated(work, seed, faults):
    folder = work / f"sim{seed}"
    casebox.run("simulate", "--seed", seed, "--no-video", "--duration-scale", 0.06, "--faults", faults, "--out", folder)
    config = folder / "recorder.yaml"
    config.write_text(config.read_text().replace(str(folder / "keys"), str(work / "keys")))
    casebox.run("record", "--config", config)
    casebox.run("ingest", "--store", work / "store", "--keys", work / "keys", "--logs", folder / "spool",
                "--until-idle", 0.3)


def of_case(result):
    found = []
    for one in result["findings"]:
        if one["kind"] == "departure":
            labels = one["labels"]
            found.append((labels["deviation"], labels["of"], one["step"], one["certainty"], one["text"],
                          labels["order_sensitive"] == "true"))
    return sorted(found)


def of_log(case):
    return sorted((d["kind"], d["deviation"], d["step"], d["certainty"], d["text"], d["order_sensitive"])
                  for d in case["departures"])


def compare(store, work, norm, *keys):
    """Returns how many cases had departures, and how many kinds of certainty were met."""
    document = casebox.json("analyze", "conformance", "--store", store, *keys)
    ran, certainties = 0, set()
    for result in document["results"]:
        case = result["case_id"]
        log = work / "case.xes"
        casebox.run("export", case, "--store", store, *keys, "--format", "xes", "--out", log)
        ours = casebox.json("conform", "--model", norm, "--log", log)
        skipped = next(job["skipped"] for job in result["jobs"] if job["job"] == "conformance")
        if skipped:
            expect([one["reason"] for one in ours["log"]["not_compared"]] == [skipped] and not ours["cases"],
                   f"{case}: {skipped}; conform says {ours['log']['not_compared']}, {len(ours['cases'])} cases")
            continue
        expect(len(ours["cases"]) == 1 and not ours["log"]["not_compared"], f"{case}: {ours['log']}")
        a, b = of_case(result), of_log(ours["cases"][0])
        expect(a == b, f"{case}: the case has {len(a)} departures, its log {len(b)}:\n"
                       + "\n".join(f"  case {x}" for x in a if x not in b)
                       + "\n".join(f"  log  {x}" for x in b if x not in a))
        ran += bool(a)
        certainties.update(x[3] for x in a)
    # The table of all of them counts cases.
    for row in document["departures"]:
        for certainty in ("certain", "unobserved", "justified"):
            cases = sum(any(f["kind"] == "departure" and f["step"] == row["step"] and f["certainty"] == certainty
                            and f["labels"]["of"] == row["deviation"] for f in one["findings"])
                        for one in document["results"])
            expect(row[certainty] == cases, f"{row}: {cases} cases have it {certainty}")
    expect(document["departures"] or not ran, "a table without rows")
    return ran, certainties


def labels_of_a_log(work):
    print("== a log's labels are taken for the norm's as a case's are")
    steps = ["preparation", "Calot triangle dissection", "CLIPPING_CUTTING", "GallbladderDissection"]
    log = work / "log.csv"
    log.write_text("case,activity,start,end\n"
                   + "".join(f"1,{step},{100 * i},{100 * i + 90}\n" for i, step in enumerate(steps)))
    ours = casebox.json("conform", "--model", PROCEDURE, "--log", log)
    kinds = {(d["deviation"], d["step"]) for d in ours["cases"][0]["departures"]}
    expect(not any(kind == "extra" for kind, _ in kinds), f"labels are extra steps: {kinds}")
    expect(sum("is taken for the norm's" in notice for notice in ours["log"]["notices"]) == 3, ours["log"]["notices"])


def what_is_meant():
    print("== what is not known suggests what is")
    one_line_error(casebox.run("analyse", code=2), "did you mean analyze?")
    one_line_error(casebox.run("analyze", "conformence", "--store", "nowhere", code=2), "did you mean conformance?")
    one_line_error(casebox.run("xyzzy", code=2), "no command is called 'xyzzy'")
    text = casebox.run("analyze", "--help").stdout
    for said in ("Which cases:", "A log instead of a store:", "Of spc:", "Of several analyses:",
                 "What happens, and in which order:", "conformance  where it left the agreed pathway"):
        expect(said in text, f"analyze --help has no '{said}'")


def main():
    what_is_meant()
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        labels_of_a_log(work)
        cases = 60 if long_form else len(FAULTS)
        for i in range(cases):
            simulated(work, 60 + i, FAULTS[i % len(FAULTS)])
        ran, met = compare(work / "store", work, PROCEDURE, "--keys", work / "keys")
        print(f"== {cases} simulated cases: {ran} with departures, {', '.join(sorted(met))}")
        expect(ran >= cases // 2 and {"certain", "unobserved"} <= met, f"too little was compared: {ran}, {met}")
        text = casebox.run("analyze", "conformance", "--store", work / "store", "--keys", work / "keys").stdout
        expect("Cases with" in text and "unobserved" in text, f"people get no table: {text}")
        log = work / "case.xes"
        text = log.read_text(encoding="utf-8")
        log.write_text(text.replace("recorded 1", "recorded 9"), encoding="utf-8")
        one_line_error(casebox.run("conform", "--model", PROCEDURE, "--log", log, code=2), "does not know")
        data = data_dir()
        files = sorted((data / "phases/multibypass140/bern").rglob("*.json"))[:70 if long_form else 12] if data else []
        if files:
            casebox.run("import", *files, "--procedure", "gastric-bypass", "--store", work / "bern")
            ran, met = compare(work / "bern", work, "gastric-bypass")
            print(f"== {len(files)} annotated operations: {ran} with departures, {', '.join(sorted(met))}")
            expect(ran >= len(files) // 2, f"only {ran} annotated cases have departures")


main()
