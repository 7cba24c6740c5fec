#!/usr/bin/env python3
"""growth.py CASEBOX [--cases 1,10,100,1000] [--json]: what commands cost when cases are stored already.

Records small simulated cases (a twentieth of an operation's length, without video), stores them, and times whole
commands from their start to their end, the median of five, at each number of stored cases: `ingest` of one more
case, `cases`, `show` of one (an opening with its verdict), a `query` over all cases, `verify` of all. The first
three are to stay flat but for a line a case; the last two grow by what they look at. Prints the table of
docs/benchmarks.md.
"""

import argparse
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

REPEATS = 5


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("casebox")
    parser.add_argument("--cases", default="1,10,100,1000", help="numbers of stored cases, ascending")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    counts = [int(n) for n in options.cases.split(",")]
    with tempfile.TemporaryDirectory(prefix="casebox-growth-") as folder:
        rows = measure(os.path.abspath(options.casebox), pathlib.Path(folder), counts)
    if options.json:
        print(json.dumps(rows))
        return
    names = [name for name in rows[0] if name != "cases"]
    print("| cases stored | " + " | ".join(names) + " |")
    print("| --- " * (len(names) + 1) + "|")
    for row in rows:
        print(f"| {row['cases']:,} | " + " | ".join(f"{row[name]:.0f} ms" for name in names) + " |")


def measure(casebox, folder, counts):
    def run(*args):
        done = subprocess.run([casebox, *map(str, args)], capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"growth.py: casebox {' '.join(map(str, args))}: {done.stderr.strip()}")
        return done.stdout

    def timed(*args):
        begin = time.perf_counter()
        run(*args)
        return (time.perf_counter() - begin) * 1e3

    def median(*args):
        return statistics.median(timed(*args) for _ in range(REPEATS))

    run("simulate", "--seed", 301, "--no-video", "--duration-scale", 0.05, "--out", folder / "or")
    settings = (folder / "or" / "recorder.yaml").read_text()
    recorded = 0

    def record(spool):
        nonlocal recorded
        recorded += 1
        text = re.sub(r"(?m)^spool_dir:.*", f'spool_dir: "{spool}"', settings)
        config = folder / "recorder.yaml"
        config.write_text(re.sub(r"seed: .*", f"seed: {recorded}", text))
        run("record", "--config", config)
        if recorded % 50 == 0:
            print(f"{recorded} cases recorded", file=sys.stderr)

    store = ["--store", folder / "store", "--keys", folder / "or" / "keys"]

    def ingest(spool):
        return timed("ingest", *store, "--logs", spool, "--until-idle", 0.1)

    rows = []
    stored = 0
    for count in counts:
        if count > stored + REPEATS:
            batch = folder / f"batch-{count}"
            for _ in range(count - stored - REPEATS):
                record(batch)
            ingest(batch)
            shutil.rmtree(batch)
            stored = count - REPEATS
        one_more = []
        while stored < count:
            spool = folder / f"spool-{stored}"
            record(spool)
            one_more.append(ingest(spool))
            shutil.rmtree(spool)
            stored += 1
        case = json.loads(run("cases", *store, "--json"))["cases"]
        if len(case) != stored:
            sys.exit(f"growth.py: {stored} cases were stored, {len(case)} are listed")
        case = case[-1]["case_id"]
        rows.append({
            "cases": stored,
            "`ingest` of one more": statistics.median(one_more),
            "`cases`": median("cases", *store),
            "`show` of one": median("show", case, *store),
            "`query`, all cases": median("query", "duration > 0", *store),
            "`verify` of all": timed("verify", folder / "store"),
        })
        print(f"{stored} cases: {rows[-1]}", file=sys.stderr)
    return rows


if __name__ == "__main__":
    main()
