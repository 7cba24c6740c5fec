"""discovery_test.py CASEBOX [LOGS]

What a log says by itself, against pm4py on the same files: directly-follows graph with its waits, variants,
temporal profile with its deviations, log skeleton with its departures. Public logs, and random logs of moments
and of intervals. Needs pm4py (tests/python/setup installs it into tests/.venv).
"""

import collections
import datetime
import gzip
import os
import pathlib
import random
import statistics
import sys
import tempfile
import warnings
from xml.etree import ElementTree

from support import Casebox, data_dir, expect, with_packages

with_packages("pm4py")

import pandas
import pm4py

warnings.simplefilter("ignore")
casebox = Casebox(sys.argv[1])
long_form = os.environ.get("CASEBOX_TEST_LONG") == "1"
random_logs = int(sys.argv[2]) if len(sys.argv) > 2 else (200 if long_form else 12)
ZETA = 1.37  # no time of a few whole minutes lies exactly at this many standard deviations
COLUMNS = ("concept:name", "time:timestamp", "start_timestamp")
RELATIONS = ("equivalence", "always_after", "always_before", "never_together", "directly_follows")


def local(node):
    return node.tag.rsplit("}", 1)[-1]


def close(ours, theirs):
    return abs(ours - theirs) <= 1e-9 * max(1, abs(theirs))


def graph(file, log, what, moments):
    ours = casebox.json("analyze", "dfg", "--log", file)
    arcs, starts, ends = pm4py.discover_dfg(log)
    expect({(a["from"], a["to"]): a["count"] for a in ours["arcs"]} == dict(arcs), f"{what}: other arcs")
    for key, theirs in (("starts", starts), ("ends", ends)):
        expect({a["activity"]: a["count"] for a in ours[key]} == dict(theirs), f"{what}: other {key}")
    if not moments:  # the peer counts an overlap as no wait at all
        return ours
    waits = pm4py.discover_performance_dfg(log)[0]
    for arc in ours["arcs"]:
        theirs = waits[arc["from"], arc["to"]]
        for key in ("mean", "median", "min", "max"):
            expect(close(arc["waits"][f"{key}_s"], theirs[key]), f"{what}: {key} wait of {arc}, not {theirs}")
    return ours


def variants(file, log, what):
    ours = casebox.json("analyze", "variants", "--log", file)
    theirs = {tuple(steps): n if isinstance(n, int) else len(n) for steps, n in pm4py.get_variants(log).items()}
    expect({tuple(v["steps"]): v["count"] for v in ours["variants"]} == theirs, f"{what}: other variants")
    of_case = log.groupby("case:concept:name", sort=False)["concept:name"].agg(tuple).to_dict()
    for one in ours["variants"]:
        expect(one["count"] == len(one["case_ids"]), f"{what}: {one['count']} cases, {len(one['case_ids'])} named")
        for case in one["case_ids"]:
            expect(of_case[case] == tuple(one["steps"]), f"{what}: {case} follows another pathway")
    order = [(-v["count"], v["steps"]) for v in ours["variants"]]
    expect(order == sorted(order), f"{what}: variants are not in order")
    return ours


def profile(file, log, what, zeta=ZETA):
    ours = casebox.json("analyze", "profile", "--log", file, "--pairs", "all", "--zeta", zeta)
    theirs = pm4py.discover_temporal_profile(log)
    pairs = {(p["from"], p["to"]): p for p in ours["pairs"]}
    expect(set(pairs) == set(theirs), f"{what}: other pairs")
    for key, (mean, sd) in theirs.items():
        expect(close(pairs[key]["mean_s"], mean), f"{what}: mean of {key} {pairs[key]['mean_s']}, not {mean}")
        expect(close(pairs[key]["sd_s"] or 0, sd), f"{what}: sd of {key} {pairs[key]['sd_s']}, not {sd}")
    found = collections.Counter(d["case_id"] for d in ours["deviations"])
    checked = pm4py.conformance_temporal_profile(log, theirs, zeta=zeta)
    cases = list(dict.fromkeys(log["case:concept:name"]))
    expect(found == {c: len(d) for c, d in zip(cases, checked, strict=True) if d}, f"{what}: other deviations")
    return ours


def next_profile(file, log, what):
    """The default, against its definition."""
    ours = casebox.json("analyze", "profile", "--log", file)
    times = collections.defaultdict(list)
    for _, case in log.groupby("case:concept:name", sort=False):
        begins = case["start_timestamp"] if "start_timestamp" in case else case["time:timestamp"]
        events = sorted(zip(begins, case["time:timestamp"], range(len(case)), case["concept:name"]))
        for i, (_, end, _, step) in enumerate(events):
            seen = set()
            for start, _, _, later in events[i + 1:]:
                if start >= end and later not in seen:
                    seen.add(later)
                    times[step, later].append((start - end).total_seconds())
    expect({(p["from"], p["to"]): p["n"] for p in ours["pairs"]} == {k: len(t) for k, t in times.items()},
           f"{what}: other pairs of next occurrences")
    for pair in ours["pairs"]:
        own = times[pair["from"], pair["to"]]
        expect(close(pair["mean_s"], statistics.fmean(own)), f"{what}: mean of {pair}")
        if len(own) > 1:
            expect(close(pair["sd_s"], statistics.stdev(own)), f"{what}: sd of {pair}")


def skeleton(file, log, what, noise):
    ours = casebox.json("analyze", "skeleton", "--log", file, "--noise", noise, "--counting", "pm4py")
    theirs = pm4py.discover_log_skeleton(log, noise_threshold=noise)
    for relation in RELATIONS:
        expect({(r["from"], r["to"]) for r in ours["relations"][relation]} == set(theirs[relation]),
               f"{what}, noise {noise}: other {relation}")
    expect({o["activity"]: set(o["allowed"]) for o in ours["occurrences"]} == theirs["activ_freq"],
           f"{what}, noise {noise}: other occurrences")
    checked = pm4py.conformance_log_skeleton(log, theirs)
    for key, own in (("no_dev_total", "departing"), ("no_constr_total", "judged"), ("is_fit", "fitting_cases")):
        expect(sum(c[key] for c in checked) == ours[own], f"{what}, noise {noise}: {own} {ours[own]}")
    expect(len(ours["departures"]) == ours["departing"], f"{what}: not all departures are listed")
    return ours


def compare(file, log, what, moments=True):
    graph(file, log, what, moments)
    variants(file, log, what)
    profile(file, log, what)
    next_profile(file, log, what)
    for noise in (0, 0.1, 0.3):
        skeleton(file, log, what, noise)


def read(file):
    """The log as pm4py wants it. Not by its own reader, which drops the offset of times: an hour of a case that
    goes on while the clocks are changed."""
    rows = []
    with gzip.open(file) if file.suffix == ".gz" else file.open("rb") as xml:
        for trace in (node for node in ElementTree.parse(xml).getroot() if local(node) == "trace"):
            case = next(node.get("value") for node in trace if node.get("key") == "concept:name")
            for event in (node for node in trace if local(node) == "event"):
                row = {node.get("key"): node.get("value") for node in event}
                rows.append({"case:concept:name": case} | {key: row[key] for key in COLUMNS if key in row})
    log = pandas.DataFrame(rows)
    for key in set(COLUMNS[1:]) & set(log.columns):
        log[key] = pandas.to_datetime(log[key], utc=True, format="ISO8601")
    return log


def write_random(file, rng, moments):
    """Cases in order of start; of moments several may be at one time, of intervals no two begin together."""
    names = [f"step {c}" for c in "dbacfe"]
    begin = datetime.datetime(2024, 3, 1, 7)
    with file.open("w", encoding="utf-8") as out:
        out.write('<?xml version="1.0" encoding="UTF-8"?>\n<log>\n')
        for case in range(rng.randrange(2, 40)):
            out.write(f'<trace><string key="concept:name" value="case {case}"/>\n')
            minutes = sorted(rng.choices(range(60), k=rng.randrange(1, 15)) if moments else
                             rng.sample(range(60), k=rng.randrange(1, 15)))
            for minute in minutes:
                start = begin + datetime.timedelta(days=case, minutes=minute)
                end = start if moments else start + datetime.timedelta(minutes=rng.randrange(6))
                # Mostly in order of name, so that relations hold now and then.
                step = names[min(5, int(minute / 10))] if rng.random() < 0.8 else rng.choice(names)
                out.write(f'<event><string key="concept:name" value="{step}"/>')
                if not moments:
                    out.write(f'<date key="start_timestamp" value="{start.isoformat()}+00:00"/>')
                out.write(f'<date key="time:timestamp" value="{end.isoformat()}+00:00"/></event>\n')
            out.write("</trace>\n")
        out.write("</log>\n")


def golden(folder):
    """Published of the receipt log."""
    file = folder / "08_receipt.xes.gz"
    log = read(file)
    ours = graph(file, log, "receipt", True)
    expect((len(ours["arcs"]), ours["passages"]) == (99, 7143), "receipt: not 99 arcs with 7,143 passages")
    expect(len(variants(file, log, "receipt")["variants"]) == 116, "receipt: not 116 variants")
    ours = profile(file, log, "receipt", 2)
    expect((len(ours["pairs"]), len(ours["deviations"]), ours["deviating_cases"]) == (329, 715, 155),
           "receipt: not 329 pairs, 715 deviations in 155 cases")
    sizes = {r: len(found) for r, found in skeleton(file, log, "receipt", 0)["relations"].items()}
    expect((sizes["equivalence"], sizes["never_together"], sizes["directly_follows"]) == (70, 248, 4),
           f"receipt: {sizes}")
    expect(skeleton(file, log, "receipt", 0.1)["departing"] == 3370, "receipt: not 3,370 departures")
    next_profile(file, log, "receipt")
    for what in ("dfg", "variants", "profile", "skeleton"):  # what people read
        text = casebox.run("analyze", what, "--log", file).stdout
        expect("1434" in text and "T10 Determine necessity to stop indication" in text, f"{what}: {text[:300]}")
    print("receipt agrees")


def other_log(folder):
    """A profile and a skeleton of one log judge another."""
    whole, few = folder / "running-example.xes", folder / "reviewing.xes"
    ours = casebox.json("analyze", "profile", "--log", whole, "--reference", whole, "--pairs", "all", "--zeta", 1)
    alone = casebox.json("analyze", "profile", "--log", whole, "--pairs", "all", "--zeta", 1)
    expect(ours["deviations"] == alone["deviations"], "a log judged by itself as reference differs")
    strange = casebox.json("analyze", "skeleton", "--log", whole, "--reference", few)
    expect(strange["fitting_cases"] == 0 and strange["departing"] > 0, "another process fits the skeleton")


with tempfile.TemporaryDirectory() as scratch:
    for seed in range(random_logs):
        rng, path = random.Random(seed), pathlib.Path(scratch, "log.xes")
        write_random(path, rng, seed % 2 == 0)
        compare(path, read(path), f"random log {seed}", seed % 2 == 0)
    print(f"{random_logs} random logs agree")
data = data_dir()
public = data and data / "process_logs" / "public_logs"
if public and public.is_dir():
    golden(public)
    for name in ("running-example.xes", "13_SEPSIS_1t_per_variant.xes.gz"):
        compare(public / name, read(public / name), name)
        print(f"{name} agrees")
    other_log(public)
else:
    print("no public logs here: passed over")
print("ok")
