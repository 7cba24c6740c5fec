"""conformance_test.py CASEBOX [NETS]

Alignments against pm4py, a tool of other people: on random nets and noisy logs, and on public logs, each
case has the same cost; logs Casebox writes open there. NETS: how many random nets (default 25, at least 100
cases; in the long form, CASEBOX_TEST_LONG, 450 nets, at least 2,000 cases).
"""

import datetime
import os
import pathlib
import random
import sys
import tempfile
import warnings

from support import Casebox, data_dir, expect, skip

ROOT = pathlib.Path(__file__).resolve().parents[2]
VENV = ROOT / "tests" / ".venv" / "bin" / "python"
try:
    import pm4py
except ImportError:
    if not VENV.exists() or os.environ.get("CASEBOX_IN_VENV"):
        skip("no pm4py; tests/python/setup installs it")
    os.environ["CASEBOX_IN_VENV"] = "1"
    os.execv(VENV, [str(VENV), *sys.argv])

from pm4py.algo.conformance.alignments.petri_net import algorithm as alignments
from pm4py.algo.simulation.playout.petri_net import algorithm as playout
from pm4py.objects.log.obj import Event, EventLog, Trace

warnings.simplefilter("ignore")
casebox = Casebox(sys.argv[1])
long_form = bool(os.environ.get("CASEBOX_TEST_LONG"))
nets = int(sys.argv[2]) if len(sys.argv) > 2 else (450 if long_form else 25)
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


with tempfile.TemporaryDirectory() as folder:
    random_nets(pathlib.Path(folder))
    public_logs(pathlib.Path(folder))
print("ok")
