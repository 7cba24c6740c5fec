"""foreign_text_test.py CASEBOX

Text in other encodings and numbers nobody can count with, from every file and every argument: a case is recorded
whole, shown, verified and served; or one line says what is wrong. Nothing ends the program.
"""

import gzip
import json
import os
import pathlib
import struct
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request

from support import Casebox, expect, one_line_error

casebox = Casebox(sys.argv[1])

LATIN = "latin-1"
KOREAN = "cp949"


def table(unit="°C", name="temp"):
    return f"t,{name}({unit}),a\n" + "".join(f"{i / 10:.1f},{37 + i % 3},{i}\n" for i in range(50))


def vital(texts, name=b"BT", unit=b"Cel"):
    """A .vital file of one numeric and its events, whose texts are the bytes given."""
    def text(value):
        return struct.pack("<I", len(value)) + value

    def packet(kind, body):
        return bytes([kind]) + struct.pack("<I", len(body)) + body

    def track(number, kind, title, of):
        return packet(0, struct.pack("<HBB", number, kind, 1) + text(title) + text(of) +
                      struct.pack("<ffIfdd", 0, 0, 0, 0, 1, 0))

    out = b"VITA" + struct.pack("<IH", 3, 10) + b"\0" * 10 + track(1, 2, name, unit) + track(2, 5, b"EVENT", b"")
    for i in range(20):
        out += packet(1, struct.pack("<HdH", 10, 1e9 + i, 1) + struct.pack("<f", 37 + i))
    for i, value in enumerate(texts):
        out += packet(1, struct.pack("<HdH", 10, 1e9 + i, 2) + struct.pack("<I", 0) + text(value))
    return gzip.compress(out)


def phases(label):
    return json.dumps({"phases": [{"start": 0, "end": 3000, "label_name": label}]}, ensure_ascii=False)


class Server:
    """`serve` over a store, asked over HTTP."""

    def __init__(self, store):
        self.process = casebox.start("serve", "--store", store, "--port", "0", "--json")
        self.url = json.loads(self.process.stdout.readline())["url"].rstrip("/")

    def status(self, target):
        try:
            with urllib.request.urlopen(self.url + target, timeout=20) as answer:
                body = answer.read()
                return answer.status, json.loads(body.decode("utf-8")) if "json" in answer.headers["Content-Type"] else body
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read().decode("utf-8"))

    def close(self):
        expect(self.process.poll() is None, "serve ended by itself")
        self.process.terminate()
        _, said = self.process.communicate(timeout=20)
        expect(self.process.returncode == 0, f"serve ended with {self.process.returncode}: {said}")


def every_source(work):
    print("== each source in each encoding: recorded, verified, shown, served")
    store = work / "store"
    files = {
        "latin.csv": table().encode(LATIN),
        "micro.csv": table("µg/kg").encode(LATIN),
        "korean.csv": table("℃", "심박수").encode(KOREAN),
        "utf16.csv": ("\ufeff" + table()).encode("utf-16-le"),
        "utf16be.csv": ("\ufeff" + table()).encode("utf-16-be"),
        "mixed.csv": "t,temp(°C),Dvořák\n".encode("cp1250") + "0,1,2\n0.1,2,3\n".encode() ,
        "utf8.csv": ("\ufeff" + table("µg/kg")).encode(),
        "korean.vital": vital(["마취 시작".encode(KOREAN), "수술 시작".encode()], unit="°C".encode(LATIN)),
        "mixed.vital": vital(["Müller".encode(LATIN), b"\xff\xfe\xfd \\", "마취".encode(KOREAN)], name="Dvořák".encode("cp1250")),
        "latin.json": phases("Präparation").encode(LATIN),
        "korean_phases.csv": "case,label,start_s,end_s\n가,마취 시작,0,3\n".encode(KOREAN),
    }
    ids = {}
    for name, content in files.items():
        file = work / name
        file.write_bytes(content)
        document = casebox.json("import", file, "--case", f"case {name}", "--store", store)
        ids[name] = document["case_id"]
    expect(casebox.json("verify", store)["verdict"] in ("COMPLETE", "COMPLETE_WITH_DECLARED_GAPS"), "not complete")
    server = Server(store)
    shown = {}
    for name, case in ids.items():
        done = subprocess.run([casebox.program, "show", case, "--store", store, "--json"], capture_output=True, check=True)
        text = done.stdout.decode("utf-8")
        expect("\ufffd" not in text, f"{name}: a character was lost")
        shown[name] = json.loads(text)
        status, page = server.status(f"/api/cases/{case}")
        expect(status == 200 and "\ufffd" not in json.dumps(page, ensure_ascii=False), f"{name}: the page has {status}")
        shown[name + " page"] = json.dumps(page, ensure_ascii=False)

    def units(name):
        return [c["unit"] for s in shown[name]["streams"] for c in s["channels"]]

    def names(name):
        return [c["name"] for s in shown[name]["streams"] for c in s["channels"]]

    for name in ("latin.csv", "utf16.csv", "utf16be.csv", "korean.csv"):
        expect("Cel" in units(name), f"{name}: units {units(name)}")
    for name in ("micro.csv", "utf8.csv"):
        expect("ug/kg" in units(name), f"{name}: units {units(name)}")
    expect("심박수" in names("korean.csv"), f"korean.csv: {names('korean.csv')}")
    expect("Dvo\\xF8\\xE1k" in names("mixed.csv") or "Dvo\\xF8\\xE1k" in str(names("mixed.csv")),
           f"mixed.csv: {names('mixed.csv')}")
    for word in ("마취 시작", "수술 시작"):
        expect(word in shown["korean.vital page"], f"korean.vital: no {word}")
    for word in ("마취", "Müller", "\\\\xFF\\\\xFE\\\\xFD"):
        expect(word in shown["mixed.vital page"], f"mixed.vital: no {word}")
    expect("Präparation" in shown["latin.json page"], "latin.json: no phase")
    expect("마취 시작" in shown["korean_phases.csv page"], "korean_phases.csv: no phase")

    print("== targets that are no text, and numbers beyond any")
    case = ids["korean.vital"]
    for target, wanted in ((f"/api/cases/{case}/twin?variable=%ff/%ff", 400),
                           (f"/api/cases/{case}/samples?stream=%ff&channel=%00&from=nan&to=inf", 400),
                           (f"/api/cases/{case}/samples?stream=a&channel=b&from=1e999", 404),
                           (f"/api/cases/{case}/findings/%e2%82", 400), ("/%ff", 400), ("/api/cases", 200)):
        status, _ = server.status(target)
        expect(status == wanted, f"{target}: {status}, {wanted} expected")
    server.close()


def arguments(work):
    print("== aliases and file names that are not UTF-8")
    folder = os.fsencode(work)
    file = os.path.join(folder, b"M\xfcller.csv")
    with open(file, "wb") as out:
        out.write(table().encode())
    done = subprocess.run([os.fsencode(casebox.program), b"import", file, b"--case", b"M\xfcller",
                           b"--store", os.path.join(folder, b"s2"), b"--json"], capture_output=True)
    expect(done.returncode == 0, f"import: {done.returncode} {done.stderr}")
    document = json.loads(done.stdout.decode("utf-8"))
    expect(casebox.json("verify", work / "s2")["verdict"] == "COMPLETE", "not complete")
    expect(casebox.json("show", "Müller", "--store", work / "s2")["case_id"] == document["case_id"], "the alias is another")


def configuration(work):
    print("== a configuration that is not UTF-8")
    config = work / "room.yaml"
    (work / "a.csv").write_bytes(table().encode())
    text = (f"procedure: lap-cholecystectomy\nroom: or-1\nspool_dir: {work}/spool\nkeystore_dir: {work}/keys\n"
            f"sources:\n  - {{name: a, type: csv, url: {work}/a.csv, device: Gerät, as_fast_as_possible: true}}\n")
    config.write_bytes(text.encode(LATIN))
    one_line_error(casebox.run("record", "--config", config, code=2), "room.yaml:6")
    one_line_error(casebox.run("config", "check", config, code=2), "room.yaml:6")
    expect(not (work / "spool").exists(), "something was recorded")
    for encoded in (text.encode(), ("\ufeff" + text).encode("utf-16-le")):
        config.write_bytes(encoded)
        casebox.run("config", "check", config)
    casebox.run("record", "--config", config)
    casebox.run("ingest", work / "spool", "--store", work / "s3", code=None)
    config.write_text(text.replace("as_fast_as_possible: true", "start_s: 1e999"), encoding="utf-8")
    one_line_error(casebox.run("config", "check", config, code=2), "room.yaml:6")


def numbers(work):
    print("== numbers beyond any in annotations and on the command line")
    for i, number in enumerate(("1e999", "-1e999", "1e19", "9223372036854775807", "-9223372036854775808")):
        file = work / f"n{i}.json"
        file.write_text('{"phases":[{"label_name":"SECRET","start":%s,"end":2}]}' % number, encoding="utf-8")
        line = one_line_error(casebox.run("import", file, "--store", work / "s4", code=2), f"n{i}.json")
        expect("SECRET" not in line, f"the error quotes a label: {line}")
    file = work / "far.csv"
    file.write_text("t,SECRET\n0,1\n1e30,2\n", encoding="utf-8")
    expect("SECRET" not in one_line_error(casebox.run("import", file, "--case", "x", "--store", work / "s4", code=2), "far.csv:3"),
           "the error quotes a column")
    for value in ("nan", "inf", "1e999", "1e300", "x", ""):
        one_line_error(casebox.run("export", "abcd", "--store", work / "store", f"--from={value}", code=2))


def main():
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        every_source(work)
        arguments(work)
        configuration(work)
        numbers(work)
    print("every text is UTF-8, every error a line")


if __name__ == "__main__":
    main()
