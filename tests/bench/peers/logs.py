"""logs.py read|profile|graph FILE: pm4py on an event log (figures B4, B5 and B6)."""

import statistics
import sys
import warnings

import pm4py
import measure

warnings.simplefilter("ignore")


def seconds_of(work, runs):
    took = []
    for _ in range(runs):
        with measure.timed() as timer:
            work()
        took.append(timer.seconds)
    return statistics.median(took)


def main():
    what, file = sys.argv[1:]
    with measure.timed() as reading:
        log = pm4py.read_xes(file, show_progress_bar=False)
    values = {"read_s": reading.seconds, "events": len(log)}
    if what == "profile":
        values["profile_s"] = seconds_of(lambda: pm4py.discover_temporal_profile(log), 3)
    if what == "graph":
        values["dfg_s"] = seconds_of(lambda: pm4py.discover_dfg(log), 3)
        values["variants_s"] = seconds_of(lambda: pm4py.get_variants(log), 3)
    measure.report("pm4py", **values)


main()
