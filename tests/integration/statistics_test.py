"""statistics_test.py CASEBOX

Control charts, timing and diversity against SciPy, statsmodels and NumPy: the same quantities computed there
from the cases themselves, and read from the program's documents.
"""

import datetime
import itertools
import math
import pathlib
import random
import re
import sys
import tempfile

from support import ROOT, Casebox, data_dir, expect, one_line_error, with_packages

with_packages("scipy", "statsmodels")

import numpy as np
from scipy import special, stats
from statsmodels.stats.proportion import proportion_confint

casebox = Casebox(sys.argv[1])
folder = tempfile.TemporaryDirectory()
work = pathlib.Path(folder.name)
START = datetime.datetime(2025, 1, 6, 8)
D2 = 1.128  # as tabulated


def close(ours, theirs, what, tolerance=1e-9):
    expect(ours is not None and abs(ours - theirs) <= tolerance * max(1.0, abs(theirs)),
           f"{what}: {ours}, the peer says {theirs}")


def write_log(name, cases, days=None):
    """Cases as lists of (activity, seconds), one after the other; a case a day, or on the days given."""
    path = work / name
    with open(path, "w") as out:
        out.write("case,activity,start,end\n")
        for i, steps in enumerate(cases):
            now = START + datetime.timedelta(days=days[i] if days is not None else i)
            for activity, seconds in steps:
                end = now + datetime.timedelta(seconds=float(seconds))
                stamps = [t.isoformat(timespec="milliseconds") + "Z" for t in (now, end)]
                out.write(f"case {i:04d},{activity},{','.join(stamps)}\n")
                now = end
    return path


def spc(log, *options):
    return casebox.json("analyze", "spc", "--log", log, *options)


def check_documented(document, page_section):
    """Every key of a document is named on the page of documents."""
    page = (ROOT / "docs" / "formats" / "json.md").read_text()
    section = page.split(f"\n## {page_section}\n")[1].split("\n## ")[0]
    known = set(re.findall(r"[a-z0-9_]+", " ".join(re.findall(r"`([^`]*)`", section))))

    def keys(value):
        if isinstance(value, dict):
            for key, inner in value.items():
                yield key
                yield from keys(inner)
        elif isinstance(value, list):
            for inner in value:
                yield from keys(inner)

    missing = sorted(set(keys(document)) - known)
    expect(not missing, f"keys that docs/formats/json.md does not name: {missing}")


def individuals():
    print("== XmR and EWMA")
    flow = [49.6, 47.6, 49.9, 51.3, 47.8, 51.2, 52.6, 52.4, 53.6, 52.1]  # NIST/SEMATECH 6.3.2.2
    chart = spc(write_log("flow.csv", [[("flow", v)] for v in flow]), "--measure", "phase:flow",
                "--linear-scale")["charts"][0]
    close(chart["centre"], 50.81, "NIST centre", 1e-9)
    close(chart["points"][0]["lower"], 45.8159, "NIST lower limit", 2e-6)
    close(chart["points"][0]["upper"], 55.8041, "NIST upper limit", 2e-6)

    rng = np.random.default_rng(5)
    x = np.round(rng.lognormal(6, .4, 60), 3)
    log = write_log("durations.csv", [[("a", v / 2), ("b", v / 2)] for v in x])
    x = np.array([2 * round(v / 2, 3) for v in x])
    document = spc(log, "--rules", "shewhart", "--baseline", 40, "--linear-scale")
    check_documented(document, "analyze")
    xmr, ranges = document["charts"]
    mr = np.abs(np.diff(x[:40])).mean()
    close(xmr["centre"], x[:40].mean(), "mean", 1e-5)
    close(xmr["points"][50]["upper"], x[:40].mean() + 3 * mr / D2, "XmR limit", 1e-5)
    close(ranges["points"][0]["upper"], 3.267 * mr, "range limit", 1e-5)
    outside = [i for i, v in enumerate(x) if abs(v - x[:40].mean()) > 3 * mr / D2]
    expect(outside == [i for i, p in enumerate(xmr["points"]) if p["signals"]], "points beyond 3 sigma differ")
    close(xmr["false_alarms"]["average_run_length"], 1 / (2 * stats.norm.sf(3)), "run length of XmR")
    close(ranges["false_alarms"]["per_point"], 2 * stats.norm.sf(3.267 * D2 / math.sqrt(2)), "of ranges")

    # Times are charted by their logarithms unless somebody says otherwise.
    logs = spc(log, "--rules", "shewhart", "--baseline", 40)["charts"][0]
    y = np.log(x[:40])
    spread = np.abs(np.diff(y)).mean() / D2
    close(logs["centre"], math.exp(y.mean()), "geometric mean", 1e-5)
    close(logs["points"][50]["upper"], math.exp(y.mean() + 3 * spread), "XmR limit of logarithms", 1e-5)
    close(logs["points"][50]["lower"], math.exp(y.mean() - 3 * spread), "lower limit of logarithms", 1e-5)

    lam, width = .3, 2.7
    chart = spc(log, "--chart", "ewma", "--lambda", lam, "--width", width, "--linear-scale")["charts"][0]
    sigma, z = np.abs(np.diff(x)).mean() / D2, x.mean()
    for i, (value, point) in enumerate(zip(x, chart["points"], strict=True)):
        z = lam * value + (1 - lam) * z
        half = width * sigma * math.sqrt(lam / (2 - lam) * (1 - (1 - lam) ** (2 * i + 2)))
        close(point["value"], z, "EWMA", 1e-5)
        close(point["upper"] - point["lower"], 2 * half, "EWMA limits", 1e-5)
    close(chart["false_alarms"]["average_run_length"], ewma_run_length(lam, width), "run length of EWMA", 2e-3)


def ewma_run_length(lam, width):
    """Backwards from the asymptote, by Gauss-Legendre quadrature between the limits of each point."""
    nodes, weights = np.polynomial.legendre.leggauss(80)
    half = width * math.sqrt(lam / (2 - lam))

    def kernel(z, u):
        return stats.norm.pdf((u[None, :] - (1 - lam) * z[:, None]) / lam) / lam

    far, limit = nodes * half, half
    length = np.linalg.solve(np.eye(80) - kernel(far, far) * (weights * half), np.ones(80))
    for i in range(149, -1, -1):  # from the limit of point i + 1 to that of point i
        before = half * math.sqrt(1 - (1 - lam) ** (2 * i))
        length = 1 + kernel(nodes * before, nodes * limit) @ (weights * limit * length)
        limit = before
    return length[0]  # before the first point there is only the centre


def counts():
    print("== p, u and c")
    rng = random.Random(3)
    cases = [[("cut", rng.randrange(300, 900))] + [("bleed", 5)] * (rng.random() < .3) +
             [("clip", 4)] * rng.randrange(9) for _ in range(200)]
    log = write_log("counts.csv", cases)
    bleeds = np.array([any(a == "bleed" for a, _ in c) for c in cases])
    clips = np.array([sum(a == "clip" for a, _ in c) for c in cases])
    hours = np.array([sum(s for _, s in c) for c in cases]) / 3600

    chart = spc(log, "--chart", "p", "--measure", "has:bleed", "--subgroup", 8)["charts"][0]
    p = bleeds.mean()
    upper, lower = p + 3 * math.sqrt(p * (1 - p) / 8), max(0, p - 3 * math.sqrt(p * (1 - p) / 8))
    close(chart["centre"], p, "p")
    close(chart["points"][3]["upper"], upper, "p limit")
    close(chart["points"][3]["value"], bleeds[24:32].mean(), "p point")
    outside = stats.binom.sf(math.floor(8 * upper), 8, p) + stats.binom.cdf(math.ceil(8 * lower) - 1, 8, p)
    close(chart["false_alarms"]["per_point"], outside, "false alarms of p")
    close(chart["false_alarms"]["within_these_points"], 1 - (1 - outside) ** 25, "in 25 points")

    chart = spc(log, "--chart", "c", "--measure", "count:clip")["charts"][0]
    c = clips.mean()
    close(chart["points"][0]["upper"], c + 3 * math.sqrt(c), "c limit")
    close(chart["false_alarms"]["per_point"], stats.poisson.sf(math.floor(c + 3 * math.sqrt(c)), c), "of c")

    chart = spc(log, "--chart", "u", "--measure", "count:clip")["charts"][0]
    u = clips.sum() / hours.sum()
    close(chart["centre"], u, "u")
    uppers = u + 3 * np.sqrt(u / hours)
    lowers = np.maximum(0, u - 3 * np.sqrt(u / hours))
    close(chart["points"][7]["upper"], uppers[7], "u limit")
    outside = (stats.poisson.sf(np.floor(uppers * hours), u * hours) +
               stats.poisson.cdf(np.ceil(lowers * hours) - 1, u * hours))
    close(chart["false_alarms"]["per_point"], outside.mean(), "false alarms of u", 1e-6)


def rare():
    print("== g and t")
    rng = np.random.default_rng(8)
    has = rng.random(900) < .04
    days = np.cumsum(rng.exponential(2, 900))
    log = write_log("rare.csv", [[("cut", 60)] + [("leak", 5)] * bool(h) for h in has], days.tolist())
    at = np.flatnonzero(has)
    gaps = np.diff(at) - 1
    chart = spc(log, "--chart", "g", "--measure", "has:leak")["charts"][0]
    expect([p["value"] for p in chart["points"]] == gaps.tolist(), "gaps differ")
    p = 1 / (1 + gaps.mean())
    # SciPy's geometric counts the trial of the event too.
    upper = stats.geom.isf(.00135, p) - 1
    close(chart["points"][0]["upper"], upper, "g limit")
    close(chart["false_alarms"]["per_point"], stats.geom.sf(upper + 1, p), "false alarms of g")

    chart = spc(log, "--chart", "t", "--measure", "has:leak")["charts"][0]
    y = np.diff(days[at]) ** (1 / 3.6)
    sigma = np.abs(np.diff(y)).mean() / D2
    close(chart["centre"], y.mean() ** 3.6, "t centre", 1e-6)
    close(chart["points"][0]["upper"], (y.mean() + 3 * sigma) ** 3.6, "t limit", 1e-6)
    power = stats.weibull_min(3.6)  # an exponential to the power 1/3.6
    outside = power.sf(power.mean() + 3 * power.std()) + power.cdf(power.mean() - 3 * power.std())
    close(chart["false_alarms"]["per_point"], outside, "false alarms of t", 1e-9)


def funnel():
    print("== funnel")
    rng = np.random.default_rng(2)
    cases, groups = [], []
    for room in range(14):
        share = .1 + .02 * (room % 7)
        for _ in range(25 + 10 * room):
            cases.append([("cut", 60)] + [("leak", 5)] * bool(rng.random() < share))
            groups.append(f"R{room:02d}")
    log, table = write_log("funnel.csv", cases), work / "groups.csv"
    table.write_text("case,group\n" + "".join(f"case {i:04d},{g}\n" for i, g in enumerate(groups)))
    events = {g: [0, 0] for g in sorted(set(groups))}
    for case, group in zip(cases, groups):
        events[group][0] += len(case) > 1
        events[group][1] += 1
    k, n = np.array(list(events.values())).T
    target = k.sum() / n.sum()

    def limit(p, size):
        r = stats.binom.ppf(p, size, target)
        r += stats.binom.cdf(r, size, target) <= p
        at = stats.binom.cdf(r, size, target)
        return (r - (at - p) / (at - stats.binom.cdf(r - 1, size, target))) / size

    options = ["--chart", "funnel", "--measure", "has:leak", "--groups", table]
    ours = spc(log, *options, "--dispersion", "none")
    check_documented(ours, "analyze")
    ours = ours["funnel"]
    s = np.sqrt(target * (1 - target) / n)
    z = stats.mstats.winsorize((k / n - target) / s, limits=(.1, .1))
    close(ours["phi"], (z ** 2).mean(), "phi")
    w = 1 / s ** 2
    tau2 = ((z ** 2).sum() - (len(n) - 1)) / (w.sum() - (w ** 2).sum() / w.sum())
    close(ours["tau"], math.sqrt(max(0, tau2)), "tau")
    for i, group in enumerate(ours["groups"]):
        close(group["limits95"][0], limit(.025, n[i]), "funnel 95 low")
        close(group["limits95"][1], limit(.975, n[i]), "funnel 95 high")
        close(group["limits998"][1], limit(.999, n[i]), "funnel 99.8 high")


def cusum():
    print("== RA-CUSUM")
    rng = random.Random(4)
    risks = [round(rng.uniform(.02, .3), 3) for _ in range(12)]
    has = [rng.random() < .3 for _ in risks]
    log = write_log("cusum.csv", [[("cut", 60)] + [("leak", 5)] * h for h in has])
    table = work / "risks.csv"
    table.write_text("case,risk\n" + "".join(f"case {i:04d},{r}\n" for i, r in enumerate(risks)))
    options = ["--chart", "racusum", "--measure", "has:leak", "--risks", table]
    document = spc(log, *options)
    check_documented(document, "analyze")
    chart, vlad = document["charts"]
    expect(vlad["display_only"] and vlad["kind"] == "vlad", "VLAD is for display")
    close(vlad["points"][-1]["value"], sum(risks) - sum(has), "VLAD")
    weight = [(math.log(1 / (1 + r)), math.log(2 / (1 + r))) for r in risks]
    highest = []
    for outcome in itertools.product((0, 1), repeat=12):
        s, top, p = 0.0, 0.0, 1.0
        for o, r, w in zip(outcome, risks, weight):
            s = max(0.0, s + w[o])
            top, p = max(top, s), p * (r if o else 1 - r)
        highest.append((top, p))
    limit = chart["points"][0]["upper"]
    close(chart["false_alarms"]["within_these_points"], sum(p for t, p in highest if t > limit + 1e-9),
          "false alarm of the exact limit")
    expect(sum(p for t, p in highest if t > limit - 1e-9) > .05, "a lower limit would have done")

    golden = spc(log, "--chart", "racusum", "--measure", "has:leak", "--risk", .1)["charts"][0]
    expect(len(golden["points"]) == 12, "cases")
    run = spc(log, *options, "--run-length", 300)["charts"][0]
    close(run["false_alarms"]["average_run_length"], 300, "run length", 1e-4)
    states, h = 600, run["points"][0]["upper"]
    p = np.zeros((states, states))
    for r, w in zip(risks, weight):
        for step, share in zip(w, (1 - r, r)):
            at = step * states / h
            low = math.floor(at)
            for to, part in ((low, 1 - (at - low)), (low + 1, at - low)):
                for i in range(states):
                    if i + to < states:
                        p[i, max(i + to, 0)] += share * part / len(risks)
    close(run["false_alarms"]["average_run_length"],
          np.linalg.solve(np.eye(states) - p, np.ones(states))[0], "Markov chain", 1e-8)


def timing():
    print("== timing")
    rng = np.random.default_rng(6)
    x = np.round(rng.lognormal(5, .5, 25), 3)
    row = casebox.json("analyze", "timing", "--log", write_log("timing.csv", [[("a", v)] for v in x]))["phases"][0]
    close(row["median_s"], np.median(x), "median")
    close(row["mad_s"], stats.median_abs_deviation(x), "MAD")
    close(row["mean_s"], x.mean(), "mean")
    i, j = np.triu_indices(25)
    close(row["hl_s"], np.median((x[i] + x[j]) / 2), "Hodges-Lehmann")
    close(row["log_hl_s"], math.exp(np.median((np.log(x[i]) + np.log(x[j])) / 2)), "on logarithms", 1e-8)
    low, high = row["ci95_s"]
    for inside, outside in ((low + 1e-4, low - 1e-4), (high - 1e-4, high + 1e-4)):
        expect(stats.wilcoxon(x - inside, method="exact").pvalue > .05, "the interval is too wide")
        expect(stats.wilcoxon(x - outside, method="exact").pvalue <= .05, "the interval is too narrow")
    k = int(stats.binom.ppf(.025, 25, .5))
    if stats.binom.cdf(k, 25, .5) > .025:
        k -= 1
    ordered = np.sort(x)
    close(row["median_ci95_s"][0], ordered[k], "sign test, low")
    close(row["median_ci95_s"][1], ordered[24 - k], "sign test, high")


def diversity():
    print("== diversity")
    shares = [60, 25, 12, 6, 3, 1, 1, 1, 2, 2]
    variants = [["a"] + [c] * (i + 1) for i, c in enumerate("bcdefghijk")]
    cases = [[(a, 10) for a in v] for v, times in zip(variants, shares) for _ in range(times)]
    random.Random(1).shuffle(cases)
    log = write_log("diversity.csv", cases)
    document = casebox.json("analyze", "diversity", "--log", log, "--size", 50)
    check_documented(document, "analyze")
    x = np.array(shares)
    n = x.sum()
    p = x / n
    close(document["hill"]["q0"], len(x), "q 0")
    close(document["hill"]["q1"], math.exp(stats.entropy(p)), "q 1")
    close(document["hill"]["q2"], 1 / (p ** 2).sum(), "q 2")
    f1, f2 = (x == 1).sum(), (x == 2).sum()
    close(document["coverage"], 1 - f1 / n * (n - 1) * f1 / ((n - 1) * f1 + 2 * f2), "coverage")
    at = document["estimates"][1]
    close(at["hill"]["q0"], (1 - stats.hypergeom.pmf(0, n, x, 50)).sum(), "rarefied q 0")
    seen = np.arange(1, 51)
    expected = sum(stats.hypergeom.pmf(seen, n, v, 50) for v in x)
    close(at["hill"]["q1"], math.exp(-(expected * seen / 50 * np.log(seen / 50)).sum()), "rarefied q 1")
    close(at["hill"]["q2"], 1 / (expected * (seen / 50) ** 2).sum(), "rarefied q 2")
    missing = sum(v / n * math.exp(special.gammaln(n - v + 1) - special.gammaln(n - v - 50 + 1) -
                                   special.gammaln(n) + special.gammaln(n - 50)) for v in x if n - v >= 50)
    close(at["coverage"], 1 - missing, "rarefied coverage")
    low, high = proportion_confint(60, n, method="beta")
    close(document["monoculture"]["interval"][0], low, "Clopper-Pearson low")
    close(document["monoculture"]["interval"][1], high, "Clopper-Pearson high")

    def similarity(a, b):
        row = list(range(len(b) + 1))
        for i, one in enumerate(a):
            before, row[0] = row[0], i + 1
            for j, two in enumerate(b):
                before, row[j + 1] = row[j + 1], min(before + (one != two), row[j] + 1, row[j + 1] + 1)
        return 1 - row[-1] / max(len(a), len(b))

    ordinary = np.array([[similarity(a, b) for b in variants] for a in variants]) @ p
    close(document["similarity_sensitive"]["q1"], math.exp(-(p * np.log(ordinary)).sum()), "Leinster-Cobbold")
    close(document["similarity_sensitive"]["q2"], 1 / (p * ordinary).sum(), "Leinster-Cobbold, q 2")

    trend = document["trend"]
    windows = np.array([math.log(w["diversity"]) for w in trend["windows"]])
    close(trend["slope"], stats.linregress(np.arange(len(windows)), windows).slope, "slope")
    expect(len(windows) == 5 and trend["left_over_cases"] == 13, "five windows of 20 of 113 cases")
    expect(trend["answer"] == "no_change_detected", "shuffled cases have no trend")
    again = casebox.json("analyze", "diversity", "--log", log, "--size", 50)
    expect(again == document, "the same seed gives the same document")


def narrowing():
    print("== is practice narrowing?")
    rng = random.Random(9)
    cases = []
    for i in range(200):
        usual = .2 + .75 * i / 199
        cases.append([("a", 10), ("usual" if rng.random() < usual else f"way {rng.randrange(6)}", 10)])
    ours = casebox.json("analyze", "diversity", "--log", write_log("narrowing.csv", cases))["trend"]
    expect(ours["answer"] == "narrowing" and ours["ratio_interval"][1] < 1, f"planted narrowing: {ours}")
    turned = casebox.json("analyze", "diversity", "--log", write_log("widening.csv", cases[::-1]))["trend"]
    expect(turned["answer"] == "widening" and turned["ratio_interval"][0] > 1, f"planted widening: {turned}")
    few = casebox.json("analyze", "diversity", "--log", write_log("few.csv", cases[:40]))["trend"]
    expect(few["answer"] == "cannot_say" and "windows" in few["reasons"][0], f"40 cases: {few}")
    # Times inside the case only, as annotation files have them.
    undated = work / "undated.csv"
    with open(undated, "w") as out:
        out.write("case,activity,start,end\n")
        for i, steps in enumerate(cases):
            for k, (activity, seconds) in enumerate(steps):
                out.write(f"case {i},{activity},{10 * k},{10 * k + seconds}\n")
    document = casebox.json("analyze", "diversity", "--log", undated)
    expect(document["trend"]["answer"] == "cannot_say", "without dates nothing can be said")
    expect(document["trend"]["reasons"] == ["these files carry no dates"], document["trend"]["reasons"])
    text = casebox.run("analyze", "diversity", "--log", undated).stdout
    expect("Is practice narrowing? cannot say: these files carry no dates." in text, text)
    for kind, measure in (("xmr", "duration"), ("racusum", "has:usual"), ("c", "count:usual")):
        options = ["--chart", kind, "--measure", measure, "--risk", ".5"]
        unknown, asked = spc(undated, *options), spc(undated, *options, "--file-order")
        expect(unknown["case_order"] == "unknown" and asked["case_order"] == "file", f"order of {kind}")
        expect("no dates" in unknown["charts"][0]["reasons"][0], f"{kind} of cases in no order")
        expect(unknown["charts"][0]["points"][0]["upper"] is None, f"{kind}: a limit without an order")
        expect(len(unknown["charts"][0]["points"]) == 200, f"{kind} keeps its points")
        if kind != "xmr":  # all cases last equally long
            expect(asked["charts"][0]["points"][0]["upper"] is not None, f"{kind} in the order of the file")
    chart = spc(undated, "--chart", "t", "--measure", "has:usual", "--file-order")["charts"][0]
    expect("no dates" in chart["reasons"][0] and chart["points"] == [], "a t chart needs dates")


def departures():
    data = data_dir()
    folder_of_logs = data and data / "process_logs" / "public_logs"
    if not folder_of_logs or not folder_of_logs.is_dir():
        print("no public logs here: departures are passed over")
        return
    print("== departures")
    log, model = folder_of_logs / "roadtraffic100traces.xes", folder_of_logs / "roadtraffic.pnml"
    chart = spc(log, "--measure", "departures", "--chart", "c", "--protocol", model)["charts"][0]
    cases = {case["case"]: case["certain"] for case in casebox.json("conform", "--model", model, "--log", log)["cases"]}
    expect(len(chart["points"]) == len(cases) == 100, "a point for each of 100 cases")
    for point in chart["points"]:
        expect(point["value"] == cases[point["first_case_id"]], f"{point}: {cases[point['first_case_id']]}")
    starts = [point["start"] for point in chart["points"]]
    expect(starts == sorted(starts) and starts[0], "cases stand in the order of their dates")


def refusals():
    print("== what is refused")
    log = write_log("small.csv", [[("a", 10)]] * 9)
    chart = spc(log)["charts"][0]
    expect(chart["points"][0]["upper"] is None and "at least 10" in chart["reasons"][0], "nine points")
    for options in (["--chart", "pie"], ["--measure", "speed"], ["--chart", "p"], ["--rules", "x"],
                    ["--chart", "funnel", "--measure", "has:a"], ["--baseline", "-1"],
                    ["--chart", "racusum", "--measure", "has:a"], ["--measure", "departures"]):
        one_line_error(casebox.run("analyze", "spc", "--log", log, *options, code=2))


individuals()
counts()
rare()
funnel()
cusum()
timing()
diversity()
narrowing()
departures()
refusals()
folder.cleanup()
print("ok")
