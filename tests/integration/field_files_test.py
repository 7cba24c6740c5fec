"""field_files_test.py CASEBOX

Files as the field has them, made here: videos with uneven times, edit lists and turned pictures come out of
`export` as another reader sees them in the source; files that tell the time of day lie beside each other as their
clocks say; tables need a flag where nothing proves how their times are written.
"""

import csv
import io
import pathlib
import shutil
import subprocess
import sys
import tempfile

from support import Casebox, expect, skip

casebox = Casebox(sys.argv[1])
if not (shutil.which("ffmpeg") and shutil.which("ffprobe")):
    skip("ffmpeg is not here")


def ffmpeg(*args):
    subprocess.run(["ffmpeg", "-v", "error", "-y", *map(str, args)], check=True)


def probe(path, entries):
    out = subprocess.run(["ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries", entries, "-of",
                          "csv=p=0", str(path)], check=True, capture_output=True, text=True).stdout
    return [line.strip(",") for line in out.splitlines() if line.strip(",")]


def times(path):
    """Presentation times of the pictures that are shown, s."""
    rows = [line.split(",") for line in probe(path, "packet=pts_time,flags")]
    return sorted(float(row[0]) for row in rows if row[0] != "N/A" and "D" not in row[1])


def exported(folder, *files, options=()):
    """The case of some files, and its video as MP4."""
    store = folder / "store"
    shutil.rmtree(store, ignore_errors=True)
    document = casebox.json("import", *files, "--case", "c", "--store", store, *options)
    out = folder / "out.mp4"
    casebox.run("export", "c", "--store", store, "--format", "mp4", "--stream", "scope.video", "--out", out)
    return document, out


def same_times(source, out, what):
    a, b = times(source), times(out)
    expect(len(a) == len(b), f"{what}: {len(b)} of {len(a)} pictures come out")
    worst = max(abs((x - a[0]) - (y - b[0])) for x, y in zip(a, b))
    expect(worst <= 0.001, f"{what}: a picture is {worst:.4f} s off")
    expect(abs(b[0]) <= 0.001, f"{what}: the export begins at {b[0]} s")


def check_video(folder):
    source = "testsrc=s=160x120:r=25:d=8"
    # Pauses and drops, with B-frames: the pictures of 2 to 5 s are gone, and two of three of the rest.
    uneven = "select='not(between(t,2,5))*not(mod(n,3))'"
    for name, codec in (("uneven.mp4", ["-c:v", "libx264", "-bf", "2"]), ("uneven.mkv", ["-c:v", "libx264"]),
                        ("uneven.avi", ["-c:v", "mpeg4"])):
        clip = folder / name
        extra = ["-vsync", "cfr"] if name.endswith("avi") else ["-vsync", "vfr"]
        ffmpeg("-f", "lavfi", "-i", source, "-vf", uneven, *codec, "-pix_fmt", "yuv420p", *extra, clip)
        _, out = exported(folder, f"scope={clip}")
        same_times(clip, out, name)

    plain, cut = folder / "plain.mp4", folder / "cut.mp4"
    ffmpeg("-f", "lavfi", "-i", source, "-c:v", "libx264", "-bf", "2", "-g", "100", plain)
    ffmpeg("-ss", "5.2", "-i", plain, "-c", "copy", cut)
    document, out = exported(folder, f"scope={cut}")
    expect("cut away" in str(document["skipped"]), "cut: nothing says that a part is cut away")
    shown = times(cut)
    pictures = [float(line) for line in probe(out, "packet=pts_time")]
    expect(max(pictures) - min(pictures) < shown[-1] - shown[0] + 0.01,
           f"cut: {max(pictures) - min(pictures):.2f} s come out, {shown[-1] - shown[0]:.2f} s are shown")
    frames = [float(line) for line in probe(out, "frame=pts_time")]
    expect(len([t for t in frames if t >= 0]) == len(shown), "cut: other pictures are shown")

    turned = folder / "turned.mp4"
    ffmpeg("-i", plain, "-c", "copy", "-metadata:s:v:0", "rotate=90", turned)
    _, out = exported(folder, f"scope={turned}")
    expect(probe(out, "stream_side_data=rotation") == probe(turned, "stream_side_data=rotation") != [],
           "turned: the export has another rotation")


def rows(store, stream):
    text = casebox.run("export", "c", "--store", store, "--format", "csv", "--stream", stream).stdout
    return list(csv.reader(io.StringIO(text)))[1:]


def check_tables(folder):
    a, b, c = folder / "a.csv", folder / "b.csv", folder / "c.csv"
    a.write_text("timestamp,HR\n" + "".join(f"{1711846790 + i},{70 + i}\n" for i in range(5)))
    b.write_text("Time,RATE\n" + "".join(f"2024-03-31T01:04:5{i}Z,{i}\n" for i in range(5)))
    c.write_text("Time,P\n" + "".join(f"2024-03-31 02:04:5{i},{i}\n" for i in range(5)))
    begins = {}
    for name, options in (("by clock", ()), ("told", ("--start", "b=7")), ("zone", ("--zone", "+01:00"))):
        store = folder / f"store-{name.replace(' ', '-')}"
        document = casebox.json("import", f"a={a}", f"b={b}", f"c={c}", "--case", "c", "--store", store, *options)
        begins[name] = {s["name"]: s["first_t_s"] for s in document["streams"]}
        if name == "by clock":
            expect("cannot be compared" in str(document["skipped"]), "clocks without a zone are compared with UTC")
    # 01:04:50 is 300 s behind 1711846790 (2024-03-31 00:59:50 UTC).
    expect(begins["by clock"]["b.series"] == 300, f"by their clocks: {begins['by clock']}")
    expect(begins["told"]["a.series"] == -293 and begins["told"]["b.series"] == 7, f"--start: {begins['told']}")
    expect(begins["zone"]["c.series"] == 300, f"--zone: {begins['zone']}")

    either = folder / "either.csv"
    either.write_text("Time,HR\n04/05/2024 10:00:00,70\n04/05/2024 10:00:01,71\n")
    store = folder / "either"
    refused = casebox.run("import", f"m={either}", "--case", "c", "--store", store, code=2)
    expect("--time-format" in refused.stderr, f"no flag is named: {refused.stderr}")
    casebox.run("import", f"m={either}", "--case", "c", "--store", store, "--time-format", "dmy")
    expect(len(rows(store, "m.series")) == 2, "two rows do not come back")


with tempfile.TemporaryDirectory() as work:
    check_tables(pathlib.Path(work))
    check_video(pathlib.Path(work))
print("ok")
