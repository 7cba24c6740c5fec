#!/usr/bin/env python3
"""A recorder that forwards to a real broker over TLS and with a login (SCRAM), and a store that reads from it so: by
`kafka:` of their configurations. A wrong password and a stranger's authority are refusals that are said.

    kafka_login_test.py CASEBOX
"""

import pathlib
import shutil
import subprocess
import tempfile

from appliance_room import Room, casebox, free_port
from kafka_node import KAFKA, start, stop
from support import expect, skip

PASSWORD = "moss-lantern-42"


def run(*args):
    done = subprocess.run([str(a) for a in args], capture_output=True, text=True, timeout=120)
    expect(done.returncode == 0, f"{args}: {done.stdout[-1500:]}{done.stderr[-1500:]}")
    return done.stdout


def authority(folder, name):
    run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}",
        "-keyout", folder / f"{name}.key", "-out", folder / f"{name}.pem")
    return folder / f"{name}.pem"


def with_login(folder, plain):
    """The same node with a listener more: TLS, and SCRAM behind it. Its address."""
    ca = authority(folder, "site")
    run("openssl", "req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=broker", "-addext", "subjectAltName=IP:127.0.0.1",
        "-keyout", folder / "broker.key", "-out", folder / "broker.csr")
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1\n")
    run("openssl", "x509", "-req", "-in", folder / "broker.csr", "-CA", ca, "-CAkey", folder / "site.key", "-CAcreateserial",
        "-days", "2", "-extfile", folder / "names", "-out", folder / "broker.pem")
    (folder / "both.pem").write_text((folder / "broker.key").read_text() + (folder / "broker.pem").read_text())
    run("java", "-Xmx128m", "-XX:TieredStopAtLevel=1", "-cp", f"{KAFKA}/libs/*", "kafka.admin.ConfigCommand", "--bootstrap-server", plain, "--alter",
        "--add-config", f"SCRAM-SHA-512=[password={PASSWORD}]", "--entity-type", "users", "--entity-name", "or-1")
    stop(folder)
    port = free_port()
    config = folder / "server.properties"
    text = config.read_text()
    lines = []
    for line in text.splitlines():
        name, _, value = line.partition("=")
        if name in ("listeners", "advertised.listeners"):
            value += f",LOGIN://127.0.0.1:{port}"
        if name == "listener.security.protocol.map":
            value += ",LOGIN:SASL_SSL"
        lines.append(f"{name}={value}")
    config.write_text("\n".join(lines) + f"""
sasl.enabled.mechanisms=SCRAM-SHA-512
listener.name.login.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.login.ssl.keystore.type=PEM
listener.name.login.ssl.keystore.location={folder}/both.pem
""")
    return f"127.0.0.1:{port}"


def recorded(work, folder, brokers):
    print("== a login over TLS: refused with a wrong password and by a stranger's authority, then used")
    password = work / "password"
    stranger = authority(work, "stranger")
    with Room(work / "room") as room:
        config = room.folder / "room.yaml"
        kafka = (f"kafka: {{brokers: '{brokers}', partitions: 1, topic_prefix: room, tls: {{ca_file: CA}}, "
                 f"sasl: {{username: or-1, password_file: {password}}}}}")
        plain = config.read_text()

        def configured(ca):
            config.write_text(plain.replace("cases:\n", f"  {kafka.replace('CA', str(ca))}\ncases:\n", 1))

        def broker():
            checks = casebox.json("record", "--appliance", "--config", config, "--check", code=1)["checks"]
            found, = (check for check in checks if check["what"] == "broker")
            return found

        configured(stranger)
        password.write_text(f"{PASSWORD}\n")
        password.chmod(0o644)
        expect("chmod 600" in broker()["detail"], "a password that everybody can read is taken")
        password.chmod(0o600)
        expect("certificate" in broker()["detail"], "a broker that a stranger vouches for is taken")
        configured(folder / "site.pem")
        expect(broker()["ok"], f"{broker()}")
        password.write_text("wrong-horse\n")
        room.start()
        now = room.wait(lambda now: now["forward"] == "refused", "a refusal")
        expect("password" in now["forward_message"], f"{now['forward_message']}")
        room.send()
        case = room.ask("begin")["case_id"]
        room.wait(lambda now: now["case_s"] is not None and now["case_s"] > 1, "a second")
        password.write_text(f"{PASSWORD}\n")  # taken without a restart
        room.wait(lambda now: now["forward"] == "forwarding", "the broker to be used")
        room.ask("end")
        room.wait_for("idle")
        room.wait(lambda now: now["forward_lag_s"] == 0, "all to be forwarded")
        room.stop(0)
        reader = work / "ingest.yaml"
        reader.write_text(f"store_dir: {work}/store\n{kafka.replace('CA', str(folder / 'site.pem'))}\n")
        casebox.run("ingest", "--config", reader, "--keys", room.folder / "keys", "--until-idle", 3)
        cases = casebox.json("cases", "--store", work / "store", "--keys", room.folder / "keys")["cases"]
        expect([c["case_id"] for c in cases] == [case], f"{cases}")
        told = room.said() + "".join(path.read_text(errors="replace") for path in [config, reader])
        spool = b"".join(path.read_bytes() for path in (room.folder / "spool").iterdir() if path.is_file())
        expect("refused" in told and PASSWORD not in told and PASSWORD.encode() not in spool, "the password is told")


def main():
    for program in ("openssl", "java"):
        if shutil.which(program) is None:
            skip(f"no {program}")
    with tempfile.TemporaryDirectory(prefix="casebox-login-") as name:
        work = pathlib.Path(name)
        folder = work / "broker"
        try:
            plain = start(folder)
            casebox.run("topics", "--kafka", plain, "--topic-prefix", "room", "--partitions", 1)
            brokers = with_login(folder, plain)
            expect(start(folder) == plain, "the broker has another address")
            recorded(work, folder, brokers)
        finally:
            stop(folder)
    print("passed")


main()
