"""What the program shows of a store, and whether that is the truth or says that it is not."""

import contextlib
import html
import json
import re
import signal
import subprocess
import urllib.error
import urllib.request

from registry import GOOD

BAD = ("TAMPERED", "DAMAGED", "UNTRUSTED_KEY", "UNCLOSED")
ERROR = "an error"  # said behind what could be given until then
# Of the program, the moment, or about the case rather than of it.
PASSING = {"version", "seconds", "verdict", "verdict_at", "complete", "stale", "quarantined",
           "problems", "proven", "not_proven", "warnings", "checked", "signers", "problem_counts",
           "bytes_stored", "notices"}


def content(value):
    """A document without what may differ between two honest looks."""
    if isinstance(value, dict):
        return {k: content(v) for k, v in value.items() if k not in PASSING}
    if isinstance(value, list):
        return [content(item) for item in value]
    return value


def text_of(page):
    """What a person reads of an HTML page, in order."""
    page = re.sub(r"(?s)<(style|script|svg|head)\b.*?</\1>", " ", page)
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]*>", " ", page))).strip()


def steady(text):
    """Text without the moment it was made."""
    # This look is an opening itself.
    text = re.sub(r"\d+ audited openings of the case's key.*?(?=2\. What was recorded)", "", text)
    text = re.sub(r"Every audited opening of the case's key.*?(?=Annex B)", "", text)
    text = re.sub(r"The other cases of this procedure in this store: \d+", "", text)
    text = re.sub(r"Written down here so far: \d+ openings?", "", text)
    text = re.sub(r"[\d.]+ KiB", "", text)  # how much the store keeps, by its own count
    return re.sub(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d[:.\dZ]*|\d\d:\d\d:\d\d", "", text)


class Shown:
    """All that is shown of one store: each entry is (content, verdict that stands with it) or an error."""

    def __init__(self, program, store, keys, cases, page=True):
        self.program, self.store, self.keys, self.cases = program, store, keys, cases
        self.entries, self.crashed, self.complaints = {}, [], []
        self.listing()
        for case in cases:
            self.show(case)
        if page:
            self.report(cases[0])
            self.written(cases[0])
            self.api()

    def run(self, name, *args):
        done = self.program.run(*args, "--store", self.store, "--keys", self.keys)
        if done.returncode not in (0, 1, 2, 3):
            self.crashed.append(f"{name} ended with {done.returncode}")
        if done.returncode in (1, 2) and b"casebox: " not in done.stderr:
            self.complaints.append(f"{name} failed and said nothing")
        return done

    def document(self, name, *args):
        done = self.run(name, *args, "--json")
        try:
            return json.loads(done.stdout) if done.stdout else None
        except ValueError:
            self.complaints.append(f"{name} gave no document")
            return None

    def listing(self):
        listed = self.document("cases", "cases")
        if listed is None:
            self.entries["cases"] = None
            return
        for case in listed.get("cases", []):
            self.entries[f"cases {case['case_id']}"] = (content(case), case.get("verdict"))

        asked = self.document("query", "query", "") or {}
        verdicts = {said["case_id"]: said["verdict"] for said in asked.get("verdicts", [])}
        for row in asked.get("rows", []):
            self.entries[f"query {row['case_id']}"] = (content(row), verdicts.get(row["case_id"]))

        studies = self.document("cases", "cases", "--studies") or {}
        for study in studies.get("studies", []):
            self.entries[f"study {study['study_id']}"] = (content(study), study.get("verdict"))

    def written(self, case):
        """What is exported and replayed: the verdict stands on standard error, or in front."""
        for name, *args in (("export", "--format", "csv", "--stream", "monitor.numerics"),
                            ("replay", "--speed", "0", "--to", "30", "--stream", "monitor.numerics")):
            done = self.run(name, name, case, *args)
            said = done.stderr + done.stdout[:600]
            verdict = next((word for word in BAD if word.encode() in said), None)
            if verdict is None and done.returncode and b"casebox: " in done.stderr:
                verdict = ERROR
            self.entries[name] = done.stdout and (done.stdout, verdict)

    def show(self, case):
        shown = self.document("show", "show", case)
        self.entries[f"show {case}"] = shown and (content(shown), shown.get("verdict"))
        if case != self.cases[0]:
            return
        done = self.run("show", "show", case)
        first = done.stdout.decode(errors="replace").strip().split("\n")[0]
        verdict = next((word for word in (*BAD, *sorted(GOOD, reverse=True)) if word in first), None)
        self.entries[f"show-text {case}"] = done.stdout and (steady(done.stdout.decode(errors="replace")), verdict)

    def report(self, case):
        out = self.store.parent / f"{self.store.name}.html"
        for kind in ("committee", "liability"):
            out.unlink(missing_ok=True)
            self.run(f"report {kind}", "report", kind, case, "--out", out)
            if not out.exists():
                self.entries[f"report {kind}"] = None
                continue
            text = text_of(out.read_text(errors="replace"))
            verdict = next((word for word in BAD if word in text[:600]), None)
            if verdict is None:
                verdict = next((word for word in sorted(GOOD, reverse=True) if word in text), None)
            self.entries[f"report {kind}"] = (steady(text), verdict)
            out.unlink()

    @contextlib.contextmanager
    def served(self):
        process = subprocess.Popen([self.program.path, "serve", "--store", str(self.store), "--keys", str(self.keys),
                                    "--port", "0", "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            line = process.stdout.readline()
            yield json.loads(line)["url"] if line else None
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                self.complaints.append("serve did not end")
            if process.returncode not in (0, 1, 2, 3):
                self.crashed.append(f"serve ended with {process.returncode}")
            process.stdout.close()
            process.stderr.close()

    def get(self, url):
        try:
            with urllib.request.urlopen(url, timeout=30) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            error.close()
            return None
        except OSError as error:
            self.crashed.append(f"{url.rsplit('/', 1)[-1]}: no answer ({type(error).__name__})")
            return None

    def api(self):
        with self.served() as url:
            if url is None:
                self.entries["api cases"] = None
                return
            url = url.rstrip("/")
            listed = self.get(url + "/api/cases")
            for case in (listed or {}).get("cases", []):
                self.entries[f"api cases {case['case_id']}"] = (content(case), case.get("verdict"))
            for case in self.cases:
                shown = self.get(f"{url}/api/cases/{case}")
                self.entries[f"api case {case}"] = shown and (content(shown), shown.get("verdict"))
            self.streams(url, self.cases[0])

    def streams(self, url, case):
        """Samples of the first channels, and what there is of video."""
        shown = self.get(f"{url}/api/cases/{case}") or {}
        verdict = shown.get("verdict")
        sampled = [s for s in shown.get("streams", []) if s.get("channels")]
        numbers = [s for s in sampled if "numerics" in s["name"]]
        for stream in [*sampled[:1], *numbers[:1]]:
            query = f"stream={stream['name']}&channel={stream['channels'][0]['name']}&from=0&to=30"
            samples = self.get(f"{url}/api/cases/{case}/samples?{query}")
            self.entries[f"api samples of {stream['name']}"] = samples and (
                content(samples), samples.get("verdict", verdict))
        for stream in [s for s in shown.get("streams", []) if s.get("video")]:
            media = self.get(f"{url}/api/cases/{case}/media/{stream['name']}")
            self.entries[f"api media of {stream['name']}"] = media and (content(media), media.get("verdict", verdict))

    def lies(self, honest):
        """Where something is shown that differs from the honest store, under a verdict that calls it whole."""
        out = list(self.crashed)
        for name, entry in self.entries.items():
            if not entry:
                continue
            shown, verdict = entry
            truth = honest.entries.get(name)
            if truth and truth[0] == shown:
                continue
            if verdict in BAD or verdict == ERROR and truth and truth[0].startswith(shown):
                continue
            out.append(f"{name} shows what differs and says {verdict}")
        return out + self.complaints

    def same(self, honest):
        return all(self.entries.get(name) and entry and self.entries[name][0] == entry[0]
                   for name, entry in honest.entries.items() if entry)

    def hidden(self, honest, cases):
        """Cases that lists leave out, and other cases than the changed one of which less is shown."""
        out = [f"{place} {case} is not listed" for case in cases for place in ("cases", "api cases", "query")
               if not self.entries.get(f"{place} {case}")]
        whole = [f"{place} {case}" for case in cases[1:] for place in ("cases", "show", "api cases", "api case")]
        return out + [f"{name} is not as before" for name in whole
                      if not self.entries.get(name) or self.entries[name][0] != honest.entries[name][0]]

    def still_there(self, honest):
        """What is shown is as before, though perhaps not all of it."""
        return not self.lies(honest)
