"""study_test.py CASEBOX

What is found over a cohort, kept as a study: written once and not again while nothing changes, changed by a case
that comes, explained down to the frames of several cases, computed again byte for byte, whole to `verify`, closed
to whoever has no key; and never taken for an operation.
"""

import pathlib
import shutil
import sys
import tempfile

from support import Casebox, expect, one_line_error

casebox = Casebox(sys.argv[1])
PROCEDURE = "lap-cholecystectomy"


def operations(store):
    """The cases as listed; when a verdict was made is another matter."""
    return [{key: value for key, value in case.items() if key != "verdict_at"}
            for case in casebox.json("cases", "--store", store)["cases"]]


def table(file, names, stretch=1.0, broken=()):
    """A table of annotated phases; a broken case has two that overlap for minutes."""
    lines = ["case,label,start_s,end_s"]
    for i, name in enumerate(names):
        first = 60 + 7 * i * stretch
        second = first - 50 if name in broken else first
        lines += [f"{name},Preparation,0,{first}", f"{name},GallbladderDissection,{second},{second + 600 + 11 * i}"]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def imported(store, file):
    return casebox.json("import", file, "--procedure", PROCEDURE, "--store", store).get("cases")


def keep(store, *more):
    return casebox.json("analyze", "timing", "--store", store, "--write", *more)


def written_once(store):
    print("== written, and not written again")
    before = operations(store)
    table_only = casebox.json("analyze", "timing", "--store", store)
    expect(table_only["study"] is None, "a study without --write")
    first = keep(store)
    study = first["study"]
    expect(study["created"] and study["written"], f"not written: {study}")
    expect(first["phases"] == table_only["phases"], "--write changes the table")
    kinds = [f["kind"] for f in study["findings"]]
    expect(kinds == ["cohort-timing"] * 2 + ["cohort", "run"], f"findings: {kinds}")
    again = keep(store)["study"]
    expect(again["study_id"] == study["study_id"] and not again["created"] and not again["written"],
           f"written again: {again}")
    # Another spelling of the same question, and an option that only shows more, are the same study.
    spaced = keep(store, "--cohort", ' procedure="lap-cholecystectomy" ')["study"]
    expect(spaced["study_id"] != study["study_id"] and spaced["created"], "another cohort, the same study")
    same = keep(store, "--cohort", 'procedure  =  "lap-cholecystectomy"', "--each")["study"]
    expect(same["study_id"] == spaced["study_id"] and not same["written"], "the same question, another study")
    # No list takes one for an operation.
    expect(operations(store) == before, "a study among the cases")
    expect(casebox.json("query", "", "--store", store)["scanned_cases"] == len(before), "a study in a query")
    expect(keep(store)["cases"] == len(before), "a study in a cohort")
    refused = casebox.run("show", study["study_id"], "--store", store, code=2)
    one_line_error(refused, "study", "cases --studies")
    listed = casebox.json("cases", "--store", store, "--studies")["studies"]
    expect([one["study_id"] for one in listed] == [study["study_id"], spaced["study_id"]], f"listed: {listed}")
    expect(listed[0]["job"] == "timing" and listed[0]["cohort"] == "" and listed[0]["verdict"] == "COMPLETE",
           f"listed as {listed[0]}")
    expect(listed[1]["cohort"] == 'procedure = "lap-cholecystectomy"', f"listed as {listed[1]}")
    for bad in (["--case", before[0]["case_id"]], ["--cohort", "nonsense("]):
        casebox.run("analyze", "timing", "--store", store, "--write", *bad, code=2)
    return study


def explained(store, study, cases):
    print("== why, and computed again")
    finding = study["findings"][0]
    chain = casebox.json("why", finding["finding_id"], "--store", store)
    expect(chain["study"] == {"job": "timing", "cohort": "", "options": ""}, f"asks {chain['study']}")
    expect(chain["in_force"] and chain["case_id"] == study["study_id"], "not in force, or elsewhere")
    expect({e["case_id"] for e in chain["entities"]} == {c["case_id"] for c in cases}, "entities of other cases")
    expect(all(e["unchanged"] and e["sha256"] for e in chain["entities"]), "an entity without its digest")
    for one in study["findings"]:
        again = casebox.json("recompute", one["finding_id"][:16], "--store", store)
        expect(again["identical"] and again["differs"] == [], f"{one['text']}: differs in {again['differs']}")
    text = casebox.run("why", finding["finding_id"], "--store", store).stdout
    expect("study" in text and "every case" in text, f"people read: {text}")


def changed(store, study, work):
    print("== a case that comes changes it")
    imported(store, table(work / "more.csv", ["late"], 3))
    stale = casebox.json("recompute", study["findings"][0]["finding_id"], "--store", store, code=1)
    expect(not stale["identical"] and "cohort: 1 case came" in stale["differs"], f"differs in {stale['differs']}")
    expect("values.n" in stale["differs"] and stale["now"]["values"]["n"] == stale["finding"]["values"]["n"] + 1,
           f"differs in {stale['differs']}")
    fresh = keep(store)["study"]
    expect(fresh["study_id"] == study["study_id"] and fresh["written"] and not fresh["created"], f"{fresh}")
    old = casebox.json("why", study["findings"][0]["finding_id"], "--store", store)
    expect(not old["in_force"] and all(e["unchanged"] for e in old["entities"]), "the replaced finding lost its chain")
    new = casebox.json("recompute", fresh["findings"][0]["finding_id"], "--store", store)
    expect(new["identical"] and new["in_force"], f"differs in {new['differs']}")
    runs = casebox.json("cases", "--store", store, "--studies")["studies"][0]["runs"]
    expect(len(runs) == 2 and all(r["whole"] for r in runs) and runs[0]["at"] < runs[1]["at"], f"runs: {runs}")
    expect(not keep(store)["study"]["written"], "written again")


def every_analysis(store):
    print("== every analysis that finds something keeps it")
    cases = {one["case_id"] for one in operations(store)}
    for job, options in (("diversity", ("--replicates", 50)), ("spc", ("--measure", "phase:Preparation"))):
        ask = ("analyze", job, "--store", store, "--write", *options)
        study = casebox.json(*ask)["study"]
        expect(study["written"] and options[1] and str(options[1]) in study["options"], f"{job}: {study}")
        own = [one for one in study["findings"] if one["kind"] not in ("cohort", "run")]
        expect(own, f"{job}: nothing of its own")
        expect(not casebox.json(*ask)["study"]["written"], f"{job}: written again")
        for one in own:
            again = casebox.json("recompute", one["finding_id"], "--store", store)
            expect(again["identical"], f"{job}: {one['text']}: differs in {again['differs']}")
            expect({e["case_id"] for e in again["entities"]} == cases, f"{job}: does not rest on every case")


def what_a_log_says(store):
    """dfg, variants, profile and skeleton are kept and found again; a case whose key is gone is left out by name."""
    print("== dfg, variants, profile, skeleton, and a case whose key is gone")
    unused = set((store / "keys" / "stock").iterdir())
    gone = imported(store, table(store.parent / "gone.csv", ["gone", "not gone"]))[0]["case_id"]
    taken = sorted(unused - set((store / "keys" / "stock").iterdir()))
    expect(len(taken) == 2, f"{len(taken)} keys taken for two cases")
    cases = {one["case_id"] for one in operations(store)}
    jobs = ("dfg", "variants", "profile", "skeleton")
    studies = {}
    for job in jobs:
        document = casebox.json("analyze", job, "--store", store, "--write")
        studies[job] = document["study"]
        expect(studies[job]["created"] and studies[job]["written"], f"{job}: {studies[job]}")
        expect(all(one["case_id"] != gone or not one["whole"] for one in document["excluded"]), f"{job}: left out")
        expect(not casebox.json("analyze", job, "--store", store, "--write")["study"]["written"], f"{job}: again")
        found_again(store, job, studies[job], cases)
    lost = None
    for key in taken:  # of the two keys, the one that opens this case
        file = store / "keys" / "cases" / f"{key.stem}.key"
        aside = file.rename(file.with_suffix(".aside"))
        if casebox.json("show", gone, "--store", store)["sealed"]:
            lost = aside
            break
        aside.rename(file)
    expect(lost is not None, "no key opened this case")
    for job in jobs:
        document = casebox.json("analyze", job, "--store", store, "--write")
        study = document["study"]
        left = [one for one in document["excluded"] if one["case_id"] == gone]
        expect(len(left) == 1 and left[0]["reason"] == "no key opens it" and left[0]["whole"] is not False,
               f"{job}: left out as {left}")
        if job != "profile":
            expect(document["read_cases"] == len(cases) - 1, f"{job}: read {document['read_cases']} of {len(cases)}")
        expect(study["study_id"] == studies[job]["study_id"] and study["written"], f"{job}: {study}")
        chain = found_again(store, job, study, cases - {gone})
        expect(chain["in_force"], f"{job}: not in force")
        text = casebox.run("analyze", job, "--store", store).stdout
        expect(gone in text and "no key opens it" in text, f"{job}: people are not told")
        old = casebox.json("recompute", studies[job]["findings"][0]["finding_id"], "--store", store, code=1)
        expect(not old["in_force"] and not old["identical"], f"{job}: the run with the case is not replaced")


def found_again(store, job, study, rests_on):
    own = [one for one in study["findings"] if one["kind"] not in ("cohort", "run")]
    expect(own, f"{job}: nothing of its own")
    for one in study["findings"]:
        chain = casebox.json("recompute", one["finding_id"], "--store", store)
        expect(chain["identical"], f"{job}: {one['text']}: differs in {chain['differs']}")
        if one["kind"] != "run":
            expect({e["case_id"] for e in chain["entities"]} == rests_on, f"{job}: rests on other cases")
    return chain


def whole_and_closed(store, work):
    print("== whole to verify, closed without keys")
    whole = casebox.json("verify", store)
    studies = {one["study_id"] for one in casebox.json("cases", "--store", store, "--studies")["studies"]}
    verdicts = {one["case_id"]: one["verdict"] for one in whole["cases"] if one["case_id"] in studies}
    expect(set(verdicts) == studies and set(verdicts.values()) == {"COMPLETE"}, f"verdicts {verdicts}")
    expect(casebox.json("verify", store / "logs" / "analysis")["verdict"] == "COMPLETE", "the log is not whole")
    sealed = work / "sealed"
    shutil.copytree(store, sealed, ignore=shutil.ignore_patterns("keys"))
    for file in sealed.rglob("*"):
        if not file.is_file():
            continue
        found = [word for word in (b"cohort-timing", b"median_s", b"every case", b"procedure = ") if word in file.read_bytes()]
        expect(not found, f"{file.relative_to(sealed)} says {found} in the clear")
    expect(casebox.json("verify", sealed)["verdict"] == whole["verdict"], "verification needs keys")
    for one in casebox.json("cases", "--store", sealed, "--studies")["studies"]:
        expect(one["sealed"] and one["job"] is None and one["findings"] == [], f"readable without keys: {one}")
    casebox.run("analyze", "timing", "--store", sealed, "--write", code=2)


def main():
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        store = work / "store"
        names = [f"case-{i}" for i in range(8)]
        cases = imported(store, table(work / "cases.csv", names, broken=names[-1:]))
        study = written_once(store)
        explained(store, study, cases)
        changed(store, study, work)
        every_analysis(store)
        what_a_log_says(store)
        whole_and_closed(store, work)


main()
