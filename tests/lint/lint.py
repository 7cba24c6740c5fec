#!/usr/bin/env python3
"""The house rules a machine can check: `tests/lint/lint.py [--root DIR] [--format]`.

Without an option: layers and third-party containment of every tracked C++ file, and the text rules of every
tracked file. With --format: clang-format's opinion on the tracked C++ (version 14 only: others disagree).
Exit code 0, 1 with findings, 77 when a check cannot run here.
"""

import argparse
import pathlib
import shutil
import subprocess
import sys

import layers
import text_rules

CLANG_FORMAT_VERSION = "14"
SOURCE = (".cpp", ".h")


def tracked(root):
    """Tracked files that exist, relative to root; every file when root is not a git tree (self-test)."""
    if (root / ".git").exists():
        listing = subprocess.run(["git", "-C", str(root), "-c", "safe.directory=*", "ls-files", "-z"],
                                 check=True, capture_output=True).stdout
        names = [name.decode() for name in listing.split(b"\0") if name]
    else:
        names = [str(p.relative_to(root)) for p in sorted(root.rglob("*"))]
    return [name for name in names if (root / name).is_file()]


def check_own_header(name, text, names):
    """A .cpp beside a header of its name includes that first, so that the header is known to need nothing before it."""
    own = name.removesuffix(".cpp") + ".h"
    if not name.endswith(".cpp") or own not in names:
        return []
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("#include"):
            return [] if line.startswith(f'#include "{own}"') else [f"{name}:{number}: include {own} first"]
    return [f"{name}:1: include {own}"]


def check_rules(root):
    found = []
    names = set(tracked(root))
    for name in sorted(names):
        data = (root / name).read_bytes()
        if b"\0" in data[:8192]:
            continue
        text = data.decode("utf-8", "replace")
        if name.endswith(SOURCE):
            found += layers.check(name, text)
            found += check_own_header(name, text, names)
        found += text_rules.check(name, text)
    return found


def clang_format():
    """The pinned clang-format, or None."""
    for name in (f"clang-format-{CLANG_FORMAT_VERSION}", "clang-format"):
        if shutil.which(name):
            version = subprocess.run([name, "--version"], capture_output=True, text=True).stdout
            if f"version {CLANG_FORMAT_VERSION}." in version:
                return name
    return None


def check_format(root):
    program = clang_format()
    if program is None:
        print(f"skipped: clang-format {CLANG_FORMAT_VERSION} is not here (Debian 12 has it)")
        sys.exit(77)
    names = [name for name in tracked(root) if name.endswith(SOURCE)]
    if not names:
        return []
    run = subprocess.run([program, "--dry-run", "--Werror", "--ferror-limit=1", *names], cwd=root,
                         capture_output=True, text=True)
    lines = [line for line in run.stderr.splitlines() if " error: " in line]
    return lines + (["clang-format failed: " + run.stderr] if run.returncode and not lines else [])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parents[2])
    parser.add_argument("--format", action="store_true")
    options = parser.parse_args()
    found = check_format(options.root) if options.format else check_rules(options.root)
    for finding in found:
        print(finding)
    print(f"{len(found)} findings")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
