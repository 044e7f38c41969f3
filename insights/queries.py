"""The read model: what a store says of its windows. One grain is stored, every other is a merge of cells."""
import datetime as dt
import enum
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import nsmallest
from itertools import groupby
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa

from insights.cells import Cell, Counts, Sample
from insights.rollup import NEVER, Marks
from insights.store import Store
from insights.tables import cells, forgotten, jobs, retention, units
from schemas.records import time_of

DIMENSIONS = ("source", "product", "lang", "topic")
ROWS_AT_ONCE = 500


class QueryError(Exception):
    """A question that the store cannot answer: says which part of it, and what would do."""


class WindowState(enum.StrEnum):
    """live: the watermark has not passed its end; complete: it has, late records may come; closed: nothing changes."""

    LIVE = "live"
    COMPLETE = "complete"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class JobRow:
    """A job, as it stood in one snapshot. Times are microseconds since 1970."""

    job: str
    kind: str
    window_us: int
    lateness_us: int
    closed_us: int
    watermark_us: int
    run: int
    marks: Marks = NEVER
    pseudonyms: str = ""

    def state_of(self, end_us: int) -> WindowState:
        """The state of whatever ends then."""
        if end_us <= self.closed_us:
            return WindowState.CLOSED
        return WindowState.COMPLETE if end_us <= self.watermark_us else WindowState.LIVE


class CellKey(NamedTuple):
    """What names a cell in a job, over all origins. span_us: of the hour or the day, where windows were merged; 0: a base window."""

    window_us: int
    source: str
    product: str
    lang: str
    topic: str
    span_us: int = 0


class Window(msgspec.Struct, kw_only=True):
    """One base window of a job, or the hour or day that it is merged into: how many texts, how they feel, when it last changed."""

    start: dt.datetime
    end: dt.datetime
    state: WindowState
    records: int
    negative: int
    neutral: int
    positive: int
    updated: dt.datetime


class Count(msgspec.Struct):
    """An entity and how many texts name it."""

    type: str
    text: str
    records: int


class Term(msgspec.Struct):
    """A term and how many texts of each sentiment hold it."""

    term: str
    records: int
    negative: int
    neutral: int
    positive: int


class Insight(msgspec.Struct, kw_only=True):
    """What the texts of one window and one group say together.

    group: the dimensions asked for, and their values. score: mean probability of the chosen sentiment. authors: exact
    below 256, else within about 6 %. confidence: texts in ten equal bins of that probability. samples: at most 3 events, drawn by hash.
    """

    start: dt.datetime
    end: dt.datetime
    state: WindowState
    group: dict[str, str]
    records: int
    negative: int
    neutral: int
    positive: int
    score: float
    authors: int
    entities: list[Count]
    terms: list[Term]
    confidence: list[int]
    samples: list[Sample]
    versions: dict[str, int]


def job_row(db: sa.Connection, job: str) -> JobRow:
    """The job's row. Raises QueryError when the store has no such job."""
    row = db.execute(sa.select(jobs).where(jobs.c.job == job)).one_or_none()
    if row is None:
        known = ", ".join(db.scalars(sa.select(jobs.c.job).order_by(jobs.c.job))) or "none"
        raise QueryError(f"--job {job}: the store has no such job; it has: {known}")
    marks = db.execute(sa.select(retention.c.merged_us, retention.c.days_us, retention.c.dropped_us).where(
        retention.c.job == job, retention.c.run == row.current_run)).one_or_none()
    return JobRow(
        row.job, row.kind, row.window_us, row.lateness_us, row.closed_us, row.watermark_us, row.current_run, Marks(*(marks or ())),
        row.pseudonyms)


def forgotten_authors(db: sa.Connection) -> int:
    """How many authors are forgotten by now: what was read before there was one more must not be written."""
    return db.scalar(sa.select(sa.func.count()).select_from(forgotten)) or 0


def of_run(table: sa.Table, about: JobRow) -> tuple[sa.ColumnElement[bool], ...]:
    """The rows of the job's current run."""
    return table.c.job == about.job, table.c.run == about.run


def windows(store: Store, job: str, last: int = 60) -> list[Window]:
    """The job's last windows that hold a record, oldest first. Raises QueryError."""
    number = [sa.func.sum(cells.c[name]).label(name) for name in ("records", "negative", "neutral", "positive")]
    with store.snapshot() as db:
        about = job_row(db, job)
        query = (
            sa.select(
                units.c.window_us, sa.func.max(units.c.span_us).label("span_us"), sa.func.max(units.c.updated_us).label("updated_us"),
                *number)
            .join(cells, cells.c.unit == units.c.id).where(*of_run(units, about))
            .group_by(units.c.window_us).order_by(units.c.window_us.desc()).limit(last))
        return [_window(about, row) for row in reversed(db.execute(query).all())]


def _window(about: JobRow, row: Any) -> Window:
    end_us = row.window_us + (row.span_us or about.window_us)
    return Window(
        start=time_of(row.window_us), end=time_of(end_us), state=about.state_of(end_us), records=int(row.records),
        negative=int(row.negative), neutral=int(row.neutral), positive=int(row.positive),
        updated=time_of(row.updated_us))


def insights(
    store: Store, job: str, *, from_us: int | None = None, to_us: int | None = None, size_us: int | None = None,
    by: Sequence[str] = (), top: int = 10, only: Mapping[str, str] | None = None,
) -> list[Insight]:
    """Insights per window of size_us and group, in the order of time, the largest group first.

    from_us, to_us: microseconds since 1970; widened to whole windows of size_us, so that none is cut; none means all.
    size_us: a multiple of the job's base window, which is the default; windows stand at multiples of it since 1970.
    by: any of source, product, lang, topic. only: dimension -> the value wanted. top: entities and terms to name.
    Of a time that is stored in hours or days an answer is as long as these, where size_us is shorter, and covers whole ones, where they
    do not fill it: start and end say so. The state of a window is that of its last base window. Raises QueryError.
    """
    with store.snapshot() as db:
        about = job_row(db, job)
        size = _checked_size(about, size_us)
        _check_dimensions([*by, *(only or {})])
        found: list[Insight] = []
        for span, groups in _in_windows(cell_rows(db, about, *about.marks.widened(from_us, to_us, size), only), about, size, by):
            if (from_us is None or span[1] > from_us) and (to_us is None or span[0] < to_us):
                ranked = sorted(groups.items(), key=lambda item: (-item[1].records, item[0]))
                found += [_insight(about, span, dict(zip(by, key, strict=True)), cell, top) for key, cell in ranked]
        return found


def cell_rows(
    db: sa.Connection, about: JobRow, from_us: int | None = None, to_us: int | None = None,
    only: Mapping[str, str] | None = None,
) -> Iterator[tuple[CellKey, Cell]]:
    """The stored cells of the job's current run whose window starts in [from_us, to_us), in the order of windows.

    A key comes once for every origin and epoch.
    """
    query = (
        sa.select(units.c.window_us, units.c.span_us, units.c.source, units.c.product, cells)
        .join(cells, cells.c.unit == units.c.id).where(*of_run(units, about))
        .order_by(units.c.window_us))
    if from_us is not None:
        query = query.where(units.c.window_us >= from_us)
    if to_us is not None:
        query = query.where(units.c.window_us < to_us)
    for name, value in (only or {}).items():
        query = query.where((units if name in units.c else cells).c[name] == value)
    for row in db.execution_options(yield_per=ROWS_AT_ONCE).execute(query).mappings():
        key = CellKey(row["window_us"], row["source"], row["product"], row["lang"], row["topic"], row["span_us"])
        yield key, Cell.from_row(dict(row))


def merged_cells(db: sa.Connection, about: JobRow, marks: Marks) -> Iterator[tuple[int, dict[CellKey, Cell]]]:
    """(window, its cells merged over origins and epochs), in the order of windows; in hours and days as far as marks say, which are those
    of the job or later ones, and without what they say is dropped."""
    rows = cell_rows(db, about, marks.dropped_us)
    for window_us, of_window in groupby(rows, lambda pair: marks.span_start(pair[0].window_us, about.window_us)):
        whole: dict[CellKey, Cell] = {}
        for key, cell in of_window:
            whole.setdefault(key._replace(window_us=window_us, span_us=0), Cell.empty()).add(cell)
        yield window_us, whole


def _in_windows(
    rows: Iterable[tuple[CellKey, Cell]], about: JobRow, size_us: int, by: Sequence[str],
) -> Iterator[tuple[tuple[int, int], dict[tuple[str, ...], Cell]]]:
    """((start, end), group -> its cells merged): windows of size_us; one that a coarser stored window leaves is widened to hold it."""
    span, groups = (0, 0), dict[tuple[str, ...], Cell]()
    for key, cell in rows:
        first = key.window_us // size_us * size_us
        end = -(-(key.window_us + (key.span_us or about.window_us)) // size_us) * size_us
        if groups and first >= span[1]:
            yield span, groups
            groups = {}
        span = (span[0], max(span[1], end)) if groups else (first, end)
        groups.setdefault(tuple([getattr(key, name) for name in by]), Cell.empty()).add(cell)
    if groups:
        yield span, groups


def _insight(about: JobRow, span: tuple[int, int], group: dict[str, str], cell: Cell, top: int) -> Insight:
    return Insight(
        start=time_of(span[0]), end=time_of(span[1]), state=about.state_of(span[1]), group=group,
        records=cell.records, negative=cell.negative, neutral=cell.neutral, positive=cell.positive,
        score=round(cell.mean_score, 4), authors=cell.authors_estimate, entities=top_entities(cell, top),
        terms=top_terms(cell, top), confidence=cell.confidence, samples=[sample for _, sample in cell.shown],
        versions=cell.versions)


def top_entities(cell: Cell, top: int) -> list[Count]:
    """The entities that most texts name; equal ones in the order of their names."""
    ranked = nsmallest(top, cell.entities.items(), key=lambda item: (-item[1], item[0]))
    split = [(*key.partition("\t"), records) for key, records in ranked]
    return [Count(kind, text, records) for kind, _, text, records in split]


def top_terms(cell: Cell, top: int) -> list[Term]:
    """The terms that most texts hold; equal ones in the order of the alphabet."""
    def rank(item: tuple[str, Counts]) -> tuple[int, str]:
        return -sum(item[1]), item[0]

    return [Term(term, sum(counts), *counts) for term, counts in nsmallest(top, cell.terms.items(), key=rank)]


def _checked_size(about: JobRow, size_us: int | None) -> int:
    size = about.window_us if size_us is None else size_us
    if size <= 0 or size % about.window_us:
        raise QueryError(
            f"--window {size / 1e6:g} s: job {about.job!r} keeps windows of {about.window_us / 1e6:g} s; "
            "ask for a multiple of that")
    return size


def _check_dimensions(names: Iterable[str]) -> None:
    for name in names:
        if name not in DIMENSIONS:
            raise QueryError(f"--by {name}: no such dimension; choose from {', '.join(DIMENSIONS)}")
