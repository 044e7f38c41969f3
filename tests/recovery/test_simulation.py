"""The recovery protocol under random crashes: the rules hold, and each of them is needed."""
import os
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

import simulate
from mutants import MUTANTS

SCHEDULES = 5_000
SCHEDULES_PER_MUTANT = 3_000
STEPS = {
    "produce", "read_bundle", "throw_away", "process", "fire", "write", "save", "tick", "add_partition", "expire", "swap_model",
    "reappear", "haunt", "taken over", "crash: killed", "crash: the store failed", "open_letters",
    "replay_letters", "drop_letters", "replay killed", "dealt with", "crash: the log no longer holds what is to be read next"}
BROKEN = ("0/0", "SavePosition")


def simulated(*options):
    """simulate.py in a process of its own: it forks, which a process that has loaded TensorFlow must not."""
    command = [sys.executable, simulate.__file__, "--processes", str(os.cpu_count()), *options]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_no_schedule_loses_a_record_or_counts_it_twice():
    done = simulated("--schedules", str(SCHEDULES))
    last = (done.stdout.splitlines() or [""])[-1]
    assert done.returncode == 0, done.stdout + done.stderr
    assert last.startswith(f"{SCHEDULES} schedules, ") and last.endswith(" crashes, 0 wrong"), done.stdout


@pytest.mark.parametrize("mutant", [name for name in MUTANTS if name])
def test_a_broken_rule_is_caught(mutant):
    done = simulated("--schedules", str(SCHEDULES_PER_MUTANT), "--mutant", mutant)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("caught after "), done.stdout


def test_a_rule_that_is_not_caught_is_named():
    done = simulated("--schedules", "1", "--mutant", "RowsOnly")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (1, "not caught: RowsOnly")


def test_schedules_take_every_kind_of_step():
    taken = set()
    for number in range(100):
        world = simulate.world_of(f"steps/{number}")
        simulate.wrong_with(world)
        taken |= set(world.trace)
        if taken >= STEPS:
            return
    assert taken >= STEPS, STEPS - taken


def test_the_same_seed_takes_the_same_steps():
    traces = []
    for _ in range(2):
        world = simulate.world_of("same")
        simulate.wrong_with(world)
        traces.append((world.trace, world.records, world.restarts))
    assert traces[0] == traces[1]


def test_a_wrong_schedule_is_shrunk_to_fewer_steps_that_are_still_wrong():
    seed, mutant = BROKEN
    steps = simulate.shrink(seed, mutant)
    assert steps < simulate.STEPS
    assert simulate.run_one((seed, mutant, steps))[3]


def test_a_replay_lists_the_steps_and_what_is_wrong():
    seed, mutant = BROKEN
    done = simulated("--replay", seed, "--mutant", mutant)
    *steps, last = done.stdout.splitlines()
    assert done.returncode == 1
    assert "read_bundle" in steps and last.startswith(f"{seed}: lost ")
