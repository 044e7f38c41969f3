"""The words of windows, by cell, in columns: what the rises of words are looked for in, and which words stand in the same cells."""
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from insights.alerts.baseline import Floats
from insights.alerts.series import every_window
from insights.alerts.words import NONE, Vocabulary, Words, of
from insights.cells import Cell
from insights.queries import CellKey

GROUP_BITS = 24
TERM, ENTITY = "term", "entity"

Codes = NDArray[np.int64]


@dataclass(slots=True)
class Names:
    """The numbers of words ("term<TAB>flight", "entity<TAB>location<TAB>paris") and of groups of cells (source, product, lang, topic)."""

    words: Vocabulary[str] = field(default_factory=Vocabulary)
    groups: Vocabulary[str] = field(default_factory=Vocabulary)

    @property
    def remembered(self) -> int:
        """How many there are."""
        return len(self.groups.names) + len(self.words.names)


@dataclass(frozen=True, slots=True)
class Window:
    """One window. records: of all cells. words: in how many of them each word stands. groups: how many are in each group of cells.

    codes int64[N], rising: word << GROUP_BITS | group; counts int64[N]: in how many records of that group the word stands.
    """

    window_us: int
    records: int
    words: Words
    groups: Words
    codes: Codes
    counts: NDArray[np.int64]


def windows(
    rows: Iterable[tuple[CellKey, Cell]], from_us: int, to_us: int, size_us: int, most_empty: int, names: Names,
) -> Iterator[Window]:
    """Every window that starts in [from_us, to_us), from cells in the order of windows; of a longer gap the first most_empty only."""
    for window_us, of_window in every_window(rows, from_us, to_us, size_us, most_empty):
        records = Counter[str]()
        by_group: dict[str, Counter[str]] = {}
        for key, cell in of_window:
            group = "\0".join((key.source, key.product, key.lang, key.topic))
            records[group] += cell.records
            words = by_group.setdefault(group, Counter())
            words.update({f"{TERM}\t{term}": sum(counts) for term, counts in cell.terms.items()})
            words.update({f"{ENTITY}\t{entity}": count for entity, count in cell.entities.items()})
        yield _window(window_us, records, by_group, names)


def _window(window_us: int, records: Counter[str], by_group: dict[str, Counter[str]], names: Names) -> Window:
    if not by_group:
        return Window(window_us, 0, NONE, NONE, np.zeros(0, np.int64), np.zeros(0, np.int64))
    groups = names.groups.pack(records)
    assert groups.ids[-1] < 1 << GROUP_BITS
    parts = [(names.words.pack(words), number) for words, number in zip(
        by_group.values(), names.groups.numbers(by_group).tolist(), strict=True)]
    codes = np.concatenate([words.ids.astype(np.int64) << GROUP_BITS | number for words, number in parts])
    counts = np.concatenate([words.records for words, _ in parts]).astype(np.int64)
    order = np.argsort(codes)
    ids, place = np.unique(codes >> GROUP_BITS, return_inverse=True)
    whole = Words(ids.astype(np.int32), np.bincount(place, counts, len(ids)).astype(np.int32))
    return Window(window_us, records.total(), whole, groups, codes[order], counts[order])


def profiles(history: Sequence[Window], ids: NDArray[np.int32], names: Names) -> tuple[Floats, Floats]:
    """(records that hold each of these words, by group and window, float64[words, groups, windows]; all records, float64[groups, windows]).

    Only groups are there in which one of the words stands, in the order of their names: sums do not hang on who was numbered first.
    """
    found = []
    for at, window in enumerate(history):
        low = np.searchsorted(window.codes, ids.astype(np.int64) << GROUP_BITS)
        high = np.searchsorted(window.codes, (ids.astype(np.int64) + 1) << GROUP_BITS)
        sizes = high - low
        word = np.repeat(np.arange(len(ids)), sizes)
        row = np.arange(len(word)) - np.repeat(np.cumsum(sizes) - sizes, sizes) + np.repeat(low, sizes)
        found.append(np.stack([word, window.codes[row] & (1 << GROUP_BITS) - 1, np.full(len(word), at), window.counts[row]]))
    word, group, at_window, counts = np.concatenate(found, axis=1)
    numbers, place = np.unique(group, return_inverse=True)
    order = sorted(range(len(numbers)), key=lambda at: names.groups.names[numbers[at]])
    groups, place = numbers[order].astype(np.int32), np.argsort(order)[place]
    made = np.zeros((len(ids), len(groups), len(history)))
    made[word, place, at_window] = counts
    return made, np.array([of(window.groups, groups) for window in history], np.float64).T
