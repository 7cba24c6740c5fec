"""media_matrix_test.py CASEBOX

Videos of every codec in every container that holds it, whole and damaged, made here by ffmpeg: of a whole one every
picture comes out of `import` and `export` at the time that ffprobe tells; what a damaged one has lost is a gap, and
the exit code says so, wherever the container lets it be known. The short form takes a part of them; the long form
(CASEBOX_TEST_LONG) all.
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

from support import Casebox, expect, one_line_error, skip

casebox = Casebox(sys.argv[1])
if not (shutil.which("ffmpeg") and shutil.which("ffprobe")):
    skip("ffmpeg is not here")
LONG = bool(os.environ.get("CASEBOX_TEST_LONG"))

SECONDS = 3
CODECS = {
    "h264": ["-c:v", "libx264", "-preset", "ultrafast", "-bf", "0"],
    "h264b": ["-c:v", "libx264", "-preset", "veryfast", "-bf", "2"],
    "hevc": ["-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none"],
    "av1": ["-c:v", "libsvtav1", "-preset", "12"],
    "vp9": ["-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8"],
    "mpeg4": ["-c:v", "mpeg4"],
    "mpeg2": ["-c:v", "mpeg2video"],
    "mjpeg": ["-c:v", "mjpeg", "-pix_fmt", "yuvj420p"],
    "interlaced": ["-c:v", "mpeg2video", "-flags", "+ildct+ilme", "-top", "1"],
}
CONTAINERS = {
    "h264": ["mp4", "frag.mp4", "mov", "mkv", "avi", "ts", "flv"],
    "h264b": ["mp4", "frag.mp4", "mkv", "ts", "flv"],
    "hevc": ["mp4", "frag.mp4", "mkv", "ts"],
    "av1": ["mp4", "frag.mp4", "mkv"],
    "vp9": ["webm", "mp4", "mkv"],
    "mpeg4": ["mp4", "avi", "mkv", "mov"],
    "mpeg2": ["ts", "mpg", "mkv"],
    "mjpeg": ["avi", "mov", "mkv"],
    "interlaced": ["ts", "mkv"],
}
FAULTS = ["none", "cut", "zeroed"]
# A part of each kind.
SHORT = [("h264", "avi"), ("h264", "frag.mp4"), ("h264b", "mp4"), ("h264b", "mkv"), ("h264", "flv"), ("mpeg2", "ts"),
         ("mpeg2", "mpg"), ("mjpeg", "avi")]


def ffmpeg(*args):
    done = subprocess.run(["ffmpeg", "-v", "error", "-y", *map(str, args)], capture_output=True, text=True)
    return done.returncode == 0


def has_encoder(codec):
    name = CODECS[codec][1]
    out = subprocess.run(["ffmpeg", "-hide_banner", "-encoders"], capture_output=True, text=True).stdout
    return f" {name} " in out


def packets(path):
    """Presentation times of the packets that are shown, s."""
    out = subprocess.run(["ffprobe", "-v", "error", "-fflags", "+genpts", "-select_streams", "v:0", "-show_entries",
                          "packet=pts_time,flags", "-of", "csv=p=0", str(path)], capture_output=True, text=True).stdout
    rows = [line.split(",") for line in out.splitlines() if line]
    return sorted(float(row[0]) for row in rows if row[0] not in ("", "N/A") and "D" not in row[1])


def make(codec, container, folder):
    clip = folder / f"{codec}.{container}"
    extra = ["-movflags", "frag_keyframe+empty_moov+default_base_moof"] if container == "frag.mp4" else []
    made = ffmpeg("-f", "lavfi", "-i", f"testsrc2=s=192x144:r=25:d={SECONDS}", *CODECS[codec], "-g", "25", *extra, clip)
    return clip if made else None


def check_whole(clip, folder, what):
    store = folder / "store"
    shutil.rmtree(store, ignore_errors=True)
    document = casebox.json("import", f"scope={clip}", "--case", "c", "--store", store)
    stream = next(s for s in document["streams"] if s["name"] == "scope.video")
    there = packets(clip)
    expect(stream["items"] == len(there), f"{what}: {stream['items']} of {len(there)} packets")
    expect(stream["gaps"] == 0, f"{what}: a sound file has {stream['gaps']} gaps")
    out = folder / "out.mp4"
    casebox.run("export", "c", "--store", store, "--format", "mp4", "--stream", "scope.video", "--out", out)
    come = packets(out)
    expect(len(come) == len(there), f"{what}: {len(come)} of {len(there)} packets come out")
    worst = max(abs((a - there[0]) - (b - come[0])) for a, b in zip(there, come))
    expect(worst <= 0.001, f"{what}: a picture is {worst:.4f} s off")
    return len(there)


def check_damaged(clip, count, what):
    """Either everything is there, or what is not is declared."""
    done = casebox.run("import", f"scope={clip}", "--dry-run", "--json", code=None)
    if done.returncode == 2 and not done.stdout.strip():
        one_line_error(done, clip.name)
        expect("copy it again" not in done.stderr, f"{what}: {done.stderr}")
        return "refused"
    document = json.loads(done.stdout)
    stream = next(s for s in document["streams"] if s["name"] == "scope.video")
    lost = stream["items"] < count
    expect(not lost or stream["gaps"] > 0, f"{what}: {stream['items']} of {count} packets and no gap")
    expect((done.returncode == 2) == (stream["gaps"] > 0), f"{what}: exit code {done.returncode}, {stream['gaps']} gaps")
    expect(stream["items"] <= count, f"{what}: {stream['items']} packets of {count}")
    return "declared" if stream["gaps"] else "nothing lost"


def damaged(clip, fault):
    data = bytearray(clip.read_bytes())
    out = clip.with_name(f"{fault}-{clip.name}")
    if fault == "cut":
        out.write_bytes(data[:len(data) * 2 // 3 + 5])
    else:
        middle, size = len(data) // 2, max(2048, len(data) // 12)
        data[middle:middle + size] = bytes(size)
        out.write_bytes(data)
    return out


def main():
    tried, told = 0, {}
    pairs = [(c, k) for c in CODECS for k in CONTAINERS[c]] if LONG else SHORT
    with tempfile.TemporaryDirectory() as work:
        folder = pathlib.Path(work)
        for codec, container in pairs:
            if not has_encoder(codec):
                continue
            clip = make(codec, container, folder)
            expect(clip is not None, f"{codec} in {container}: ffmpeg does not make it")
            what = f"{codec} in {container}"
            count = check_whole(clip, folder, what)
            expect(count == SECONDS * 25, f"{what}: ffprobe sees {count} packets")
            tried += 1
            for fault in FAULTS[1:]:
                said = check_damaged(damaged(clip, fault), count, f"{what}, {fault}")
                told[said] = told.get(said, 0) + 1
                tried += 1
        joined(folder)
    expect(tried >= (80 if LONG else 20), f"only {tried} files were tried")
    expect(told.get("declared", 0) > tried // 4, f"too little was damaged: {told}")
    print(f"{tried} files: {told}")


def joined(folder):
    """Clocks that are set back and on: a gap, never an overlay."""
    one = make("h264", "ts", folder)
    two = folder / "two.ts"
    two.write_bytes(one.read_bytes() * 2)
    document = casebox.json("import", f"scope={two}", "--dry-run")
    stream = next(s for s in document["streams"] if s["name"] == "scope.video")
    expect(stream["items"] == 2 * SECONDS * 25 and stream["gaps"] == 1, f"joined: {stream}")
    expect(stream["last_t_s"] - stream["first_t_s"] > 2 * SECONDS - 0.2, f"joined: laid over itself: {stream}")
    later = folder / "later.ts"
    ffmpeg("-i", one, "-c", "copy", "-output_ts_offset", "3600", later)
    jump = folder / "jump.ts"
    jump.write_bytes(one.read_bytes() + later.read_bytes())
    document = casebox.json("import", f"scope={jump}", "--dry-run")
    stream = next(s for s in document["streams"] if s["name"] == "scope.video")
    expect(stream["gaps"] == 1 and stream["last_t_s"] > 3600, f"a step of an hour on: {stream}")


main()
