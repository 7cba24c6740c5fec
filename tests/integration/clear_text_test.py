"""clear_text_test.py CASEBOX

In the clear stand codes only. Marks are planted in every text that comes from outside: settings, aliases, file
names, column headers, units, cells, track names and device names, events, annotation labels, team marks, alarm codes
and checklist items. They are recorded, imported, stored, analysed, changed and reported, errors are provoked, and then
every byte of every file that is not meant for people is searched, and every line that was printed about it. Each mark
must be shown to whoever has the keys, or the test would prove nothing.
"""

import gzip
import json
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import urllib.error
import urllib.parse
import urllib.request
import zlib

from support import Casebox, expect, fail, with_packages

with_packages("zstandard")
import zstandard  # noqa: E402

casebox = Casebox(sys.argv[1])
STEM = "Zq7Mark"  # no mark is a word of the vocabulary, and none arises by chance in ciphertext


def mark(field):
    """The mark of a field. Planted as given, it is looked for in any case."""
    return f"{STEM}{field}"


# What was printed: command, and the text of standard output and standard error.
printed = []


def run(*args, code=0, **options):
    done = casebox.run(*args, code=code, **options)
    printed.append((args[0], done.stdout, done.stderr))
    return done


# ---- files with marks in them


def csv_file(path):
    lines = [f"Time(s),HR(/min),{mark('Column')}({mark('Unit')}),ART_M(mmHg)"]
    for i in range(400):
        value = mark("Missing") if i == 37 else f"{i % 50}"
        lines.append(f"{i * 0.5:.1f},{70 + i % 7},{value},{90 + i % 5}")
    path.write_text("\n".join(lines).replace(mark("Missing"), "NaN") + "\n")


def vital_text(text):
    raw = text.encode()
    return struct.pack("<I", len(raw)) + raw


def vital_packet(kind, body):
    return struct.pack("<BI", kind, len(body)) + body


def vital_file(path):
    """A .vital file: two devices, one wave, two numerics, events; as the format description has it."""
    out = b"VITA" + struct.pack("<IH", 3, 26) + bytes(26)
    out += vital_packet(9, struct.pack("<I", 1) + vital_text("Other") + vital_text(mark("DeviceName")))
    out += vital_packet(9, struct.pack("<I", 2) + vital_text("Philips") + vital_text("Intellivue"))

    def track(number, kind, form, name, unit, rate, gain, device):
        return vital_packet(0, struct.pack("<HBB", number, kind, form) + vital_text(name) + vital_text(unit) +
                            struct.pack("<ffIfddBI", 0, 1, 0, rate, gain, 0, 0, device))

    out += track(1, 1, 5, mark("Wave"), mark("WaveUnit"), 100, 0.01, 1)
    out += track(2, 2, 1, "HR", "/min", 0, 1, 2)
    out += track(3, 2, 1, mark("Numeric"), mark("NumericUnit"), 0, 1, 1)
    out += track(4, 5, 1, "EVENT", "", 0, 1, 0)
    out += track(5, 5, 1, mark("TextTrack"), "", 0, 1, 1)

    def record(number, time, body):
        return vital_packet(1, struct.pack("<HdH", 10, time, number) + body)

    for second in range(60):
        t = 1.7e9 + second
        out += record(1, t, struct.pack("<I100h", 100, *range(100)))
        out += record(2, t, struct.pack("<f", 70 + second % 3))
        out += record(3, t, struct.pack("<f", 30 + second % 3))
    out += record(4, 1.7e9 + 20, bytes(4) + vital_text(mark("EventText")))
    out += record(5, 1.7e9 + 21, bytes(4) + vital_text(mark("OtherText")))
    path.write_bytes(gzip.compress(out))


def phase_file(path, case=None):
    label = {"label_id": 1, "start": 0, "end": 20000, "label_name": mark("Phase")}
    step = {"label_id": 1, "start": 1000, "end": 9000, "label_name": mark("Step")}
    if case is None:
        path.write_text(json.dumps({"phases": [label], "steps": [step]}))
    else:
        path.write_text(f"case,label,start_s,end_s\n{case},{mark('Label')},0,30\n")


def media_file(path):
    """A short film whose container and codec say more than they should; None without ffmpeg."""
    if shutil.which("ffmpeg") is None:
        return None
    subprocess.run(["ffmpeg", "-loglevel", "error", "-f", "lavfi", "-i", "testsrc=size=64x48:rate=10:duration=3",
                    "-c:v", "libx264", "-metadata", f"title={mark('Title')}", "-metadata:s:v",
                    f"handler_name={mark('Handler')}", "-y", str(path)], check=True)
    return path


# ---- searching


def hits(data):
    return sorted({m.decode() for m in re.findall(rb"(?i)zq7mark[a-z]*", data)})


def unpacked(data):
    """What compression hides: every zlib and zstd stream that begins somewhere in the bytes."""
    for magic, opener in ((b"\x28\xb5\x2f\xfd", lambda b: zstandard.ZstdDecompressor().decompressobj().decompress(b)),
                          (b"\x1f\x8b\x08", lambda b: zlib.decompressobj(31).decompress(b, 1 << 22)),
                          (b"\x78\x9c", lambda b: zlib.decompressobj().decompress(b, 1 << 22))):
        at = data.find(magic)
        while at >= 0:
            try:
                yield opener(data[at:at + (1 << 20)])
            except (zstandard.ZstdError, zlib.error):
                pass
            at = data.find(magic, at + 1)


def search(folder):
    """Names and bytes of every file below the folder."""
    files = 0
    for path in sorted(folder.rglob("*")):
        expect(not hits(str(path.relative_to(folder)).encode()), f"a mark in the name of {path}")
        if not path.is_file():
            continue
        files += 1
        data = path.read_bytes()
        found = hits(data)
        for more in unpacked(data):
            found += hits(more)
        expect(not found, f"{path.relative_to(folder)}: {found} in the clear")
    expect(files > 0, f"nothing to search in {folder}")
    return files


def search_printed():
    for command, out, err in printed:
        expect(not hits(out.encode()), f"{command}: {hits(out.encode())} on standard output: {out[-600:]}")
        expect(not hits(err.encode()), f"{command}: {hits(err.encode())} in its errors: {err[-600:]}")
    return len(printed)


# ---- what is done with them


def record_with_marks(work, inputs):
    print("== a recording whose settings, devices and files are marked")
    config = work / "inputs" / f"{mark('ConfigFile')}.yaml"
    spool, keys = work / "spool", work / "keys"
    media = inputs.get("media")
    config.write_text("\n".join([
        "room: or-1", "procedure: lap-cholecystectomy", f"spool_dir: {spool}", f"keystore_dir: {keys}",
        "consent: [record, quality]", "sources:",
        f"  - name: {mark('Source')}", "    type: csv", f"    url: {inputs['csv']}", "    as_fast_as_possible: true",
        f"    unit: {mark('SourceUnit')}", f"    device: {mark('SourceDevice')}",
        "  - name: monitor", "    type: vital", f"    url: {inputs['vital']}", "    as_fast_as_possible: true",
        "  - name: annotation", "    type: phases", f"    url: {inputs['phases']}", "    as_fast_as_possible: true",
        f"    device: {mark('PhaseDevice')}",
        *([f"  - name: {mark('Camera')}", "    type: media", f"    url: {media}", "    as_fast_as_possible: true"]
          if media else [])]) + "\n")
    casebox.run("record", "--config", config)  # its table of streams is for the person who records
    run("verify", spool)
    run("verify", spool, "--json")
    run("cat", "--log", spool, "--until-idle", 0.2)
    run("cat", "--log", spool, "--until-idle", 0.2, "--json")
    run("ingest", "--store", work / "store", "--keys", keys, "--logs", spool, "--until-idle", 0.5)
    run("ingest", "--store", work / "store", "--keys", keys, "--logs", spool, "--until-idle", 0.5, "--json")
    return keys


def import_with_marks(work, inputs, keys):
    print("== imports with an alias and marked files")
    store = work / "store"
    casebox.run("import", inputs["csv"], inputs["vital"], inputs["phases"], "--case", mark("Alias"), "--store", store,
                "--keys", keys, "--procedure", "lap-cholecystectomy", "--room", "or-2")
    casebox.run("import", inputs["table"], "--store", store, "--keys", keys)


def room_with_marks(work, keys):
    print("== a simulated operation: alarms, checklists, marks, forecasts, consent")
    folder = work / "room"
    run("simulate", "--seed", 5, "--duration-scale", 0.05, "--no-video", "--out", folder)
    text = (folder / "recorder.yaml").read_text()
    spool = work / "spool-room"
    text = re.sub(r'spool_dir: .*', f"spool_dir: {spool}", text)
    text = re.sub(r'keystore_dir: .*', f"keystore_dir: {keys}", text)
    (folder / "recorder.yaml").write_text(text)
    run("record", "--config", folder / "recorder.yaml")
    run("ingest", "--store", work / "store", "--keys", keys, "--logs", spool, "--until-idle", 0.5, "--analyze")
    return folder


def use(work, keys):
    """Everything that writes: analyses, findings, consent, copies. What people read goes to `shown`."""
    print("== analysed, changed, copied")
    store, shown, no_keys = work / "store", work / "shown", work / "copy-without-keys"
    shown.mkdir()
    shutil.copytree(store, no_keys)
    tokened = 0
    cases = [c["case_id"] for c in casebox.json("cases", "--store", store, "--keys", keys)["cases"]]
    expect(len(cases) == 4, f"{len(cases)} cases, 4 expected")
    for case in cases:
        casebox.run("analyze", "--case", case, "--store", store, "--keys", keys, code=None)
        casebox.run("consent", case, "--grant", "teaching", "--store", store, "--keys", keys)
        text = casebox.run("show", case, "--store", store, "--keys", keys, "--json").stdout
        (shown / f"{case}.json").write_text(text)
        casebox.run("report", "liability", case, "--store", store, "--keys", keys, "--out", shown / f"{case}.html",
                    code=None)
        for number, stream in enumerate(json.loads(text)["streams"]):
            if stream["channels"] and stream["kind"] in ("wave", "numeric"):
                casebox.run("export", case, "--format", "csv", "--stream", stream["name"], "--store", store, "--keys",
                            keys, "--out", shown / f"{case}-{number}.csv")
        # Without the keystore: numbers and tokens.
        run("show", case, "--store", no_keys)
        tokens = run("show", case, "--store", no_keys, "--json").stdout
        tokened += '"stream-' in tokens
        run("replay", case, "--to-log", work / "copies" / case, "--store", store, code=None)
    expect(tokened == 2, f"{tokened} cases have tokens without the keys, 2 expected")
    run("cases", "--store", no_keys)
    run("cases", "--store", no_keys, "--json")
    run("verify", store)
    run("verify", store, "--json")
    return cases, "".join(path.read_text() for path in shown.glob("*.json"))


def shown_to_whom_it_concerns(text, media):
    print("== with the keys all of it is there")
    wanted = ["Source", "Column", "Unit", "SourceDevice", "Wave", "WaveUnit", "Numeric", "NumericUnit", "DeviceName",
              "Alias", "Phase", "Label"]
    for field in wanted + (["Camera"] if media else []):
        expect(mark(field) in text, f"{mark(field)} is not shown with the keys: the mark was not planted")


def errors(work, inputs, keys):
    """Bad cells, rows, settings: the error says where, and repeats nothing of it."""
    print("== errors")
    folder, store = work / "inputs", work / "store"
    bad = folder / "bad.csv"

    def refused(*args):
        done = run(*args, code=None)
        expect(done.returncode not in (0, 1) and not done.returncode < 0, f"{args}: exit code {done.returncode}")
        expect("casebox: " in done.stderr, f"{args}: {done.stderr}")

    for text in (f"Time(s),{mark('BadColumn')}\n0,1\n1,{mark('BadCell')}\n",
                 f"Time(s),{mark('BadColumn')}\n0,1\n{mark('BadTime')},2\n",
                 f"Time(s),{mark('BadColumn')}\n0,1,{mark('BadExtra')}\n",
                 f"{mark('BadColumn')},{mark('BadOther')}\n1,2\n"):
        bad.write_text(text)
        refused("import", bad, "--case", mark("BadAlias"), "--store", store, "--keys", keys)
    for text in (json.dumps({"phases": [{"start": 5, "end": 1, "label_name": mark("BadLabel")}]}),
                 json.dumps({"phases": [{"start": mark("BadStart"), "end": 1, "label_name": "x"}]}),
                 '{"phases": [' + mark("BadJson")):
        (folder / "bad.json").write_text(text)
        refused("import", folder / "bad.json", "--store", store, "--keys", keys)
    (folder / "bad.vital").write_bytes(gzip.compress(b"VITA" + mark("BadVital").encode() * 9))
    refused("import", folder / "bad.vital", "--store", store, "--keys", keys)
    for flag in ("--procedure", "--room"):
        refused("import", inputs["csv"], flag, f"Mrs {mark('BadCode')}", "--case", "x", "--store", store, "--keys", keys)
    refused("simulate", "--procedure", f"Mrs {mark('BadCode')}", "--out", work / "nowhere")
    for line in (f"room: Mrs {mark('BadRoom')}", f"procedure: Mrs {mark('BadProcedure')}"):
        config = folder / "bad.yaml"
        fields = {"room": "or-1", "procedure": "lap-cholecystectomy"}
        fields[line.split(":")[0]] = line.split(": ")[1]
        config.write_text("".join(f"{k}: {v}\n" for k, v in fields.items()) +
                          f"spool_dir: {work / 'x'}\nkeystore_dir: {keys}\n"
                          f"sources: [{{name: a, type: csv, url: {inputs['csv']}}}]\n")
        refused("config", "check", config)
        refused("record", "--config", config)
    refused("show", mark("NoCase"), "--store", store, "--keys", keys)
    refused("query", f'procedure = "{mark("NoQuery")}" and', "--store", store, "--keys", keys)


def fetched(url):
    try:
        with urllib.request.urlopen(url) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as refused:
        return fail(f"{url}: {refused.code}: {refused.read().decode()}")


def urls(work, keys):
    """The page asks for streams by name: what is no word is asked for by its token."""
    print("== URLs")
    server = casebox.start("serve", "--store", work / "store", "--keys", keys, "--port", "0")
    try:
        line = server.stderr.readline()
        address = re.search(r"http://[0-9.:]+", line)
        expect(address, f"no address in: {line}")
        cases = fetched(f"{address[0]}/api/cases")["cases"]
        asked = 0
        for case in cases:
            one = fetched(f"{address[0]}/api/cases/{case['case_id']}")
            for stream in one["streams"]:
                for channel in stream["channels"]:
                    query = urllib.parse.urlencode({"stream": stream["key"], "channel": channel["key"],
                                                    "from": 0, "to": 20, "buckets": 10})
                    expect(not hits(query.encode()), f"a mark in the URL: {query}")
                    asked += fetched(f"{address[0]}/api/cases/{case['case_id']}/samples?{query}")["samples"]
        expect(asked > 0, "nothing was asked for")
    finally:
        server.terminate()
        out, err = server.communicate(timeout=20)
        printed.append(("serve", out, err))


def main():
    with tempfile.TemporaryDirectory() as temp:
        work = pathlib.Path(temp)
        folder = work / "inputs"
        folder.mkdir()
        inputs = {"csv": folder / f"{mark('File')}.csv", "vital": folder / f"{mark('File')}.vital",
                  "phases": folder / f"{mark('File')}.json", "table": folder / f"{mark('Table')}.csv",
                  "media": folder / f"{mark('File')}.mp4"}
        csv_file(inputs["csv"])
        vital_file(inputs["vital"])
        phase_file(inputs["phases"])
        phase_file(inputs["table"], case=mark("CaseKey"))
        if media_file(inputs["media"]) is None:
            del inputs["media"]
        keys = record_with_marks(work, inputs)
        import_with_marks(work, inputs, keys)
        room_with_marks(work, keys)
        _, text = use(work, keys)
        shown_to_whom_it_concerns(text, inputs.get("media"))
        errors(work, inputs, keys)
        urls(work, keys)
        files = sum(search(work / part) for part in ("spool", "spool-room", "store", "keys", "copies"))
        lines = search_printed()
    print(f"passed: {files} files and what {lines} commands printed")


if __name__ == "__main__":
    main()
