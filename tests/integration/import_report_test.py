"""import_report_test.py CASEBOX

What `casebox import` says of what it read: a table with a line for each stream, the same of a dry run that
writes nothing, and a file that was read with the wrong flags can be imported again with the right ones.
"""

import pathlib
import re
import subprocess
import sys
import tempfile

from support import Casebox, expect, one_line_error

casebox = Casebox(sys.argv[1])


def table_of(text):
    """Cells by stream: two blanks or more part them."""
    lines = [re.split(r"  +", line.strip()) for line in text.splitlines() if line.startswith("  ")]
    head = next(line for line in lines if line[0] == "stream")
    rows = lines[lines.index(head) + 1:]
    return {row[0]: dict(zip(head, row)) for row in rows if len(row) == len(head)}


def check_table(folder):
    file = folder / "monitor.csv"
    file.write_text("time,HR\n" + "".join(f"{i / 10:.1f},{60 + i % 7}\n" for i in range(100) if not 40 <= i < 55))
    other = folder / "other.csv"
    other.write_text("notes of the day\ntime,P\n0,1\n0.7,2\n1.9,3\n")
    store = folder / "store"
    dry = casebox.run("import", f"m={file}", f"o={other}", "--case", "c", "--dry-run").stdout
    expect(not store.exists(), "a dry run writes a store")
    done = casebox.run("import", f"m={file}", f"o={other}", "--case", "c", "--store", store).stdout
    for name, text in (("dry run", dry), ("import", done)):
        rows = table_of(text)
        expect(set(rows) == {"m.series", "o.series"}, f"{name}: lines for {sorted(rows)}")
        even = rows["m.series"]
        expect(even["rate"] == "10 Hz" and even["items"] == "85" and even["gaps"] == "1 (15 missing)",
               f"{name}: {even}")
        expect(even["span"] == "0.000 - 10.000 s" and even["kind"] == "wave" and even["notices"] == "-",
               f"{name}: {even}")
        uneven = rows["o.series"]
        expect(uneven["rate"] == "-" and uneven["items"] == "3" and int(uneven["notices"]) >= 1, f"{name}: {uneven}")
    expect("read only" in dry and "case " not in dry.splitlines()[0], f"a dry run names a case: {dry}")

    surveyed = casebox.json("import", f"m={file}", f"o={other}", "--case", "c", "--dry-run")
    stored = casebox.json("show", "c", "--store", store)
    kept = {s["name"]: s for s in stored["streams"]}
    for stream in surveyed["streams"]:
        same = kept[stream["name"]]
        for key in ("kind", "items", "missing"):
            expect(stream[key] == same[key], f"{stream['name']}: {key} {stream[key]}, in the store {same[key]}")
        expect(stream["gaps"] == same["gap_frames"], f"{stream['name']}: {stream['gaps']} gaps")
    expect(surveyed["case_id"] is None and surveyed["notices"], "no notices, or an id of a case that is not")
    before = sorted(store.rglob("*"))
    casebox.run("import", f"m={file}", "--case", "d", "--store", store, "--dry-run")
    expect(sorted(store.rglob("*")) == before, "a dry run changes the store")

    bad = folder / "bad.csv"
    bad.write_text("time,HR\n0,1\n1,2\n0.5,3\n")
    one_line_error(casebox.run("import", f"m={bad}", "--dry-run", code=2), "bad.csv:4")
    one_line_error(casebox.run("import", f"m={file}", code=2), "--store", "--dry-run")


def check_again(folder):
    file = folder / "slow.csv"
    file.write_text("time,HR\n" + "".join(f"{i},{60 + i}\n" for i in range(20)))
    store = folder / "again"
    ids = set()
    for options in ((), ("--time-unit", "min"), ("--time-unit", "ms"), ("--time-unit", "ms", "--encoding", "latin1")):
        document = casebox.json("import", f"m={file}", "--case", f"c{len(ids)}", "--store", store, *options)
        ids.add(document["case_id"])
        again = casebox.run("import", f"m={file}", "--case", "x", "--store", store, *options, code=2)
        one_line_error(again, "in the store already", document["case_id"])
    expect(len(ids) == 4, f"{len(ids)} cases of four ways to read a file")
    spans = sorted(case["duration_s"] for case in casebox.json("cases", "--store", store)["cases"])
    expect(spans[-1] == 1200 and spans[0] == 0.02, f"the flags change nothing: {spans}")


def check_bar(folder):
    """On a terminal a bar stands while a long file is read, and is wiped away at the end."""
    for rows in (30_000, 120_000, 480_000):  # until it takes more than the 2 s after which a bar shows
        file = folder / "long.csv"
        with file.open("w") as out:
            out.write("time," + ",".join(f"v{i}" for i in range(12)) + "\n")
            for i in range(rows):
                out.write(f"{i / 50:.2f}," + ",".join(str((i * k) % 997) for k in range(1, 13)) + "\n")
        command = f"{casebox.program} import m={file} --case c --store {folder}/bar{rows}"
        shown = subprocess.run(["script", "-qec", command, "/dev/null"], capture_output=True, text=True,
                               check=True).stdout
        if "importing" in shown:
            break
    expect("importing [" in shown and "s left" in shown, "no bar on a terminal")
    file.write_text("time,HR\n" + "".join(f"{i},{60 + i}\n" for i in range(20)))
    piped = casebox.run("import", f"m={file}", "--dry-run").stderr
    expect(piped == "", f"progress in a pipe: {piped[:200]!r}")


with tempfile.TemporaryDirectory() as work:
    check_table(pathlib.Path(work))
    check_again(pathlib.Path(work))
    check_bar(pathlib.Path(work))
print("ok")
