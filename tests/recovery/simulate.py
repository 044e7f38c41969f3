"""make simulate: the recovery protocol under random crashes, on all cores; each rule can be broken on purpose.

Usage: simulate.py [--schedules N] [--seed S] [--mutant NAME|all] [--processes P]. A failing schedule prints its seed and the
fewest steps that still fail: --replay SEED --steps N plays that one again and lists its steps. Exits 1 when the protocol is
wrong, or when a broken rule is not caught.
"""
import argparse
import multiprocessing
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from mutants import MUTANTS
from world import FailingStore, World

STEPS = 250
LISTED = 40   # the last steps that a replay lists

_stores: dict[type[FailingStore], FailingStore] = {}


def world_of(seed, mutant="", steps=STEPS):
    """The schedule of a seed; the store is emptied for it."""
    parts = MUTANTS[mutant]
    store = _stores.get(parts.store) or _stores.setdefault(parts.store, parts.store("sqlite://"))
    return World(seed, store, parts, steps)


def wrong_with(world):
    """Runs the schedule; what was wrong, or ''."""
    try:
        world.run()
    except AssertionError as error:
        return str(error) or "AssertionError"
    except (KeyError, IndexError, ValueError) as error:   # a broken rule may break the bookkeeping too
        return f"{type(error).__name__} {error}"
    return ""


def run_one(job):
    """(seed, records, crashes, what was wrong or '') of one schedule."""
    seed, mutant, steps = job
    world = world_of(seed, mutant, steps)
    wrong = wrong_with(world)
    return seed, world.records, world.restarts, wrong


def shrink(seed, mutant="", steps=STEPS):
    """The fewest steps after which the schedule still goes wrong, as far as a tenth fewer at a time finds them."""
    while steps > 1 and run_one((seed, mutant, steps - max(1, steps // 10)))[3]:
        steps -= max(1, steps // 10)
    return steps


def replay(seed, mutant, steps):
    """Plays one schedule and lists its last steps; returns 1 when it is wrong."""
    world = world_of(seed, mutant, steps)
    wrong = wrong_with(world)
    print(*world.trace[-LISTED:], sep="\n")
    print(f"{seed}: {wrong}" if wrong else f"{seed}: nothing wrong")
    return int(bool(wrong))


def run(schedules, seed, mutant, processes):
    """Prints the last line that CI and people read; returns the number of wrong schedules. A mutant stops at its first."""
    jobs = ((f"{seed}/{number}", mutant, STEPS) for number in range(schedules))
    done = records = crashes = wrong = 0
    first = ""
    with multiprocessing.get_context("fork").Pool(processes) as pool:
        for origin, some, restarts, error in pool.imap(run_one, jobs, chunksize=2 if mutant else 20):
            done, records, crashes, wrong = done + 1, records + some, crashes + restarts, wrong + bool(error)
            if error and not first:
                first = origin
                print(f"caught after {done} schedules: {origin}: {error}" if mutant else f"wrong: {origin}: {error}", flush=True)
            if first and mutant:
                break
            if done % 1000 == 0 and sys.stderr.isatty():
                print(f"{done} of {schedules}", end="\r", file=sys.stderr)
    if first and not mutant:
        print(f"still wrong, and listed, with: --replay {first} --steps {shrink(first)}")
    name = f"{mutant}: " if mutant else ""
    print(f"{name}{done} schedules, {records} records, {crashes} crashes, {wrong} wrong", flush=True)
    return wrong


def main():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--schedules", type=int, default=1_000_000)
    parser.add_argument("--seed", default="0")
    parser.add_argument("--mutant", default="", choices=[*MUTANTS, "all"])
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    parser.add_argument("--replay", metavar="SEED", help="one schedule, as a wrong one was named")
    parser.add_argument("--steps", type=int, default=STEPS, help="of the replayed schedule")
    args = parser.parse_args()
    if args.replay:
        sys.exit(replay(args.replay, args.mutant, args.steps))
    chosen = [name for name in MUTANTS if name] if args.mutant == "all" else [args.mutant]
    missed = []
    for mutant in chosen:
        wrong = run(args.schedules, args.seed, mutant, args.processes)
        if bool(wrong) != bool(mutant):
            missed.append(mutant or "the protocol")
    if missed and args.mutant:
        print("not caught:", ", ".join(missed))
    sys.exit(bool(missed))


if __name__ == "__main__":
    main()
