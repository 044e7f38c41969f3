"""The conservation law, checked with SQL on one snapshot of a store: nothing is lost, nothing counted twice.

For every job, run and origin, of what was handed on when its progress was last saved:

    records read = records in units of closed windows + dead letters + records in windows still open

Hours and days hold the records of the windows that were merged into them; what was dropped for its age counts as it did before.
A unit that a gap froze (its epoch is older than the origin's) counts as closed. A gap's own letter is no record: it
says what could not be read. A backfill counts once it is finished: then all its windows are closed. A run that is not
its job's current one is left out.

A dead letter that was mended and replayed stays a dead letter here, for that is what a restart must find; the units in which it counts
(epochs below 0) are left out of this law and have one of their own: they hold as many records as were replayed.
"""
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from insights.letters import State, counted, of_letter
from insights.rollup import DAY_US, HOUR_US
from insights.store import Store
from insights.tables import START_US, cells, dead_letters, dropped, jobs, outcomes, progress, retention, units
from schemas.records import Reason

Place = tuple[str, int, str]   # job, run, origin


@dataclass(frozen=True, slots=True)
class Finding:
    """One broken law. law names it; where says the window, unit or offset, if the law is finer than an origin."""

    law: str
    job: str
    run: int
    origin: str
    where: str
    expected: int
    found: int

    def __str__(self) -> str:
        at = f"{self.origin} {self.where}".strip()
        return f"{self.job} (run {self.run}) {at}: {self.law}: expected {self.expected}, found {self.found}"


@dataclass(slots=True)
class Totals:
    """The books of one job: read = in_cells + dropped + the dead letters but gaps + open, unless there is a finding.

    replayed: of the dead letters those that count by now, in cells of their own.
    retagged: records with a model_error letter in a window not closed (stream only). When the letter is newer than the
    saved progress, the record is still among the open ones too; the next save sets that right, half a second later.
    """

    job: str
    run: int
    read: int = 0
    in_cells: int = 0
    dropped: int = 0
    open: int = 0
    dead: dict[str, int] = field(default_factory=dict)
    retagged: int = 0
    replayed: int = 0


@dataclass(slots=True)
class Audit:
    """What verify found, and the totals of each job, of one snapshot."""

    totals: list[Totals]
    findings: list[Finding]


def verify(store: Store, job: str | None = None) -> list[Finding]:
    """The broken laws of one job or all; empty when the store is sound."""
    return audit(store, job).findings


def audit(store: Store, job: str | None = None) -> Audit:
    """The findings with the totals, of one snapshot: a job may be running meanwhile.

    The laws: the conservation law of every origin; a unit's cells add up to the unit; a cell's sentiments add up to the
    cell; no cell without its unit; a window is merged once, so that no two overlap; reasons are of the closed set; no
    record has two dead letters; replayed letters are counted once each; what is dealt with was a dead letter.
    """
    with store.snapshot() as db:
        books = _books(db, job)
        findings = [finding for place, book in sorted(books.items()) if (finding := _imbalance(place, book))]
        findings += [*_uneven_units(db, job), *_uneven_cells(db, job), *_orphans(db), *_wrong_spans(db, job)]
        findings += [*_unknown_reasons(db, job), *_twice_dead(db, job), *_miscounted_replays(db, job), *_outcomes_of_nothing(db, job)]
    totals: dict[tuple[str, int], Totals] = {}
    for (name, run, _origin), book in sorted(books.items()):
        _add(totals.setdefault((name, run), Totals(name, run)), book)
    return Audit(list(totals.values()), findings)


def _books(db: sa.Connection, job: str | None) -> dict[Place, Totals]:
    """The books of every origin of the runs that are read."""
    books: dict[Place, Totals] = {}

    def book(row: Any) -> Totals:
        return books.setdefault((row.job, row.run, row.origin), Totals(row.job, row.run))

    for row in db.execute(_read(job)):
        book(row).read, book(row).open = row.read_records, row.open_records
    for row in db.execute(_inside(job)):
        book(row).in_cells = int(row.records)
    for row in db.execute(sa.select(dropped).where(*_readable(dropped, job))):
        book(row).dropped = row.records
    for row in db.execute(_outside(job)):
        book(row).dead[row.reason] = row.letters
        book(row).replayed += int(row.replayed)
        if row.reason == Reason.MODEL_ERROR:
            book(row).retagged = int(row.unsettled)
    return books


def _imbalance(place: Place, book: Totals) -> Finding | None:
    job, run, origin = place
    dead = sum(letters for reason, letters in book.dead.items() if reason != Reason.GAP)
    found = book.in_cells + book.dropped + dead + book.open
    if book.read <= found <= book.read + book.retagged:
        return None
    return Finding("records read = in cells + dead letters + open", job, run, origin, "", book.read, found)


def _add(total: Totals, book: Totals) -> None:
    total.read += book.read
    total.in_cells += book.in_cells
    total.dropped += book.dropped
    total.open += book.open
    total.retagged += book.retagged
    total.replayed += book.replayed
    for reason, letters in book.dead.items():
        total.dead[reason] = total.dead.get(reason, 0) + letters


def _readable(table: sa.Table, job: str | None) -> list[sa.ColumnElement[bool]]:
    """Streams, and the current run of a backfill."""
    wanted = [table.c.job == jobs.c.job, sa.or_(jobs.c.kind == "stream", table.c.run == jobs.c.current_run)]
    return wanted if job is None else [*wanted, table.c.job == job]


def _of_origin(table: sa.Table) -> sa.ColumnElement[bool]:
    return sa.and_(
        progress.c.job == table.c.job, progress.c.run == table.c.run, progress.c.origin == table.c.origin)


def _read(job: str | None) -> sa.Select[Any]:
    columns = progress.c
    return sa.select(columns.job, columns.run, columns.origin, columns.read_records, columns.open_records).where(
        *_readable(progress, job))


def _inside(job: str | None) -> sa.Select[Any]:
    place = (units.c.job, units.c.run, units.c.origin)
    closed = sa.or_(
        units.c.window_us + jobs.c.window_us <= jobs.c.closed_us,
        units.c.epoch < sa.func.coalesce(progress.c.epoch, 0))
    return (
        sa.select(*place, sa.func.sum(units.c.records).label("records"))
        .select_from(units.join(jobs, units.c.job == jobs.c.job).outerjoin(progress, _of_origin(units)))
        .where(closed, units.c.epoch >= 0, *_readable(units, job)).group_by(*place))


def _outside(job: str | None) -> sa.Select[Any]:
    """Dead letters below the frontier; unsettled: of windows that are not closed."""
    letters = dead_letters.c
    place = (letters.job, letters.run, letters.origin, letters.reason)
    not_closed = sa.and_(jobs.c.kind == "stream", letters.window_us + jobs.c.window_us > jobs.c.closed_us)
    return (
        sa.select(
            *place, sa.func.count().label("letters"), sa.func.sum(sa.case((not_closed, 1), else_=0)).label("unsettled"),
            sa.func.sum(sa.case((counted, 1), else_=0)).label("replayed"))
        .select_from(dead_letters.join(jobs, letters.job == jobs.c.job).join(progress, _of_origin(dead_letters)))
        .where(
            sa.or_(letters.offset < progress.c.frontier, letters.reason == Reason.GAP), *_readable(dead_letters, job))
        .group_by(*place))


def _named(column: sa.ColumnElement[str], job: str | None) -> list[sa.ColumnElement[bool]]:
    return [] if job is None else [column == job]


def _uneven_units(db: sa.Connection, job: str | None) -> Iterator[Finding]:
    held = sa.func.coalesce(sa.func.sum(cells.c.records), 0)
    query = (
        sa.select(units, held.label("held")).outerjoin(cells, cells.c.unit == units.c.id)
        .where(*_named(units.c.job, job)).group_by(units.c.id).having(held != units.c.records))
    for row in db.execute(query):
        yield Finding("a unit's cells add up", row.job, row.run, row.origin, _unit(row), row.records, int(row.held))


def _uneven_cells(db: sa.Connection, job: str | None) -> Iterator[Finding]:
    felt = cells.c.negative + cells.c.neutral + cells.c.positive
    query = (
        sa.select(units, cells.c.lang, cells.c.topic, cells.c.records.label("counted"), felt.label("felt"))
        .join(cells, cells.c.unit == units.c.id).where(felt != cells.c.records, *_named(units.c.job, job)))
    for row in db.execute(query):
        where = f"{_unit(row)} {row.lang}/{row.topic}"
        yield Finding("a cell's sentiments add up", row.job, row.run, row.origin, where, row.counted, row.felt)


def _orphans(db: sa.Connection) -> Iterator[Finding]:
    query = (
        sa.select(sa.func.count()).select_from(cells.outerjoin(units, cells.c.unit == units.c.id))
        .where(units.c.id.is_(None)))
    count = db.scalar(query) or 0
    if count:
        yield Finding("every cell has its unit", "", 0, "", "table cells", 0, count)


def _wrong_spans(db: sa.Connection, job: str | None) -> Iterator[Finding]:
    marks = retention.c
    wanted = sa.case(
        (units.c.window_us < marks.dropped_us, -1), (units.c.window_us < marks.days_us, DAY_US),
        (units.c.window_us < marks.merged_us, HOUR_US), else_=0)
    of_run = sa.and_(marks.job == units.c.job, marks.run == units.c.run)
    query = sa.select(units, wanted.label("wanted")).outerjoin(retention, of_run).where(
        units.c.span_us != wanted, *_named(units.c.job, job))
    for row in db.execute(query):
        yield Finding("a window is merged once", row.job, row.run, row.origin, _unit(row), row.wanted, row.span_us)


def _unknown_reasons(db: sa.Connection, job: str | None) -> Iterator[Finding]:
    letters = dead_letters.c
    place = (letters.job, letters.run, letters.origin, letters.reason)
    query = (
        sa.select(*place, sa.func.count().label("rows"))
        .where(letters.reason.not_in([reason.value for reason in Reason]), *_named(letters.job, job)).group_by(*place))
    for row in db.execute(query):
        where = f"reason {row.reason!r}"
        yield Finding("reasons are of the closed set", row.job, row.run, row.origin, where, 0, row.rows)


def _twice_dead(db: sa.Connection, job: str | None) -> Iterator[Finding]:
    letters = dead_letters.c
    place = (letters.job, letters.run, letters.origin, letters.offset)
    query = (
        sa.select(*place, sa.func.count().label("rows")).where(letters.reason != Reason.GAP, *_named(letters.job, job))
        .group_by(*place).having(sa.func.count() > 1))
    for row in db.execute(query):
        yield Finding("a record dies once", row.job, row.run, row.origin, f"offset {row.offset}", 1, row.rows)


def _miscounted_replays(db: sa.Connection, job: str | None) -> Iterator[Finding]:
    """Per origin, without what was dropped for its age."""
    def total(table: sa.Table, number: sa.ColumnElement[int], *where: sa.ColumnElement[bool]) -> dict[Place, int]:
        place = (table.c.job, table.c.run, table.c.origin)
        marks = sa.and_(retention.c.job == table.c.job, retention.c.run == table.c.run)
        query = sa.select(*place, number.label("records")).outerjoin(retention, marks).where(
            *where, table.c.window_us >= sa.func.coalesce(retention.c.dropped_us, START_US), *_named(table.c.job, job)).group_by(*place)
        return {(row.job, row.run, row.origin): int(row.records) for row in db.execute(query)}

    held = total(units, sa.func.sum(units.c.records), units.c.epoch < 0)
    replayed = total(outcomes, sa.func.count(), outcomes.c.outcome == State.REPLAYED)
    for place in sorted(held.keys() | replayed.keys()):
        if held.get(place, 0) != replayed.get(place, 0):
            name, run, origin = place
            yield Finding("replayed letters are counted once", name, run, origin, "", replayed.get(place, 0), held.get(place, 0))


def _outcomes_of_nothing(db: sa.Connection, job: str | None) -> Iterator[Finding]:
    query = sa.select(outcomes).outerjoin(
        dead_letters, sa.and_(of_letter(outcomes), dead_letters.c.reason != Reason.GAP)).where(
        dead_letters.c.job.is_(None), *_named(outcomes.c.job, job))
    for row in db.execute(query):
        yield Finding("what is dealt with was a dead letter", row.job, row.run, row.origin, f"offset {row.offset}", 1, 0)


def _unit(row: Any) -> str:
    return f"window {row.window_us} {row.source}/{row.product} epoch {row.epoch}"
