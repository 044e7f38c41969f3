"""Copies of one text: within a split, and between what is trained on and what is evaluated on."""
from collections import defaultdict
from collections.abc import Hashable, Sequence
from typing import NamedTuple

from models.data import bare
from models.preparation.row import Row


class Candidate(NamedTuple):
    """A row on its way, and the key that copies of its text share."""

    row: Row
    key: str


class Unique(NamedTuple):
    """What is left of a split. conflicts: texts whose copies have different labels."""

    kept: list[Candidate]
    repeated: list[Candidate]
    conflicting: list[Candidate]
    conflicts: int


def unique(rows: Sequence[Candidate], *, trained_on: bool) -> Unique:
    """One row for each key: the first. Where the labels of the copies differ, none of them is trained on."""
    copies: dict[str, list[Candidate]] = defaultdict(list)
    for candidate in rows:
        copies[candidate.key].append(candidate)
    found = Unique([], [], [], sum(_differ(group) for group in copies.values()))._asdict()
    for group in copies.values():
        if trained_on and _differ(group):
            found["conflicting"] += group
        else:
            found["kept"].append(group[0])
            found["repeated"] += group[1:]
    return Unique(**found)


def apart(rows: Sequence[Candidate], evaluated: "set[str] | frozenset[str]") -> tuple[list[Candidate], list[Candidate]]:
    """Those whose text is not among the keys, and those whose text is."""
    kept: list[Candidate] = []
    also_there: list[Candidate] = []
    for candidate in rows:
        (also_there if candidate.key in evaluated else kept).append(candidate)
    return kept, also_there


def _differ(group: Sequence[Candidate]) -> bool:
    return len(group) > 1 and len({_labels(candidate.row) for candidate in group}) > 1


def _labels(row: Row) -> Hashable:
    """Comparable between copies: entities by their words, for punctuation moves their offsets."""
    named = None if row.entities is None else tuple((one.type, bare(row.text[one.start:one.end])) for one in row.entities)
    return row.sentiment, row.topic, named
