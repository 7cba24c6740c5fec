"""store_analyses_test.py CASEBOX

Departures of the cases of a store, as findings have them: what they weigh is what `conform` says of the same cases
in a log; charts count those of one norm and leave out by name, with what to do, whoever was not compared with it;
groups under 11 cases are withheld unless asked for.
"""

import pathlib
import re
import sys
import tempfile

from support import Casebox, expect, one_line_error

casebox = Casebox(sys.argv[1])
PROCEDURE = "lap-cholecystectomy"
STEPS = ["Preparation", "CalotTriangleDissection", "ClippingCutting", "GallbladderDissection", "GallbladderPackaging"]
NORM = """id: {id}
version: 1.0.0
procedure: lap-cholecystectomy
values: [{{id: safety, weight: {weight}}}, {{id: plan, weight: 1}}]
steps:
""" + "".join(f"  - {{{{id: {s}, observed_by: [annotation.phases], value: {'safety' if s in STEPS[1:3] else 'plan'}}}}}\n" for s in STEPS) + """
flow: {{sequence: [""" + ", ".join(f"{{{{step: {s}}}}}" for s in STEPS) + "]}}\n"
# Certain departures each way of doing it has, by hand, and what they touch. What is missing before the first label or
# after the last would be unobserved in a store: an import does not hold what lies around it.
WAYS = {
    "as agreed": (STEPS, 0),
    "no clipping": (STEPS[:2] + STEPS[3:], 1),
    "prepared three times": ([STEPS[0]] * 3 + STEPS[1:], 0),  # any two may be the ones too many: ambiguous
    "no clipping, no dissection": (STEPS[:2] + STEPS[4:], 2),
}


def norm_file(work, name, weight=3):
    file = work / f"{name}.yaml"
    file.write_text(NORM.format(id=name, weight=weight), encoding="utf-8")
    return file


def table(file, cases):
    """Annotated phases one after the other; case -> way."""
    lines = ["case,label,start_s,end_s"]
    for name, way in cases.items():
        lines += [f"{name},{step},{100 * i},{100 * i + 100}" for i, step in enumerate(WAYS[way][0])]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def imported(store, file, procedure=PROCEDURE):
    done = casebox.json("import", file, "--procedure", procedure, "--store", store)
    return [one["case_id"] for one in done.get("cases", [done])]


def by_name(store, wanted):
    listed = casebox.json("cases", "--store", store, "--alias", "--no-verify")["cases"]
    return {one["alias"]: one["case_id"] for one in listed if one["alias"] in wanted}


def weighed(store, work, cases, norm):
    print("== what departures weigh: the same of a store as of a log")
    document = casebox.json("analyze", "conformance", "--protocol", norm, "--store", store)
    log = table(work / "log.csv", cases)
    columns = ("--columns", "case=case", "activity=label", "start=start_s", "end=end_s")
    theirs = casebox.json("conform", "--model", norm, "--log", log, *columns)
    expect(len(document["weighted"]) == 1, f"one norm, {len(document['weighted'])} weighings")
    ours = document["weighted"][0]
    expect(ours["protocol"] == "plan@1.0.0" and ours["cases"] == len(cases), f"{ours['protocol']}: {ours['cases']}")
    expect(ours["protocol_sha256"] == theirs["model"]["sha256"], "another norm's digest")
    for key, value in theirs["totals"]["weighted"].items():
        expect(ours[key] == value, f"weighted.{key}: {ours[key]}, conform says {value}")
    expect(ours["pairs"] > 0 and not ours["order_kept"], "these weights decide nothing: a dull test")
    ids = by_name(store, cases)
    of = {one["case_id"]: one for one in document["results"]}
    for case in theirs["cases"]:
        one = of[ids[case["case"]]]
        expect(one["weighted"] == case["weighted"], f"{case['case']}: {one['weighted']}, conform {case['weighted']}")
        found = [f for f in one["findings"] if f["kind"] == "weights"]
        expect(len(found) == 1, f"{len(found)} findings of weights")
        values, weighted = found[0]["values"], case["weighted"]
        for name in ("declared_least", "declared_most", "equal_least", "equal_most"):
            expect(values[name] == weighted[name.split("_")[0]][name.split("_")[1]], f"{name}: {values}")
        for name in ("median", "low", "high"):
            expect(values[f"random_{name}"] == weighted["random"][name], f"random {name}: {values}")
        expect(found[0]["labels"]["value_weights"] == "safety=3 plan=1", f"{found[0]['labels']}")
        expect(found[0]["sources"] and found[0]["text"].endswith(".") and found[0]["text"].count(". ") == 0,
               f"{found[0]['text']}: {len(found[0]['sources'])} sources")
        departures = [f for f in one["findings"] if f["kind"] == "departure"]
        for chosen in (found[0], *departures[:1]):
            chain = casebox.json("why", chosen["finding_id"], "--store", store, "--case", one["case_id"])
            expect(chain["entities"] and all(e["unchanged"] for e in chain["entities"]), f"{chosen['text']}: no chain")
        rests = {(s["epoch"], s["stream_id"]) for s in found[0]["sources"]}
        expect(all((s["epoch"], s["stream_id"]) in rests for f in departures for s in f["sources"]),
               "it does not rest on its departures' frames")
    again = casebox.json("recompute", found[0]["finding_id"], "--store", store, "--protocol", norm)
    expect(again["identical"], f"differs in {again['differs']}")
    text = casebox.run("analyze", "conformance", "--protocol", norm, "--store", store).stdout
    for said in (f"{len(cases)} cases compared with plan@1.0.0", "declared weights", "equal weights", "same order",
                 "Which of two cases weighs more hangs on the weights"):
        expect(said in text, f"people are not told '{said}'")
    return ids


def chart(store, *options, code=0):
    ask = ("analyze", "spc", "--store", store, "--measure", "departures", "--chart", "c", *options)
    return casebox.json(*ask) if code == 0 else casebox.run(*ask, code=code)


def points(document):
    return {p["first_case_id"]: p["value"] for p in document["charts"][0]["points"]}


def counted(store, work, cases, ids, norm):
    print("== certain departures, counted from the findings in force")
    document = chart(store)
    expected = {ids[name]: WAYS[way][1] for name, way in cases.items()}
    expect(points(document) == expected, f"{points(document)}, by hand {expected}")
    expect(document["protocol"] == "plan@1.0.0" and re.fullmatch("[0-9a-f]{64}", document["protocol_sha256"]),
           f"norm: {document['protocol']}")
    expect(document["excluded"] == [] and document["charts"][0]["per_case"], f"{document['excluded']}")
    expect(points(chart(store, "--protocol", norm)) == expected, "--protocol of the same norm counts otherwise")

    print("== whoever was not compared is left out by name, with what to do")
    late = imported(store, table(work / "late.csv", {"late": "no clipping"}))[0]
    document = chart(store)
    expect(points(document) == expected, "a case that was not compared counts")
    left = {one["case_id"]: one["reason"] for one in document["excluded"]}
    expect(set(left) == {late} and left[late].startswith("not compared with a norm;"), f"left out: {left}")
    todo = re.search(r"casebox (analyze conformance --case \S+)$", left[late]).group(1).split()
    # By default the program's own norm for the procedure is taken: another one.
    casebox.run(*todo, "--store", store)
    refused = chart(store, code=2)
    one_line_error(refused, "different norms", "plan@1.0.0", "lap-cholecystectomy@1.1.1", "give --protocol")
    left = {one["case_id"]: one["reason"] for one in chart(store, "--protocol", norm)["excluded"]}
    expect(set(left) == {late} and "compared with lap-cholecystectomy@1.1.1 (sha256 " in left[late], f"{left}")
    expect(left[late].endswith(f"to count it run casebox analyze conformance --case {late} --protocol NORM"), left[late])
    other = chart(store, "--protocol", PROCEDURE)
    expect(set(points(other)) == {late} and len(other["excluded"]) == len(cases), "the other norm's own case")
    # The same name with another byte is another norm.
    edited = work / "edited.yaml"
    edited.write_text(norm.read_text(encoding="utf-8") + "# a remark\n", encoding="utf-8")
    expect(points(chart(store, "--protocol", edited)) == {}, "a norm is its bytes, not its name")
    two = casebox.json("analyze", "conformance", "--store", store, "--case", late, "--protocol", norm)
    expect(two["weighted"][0]["cases"] == 1, f"{two['weighted']}")
    expected[late] = 1
    expect(points(chart(store)) == expected, "compared again, and not counted")
    elsewhere = imported(store, table(work / "other.csv", {"elsewhere": "as agreed"}), "gastric-bypass")[0]
    casebox.run("analyze", "conformance", "--store", store, "--case", elsewhere, "--protocol", norm)
    left = {one["case_id"]: one["reason"] for one in chart(store)["excluded"]}
    expect(left.get(elsewhere, "").startswith("not compared, as the norm is for procedure"), f"left out: {left}")
    return expected


def kept(store, cases):
    print("== kept as a study that rests on the findings counted")
    ask = ("--cohort", f'procedure = "{PROCEDURE}"', "--write")
    study = chart(store, *ask)["study"]
    expect(study["written"] and not chart(store, *ask)["study"]["written"], "written again")
    finding = next(f for f in study["findings"] if f["kind"] == "control-chart")
    chain = casebox.json("recompute", finding["finding_id"], "--store", store)
    expect(chain["identical"] and chain["run"]["protocol"] == "plan@1.0.0" and chain["run"]["protocol_sha256"],
           f"differs in {chain['differs']}, norm {chain['run']['protocol']}")
    expect({e["case_id"] for e in chain["entities"]} == set(cases), "does not rest on every case")
    findings = {e["case_id"] for e in chain["entities"] if e["stream"] == "analysis.findings"}
    expect(findings == set(cases), "does not rest on the findings it counts")


def small_groups(store, work, cases):
    print("== groups under 11 cases")
    names = sorted(cases)
    groups = work / "groups.csv"
    room = {case: "A" if i < 14 else "B" if i < len(names) - 4 else "C" for i, case in enumerate(names)}
    groups.write_text("case,group\n" + "".join(f"{c},{g}\n" for c, g in room.items()), encoding="utf-8")
    funnel = ("analyze", "spc", "--measure", "has:ClippingCutting", "--chart", "funnel", "--groups", groups,
              "--cohort", f'procedure = "{PROCEDURE}"', "--store", store)
    hidden, shown = casebox.json(*funnel), casebox.json(*funnel, "--small-groups")
    expect([g["group"] for g in hidden["funnel"]["groups"]] == ["A", "B"], f"{hidden['funnel']['groups']}")
    expect([w["what"] for w in hidden["withheld"]] == ["C"] and "--small-groups" in hidden["withheld"][0]["reason"],
           f"withheld: {hidden['withheld']}")
    expect([g["group"] for g in shown["funnel"]["groups"]] == ["A", "B", "C"] and shown["withheld"] == [], "asked for")
    expect("withheld: C: under 11 cases" in casebox.run(*funnel).stdout, "people are not told")
    three = work / "three.csv"  # with enough groups for a pooled target, the small one is not in it
    three.write_text("case,group\n" + "".join(
        f"{c},{'ABD'[i % 3] if g != 'C' else g}\n" for i, (c, g) in enumerate(room.items())), encoding="utf-8")
    ask = [three if a == groups else a for a in funnel]
    pooled = casebox.json(*ask)["funnel"]
    sums = [sum(g[key] for g in pooled["groups"]) for key in ("events", "size")]
    expect(len(pooled["groups"]) == 3 and abs(pooled["target"] - sums[0] / sums[1]) < 1e-12,
           f"target {pooled['target']}, of the groups shown {sums}: the rest can be computed")

    p = ("analyze", "spc", "--measure", "has:ClippingCutting", "--chart", "p", "--store", store)
    few = casebox.json(*p, "--subgroup", 5)
    expect(few["charts"][0]["points"] == [] and "--subgroup 11" in few["charts"][0]["reasons"][0], f"{few['charts']}")
    expect(few["withheld"][0]["what"] == "all points, of 5 cases each" and few["excluded"] == [], f"{few['withheld']}")
    asked = casebox.json(*p, "--subgroup", 5, "--small-groups")
    everyone = len(casebox.json("cases", "--store", store, "--no-verify")["cases"])
    expect(len(asked["charts"][0]["points"]) == everyone // 5 and asked["withheld"] == [], "asked for")
    usual = casebox.json(*p)["charts"][0]
    expect(usual["points"] and all(one["size"] == 11 for one in usual["points"]) and not usual["per_case"],
           f"the usual p chart: {usual['points'][:1]}")
    single = casebox.json(*p, "--subgroup", 1)["charts"][0]
    expect(single["per_case"] and any("single cases" in n for n in single["notices"]), f"{single['notices']}")
    log = table(work / "all.csv", {name: "as agreed" for name in names})
    of_log = casebox.json("analyze", "spc", "--log", log, "--columns", "case=case", "activity=label", "start=start_s",
                          "end=end_s", "--measure", "has:ClippingCutting", "--chart", "p", "--subgroup", 5)
    expect(of_log["charts"][0]["points"] and of_log["withheld"] == [], "a log is its reader's own")


def main():
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        store = work / "store"
        ways = list(WAYS)
        cases = {f"case-{i:02d}": ways[i % 4] for i in range(40)}
        imported(store, table(work / "cases.csv", cases))
        norm = norm_file(work, "plan")
        ids = weighed(store, work, cases, norm)
        counts = counted(store, work, cases, ids, norm)
        kept(store, counts)
        small_groups(store, work, counts)


main()
