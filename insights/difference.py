"""Two jobs cell by cell: a stream and its backfill must say the same, and where they do not, which cells and in what.

What may differ without being a difference is small and named: records that the stream calls late (a backfill has no
late ones) and the last digits of a score. Everything else is listed.
"""
import itertools
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from insights import sketch
from insights.cells import SCORE_SCALE, Cell
from insights.letters import counted
from insights.mending import replayed
from insights.queries import CellKey, JobRow, QueryError, WindowState, job_row, merged_cells
from insights.rollup import Marks
from insights.store import Store
from insights.tables import START_US, dead_letters
from schemas.records import Reason
from schemas.tagging import SENTIMENTS

SCORE_TOLERANCE = 2        # ten-thousandths for each record: a probability may differ in its last digits
CONFIDENCE_TOLERANCE = 50  # one record in so many may have crossed to the next bin for the same reason
Part = tuple[int, str, str]   # window, source, product


@dataclass(frozen=True, slots=True)
class CellDifference:
    """One figure that is not the same. key.lang and key.topic are empty where cells were compared without tags."""

    key: CellKey
    figure: str
    a: str
    b: str


@dataclass(frozen=True, slots=True)
class LatePart:
    """A window, source and product in which `missing` records stand on one side only, as late dead letters explain.

    lacks: "a" or "b", the side whose cells are without them.
    """

    window_us: int
    source: str
    product: str
    lacks: str
    missing: int


@dataclass(slots=True)
class Difference:
    """What a comparison found. equal: cells that are the same or differ by late records alone.

    since_us: windows that start before were dropped by one of the jobs; none where all were compared.
    not_closed: windows that may still change in one of the jobs, compared all the same. authors: whether these were compared, which needs
    the same key of pseudonyms. replayed_a, replayed_b: mended dead letters that count in one of the jobs, and that the other may lack.
    """

    job_a: str
    job_b: str
    since_us: int | None = None
    equal: int = 0
    late: list[LatePart] = field(default_factory=list)
    differing: list[CellDifference] = field(default_factory=list)
    not_closed: int = 0
    authors: bool = True
    replayed_a: int = 0
    replayed_b: int = 0

    @property
    def same(self) -> bool:
        """True when nothing differs but late records."""
        return not self.differing


@dataclass(slots=True)
class _LateIds:
    """Of one part: how many records a lacks (negative: b lacks) by its late letters, and the ids of these."""

    missing: int = 0
    ids: set[str] = field(default_factory=set)


def difference(store_a: Store, job_a: str, store_b: Store, job_b: str, *, tags: bool = True) -> Difference:
    """Compares job_a of one store with job_b of another (or the same), window by window; in hours or days, where one of them is merged
    into these. What one has dropped for its age is left out.

    Cells, merged over origins and epochs, are equal when records, sentiments, entities, terms, versions, authors and
    samples are the same; score sums may differ by 2 ten-thousandths for each record, and one record in 50 (at least
    one) may stand in the next bin of confidence. A cell that one side lacks is compared with the empty one.

    Where dead letters say late, the cells of that window, source and product are equal when the totals differ by
    exactly these records and each smaller cell is contained in the larger one. A letter names no language and no topic,
    so this cannot say that each late record would have stood in that very cell, only that nothing contradicts it. How
    many records the letters explain is counted by event id: a late copy of an event that counts is a duplicate on the
    other side and explains none. Where late letters explain nothing, or not exactly, every differing cell is listed.

    tags=False compares what a model cannot change: records, authors and samples of each window, source and product.
    Raises QueryError for an unknown job, or base windows of two lengths.
    """
    with store_a.snapshot() as db_a, store_b.snapshot() as db_b:
        about_a, about_b = job_row(db_a, job_a), job_row(db_b, job_b)
        if about_a.window_us != about_b.window_us:
            raise QueryError(
                f"windows of {about_a.window_us / 1e6:g} s ({job_a}) and {about_b.window_us / 1e6:g} s ({job_b}) "
                "cannot be compared: run the backfill with the stream's --window")
        marks = about_a.marks.together(about_b.marks)
        late = _late(db_a, about_a, db_b, about_b, marks)
        result = Difference(
            job_a, job_b, marks.dropped_us if marks.dropped_us > START_US else None, authors=about_a.pseudonyms == about_b.pseudonyms)
        result.replayed_a, result.replayed_b = replayed(db_a, about_a.job, about_a.run), replayed(db_b, about_b.job, about_b.run)
        for window_us, a, b in _side_by_side(merged_cells(db_a, about_a, marks), merged_cells(db_b, about_b, marks)):
            end_us = window_us + marks.span_of(window_us, about_a.window_us)
            result.not_closed += {about_a.state_of(end_us), about_b.state_of(end_us)} != {WindowState.CLOSED}
            grain = (lambda cells: cells) if tags else _without_tags
            for cell in () if result.authors else (*a.values(), *b.values()):
                cell.authors = ()
            _compare_window(grain(a), grain(b), late, result)
        return result


_Cells = dict[CellKey, Cell]
_Windows = Iterator[tuple[int, _Cells]]


def _side_by_side(a: _Windows, b: _Windows) -> Iterator[tuple[int, _Cells, _Cells]]:
    """Joins two streams of windows in the order of time."""
    left, right = next(a, None), next(b, None)
    while left is not None or right is not None:
        if right is None or (left is not None and left[0] < right[0]):
            assert left is not None
            yield left[0], left[1], {}
            left = next(a, None)
        elif left is None or right[0] < left[0]:
            yield right[0], {}, right[1]
            right = next(b, None)
        else:
            yield left[0], left[1], right[1]
            left, right = next(a, None), next(b, None)


def _without_tags(cells: _Cells) -> _Cells:
    """The cells merged over language and topic, with nothing in them that a model said."""
    whole: _Cells = {}
    for key, cell in cells.items():
        plain = Cell(records=cell.records, authors=cell.authors, samples=cell.samples)
        whole.setdefault(key._replace(lang="", topic=""), Cell.empty()).add(plain)
    return whole


def _late(db_a: sa.Connection, about_a: JobRow, db_b: sa.Connection, about_b: JobRow, marks: Marks) -> dict[Part, _LateIds]:
    """What late letters explain.

    Both sides read the same records. So of an event that is late on either side, a side that counts it once less has
    one letter more: late, duplicate, or model_error where the model fails on a text that the other side never showed it.
    """
    letters_a, letters_b = _letters(db_a, about_a), _letters(db_b, about_b)
    late = {letter[:4] for letter in (*letters_a, *letters_b) if letter[4] == Reason.LATE}
    explained: dict[Part, _LateIds] = {}
    for letters, sign in ((letters_a, 1), (letters_b, -1)):
        for letter, count in letters.items():
            if letter[:4] in late:
                entry = explained.setdefault((marks.span_start(letter[0], about_a.window_us), *letter[1:3]), _LateIds())
                entry.missing += sign * count
                entry.ids.add(letter[3])
    return explained


def _letters(db: sa.Connection, about: JobRow) -> Counter[tuple[int, str, str, str, str]]:
    """(window, source, product, event id, reason) -> late, duplicate and model_error letters of the current run that count nowhere."""
    columns = dead_letters.c
    what = (columns.window_us, columns.source, columns.product, columns.event_id, columns.reason)
    query = sa.select(*what, sa.func.count()).where(
        columns.job == about.job, columns.run == about.run, columns.window_us.is_not(None),
        columns.reason.in_([Reason.LATE, Reason.DUPLICATE, Reason.MODEL_ERROR]), ~counted).group_by(*what)
    return Counter({(row[0], row[1], row[2], row[3], row[4]): row[5] for row in db.execute(query)})


def _compare_window(a: _Cells, b: _Cells, late: Mapping[Part, _LateIds], result: Difference) -> None:
    keys = sorted(a.keys() | b.keys())
    for part, of_part in itertools.groupby(keys, lambda key: key[:3]):
        pairs = [(key, a.get(key, Cell.empty()), b.get(key, Cell.empty())) for key in of_part]
        window_us, source, product = part
        explained = late.get(part, _LateIds())
        if explained.missing and _explains(pairs, explained):
            side = "a" if explained.missing > 0 else "b"
            result.late.append(LatePart(window_us, source, product, side, abs(explained.missing)))
            result.equal += len(pairs)
            continue
        for key, left, right in pairs:
            found = list(_differences(key, left, right))
            result.differing += found
            result.equal += not found


def _differences(key: CellKey, a: Cell, b: Cell) -> Iterator[CellDifference]:
    for figure in ("records", "authors", "samples", *SENTIMENTS, "entities", "terms", "versions"):
        left, right = getattr(a, figure), getattr(b, figure)
        if left != right:
            yield CellDifference(key, figure, *_told(left, right))
    if abs(a.score_sum - b.score_sum) > SCORE_TOLERANCE * max(a.records, b.records):
        yield CellDifference(key, "score_sum", str(a.score_sum), str(b.score_sum))
    if a.records == b.records and _moved(a, b) > max(1, a.records // CONFIDENCE_TOLERANCE):
        yield CellDifference(key, "confidence", str(a.confidence), str(b.confidence))


def _told(a: object, b: object) -> tuple[str, str]:
    """Both values as short text: of a mapping the first three entries that differ, of a sketch its size."""
    if isinstance(a, dict) and isinstance(b, dict):
        differ = sorted(key for key in a.keys() | b.keys() if a.get(key) != b.get(key))[:3]
        return str({key: a.get(key) for key in differ}), str({key: b.get(key) for key in differ})
    if isinstance(a, tuple) and isinstance(b, tuple):
        only_a, only_b = [entry for entry in a if entry not in b], [entry for entry in b if entry not in a]
        return f"{len(a)}, of these only here {only_a[:3]}", f"{len(b)}, of these only here {only_b[:3]}"
    return str(a), str(b)


def _moved(a: Cell, b: Cell) -> int:
    """Records that must move by one bin to make the histograms the same (their earth mover's distance)."""
    return sum(abs(gap) for gap in itertools.accumulate(
        left - right for left, right in zip(a.confidence, b.confidence, strict=True)))


def _explains(pairs: list[tuple[CellKey, Cell, Cell]], explained: _LateIds) -> bool:
    """True when one side lacks exactly the late records, as far as cells can tell."""
    ordered = [(a, b) if explained.missing > 0 else (b, a) for _, a, b in pairs]
    missing = sum(large.records - small.records for small, large in ordered)
    contained = all(_contained(small, large, explained.ids) for small, large in ordered)
    return contained and missing == abs(explained.missing)


def _contained(small: Cell, large: Cell, ids: set[str]) -> bool:
    """True when small can be large without some records of these ids."""
    missing = large.records - small.records
    slack = SCORE_TOLERANCE * large.records
    return (
        missing >= 0
        and all(getattr(small, name) <= getattr(large, name) for name in SENTIMENTS)
        and -slack <= large.score_sum - small.score_sum <= SCORE_SCALE * missing + slack
        and _grown(small.entities, large.entities, missing)
        and _grown(small.versions, large.versions, missing)
        and _grown(_by_sentiment(small), _by_sentiment(large), missing)
        and sketch.merge(small.authors, large.authors) == large.authors
        and {sample for sample in large.samples if sample[1] not in ids} <= {*small.samples})


def _grown(small: Mapping[Any, int], large: Mapping[Any, int], most: int) -> bool:
    """True when no count falls and none grows by more than so many records."""
    return all(0 <= large.get(key, 0) - small.get(key, 0) <= most for key in small.keys() | large.keys())


def _by_sentiment(cell: Cell) -> dict[tuple[str, int], int]:
    return {(term, place): count for term, counts in cell.terms.items() for place, count in enumerate(counts)}
