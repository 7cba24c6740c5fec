#!/usr/bin/env python3
"""Counts the result files of CTest and prints what failed, what was skipped and why, and what took longest.

    tests/summary.py --results DIR --seconds T [--failed-stage TEXT]...

The last line is `tests/run: N passed, 0 failed, M skipped in T s`. Exit code 1 if anything failed or nothing passed.
"""

import argparse
import pathlib
import re
import sys
import xml.etree.ElementTree as ElementTree

REASON = re.compile(r"^\s*skipped: (.+)$", re.IGNORECASE | re.MULTILINE)
GTEST_REASON = re.compile(r"\.cpp:\d+: Skipped\n(.+)")


def reason_of(output):
    """Why a test was skipped: its own words, or the last line it printed."""
    for pattern in (REASON, GTEST_REASON):
        match = pattern.search(output)
        if match:
            return match.group(1).strip()
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return lines[-1] if lines else "it did not say why"


def read(folder):
    """[(name, status, seconds, output)] over every result file."""
    results = []
    for file in sorted(folder.glob("*.xml")):
        for case in ElementTree.parse(file).getroot().iter("testcase"):
            output = case.findtext("system-out") or ""
            results.append((case.get("name"), case.get("status"), float(case.get("time") or 0), output))
    return results


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=pathlib.Path, required=True)
    parser.add_argument("--seconds", type=int, required=True)
    parser.add_argument("--failed-stage", action="append", default=[])
    options = parser.parse_args()
    results = read(options.results)

    passed = [r for r in results if r[1] == "run"]
    skipped = [r for r in results if r[1] in ("notrun", "disabled")]
    failed = [r for r in results if r[1] not in ("run", "notrun", "disabled")]

    for name, _, seconds, _ in sorted(results, key=lambda r: -r[2])[:8]:
        if seconds >= 5:
            print(f"  {seconds:6.1f} s  {name}")
    reasons = {}
    for name, _, _, output in skipped:
        reasons.setdefault(reason_of(output), []).append(name)
    for reason, names in reasons.items():
        more = f" and {len(names) - 4} more" if len(names) > 4 else ""
        print(f"SKIPPED {', '.join(names[:4])}{more}: {reason}")
    for name, _, _, _ in failed:
        print(f"FAILED {name}")
    for stage in options.failed_stage:
        print(f"FAILED {stage}")
    n_failed = len(failed) + len(options.failed_stage)
    print(f"tests/run: {len(passed)} passed, {n_failed} failed, {len(skipped)} skipped in {options.seconds} s")
    return 1 if n_failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
