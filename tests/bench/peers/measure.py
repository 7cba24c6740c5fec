"""What the scripts of peers share: the clock, the memory, and the one JSON object they print.

A peer is a few lines of another tool as its own users would write them; `casebox bench` runs it with the files
that it reads itself (tools/bench/peer.h) and never with other data.
"""

import contextlib
import importlib.metadata
import json
import os
import sys
import time

_OUT = os.dup(1)
os.dup2(2, 1)  # whatever the other tool prints goes to standard error


class Timer:
    seconds = None


@contextlib.contextmanager
def timed():
    """with timed() as t: ...; then t.seconds"""
    timer = Timer()
    begin = time.perf_counter()
    yield timer
    timer.seconds = time.perf_counter() - begin


def peak_rss_bytes():
    """The most memory this process has held at a time."""
    with open("/proc/self/status", encoding="ascii") as status:
        for line in status:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0


def report(package, **values):
    """Prints the document: the values, and of which version of which package they are."""
    values |= {"peer": package, "peer_version": importlib.metadata.version(package),
               "peak_rss_bytes": peak_rss_bytes()}
    with os.fdopen(_OUT, "w") as out:
        json.dump(values, out)
    sys.stderr.flush()
