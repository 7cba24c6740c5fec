"""documents_test.py CASEBOX

docs/formats/json.md and json_recorder.md against what the commands really print: every key that the page says is always there is
there, and no key stands in a document that the page does not name. Commands that need a broker are not run here.
"""

import json
import pathlib
import re
import shutil
import signal
import sys
import tempfile
import time

from support import ROOT, Casebox, expect

casebox = Casebox(sys.argv[1])
PAGE = ROOT / "docs/formats/json.md"
RECORDERS = ROOT / "docs/formats/json_recorder.md"
NEEDS_BROKER = {"forward", "topics", "cat"}
KEY = re.compile(r"^[a-z0-9_]+(\[\])?(\.[a-z0-9_]+(\[\])?)*$")
SOURCE_KEYS = set(re.findall(r"`([^`]+)`", re.search(r"^`sources\[\]` everywhere: (.*)$",
                                                    PAGE.read_text(encoding="utf-8"), re.MULTILINE).group(1)))
# Maps whose keys are data, not part of the contract.
FREE = re.compile(r"(^|\.)(config|values|labels)$")
SOURCES = re.compile(r"(^|\.)sources\[\](\.|$)")


def under(key, outer):
    return key.startswith(outer + ".")


class Section:
    """What the page says of one document: keys that must be there, keys that may."""

    def __init__(self):
        self.required, self.known, self.lines = set(), set(), []

    def read(self, sections):
        for line in self.lines:
            spans = [s for s in re.findall(r"`([^`]+)`", line) if KEY.match(s)]
            self.known.update(spans)
            # The keys a line begins with; behind them stand values and remarks.
            lead = re.match(r"((?:`[^`]+`(?:, | and |; )?)+)", line)
            keys = [s for s in re.findall(r"`([^`]+)`", lead.group(1))] if lead else []
            if lead and " `" in lead.group(1).replace(", `", ",`").replace("and `", "and`").replace("; `", ";`"):
                keys = keys[:1]  # `key` `value`: only the first is a key
            if "*(optional)*" not in line:
                self.required.update(k for k in keys if KEY.match(k))
            head = keys[0] if keys else ""
            nested = re.match(r"`([^`]+)` (?:\*\(optional\)\* )?`", line)
            if nested:  # `object` `key`, `key` ...: keys inside it
                self.known.update(f"{nested.group(1)}.{s}" for s in spans)
            for other in re.findall(r"as in `(\w+)`", line):  # `a`, `b[]` as in `show`
                self.known.update(k for k in sections[other].known for outer in spans if under(k, outer))
            for outer, inner, other in re.findall(r"`([^`]+)` as `([^`]+)` of `(\w+)`", line):
                names = SOURCE_KEYS if inner == "sources[]" else {
                    k[len(inner) + 1:] for k in sections[other].known if under(k, inner)}
                self.known.update(f"{outer}.{name}" for name in names)
            if head:
                self.known.add(head)


# "With `--option`, instead of `key[]`:" begins another form of the same document; "instead:", one of its own.
VARIANT = re.compile(r"^With `(--[a-z-]+)`, instead(?: of `([a-z_]+\[\])`)?:$")


def page():
    sections, current, name = {}, None, ""
    for line in (PAGE.read_text(encoding="utf-8") + RECORDERS.read_text(encoding="utf-8")).splitlines():
        if line.startswith("## "):
            name = line[3:].strip()
            current = sections.setdefault(name, Section())
        elif VARIANT.match(line):
            option, instead = VARIANT.match(line).groups()
            kept = [known for known in sections[name].lines if instead and not known.startswith(f"`{instead}.")]
            current = sections.setdefault(f"{name} {option}", Section())
            current.lines += kept
        elif line.startswith("### "):
            current = None
        elif line.startswith("- ") and current is not None:
            current.lines.append(line[2:])
    for _ in range(2):  # the second time, what other sections say is known
        for section in sections.values():
            section.read(sections)
    return sections


def paths(value, prefix=""):
    """Every key of a document as `a.b[].c`."""
    if isinstance(value, dict):
        for key, inner in value.items():
            path = f"{prefix}.{key}" if prefix else key
            yield path + ("[]" if isinstance(inner, list) else "")
            if not FREE.search(path):
                yield from paths(inner, path)
    elif isinstance(value, list):
        for inner in value:
            yield from paths(inner, prefix + "[]")


def absent(document, path):
    """A key that must be there and is not, in any element of the lists on its way."""
    values = [document]
    for part in path.split("."):
        name = part.removesuffix("[]")
        found = []
        for value in values:
            if value is None:
                continue
            if name not in value:
                return True
            inner = value[name]
            if part.endswith("[]"):
                found.extend(inner or [])
            elif isinstance(inner, dict):
                found.append(inner)
        values = found
    return False


class Checker:
    def __init__(self):
        self.sections, self.seen, self.problems = page(), set(), []

    def check(self, command, document):
        """`command`: its name, and behind it the option that makes another form of its document."""
        said = document.pop("access", None)  # what the page says once, of every document
        expect(said is None or set(said) == {"role", "purpose", "without_consent"}, f"{command}: access is {said}")
        self.seen.add(command)
        expect(command in self.sections, f"{command}: no section in {PAGE.name}")
        section = self.sections[command]
        expect(document["schema"] == f"casebox.{command.split()[0]}/1", f"{command}: schema {document['schema']}")
        plain = {key.replace("[]", "") for key in section.known}
        for path in set(paths(document)):
            if SOURCES.search(path) and path not in section.known:  # the same everywhere
                if not path.endswith("sources[]") and path.rsplit(".", 1)[1] not in SOURCE_KEYS:
                    self.problems.append(f"{command}: prints {path}, which is no key of sources[]")
                continue
            path = path.replace("[]", "")
            if path not in plain and not any(key.startswith(path + ".") for key in plain):
                self.problems.append(f"{command}: prints {path}, which the page does not name")
        for path in section.required:
            if absent(document, path):
                self.problems.append(f"{command}: {path} is promised and missing")

    def run(self, *args, code=0):
        document = casebox.json(*args, code=code)
        forms = [f"{args[0]} {arg}" for arg in args if f"{args[0]} {arg}" in self.sections]
        self.check(forms[0] if forms else args[0], document)
        return document


def configs(checker, folder):
    checker.run("version")
    for kind in ("recorder", "appliance"):
        defaults = checker.run("config", "defaults", kind)
        file = folder / f"{kind}.yaml"
        file.write_text(defaults["yaml"], encoding="utf-8")
        for action in ("check", "show"):
            expect(checker.run("config", action, file)["kind"] == kind, f"{kind} is taken for another kind")


def of_a_case(checker, folder):
    demo = checker.run("demo", "--headless", "--seed", 3, "--out", folder / "demo")
    case, at = demo["case_id"], ("--store", demo["store_path"])
    checker.run("cases", *at)
    shown = checker.run("show", case, *at)
    expect(shown["departures"] and shown["gaps"], "this case shows neither departures nor gaps; take another seed")
    for key in ("epoch", "stream_id", "first_number", "last_number", "t0_s", "t1_s"):
        expect(key in shown["departures"][0]["sources"][0], f"sources[]: no {key}")
    checker.run("query", 'phase("CalotTriangleDissection").duration > 1', *at)
    checker.run("query", 'phase("CalotTriangleDissection").duration > 1', *at, "--explain")
    checker.run("query", 'phase("CalotTriangleDissection").duration > 1', *at, "--by", "procedure")
    checker.run("query", "--sql", "SELECT case_id, t0_s FROM phases", *at)
    checker.run("query", "--schema")
    checker.run("access", "matrix")
    checker.run("access", "explain", "--role", "auditor", "--purpose", "HSYSADMIN", "--class", "accounting",
                "--level", "accounting")
    checker.run("analyze", *at)
    for job in ("timing", "conformance", "dfg", "variants", "profile", "skeleton"):
        checker.run("analyze", job, *at)
    checker.run("analyze", "timing", "--each", *at)
    checker.run("analyze", "timing", "--write", *at)
    studies = checker.run("cases", "--studies", *at)["studies"]
    expect(studies and studies[0]["findings"] and studies[0]["runs"], "no study is listed")
    sealed = folder / "sealed"
    shutil.copytree(demo["store_path"], sealed, ignore=shutil.ignore_patterns("keys"))
    expect(checker.run("cases", "--studies", "--store", sealed)["studies"][0]["sealed"], "readable without keys")
    checker.run("analyze", "spc", *at)
    checker.run("analyze", "spc", "--measure", "departures", *at)
    checker.run("analyze", "spc", "--chart", "p", "--measure", "has:dissection", "--subgroup", "2", *at)
    checker.run("analyze", "spc", "--chart", "racusum", "--measure", "has:dissection", "--risk", ".1", *at)
    checker.run("analyze", "spc", "--chart", "funnel", "--measure", "has:dissection", "--target", ".5", *at)
    checker.run("analyze", "diversity", "--size", "1", *at)
    finding = shown["departures"][0]["finding_id"]
    checker.run("why", finding, *at)
    checker.run("recompute", finding, *at)
    checker.run("verify", demo["store_path"])
    checker.run("backup", "--store", demo["store_path"], "--out", work / "backup")
    checker.run("restore", work / "backup", "--store", work / "restored")
    log = folder / "case.xes"
    checker.run("export", case, *at, "--format", "xes", "--out", log)
    checker.run("conform", "--model", "lap-cholecystectomy", "--log", log, "--alignments")
    checker.run("protocol", "list")
    checker.run("protocol", "lint", ROOT / "deploy/protocols/lap-cholecystectomy.yaml")
    checker.run("protocol", "diff", "lap-cholecystectomy", "gastric-bypass", "--log", log)
    checker.run("replay", case, *at, "--speed", 0, "--to-log", folder / "replayed")
    for kind in ("liability", "committee", "briefing"):
        of = ("--cohort", "duration > 0") if kind == "committee" else (case,)
        if kind == "briefing":
            checker.run("consent", case, "--grant", "patient-briefing", *at)
        checker.run("report", kind, *of, *at, "--out", folder / f"{kind}.html")
    keys = ("--keys", pathlib.Path(demo["store_path"], "keys"))
    checker.run("keys", "list", *keys)
    checker.run("keys", "audit", *keys)
    checker.run("keys", "stock", "--add", 1, *keys)
    checker.run("keys", "trust", "--out", folder / "site.trust", *keys)
    checker.run("keys", "kit", "--recorder", "or-9", "--out", folder / "kit", "--stock", 1, *keys)
    checker.run("keys", "enrol", "--name", "lab", "--role", "analysis", "--key", "ab" * 32, *keys)
    checker.run("keys", "disable", "lab", *keys)
    return at


def served(checker, at):
    process = casebox.start("serve", *at, "--port", 0, "--json")
    try:
        checker.check("serve", json.loads(process.stdout.readline()))
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)


def in_a_room(checker, folder):
    config = folder / "room.yaml"
    (folder / "pressed").write_text("0\n")
    config.write_text(f"recorder:\n  procedure: lap-cholecystectomy\n  spool_dir: {folder}/spool-a\n"
                      f"  keystore_dir: {folder}/keys-a\n  sources:\n"
                      f"    - {{name: monitor, type: lines, url: 'unix:{folder}/monitor'}}\n"
                      "cases:\n  begin: [{for_s: 1, all: [{stream: monitor.ecg}]}]\n")
    checker.run("record", "--check", "--appliance", "--config", config, code=1)
    process = casebox.start("record", "--appliance", "--config", config, "--json")
    try:
        deadline = time.monotonic() + 30
        while casebox.run("case", "status", "--config", config, code=None).returncode != 0:
            expect(time.monotonic() < deadline, "the recorder does not answer")
        checker.run("case", "begin", "--config", config)
        checker.run("case", "status", "--config", config)
    finally:
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=30)
    checker.check("record --appliance", json.loads(out))


def recorded(checker, folder):
    room = folder / "room"
    checker.run("simulate", "--seed", 5, "--duration-scale", 0.05, "--no-video", "--out", room)
    checker.run("record", "--config", room / "recorder.yaml")
    checker.run("verify", room / "spool")
    checker.run("ingest", "--store", folder / "ingested", "--keys", room / "keys", "--logs", room / "spool",
                "--until-idle", 0.3)
    site, store = folder / "site", folder / "strangers"  # a site that does not know this recorder
    casebox.run("keys", "stock", "--add", 0, "--keys", site)
    ingest = ("ingest", "--store", store, "--keys", site, "--logs", room / "spool", "--until-idle", 0.3)
    checker.run(*ingest)
    listed = checker.run("quarantine", "--store", store)["rows"]
    expect(listed, "nothing is in quarantine")
    checker.run(*ingest, "--resume-at", f"{listed[0]['source']}={listed[0]['offset']}")
    expect(checker.run("requeue", "--store", store, "--keys", site)["reasons"], "nothing to requeue")
    checker.run("recover", room / "spool", "--keys", room / "keys")
    table = folder / "twin.csv"
    table.write_text("Time(s),HeartRate(1/min)\n" + "".join(f"{i / 50:.2f},{70 + i % 3}\n" for i in range(100)),
                     encoding="utf-8")
    checker.run("import", table, "--case", "A1", "--store", folder / "imported")
    checker.run("import", table, "--dry-run")
    checker.run("bench", "codec", "--seconds", 0.05)


with tempfile.TemporaryDirectory() as temporary:
    work = pathlib.Path(temporary)
    checker = Checker()
    configs(checker, work)
    served(checker, of_a_case(checker, work))
    recorded(checker, work)
    in_a_room(checker, work)
    expect(not checker.problems, "\n".join(sorted(set(checker.problems))))
    left = set(checker.sections) - checker.seen - NEEDS_BROKER
    expect(not left, f"documents on the page that nothing here prints: {sorted(left)}")
    commands = {line.split()[0] for line in casebox.run("--help").stdout.splitlines()
                if re.match(r"^  [a-z]+ +[A-Z]", line)}
    expect(len(commands) > 20, "the help text lists no commands")
    expect(commands <= set(checker.sections), f"commands the page does not know: {commands - set(checker.sections)}")
    print(f"{len(checker.seen)} documents are as the page says")
