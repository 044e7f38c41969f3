"""Dead letters as work: which are meant, how they are to be mended, and the transactions that deal with them, each all or nothing.

A letter that is dealt with keeps its row: a process that starts again must find that its record was decided. What came of it stands
beside it, once (table outcomes), written in the transaction that counts it or gives it up.
"""
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import sqlalchemy as sa

from insights import statements
from insights.cells import Unit
from insights.letters import State, beside, of_letter, readable, state_of
from insights.queries import JobRow, job_row
from insights.store import Place, Store, StoreError, UnitKey
from insights.tables import cells, dead_letters, fixes, jobs, originals, outcomes, units
from schemas.records import Reason


class Selection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which letters of a job are meant; what is empty or None is not asked. from_us, to_us: when they were rejected, the end left out."""

    job: str = ""
    reason: str = ""
    origin: str = ""
    offset: int | None = None
    source: str = ""
    from_us: int | None = None
    to_us: int | None = None
    state: str = ""

    def where(self) -> list[sa.ColumnElement[bool]]:
        """The conditions on dead_letters."""
        columns = dead_letters.c
        equal = {"job": self.job, "reason": self.reason, "origin": self.origin, "source": self.source}
        found = [columns[name] == value for name, value in equal.items() if value]
        found += [columns.offset == self.offset] if self.offset is not None else []
        found += [columns.first_seen_us >= self.from_us] if self.from_us is not None else []
        found += [columns.first_seen_us < self.to_us] if self.to_us is not None else []
        return [*found, state_of == self.state] if self.state else found


class Letter(msgspec.Struct, frozen=True):
    """A dead letter that is to be mended. sealed: what it was, encrypted; None where that was not kept."""

    origin: str
    offset: int
    reason: Reason
    state: State
    sealed: bytes | None
    fix: str | None

    @property
    def done(self) -> bool:
        """True when it is dealt with: it counts, or is given up."""
        return self.state in (State.REPLAYED, State.DROPPED)

    @property
    def place(self) -> Place:
        """What names it in its job."""
        return self.origin, self.offset


@dataclass(frozen=True, slots=True)
class Counted:
    """A mended letter that is to count: the base window that it falls into, and its event's hashed id (unsigned)."""

    origin: str
    offset: int
    window_us: int
    event_key: int


class Dealt(Exception):
    """Some of the letters are dealt with, or gone, by now: nothing was written."""


def letters(db: sa.Connection, about: JobRow, chosen: Selection, after: Place | None = None, size: int = 500) -> list[Letter]:
    """The first letters behind that place, in the order of origins and offsets. A gap is none."""
    columns = dead_letters.c
    place = sa.tuple_(columns.origin, columns.offset)
    beyond = [] if after is None else [place > sa.tuple_(sa.literal(after[0], sa.Text), sa.literal(after[1], sa.BigInteger))]
    query = sa.select(
        columns.origin, columns.offset, columns.reason, state_of.label("state"),
        beside(originals.c.sealed, originals).label("sealed"), beside(fixes.c.fix, fixes).label("fix")).where(
        *_of(about, dead_letters), columns.reason != Reason.GAP, *chosen.where(), *beyond).order_by(columns.origin, columns.offset)
    return [Letter(row[0], row[1], Reason(row[2]), State(row[3]), *row[4:]) for row in db.execute(query.limit(size))]


def all_letters(store: Store, about: JobRow, chosen: Selection, size: int = 500) -> Iterator[list[Letter]]:
    """Batch after batch of them, each from a snapshot of its own."""
    after: Place | None = None
    while True:
        with store.snapshot() as db:
            batch = letters(db, about, chosen, after, size)
        if not batch:
            return
        yield batch
        after = batch[-1].place


def by_state(db: sa.Connection, where: Sequence[sa.ColumnElement[bool]]) -> dict[str, int]:
    """State -> letters."""
    columns: list[sa.ColumnElement[Any]] = [state_of.label("state"), sa.func.count().label("letters")]
    query = readable(sa.select(*columns).select_from(dead_letters), where).group_by("state")
    return {row.state: row.letters for row in db.execute(query)}


def replayed(db: sa.Connection, job: str, run: int) -> int:
    """How many letters of a run count by now."""
    return db.scalar(sa.select(sa.func.count()).select_from(outcomes).where(
        outcomes.c.job == job, outcomes.c.run == run, outcomes.c.outcome == State.REPLAYED)) or 0


def known_keys(db: sa.Connection, about: JobRow, keys: Iterable[tuple[int, int]]) -> set[tuple[int, int]]:
    """Which of these (window, hashed event id) count by a replay already."""
    wanted = set(keys)
    query = sa.select(outcomes.c.window_us, outcomes.c.event_key).where(
        *_of(about, outcomes), outcomes.c.outcome == State.REPLAYED, outcomes.c.window_us.in_(sorted({window for window, _ in wanted})))
    return {(row[0], row[1] % (1 << 64)) for row in db.execute(query)} & wanted


def put_fix(store: Store, about: JobRow, places: Sequence[Place], fix: str, now_us: int) -> int:
    """Keeps the fix for these letters, in the place of an earlier one, unless they are dealt with; returns for how many."""
    with store.transaction() as db:
        left = undone(db, about, places)
        _delete(db, about, (fixes,), left)
        if left:
            db.execute(fixes.insert(), [
                {"job": about.job, "run": about.run, "origin": origin, "offset": offset, "fix": fix, "at_us": now_us}
                for origin, offset in left])
    return len(left)


def drop(store: Store, about: JobRow, places: Sequence[Place], now_us: int) -> int:
    """Gives these letters up: their originals and fixes are deleted. Returns how many; those that are dealt with stay as they are."""
    with store.transaction() as db:
        left = undone(db, about, places)
        _delete(db, about, (fixes, originals), left)
        if left:
            db.execute(outcomes.insert(), [
                {**_row(about, origin, offset, now_us), "outcome": State.DROPPED, "epoch": 0, "window_us": None, "event_key": None}
                for origin, offset in left])
    return len(left)


def count(store: Store, about: JobRow, batch: Sequence[Counted], made: Iterable[tuple[UnitKey, Unit]], now_us: int) -> None:
    """Counts mended letters: units of a new epoch below 0 and what came of the letters, in one transaction; originals and fixes go.

    made: the units of the batch, by base windows; their epochs are chosen here. They are no unit that a job writes, so no job replaces
    them, nor counts them as covered. Who is killed here has written all of it or nothing. Raises Dealt, and StoreError.
    """
    with store.transaction() as db:
        db.execute(sa.select(jobs.c.holder).where(jobs.c.job == about.job).with_for_update())   # one after the other, and no roll-up
        now = job_row(db, about.job)
        places = [(one.origin, one.offset) for one in batch]
        keys = {(one.window_us, one.event_key) for one in batch}
        if now.run != about.run or len(undone(db, about, places)) != len(batch) or known_keys(db, about, keys):
            raise Dealt
        if any(one.window_us < now.marks.dropped_us for one in batch):
            raise StoreError(f"{store.name}: windows of job {about.job!r} were dropped for their age meanwhile: try again")
        epoch = min(0, db.scalar(sa.select(sa.func.min(outcomes.c.epoch)).where(*_of(about, outcomes))) or 0) - 1
        _insert_units(db, now, made, epoch, now_us)
        _delete(db, about, (fixes, originals), places)
        db.execute(outcomes.insert(), [
            {**_row(about, one.origin, one.offset, now_us), "outcome": State.REPLAYED, "epoch": epoch, "window_us": one.window_us,
             "event_key": one.event_key - (1 << 64) * (one.event_key >> 63)} for one in batch])


def _insert_units(db: sa.Connection, about: JobRow, made: Iterable[tuple[UnitKey, Unit]], epoch: int, now_us: int) -> None:
    """Where windows are merged into hours or days the units of a replay are so too."""
    gone = set(db.scalars(statements.forgotten))
    whole: dict[tuple[int, str, str, str], Unit] = {}
    for key, unit in made:
        start_us = about.marks.span_start(key.window_us, about.window_us)
        whole.setdefault((start_us, key.origin, key.source, key.product), Unit()).add(unit)
    for (start_us, origin, source, product), unit in sorted(whole.items(), key=lambda item: item[0]):
        span_us = about.marks.span_of(start_us, about.window_us)
        number = db.execute(units.insert().values(
            job=about.job, run=about.run, window_us=start_us, span_us=span_us if span_us != about.window_us else 0, origin=origin,
            source=source, product=product, epoch=epoch, records=unit.records, last_offset=unit.last_offset, revision=1,
            updated_us=now_us).returning(units.c.id)).scalar_one()
        rows = [{"unit": number, "lang": lang, "topic": topic, **cell.without(gone).to_row()} for (lang, topic), cell in unit.cells.items()]
        db.execute(cells.insert(), rows)


def _of(about: JobRow, table: sa.Table) -> tuple[sa.ColumnElement[bool], ...]:
    return table.c.job == about.job, table.c.run == about.run


def _row(about: JobRow, origin: str, offset: int, now_us: int) -> dict[str, Any]:
    return {"job": about.job, "run": about.run, "origin": origin, "offset": offset, "at_us": now_us}


def undone(db: sa.Connection, about: JobRow, places: Sequence[Place]) -> list[Place]:
    """Those that are letters of the run and no gaps, and not dealt with."""
    found: set[Place] = set()
    for origin, offsets in _by_origin(places).items():
        query = sa.select(dead_letters.c.origin, dead_letters.c.offset).outerjoin(outcomes, of_letter(outcomes)).where(
            *_of(about, dead_letters), dead_letters.c.origin == origin, dead_letters.c.offset.in_(offsets),
            dead_letters.c.reason != Reason.GAP, outcomes.c.outcome.is_(None))
        found |= {(row[0], row[1]) for row in db.execute(query)}
    return [place for place in dict.fromkeys(places) if place in found]


def _delete(db: sa.Connection, about: JobRow, tables: Iterable[sa.Table], places: Sequence[Place]) -> None:
    for origin, offsets in _by_origin(places).items():
        for table in tables:
            db.execute(table.delete().where(*_of(about, table), table.c.origin == origin, table.c.offset.in_(offsets)))


def _by_origin(places: Iterable[Place]) -> Mapping[str, list[int]]:
    found: dict[str, list[int]] = {}
    for origin, offset in places:
        found.setdefault(origin, []).append(offset)
    return found
