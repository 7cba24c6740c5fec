#!/usr/bin/env python3
"""A recorder that stands in a room, held to what senders of the tests' own say: cases that begin and end by
themselves, one cut in the middle by a kill, one paused, a camera that never comes; control, health, an orderly stop.

    appliance_test.py CASEBOX
"""

import json
import pathlib
import stat
import tempfile
import time
import urllib.error
import urllib.request

from appliance_room import Room, accounts, casebox, epochs, free_port, mono
from support import expect


def a_day_in_miniature(work):
    print("== a day: three cases by themselves, one cut by a kill, one paused, a camera that never comes")
    dark = free_port()
    with Room(work / "day", health=True) as room:
        text = (room.folder / "room.yaml").read_text()
        (room.folder / "room.yaml").write_text(text.replace(
            "cases:\n", f"    - {{name: scope, type: media, url: 'tcp://127.0.0.1:{room.scope_port}'}}\n"
            f"    - {{name: camera, type: media, url: 'tcp://127.0.0.1:{dark}'}}\ncases:\n", 1))
        room.film()
        room.start()
        room.send()
        room.wait(lambda now: any(s["name"] == "scope" and s["last_item_s"] is not None for s in now["sources"]), "the scope")
        idle = room.wait_for("idle")
        expect(idle["case_id"] is None and idle["ring"]["seconds"] > 0, f"{idle}")
        time.sleep(5)
        cases = []

        def begins():
            room.pressure(12)
            now = room.wait_for("recording")
            cases.append(now["case_id"])
            return now

        def ends():
            room.pressure(0)
            room.wait_for("idle")

        begins()  # one from its beginning to its end
        time.sleep(3)
        with urllib.request.urlopen(f"http://127.0.0.1:{room.health_port}/state") as answer:
            told = json.load(answer)
        expect(told["case_id"] == cases[0] and told["state"] == "recording", f"{told}")
        expect(any("camera" in trouble for trouble in told["troubles"]), f"nobody is told of the camera: {told['troubles']}")
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{room.health_port}/healthz")
            expect(False, "a camera is away, and /healthz is well")
        except urllib.error.HTTPError as answer:
            expect(answer.code == 503 and b"camera" in answer.read(), f"{answer}")
        with urllib.request.urlopen(f"http://127.0.0.1:{room.health_port}/metrics") as answer:
            metrics = answer.read().decode()
        expect("casebox_recording 1\n" in metrics and 'casebox_source_up{source="camera"} 0\n' in metrics, metrics)
        with urllib.request.urlopen(f"http://127.0.0.1:{room.health_port}/") as answer:
            expect(b"wall.js" in answer.read(), "the page for the wall is not there")
        expect((room.folder / "state").read_text() == "trouble\n", "the light does not tell of the camera")
        ends()

        began = begins()  # one that a kill cuts
        time.sleep(3)
        killed = room.kill()
        time.sleep(1)
        room.start()
        now = room.wait_for("recording")
        expect(now["case_id"] == began["case_id"] and now["resumed"], f"another case after the kill: {now}")
        back = mono()
        time.sleep(4)
        ends()

        begins()  # one that is paused
        time.sleep(2)
        room.ask("pause", "--reason", "privacy", "--role", "nurse")
        paused = mono()
        time.sleep(2)
        expect(room.ask("status")["pause_reason"] == "privacy", "the room does not see why")
        room.ask("resume", "--role", "nurse")
        resumed = mono()
        time.sleep(2)
        ends()

        done = room.stop(3)
        expect(done["cases"] == 1, f"{done}: after the kill it began the paused one and no other")
        expect((room.folder / "state").read_text() == "stopped\n", "the light says that it records")
        expect(room.said().count("begins (rule: begin[0])") == 3 and "goes on" in room.said(), room.said())

        listed = room.ingest()
        expect(sorted(c["case_id"] for c in listed) == sorted(cases), f"{len(listed)} cases, three began: {listed}")
        zeros = room.zeros()
        whole, cut, held = (accounts(room, case, zeros) for case in cases)
        for shown, _, _ in (whole, cut, held):
            expect(shown["verdict"] == "COMPLETE_WITH_DECLARED_GAPS", f"{shown['case_id']}: {shown['verdict']}")
            absent = [g for g in shown["gaps"] if g["stream"] == "camera.video"]
            expect(absent and {g["reason"] for g in absent} <= {"source-absent", "restart", "crash"},
                   f"the camera that never came: {absent}")
            expect(absent[0]["t0_s"] == 0, f"it is missing from the beginning on: {absent}")
        expect(not whole[2], f"lost in a case where nothing happened: {whole[2]}")
        expect([g for g in whole[0]["gaps"] if not g["stream"].startswith("camera")] == [], f"{whole[0]['gaps']}")
        # What came before the rule noticed is in the case: a second that the rule takes, and the ring.
        first = room.stored(cases[0], "insufflator.state", "PRESSURE")
        rises = next(t for t, value in first if value > 5)
        expect(2.5 < rises < 6, f"the pressure rose {rises} s into the case; the ring is 4 s long")
        video = next(s for s in whole[0]["streams"] if s["name"] == "scope.video")
        expect(video["first_t_s"] < 1.5, f"the ring holds no pictures: {video}")

        shown = cut[0]
        expect(len(epochs(shown)) == 2, f"a case that was cut once has two epochs: {shown['provenance']}")
        kinds = {g["reason"] for g in shown["gaps"] if g["stream"] == "insufflator.state"}
        expect(kinds == {"crash", "restart"}, f"{shown['gaps']}")
        zero = min(zeros[epochs(shown)[0]])
        away = sorted((g["t0_s"], g["t1_s"]) for g in shown["gaps"] if g["stream"] == "insufflator.state")
        expect(away[0][0] <= (killed - zero) * 1e-9 <= away[0][1] + 1e-9, f"killed at {(killed - zero) * 1e-9}: {away}")
        expect(away[0][1] == away[1][0] and away[1][1] <= (back - zero) * 1e-9 + 2, f"{away}")
        ids = [{s["stream_id"] for s in shown["streams"] if s["name"] == name}
               for name in ("insufflator.state", "scope.video")]
        expect(all(len(one) == 1 for one in ids), f"a stream has two ids: {shown['streams']}")

        shown, stored, lost = held
        zero = min(zeros[epochs(shown)[0]])
        gap, = [g for g in shown["gaps"] if g["stream"] == "insufflator.state"]
        expect(gap["reason"] == "paused" and gap["origin"] == "operator", f"{gap}")
        expect(gap["count"] == len(lost), f"{len(lost)} items are not there, the pause says {gap['count']}")
        inside = [n for n, t in room.sent("state").items() if paused + 1e8 < t < resumed - 3e8]
        expect(len(inside) > 20 and not set(inside) & set(stored), "something of the pause is stored")
        expect(gap["t0_s"] >= (paused - zero) * 1e-9 - 1 and gap["t1_s"] <= (resumed - zero) * 1e-9 + 0.1, f"{gap}")


def orders_are_carried_out_or_refused(work):
    print("== orders over the socket, and a stop in the middle of a case")
    with Room(work / "orders") as room:
        control = room.folder / "spool/control"
        refused = casebox.run("case", "status", "--control", control, code=1)
        expect("is the recorder running" in refused.stderr, refused.stderr)
        room.start()
        expect(stat.S_IMODE(control.stat().st_mode) == 0o600, "others may give orders")
        for action, why in (("end", "no case is being recorded"), ("pause", "reason"), ("resume", "not paused")):
            refused = casebox.run("case", action, "--control", control, code=2)
            expect(why in refused.stderr, f"{action}: {refused.stderr}")
        refused = casebox.run("case", "begin", "--control", control, "--reason", "Mrs. Miller", code=2)
        expect("Miller" not in refused.stderr and "no code" in refused.stderr, refused.stderr)
        expect(casebox.run("case", "dance", "--control", control, code=2), "")
        # Nothing has come: a case begins all the same, and says who is missing.
        case = room.ask("begin", "--reason", "time-out", "--role", "surgeon")["case_id"]
        expect(casebox.run("case", "begin", "--control", control, code=2), "")
        time.sleep(2)
        room.send()
        time.sleep(2)
        done = room.stop(3)
        expect(not done["whole"], f"{done}")
        listed = room.ingest()
        expect([c["case_id"] for c in listed] == [case] and listed[0]["state"] != "closed", f"{listed}")
        room.start()
        now = room.wait_for("recording")
        expect(now["case_id"] == case, f"a stop split the case: {now}")
        time.sleep(2)
        room.ask("end", "--reason", "sign-out", "--role", "surgeon")
        room.wait_for("idle")
        room.stop(3)
        listed = room.ingest()
        expect([c["case_id"] for c in listed] == [case] and listed[0]["state"] == "closed", f"{listed}")
        shown, stored, lost = accounts(room, case, room.zeros())
        reasons = [(g["stream"], g["reason"]) for g in shown["gaps"]]
        expect(("insufflator.state", "restart") in reasons, f"{reasons}")
        expect(not any(reason.startswith("crash") for _, reason in reasons), f"a stop is no crash: {reasons}")
        codes = casebox.run("export", case, "--format", "csv", "--stream", "recorder.events", "--store",
                            room.folder / "store", "--keys", room.folder / "keys").stdout
        for code in ("case.begin", "surgeon: time-out", "case.go-on", "case.end", "surgeon: sign-out"):
            expect(code in codes, f"{code} is not in the record: {codes}")


def a_button_begins_and_ends_a_case(work):
    print("== a button, and one that is absent")
    with Room(work / "button", cases=f"  button: {work}/button/pressed\n") as room:
        button = room.folder / "pressed"
        room.start()
        expect(room.wait_for("idle")["button"] == "absent" and "the button is absent" in room.wait_for("idle")["troubles"],
               "nobody is told that there is no button")
        button.write_text("0\n")
        room.wait(lambda now: now["button"] == "ready", "the button")
        button.write_text("1\n")
        case = room.wait_for("recording")["case_id"]
        time.sleep(0.5)
        expect(room.state()["case_id"] == case, "a button that is held begins and ends")
        button.write_text("0\n")
        time.sleep(0.3)
        button.write_text("1\n")
        room.wait_for("idle")
        room.stop(3)


def a_case_that_was_cut_too_long_ago_stays_what_it_is(work):
    print("== back too late")
    with Room(work / "late") as room:
        config = room.folder / "room.yaml"
        config.write_text(config.read_text().replace("resume_within_s: 60", "resume_within_s: 1"))
        room.start()
        first = room.ask("begin")["case_id"]
        time.sleep(1.5)
        room.kill()
        time.sleep(2)
        room.start()
        expect(room.state()["state"] == "idle" and "stays UNCLOSED" in room.said(), room.said())
        second = room.ask("begin")["case_id"]
        expect(first != second, "a case of long ago goes on")
        time.sleep(1)
        room.ask("end")
        room.wait_for("idle")
        room.stop(3)
        verdicts = {c["case_id"]: room.show(c["case_id"])["verdict"] for c in room.ingest()}
        expect(verdicts[first] == "UNCLOSED" and verdicts[second] == "COMPLETE_WITH_DECLARED_GAPS", f"{verdicts}")


def a_check_names_what_is_missing(work):
    print("== record --check")
    with Room(work / "check") as room:
        done = casebox.json("record", "--appliance", "--config", room.folder / "room.yaml", "--check", code=1)
        checks = {c["what"]: c for c in done["checks"]}
        expect(not done["ok"] and not checks["source insufflator"]["ok"], f"{done}")
        expect("nobody has connected" in checks["source insufflator"]["detail"], f"{checks}")
        expect(checks["keys"]["ok"], f"{checks}")
        expect(not list((room.folder / "spool").glob("*.cblog")), "a check records")


def main():
    with tempfile.TemporaryDirectory(prefix="casebox-appliance-") as folder:
        work = pathlib.Path(folder)
        orders_are_carried_out_or_refused(work)
        a_day_in_miniature(work)
        a_button_begins_and_ends_a_case(work)
        a_case_that_was_cut_too_long_ago_stays_what_it_is(work)
        a_check_names_what_is_missing(work)
    print("passed")


main()
