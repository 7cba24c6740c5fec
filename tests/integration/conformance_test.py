"""conformance_test.py CASEBOX [NETS]

Alignments against pm4py, a tool of other people: on random nets and noisy logs, and on public logs, each
case has the same cost; logs Casebox writes open there. NETS: how many random nets (default 30, at least 100
cases; in the long form, CASEBOX_TEST_LONG, 450 nets, at least 2,000 cases).
"""

import datetime
import json
import os
import pathlib
import random
import sys
import tempfile
import warnings
from xml.etree import ElementTree

from support import Casebox, data_dir, expect, with_packages

with_packages("pm4py")

import pm4py
from pm4py.algo.conformance.alignments.petri_net import algorithm as alignments
from pm4py.algo.simulation.playout.petri_net import algorithm as playout
from pm4py.objects.log.obj import Event, EventLog, Trace

warnings.simplefilter("ignore")
casebox = Casebox(sys.argv[1])
long_form = bool(os.environ.get("CASEBOX_TEST_LONG"))
nets = int(sys.argv[2]) if len(sys.argv) > 2 else (450 if long_form else 30)
enough = nets if len(sys.argv) > 2 else (2000 if long_form else 100)


def peer_costs(log, net, initial, final):
    """Cost of each case with 1 for a move of one side alone; silent moves are free."""
    parameters = {"show_progress_bar": False}
    costs = []
    for one in alignments.apply_log(log, net, initial, final, parameters=parameters,
                                    variant=alignments.Variants.VERSION_STATE_EQUATION_A_STAR):
        costs.append(one["cost"] // 10000)
    return costs


def noisy(trace, labels, rng):
    names = [event["concept:name"] for event in trace]
    for _ in range(rng.randrange(4)):
        kind = rng.randrange(3)
        if kind == 0 and names:
            names.pop(rng.randrange(len(names)))
        elif kind == 1:
            names.insert(rng.randrange(len(names) + 1), rng.choice(labels + ["alien"]))
        elif len(names) > 1:
            i, k = rng.randrange(len(names)), rng.randrange(len(names))
            names[i], names[k] = names[k], names[i]
    return names


def as_log(cases):
    log = EventLog()
    for i, names in enumerate(cases):
        trace = Trace(attributes={"concept:name": f"case {i}"})
        for k, name in enumerate(names):
            stamp = datetime.datetime(2024, 1, 1, 8) + datetime.timedelta(minutes=k)
            trace.append(Event({"concept:name": name, "time:timestamp": stamp}))
        log.append(trace)
    return log


def compare(log, net, initial, final, work, what):
    model, file = work / "net.pnml", work / "log.xes"
    pm4py.write_pnml(net, initial, final, str(model))
    pm4py.write_xes(log, str(file), show_progress_bar=False)
    ours = casebox.json("conform", "--model", model, "--log", file, "--order", "source")
    theirs = peer_costs(log, net, initial, final)
    for case, cost in zip(ours["cases"], theirs, strict=True):
        expect(case["cost"] == cost,
               f"{what}, {case['case']}: cost {case['cost']}, the peer says {cost}")
        expect(case["exact"], f"{what}, {case['case']}: not exact")
    return len(theirs)


def random_nets(work):
    print(f"== {nets} random nets")
    compared = 0
    for seed in range(1, nets + 1):
        rng = random.Random(seed)
        random.seed(seed)
        tree = pm4py.generate_process_tree(parameters={
            "mode": rng.randrange(4, 9), "min": 3, "max": 9, "parallel": 0.2, "loop": 0.15,
            "silent": 0.15, "choice": 0.25, "sequence": 0.4})
        net, initial, final = pm4py.convert_to_petri_net(tree)
        labels = sorted({t.label for t in net.transitions if t.label})
        if not labels:
            continue
        played = playout.apply(net, initial, final, parameters={"noTraces": 5, "maxTraceLength": 12})
        cases = [noisy(trace, labels, rng) for trace in played]
        cases = [names for names in cases if names]
        if cases:
            compared += compare(as_log(cases), net, initial, final, work, f"net {seed}")
    print(f"{compared} cases agree")
    expect(compared >= enough, f"only {compared} cases were compared, not {enough}")


def public_logs(work):
    data = data_dir()
    folder = data and data / "process_logs"
    if not folder or not folder.is_dir():
        print("no public logs here: passed over")
        return
    print("== public logs")
    for log_file, model_file in [("public_logs/running-example.xes", "public_logs/running-example.pnml"),
                                 ("public_logs/roadtraffic100traces.xes", "public_logs/roadtraffic.pnml")]:
        log = pm4py.read_xes(str(folder / log_file), return_legacy_log_object=True)
        net, initial, final = pm4py.read_pnml(str(folder / model_file))
        ours = casebox.json("conform", "--model", folder / model_file, "--log", folder / log_file,
                            "--order", "source")
        theirs = peer_costs(log, net, initial, final)
        for case, cost in zip(ours["cases"], theirs, strict=True):
            expect(case["cost"] == cost, f"{log_file}, {case['case']}: {case['cost']}, not {cost}")
        print(f"{log_file}: {len(theirs)} cases agree")


def written_logs(work):
    """What Casebox writes as XES opens there with every event, every attribute and every nanosecond."""
    print("== an exported case")
    demo = casebox.json("demo", "--headless", "--no-video", "--duration-scale", 0.3, "--seed", 3, "--out", work)
    file = work / "case.xes"
    casebox.run("export", demo["case_id"], "--store", demo["store_path"], "--format", "xes", "--out", file)
    written = []
    root = ElementTree.parse(file).getroot()
    name = root.tag.split("}")[0] + "}"
    for event in root.find(name + "trace").findall(name + "event"):
        written.append({a.get("key"): (a.tag.removeprefix(name), a.get("value")) for a in event})
    log = pm4py.read_xes(str(file), return_legacy_log_object=True)
    expect(len(log) == 1 and log[0].attributes["concept:name"] == demo["case_id"], "the case's name")
    expect(log[0].attributes["casebox:procedure"] == "lap-cholecystectomy", "the procedure")
    expect(len(log[0]) == len(written) > 10, f"{len(log[0])} events, {len(written)} were written")
    as_text = {"string": str, "int": lambda v: str(int(v)), "boolean": lambda v: str(v).lower(), "float": repr}
    # Readers put events into the order of time:timestamp; the exact times tell them apart.
    key = lambda e: tuple(sorted(e.items()))
    theirs = [{k: v for k, v in e.items() if not hasattr(v, "timestamp")} for e in log[0]]
    theirs = [{k: as_text[written_type(written, k)](v) for k, v in e.items()} for e in theirs]
    ours = [{k: v for k, (kind, v) in e.items() if kind != "date"} for e in written]
    expect(sorted(map(key, theirs)) == sorted(map(key, ours)), "attributes differ")
    wall = {(e["casebox:t0_ns"], e["casebox:t1_ns"]) for e in log[0]}
    for event in log[0]:
        length = (event["time:timestamp"] - event.get("start_timestamp", event["time:timestamp"])).total_seconds()
        exact = (int(event["casebox:t1_ns"]) - int(event["casebox:t0_ns"])) * 1e-9
        expect(abs(length - exact) < 2e-6, f"{event['concept:name']}: lasts {length} s, not {exact}")
    expect(len(wall) > 10, "times are all the same")
    shown = casebox.json("show", demo["case_id"], "--store", demo["store_path"])["phases"]
    times = {round(int(e["casebox:t0_ns"]) * 1e-9, 6) for e in log[0]}
    expect(all(round(p["start_s"], 6) in times for p in shown), "a phase of the case is not in the log")
    again = casebox.json("conform", "--model", "lap-cholecystectomy", "--log", file)
    compared = sum("casebox:beside" not in event for event in written)
    expect(0 < compared < len(written), f"{compared} of {len(written)} events are compared")
    expect(again["log"]["events"] == compared, "our own reader finds other events")
    print(f"{len(written)} events, nothing lost")


def weights_and_threads(work):
    """Weighted results stand three ways, and no number of threads changes a byte."""
    print("== weights and threads")
    rng = random.Random(1)
    norm = work / "norm.yaml"
    steps = "abcdef"
    norm.write_text("id: n\nversion: 1.0.0\nvalues: [{id: v, weight: 4}, {id: w, weight: 1}]\nsteps:\n" + "".join(
        f"  - {{id: {s}, value: {'v' if s in 'ace' else 'w'}}}\n" for s in steps) +
        "flow: {sequence: [" + ", ".join(f"{{step: {s}}}" for s in steps) + "]}\n")
    log = work / "cases.csv"
    log.write_text("case,activity\n" + "".join(
        f"c{i},{s}\n" for i in range(200) for s in noisy([{"concept:name": s} for s in steps], list(steps), rng)))
    texts = {casebox.run("conform", "--model", norm, "--log", log, "--threads", n, "--json").stdout for n in (1, 2, 4)}
    expect(len(texts) == 1, "the number of threads shows in the result")
    document = json.loads(texts.pop())
    total = document["totals"]["weighted"]
    expect(total["reason"] is None and total["draws"] == 1000, f"{total}")
    expect([v["weight"] for v in total["values"]] == [1.6, 0.4], f"{total['values']}")
    expect(total["pairs"] > 0 and not total["order_kept"], "which case weighs more hangs on these weights")
    cases = [c["weighted"] for c in document["cases"]]
    for key in ("declared", "equal"):
        for end in ("least", "most"):
            expect(abs(sum(c[key][end] for c in cases) - total[key][end]) < 1e-6, f"{key} {end} is no sum")
    expect(all(c["equal"]["most"] <= c["scored"] for c in cases), "under equal weights a departure counts once")
    expect(all(c["random"]["low"] <= c["random"]["median"] <= c["random"]["high"] for c in cases), "the spread")
    other = casebox.json("conform", "--model", norm, "--log", log, "--seed", 2)
    expect(other["totals"]["weighted"]["declared"] == total["declared"], "the seed changes declared scores")
    expect(other["totals"]["weighted"]["random"] != total["random"], "the seed changes nothing")


def written_type(written, key):
    return next(e[key][0] for e in written if key in e)


with tempfile.TemporaryDirectory() as folder:
    weights_and_threads(pathlib.Path(folder))
    written_logs(pathlib.Path(folder))
    random_nets(pathlib.Path(folder))
    public_logs(pathlib.Path(folder))
print("ok")
