"""reports_test.py CASEBOX

The liability file and the briefing of cases of twelve kinds, made by the program, read for statements that the case
does not hold: clean, with gaps, a broken clock, no protocol, no pictures, no consent, labelled by people, a bypass,
undated, unclosed, tampered with, and a study. The briefing is two pages on paper where a browser is here to print
it, and its reading age is computed.
"""

import json
import html
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from support import Casebox, expect, with_packages

with_packages("pyphen")
import pyphen  # noqa: E402

casebox = Casebox(sys.argv[1])
SYLLABLES = pyphen.Pyphen(lang="en_US")
BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")
HAS_FONT = shutil.which("fc-match") is not None and "DejaVu" in subprocess.run(
    ["fc-match", "DejaVu Sans"], capture_output=True, text=True).stdout
WORST_AGE = 14  # years: two below the end of school in most countries


def text_of(page):
    """What is read aloud, a line for each block."""
    body = re.sub(r"(?s)<(style|script|svg).*?</\1>", "", page)
    body = re.sub(r"</?(p|li|h\d|tr|caption|section|div|ul|table|dl|dd|title)[^>]*>", "\n", body)
    lines = (" ".join(html.unescape(re.sub(r"<[^>]+>", "", line)).split()) for line in body.split("\n"))
    return "\n".join(line for line in lines if line)


def reading_age(text):
    """Flesch and Kincaid's grade and five: the age of who reads it without effort."""
    sentences = [s for line in text.split("\n") for s in re.split(r"(?<=[.?!])\s+", line) if len(s.split()) > 2]
    words = re.findall(r"[A-Za-z']+", " ".join(sentences))
    syllables = sum(max(1, len(SYLLABLES.inserted(word).split("-"))) for word in words)
    return 0.39 * len(words) / len(sentences) + 11.8 * syllables / len(words) - 15.59 + 5


def pages(file):
    pdf = file.with_suffix(".pdf")
    subprocess.run([BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer",
                    f"--print-to-pdf={pdf}", f"file://{file}"], capture_output=True, timeout=120, check=True)
    return len(re.findall(rb"/Type\s*/Page\b", pdf.read_bytes()))


class Kinds:
    def __init__(self, work):
        self.work = work
        self.at = ("--store", work / "store", "--keys", work / "keys")
        self.cases = {}

    def known(self):
        return {one["case_id"] for one in casebox.json("cases", *self.at)["cases"]}

    def add(self, name, make):
        before = self.known() if self.cases else set()
        make()
        new = self.known() - before
        expect(len(new) == 1, f"{name}: {len(new)} new cases")
        self.cases[name] = new.pop()

    def simulated(self, seed, *options, kill=False):
        folder = self.work / f"or-{seed}"
        casebox.run("simulate", "--seed", seed, "--duration-scale", 0.06, "--out", folder, *options)
        config = folder / "recorder.yaml"
        config.write_text(config.read_text().replace(str(folder / "keys"), str(self.work / "keys")))
        if kill:
            process = casebox.start("record", "--config", config)
            spool, deadline = folder / "spool", time.monotonic() + 60
            while time.monotonic() < deadline and not (
                    spool.is_dir() and sum(f.stat().st_blocks * 512 for f in spool.glob("*.cblog")) > 300_000):
                time.sleep(0.1)
            process.send_signal(signal.SIGKILL)
            process.communicate()
            expect(process.returncode == -signal.SIGKILL, "the recorder ended before it could be killed")
            casebox.run("recover", spool, "--keys", self.work / "keys", code=3)
        else:
            casebox.run("record", "--config", config)
        casebox.run("ingest", *self.at, "--logs", folder / "spool", "--until-idle", 0.3)

    def imported(self, name, procedure, phases=None, begin=None):
        if phases:
            file = self.work / f"{name}.json"
            file.write_text(json.dumps({"phases": [
                {"label_name": label, "start": i * 300_000, "end": (i + 1) * 300_000 - 500}
                for i, label in enumerate(phases)]}))
        else:
            file = self.work / f"{name}.csv"
            head = "time,HR\n" if begin else "t,HR\n"
            file.write_text(head + "".join(
                f"{begin + f':{i // 60:02}:{i % 60:02}Z' if begin else i},{70 + i % 5}\n" for i in range(300)))
        casebox.run("import", file, *self.at, "--procedure", procedure)


def make(kinds):
    chole, bypass = "lap-cholecystectomy", "gastric-bypass"
    kinds.add("clean", lambda: kinds.simulated(50, "--clean"))
    kinds.add("gaps", lambda: kinds.simulated(43, "--faults", "dropout-known,dropout-unknown,missing"))
    kinds.add("broken clock", lambda: kinds.simulated(51, "--faults", "clock-broken"))
    kinds.add("no protocol", lambda: kinds.imported("numbers", "appendectomy", begin="2026-03-01T08"))
    kinds.add("no pictures", lambda: kinds.simulated(52, "--clean", "--no-video"))
    kinds.add("no consent", lambda: kinds.imported("unasked", chole, begin="2026-03-02T08"))
    kinds.add("labelled", lambda: kinds.imported("labels", chole, [
        "Preparation", "CalotTriangleDissection", "ClippingCutting", "GallbladderDissection", "GallbladderPackaging",
        "CleaningCoagulation", "GallbladderRetraction"]))
    kinds.add("bypass", lambda: kinds.imported("bypass", bypass, ["preparation", "gastric pouch creation"]))
    kinds.add("undated", lambda: kinds.imported("undated", chole))
    casebox.run("analyze", *kinds.at)
    kinds.add("unclosed", lambda: kinds.simulated(54, "--speed", 40, "--clean", "--no-video", kill=True))


def consented(kinds):
    for name, case in kinds.cases.items():
        if name in ("no protocol", "labelled", "bypass", "undated"):
            casebox.run("consent", case, *kinds.at, "--grant", "record", "quality", "patient_briefing")


def tampered(kinds):
    """The same store with one flipped byte in the media of the case with pictures."""
    store = kinds.work / "flipped"
    shutil.copytree(kinds.work / "store", store)
    segments = sorted(store.rglob("*.seg"), key=lambda f: f.stat().st_size)
    expect(segments, "no segment files")
    with open(segments[-1], "r+b") as file:
        file.seek(segments[-1].stat().st_size // 2)
        byte = file.read(1)
        file.seek(-1, 1)
        file.write(bytes([byte[0] ^ 0x40]))
    casebox.run("verify", store, code=3)
    listed = casebox.json("cases", "--store", store, "--keys", kinds.work / "keys", "--verify", code=None)["cases"]
    bad = [one for one in listed if one["verdict"] in ("DAMAGED", "TAMPERED")]
    expect(len(bad) == 1, f"damaged are {len(bad)} cases")
    return store, bad[0]["case_id"], bad[0]["verdict"]


def said(name, text, *sentences, never=()):
    for sentence in sentences:
        expect(sentence in text, f"{name}: the report does not say: {sentence}\n{text[:3000]}")
    for sentence in never:
        expect(sentence not in text, f"{name}: the report says: {sentence}")


def briefing(kinds, name, case, shown):
    out = kinds.work / f"briefing-{len(kinds.ages)}.html"
    if name in ("no consent",):
        refused = casebox.run("report", "briefing", case, *kinds.at, "--out", out, code=None)
        expect(refused.returncode != 0 and not out.exists(), f"{name}: a briefing was made")
        expect("its consent does not include patient-briefing" in refused.stderr, f"{name}: {refused.stderr}")
        return
    casebox.run("report", "briefing", case, *kinds.at, "--out", out)
    text = text_of(out.read_text())
    deps = shown["departures"]
    compared = "was compared with a written plan" in text
    if name in ("no protocol",):
        said(name, text, "Your operation was not compared with a plan.", never=["Nothing that was recorded differed"])
    expect(compared or not deps, f"{name}: {len(deps)} departures, and the patient reads of no comparison")
    if not compared:
        said(name, text, never=["Nothing that was recorded differed", "was not marked"])
    lasting = [d for d in deps if d["certainty"] != "unobserved"]
    if compared and lasting:
        said(name, text, never=["Nothing that was recorded differed from it"])
    video = any(s["kind"] == "video" and s["items"] > 0 for s in shown["streams"])
    said(name, text, "Pictures were recorded" if video else "No pictures were recorded",
         never=["No pictures were recorded" if video else "Pictures were recorded"])
    if shown["gaps"]:
        said(name, text, never=["No gap in the recording is known"])
    if shown["timing_withheld"]:
        part = text[text.index("What was recorded"):text.index("What differed")]
        expect(not re.search(r": (about|less than)", part), f"{name}: lengths of parts that are withheld:\n{part}")
    said(name, text, "The recording carries no date" if shown["start"] is None else shown["start"][:10],
         never=["1970", "Missing:"])
    good = shown["verdict"] in ("COMPLETE", "COMPLETE_WITH_DECLARED_GAPS")
    if not good:
        expect(shown["verdict"] in "\n".join(text.split("\n")[:4]), f"{name}: {shown['verdict']} is not said first")
        said(name, text, "did not pass its check, or was not closed")
    # A device of which something was recorded is not one from which nothing came.
    gave = {s["device"] for s in shown["streams"] if s["items"] > 0 and s["device"]}
    for silent in re.findall(r"^(.*): nothing came from it", text, re.M):
        expect(silent.lower() not in {d.replace("-", " ").replace("_", " ").lower() for d in gave},
               f"{name}: {silent} gave nothing, and did")
    for line in text.split("\n"):
        ids = re.search(r"[0-9a-f]{8}-[0-9a-f]{4}|\b[FRT]-[0-9a-f]{10}", line)
        expect(not ids or line.startswith("For experts:"), f"{name}: an id in: {line}")
        expect(not re.search(r"\d\.\d+ ?(s|min|h)\b", line), f"{name}: tenths: {line}")
    age = reading_age("\n".join(line for line in text.split("\n") if not line.startswith("For experts")))
    expect(age <= WORST_AGE, f"{name}: its reading age is {age:.1f}")
    kinds.ages.append(age)
    if BROWSER:
        printed = pages(out)
        # The style's own font decides where a page ends; with another one a line may go over.
        expect(printed == 2 or (not HAS_FONT and printed == 3), f"{name}: the briefing has {printed} pages")


def liability(kinds, name, case, shown):
    out = kinds.work / "liability.html"
    casebox.run("report", "liability", case, *kinds.at, "--out", out)
    text = text_of(out.read_text())
    said(name, text, f"Custody: {shown['verdict']}" if f"Custody: {shown['verdict']}" in text else shown["verdict"],
         never=["1970", "86400", "±0.000 s"])
    counts = {c: sum(d["certainty"] == c for d in shown["departures"])
              for c in ("certain", "ambiguous", "unobserved", "justified")}
    told = re.search(r"(\d+) departures? certain, (\d+) ambiguous, (\d+) unobserved, (\d+) justified", text)
    if told:
        expect(tuple(map(int, told.groups())) == tuple(counts.values()), f"{name}: {told.group()} of {counts}")
    else:
        expect(not shown["departures"], f"{name}: departures are not counted")
        said(name, text, "not compared")
    expect(("no date is known" in text) == (shown["start"] is None), f"{name}: its date")
    if not shown["gaps"]:
        said(name, text, "No gap was declared")
    summary = text[text.index("Summary"):text.index("1. Custody")]
    expect(len(summary.split()) < 700, f"{name}: the summary is longer than two pages")


def main():
    with tempfile.TemporaryDirectory() as temporary:
        kinds = Kinds(pathlib.Path(temporary))
        kinds.ages = []
        make(kinds)
        consented(kinds)
        for name, case in kinds.cases.items():
            print(f"== {name}")
            shown = casebox.json("show", case, *kinds.at, code=None)
            briefing(kinds, name, case, shown)
            liability(kinds, name, case, shown)
        print("== tampered with")
        store, case, verdict = tampered(kinds)
        out = kinds.work / "bad.html"
        casebox.run("report", "liability", case, "--store", store, "--keys", kinds.work / "keys", "--out", out, code=None)
        first = "\n".join(text_of(out.read_text()).split("\n")[:4])
        expect(verdict in first, f"{verdict} is not said first: {first}")
        print("== a study is no operation")
        study = casebox.json("analyze", "variants", *kinds.at, "--write")["study"]["study_id"]
        for kind in ("briefing", "liability"):
            out = kinds.work / f"study-{kind}.html"
            done = casebox.run("report", kind, study, *kinds.at, "--out", out, code=None)
            expect(done.returncode != 0 and not out.exists(), f"a {kind} of a study was made")
        print(f"reading age of {len(kinds.ages)} briefings: {min(kinds.ages):.1f} to {max(kinds.ages):.1f} years")
    if not BROWSER:
        print("no browser here: pages were not counted")


main()
print("passed")
