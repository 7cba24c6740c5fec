"""gate_test.py CASEBOX

After a withdrawal no way leads to what it was about: commands, page, API, copies and studies refuse with a reason, a
code of their own and an audit record; counts lose the case and say so; accounting, verification and the trail stay.
And where a site gives roles, an account reads what its role may, with a purpose, and nothing else.
"""

import json
import os
import pathlib
import pwd
import sys
import tempfile
import time
import urllib.error
import urllib.request

from support import Casebox, expect, fail

casebox = Casebox(sys.argv[1])
REFUSED = 4
PROCEDURE = "lap-cholecystectomy"
SAID = "was withdrawn"


def make(folder):
    """A simulated operation with consent, and three imports: one with, two without."""
    room = folder / "or"
    casebox.run("simulate", "--seed", 7, "--duration-scale", 0.05, "--no-video", "--out", room)
    casebox.run("record", "--config", room / "recorder.yaml")
    store = folder / "store"
    casebox.run("ingest", "--store", store, "--keys", room / "keys", "--logs", room / "spool", "--until-idle", 1)
    for offset, (name, more) in enumerate((("agreed", ["--consent", "record", "--consent", "quality"]), ("silent", []), ("other", []))):
        table = folder / f"{name}.csv"
        table.write_text("t,HR\n" + "".join(f"{i},{60 + i + offset}\n" for i in range(60)), encoding="utf-8")
        casebox.run("import", table, "--case", name, "--procedure", PROCEDURE, "--store", store, "--keys", room / "keys",
                    *more)
    return ["--store", store, "--keys", room / "keys"]


def ids(at):
    return {case["alias"]: case["case_id"] for case in casebox.json("cases", "--alias", *at)["cases"]}


def refusals(at):
    return [one for one in casebox.json("keys", "audit", "--keys", at[3])["audit"] if not one["allowed"]]


def refused(at, *args, words=(SAID,), audited=True):
    """The command says no, why, with its own code, and the trail has it. Nothing of the case is printed."""
    before = len(refusals(at))
    done = casebox.run(*args, *at, code=REFUSED)
    for word in words:
        expect(word in done.stderr, f"{args}: '{word}' is not in {done.stderr!r}")
    if audited:
        fresh = refusals(at)[before:]
        expect(fresh, f"{args}: no refusal in the trail")
        expect(all(one["role"] and one["reason"] and not one["classes"] for one in fresh), f"{args}: {fresh}")
    return done


def as_today(at, case):
    print("== with consent, or with none recorded, everything is as it was")
    for name in (case, ids(at)["silent"]):
        casebox.run("show", name, *at)
        casebox.run("replay", name, *at)
        casebox.run("report", "liability", name, "--out", at[1].parent / "l.html", *at)
    csv = casebox.run("export", "silent", "--format", "csv", "--stream", "silent.series", *at, code=None)
    said = casebox.json("show", ids(at)["silent"], *at)
    expect(said["access"] == {"role": "owner", "purpose": None, "without_consent": True}, f"{said.get('access')}")
    expect(not said["refused"] and not said["sealed"], "the silent case is closed")
    expect("owner" in casebox.run("show", case, *at).stderr, "nobody says whose reading it is")
    expect(csv.returncode in (0, 2), csv.stderr)
    answer = casebox.json("query", "", *at)
    expect(answer["matching_cases"] == 4 and answer["refused_cases"] == 0, f"{answer['matching_cases']}")
    casebox.run("analyze", *at)
    kept = casebox.json("analyze", "timing", "--write", *at)
    expect(kept["left_out"] == [] and kept["study"]["findings"], f"{kept['left_out']}")
    return kept["study"]["findings"][-1]["finding_id"]


def kept(store, case):
    """Whether there is a copy of the case's facts: packs name their cases."""
    name = bytes.fromhex(case.replace("-", ""))
    return any(name in pack.read_bytes() for pack in (store / "kept").glob("*.pack"))


def withdrawn(at, case, finding_of_study):
    print("== after a withdrawal every way is closed")
    store = at[1]
    casebox.json("query", "compared or not compared", *at)
    expect(kept(store, case), "no copy of its facts was kept to begin with")
    shown = casebox.json("show", case, *at)
    stream = next(s["name"] for s in shown["streams"] if s["kind"] == "numeric")
    departures = shown["departures"]
    changed = casebox.json("consent", case, "--withdraw", "quality", *at)
    expect(changed["changed"] and "quality" not in changed["granted"] and changed["withdrawn"] == ["quality"],
           f"{changed}")
    expect(not kept(store, case), "the copy of its facts is still there")
    html = store.parent / "refused.html"
    refused(at, "export", case, "--format", "csv", "--stream", stream)
    refused(at, "export", case, "--format", "xes")
    refused(at, "replay", case)
    refused(at, "analyze", "--case", case)
    refused(at, "analyze", "timing", "--case", case)
    refused(at, "report", "liability", case, "--out", html)
    refused(at, "report", "committee", case, "--out", html)
    done = refused(at, "show", case)
    expect("phases" not in done.stdout and "departures" not in done.stdout, "show tells content")
    as_json = casebox.json("show", case, *at, code=REFUSED)
    expect(as_json["refused"] and as_json["sealed"] and as_json["phases"] == [] and SAID in as_json["sealed_reason"],
           f"{as_json['sealed_reason']}")
    expect(not any(s.get("digest") for s in as_json["streams"]), "show reads samples")
    refused(at, "why", finding_of_study, words=("consent",), audited=False)
    if departures and departures[0].get("finding_id"):
        refused(at, "why", departures[0]["finding_id"], words=("consent",))
        refused(at, "recompute", departures[0]["finding_id"], words=("consent",))
    expect(not html.exists(), "a report was written all the same")

    print("== counts lose it, and say so")
    for question in ("", "duration > 0s", "consent.stated or not consent.stated"):
        answer = casebox.json("query", question, *at)
        expect(answer["refused_cases"] == 1 and answer["scanned_cases"] == 4, f"'{question}': {answer['scanned_cases']}")
        expect(case not in [row["case_id"] for row in answer["rows"]], f"'{question}' still has it")
        reasons = [n for n in answer["cases_not_asked"] if n["case_id"] == case]
        expect(reasons and reasons[0]["about"] == "refused" and SAID in reasons[0]["reason"], f"{reasons}")
    sql = casebox.json("query", "--sql", "SELECT case_id FROM cases", *at)
    expect(len(sql["rows"]) == 3 and sql["refused_cases"] == 1, f"{sql['rows']}")
    timing = casebox.json("analyze", "timing", *at)
    expect(timing["cases"] == 3 and [one["case_id"] for one in timing["left_out"]] == [case], f"{timing['left_out']}")
    jobs = casebox.json("analyze", *at)
    expect(jobs["cases"] == 3 and case not in [r["case_id"] for r in jobs["results"]], "analysed all the same")
    board = casebox.json("report", "committee", "--cohort", " ", "--out", html, *at)
    expect(board["cases"] == 3 and [one["case_id"] for one in board["left_out"]] == [case], f"{board}")
    studies = casebox.json("cases", "--studies", *at)["studies"]
    expect(studies[0]["refused_cases"] == 1 and studies[0]["findings"] == [], f"{studies[0]}")

    print("== accounting, verification and the trail stay")
    expect(len(casebox.json("cases", *at)["cases"]) == 4, "the list lost it")
    expect(case in casebox.run("verify", store, "--json").stdout, "verify lost it")
    expect(casebox.json("consent", case, *at)["withdrawn"] == ["quality"], "what is in force is not told")


def given_again(at, case):
    print("== given again, it opens again; taken back whole, a name still finds it")
    casebox.run("consent", case, "--grant", "quality", "--by", "representative", "--recorded-by", "nurse", *at)
    casebox.run("show", case, *at)
    casebox.run("consent", "agreed", "--withdraw", "record", *at)
    refused(at, "replay", "agreed")
    refused(at, "report", "briefing", "agreed", "--out", at[1].parent / "b.html")
    listed = ids(at)
    expect("agreed" not in listed and len(casebox.json("cases", *at)["cases"]) == 4, f"{listed}")
    casebox.run("consent", "agreed", "--grant", "record", *at)
    casebox.run("show", "agreed", *at)
    # A silent import, too, and no briefing was ever asked for: that stays what it was.
    casebox.run("consent", "silent", "--withdraw", "litigation", *at)
    casebox.run("replay", "silent", *at)
    refused(at, "report", "liability", "silent", "--out", at[1].parent / "l2.html")
    casebox.run("report", "briefing", "silent", "--out", at[1].parent / "b.html", *at, code=1)
    bad = casebox.run("consent", case, "--grant", "quality", "--by", "mother", *at, code=2)
    expect("representative" in bad.stderr, bad.stderr)
    named = casebox.run("consent", case, "--grant", "quality", "--recorded-by", "Miller", *at, code=2)
    expect("Miller" not in named.stderr, "a name is repeated")


def get(url):
    try:
        with urllib.request.urlopen(url, timeout=20) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def page(at, case):
    print("== the page: an open case closes within a second")
    server = casebox.start("serve", *at, "--port", 0, "--json")
    try:
        url = json.loads(server.stdout.readline())["url"]
        shown = json.loads(get(f"{url}api/cases/{case}")[1])
        stream = next(s for s in shown["streams"] if s.get("channels"))
        channel = stream["channels"][0]["name"]
        samples = f"{url}api/cases/{case}/samples?stream={stream['name']}&channel={channel}"
        status, body = get(samples)
        expect(status == 200, f"{status} {body[:200]}")
        casebox.run("consent", case, "--withdraw", "quality", *at)
        begin = time.monotonic()
        while get(samples)[0] == 200:
            expect(time.monotonic() - begin < 1.0, "still open after a second")
        status, body = get(samples)
        expect(status == 403 and SAID.encode() in body, f"{status} {body[:300]}")
        for path in ("twin", "findings/" + "0" * 64):
            expect(get(f"{url}api/cases/{case}/{path}")[0] >= 400, f"{path} is open")
        status, body = get(f"{url}api/cases/{case}")
        told = json.loads(body)
        expect(status == 200 and not told.get("phases") and not told.get("findings") and not told.get("events"),
               f"the case's page tells content: {body[:400]}")
        expect(len(json.loads(get(f"{url}api/cases")[1])["cases"]) == 4, "the list lost it")
        casebox.run("consent", case, "--grant", "quality", *at)
        expect(get(samples)[0] == 200, "given again, and closed")
        other = ids(at)["other"]
        rules = at[3] / "access.yaml"
        rules.write_text("accounts: []\n", encoding="utf-8")
        rules.chmod(0o600)
        status, body = get(samples)
        expect(status == 403, f"open case after stricter rules: {status} {body[:200]}")
        told = json.loads(get(f"{url}api/cases/{other}")[1])
        expect(not told.get("events") and not told.get("phases"), "a case not opened before is open after stricter rules")
        rules.unlink()
        expect(get(samples)[0] == 200, "the rules are gone, and closed")
    finally:
        server.terminate()
        server.wait(20)


def replayed(at, case):
    print("== a replay that runs ends within a second of the withdrawal")
    running = casebox.start("replay", case, "--speed", 1, *at)
    running.stdout.readline()
    casebox.run("consent", case, "--withdraw", "quality", *at)
    begin = time.monotonic()
    lines = 0
    for _ in running.stdout:
        lines += 1
    took = time.monotonic() - begin
    code = running.wait(20)
    expect(code == REFUSED, f"exit code {code}: {running.stderr.read()}")
    expect(took < 3.0, f"{took:.1f} s and {lines} lines after the withdrawal")
    casebox.run("consent", case, "--grant", "quality", *at)


def roles(at, case):
    print("== a site's roles: a purpose is asked for, and a role reads what it may")
    keys, me = at[3], pwd.getpwuid(os.geteuid()).pw_name
    rules = keys / "access.yaml"

    def site(roles, basis="[]"):
        rules.write_text(f"accounts:\n  - account: {me}\n    roles: [{roles}]\nlegal_basis: {basis}\n",
                         encoding="utf-8")
        rules.chmod(0o600)

    site("committee-reviewer")
    refused(at, "show", case, words=("--purpose",))
    good = casebox.run("query", "duration > 0s", "--purpose", "HQUALIMP", *at)
    expect("owner" not in good.stderr, good.stderr)
    said = casebox.json("query", "duration > 0s or gaps >= 0", "--purpose", "HQUALIMP", *at)
    expect(said["refused_cases"] == 2 and said["scanned_cases"] == 4, f"{said['refused_cases']}: two say nothing of quality")
    shown = casebox.json("show", case, "--purpose", "HQUALIMP", *at)
    expect(not shown["refused"] and shown["not_open"] and shown["phases"], f"show: {shown['sealed_reason']}")
    page_of_it = at[1].parent / "committee.html"
    casebox.run("report", "committee", case, "--out", page_of_it, "--purpose", "HQUALIMP", *at)
    casebox.run("report", "committee", "--cohort", "duration > 0s", "--out", page_of_it, "--purpose", "HQUALIMP", *at)
    expect(page_of_it.exists(), "no committee's page")
    for args in (("replay", case), ("export", case, "--format", "xes")):
        refused(at, *args, "--purpose", "HQUALIMP", words=("committee-reviewer",))
    casebox.run("show", case, "--purpose", "WHIM", *at, code=2)
    casebox.run("show", case, "--purpose", "HQUALIMP", "--role", "educator", *at, code=2)
    for role, purpose in (("admin", "HSYSADMIN"), ("auditor", "HSYSADMIN"), ("staff", "HQUALIMP"),
                          ("educator", "TRAIN"), ("researcher", "HRESCH"), ("surgeon-self", "HQUALIMP"),
                          ("counsel", "HLEGAL"), ("break-glass", "BTG"), ("patient", "PATRQT"),
                          ("privacy-officer", "PATADMIN")):
        site(role)
        refused(at, "replay", case, "--purpose", purpose, words=())
        refused(at, "export", case, "--format", "xes", "--purpose", purpose, words=())
        casebox.run("cases", *at)
        casebox.run("verify", at[1])
    site("committee-reviewer", "[quality]")
    said = casebox.json("query", "duration > 0s", "--purpose", "HQUALIMP", *at)
    expect(said["refused_cases"] == 1, f"{said['refused_cases']}: the one that was asked and said nothing of quality")
    rules.write_text("accounts: []\n", encoding="utf-8")
    refused(at, "show", case, "--purpose", "HQUALIMP", words=("access.yaml",))
    rules.write_text(f"accounts:\n  - account: {me}\n    roles: [king]\n", encoding="utf-8")
    casebox.run("show", case, "--purpose", "HQUALIMP", *at, code=2)
    rules.unlink()
    casebox.run("show", case, *at)


def main():
    with tempfile.TemporaryDirectory() as temp:
        folder = pathlib.Path(temp)
        at = make(folder)
        case = next(c["case_id"] for c in casebox.json("cases", "--alias", *at)["cases"]
                    if c["alias"] not in ("agreed", "silent", "other"))
        study = as_today(at, case)
        withdrawn(at, case, study)
        given_again(at, case)
        page(at, case)
        replayed(at, case)
        roles(at, case)
        if not refusals(at):
            fail("no refusal was audited")
    print("gate: all as it should be")


main()
