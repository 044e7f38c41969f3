"""make simulate: the recovery protocol under random crashes, on both cores; each rule can be broken on purpose.

Usage: simulate.py [--schedules N] [--seed S] [--mutant NAME|all] [--processes P]. A failing schedule prints its seed; the same
seed replays it, and the number of steps is shrunk while it still fails.
"""
import argparse
import multiprocessing
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from mutants import MUTANTS
from world import FailingStore, World


def run_one(job):
    """(records, crashes, what was wrong or '') of one schedule."""
    seed, mutant, steps = job
    ledger, store_class = MUTANTS[mutant]
    store = _stores.get(store_class) or _stores.setdefault(store_class, store_class("sqlite://"))
    world = World(seed, store, ledger, steps)
    try:
        world.run()
        wrong = ""
    except AssertionError as error:
        wrong = f"{seed}: {error}"
    except (KeyError, IndexError, ValueError) as error:   # a broken rule may break the bookkeeping too
        wrong = f"{seed}: {type(error).__name__} {error}"
    return world.records, world.restarts, wrong


_stores: dict[type[FailingStore], FailingStore] = {}


def shrink(seed, mutant, steps=250):
    """The fewest steps after which the schedule still goes wrong."""
    while steps > 1 and run_one((seed, mutant, steps - max(1, steps // 10)))[2]:
        steps -= max(1, steps // 10)
    return steps


def run(schedules, seed, mutant, processes):
    """Prints the last line that CI and people read; returns the number of wrong schedules."""
    jobs = ((f"{seed}/{number}", mutant, 250) for number in range(schedules))
    records = crashes = wrong = 0
    first = ""
    with multiprocessing.get_context("fork").Pool(processes) as pool:
        for done, (some, restarts, error) in enumerate(pool.imap_unordered(run_one, jobs, chunksize=20), 1):
            records, crashes = records + some, crashes + restarts
            if error:
                wrong, first = wrong + 1, first or error
            if done % 1000 == 0 and sys.stderr.isatty():
                print(f"{done} of {schedules}", end="\r", file=sys.stderr)
    if first:
        print(f"first wrong schedule: {first} (still wrong after {shrink(first.split(':')[0], mutant)} steps)")
    name = f"{mutant}: " if mutant else ""
    print(f"{name}{schedules} schedules, {records} records, {crashes} crashes, {wrong} wrong", flush=True)
    return wrong


def main():
    """Exits 1 when the protocol is wrong, or when a broken rule is not caught."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--schedules", type=int, default=1_000_000)
    parser.add_argument("--seed", default="0")
    parser.add_argument("--mutant", default="", choices=[*MUTANTS, "all"])
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    args = parser.parse_args()
    chosen = [name for name in MUTANTS if name] if args.mutant == "all" else [args.mutant]
    missed = []
    for mutant in chosen:
        wrong = run(args.schedules, args.seed, mutant, args.processes)
        if bool(wrong) != bool(mutant):
            missed.append(mutant or "the protocol")
    if missed:
        print("not as it should be:", ", ".join(missed))
    sys.exit(bool(missed))


if __name__ == "__main__":
    main()
