"""From the columns of a job to one answer for its page. Nothing here reads the store."""
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from insights.board.axis import Axis, axis_of
from insights.board.changes import changes, pace
from insights.board.columns import DEAD, Group, Segment, spread
from insights.board.load import Copy
from insights.board.samples import Candidate, candidates
from insights.board.types import Change, Feeling, Filters, Overview, Point, Slice
from insights.board.words import Sums, Totals, capped, feelings, holding, named, totals

FAR_US = 1 << 60         # a range that reaches further than 36,000 years is cut

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """Cells of one segment. share: float64[N], of the records of each that count."""

    cells: Segment
    share: NDArray[np.float64]

    def where(self, chosen: Mask) -> "_Part":
        return _Part(self.cells.where(chosen), self.share[chosen])


def answer(copy: Copy, filters: Filters) -> tuple[Overview, list[Candidate], Sums]:
    """The overview without its samples, the cells to take these from, and how all texts of the time feel by word."""
    from_us = copy.first_us if filters.from_us is None else max(-FAR_US, min(filters.from_us, FAR_US))
    to_us = copy.end_us if filters.to_us is None else max(-FAR_US, min(filters.to_us, FAR_US))
    known_us = FAR_US if copy.about.kind == "backfill" else copy.about.watermark_us
    axis, with_word = axis_of(from_us, to_us, copy.grain_us(from_us), known_us), bool(filters.entity or filters.term)
    parts = list(_parts(copy, filters, from_us, to_us))
    groups = _thirds(parts, axis, copy.places.shape[1])
    fitting = _fitting(copy, filters)
    chosen = [part.where(fitting[part.cells.group]) for part in parts]
    said = [capped(part.cells) if with_word else part.cells for part in chosen]
    words = totals(said, axis.recent_us, axis.known_us, copy.vocabulary)
    entities, terms = named(said, words, copy.words.names, axis.edges()[:-1], felt=not with_word)
    sources, products, langs = (
        _counted(copy, name, np.where(_fitting(copy, filters, without=name), groups[..., 0].sum(axis=0), 0))
        for name in ("source", "product", "lang"))
    groups = np.where(fitting[:, None], groups, 0)
    overview = Overview(
        axis.start_us, axis.end_us, axis.step_us, axis.known, axis.recent,
        Feeling(*groups.sum(axis=(0, 1)).tolist()), _points(chosen, axis),
        _topics(copy, groups.sum(axis=0)), entities, terms, _changes(copy, axis, groups[..., 0], words), sources, products, langs, [])
    looked_into = candidates(copy, [(part.cells, part.share) for part in chosen], with_word)
    ranges = (segment.between(from_us, to_us) for segment in copy.segments) if looked_into else ()
    living = [one.where(one.group != DEAD) for one in ranges]
    return overview, looked_into, feelings(living, copy.vocabulary)   # of all records: what is filtered may all feel the same


def _parts(copy: Copy, filters: Filters, from_us: int, to_us: int) -> Iterator[_Part]:
    """What counts of each segment, whatever its group."""
    wanted = [name for name in (filters.entity, filters.term) if name]
    entity, term = (copy.words.get(name) if name else None for name in (filters.entity, filters.term))
    if any(copy.words.get(name, copy.vocabulary) >= copy.vocabulary for name in wanted):
        return
    for segment in copy.segments:
        cells = segment.between(from_us, to_us)
        if len(cells) and wanted:
            yield _Part(*holding(cells, entity, term))
        elif len(cells):
            yield _Part(cells, np.ones(len(cells)))


def _thirds(parts: Sequence[_Part], axis: Axis, groups: int) -> Sums:
    """int64[3, groups, 4]: records and those of each sentiment, before the recent steps, in them, and after them."""
    sums = np.zeros((3, groups, 4), np.int64)
    for part in parts:
        bounds = np.array([0, *np.searchsorted(part.cells.window_us, (axis.recent_us, axis.known_us)), len(part.cells)])
        for column, counts in enumerate(part.cells.counts):
            sums[..., column] += spread(counts, part.cells.group, bounds, groups)
    return sums


def _fitting(copy: Copy, filters: Filters, without: str = "") -> Mask:
    """The groups that the filters let through."""
    fitting = np.ones(copy.places.shape[1], np.bool_)
    fitting[DEAD] = False
    for name, places, values in zip(Group._fields, copy.places, copy.values, strict=True):
        wanted = getattr(filters, name)
        if name != without and wanted is not None:
            fitting &= places == (values.index(wanted) if wanted in values else -1)
    return fitting


def _points(parts: Sequence[_Part], axis: Axis) -> list[Point]:
    starts = axis.edges()[:-1]
    sums = np.zeros((4, len(starts)), np.int64)
    for part in parts:
        steps = [*np.searchsorted(part.cells.window_us, starts), len(part.cells)]
        until = np.zeros((4, len(part.cells) + 1), np.int64)
        np.cumsum(part.cells.counts, axis=1, out=until[:, 1:])
        sums += np.diff(until[:, steps], axis=1)
    return [Point(start, Feeling(*counts)) for start, counts in zip(starts, sums.T.tolist(), strict=True)]


def _by(copy: Copy, dimension: str, records: Sums) -> Sums:
    """int64[..., values]: the records of each group, int64[..., groups], added up by the dimension."""
    place = Group._fields.index(dimension)
    sums = np.zeros((*records.shape[:-1], len(copy.values[place])), np.int64)
    for of_group, of_value in zip(records.reshape(-1, records.shape[-1]), sums.reshape(-1, sums.shape[-1]), strict=True):
        np.add.at(of_value, copy.places[place], of_group)
    return sums


def _counted(copy: Copy, dimension: str, records: Sums) -> dict[str, int]:
    """Value -> records, the largest first."""
    values = copy.values[Group._fields.index(dimension)]
    found = [(value, count) for value, count in zip(values, _by(copy, dimension, records).tolist(), strict=True) if count]
    return dict(sorted(found, key=lambda item: (-item[1], item[0])))


def _topics(copy: Copy, groups: Sums) -> list[Slice]:
    """groups: int64[groups, 4]."""
    place = Group._fields.index("topic")
    feelings = _by(copy, "topic", groups.T).T.tolist()
    slices = [
        Slice(topic, Feeling(*feelings[code]), _counted(copy, "source", np.where(copy.places[place] == code, groups[:, 0], 0)))
        for code, topic in enumerate(copy.values[place]) if feelings[code][0]]
    return sorted(slices, key=lambda one: (-one.all.records, one.topic))


def _changes(copy: Copy, axis: Axis, groups: Sums, words: Totals) -> list[Change]:
    """groups: int64[3, groups], records."""
    ratio = pace(axis, copy.first_us, copy.end_us)
    if ratio is None:
        return []
    of_groups = [
        (name, copy.values[Group._fields.index(name)], _by(copy, name, groups)) for name in ("topic", "product", "source")]
    return changes([*of_groups, ("entity", copy.words.names, words.entities), ("term", copy.words.names, words.terms)], ratio)
