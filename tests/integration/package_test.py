#!/usr/bin/env python3
"""The Debian packages: what is in them; installed into a root of their own, beside the packages that are installed
here; a room recorded by the unit's own command as the account that the package made; upgraded, removed, purged.

    package_test.py CASEBOX
"""

import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

from support import ROOT, Casebox, expect, skip

HERE = pathlib.Path(__file__).parent
PACKAGES = ("casebox", "casebox-recorder", "casebox-server", "casebox-verifier")
UNITS = {"recorder": 2.0, "ingest": 1.5, "serve": 1.5}  # and how exposed systemd may find them (0 to 10)
LIVENESS = 60  # s


def command(*args, code=0, **options):
    done = subprocess.run([str(a) for a in args], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300,
                          **options)
    expect(code is None or done.returncode == code, f"{' '.join(map(str, args))}: {done.returncode}\n{done.stdout[-3000:]}")
    return done.stdout


def document(*args, code=0, **options):
    done = subprocess.run([*map(str, args), "--json"], capture_output=True, text=True, timeout=300, **options)
    expect(done.returncode == code, f"{' '.join(map(str, args))}: {done.returncode}\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    return json.loads(done.stdout)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def build(program, out, revision):
    names = command(ROOT / "deploy/package", "--fast", "--program", program, "--out", out, "--revision", revision)
    files = {path.name.split("_")[0]: path for path in map(pathlib.Path, names.split())}
    expect(sorted(files) == sorted(PACKAGES), f"{names}")
    return files


def settings(unit):
    """What a unit file says; the last word of each setting, of those that add up all of them."""
    out = {}
    for line in (ROOT / f"deploy/systemd/casebox-{unit}.service").read_text().splitlines():
        name, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            out.setdefault(name, []).append(value)
    return out


def what_is_in_them(files, program):
    print("== what is in the packages")
    version = command(program, "version").split()[-1]
    owners = {}
    for name, path in files.items():
        fields = dict(line.split(": ", 1) for line in command("dpkg-deb", "--field", path).splitlines() if ": " in line)
        expect(fields["Version"] == f"{version}-1", f"{fields}")
        depends = fields["Depends"]
        if name == "casebox":
            expect(fields["Architecture"] != "all", f"{fields}")
            for library in ("libavformat", "librdkafka1", "librocksdb", "libsodium23", "libc6"):
                expect(library in depends, f"{library} is not in: {depends}")
            expect("-dev" not in depends and "systemd" not in depends, f"{depends}")
        else:
            expect(fields["Architecture"] == "all" and "casebox (>= " in depends, f"{fields}")
        for line in command("dpkg-deb", "--contents", path).splitlines():
            mode, owner, _, _, _, file = line.split(None, 5)
            expect(owner == "root/root" and not mode.endswith("w-") and "s" not in mode[1:], f"{name}: {line}")
            if not file.endswith("/"):
                expect(file not in owners, f"{file} is in two packages")
                owners[file] = name
            expect(re.match(r"\./(etc/casebox|usr)(/|$)|\./(etc/)?$", file), f"{name} brings {file}")
            expect(not re.search(r"\.(seed|key|pub|pem)$|site\.trust", file), f"{name} brings a key: {file}")
    for file, name in (("./usr/bin/casebox", "casebox"), ("./etc/casebox/room.yaml", "casebox-recorder"),
                       ("./usr/lib/systemd/system/casebox-recorder.service", "casebox-recorder"),
                       ("./usr/lib/systemd/system/casebox-ingest.service", "casebox-server"),
                       ("./usr/share/casebox/web/index.html", "casebox-server"),
                       ("./usr/share/doc/casebox-verifier/formats/verdicts.md", "casebox-verifier")):
        expect(owners.get(file) == name, f"{file} is in {owners.get(file)}")
    for name in PACKAGES:
        expect(f"./usr/share/doc/{name}/copyright" in owners, f"{name} says nothing of its licence")


class Target:
    """A root of its own, with the database of what is installed here: what packages depend on must be in that."""

    def __init__(self, folder):
        self.root = folder
        for part in ("var/lib/dpkg/info", "var/lib/dpkg/updates", "run/casebox", "tmp"):
            (folder / part).mkdir(parents=True)
        shutil.copy("/var/lib/dpkg/status", folder / "var/lib/dpkg/status")
        for path in [folder, *folder.parents]:
            if path == pathlib.Path(tempfile.gettempdir()):
                break
            path.chmod(0o755)

    def dpkg(self, *args):
        # Other packages' triggers are not here; only those of ours are configured.
        return command("dpkg", f"--root={self.root}", "--force-script-chrootless", "--no-triggers", "--force-unsafe-io",
                       "--log=/dev/null", *args)

    def install(self, files, *names):
        return self.dpkg("--install", *(files[name] for name in names or PACKAGES))

    def version(self, name):
        return command("dpkg-query", f"--admindir={self.root}/var/lib/dpkg", "-W", "-f=${Version} ${db:Status-Status}", name)

    def account(self, name):
        rows = (line.split(":") for line in (self.root / "etc/passwd").read_text().splitlines())
        row, = (row for row in rows if row[0] == name)
        expect(row[6].endswith("nologin"), f"{row}")
        return int(row[2]), int(row[3])

    def path(self, name):
        return self.root / name.lstrip("/")

    def as_account(self, name):
        uid, gid = self.account(name)
        return {"user": uid, "group": gid, "extra_groups": [], "cwd": self.path("/tmp"),
                "env": {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}}


def digest(folder):
    """Every file of a folder with its bytes, its owner and its mode."""
    return {str(path.relative_to(folder)): (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_uid,
                                            path.stat().st_mode) for path in sorted(folder.rglob("*")) if path.is_file()}


def units_are_well_formed_and_closed(target, work):
    print("== the units")
    for unit, most in UNITS.items():
        name = f"casebox-{unit}.service"
        text = (target.path("/usr/lib/systemd/system") / name).read_text()
        (work / name).write_text(text.replace("=/usr/bin/casebox", f"={target.path('/usr/bin/casebox')}"))
        said = command("systemd-analyze", "verify", "--man=no", work / name)
        expect(said.strip() == "", f"{name}: {said}")
        said = command("systemd-analyze", "security", "--no-pager", "--offline=true", f"--threshold={round(most * 10)}",
                       work / name)
        print("   " + re.search(r"→ (Overall exposure .*)", said).group(1))


def calls_of(name):
    """The system calls of a set of systemd's, or the one."""
    if not name.startswith("@"):
        return {name}
    words = (line.strip() for line in command("systemd-analyze", "syscall-filter", name).splitlines()[1:])
    return set().union(*(calls_of(word) for word in words if word and not word.startswith("#")))


def under_the_filter(log):
    """How a command is started so that what the recorder's unit forbids fails as it would there; empty: it cannot be."""
    if shutil.which("strace") is None or subprocess.run(["strace", "-o", log, "true"], capture_output=True).returncode != 0:
        print("   nobody may be traced here: the filter of system calls was not tried")
        return []
    allowed = calls_of("@default")
    for line in settings("recorder")["SystemCallFilter"]:
        told = set().union(*map(calls_of, line.lstrip("~").split()))
        allowed = allowed - told if line.startswith("~") else allowed | told
    denied = ",".join(f"?{name}" for name in sorted(calls_of("@known") - allowed))
    error, = settings("recorder")["SystemCallErrorNumber"]
    return ["strace", "-f", "--seccomp-bpf", "-qq", "-o", str(log), "-e", f"trace={denied}", "-e", "signal=none",
            "-e", f"inject={denied}:error={error}"]


def write_room(target):
    """The configuration that the package brings, with a source of the test's own and this root's folders."""
    config = target.path("/etc/casebox/room.yaml")
    text = config.read_text()
    port, health = free_port(), free_port()
    text = text.replace("/var/lib/casebox", f"{target.root}/var/lib/casebox").replace("/run/casebox",
                                                                                   f"{target.root}/run/casebox")
    text = re.sub(r"    - name: scope\n.*\n.*\n", "", text).replace("127.0.0.1:7301", f"127.0.0.1:{port}")
    text = text.replace("port: 8430", f"port: {health}").replace("ring_s: 120", "ring_s: 1")
    expect(text.count(str(target.root)) == 5 and "scope" not in text, text)
    config.write_text(text)
    command(target.path("/usr/bin/casebox"), "config", "check", config)
    return port


def a_case_is_recorded_as_the_units_account(target, work):
    print("== a kit for the recorder, a check, a case")
    program = target.path("/usr/bin/casebox")
    server, recorder = target.as_account("_casebox-server"), target.as_account("_casebox-recorder")
    keys, kit, spool = (target.path(f"/var/lib/casebox/{part}") for part in ("store/keys", "kit", "spool"))
    expect(spool.stat().st_uid == recorder["user"] and spool.stat().st_mode & 0o777 == 0o750, f"{spool.stat()}")
    out = target.path("tmp/kit")
    target.path("/tmp").chmod(0o1777)
    command(program, "keys", "stock", "--keys", keys, "--add", 20, **server)
    command(program, "keys", "kit", "--recorder", "or-1", "--room", "or-1", "--stock", 20, "--keys", keys, "--out", out, **server)
    shutil.copytree(out, kit, dirs_exist_ok=True)
    for path in [kit, *kit.rglob("*")]:
        os.chown(path, recorder["user"], recorder["group"])
    shutil.rmtree(out)
    refused = command("cat", keys / "site.key", code=1, **recorder)
    expect("ermission denied" in refused, refused)

    port = write_room(target)
    config = target.path("/etc/casebox/room.yaml")
    said = settings("recorder")
    umask, = (int(value, 8) for value in said["UMask"])
    started = said["ExecStart"][0].replace("/usr/bin/casebox", str(program)).replace("/etc/casebox/room.yaml", str(config))
    os.chown(target.path("/run/casebox"), recorder["user"], recorder["group"])
    checks = document(*started.split(), "--check", code=1, umask=umask, **recorder)["checks"]
    found = {check["what"]: check["ok"] for check in checks}
    expect(found["keys"] and not found["source insufflator"], f"{checks}")

    told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    told.bind(str(target.path("/run/notify")))
    target.path("/run/notify").chmod(0o666)
    told.settimeout(LIVENESS)
    recorder["env"]["NOTIFY_SOCKET"] = str(target.path("/run/notify"))
    calls = work / "calls"
    calls.touch()
    calls.chmod(0o666)
    log_of_calls = under_the_filter(calls)
    log = open(work / "recorder.log", "w")
    running = subprocess.Popen([*log_of_calls, *started.split()], umask=umask, stdout=log, stderr=log, **recorder)
    sender = subprocess.Popen([sys.executable, HERE / "line_sender.py", str(port), "20", work / "sent"],
                              stdin=subprocess.PIPE)
    try:
        while told.recv(100) != b"READY=1":
            pass
        control = target.path("/run/casebox/control")
        case = document(program, "case", "begin", "--control", control, **recorder)["state"]["case_id"]
        time.sleep(2)
        command(program, "case", "begin", "--control", control, code=1, **server)  # not the server's to give
        command(program, "case", "end", "--control", control, **recorder)
        time.sleep(1.5)
        while told.recv(100) != b"WATCHDOG=1":
            pass
        stopped = time.monotonic()
        # As systemd would: one signal, to the main process; strace's is its child.
        main = int(command("pgrep", "-P", running.pid)) if log_of_calls else running.pid
        os.kill(main, signal.SIGTERM)
        code = running.wait(timeout=LIVENESS)
        while told.recv(100) != b"STOPPING=1":
            pass
        expect(code in (0, 3), f"{code}: {(work / 'recorder.log').read_text()}")
        expect(time.monotonic() - stopped < float(said["TimeoutStopSec"][0]), "systemd would have killed it")
    finally:
        for process in (sender, running):
            if process.poll() is None:
                process.kill()
                process.wait()
    if log_of_calls:
        refused = set(re.findall(r"(\w+)\(.*\(INJECTED\)", calls.read_text()))
        # libnuma, which a codec of FFmpeg brings, asks at its start and does without.
        expect(refused <= {"set_mempolicy"}, f"the unit forbids what the recorder does: {sorted(refused)}")
        print(f"   recorded under the unit's filter of system calls; refused: {sorted(refused)}")
    store = target.path("/var/lib/casebox/store")
    command("ls", spool, code=2, **{**server, "user": 65534})
    logs = spool
    if b"system.posix_acl_default" not in map(str.encode, os.listxattr(spool)):
        # systemd-tmpfiles looks names of such lists up among the accounts of the machine it runs on.
        print("   no access list: the server reads a copy of the spool")
        logs = target.path("tmp/spool")
        shutil.copytree(spool, logs)
        command("chown", "-R", server["user"], logs)
    command(program, "ingest", "--store", store, "--logs", logs, "--until-idle", 1, **server)
    listed = document(program, "cases", "--store", store, **server)["cases"]
    expect([c["case_id"] for c in listed] == [case] and listed[0]["state"] == "closed", f"{listed}")
    shown = document(program, "show", case, "--store", store, **server)
    items = next(s for s in shown["streams"] if s["name"] == "insufflator.state")["items"]
    expect(shown["verdict"].startswith("COMPLETE") and items > 20, f"{shown['verdict']}, {items} items")
    return case


def upgraded_removed_and_purged(target, second):
    print("== upgraded, removed, purged")
    state, config = target.path("/var/lib/casebox"), target.path("/etc/casebox/room.yaml")
    program = target.path("/usr/bin/casebox")
    before, written, first = digest(state), config.read_text(), program.stat().st_ino
    target.install(second)
    expect(all(target.version(name).endswith("-2 installed") for name in PACKAGES), target.version("casebox"))
    expect(program.stat().st_ino != first and config.read_text() == written, "the room's own configuration is gone")
    expect(digest(state) == before, "an upgrade touched what was recorded")
    spool = target.path("/var/lib/casebox/spool")
    command(program, "verify", spool)
    target.dpkg("--remove", *PACKAGES)
    expect(not program.exists() and config.read_text() == written, "removed, not purged: the configuration stays")
    expect(digest(state) == before, "a removal touched what was recorded")
    said = target.dpkg("--purge", *PACKAGES)
    expect(not config.exists(), "purged, and the configuration is there")
    expect(digest(state) == before and len(before) > 10, "a purge touched what was recorded")
    for part in ("spool", "kit", "store"):
        expect(f"kept: /var/lib/casebox/{part} (" in said, f"nobody is told that {part} stays: {said}")
    target.account("_casebox-recorder")  # so that its number is given to nobody else
    left = [path for path in target.root.rglob("*casebox*") if path.is_file() and state not in path.parents]
    expect(not left, f"left behind: {left}")


def nothing_stays_of_a_room_that_never_recorded(files, work):
    target = Target(work / "unused")
    target.install(files)
    expect(target.path("/var/lib/casebox/kit").is_dir(), "there is no place for a kit")
    expect("kept" not in target.dpkg("--purge", *PACKAGES), "something is kept of nothing")
    expect(not target.path("/var/lib/casebox").exists(), "empty folders stay")


def main():
    if os.geteuid() != 0:
        skip("packages are installed by root")
    for tool in ("dpkg-shlibdeps", "systemd-sysusers", "systemd-tmpfiles", "systemd-analyze"):
        if shutil.which(tool) is None:
            skip(f"no {tool}; deploy/install deploy/packages-test.txt")
    program = pathlib.Path(Casebox(sys.argv[1]).program)
    if not (program.parent / "web/index.html").exists():
        skip("no review page; deploy/build makes it")
    with tempfile.TemporaryDirectory(prefix="casebox-package-") as folder:
        work = pathlib.Path(folder)
        with concurrent.futures.ThreadPoolExecutor() as both:
            first, second = both.map(lambda n: build(program, work / f"revision-{n}", n), (1, 2))
        what_is_in_them(first, program)
        target = Target(work / "root")
        said = target.install(first)
        expect("it needs a kit in" in said, said)
        units_are_well_formed_and_closed(target, work)
        case = a_case_is_recorded_as_the_units_account(target, work)
        upgraded_removed_and_purged(target, second)
        nothing_stays_of_a_room_that_never_recorded(first, work)
        print(f"passed ({case[:8]})")


main()
