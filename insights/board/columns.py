"""Cells in columns: what a page needs of a million of them, sorted by time, in a few large arrays.

Names stand once in dictionaries and are numbers everywhere else. A segment never changes; other segments are made of it.
"""
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from insights.cells import Counts, Samples

Ints = NDArray[np.int32] | NDArray[np.int64]
Key = TypeVar("Key")

MOST_ROWS = 1 << 18          # of a segment: putting two together takes a fraction of a second
DEAD = 0                     # the group of rows that do not count any more
ENTITY = 3                   # slots of a word: negative, neutral, positive texts of a term; texts of an entity
NO_SAMPLE = (1 << 64) - 1


class Group(NamedTuple):
    """What names a cell within a window."""

    source: str
    product: str
    lang: str
    topic: str


class Codes(dict[Key, int], Generic[Key]):
    """Name -> its number; a name that is new gets the next one. names: the other way round. Both only grow."""

    def __init__(self, *first: Key) -> None:
        super().__init__()
        self.names: list[Key] = list(first)

    def __missing__(self, name: Key) -> int:
        code = self[name] = len(self.names)
        self.names.append(name)
        return code


class Said(msgspec.Struct):
    """What of a cell's detail (insights/cells.py) is kept."""

    entities: dict[str, int]
    terms: dict[str, Counts]
    samples: Samples


decode = msgspec.json.Decoder(Said).decode


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """N cells in the order of their windows, and the words of cell i at [starts[i], starts[i + 1]).

    window_us, unit: int64[N]. group: int32[N], numbers of a Codes[Group]; DEAD where a cell was replaced or removed. counts: [4, N],
    records and those of each sentiment. hashes: uint64[N], of the first sample, or NO_SAMPLE. starts: int32[N + 1]. slots: int32, 4 x
    the word's number + its slot; those of one word stand together. texts: how many. Sums over a segment fit its integers.
    """

    window_us: NDArray[np.int64]
    unit: NDArray[np.int64]
    group: NDArray[np.int32]
    counts: Ints
    hashes: NDArray[np.uint64]
    starts: NDArray[np.int32]
    slots: NDArray[np.int32]
    texts: Ints

    def __len__(self) -> int:
        return len(self.group)

    @property
    def size_bytes(self) -> int:
        """What its arrays take."""
        return sum(getattr(self, name).nbytes for name in self.__slots__)

    @property
    def living(self) -> int:
        """Rows that count."""
        return int(np.count_nonzero(self.group))

    def between(self, from_us: int, to_us: int) -> "Segment":
        """The rows whose window starts in [from_us, to_us); nothing is copied."""
        first, end = np.searchsorted(self.window_us, (from_us, max(from_us, to_us))).tolist()
        if (first, end) == (0, len(self)):
            return self
        rows, words = slice(first, end), slice(self.starts[first], self.starts[end])
        return Segment(
            self.window_us[rows], self.unit[rows], self.group[rows], self.counts[:, rows], self.hashes[rows],
            self.starts[first:end + 1] - self.starts[first], self.slots[words], self.texts[words])

    def take(self, rows: NDArray[np.int64]) -> "Segment":
        """These rows, in this order."""
        words = csr_array((self.texts, self.slots, self.starts), shape=(len(self), np.iinfo(np.int32).max))[rows]
        return Segment(
            self.window_us[rows], self.unit[rows], self.group[rows], self.counts[:, rows], self.hashes[rows],
            words.indptr.astype(np.int32, copy=False), words.indices.astype(np.int32, copy=False), words.data)

    def where(self, chosen: NDArray[np.bool_]) -> "Segment":
        """The chosen rows; itself when that is all of them."""
        return self if chosen.all() else self.take(np.flatnonzero(chosen))

    def without(self, units: NDArray[np.int64]) -> "Segment":
        """The same with the cells of these units dead; itself when it has none."""
        gone = np.isin(self.unit, units)
        return replace(self, group=np.where(gone, np.int32(DEAD), self.group)) if gone.any() else self


def spread(texts: Ints, columns: NDArray[np.int32], bounds: NDArray[Any], width: int) -> NDArray[np.int64]:
    """int64[len(bounds) - 1, width]: the texts of each column, added up between two bounds."""
    bounds = bounds.astype(np.int32, copy=False)
    return np.asarray(csr_array((texts, columns, bounds), shape=(len(bounds) - 1, width)).toarray(), np.int64)


def joined(segments: Sequence[Segment]) -> Segment:
    """The living rows of all of these in one."""
    parts = [one.where(one.group != DEAD) for one in segments]
    window_us = np.concatenate([one.window_us for one in parts])
    counts = np.concatenate([one.counts for one in parts], axis=1)
    ends = np.cumsum([0, *(len(one.slots) for one in parts)])
    starts = [one.starts[:-1] + end for one, end in zip(parts, ends[:-1], strict=True)]
    whole = Segment(
        window_us, np.concatenate([one.unit for one in parts]), np.concatenate([one.group for one in parts]),
        _fitting(counts, counts), np.concatenate([one.hashes for one in parts]), np.concatenate([*starts, ends[-1:]]).astype(np.int32),
        np.concatenate([one.slots for one in parts]), _fitting(np.concatenate([one.texts for one in parts]), counts))
    return whole.take(np.argsort(window_us, kind="stable"))


def tidied(segments: Sequence[Segment]) -> tuple[Segment, ...]:
    """The same rows in few segments: each at least twice as long as the next unless they would be too long together.

    A segment of which most rows are dead is written anew.
    """
    kept = [joined([one]) if 2 * one.living < len(one) else one for one in segments]
    kept = sorted((one for one in kept if len(one)), key=len, reverse=True)
    while len(kept) > 1 and len(kept[-2]) < 2 * len(kept[-1]) and len(kept[-2]) + len(kept[-1]) <= MOST_ROWS:
        kept = sorted([*kept[:-2], joined(kept[-2:])], key=len, reverse=True)
    return tuple(kept)


def _fitting(numbers: NDArray[Any], counts: NDArray[Any]) -> Ints:
    """As int32 where all records together fit; a word stands in no more texts than there are records."""
    fits = counts[0].sum(dtype=np.int64) < 1 << 31
    return numbers.astype(np.int32, copy=False) if fits else numbers.astype(np.int64, copy=False)


class Builder:
    """Puts cells together to a segment."""

    def __init__(self, groups: Codes[Group], words: Codes[str]) -> None:
        self._group, self._word = groups.__getitem__, words.__getitem__
        self._rows = array("q")                              # 8 numbers a cell
        self._hashes = array("Q")
        self._lengths = array("i"), array("i")               # a cell's terms and entities
        self._names = array("i"), array("i")
        self._texts = array("q"), array("q")

    def __len__(self) -> int:
        return len(self._hashes)

    def add(self, unit: int, window_us: int, group: Group, counts: Sequence[int], detail: str) -> None:
        """counts: records, negative, neutral, positive. Raises msgspec.DecodeError when the detail is not a cell's."""
        said = decode(detail)
        self._rows.extend((unit, window_us, self._group(group), *counts))
        self._hashes.append(min(said.samples)[0] if said.samples else NO_SAMPLE)
        names: tuple[Iterable[str], Iterable[str]] = said.terms, said.entities
        for kind, size in enumerate((len(said.terms), len(said.entities))):
            self._lengths[kind].append(size)
            self._names[kind].extend(map(self._word, names[kind]))
        self._texts[0].extend(chain.from_iterable(said.terms.values()))
        self._texts[1].extend(said.entities.values())

    def segment(self) -> Segment:
        """What was added."""
        rows = np.array(self._rows, np.int64).reshape(len(self), -1)
        terms, entities = (np.array(names, np.int32) * 4 for names in self._names)
        felt = np.array(self._texts[0], np.int64).reshape(-1, 3)
        place, feeling = np.nonzero(felt)
        held = np.array(self._texts[1], np.int64)
        slots = np.concatenate([terms[place] + feeling.astype(np.int32), entities + ENTITY])
        of_term, of_entity = (np.repeat(np.arange(len(self)), np.array(lengths, np.int32)) for lengths in self._lengths)
        row = np.concatenate([of_term[place], of_entity])
        order = np.argsort(row, kind="stable")
        starts = np.searchsorted(row[order], np.arange(len(self) + 1)).astype(np.int32)
        counts = np.ascontiguousarray(rows[:, 3:].T)
        return joined([Segment(
            rows[:, 1], rows[:, 0], rows[:, 2].astype(np.int32), counts, np.array(self._hashes, np.uint64), starts,
            slots[order].astype(np.int32), np.concatenate([felt[place, feeling], held])[order])])
