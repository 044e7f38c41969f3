"""make fuzz: random and hostile bytes into every door of textpulse, each of which must hold its law.

Usage: fuzz.py [--target NAME[,NAME]] [--inputs N] [--seed S] [--processes P] [--failures FOLDER] [--guided]. Prints for each
target how many inputs, how fast, how many ways they went, and failures, each saved in FOLDER as the fewest bytes that still fail:
--replay FILE... plays these again.
--address HOST:PORT fuzzes a server that runs there (target http). --guided lets coverage choose the
inputs (pip install 'textpulse[fuzz]'). Exits 1 on a failure.
"""
import argparse
import hashlib
import mmap
import multiprocessing
import subprocess
import sys
import time
import traceback
from collections import Counter
from dataclasses import dataclass, field
from multiprocessing.queues import Queue
from pathlib import Path
from queue import Empty

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
CORPUS = HERE / "corpus"
MOST_FAILURES = 5   # of a target in a process
LENGTH_BYTES, LONGEST_BYTES = 8, 1 << 20


@dataclass
class Result:
    """What came of a target's inputs in one process."""

    inputs: int = 0
    seconds: float = 0.0
    ways: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)


def seeds_of(target: str) -> list[bytes]:
    """The corpus."""
    return [path.read_bytes() for path in sorted((CORPUS / target).glob("*"))]


def failure_of(target: str, data: bytes) -> str:
    """The last line of what was raised; empty: nothing was."""
    from targets import TARGETS, timed

    try:
        timed(TARGETS[target], data)
    except Exception as error:   # noqa: BLE001 - any is a failure
        return told_of(error)
    return ""


def told_of(error: Exception) -> str:
    """What was raised, and where."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} at {Path(frame.filename).name}:{frame.lineno}: {error}"[:200]


def run(target: str, inputs: int, seed: int, failures: Path, current: "mmap.mmap | None" = None) -> Result:
    """The corpus as it is, then changes of it. current: gets each input before it is tried, should it end the process."""
    from mutations import Mutations
    from targets import TARGETS, timed

    seeds = seeds_of(target)
    made, result, begun = Mutations(target, seeds, seed), Result(), time.monotonic()
    for number in range(inputs):
        data = seeds[number] if number < len(seeds) else made.next()
        result.inputs += 1
        if current is not None:
            current[:LENGTH_BYTES + len(data)] = len(data).to_bytes(LENGTH_BYTES, "little") + data
        try:
            way = timed(TARGETS[target], data)
        except Exception as error:   # noqa: BLE001 - any is a failure
            result.failures.append(save(target, data, told_of(error), failures))
            if len(result.failures) >= MOST_FAILURES:
                break
            continue
        if way not in result.ways and len(made.seeds) < 1_000:
            made.keep(data)
        result.ways[way] += 1
    result.seconds = time.monotonic() - begun
    return result


def in_process(target: str, inputs: int, seed: int, failures: Path, current: "mmap.mmap", results: "Queue[Result]") -> None:
    """Hands the result to the parent."""
    results.put(run(target, inputs, seed, failures, current))


def run_all(target: str, inputs: int, seed: int, failures: Path, processes: int) -> list[Result]:
    """The results of all processes; an input that ends one is a failure."""
    fork = multiprocessing.get_context("fork")
    results: Queue[Result] = fork.Queue()
    begun, children = time.monotonic(), []
    for part in range(processes):
        current = mmap.mmap(-1, LENGTH_BYTES + LONGEST_BYTES)
        work = (target, -(-inputs // processes), seed * 1_000 + part, failures, current, results)
        child = fork.Process(target=in_process, args=work)
        child.start()
        children.append((child, current))
    found: list[Result] = []
    while len(found) < processes:
        try:
            found.append(results.get(timeout=1))
        except Empty:
            for child, current in [pair for pair in children if pair[0].exitcode]:
                children.remove((child, current))
                size = int.from_bytes(current[:LENGTH_BYTES], "little")
                path = failures / f"{target}-crash-{hashlib.sha256(current[:]).hexdigest()[:12]}"
                failures.mkdir(parents=True, exist_ok=True)
                path.write_bytes(current[LENGTH_BYTES:LENGTH_BYTES + size])
                found.append(Result(1, time.monotonic() - begun, failures=[f"{path}: ended the process ({child.exitcode})"]))
    return found


def save(target: str, data: bytes, failure: str, failures: Path) -> str:
    """Writes the fewest bytes that fail in the same place, all of them where they do not fail again; returns what to say."""
    from mutations import smallest

    place = failure.partition(": ")[0]
    again = failure_of(target, data).partition(": ")[0] == place
    small = smallest(data, lambda shorter: failure_of(target, shorter).partition(": ")[0] == place) if again else data
    failures.mkdir(parents=True, exist_ok=True)
    path = failures / f"{target}-{hashlib.sha256(small).hexdigest()[:12]}"
    path.write_bytes(small)
    return f"{path}: {failure}" + ("" if again else " (not again)")


def guided(target: str, inputs: int, seed: int, failures: Path) -> int:
    """libFuzzer by atheris, in a process of its own; what it finds worth keeping stays beside the failures. Returns its exit status."""
    found = failures / "found" / target
    found.mkdir(parents=True, exist_ok=True)
    return subprocess.run(
        [sys.executable, HERE / "guided.py", target, f"-runs={inputs}", f"-seed={seed}", "-max_len=4096", "-print_final_stats=1",
         f"-artifact_prefix={failures}/{target}-", str(found), str(CORPUS / target)], check=False).returncode


def told(target: str, parts: list[Result]) -> bool:
    """Prints a line, and one for each failure; True when there was none."""
    inputs, failures = sum(part.inputs for part in parts), sorted({one for part in parts for one in part.failures})
    ways = set().union(*(part.ways for part in parts))
    rate = inputs / max(1e-9, *(part.seconds for part in parts))
    print(f"{target:10} {inputs:>10,} inputs {rate:>9,.0f}/s {len(ways):>4} ways  {len(failures)} failures", flush=True)
    for failure in failures:
        print(f"  {failure}", flush=True)
    return not failures


def replay(paths: list[Path]) -> int:
    """Plays saved inputs again; the target is what a file's name begins with."""
    failed = 0
    for path in paths:
        failure = failure_of(path.name.partition("-")[0], path.read_bytes())
        print(f"{path}: {failure or 'holds'}")
        failed += bool(failure)
    return min(failed, 1)


def main() -> int:
    """Exit status."""
    from targets import TARGETS, http_server

    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--target", default=",".join(TARGETS), help="which, with commas; default: all")
    parser.add_argument("--inputs", type=int, default=1_000_000, help="of each target")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=multiprocessing.cpu_count())
    parser.add_argument("--failures", type=Path, default=Path("fuzz-failures"), help="folder for inputs that fail")
    parser.add_argument("--address", default="", metavar="HOST:PORT", help="fuzz this server alone")
    parser.add_argument("--guided", action="store_true", help="coverage chooses the inputs")
    parser.add_argument("--replay", type=Path, nargs="+", default=[])
    args = parser.parse_args()
    if args.address:
        host, _, port = args.address.rpartition(":")
        TARGETS["http"] = http_server(host, int(port))
    names = ["http"] if args.address else args.target.split(",")
    if unknown := sorted(set(names) - TARGETS.keys()):
        parser.error(f"--target {unknown[0]}: there are {', '.join(TARGETS)}")
    if args.replay:
        return replay(args.replay)
    if args.guided:
        return max(guided(name, args.inputs, args.seed, args.failures) for name in names) and 1
    good = True
    for name in names:
        good = told(name, run_all(name, args.inputs, args.seed, args.failures, args.processes)) and good
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
