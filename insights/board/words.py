"""What the words of chosen cells say: which are frequent, and how they run over the axis."""
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from insights.board.columns import ENTITY, Ints, Segment, spread
from insights.board.types import NAMED, Feeling, Named

Sums = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Totals:
    """Records of each entity and term, [3, words]: before the recent steps of the axis, in them, and after them."""

    entities: Sums
    terms: Sums


def totals(segments: Sequence[Segment], recent_us: int, known_us: int, words: int) -> Totals:
    """The totals of these cells; recent_us, known_us: where the recent steps start and end."""
    sums = np.zeros((3, words, 4), np.int64)
    for one in segments:
        parts = one.starts[[0, *np.searchsorted(one.window_us, (recent_us, known_us)), len(one)]]
        sums += spread(one.texts, one.slots, parts, 4 * words).reshape(sums.shape)
    return Totals(sums[..., ENTITY], sums[..., :ENTITY].sum(axis=2))


def feelings(segments: Sequence[Segment], words: int) -> Sums:
    """int64[words, 3]: the texts of each term by sentiment."""
    sums = np.zeros((words, 4), np.int64)
    for one in segments:
        sums += spread(one.texts, one.slots, one.starts[[0, len(one)]], 4 * words).reshape(sums.shape)
    return sums[:, :ENTITY]


def named(
    segments: Sequence[Segment], totals: Totals, names: Sequence[str], starts_us: Sequence[int], felt: bool,
) -> tuple[list[Named], list[Named]]:
    """The NAMED largest entities and terms. starts_us: of the axis' steps. felt: whether the cells know the feelings."""
    entities, terms = (largest(of.sum(axis=0), names) for of in (totals.entities, totals.terms))
    codes = [*entities, *terms]
    if not codes:
        return [], []
    place = {code: 4 * number for number, code in enumerate(dict.fromkeys(codes), 1)}   # the first four columns take the others
    column = np.zeros(4 * len(names), np.int32)
    for code, at in place.items():
        column[4 * code:4 * code + 4] = range(at, at + 4)
    sums = np.zeros((len(starts_us), 4 * len(place) + 4), np.int64)
    for one in segments:
        steps = one.starts[[*np.searchsorted(one.window_us, starts_us), len(one)]]
        sums += spread(one.texts, column[one.slots], steps, sums.shape[1])

    def entity(code: int) -> Named:
        trend = sums[:, place[code] + ENTITY]
        return Named(names[code], Feeling(int(trend.sum())), trend.tolist())

    def term(code: int) -> Named:
        feelings = sums[:, place[code]:place[code] + ENTITY]
        whole = feelings.sum(axis=0).tolist()
        return Named(names[code], Feeling(sum(whole), *(whole if felt else ())), feelings.sum(axis=1).tolist())

    return [entity(code) for code in entities], [term(code) for code in terms]


def largest(records: Sums, names: Sequence[str]) -> list[int]:
    """The NAMED words of most records; equal ones by name."""
    least = max(1, np.partition(records, -NAMED)[-NAMED]) if len(records) > NAMED else 1
    return sorted(np.flatnonzero(records >= least).tolist(), key=lambda code: (-records[code], names[code]))[:NAMED]


def holding(segment: Segment, entity: int | None, term: int | None) -> tuple[Segment, NDArray[np.float64]]:
    """The cells that hold the word, with the counts of the records in them that do; and what share of each these are.

    Of both words: at most so many. Records that name an entity have no feelings.
    """
    counts = np.zeros((2, *segment.counts.shape), segment.counts.dtype)
    if term is not None:
        rows, slots, texts = _found(segment, term, first=0, end=ENTITY)
        counts[0, 1 + slots, rows] = texts
        counts[0, 0] = counts[0, 1:].sum(axis=0)
    if entity is not None:
        rows, _, texts = _found(segment, entity, first=ENTITY, end=ENTITY + 1)
        counts[1, 0, rows] = texts
    if entity is not None and term is not None:
        counts[1, 0] = np.minimum(counts[0, 0], counts[1, 0])
    weights = counts[0 if entity is None else 1]
    rows = np.flatnonzero(weights[0])
    found = segment.take(rows)
    return replace(found, counts=weights[:, rows]), weights[0, rows] / np.maximum(found.counts[0], 1)


def _found(segment: Segment, word: int, first: int, end: int) -> tuple[NDArray[np.int64], NDArray[np.int32], Ints]:
    """(row, slot, texts) of the word's slots in [first, end)."""
    places = np.flatnonzero((segment.slots >= 4 * word + first) & (segment.slots < 4 * word + end))
    rows = np.asarray(np.searchsorted(segment.starts, places, side="right") - 1, np.int64)
    return rows, segment.slots[places] & np.int32(3), segment.texts[places]


def capped(segment: Segment) -> Segment:
    """The same with no word in more records than its cell counts; terms have all their texts in one slot."""
    if not len(segment.slots):
        return segment
    slots = np.where((segment.slots & 3) == ENTITY, segment.slots, segment.slots & ~np.int32(3))
    is_first = np.diff(slots, prepend=-1) != 0
    is_first[segment.starts[:-1][np.diff(segment.starts) > 0]] = True
    first = np.flatnonzero(is_first)
    starts = np.searchsorted(first, segment.starts).astype(np.int32)
    most = np.repeat(segment.counts[0], np.diff(starts))
    return replace(segment, starts=starts, slots=slots[first], texts=np.minimum(np.add.reduceat(segment.texts, first), most))
