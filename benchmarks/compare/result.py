"""What a comparison finds, and how answers become figures: by the code that `textpulse evaluate` scores with."""
from collections.abc import Sequence
from statistics import median
from typing import Any

import msgspec

from models.data import DataSet, Example
from models.evaluation.rows import CLASSES, labels_of
from models.evaluation.scores import label_scores, span_scores
from models.evaluation.summary import Figures, figures

FORMAT = "textpulse comparison 1"


class System(msgspec.Struct, frozen=True):
    """A model or a peer. threads: of its process, after its work. how: how its answers are read."""

    name: str
    version: str
    is_model: bool
    threads: int
    load_s: float
    how: str


class Line(msgspec.Struct, frozen=True):
    """A system on a set. timed: texts of it that were timed. per_s: texts a second, by round. cores: kept busy meanwhile.

    learnt_s: what it took to learn the set, for a peer that does.
    """

    set: str
    task: str
    rows: int
    system: str
    figures: Figures
    timed: int
    per_s: list[float]
    cores: float
    learnt_s: float

    @property
    def speed(self) -> float:
        """Texts a second: the median of the rounds."""
        return median(self.per_s)


class Comparison(msgspec.Struct, frozen=True):
    """All of it. read: file -> SHA-256. cores: those that each process may use.

    notes: what is missing here and why, and which rows a model may have learnt from.
    """

    format: str
    split: str
    read: dict[str, str]
    cores: int
    rounds: int
    systems: list[System]
    lines: list[Line]
    notes: list[str]


def scored(dataset: DataSet, examples: Sequence[Example], said: Sequence[Any]) -> Figures:
    """accuracy and macro_f1, or precision, recall and f1. said: of each text a class, or (type, first byte, end byte) of entities."""
    known = CLASSES[dataset.task]
    if dataset.task == "entities":
        found = [[(kind, start, end) for kind, start, end in spans] for spans in said]
        gold = [[(known[kind], start, end) for kind, start, end in example.entities or ()] for example in examples]
        return figures(dataset.task, span_scores(gold, found, [*dict.fromkeys([*known, *(kind for spans in found for kind, *_ in spans)])]))
    names = [*dict.fromkeys([*known, *said])]
    place = {name: at for at, name in enumerate(names)}
    wanted = [labels_of(dataset.task, example)[0] for example in examples]
    return figures(dataset.task, label_scores(wanted, [place[name] for name in said], names))
