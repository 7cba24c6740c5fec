"""run.py CASEBOX [--only NAME]... [--kind KIND] [--list] [--long] [--own]: attacks the program and judges its verdicts.

One line for each attack, a summary, exit code 1 if any verdict is wrong. See README.md.
"""

import argparse
import collections
import concurrent.futures
import fnmatch
import os
import pathlib
import sys
import tempfile
import time
import traceback

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))
import support

support.with_packages("crc32c", "zstandard", "nacl", "cryptography", "rocksdict")

import bus_run  # noqa: E402
import flips  # noqa: E402
import honest as honest_material  # noqa: E402
import log_run  # noqa: E402
import registry  # noqa: E402
import store_run  # noqa: E402

KINDS = {"log": log_run.Runner, "store": store_run.Runner, "bus": bus_run.Runner,
         "flips": flips.Runner}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("casebox", type=pathlib.Path)
    parser.add_argument("--only", action="append", help="attacks of this name or pattern")
    parser.add_argument("--kind", action="append", choices=sorted(KINDS))
    parser.add_argument("--list", action="store_true", help="names the attacks")
    parser.add_argument("--long", action="store_true", default=bool(os.environ.get("CASEBOX_TEST_LONG")))
    parser.add_argument("--own", action="store_true", help="honest logs of our own writer only")
    parser.add_argument("--keep", type=pathlib.Path, help="works in this folder and leaves it")
    parser.add_argument("--jobs", type=int, default=min(4, os.cpu_count() or 1), help="attacks at once")
    parser.add_argument("--wrong", action="store_true", help="prints the wrong ones only")
    return parser.parse_args()


# The short form runs every n-th attack of a kind, and those that say `always`; at least 90 on a log, 60 on a store and 30 on the bus are left.
SHORT = {"log": 5, "store": 10, "bus": 6, "flips": 1}


def chosen(args):
    seen = collections.Counter()
    for attack in registry.ATTACKS.values():
        seen[attack.kind] += 1
        if args.kind and attack.kind not in args.kind:
            continue
        left_out = seen[attack.kind] % SHORT[attack.kind] and not attack.options.get("always")
        if not args.long and not args.only and not args.list and left_out:
            continue
        if args.only and not any(fnmatch.fnmatch(name, pattern) for pattern in args.only
                                 for name in (attack.name, f"{attack.kind}/{attack.name}")):
            continue
        yield attack


def judge(runner, attack):
    try:
        return runner.judge(attack)
    except Exception as error:  # one attack that cannot be made or judged is wrong, and the others go on
        at = traceback.extract_tb(error.__traceback__)[-1]
        return False, f"{type(error).__name__}: {error} ({pathlib.Path(at.filename).name}:{at.lineno})"


def run(args, work):
    program = honest_material.Program(os.environ.get("CASEBOX") or args.casebox)
    honest = honest_material.Honest(work, program, recorded=not args.own)
    counts, wrong = collections.Counter(), []
    begin = time.monotonic()
    attacks = list(chosen(args))
    runners = {kind: KINDS[kind](honest, args.long) for kind in sorted({attack.kind for attack in attacks})}
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        judged = pool.map(lambda attack: (attack, *judge(runners[attack.kind], attack)), attacks)
        for attack, right, got in judged:
            counts[attack.kind] += 1
            if not right:
                wrong.append(f"{attack.kind}/{attack.name}")
            if not right or not args.wrong:
                print(f"{'right' if right else 'WRONG'}  {attack.kind}/{attack.name}: expected {attack}, got {got}",
                      flush=True)
    total = ", ".join(f"{n} on a {kind}" for kind, n in counts.items())
    print(f"{sum(counts.values())} attacks ({total}), {len(wrong)} wrong, {time.monotonic() - begin:.0f} s")
    for name in wrong:
        print(f"  wrong: {name}")
    return 1 if wrong or not counts else 0


def main():
    args = arguments()
    if args.list:
        for attack in chosen(args):
            print(f"{attack.kind}/{attack.name}: {attack}")
        return 0
    if args.keep:
        args.keep.mkdir(parents=True, exist_ok=True)
        return run(args, args.keep)
    with tempfile.TemporaryDirectory(prefix="casebox-attack-") as work:
        return run(args, pathlib.Path(work))


if __name__ == "__main__":
    sys.exit(main())
