"""keys_test.py CASEBOX

The keystore as its people use it: who is enrolled, a recorder that has a kit and never the site key, an audit
trail that several programs write at once, that survives kill -9, and that says what was done to it.
"""

import os
import pathlib
import pwd
import random
import resource
import shutil
import signal
import stat
import sys
import tempfile
import time

from support import Casebox, expect, one_line_error

casebox = Casebox(sys.argv[1])
GOOD = ("COMPLETE", "COMPLETE_WITH_DECLARED_GAPS")


def simulate(folder, keys):
    """A short operation whose recorder's keystore_dir is `keys`."""
    casebox.run("simulate", "--seed", 5, "--duration-scale", 0.03, "--clean", "--no-video", "--out", folder)
    config = folder / "recorder.yaml"
    text = config.read_text(encoding="utf-8").splitlines()
    text = [f"keystore_dir: {keys}" if line.startswith("keystore_dir:") else line for line in text]
    config.write_text("\n".join(text) + "\n", encoding="utf-8")
    return config


def trail(keys, code=0):
    return casebox.json("keys", "audit", "--keys", keys, code=code)["audit"]


def enrolment(work):
    print("== who is enrolled, changed and handed on")
    keys, key = work / "site", "ab" * 32
    casebox.run("keys", "stock", "--add", 2, "--keys", keys)
    expect(casebox.json("keys", "list", "--keys", keys)["keys"] == [], "a new keystore trusts somebody")
    casebox.run("keys", "enrol", "--name", "lab", "--role", "analysis", "--key", key, "--keys", keys,
                "--from", "2026-01-01", "--until", "2036-01-01T00:00:00Z")
    listed = casebox.json("keys", "list", "--keys", keys)
    expect(listed["keys"] == [{"key": key, "role": "analysis", "name": "lab", "room": "",
                               "from": "2026-01-01T00:00:00.000000000Z",
                               "until": "2036-01-01T00:00:00.000000000Z"}], f"{listed['keys']}")
    expect("lab" in casebox.run("keys", "list", "--keys", keys).stdout, "the table does not name it")
    for wrong in (("--name", "lab", "--role", "analysis", "--key", "cd" * 32),  # the name is taken
                  ("--name", "lab2", "--role", "recorder", "--key", key),  # the key has a role
                  ("--name", "lab2", "--role", "boss", "--key", "cd" * 32),
                  ("--name", "Dr. No", "--role", "analysis", "--key", "cd" * 32),
                  ("--name", "lab2", "--role", "analysis", "--key", "cd"),
                  ("--name", "lab2", "--role", "analysis", "--key", "cd" * 32, "--until", "soon"),
                  ("--name", "lab2", "--role", "analysis")):
        one_line_error(casebox.run("keys", "enrol", *wrong, "--keys", keys, code=2))
    one_line_error(casebox.run("keys", "disable", "nobody", "--keys", keys, code=2))
    one_line_error(casebox.run("keys", "fly", "--keys", keys, code=2))
    casebox.run("keys", "disable", "lab", "--keys", keys)
    until = casebox.json("keys", "list", "--keys", keys)["keys"][0]["until"]
    expect(until and not until.startswith("2036"), f"until {until}")
    out = work / "site.trust"
    made = casebox.json("keys", "trust", "--out", out, "--keys", keys)
    expect(made["site_key"] == listed["site_key"] and made["serial"] == listed["serial"] + 1, f"{made}")
    expect(made["site_key"] in casebox.run("keys", "trust", "--out", out, "--keys", keys).stdout, "no site key")
    old = (keys / "trust.list").read_bytes()
    casebox.run("keys", "enrol", "--name", "or-1", "--role", "recorder", "--key", "cd" * 32, "--keys", keys)
    (keys / "trust.list").write_bytes(old)
    one_line_error(casebox.run("keys", "list", "--keys", keys, code=3), "rolled back")


def recorder_with_a_kit(work):
    print("== a recorder with a kit records without the site key, and says when its stock runs out")
    keys, kit = work / "keys", work / "kit"
    casebox.run("keys", "stock", "--add", 0, "--keys", keys)
    made = casebox.json("keys", "kit", "--recorder", "or-1", "--stock", 1, "--out", kit, "--keys", keys)
    expect([k["name"] for k in casebox.json("keys", "list", "--keys", keys)["keys"]] == ["or-1"], "not enrolled")
    config = simulate(work / "room", kit)
    away = work / "away"
    keys.rename(away)
    first = casebox.run("record", "--config", config, "--json")
    expect("0 one-time case keys left" in first.stderr, first.stderr)
    second = casebox.run("record", "--config", config, "--json")
    expect("no one-time case key was left" in second.stderr and '"key_reused": true' in second.stdout.replace(
        '":true', '": true'), second.stderr)
    expect(not keys.exists(), "a keystore was made beside the kit")
    away.rename(keys)
    store = work / "store"
    done = casebox.json("ingest", "--store", store, "--keys", keys, "--logs", work / "room/spool",
                        "--until-idle", 0.5)
    expect(done["quarantined"] == 0 and len(done["cases"]) == 2, f"{done['quarantined']} quarantined")
    expect(casebox.json("verify", store)["verdict"] in GOOD, "what the kit recorded is not whole")
    case = done["cases"][0]["case_id"]
    shown = casebox.json("show", case, "--store", store, "--keys", keys)
    expect(any(p.get("role") == "recorder" for p in shown["provenance"]), "no recorder in the provenance")
    casebox.run("keys", "kit", "--recorder", "or-1", "--stock", 5, "--out", kit, "--keys", keys)
    expect(casebox.json("keys", "list", "--keys", keys)["keys"][0]["key"] == made["key"], "refilling changed the key")
    third = casebox.json("record", "--config", config)
    expect(third["keys_left"] == 4 and not third["key_reused"], f"{third['keys_left']} left")
    one_line_error(casebox.run("keys", "kit", "--recorder", "or-1", "--out", work / "kit2", "--keys", keys, code=2))
    one_line_error(casebox.run("show", case, "--store", store, "--keys", kit, code=2))
    return store, keys, case


def shows(store, keys, case, many):
    return [casebox.start("show", case, "--store", store, "--keys", keys, "--json") for _ in range(many)]


def several_at_once(store, keys, case):
    print("== several programs at once, some of them killed: the trail stays sound")
    before = len(trail(keys))
    for process in shows(store, keys, case, 4):
        _, said = process.communicate(timeout=120)
        expect(process.returncode == 0, said)
    acts = trail(keys)
    expect(len(acts) >= before + 4, f"{len(acts) - before} of 4 openings are there")
    last = acts[-1]
    me = pwd.getpwuid(os.getuid()).pw_name
    expect(last["uid"] == os.getuid() and last["account"] == me and last["subject"] == "casebox show"
           and last["cases"] == [case] and last["allowed"], f"{last}")
    expect([a["number"] for a in acts] == list(range(1, len(acts) + 1)), "numbers do not follow")
    seeded = random.Random(7)
    hit = 0
    for _ in range(60):
        processes = shows(store, keys, case, 2)
        time.sleep(seeded.uniform(0.01, 0.15))
        for process in processes:
            process.send_signal(signal.SIGKILL)
            process.communicate(timeout=60)
            hit += process.returncode == -signal.SIGKILL
        after = trail(keys)
        expect(len(after) >= len(acts), "records went")
        acts = after
        if hit >= 10:
            break
    expect(hit >= 10, f"only {hit} programs were alive to be killed")
    casebox.run("show", case, "--store", store, "--keys", keys)


def damaged_trail(store, keys, case):
    print("== a trail that was cut, edited or taken away is said as such and lets nothing be opened")
    whole, head = (keys / "audit.log").read_bytes(), (keys / "audit.head").read_bytes()
    show = ("show", case, "--store", store, "--keys", keys)

    def write(name, content):
        (keys / name).write_bytes(content)
        (keys / name).chmod(0o600)

    def put():
        write("audit.log", whole)
        write("audit.head", head)

    edited = bytearray(whole)
    edited[len(whole) // 2] ^= 1
    for what, bytes_ in (("was cut", whole[:-40]), ("audit.log", bytes(edited)), ("is missing", None)):
        put()
        (keys / "audit.log").unlink()
        if bytes_ is not None:
            write("audit.log", bytes_)
        done = casebox.run(*show, code=None)
        expect(done.returncode == 3 or "heart" not in done.stdout, "content was shown")
        one_line_error(casebox.run("keys", "audit", "--keys", keys, code=3), what, "--accept-damage")
    put()
    casebox.run(*show)
    (keys / "audit.log").write_bytes(whole[:-40])
    accepted = casebox.json("keys", "audit", "--accept-damage", "--keys", keys)
    expect(accepted["audit"][0]["purpose"] == "accept-damage" and "was cut" in accepted["accepted_damage"],
           f"{accepted['audit'][0]}")
    aside = list(keys.glob("audit.log.damaged-*"))
    expect(len(aside) == 1 and aside[0].read_bytes() == whole[:-40], "the damaged trail is not beside the new one")
    one_line_error(casebox.run("keys", "audit", "--accept-damage", "--keys", keys, code=2), "whole")
    casebox.run(*show)


def loose_modes(store, keys, case):
    print("== modes that let others in are said by every command that opens the keystore")
    for path in (keys, keys / "site.key"):
        mode = stat.S_IMODE(path.stat().st_mode)
        path.chmod(mode | 0o044)
        for command in (("show", case, "--store", store), ("keys", "list"), ("cases", "--store", store)):
            said = casebox.run(*command, "--keys", keys).stderr
            expect("chmod -R go-rwx" in said, f"{command[0]} says nothing: {said}")
        path.chmod(mode)
    rules = keys / "access.yaml"
    rules.symlink_to(keys / "nowhere")
    casebox.run("cases", "--store", store, "--keys", keys, code=2)
    rules.unlink()
    rules.write_text("accounts: []\n", encoding="utf-8")
    for mode, what in ((0o644, "read"), (0o622, "change")):
        rules.chmod(mode)
        said = casebox.run("keys", "list", "--keys", keys).stderr
        expect(f"can {what} who may open cases" in said and "get at the keys" not in said, f"of no key: {said}")
    rules.unlink()
    expect("chmod" not in casebox.run("keys", "list", "--keys", keys).stderr, "says so of good modes")


def no_files(store, keys, case):
    print("== what is no file is said to be none, and nobody waits for it")
    for path, command in ((store / "trust.list", ("verify", store)),
                          (keys / "audit.head", ("export", case, "--store", store, "--keys", keys, "--format", "xes")),
                          (keys / "trust.list", ("cases", "--store", store, "--keys", keys))):
        if not path.exists():
            continue
        aside = path.with_name(path.name + ".aside")
        path.rename(aside)
        os.mkfifo(path)
        done = casebox.run(*command, code=None)
        # Of the trail's head it is said as of anything that stands there and is not what was written.
        what = "audit.head: was changed" if path.name == "audit.head" else "is a pipe and no file"
        expect(done.returncode != 0 and what in done.stderr,
               f"{command[0]}: {done.returncode} {done.stderr}")
        path.unlink()
        aside.rename(path)
    casebox.run("export", case, "--store", store, "--keys", keys, "--format", "xes")
    full = casebox.run("export", case, "--store", store, "--keys", keys, "--format", "xes", code=None,
                       preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)))
    expect(full.returncode in (1, 2, 3) and "File too large" in full.stderr, f"{full.returncode} {full.stderr}")


def main():
    work = pathlib.Path(tempfile.mkdtemp(prefix="casebox-keys-"))
    try:
        enrolment(work / "a")
        store, keys, case = recorder_with_a_kit(work / "b")
        several_at_once(store, keys, case)
        damaged_trail(store, keys, case)
        loose_modes(store, keys, case)
        no_files(store, keys, case)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    print("keys: all good")


main()
