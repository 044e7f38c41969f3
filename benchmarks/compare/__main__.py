"""make compare: models of ours beside well-known tools, on the same texts in one run: quality and speed.

Exit codes: 0 done; 1 a peer failed; 2 wrong use; 3 a peer or a model is missing. The table is printed without the peers that are missing.
"""
import argparse
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from benchmarks.compare import table
from benchmarks.compare.install import CannotInstall, install
from benchmarks.compare.measure import ROOT, model_sets, peer_sets, run_model, run_peer
from benchmarks.compare.peers import PEERS
from benchmarks.compare.result import FORMAT, Comparison, Line, System
from benchmarks.compare.rounds import cores
from models.evaluation import fair, rows
from models.evaluation.rows import SPLITS, Split
from models.folder import MANIFEST, Manifest, check_whole, read_json
from pipelines.commands.files import check_place, replacing
from pipelines.commands.output import line, note, print_json, print_table
from pipelines.errors import JobFailed, UsageProblem
from pipelines.failures import DONE, ENVIRONMENT, FAILED, INTERRUPTED, exit_code

CACHE = ROOT / ".cache" / "compare"
SHIPPED = ROOT / "models" / "fast"

Answered = tuple[System, list[Line]]
Tell = Callable[[str], None]


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the comparison and returns its exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        return _run(_parser().parse_args(words), shlex.join(words))
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:   # a problem that we know is one line, a surprise keeps its stack trace
        code = exit_code(error)
        if code is None:
            raise
        note(f"compare: {error}")
        return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("compare", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of published or prepared sets")
    parser.add_argument("--split", choices=SPLITS, default="dev", help="the rows that are scored; look at test once, in the end")
    parser.add_argument("--model", type=Path, action="append", metavar="FOLDER", help="model folder, again for more; default: the shipped")
    parser.add_argument("--peer", action="append", choices=[*(peer.key for peer in PEERS), "none"], help="again for more; default: all")
    parser.add_argument("--set", action="append", help="only this set, again for more; default: all")
    parser.add_argument("--rounds", type=int, default=3, help="times that each set is timed")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of a table")
    parser.add_argument("--report", type=Path, metavar="FILE.md", help="also write the tables as Markdown")
    return parser


def _run(args: argparse.Namespace, words: str) -> int:
    if args.rounds < 1:
        raise UsageProblem(f"--rounds {args.rounds}: must be 1 or more")
    if args.report:
        check_place(args.report, "--report")
    folders = args.model or [SHIPPED]
    for folder in folders:
        check_whole(folder)
    found, code = compare(folders, _split(args), args.peer or [peer.key for peer in PEERS], args.rounds)
    if args.json:
        print_json(found)
    else:
        _show(found)
    if args.report:
        command = "make compare" + (f' ARGS="{words}"' if words else "")
        with replacing(args.report, "--report") as new:
            new.write_text(table.markdown(found, command), encoding="utf-8")
    return code


def _split(args: argparse.Namespace) -> Split:
    split = rows.read(args.data, args.split)
    if not args.set:
        return split
    if unknown := sorted({*args.set} - {one.name for one in split.rows}):
        raise UsageProblem(f"--set {unknown[0]}: no such set; {args.data} has {', '.join(one.name for one in split.rows)}")
    return split._replace(rows={one: of for one, of in split.rows.items() if one.name in args.set})


def compare(folders: Sequence[Path], split: Split, keys: Sequence[str], rounds: int) -> tuple[Comparison, int]:
    """All systems, one after the other, and the exit code. Raises ModelError, and JobFailed when a model fails."""
    notes = [f"{name}: has no row in the {split.name} split" for name in split.empty]

    def tell(said: str) -> None:
        note(said)
        notes.append(said)

    models = _models(folders, split, rounds, tell)
    peers, code = _peers(keys, split, rounds, tell)
    (first, answered), folder = models[0], folders[0]
    again = [one for one in split.rows if one.name in {line.set for line in answered}]
    after = run_model(first.name, folder, first.version, split, again, rounds)[1] if again else []
    lines = [_joined(one, after) for _, of_system in (*models, *peers) for one in of_system]
    systems = [system for system, _ in (*models, *peers)]
    return Comparison(FORMAT, split.name, rows.digests(split), cores(), rounds, systems, lines, notes), code


def _models(folders: Sequence[Path], split: Split, rounds: int, tell: Tell) -> list[Answered]:
    manifests = [read_json(folder / MANIFEST, Manifest) for folder in folders]
    found = []
    for folder, manifest, name in zip(folders, manifests, _names(manifests), strict=True):
        sets, left_out = model_sets(folder, split)
        for said in (*left_out, *(f"may have learnt from the rows of {one}" for one in fair.perhaps_seen(folder, split))):
            tell(f"{name}: {said}")
        note(f"{name}: {len(sets)} sets")
        found.append(run_model(name, folder, manifest.version, split, sets, rounds))
    return found


def _peers(keys: Sequence[str], split: Split, rounds: int, tell: Tell) -> tuple[list[Answered], int]:
    found, code = [], DONE
    for peer in PEERS:
        if peer.key not in keys or not (sets := peer_sets(peer, split)):
            continue
        note(f"{peer.name}: {', '.join(one.name for one in sets)}")
        try:
            install(CACHE, peer)
            found.append(run_peer(peer, CACHE, split, sets, rounds))
        except CannotInstall as error:
            tell(f"left out: {peer.name}: cannot be installed ({error}); its packages come from PyPI: go online, and try again")
            code = max(code, ENVIRONMENT)
        except JobFailed as error:
            tell(f"left out: {error}")
            code = code or FAILED
    return found, code


def _joined(one: Line, after: Sequence[Line]) -> Line:
    """With the rounds of the same line after the peers: what else the machine does meanwhile changes."""
    more = [speed for other in after if (other.set, other.system) == (one.set, one.system) for speed in other.per_s]
    return msgspec.structs.replace(one, per_s=[*one.per_s, *more])


def _names(manifests: Sequence[Manifest]) -> list[str]:
    """A name for each model, with its version where another has the same name. Raises UsageProblem for a model that is there twice."""
    names = [manifest.name for manifest in manifests]
    for manifest in manifests:
        if [(other.name, other.version) for other in manifests].count((manifest.name, manifest.version)) > 1:
            raise UsageProblem(f"--model: {manifest.name} {manifest.version} is given twice; leave one out")
    return [one.name if names.count(one.name) == 1 else f"{one.name} {one.version}" for one in manifests]


def _show(found: Comparison) -> None:
    head = table.columns(found.systems[0].name)
    print_table(head, table.table(found), numbers=[name for name in head if any(number in name for number in table.NUMBERS)])
    line()
    print_table(table.SYSTEMS, table.systems(found), numbers=["threads"])
    line()
    for said in (*table.remarks(found), *found.notes):
        line(f"- {said}")


if __name__ == "__main__":
    sys.exit(main())
