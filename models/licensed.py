"""Which training rows a model learns from, by what their licences allow."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from models.data import DataError, DataSet, Example, key_of
from models.evaluation.rows import has_labels
from models.preparation.licences import CLASS_OF, CLASSES, allowed, licence_class

OfSets = Mapping[DataSet, Sequence[Example]]


class Learnt(NamedTuple):
    """Of a set. rows: how many are trained on. classes: of the licences of all its training rows."""

    rows: int
    classes: Sequence[str]


class Permitted(NamedTuple):
    """rows: those that are trained on. left_out: the bare texts of all others."""

    rows: dict[DataSet, list[Example]]
    left_out: set[str]


def permitted(of_sets: OfSets, licences: str) -> Permitted:
    """The training rows of a choice of licences. A copy of a text that is left out is left out too, whatever set it is in."""
    left_out = {key_of(one.text) for dataset, rows in of_sets.items() for one in rows if not allowed(licences, dataset.name, one.kind)}
    return Permitted({dataset: [one for one in rows if key_of(one.text) not in left_out] for dataset, rows in of_sets.items()}, left_out)


def check_tasks(folder: Path, tasks: Sequence[str], before: OfSets, after: OfSets) -> None:
    """Raises DataError for a task whose training rows were all left out."""
    for task in tasks:
        had, has = (any(has_labels(dataset, task, one) for dataset, rows in sets.items() for one in rows) for sets in (before, after))
        if had and not has:
            raise DataError(f"{folder}: no training row of a permissive licence has a label for {task}; "
                            "leave --licences out, or name other tasks with --task")


def learnt(before: OfSets, after: OfSets) -> dict[DataSet, Learnt]:
    """What the card says of each set."""
    return {dataset: Learnt(len(after[dataset]), _classes(dataset, rows)) for dataset, rows in before.items()}


def _classes(dataset: DataSet, rows: Sequence[Example]) -> list[str]:
    found = {licence_class(dataset.name, one.kind) for one in rows} or {CLASS_OF[dataset.name]}
    return [name for name in CLASSES if name in found]
