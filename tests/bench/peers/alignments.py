"""alignments.py LOG MODEL: aligns each case of a log with a Petri net by each exact variant of pm4py.

Times are of the processor, of this thread alone: the machine may have other work. Costs are whole: 1 for a move
of one side, silent steps free.
"""

import sys
import time
import warnings

from measure import report

import pm4py
from pm4py.algo.conformance.alignments.petri_net import algorithm as alignments

warnings.simplefilter("ignore")
log = pm4py.read_xes(sys.argv[1], return_legacy_log_object=True)
net, initial, final = pm4py.read_pnml(sys.argv[2])
variants = {"state equation": alignments.Variants.VERSION_STATE_EQUATION_A_STAR,
            "tweaked state equation": alignments.Variants.VERSION_TWEAKED_STATE_EQUATION_A_STAR,
            "dijkstra": alignments.Variants.VERSION_DIJKSTRA_NO_HEURISTICS,
            "dijkstra, less memory": alignments.Variants.VERSION_DIJKSTRA_LESS_MEMORY}
out = {}
for name, variant in variants.items():
    begin = time.process_time()
    found = alignments.apply_log(log, net, initial, final, variant=variant, parameters={"show_progress_bar": False})
    out[name] = {"seconds": time.process_time() - begin, "costs": [one["cost"] // 10000 for one in found]}
report("pm4py", default=next(name for name in variants if variants[name] == alignments.DEFAULT_VARIANT), variants=out)
