#!/usr/bin/env python3
"""Alert rules and dashboard over what a recorder really tells: each metric that they name is told, each that is told
is shown, Prometheus takes rules and tests of the rules, scrapes a recorder, and an alert fires and ends.

    monitoring_test.py CASEBOX
"""

import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

from appliance_room import HERE, LIVENESS, Room, free_port
from support import ROOT, expect, skip

RULES = ROOT / "deploy/prometheus"
DASHBOARD = ROOT / "deploy/grafana/casebox.json"
OF_PROMETHEUS = {"job", "instance", "room"}  # labels that the scrape configuration gives


def promtool(*args, **options):
    done = subprocess.run(["promtool", *map(str, args)], capture_output=True, text=True, timeout=60, **options)
    expect(done.returncode == 0, f"promtool {args}: {done.stdout}{done.stderr}")
    return done.stdout


def named(text):
    return set(re.findall(r"\bcasebox_[a-z0-9_]+", text))


def expressions():
    """What the dashboard asks, for every room."""
    panels = json.loads(DASHBOARD.read_text())["panels"]
    found = [(panel["title"], target["expr"]) for panel in panels for target in panel.get("targets", [])]
    expect(len(found) > 15, f"{len(found)} questions in the dashboard")
    return [(title, expr.replace("$room", ".*")) for title, expr in found]


def rules_pass_their_own_tests(work):
    print("== promtool: rules and their tests")
    folder = work / "rules"
    shutil.copytree(RULES, folder)
    shutil.copy(HERE / "monitoring_rules.yaml", folder)
    promtool("check", "rules", folder / "casebox-alerts.yaml")
    promtool("check", "config", folder / "prometheus.yaml")
    expect("SUCCESS" in promtool("test", "rules", "monitoring_rules.yaml", cwd=folder), "")
    alerts = set(re.findall(r"- alert: (\w+)", (RULES / "casebox-alerts.yaml").read_text()))
    tests = (HERE / "monitoring_rules.yaml").read_text()
    quiet = set(re.findall(r"alertname: (\w+), exp_alerts: \[\]", tests))
    fires = set(re.findall(r"alertname: (\w+)\n +exp_alerts:\n", tests))
    expect(len(alerts) > 10 and quiet == alerts == fires, f"not tested: {alerts - quiet} {alerts - fires}")


class Prometheus:
    """A real one, with the configuration of deploy/prometheus, over one recorder."""

    def __init__(self, work, port):
        self.at, self.work = free_port(), work
        folder = work / "prometheus"
        shutil.copytree(RULES, folder)
        config = folder / "prometheus.yaml"
        text = config.read_text()
        expect("127.0.0.1:8430" in text and text.count(": 5s") == 2, text)
        config.write_text(text.replace("127.0.0.1:8430", f"127.0.0.1:{port}").replace(": 5s", ": 1s"))
        self.log = open(work / "prometheus.log", "w")
        self.process = subprocess.Popen(
            ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={work}/tsdb",
             f"--web.listen-address=127.0.0.1:{self.at}"], stdout=self.log, stderr=self.log)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def get(self, path, **query):
        url = f"http://127.0.0.1:{self.at}/api/v1/{path}?{urllib.parse.urlencode(query)}"
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as refused:
            expect(False, f"{query}: {refused.read().decode()[-300:]}")
        except (urllib.error.URLError, TimeoutError):
            return None  # not there yet

    def wait(self, condition, what):
        deadline = time.monotonic() + LIVENESS
        while True:
            found = condition()
            if found:
                return found
            expect(self.process.poll() is None, (self.work / "prometheus.log").read_text()[-2000:])
            expect(time.monotonic() < deadline, f"waited {LIVENESS} s for {what}")
            time.sleep(0.2)

    def firing(self, name):
        alerts = (self.get("alerts") or {}).get("alerts", [])
        return [a for a in alerts if a["labels"]["alertname"] == name and a["state"] == "firing"]

    def value(self, expr):
        found = self.get("query", query=expr)
        return {frozenset(row["metric"].items()): float(row["value"][1]) for row in found["result"]} if found else None


def every_metric_is_told_and_shown(room):
    print("== each metric that a rule or a panel names is told by the recorder")
    with urllib.request.urlopen(f"http://127.0.0.1:{room.health_port}/metrics") as answer:
        text = answer.read().decode()
    told = set(re.findall(r"^(casebox_[a-z0-9_]+)[{ ]", text, re.M))
    asked = " ".join(expr for _, expr in expressions())
    rules = " ".join(re.findall(r"expr: (.*)", (RULES / "casebox-alerts.yaml").read_text()))
    expect(named(rules) <= told, f"rules name what nobody tells: {named(rules) - told}")
    expect(named(asked) == told, f"told and not shown, or shown and not told: {named(asked) ^ told}")
    for metric in told:
        expect(f"# HELP {metric} " in text and f"# TYPE {metric} " in text, f"{metric} has no help")
    labels = set(re.findall(r'[{,]([a-z_]+)="', text))
    values = set(re.findall(r'="([^"]*)"', text))
    expect(labels == {"source"} and values == {"insufflator", "pump"}, f"labels: {labels} {values}")
    print(f"   {len(told)} metrics, {len(named(rules))} of them in rules")


def a_source_that_is_away_is_an_alert(room, prometheus, pump_port, work):
    print("== Prometheus scrapes it; a source that is missing from a case is an alert, until it comes")
    found = prometheus.wait(lambda: prometheus.firing("CaseboxSourceDownInCase"), "an alert")
    expect(len(found) == 1, f"{found}")
    labels, said = found[0]["labels"], found[0]["annotations"]
    expect(labels["source"] == "pump" and labels["room"] == "or-1" and labels["severity"] == "critical", f"{labels}")
    expect("or-1" in said["summary"] and "pump" in said["summary"] and said["action"], f"{said}")
    loaded = [rule for group in prometheus.get("rules")["groups"] for rule in group["rules"]]
    for rule in loaded:
        expect(rule["health"] == "ok", f"{rule['name']}: {rule.get('lastError')}")
        expect("{{ $labels.room }}" in rule["annotations"]["summary"] and len(rule["annotations"]["action"]) > 20
               and rule["labels"]["severity"] in ("warning", "critical"), f"{rule}")
    for title, expr in expressions():
        rows = prometheus.value(expr)
        expect(rows, f"the panel '{title}' is empty: {expr}")
        expect(all(OF_PROMETHEUS <= {name for name, _ in row} for row in rows), f"'{title}': {rows}")
    expect(list(prometheus.value("casebox_wall_clock_u95_seconds").values())[0] > 0, "a bound of nothing")
    sender = subprocess.Popen([sys.executable, HERE / "line_sender.py", str(pump_port), "5", work / "pumped"],
                              stdin=subprocess.PIPE)
    try:
        prometheus.wait(lambda: prometheus.firing("CaseboxSourceDownInCase") == [] and
                        prometheus.value('casebox_source_up{source="pump"} == 1'), "its end")
    finally:
        sender.kill()
        sender.wait()


def a_recorder_that_is_gone_is_an_alert(prometheus):
    print("== a recorder that is killed is an alert")
    found = prometheus.wait(lambda: prometheus.value('up{job="casebox-recorder"} == 0'), "the target to be down")
    expect(len(found) == 1, f"{found}")
    pending = prometheus.wait(lambda: [a for a in prometheus.get("alerts")["alerts"]
                                       if a["labels"]["alertname"] == "CaseboxRecorderDown"], "the alert")
    expect("or-1" in pending[0]["annotations"]["summary"], f"{pending}")


def main():
    for program in ("promtool", "prometheus"):
        if shutil.which(program) is None:
            skip(f"no {program}; deploy/install deploy/packages-test.txt")
    with tempfile.TemporaryDirectory(prefix="casebox-monitoring-") as folder:
        work = pathlib.Path(folder)
        rules_pass_their_own_tests(work)
        pump, dark = free_port(), free_port()
        with Room(work / "room", cases=f"  button: {work}/button\n", health=True,
                  sources=f"    - {{name: pump, type: lines, url: 'tcp://127.0.0.1:{pump}'}}\n") as room:
            config = room.folder / "room.yaml"
            config.write_text(config.read_text().replace(
                "cases:\n", f"  kafka: {{brokers: '127.0.0.1:{dark}', partitions: 1}}\ncases:\n", 1))
            (work / "button").write_text("0\n")
            room.start()
            room.send()
            room.ask("begin")
            with Prometheus(work, room.health_port) as prometheus:
                room.wait(lambda now: now["disk_hours"] is not None, "a pace at which the disk fills")
                every_metric_is_told_and_shown(room)
                a_source_that_is_away_is_an_alert(room, prometheus, pump, work)
                room.kill()
                a_recorder_that_is_gone_is_an_alert(prometheus)
    print("passed")


main()
