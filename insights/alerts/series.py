"""The series of a job's windows: what is counted of each, and what every window says of all of them."""
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from insights.alerts import baseline, detect
from insights.alerts.baseline import Floats
from insights.alerts.detect import Sensitivity, Signals, Windows
from insights.alerts.judge import ALL, WORDS, Kind, Series, Signal
from insights.alerts.words import NONE, Vocabulary, Words, of, together
from insights.cells import Cell
from insights.queries import CellKey

Shapes = Callable[[Sequence[Series], int], Floats]   # (series, day since 1970) -> their shapes of the day, from the days before it


@dataclass(slots=True)
class Counts:
    """One window: its records; by source, product and topic records and negative ones; records that name an entity or hold a term."""

    window_us: int
    records: int = 0
    groups: Words = NONE
    negative: Words = NONE
    entities: Words = NONE
    terms: Words = NONE

    def words(self, kind: Kind) -> Words:
        """Those of Kind.ENTITY or Kind.TERM."""
        return self.entities if kind is Kind.ENTITY else self.terms


class Names:
    """The numbers of series, and of words."""

    def __init__(self) -> None:
        self.groups: Vocabulary[Series] = Vocabulary()
        self.words: Vocabulary[str] = Vocabulary()

    @property
    def remembered(self) -> int:
        """How many there are."""
        return len(self.groups.names) + len(self.words.names)


def count(
    rows: Iterable[tuple[CellKey, Cell]], from_us: int, to_us: int, size_us: int, most_empty: int, names: Names,
) -> Iterator[Counts]:
    """Every window that starts in [from_us, to_us), from cells in the order of windows.

    The empty ones too, but of a longer gap the first most_empty only: from then on nothing is left to hold a window against.
    """
    for window_us, of_window in every_window(rows, from_us, to_us, size_us, most_empty):
        records, negative, entities, terms = Counter[Series](), Counter[Series](), Counter[str](), Counter[str]()
        for key, cell in of_window:
            for series in (ALL, Series("source", key.source), Series("product", key.product), Series("topic", key.topic)):
                records[series] += cell.records
                negative[series] += cell.negative
            entities.update(cell.entities)
            terms.update({term: sum(of_term) for term, of_term in cell.terms.items()})
        yield Counts(window_us, records[ALL], names.groups.pack(records), names.groups.pack(negative), names.words.pack(entities),
                     names.words.pack(terms))


def every_window(
    rows: Iterable[tuple[CellKey, Cell]], from_us: int, to_us: int, size_us: int, most_empty: int,
) -> Iterator[tuple[int, Iterable[tuple[CellKey, Cell]]]]:
    """(window, its cells) of those that start in [from_us, to_us), the empty ones too, but of a longer gap the first most_empty only."""
    def empty(begin_us: int, end_us: int) -> Iterator[tuple[int, Iterable[tuple[CellKey, Cell]]]]:
        yield from ((at_us, ()) for at_us in range(begin_us, min(end_us, begin_us + most_empty * size_us), size_us))

    next_us = from_us
    for window_us, of_window in groupby(rows, lambda pair: pair[0].window_us):
        yield from empty(next_us, window_us)
        yield window_us, of_window
        next_us = window_us + size_us
    yield from empty(next_us, to_us)


def signals(
    history: Sequence[Counts], start: int, size_us: int, wanted: Sensitivity, shapes: Shapes, names: Names,
) -> Iterator[tuple[int, list[Signal]]]:
    """(window, what it says) of successive windows from history[start] on; start is at least wanted.past."""
    past = _past(history, start, size_us, wanted, names)
    said: dict[int, list[Signal]] = {counts.window_us: [] for counts in history[start:]}
    for family in (*_groups(past, shapes), *_words(past)):
        for t, window in family.judged:
            said[history[t].window_us] += family.signals(t, window)
    yield from said.items()


def _past(history: Sequence[Counts], start: int, size_us: int, wanted: Sensitivity, names: Names) -> "_Past":
    numbers = np.array([counts.window_us // size_us for counts in history], np.int64)
    whole = np.array([counts.records for counts in history], np.float64)
    return _Past(history, whole, Windows(numbers, whole > 0, start, size_us), wanted, names)


@dataclass(frozen=True, slots=True)
class _Family:
    """Series that are tested together. kinds: by direction. wholes: what the counts are shares of, if they are shares."""

    kinds: Mapping[int, Kind]
    names: Sequence[Series]
    judged: Iterator[tuple[int, Signals]]
    wholes: Floats | None = None

    def signals(self, t: int, said: Signals) -> Iterator[Signal]:
        for row in np.flatnonzero(said.told | said.weak).tolist():
            width, direction = int(said.width[row]), int(said.direction[row])
            if direction in self.kinds:
                whole = 0 if self.wholes is None else int(self.wholes[row, t - width + 1:t + 1].sum())
                yield Signal(
                    self.kinds[direction], self.names[row], bool(said.told[row]), width, int(said.observed[row]),
                    float(said.expected[row]), whole, float(said.p[row]), float(said.size[row]))


@dataclass(frozen=True, slots=True)
class _Past:
    """The windows, and how many records each has, float64[T]."""

    history: Sequence[Counts]
    records: Floats
    windows: Windows
    wanted: Sensitivity
    names: Names

    def frequent(self, columns: Sequence[Words]) -> tuple[NDArray[np.int32], list[NDArray[np.int32]]]:
        """(numbers of those that two neighbouring windows hold often enough to be told somewhere, all that stand in each window or the
        one before it).
        """
        distinct, often = [NONE.ids], set[int]()
        for t in range(1, len(columns)):
            both = together(columns[t - 1], columns[t])
            distinct.append(both.ids)
            often.update(both.ids[both.records >= self.wanted.records].tolist())
        return np.array(sorted(often), np.int32), distinct

    @staticmethod
    def table(columns: Sequence[Words], numbers: NDArray[np.int32]) -> Floats:
        """float64[len(numbers), T]."""
        return np.array([of(words, numbers) for words in columns], np.float64).reshape(len(columns), len(numbers)).T

    def whole(self, rows: int) -> Floats:
        """All records of each window, as often as there are rows."""
        return np.broadcast_to(self.records, (rows, len(self.records)))


def _groups(past: _Past, shapes: Shapes) -> Iterator[_Family]:
    """Volumes, moods and topics."""
    columns = [counts.groups for counts in past.history]
    numbers, distinct = past.frequent(columns)
    of_topic = np.array([series.dimension == "topic" for series in past.names.groups.names], np.bool_)
    everything, topics_in = (np.array([len(ids) for ids in distinct]), np.array([int(of_topic[ids].sum()) for ids in distinct]))
    groups = [past.names.groups.names[number] for number in numbers.tolist()]
    order = sorted(range(len(groups)), key=groups.__getitem__)
    numbers, groups = numbers[order], [groups[at] for at in order]
    records, negative = past.table(columns, numbers), past.table([counts.negative for counts in past.history], numbers)
    moods = detect.shares(negative, records, past.windows, past.wanted, both=True, distinct=everything)
    yield _Family({1: Kind.WORSE, -1: Kind.BETTER}, groups, moods, records)
    topic = of_topic[numbers]
    volumes = [series for series in groups if series.dimension != "topic"]
    season = _season(volumes, past, shapes)
    judged = detect.volumes(records[~topic], season, past.windows, past.wanted, distinct=everything - topics_in)
    yield _Family({1: Kind.SPIKE, -1: Kind.SILENCE}, volumes, judged)
    topics = [series for series in groups if series.dimension == "topic"]
    whole = past.whole(len(topics))
    risen = detect.shares(records[topic], whole, past.windows, past.wanted, both=False, distinct=topics_in)
    yield _Family({1: Kind.TOPIC}, topics, risen, whole)


def _words(past: _Past) -> Iterator[_Family]:
    """Entities and terms."""
    for kind in WORDS:
        columns = [counts.words(kind) for counts in past.history]
        numbers, distinct = past.frequent(columns)
        names = sorted(past.names.words.names[number] for number in numbers.tolist())
        parts = past.table(columns, past.names.words.numbers(names))
        whole = past.whole(len(names))
        judged = detect.shares(parts, whole, past.windows, past.wanted, both=False,
                               distinct=np.array([len(ids) for ids in distinct]))
        yield _Family({1: kind}, [Series(str(kind), name) for name in names], judged, whole)


def _season(names: Sequence[Series], past: _Past, shapes: Shapes) -> Floats:
    """Each window's place in the shape that its series had on the days before."""
    parts = []
    for day, of_day in groupby([counts.window_us for counts in past.history], lambda start_us: start_us // baseline.DAY_US):
        parts.append(baseline.season(shapes(names, day), np.array(list(of_day), np.int64), past.windows.size_us))
    return np.concatenate(parts, axis=1)
