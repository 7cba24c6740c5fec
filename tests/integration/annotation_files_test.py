"""annotation_files_test.py CASEBOX

Folders and patterns of annotations with their videos, as public sets are laid out, made here: each case gets its
labels, its instruments and its video; frames are counted as the video has them; labels that lie behind the video's
end are noticed; what a folder holds beside them is named and left out.
"""

import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

from support import Casebox, expect, one_line_error, skip

casebox = Casebox(sys.argv[1])
if not shutil.which("ffmpeg"):
    skip("ffmpeg is not here")


def clip(path, rate, seconds=4):
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", f"testsrc=s=64x48:r={rate}:d={seconds}", "-c:v",
                    "libx264", "-preset", "ultrafast", str(path)], check=True)


def streams(document):
    return sorted(stream["name"] for stream in document["streams"])


def notices(document):
    return " | ".join(notice["text"] for notice in document["notices"])


def check_folder(folder):
    work = folder / "set"
    work.mkdir()
    for n in (1, 2, 10):
        clip(work / f"video{n:02d}.mp4", 25)
        (work / f"video{n:02d}-phase.txt").write_text(
            "Frame\tPhase\n" + "".join(f"{i}\t{'Preparation' if i < 50 else 'ClippingCutting'}\n" for i in range(100)))
        (work / f"video{n:02d}-tool.txt").write_text(
            "Frame\tGrasper\tHook\n" + "".join(f"{i}\t1\t{int(i > 25)}\n" for i in range(0, 100, 25)))
    (work / "README.txt").write_text("Of the set.\n")
    (work / "LICENSE").write_text("As it pleases.\n")
    store = folder / "store"
    document = casebox.json("import", work, "--store", store)
    expect(len(document["cases"]) == 3, f"{len(document['cases'])} cases of 3 videos")
    for case in document["cases"]:
        expect(streams(case) == ["annotation.phases", "case.details", "instrument.use", "scope.video"], f"{streams(case)}")
    said = notices(document["cases"][0])
    expect("1 files .txt of the folder are left out" in said, f"README is not named: {said}")
    expect("1 files without an extension" in said, f"LICENSE is not named: {said}")
    shown = casebox.json("show", "video10", "--store", store)
    expect(abs(shown["duration_s"] - 4) < 0.1, f"a case of {shown['duration_s']} s")
    one_line_error(casebox.run("import", folder / "store" / "keys", "--dry-run", code=2), "none of its")


def check_pattern(folder):
    for n in (1, 2):
        (folder / f"VID{n:02d}.json").write_text(json.dumps({
            "fps": 1, "categories": {"phase": {"0": "preparation"}, "triplet": {"3": "grasper,retract,gallbladder"}},
            "annotations": {str(i): [[3, 0, 1, 0, 0, 0, 0, 0, 0, -1, 0, 0, 0, 0, 0]] for i in range(8)}}))
    document = casebox.json("import", folder / "VID*.json", "--store", folder / "patterns")
    expect(len(document["cases"]) == 2, f"two files match, {len(document['cases'])} cases come")
    one_line_error(casebox.run("import", folder / "nothing*.json", "--dry-run", code=2), "nothing has such a name")


def check_frames_of_the_video(folder):
    work = folder / "hei"
    work.mkdir()
    clip(work / "Hei-Chole3.mp4", 50)
    labels = work / "Hei-Chole3_Annotation_Phase.csv"
    labels.write_text("".join(f"{i},{int(i >= 100)}\n" for i in range(200)))
    one_line_error(casebox.run("import", labels, "--dry-run", code=2), "--frame-rate")
    for name, options in (("by its video", [work]), ("told", [labels, "--frame-rate", "50"])):
        document = casebox.json("import", *options, "--dry-run")
        stream = next(s for s in document["streams"] if s["name"] == "annotation.phases")
        expect(stream["items"] == 2 and stream["last_t_s"] == 2, f"{name}: {stream}")
        expect("beyond the video" not in notices(document), f"{name}: {notices(document)}")
    document = casebox.json("import", work, "--dry-run", "--frame-rate", "25")
    expect("1 labels lie beyond the video's end, by up to 4 s" in notices(document), notices(document))


def check_times(folder):
    """4D-OR's last frame belongs to its phase."""
    file = folder / "phase_to_frames_1.json"
    file.write_text('{"sterile": [0, 64], "roll_in": [65, 174]}')
    document = casebox.json("import", file, "--dry-run")
    expect("one a second" in notices(document), notices(document))
    stream = document["streams"][0]
    expect((stream["items"], stream["first_t_s"], stream["last_t_s"]) == (2, 0, 65), f"{stream}")


with tempfile.TemporaryDirectory() as work:
    for check in (check_folder, check_pattern, check_frames_of_the_video, check_times):
        check(pathlib.Path(work))
print("ok")
