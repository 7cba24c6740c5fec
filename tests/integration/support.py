"""What the integration tests in Python share: running the program, and saying what failed."""

import importlib.util
import json
import os
import pathlib
import subprocess
import sys

SKIPPED = 77  # exit code of a test that cannot run here

ROOT = pathlib.Path(__file__).resolve().parents[2]
VENV = ROOT / "tests/.venv/bin/python"


def data_dir():
    """Real data for tests, or None."""
    path = pathlib.Path(os.environ.get("CASEBOX_TEST_DATA", ROOT.parent / "shared" / "data"))
    return path if path.is_dir() else None


def skip(reason):
    print(f"skipped: {reason}")
    sys.exit(SKIPPED)


def with_packages(*packages):
    """Goes on where these packages are: here, or as the same test in the tests' own environment."""
    if all(importlib.util.find_spec(package) for package in packages):
        return
    if os.environ.get("CASEBOX_IN_VENV") or not VENV.exists():
        skip(f"no {' and '.join(packages)}; tests/python/setup installs them")
    os.environ["CASEBOX_IN_VENV"] = "1"
    os.execv(VENV, [str(VENV), *sys.argv])


def fail(message):
    print(f"FAILED: {message}", file=sys.stderr)
    sys.exit(1)


def expect(condition, message):
    if not condition:
        fail(message)


class Casebox:
    """The program under test."""

    def __init__(self, program):
        self.program = os.environ.get("CASEBOX") or str(program)  # CASEBOX: another build

    def run(self, *args, code=0, timeout=300, **options):
        """Runs a command, checks its exit code (None: any), returns the finished process."""
        done = subprocess.run([self.program, *map(str, args)], capture_output=True, text=True,
                              timeout=timeout, **options)
        if code is not None and done.returncode != code:
            fail(f"casebox {' '.join(map(str, args))}: exit code {done.returncode}, {code} expected\n"
                 f"{done.stdout[-2000:]}{done.stderr[-2000:]}")
        return done

    def json(self, *args, code=0, **options):
        """Runs a command with --json and returns its document."""
        return json.loads(self.run(*args, "--json", code=code, **options).stdout)

    def start(self, *args, **options):
        return subprocess.Popen([self.program, *map(str, args)], stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True, **options)


def one_line_error(done, *words):
    """An error is one line that names the program, what is wrong and what to do."""
    lines = [line for line in done.stderr.splitlines() if line.startswith("casebox: ")]
    expect(len(lines) == 1, f"one error line expected, got: {done.stderr!r}")
    for word in words:
        expect(word in lines[0], f"'{word}' is not in: {lines[0]}")
    expect("; " in lines[0], f"the error says not what to do: {lines[0]}")
    return lines[0]
