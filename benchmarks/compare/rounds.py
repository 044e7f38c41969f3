"""How each system is measured, in its own process: it answers all texts, which warms it up, then some of them with a clock beside it.

Needs no package. Work comes as a JSON file and goes back as one; __main__ says what stands in them.
"""
import json
import os
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

Answer = Callable[[Sequence[str]], list[Any]]
Tool = Callable[[dict[str, Any]], Answer]
"""For one set of the work: what answers its texts."""
TASKS = Path("/proc/self/task")


def spread(rows: int, most: int) -> list[int]:
    """Numbers of at most so many rows, evenly spaced; all for a most of 0."""
    if not most or rows <= most:
        return list(range(rows))
    return [at * rows // most for at in range(most)]


def serve(load: Callable[[], Tool], work: Path, out: Path) -> None:
    """Loads the tool, answers each set of the work file and times it, and writes it all to the file `out`."""
    asked = json.loads(work.read_text(encoding="utf-8"))
    start = time.perf_counter()
    tool = load()
    load_s = time.perf_counter() - start
    sets = {}
    for one in asked["sets"]:
        start = time.perf_counter()
        answer = tool(one)
        learnt_s = time.perf_counter() - start
        answers = answer(one["texts"])
        per_s, cores = timed(answer, [one["texts"][at] for at in one["timed"]], asked["rounds"], asked["least_s"])
        sets[one["name"]] = {"answers": answers, "learnt_s": learnt_s, "per_s": per_s, "cores": cores}
    threads = len(list(TASKS.iterdir())) if TASKS.is_dir() else threading.active_count()
    out.write_text(json.dumps({"load_s": load_s, "threads": threads, "sets": sets}), encoding="utf-8")


def timed(answer: Answer, texts: Sequence[str], rounds: int, least_s: float, clock: Callable[[], float] = time.perf_counter,
          cpu: Callable[[], float] = time.process_time) -> tuple[list[float], float]:
    """Texts a second of each round, and the cores kept busy meanwhile (CPU seconds of the process by second).

    A round hands over all texts at once, again and again until it has lasted for least_s. clock, cpu: seconds.
    """
    per_s, begun, worked = [], clock(), cpu()
    for _ in range(rounds):
        start, done = clock(), 0
        while (past := clock() - start) < least_s or not done:
            answer(texts)
            done += len(texts)
        per_s.append(done / past)
    return per_s, (cpu() - worked) / (clock() - begun)


def cores() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
