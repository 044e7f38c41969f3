"""make chaos: faults on real Apache Kafka and real Prism, each followed by a comparison with plain Python.

Usage: battery.py [--seed S] [--cases a,b] [--short] [--kills N] [--keep FOLDER]. One line a case; exit 1 when one is
wrong, 3 when there is no Kafka or no Prism. Without --keep the logs and stores of a run that went well are removed.
"""
import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path

from cases import CASES, Case, small_disk
from folders import other_tags, own_copy, poisonable
from oracle import Verdict
from scene import Scene
from timing import LONG, SHORT, TooLate

from pipelines.broker import Broker, broker_cache, open_broker
from pipelines.children import end
from pipelines.errors import EnvironmentProblem, UsageProblem
from pipelines.prism import find_prism

CACHE = broker_cache()
ROW = "{:<17}{:>8}{:>7}{:>6}  {:<14}{:>5}{:>6}{:>8}  {}".format
HEAD = ROW("case", "records", "copies", "kills", "wrong windows", "lost", "twice", "seconds", "dead letters")


def play(name: str, case: Case, broker: Broker, folder: Path, args: argparse.Namespace) -> tuple[Scene, Verdict]:
    """Plays one case to its end and judges it."""
    work = folder / name
    work.mkdir()
    fast = folder / "fast"
    models = [poisonable(fast, work / "poisonable")] if case.poisonable else [fast, other_tags(fast, work / "other")]
    with small_disk(work / "disk") if case.small_disk else _same(work) as disk:
        scene = Scene(
            work, disk, broker, SHORT if args.short else LONG, args.seed, models, short=args.short, kills=args.kills,
            copying=case.copying)
        try:
            scene.open()
            case.play(scene)
            return scene, scene.close()
        except TooLate as late:
            scene.traffic.stopped.set()
            verdict = Verdict(complaints=[str(late)])
            return scene, verdict
        finally:
            if scene.stream.child is not None:
                end(scene.stream.child, 5.0)
            if case.small_disk and args.keep:
                shutil.copytree(disk, work / "store", ignore=shutil.ignore_patterns("filler"))


class _same:
    """A folder as a context."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __enter__(self) -> Path:
        return self.folder

    def __exit__(self, *_: object) -> None:
        pass


def line(name: str, scene: Scene, verdict: Verdict, seconds: float) -> str:
    """One row of the table, and what was wrong below it."""
    dead = ", ".join(f"{reason} {count}" for reason, count in sorted(verdict.dead.items())) or "none"
    if verdict.named:
        dead += f"; gap names {verdict.named} lost"
    wrong = f"{len(verdict.wrong_windows)} of {len(verdict.windows)}"
    counts = (verdict.records, verdict.copies, scene.kills_made)
    row = ROW(name, *counts, wrong, verdict.lost, verdict.twice, round(seconds), dead)
    return "\n".join([row, *(f"    {complaint}" for complaint in verdict.complaints)])


def say(text: str) -> None:
    """A line, at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def run(args: argparse.Namespace) -> int:
    """The exit code."""
    find_prism()
    folder = Path(args.keep or tempfile.mkdtemp(prefix="textpulse-chaos-"))
    folder.mkdir(parents=True, exist_ok=True)
    own_copy(folder / "fast")
    begun, wrong = time.monotonic(), 0
    with open_broker(CACHE, folder / "broker.log", say=say) as broker:
        if not broker.durable:
            raise EnvironmentProblem("the battery kills its broker and needs Apache Kafka: install Java 17 and Maven")
        say(HEAD)
        for name in args.cases:
            started = time.monotonic()
            scene, verdict = play(name, CASES[name], broker, folder, args)
            say(line(name, scene, verdict, time.monotonic() - started))
            wrong += not verdict.right
    say(f"{len(args.cases)} cases with seed {args.seed} in {time.monotonic() - begun:.0f} s, {wrong} wrong")
    if wrong:
        say(f"logs and stores: {folder}")
    elif not args.keep:
        shutil.rmtree(folder)
    return 1 if wrong else 0


def case_names(text: str) -> list[str]:
    """Names of cases with commas between them."""
    names = text.split(",")
    if unknown := [name for name in names if name not in CASES]:
        raise argparse.ArgumentTypeError(f"{unknown[0]!r}; known: {', '.join(CASES)}")
    return names


def main() -> int:
    """The program."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cases", type=case_names, default=list(CASES), help=f"some of {','.join(CASES)}")
    parser.add_argument("--short", action="store_true", help="shorter windows, 3 kills")
    parser.add_argument("--kills", type=int, default=0, help="in the case kill9")
    parser.add_argument("--keep", default="", help="a new folder for logs and stores")
    try:
        return run(parser.parse_args())
    except (EnvironmentProblem, UsageProblem) as problem:
        sys.stderr.write(f"{problem}\n")
        return 3


if __name__ == "__main__":
    sys.exit(main())
