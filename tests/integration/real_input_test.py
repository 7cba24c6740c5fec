"""real_input_test.py CASEBOX

One case from real files (video with B-frames, a monitor's .vital file, a twin's CSV, annotated phases), read
out of the store again and compared with readers that are not ours: every packet's payload, PTS and DTS against
ffprobe and ffmpeg, every sample against the vitaldb package, every number of the CSV and every annotated phase
against the files themselves.
"""

import csv
import hashlib
import io
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

from support import ROOT, VENV, Casebox, data_dir, expect, skip

casebox = Casebox(sys.argv[1])


def output_of(*command):
    return subprocess.run(list(map(str, command)), check=True, capture_output=True).stdout


def check_video(store, case, clip, channel):
    """Payloads by one hash over all of them, times packet by packet."""
    payload = output_of("ffmpeg", "-v", "error", "-i", clip, "-map", "0:v:0", "-c", "copy", "-f", "data", "-")
    expect(channel["digest"] == hashlib.sha256(payload).hexdigest(), "video: the packets' payload differs")
    rows = output_of("ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries",
                     "packet=pts,dts,size,flags", "-of", "json", clip)
    expected = [(p["pts"], p["dts"], int(p["size"]), "K" in p["flags"]) for p in json.loads(rows)["packets"]]
    expect(any(pts != dts for pts, dts, _, _ in expected), "video: this clip has no B-frames; take another")
    lines = casebox.run("replay", case, "--store", store, "--stream", "scope.video").stdout.splitlines()
    got = [(int(p["pts"]), int(p["dts"]), int(p["bytes"]), bool(p["key"])) for p in map(json.loads, lines)]
    expect(sorted(got) == sorted(expected), f"video: times of packets differ: {len(got)} and {len(expected)} packets")
    expect(channel["count"] == len(expected), f"video: {channel['count']} packets, the file has {len(expected)}")
    return len(expected)


def check_vital(streams, vital):
    tracks = json.loads(output_of(VENV, ROOT / "tests/python/vital_reader.py", vital))
    ours = {}
    for stream in streams:
        if stream["name"].startswith("monitor."):
            for channel in stream["channels"]:
                ours.setdefault(channel["name"], []).append(channel)
    samples = 0
    for track in tracks:
        if "texts" in track:
            continue
        found = ours.get(track["track"], [])
        expect(found, f"vital: track {track['track']} is missing")
        same = [c for c in found if c["count"] == track["count"] and c["digest"] == track["digest"]]
        expect(same, f"vital: track {track['track']} differs: {found}, vitaldb reads {track}")
        samples += track["count"]
    expect(samples > 0, "vital: vitaldb reads no samples")
    texts = sum(len(track["texts"]) for track in tracks if "texts" in track)
    return samples, texts


def exported(store, case, stream):
    text = casebox.run("export", case, "--store", store, "--format", "csv", "--stream", stream).stdout
    return list(csv.reader(io.StringIO(text)))


def check_twin(store, case, file):
    """Every cell of the file, as text."""
    with open(file, newline="", encoding="utf-8") as source:
        wanted = list(csv.reader(source))
    got = exported(store, case, "twin.series")
    header, rows = got[0], got[1:]
    expect(len(rows) == len(wanted) - 1, f"twin: {len(rows)} rows, the file has {len(wanted) - 1}")
    cells = 0
    for column, name in enumerate(wanted[0]):
        plain = name.split("(")[0].strip()
        places = [i for i, text in enumerate(header) if text.split("[")[0].split("(")[0].strip() == plain]
        if plain.lower() == "time":
            continue
        expect(len(places) == 1, f"twin: column {name} stands {len(places)} times in {header[:5]}...")
        for number, (row, source) in enumerate(zip(rows, wanted[1:])):
            expect(row[places[0]] == source[column],
                   f"twin: {name}, row {number + 1}: {row[places[0]]} and in the file {source[column]}")
            cells += 1
    return cells


def check_phases(store, case, file):
    """Every annotated span of both levels, the special labels among them, to the millisecond."""
    document = json.loads(file.read_text(encoding="utf-8"))
    wanted = sorted((span["start"], span["end"], span["label_name"])
                    for level in ("phases", "steps") for span in document[level])
    rows = exported(store, case, "team.phases")
    start, length, text = (rows[0].index(name) for name in ("t_s", "duration_s", "text"))
    got = sorted((round(float(row[start]) * 1000), round((float(row[start]) + float(row[length])) * 1000), row[text])
                 for row in rows[1:])
    expect(got == wanted, f"phases: {sorted(set(wanted) ^ set(got))[:4]} stand on one side only")
    expect(len(got) > 5, "phases: the file has too few")
    return len(got)


def main():
    data = data_dir()
    if data is None:
        skip("no real data: neither CASEBOX_TEST_DATA nor ../shared/data")
    for program in ("ffmpeg", "ffprobe"):
        if not shutil.which(program):
            skip(f"{program} is not installed (apt-get install ffmpeg)")
    if not VENV.exists():
        skip("the vitaldb package is not here (tests/python/setup)")
    clip = data / "video/cholecystectomy_clip.mp4"
    vital = data / "vitals/vital_files/test_intellivue_demo1.vital"
    twin = data / "twin/EnergyValidationResults.csv"
    phases = sorted((data / "phases/multibypass140/bern").rglob("BBP01*.json"))
    for file in (clip, vital, twin):
        if not file.exists():
            skip(f"{file.name} is not among the real data")
    if not phases:
        skip("BBP01's annotations are not among the real data")
    with tempfile.TemporaryDirectory() as folder:
        store = pathlib.Path(folder, "store")
        document = casebox.json("import", f"scope={clip}", f"monitor={vital}", f"twin={twin}",
                                f"team={phases[0]}", "--case", "BBP01", "--store", store)
        case = document["case_id"]
        streams = document["streams"]
        video = next(s for s in streams if s["name"] == "scope.video")["channels"][0]
        print(check_video(store, case, clip, video), "packets equal ffprobe's")
        samples, texts = check_vital(streams, vital)
        print(samples, "samples equal vitaldb's,", texts, "texts in the file")
        print(check_twin(store, case, twin), "cells equal the twin's file")
        print(check_phases(store, case, phases[0]), "annotated spans")
        expect(casebox.json("verify", store)["verdict"].startswith("COMPLETE"), "the case does not verify")


main()
