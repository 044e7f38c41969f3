"""The series of a job's windows: what is counted of each, and what every window says of all of them."""
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

import msgspec
import numpy as np

from insights.alerts import baseline, detect
from insights.alerts.baseline import Floats
from insights.alerts.detect import Sensitivity, Signals, Windows
from insights.alerts.judge import Kind, Series, Signal
from insights.cells import Cell
from insights.queries import CellKey

ALL = Series()
Shapes = Callable[[Sequence[Series], int], Floats]   # (series, day since 1970) -> their shapes of the day, from the days before it


class Counts(msgspec.Struct):
    """One window: (records, negative ones) of all, of each source, product and topic; records that name an entity or hold a term."""

    window_us: int
    groups: dict[Series, tuple[int, int]] = {}
    entities: dict[str, int] = {}
    terms: dict[str, int] = {}

    def words(self, kind: Kind) -> dict[str, int]:
        """Those of Kind.ENTITY or Kind.TERM."""
        return self.entities if kind is Kind.ENTITY else self.terms

    @property
    def records(self) -> int:
        """All of them."""
        return self.groups.get(ALL, (0, 0))[0]


def count(rows: Iterable[tuple[CellKey, Cell]], from_us: int, to_us: int, size_us: int, most_empty: int) -> Iterator[Counts]:
    """Every window that starts in [from_us, to_us), from cells in the order of windows.

    The empty ones too, but of a longer gap the first most_empty only: from then on nothing is left to hold a window against.
    """
    def empty(begin_us: int, end_us: int) -> Iterator[Counts]:
        yield from (Counts(at_us) for at_us in range(begin_us, min(end_us, begin_us + most_empty * size_us), size_us))

    next_us = from_us
    for window_us, of_window in groupby(rows, lambda pair: pair[0].window_us):
        yield from empty(next_us, window_us)
        counts = Counts(window_us)
        for key, cell in of_window:
            for series in (ALL, Series("source", key.source), Series("product", key.product), Series("topic", key.topic)):
                records, negative = counts.groups.get(series, (0, 0))
                counts.groups[series] = records + cell.records, negative + cell.negative
            for entity, records in cell.entities.items():
                counts.entities[entity] = counts.entities.get(entity, 0) + records
            for term, of_term in cell.terms.items():
                counts.terms[term] = counts.terms.get(term, 0) + sum(of_term)
        yield counts
        next_us = window_us + size_us
    yield from empty(next_us, to_us)


def signals(
    history: Sequence[Counts], start: int, size_us: int, wanted: Sensitivity, shapes: Shapes,
) -> Iterator[tuple[int, list[Signal]]]:
    """(window, what it says) of successive windows from history[start] on; start is at least wanted.past."""
    past = _Past(history, start, size_us, wanted)
    said: dict[int, list[Signal]] = {counts.window_us: [] for counts in history[start:]}
    for family in (*_groups(past, shapes), *_words(past)):
        for t, window in family.judged:
            said[history[t].window_us] += family.signals(t, window)
    yield from said.items()


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
    history: Sequence[Counts]
    start: int
    size_us: int
    wanted: Sensitivity

    @property
    def windows(self) -> Windows:
        """For detect."""
        numbers = np.array([counts.window_us // self.size_us for counts in self.history], np.int64)
        return Windows(numbers, np.array([counts.records > 0 for counts in self.history], np.bool_), self.start, self.size_us)

    def table(self, names: Sequence[Series], of: Callable[[Counts, Series], int]) -> Floats:
        return np.array([[of(counts, name) for counts in self.history] for name in names], np.float64).reshape(
            len(names), len(self.history))

    def whole(self, rows: int) -> Floats:
        """All records of each window, as often as there are rows."""
        return np.broadcast_to(np.array([counts.records for counts in self.history], np.float64), (rows, len(self.history)))


def _groups(past: _Past, shapes: Shapes) -> Iterator[_Family]:
    """Volumes, moods and topics."""
    groups = sorted({series for counts in past.history for series in counts.groups})
    records = past.table(groups, lambda counts, series: counts.groups.get(series, (0, 0))[0])
    negative = past.table(groups, lambda counts, series: counts.groups.get(series, (0, 0))[1])
    yield _Family({1: Kind.WORSE, -1: Kind.BETTER}, groups, detect.shares(negative, records, past.windows, past.wanted, both=True), records)
    topic = np.array([series.dimension == "topic" for series in groups], np.bool_)
    volumes = [series for series in groups if series.dimension != "topic"]
    season = _season(volumes, past, shapes)
    yield _Family({1: Kind.SPIKE, -1: Kind.SILENCE}, volumes, detect.volumes(records[~topic], season, past.windows, past.wanted))
    topics = [series for series in groups if series.dimension == "topic"]
    whole = past.whole(len(topics))
    yield _Family({1: Kind.TOPIC}, topics, detect.shares(records[topic], whole, past.windows, past.wanted, both=False), whole)


def _words(past: _Past) -> Iterator[_Family]:
    """Entities and terms; only those that are frequent enough somewhere."""
    for kind in (Kind.ENTITY, Kind.TERM):
        pairs = [(before.words(kind), counts.words(kind)) for before, counts in pairwise(past.history)]
        frequent = {
            name for before, counts in pairs[max(past.start - 1, 0):] for name, records in counts.items()
            if records + before.get(name, 0) >= past.wanted.records}
        names = [Series(str(kind), name) for name in sorted(frequent)]
        parts = np.array([[counts.words(kind).get(series.value, 0) for counts in past.history] for series in names], np.float64)
        distinct = np.array([0, *(len(before.keys() | counts.keys()) for before, counts in pairs)], np.int64)
        whole = past.whole(len(names))
        judged = detect.shares(parts.reshape(whole.shape), whole, past.windows, past.wanted, both=False, distinct=distinct)
        yield _Family({1: kind}, names, judged, whole)


def _season(names: Sequence[Series], past: _Past, shapes: Shapes) -> Floats:
    """Each window's place in the shape that its series had on the days before."""
    parts = []
    for day, of_day in groupby([counts.window_us for counts in past.history], lambda start_us: start_us // baseline.DAY_US):
        parts.append(baseline.season(shapes(names, day), np.array(list(of_day), np.int64), past.size_us))
    return np.concatenate(parts, axis=1)


def flat(names: Sequence[Series], day: int) -> Floats:
    """The shape of a day of which nothing is known."""
    return np.ones((len(names), baseline.BINS))
