"""log_matrix_test.py CASEBOX

One event log in the forms in which process-mining programs export it (bupaR, Disco, Celonis, ProM, pm4py), made here:
each gives the same activities, the same passages between them and the same waits, which are those that pm4py finds in
the log. What cannot be read as such a log is refused by what it is; what only half says so is not judged.
"""

import datetime
import gzip
import pathlib
import sys
import tempfile

from support import Casebox, expect, one_line_error, with_packages

with_packages("pandas", "pm4py")

import pandas  # noqa: E402
import pm4py  # noqa: E402

casebox = Casebox(sys.argv[1])

BEGIN = datetime.datetime(2014, 10, 22, 11, 15, 41)
STEPS = ["Register", "Examine thoroughly", "Decide", "Pay"]


def canonical():
    """(case, activity, start, end, resource, instance); times are whole seconds."""
    rows, n = [], 0
    for case in range(12):
        t = BEGIN + datetime.timedelta(days=case, seconds=case)
        steps = STEPS if case % 3 else [STEPS[0], STEPS[2], STEPS[1], STEPS[3]]
        for i, step in enumerate(steps[:3 + case % 2]):
            n += 1
            end = t + datetime.timedelta(seconds=95 + 7 * i)
            rows.append((f"case {case}", step, t, end, f"R{i}", str(n)))
            t = end + datetime.timedelta(seconds=600 + 61 * i + case)
    return rows


ROWS = canonical()
ISO = "%Y-%m-%dT%H:%M:%S.000Z"


def text(header, rows, separator=","):
    return separator.join(header) + "\n" + "".join(separator.join(map(str, row)) + "\n" for row in rows)


def moments(written, header=("case_id", "activity", "timestamp"), order=1, separator=","):
    return text(header, [(c, a, written(e)) for c, a, _, e, _, _ in ROWS[::order]], separator)


def intervals(header, written, separator=",", more=()):
    return text([*header, *more], [(c, a, written(s), written(e), *([r] if more else [])) for c, a, s, e, r, _ in ROWS],
                separator)


def lifecycles(begin, end, header=("case_id", "activity", "timestamp", "lifecycle_id", "activity_instance_id")):
    rows = []
    for c, a, s, e, _, n in ROWS:
        rows += [(c, a, s.strftime(ISO), begin, n), (c, a, e.strftime(ISO), end, n)]
    return text(header, rows)


def xes(namespace="", version="", lifecycle=("start", "complete"), intervals_too=True):
    lines = [f'<?xml version="1.0" encoding="UTF-8"?>\n<log {version} {namespace}>']
    for case in dict.fromkeys(row[0] for row in ROWS):
        lines.append(f'<trace><string key="concept:name" value="{case}"/>')
        for c, a, s, e, r, n in ROWS:
            if c != case:
                continue
            for t, kind in ((s, lifecycle[0]), (e, lifecycle[1])):
                if kind == lifecycle[0] and not intervals_too:
                    continue
                lines.append(f'<event><string key="concept:name" value="{a}"/><date key="time:timestamp" '
                             f'value="{t.strftime(ISO)}"/><string key="org:resource" value="{r}"/>'
                             + (f'<string key="lifecycle:transition" value="{kind}"/>' if kind else "")
                             + f'<string key="concept:instance" value="{n}"/></event>')
        lines.append("</trace>")
    return "\n".join(lines + ["</log>"])


def forms():
    """(name, file name, bytes, options, whether it tells starts too)"""
    out = []

    def form(name, file, data, *options, both=False):
        out.append((name, file, data if isinstance(data, bytes) else data.encode(), options, both))

    stamp = lambda w: lambda t: t.strftime(w)  # noqa: E731
    for name, written in (("ISO 8601", ISO), ("Disco", "%Y/%m/%d %H:%M:%S.000"), ("blank", "%Y-%m-%d %H:%M:%S"),
                          ("offset", "%Y-%m-%dT%H:%M:%S+00:00"), ("month's name", "%d-%b-%Y %H:%M:%S"),
                          ("day first", "%d.%m.%Y %H:%M:%S"), ("month first", "%m/%d/%Y %H:%M:%S"),
                          ("AM and PM", "%m/%d/%Y %I:%M:%S %p")):
        form(f"times as {name}", "a.csv", moments(stamp(written)))
    for per, unit in ((1, "s"), (1000, "ms"), (10**6, "us")):
        form(f"{unit} since 1970", "a.csv", moments(lambda t, p=per: int((t - datetime.datetime(1970, 1, 1))
                                                                         .total_seconds() * p)))
    form("newest first", "a.csv", moments(stamp("%Y/%m/%d %H:%M:%S"), order=-1))
    form("newest first, AM and PM", "a.csv", moments(stamp("%m/%d/%Y %I:%M:%S %p"), order=-1))
    form("decimal comma", "a.csv", moments(lambda t: f"{(t - BEGIN).total_seconds():.1f}".replace(".", ","),
                                           separator=";"))
    form("pm4py", "a.csv", moments(stamp("%Y-%m-%d %H:%M:%S+00:00"), ("case:concept:name", "concept:name",
                                                                       "time:timestamp")))
    form("Celonis", "a.csv", moments(stamp("%Y-%m-%d %H:%M:%S"), ("_CASE_KEY", "ACTIVITY_EN", "EVENTTIME")))
    form("ProM", "a.csv", intervals(("case", "event", "startTime", "completeTime"), stamp("%Y/%m/%d %H:%M:%S.000")),
         both=True)
    form("Disco's own", "a.csv", intervals(("Case ID", "Activity", "Start Timestamp", "Complete Timestamp"),
                                           stamp("%Y/%m/%d %H:%M:%S.000"), more=("Resource",)), both=True)
    form("tab", "a.tsv", intervals(("case_id", "activity", "start_timestamp", "end_timestamp"), stamp(ISO), "\t"),
         both=True)
    form("semicolon, .txt", "a.txt", moments(stamp(ISO), separator=";"))
    form("bupaR", "a.csv", lifecycles("start", "complete"), both=True)
    form("lifecycles in capitals", "a.csv", lifecycles("START", "COMPLETE"), both=True)
    form("Started and Completed", "a.csv", lifecycles("Started", "Completed"), both=True)
    form("begin and end", "a.csv", lifecycles("begin", "end"), both=True)
    form("gzip", "a.csv.gz", gzip.compress(moments(stamp(ISO)).encode()))
    form("byte order mark", "a.csv", moments(stamp(ISO)).encode("utf-8-sig"))
    form("UTF-16", "a.txt", moments(stamp(ISO), separator="\t").encode("utf-16"))
    form("CRLF", "a.csv", moments(stamp(ISO)).replace("\n", "\r\n"))
    form("mapped", "a.csv", moments(stamp(ISO), ("nr", "what", "when")), "--columns", "case=nr", "activity=what",
         "time=when")
    form("XES", "a.xes", xes(version='xes.version="1.0"'), both=True)
    form("XES of a namespace", "a.xes", xes('xmlns="http://www.xes-standard.org/"'), both=True)
    form("XES, .xml", "a.xml", xes(version='xes.version="2.0"'), both=True)
    form("XES of ends only", "a.xes", xes(intervals_too=False))
    form("XES without lifecycles", "a.xes", xes(lifecycle=("x", ""), intervals_too=False))
    form("XES, gzip", "a.xes.gz", gzip.compress(xes().encode()), both=True)
    return out


def by_pm4py(both):
    """Activities and passages of the canonical log, and the mean waits of its rows."""
    frame = pandas.DataFrame([{"case:concept:name": c, "concept:name": a, "time:timestamp": e,
                               "start_timestamp": s if both else e} for c, a, s, e, _, _ in ROWS])
    for column in ("time:timestamp", "start_timestamp"):
        frame[column] = pandas.to_datetime(frame[column], utc=True)
    graph, starts, ends = pm4py.discover_dfg(frame)
    waits = {}  # from the end of one to the beginning, or the only time, of the next
    for (c, a, _, e, _, _), (d, b, s, f, _, _) in zip(ROWS, ROWS[1:]):
        if c == d:
            waits.setdefault((a, b), []).append(((s if both else f) - e).total_seconds())
    counts = frame["concept:name"].value_counts().to_dict()
    return counts, dict(graph), dict(starts), dict(ends), {k: sum(v) / len(v) for k, v in waits.items()}


def ours(file, options):
    document = casebox.json("analyze", "dfg", "--log", file, *options)
    return ({a["activity"]: a["count"] for a in document["activities"]},
            {(a["from"], a["to"]): a["count"] for a in document["arcs"]},
            {a["activity"]: a["count"] for a in document["starts"]},
            {a["activity"]: a["count"] for a in document["ends"]},
            {(a["from"], a["to"]): a["waits"]["mean_s"] for a in document["arcs"]})


def refusals():
    """(file name, text, words that say what it is and what to do)"""
    return [("a.jsonocel", '{"ocel:events":{"1":{"ocel:activity":"A"}}}', ("object-centric", "flatten")),
            ("a.json", '{"objectTypes":[],"eventTypes":[]}', ("object-centric", "flatten")),
            ("a.xml", "<log><object-types/></log>", ("object-centric", "flatten")),
            ("a.mxml", "<WorkflowLog><Process/></WorkflowLog>", ("MXML", "XES")),
            ("a.xes", "<pnml/>", ("process model", "--model")),
            ("a.csv", "PAR1\1", ("Parquet", "CSV")),
            ("a.csv", "case,activity,time\n1,A,yesterday\n1,B,today\n", ("a.csv:",))]


def not_judged(folder):
    """A step of which the log only says that it was planned is no step that was left out."""
    model = folder / "m.bpmn"
    model.write_text("""<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"><process id="p">
        <startEvent id="s"/><task id="a" name="A"/><task id="b" name="B"/><endEvent id="e"/>
        <sequenceFlow id="1" sourceRef="s" targetRef="a"/><sequenceFlow id="2" sourceRef="a" targetRef="b"/>
        <sequenceFlow id="3" sourceRef="b" targetRef="e"/></process></definitions>""")
    log = folder / "planned.csv"
    log.write_text("case,activity,time,lifecycle\n1,A,2024-01-01T10:00:00Z,complete\n1,B,2024-01-01T10:01:00Z,schedule\n"
                   "2,A,2024-01-01T10:00:00Z,complete\n2,B,2024-01-01T10:01:00Z,schedule\n"
                   "2,B,2024-01-01T10:02:00Z,complete\n3,A,2024-01-01T10:00:00Z,complete\n")
    document = casebox.json("conform", "--model", model, "--log", log)
    expect([one["case"] for one in document["cases"]] == ["2", "3"], f"compared: {document['cases']}")
    expect(document["cases"][0]["cost"] == 0 and document["cases"][1]["certain"] == 1, f"{document['cases']}")
    left = document["log"]["not_compared"]
    expect(len(left) == 1 and left[0]["case"] == "1" and "neither start nor complete" in left[0]["reason"], f"{left}")


def main():
    every = forms()
    expect(len(every) >= 30, f"only {len(every)} forms")
    known = {both: by_pm4py(both) for both in (False, True)}
    with tempfile.TemporaryDirectory() as work:
        folder = pathlib.Path(work)
        for name, file, data, options, both in every:
            path = folder / file
            path.write_bytes(data)
            counts, graph, starts, ends, waits = ours(path, options)
            theirs = known[both]
            expect((counts, graph, starts, ends) == theirs[:4], f"{name}: {counts} {graph}, pm4py has {theirs[:2]}")
            worst = max(abs(waits[k] - theirs[4][k]) for k in graph)
            expect(worst < 1e-6, f"{name}: waits are {worst} s off")
            path.unlink()
        for file, content, words in refusals():
            path = folder / file
            path.write_text(content)
            line = one_line_error(casebox.run("analyze", "dfg", "--log", path, code=2), *words)
            expect(file in line, f"{file}: {line}")
        not_judged(folder)
    print(f"{len(every)} forms as pm4py reads the log; {len(refusals())} refusals")


main()
