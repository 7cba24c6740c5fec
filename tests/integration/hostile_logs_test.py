"""hostile_logs_test.py CASEBOX

Logs, models and protocols made to hurt: each gives one clear line, or an honest result with its bounds, in
bounded memory and time, and never a crash. Everything is made here; large files are gzip members said again.
"""

import gzip
import json
import os
import pathlib
import resource
import subprocess
import sys
import tempfile

from support import Casebox, expect, one_line_error

casebox = Casebox(sys.argv[1])
MIB = 1 << 20
PEAK_MIB = 0


class Done:
    """A finished run with the most memory it held."""

    def __init__(self, args, peak_mib, seconds):
        global PEAK_MIB
        limit = lambda: resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
            process = subprocess.Popen([casebox.program, *map(str, args)], stdout=out, stderr=err,
                                       preexec_fn=limit)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            out.seek(0), err.seek(0)
            # No more than that: the kernel counts this process's own memory as that of the next child.
            self.stdout, self.stderr = out.read(32 * MIB), err.read(MIB)
        self.returncode, self.args = process.returncode, args
        self.mib = usage.ru_maxrss // 1024
        PEAK_MIB = max(PEAK_MIB, self.mib)
        took = usage.ru_utime + usage.ru_stime  # of the processor: the machine may have other work
        shown = " ".join(pathlib.Path(str(a)).name for a in args)
        print(f"   {self.mib:5} MiB {took:5.1f} s  exit {self.returncode}  {shown}")
        expect(self.returncode >= 0, f"{shown}: killed by signal {-self.returncode} after {took:.0f} s\n{self.stderr[-2000:]}")
        expect(self.mib <= peak_mib, f"{shown}: held {self.mib} MiB, {peak_mib} allowed")


def refused(*args, words=(), peak_mib=200, seconds=30):
    """The command gives one line with these words and exit code 2."""
    done = Done(args, peak_mib, seconds)
    expect(done.returncode == 2, f"{args}: exit code {done.returncode}, 2 expected\n{done.stderr[-1000:]}")
    one_line_error(done, *words)


def result(*args, peak_mib=200, seconds=30):
    """The command gives its document."""
    done = Done([*args, "--json"], peak_mib, seconds)
    expect(done.returncode == 0, f"{args}: exit code {done.returncode}\n{done.stderr[-1000:]}")
    return json.loads(done.stdout)


def repeated(path, head, piece, times, tail):
    """A gzip file of head, `times` pieces and tail: what is said again is compressed once."""
    member = gzip.compress(piece, 9)
    with open(path, "wb") as file:
        file.write(gzip.compress(head))
        for _ in range(times):
            file.write(member)
        file.write(gzip.compress(tail))
    expect(path.stat().st_size < 8 * MIB, f"{path.name} is not small")
    return path


def text(path, content):
    path.write_text(content)
    return path


def pnml(path, places, transitions, initial, final):
    """`transitions`: (label or None, places before, places after)."""
    lines = ['<pnml><net id="n"><page id="g">']
    for place in places:
        mark = "<initialMarking><text>1</text></initialMarking>" if place in initial else ""
        lines.append(f'<place id="{place}">{mark}</place>')
    arc = 0
    for i, (label, before, after) in enumerate(transitions):
        name = f"<name><text>{label}</text></name>" if label else ""
        lines.append(f'<transition id="t{i}">{name}</transition>')
        for source, target in [(p, f"t{i}") for p in before] + [(f"t{i}", p) for p in after]:
            lines.append(f'<arc id="a{arc}" source="{source}" target="{target}"/>')
            arc += 1
    lines.append("</page><finalmarkings><marking>")
    lines += [f'<place idref="{p}"><text>1</text></place>' for p in final]
    lines.append("</marking></finalmarkings></net></pnml>")
    return text(path, "\n".join(lines))


def small_log(work, activities="abc", cases=2):
    rows = ["case,activity"] + [f"c{c},{a}" for c in range(cases) for a in activities]
    return text(work / "small.csv", "\n".join(rows) + "\n")


def small_net(work):
    return pnml(work / "small.pnml", ["p", "q", "r"], [("a", ["p"], ["q"]), ("b", ["q"], ["r"])], ["p"], ["r"])


def xml_bombs(work):
    print("== XML: deep, and entities")
    log, net = small_log(work), small_net(work)
    deep = "<log>" + "<a>" * 300000
    refused("conform", "--model", net, "--log", text(work / "deep.xes", deep), words=["256 levels"])
    for kind in ("pnml", "bpmn"):
        nested = text(work / f"deep.{kind}", "<pnml>" + "<a>" * 300000 + "</a>" * 300000 + "</pnml>")
        refused("conform", "--model", nested, "--log", log, words=["1000 levels"])
    laughs = '<!DOCTYPE l [<!ENTITY a0 "ha">' + "".join(
        f'<!ENTITY a{i} "{f"&a{i - 1};" * 10}">' for i in range(1, 12)) + "]>"
    bomb = laughs + '<log><trace><event><string key="concept:name" value="&a11;"/></event></trace></log>'
    refused("conform", "--model", net, "--log", text(work / "bomb.xes", bomb), words=["entity"])
    body = '<pnml><net id="n"><place id="p"/><transition id="t"><name><text>&a11;</text></name></transition></net></pnml>'
    refused("conform", "--model", text(work / "bomb.pnml", laughs + body), "--log", log, words=["entity"])
    body = '<definitions><process id="p"><task id="t" name="&a11;"/></process></definitions>'
    refused("conform", "--model", text(work / "bomb.bpmn", laughs + body), "--log", log, words=["entity"])


def long_values(work):
    print("== values of a gigabyte")
    net, log = small_net(work), small_log(work)
    head = b'<log><trace><event><string key="concept:name" value="a"/><string key="k" value="'
    tail = b'"/></event></trace></log>'
    attribute = repeated(work / "attribute.xes.gz", head, b"x" * (16 * MIB), 64, tail)
    refused("conform", "--model", net, "--log", attribute, words=["4 MiB"])
    comment = repeated(work / "comment.xes.gz", b"<log><!--", b"x" * (16 * MIB), 64, b"--></log>")
    refused("conform", "--model", net, "--log", comment, words=["4 MiB"])
    field = repeated(work / "field.csv.gz", b'case,activity\nc,"', b"x" * MIB, 100, b'"\n')
    refused("conform", "--model", net, "--log", field, words=["field.csv.gz:2", "1 MiB"])
    header = repeated(work / "header.csv.gz", b"case,activity", b",x" * MIB, 50, b"\n")
    refused("conform", "--model", net, "--log", header, words=["4096 fields"])
    model = repeated(work / "large.pnml", b"<pnml>", b" " * MIB, 100, b"</pnml>")
    refused("conform", "--model", model, "--log", log, words=["larger"], peak_mib=300)


def torn_files(work):
    print("== torn files")
    net = small_net(work)
    whole = gzip.compress(b'<log><trace><event><string key="concept:name" value="a"/></event></trace></log>' * 50)
    cut = work / "cut.xes.gz"
    cut.write_bytes(whole[: len(whole) // 2])
    refused("conform", "--model", net, "--log", cut, words=["cut.xes.gz"])
    rows = gzip.compress(("case,activity\n" + "c,a\n" * 50000).encode())
    cut_csv = work / "cut.csv.gz"
    cut_csv.write_bytes(rows[: len(rows) - 6])
    refused("conform", "--model", net, "--log", cut_csv, words=["cut.csv.gz"])
    noise = work / "noise.xes.gz"
    noise.write_bytes(os.urandom(100000))
    refused("conform", "--model", net, "--log", noise, words=["noise.xes.gz"])


def large_logs(work):
    print("== a million activities, a million events in one case")
    net = small_net(work)
    with gzip.open(work / "activities.csv.gz", "wt", 1) as file:
        file.write("case,activity\n")
        for case in range(1000):
            file.write("".join(f"c{case},x{case * 1000 + i}\n" for i in range(1000)))
    done = Done(["conform", "--model", net, "--log", work / "activities.csv.gz", "--limit", 1], 1536, 60)
    expect(done.returncode == 0 and "0 of 1000 cases follow" in done.stdout, f"{done.stdout[:1000]}")
    with gzip.open(work / "more.csv.gz", "wt", 1) as file:
        file.write("case,activity\n" + "".join(f"c,x{i}\n" for i in range(1000002)))
    refused("conform", "--model", net, "--log", work / "more.csv.gz", words=["activities"], peak_mib=1024)
    # One case that never leaves the net's loop, and does what the net does not know.
    loop = pnml(work / "loop.pnml", ["p", "q", "r"],
                [("a", ["p"], ["q"]), ("b", ["q"], ["p"]), ("end", ["q"], ["r"])], ["p"], ["r"])
    events = repeated(work / "events.csv.gz", b"case,activity\n", b"c,a\nc,b\n" * 5000, 100, b"c,a\nc,end\n")
    document = result("conform", "--model", loop, "--log", events, peak_mib=2048)
    expect(document["cases"][0]["cost"] == 0 and document["log"]["events"] == 1000002, "a long case that fits")
    alien = repeated(work / "alien.csv.gz", b"case,activity\n", b"c,a\nc,alien\n" * 5000, 100, b"c,end\n")
    document = result("conform", "--model", loop, "--log", alien, peak_mib=4096)
    case = document["cases"][0]
    expect(case["lower_bound"] <= case["cost"] <= 1000001 + 2, "no bounds")
    expect(case["exact"] or case["lower_bound"] < case["cost"], "neither exact nor bounded")


def models(work):
    print("== nets and processes")
    log = small_log(work)
    stuck = pnml(work / "stuck.pnml", ["p", "q", "r"], [("a", ["p"], ["q"]), ("b", ["q", "r"], ["r"])],
                 ["p"], ["r"])
    refused("conform", "--model", stuck, "--log", log, words=["stuck.pnml", "end cannot be reached"])
    unbounded = pnml(work / "unbounded.pnml", ["p", "q", "r"],
                     [("a", ["p"], ["p", "q"]), ("b", ["p", "q"], ["p", "q", "q"]), ("c", ["p"], ["r"])], ["p"], ["r"])
    document = result("conform", "--model", unbounded, "--log", log)
    expect(document["cases"][0]["exact"], "a small net that is not bounded has small cases")
    # Forty branches side by side, each of three steps: 4 to the 40th markings.
    places, transitions = ["begin", "end"], []
    for i in range(40):
        places += [f"p{i}_{k}" for k in range(4)]
        transitions += [(f"s{i}_{k}", [f"p{i}_{k}"], [f"p{i}_{k + 1}"]) for k in range(3)]
    transitions.append((None, ["begin"], [f"p{i}_0" for i in range(40)]))
    transitions.append((None, [f"p{i}_3" for i in range(40)], ["end"]))
    wide = pnml(work / "wide.pnml", places, transitions, ["begin"], ["end"])
    refused("conform", "--model", wide, "--log", log, words=["wide.pnml", "budget"], peak_mib=1024, seconds=60)
    # Eighteen steps in any order are too many to be explored beforehand, and few enough to be searched.
    places, transitions = ["begin", "end"], []
    for i in range(18):
        places += [f"p{i}_0", f"p{i}_1"]
        transitions.append((f"s{i}", [f"p{i}_0"], [f"p{i}_1"]))
    transitions.append((None, ["begin"], [f"p{i}_0" for i in range(18)]))
    transitions.append((None, [f"p{i}_1" for i in range(18)], ["end"]))
    many = pnml(work / "many.pnml", places, transitions, ["begin"], ["end"])
    steps = text(work / "steps.csv", "case,activity\n" + "".join(f"c,s{i}\n" for i in range(17)) + "d,s1\nd,x\n")
    if os.environ.get("CASEBOX_TEST_LONG"):
        document = result("conform", "--model", many, "--log", steps, peak_mib=1024, seconds=300)
        expect([c["cost"] for c in document["cases"]] == [1, 18], f"{[c['cost'] for c in document['cases']]}")
    document = result("conform", "--model", many, "--log", steps, "--budget", 300000, peak_mib=1024)
    expect(all(c["exact"] or c["lower_bound"] <= c["cost"] for c in document["cases"]), "bounds the wrong way round")
    flows = "".join(f'<sequenceFlow id="f{i}" sourceRef="{a}" targetRef="{b}"/>' for i, (a, b) in enumerate(
        [("s", "x"), ("x", "y"), ("y", "x"), ("y", "t"), ("t", "x"), ("y", "e")]))
    loops = text(work / "loops.bpmn", '<definitions><process id="p"><startEvent id="s"/><exclusiveGateway id="x"/>'
                 f'<exclusiveGateway id="y"/><task id="t" name="a"/><endEvent id="e"/>{flows}</process></definitions>')
    document = result("conform", "--model", loops, "--log", log)
    expect([c["cost"] for c in document["cases"]] == [2, 2], "a loop without a step")
    sub = "".join(f'<subProcess id="s{i}">' for i in range(200)) + "</subProcess>" * 200
    nested = text(work / "nested.bpmn", f'<definitions><process id="p"><task id="t" name="a"/>'
                  f'<sequenceFlow id="f" sourceRef="t" targetRef="s0"/>{sub}</process></definitions>')
    refused("conform", "--model", nested, "--log", log, words=["64 levels"])
    sinks = pnml(work / "sinks.pnml", ["p"] + [f"q{i}" for i in range(30000)],
                 [("a", ["p"], [f"q{i}"]) for i in range(30000)], ["p"], [])
    refused("conform", "--model", sinks, "--log", log, words=["sinks.pnml", "final marking"], peak_mib=400)
    for steps, fits in ((5000, True), (40000, False)):
        chain = pnml(work / "chain.pnml", [f"p{i}" for i in range(steps + 1)],
                     [("a", [f"p{i}"], [f"p{i + 1}"]) for i in range(steps)], ["p0"], [f"p{steps}"])
        if fits:
            document = result("conform", "--model", chain, "--log", log, peak_mib=1024)
            expect(document["cases"][0]["cost"] == steps - 1 + 2, f"a long chain: {document['cases'][0]['cost']}")
        else:
            refused("conform", "--model", chain, "--log", log, words=["chain.pnml", "budget"], peak_mib=1024)


def protocols(work):
    print("== protocol files")
    begin = "id: p\nversion: 1.0.0\nsteps: [{id: a}]\n"
    deep = text(work / "deep.yaml", begin + "flow: " + "{optional: " * 20000 + "{step: a}" + "}" * 20000)
    refused("protocol", "lint", deep, words=["deep.yaml"])
    brackets = text(work / "brackets.yaml", "[" * 500000)
    refused("protocol", "lint", brackets, words=["brackets.yaml"])
    blocks = text(work / "blocks.yaml", "\n".join(" " * i + "a:" for i in range(1200)))
    refused("protocol", "lint", blocks, words=["blocks.yaml"])
    laughs = "a0: &a0 {step: a}\n" + "".join(
        f"a{i}: &a{i} {{sequence: [{', '.join([f'*a{i - 1}'] * 10)}]}}\n" for i in range(1, 12))
    bomb = text(work / "bomb.yaml", begin + laughs + "flow: *a11\n")
    refused("protocol", "lint", bomb, words=["bomb.yaml"])
    inline = "&a0 {step: a}"
    for i in range(1, 12):
        inline = f"&a{i} {{sequence: [{inline}" + f", *a{i - 1}" * 9 + "]}"
    bomb = text(work / "bomb2.yaml", begin + f"flow: {inline}\n")
    refused("protocol", "lint", bomb, words=["bomb2.yaml", "100000"])
    large = text(work / "large.yaml", begin + "notes: " + "x" * (2 * MIB))
    refused("protocol", "lint", large, words=["large.yaml", "larger"])
    ids = [f"s{i}" for i in range(3000)]
    wide = text(work / "wide.yaml", "id: p\nversion: 1.0.0\nsteps: [" + ", ".join(f"{{id: {i}}}" for i in ids) +
                "]\nflow: {any_order: [" + ", ".join(f"{{step: {i}}}" for i in ids) + "]}\n")
    done = Done(["protocol", "lint", wide, "--json"], 2048, 60)
    expect(done.returncode == 1 and "too_large" in done.stdout, f"lint of a wide norm: {done.stdout[-500:]}")
    log = small_log(work)
    refused("conform", "--model", wide, "--log", log, words=["wide.yaml", "budget"], peak_mib=2048, seconds=60)


with tempfile.TemporaryDirectory() as temporary:
    for test in [t for t in (xml_bombs, long_values, torn_files, large_logs, models, protocols) if len(sys.argv) < 3 or t.__name__ in sys.argv[2:]]:
        folder = pathlib.Path(temporary) / test.__name__
        folder.mkdir()
        test(folder)
print(f"passed; the most held at once was {PEAK_MIB} MiB")
