"""Hands the rows to each system, in a process of its own, and scores what it says."""
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.compare.install import clean, data_folder, python, versions
from benchmarks.compare.peers import Peer
from benchmarks.compare.result import Line, System, scored
from benchmarks.compare.rounds import spread
from models.data import DataSet, Example
from models.evaluation import fair, rows
from models.evaluation.rows import CLASSES, Split, labels_of
from models.folder import MANIFEST, Manifest, ModelError, read_json
from pipelines.errors import JobFailed
from schemas.tagging import SENTIMENTS

ROOT = Path(__file__).parents[2]
LEAST_S = 0.5
"""A round lasts so long at least: what takes milliseconds is done again and again."""
OURS = "its classes and spans as they come; what patterns found (money, dates, hashtags) is left out, for no set has labels of it"


def model_sets(folder: Path, split: Split) -> tuple[list[DataSet], list[str]]:
    """The sets that a model answers, and why not the others. Raises ModelError for a folder that is none."""
    manifest, kept, left_out = read_json(folder / MANIFEST, Manifest), [], []
    neutral = SENTIMENTS.index("neutral")
    for dataset, examples in split.rows.items():
        if dataset.task not in manifest.tasks:
            left_out.append(f"was not trained for {dataset.task}, so not on {dataset.name}")
        elif not manifest.neutral and any(example.sentiment == neutral for example in examples):
            left_out.append(f"calls nothing neutral, so not on {dataset.name}")
        else:
            try:
                fair.check_labels(folder, split._replace(rows={dataset: examples}))
                kept.append(dataset)
            except ModelError as error:
                left_out.append(f"not on {dataset.name}: {error}")
    return kept, left_out


def version(peer: Peer) -> str:
    """Its packages with their versions."""
    return ", ".join(f"{package} {versions()[package]}" for package in peer.packages)


def peer_sets(peer: Peer, split: Split) -> list[DataSet]:
    """The sets that a peer answers."""
    return [one for one in split.rows if (one.name in peer.sets if peer.sets else one.task != "entities")]


def run_model(name: str, folder: Path, version: str, split: Split, sets: Sequence[DataSet], rounds: int) -> tuple[System, list[Line]]:
    """The model of a folder. Raises JobFailed."""
    command = [sys.executable, "-m", "benchmarks.compare.ours"]
    said = run_work(name, command, [str(folder.resolve())], work_of(split, sets, rounds, 0), {**os.environ, "PYTHONPATH": str(ROOT)})
    lines = [_line(name, split, one, said["sets"][one.name], said["sets"][one.name]["answers"], 0) for one in sets]
    return System(name, version, True, said["threads"], said["load_s"], OURS), lines


def run_peer(peer: Peer, cache: Path, split: Split, sets: Sequence[DataSet], rounds: int) -> tuple[System, list[Line]]:
    """A peer that is installed. Raises JobFailed."""
    command = [str(python(cache)), "-m", "benchmarks.compare.answering", peer.key]
    work = work_of(split, sets, rounds, peer.at_most, learns=not peer.sets)
    said = run_work(peer.name, command, [str(data_folder(cache, peer).resolve())] if peer.unpacked else [], work, clean(None))
    lines = []
    for one in sets:
        of_set = said["sets"][one.name]
        read = [peer.reads(answer, example.text) for answer, example in zip(of_set["answers"], split.rows[one], strict=True)]
        lines.append(_line(peer.name, split, one, of_set, read, peer.at_most))
    return System(peer.name, version(peer), False, said["threads"], said["load_s"], peer.how), lines


def _line(name: str, split: Split, dataset: DataSet, said: dict[str, Any], answers: Sequence[Any], at_most: int) -> Line:
    examples = split.rows[dataset]
    return Line(dataset.name, dataset.task, len(examples), name, scored(dataset, examples, answers), len(spread(len(examples), at_most)),
                said["per_s"], said["cores"], said["learnt_s"])


def work_of(split: Split, sets: Sequence[DataSet], rounds: int, at_most: int, learns: bool = False) -> dict[str, Any]:
    """What a process is asked: texts of each set, the numbers of those that are timed, and (text, class) rows to learn from."""
    dev = split if split.name == "dev" else rows.read(split.folder, "dev") if learns else split
    asked = []
    for one in sets:
        texts = [example.text for example in split.rows[one]]
        of_set = {"name": one.name, "task": one.task, "language": split.rows[one][0].lang, "texts": texts,
                  "timed": spread(len(texts), at_most)}
        if learns:
            of_set |= {"train": _labelled(one, rows.training_rows(split, one)), "dev": _labelled(one, dev.rows[one])}
        asked.append(of_set)
    return {"rounds": rounds, "least_s": LEAST_S, "sets": asked}


def _labelled(dataset: DataSet, examples: Sequence[Example]) -> list[tuple[str, str]]:
    return [(example.text, CLASSES[dataset.task][labels_of(dataset.task, example)[0]]) for example in examples]


def run_work(name: str, command: Sequence[str], more: Sequence[str], work: dict[str, Any], environment: dict[str, str]) -> dict[str, Any]:
    """What a process of its own says of the work (rounds.serve). more: its arguments after the two files. Raises JobFailed."""
    with tempfile.TemporaryDirectory() as folder:
        asked, out = Path(folder) / "work.json", Path(folder) / "out.json"
        asked.write_text(json.dumps(work), encoding="utf-8")
        ran = subprocess.run(
            [*command, str(asked), str(out), *more], check=False, cwd=ROOT, env=environment, capture_output=True, text=True)
        if ran.returncode or not out.exists():
            raise JobFailed(f"{name}: its process ended with {ran.returncode}: {(ran.stderr.strip().splitlines() or ['no reason'])[-1]}")
        said: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
        return said
