"""Puts what patterns find beside what the network says of the same texts."""
from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from models.patterns.checks import MENTION
from models.patterns.find import Found, Ids, find
from schemas.entity_types import PATTERN_TYPES, PERSONS
from schemas.tagging import Tags

_Number = TypeVar("_Number", np.int32, np.float32)


class Patterns:
    """Beside a network that learnt these entity types. entity_types: those, then the patterns' that are not among them.

    Where a pattern's span and some of the network's overlap, the pattern's stays and theirs go, but for two cases, in which it goes:
    it lies in a longer span of the network's; or some of it is a person's, who has to be hidden. A mention, which is hidden itself,
    gives way only to a person that goes beyond it. So whatever was a person's is one's or a mention's.
    """

    def __init__(self, learnt: Sequence[str]) -> None:
        self.entity_types: Sequence[str] = [*learnt, *(name for name in PATTERN_TYPES if name not in learnt)]
        self._ids = np.array([self.entity_types.index(name) for name in PATTERN_TYPES], np.int32)
        self._persons = [number for number, name in enumerate(learnt) if name.casefold() in PERSONS]

    def added(self, tags: Tags, texts: Sequence[str]) -> Tags:
        """The tags with the patterns' spans, by their start in each text; their score is 1. texts: as the network read them."""
        found = find(texts)
        return self.joined(tags, found) if len(found.row) else tags

    def joined(self, tags: Tags, found: Found) -> Tags:
        """As added, of what was found."""
        texts = len(tags.entity_splits) - 1
        rows = np.repeat(np.arange(texts), np.diff(tags.entity_splits))
        width = 1 + max(int(found.end.max()), int(tags.entity_end.max(initial=0)))   # all texts on one line, each so wide
        line = _Spans(rows * width + tags.entity_start, rows * width + tags.entity_end)
        new = _Spans(found.row * width + found.start, found.row * width + found.end)
        named = np.isin(tags.entity_type, self._persons)
        stays = ~(line.hold(new) | _take(_Spans(line.start[named], line.end[named]), new, found.type == MENTION))
        old = new.at(stays).touched(line) == 0
        row = np.concatenate((rows[old], found.row[stays]))
        start = np.concatenate((tags.entity_start[old], found.start[stays]))
        order = np.lexsort((start, row))

        def column(network: NDArray[_Number], pattern: NDArray[_Number]) -> NDArray[_Number]:
            return np.concatenate((network[old], pattern[stays]))[order]

        return replace(
            tags, entity_type=column(tags.entity_type, self._ids[found.type]), entity_start=start[order],
            entity_end=column(tags.entity_end, found.end), entity_score=column(tags.entity_score, np.ones(len(found.row), np.float32)),
            entity_splits=np.concatenate(([0], np.cumsum(np.bincount(row, minlength=texts)))))


class _Spans:
    """Spans on one line."""

    def __init__(self, start: Ids, end: Ids) -> None:
        self.start, self.end = start, end

    def at(self, some: NDArray[np.bool_]) -> "_Spans":
        return _Spans(self.start[some], self.end[some])

    def touched(self, others: "_Spans") -> Ids:
        """How many of these overlap each of the others: those that begin before its end, less those that end before its start."""
        return np.searchsorted(np.sort(self.start), others.end) - np.searchsorted(np.sort(self.end), others.start, "right")

    def hold(self, others: "_Spans") -> NDArray[np.bool_]:
        """Whether each of the others lies in a longer one of these, which do not overlap."""
        order = np.argsort(self.start, kind="stable")
        start, end = np.append(self.start[order], 0), np.append(self.end[order], 0)   # of no width, for places before the first
        at = np.searchsorted(start[:-1], others.start, "right") - 1
        held: NDArray[np.bool_] = (end[at] >= others.end) & (end[at] - start[at] > others.end - others.start)
        return held


def _take(persons: _Spans, found: _Spans, is_mention: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether a person takes the place of each of those found."""
    touched = persons.touched(found)
    within = np.searchsorted(np.sort(persons.end), found.end, "right") - np.searchsorted(np.sort(persons.start), found.start)
    taken: NDArray[np.bool_] = (touched > 0) & ~(is_mention & (touched == within))
    return taken
