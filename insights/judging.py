"""What is judged of a job's windows, one after the other, and kept in its store: the frame of alerts and of emerging topics.

What is stored is a function of the stored windows alone. Windows that are closed are judged for good, and what was watched after the
last of them is kept; the complete ones after it are judged from there each time, so that what was found in them may change, or go
again, as long as late records come.
"""
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

import msgspec
import sqlalchemy as sa

from insights.cells import Cell
from insights.queries import CellKey, JobRow, cell_rows, forgotten_authors, job_row, of_run
from insights.store import Store
from insights.tables import START_US, units

PIECE = 2_400            # windows with records that are judged at once before what was found is stored
MOST_NAMES = 2_000_000   # that are remembered before what was read is forgotten and read again


class Remembering(Protocol):
    """Numbers of names."""

    @property
    def remembered(self) -> int:
        """How many there are."""
        ...


Watched = TypeVar("Watched")
Window = TypeVar("Window")
Names = TypeVar("Names", bound=Remembering)


class State(NamedTuple, Generic[Watched]):
    """Windows that start before through_us are judged for good; after them, `watched` is watched."""

    through_us: int
    watched: Watched


class Found(NamedTuple, Generic[Watched]):
    """after: the state after the last closed window. rows: id -> as it is to be stored; of the ids in `stored`, those that are stored and
    not among the rows are to go.
    """

    after: State[Watched]
    rows: Mapping[str, dict[str, Any]]
    stored: Mapping[str, Mapping[str, Any]]


class Span(NamedTuple):
    """Windows that start in [begin_us, end_us) are judged; those before closed_us for good. first_us: the first with records."""

    first_us: int
    begin_us: int
    end_us: int
    closed_us: int


class Past(Generic[Window, Names]):
    """What somebody who judges again and again need not read again: the windows before those that are not judged for good.

    names: the numbers that words have in these windows.
    """

    def __init__(self, fresh: Callable[[], Names]) -> None:
        self._fresh = fresh
        self._of = ("", 0, 0)   # job, run, the first window after these
        self.windows: list[Window] = []
        self.names = fresh()

    def before(self, about: JobRow, begin_us: int) -> list[Window]:
        """The windows before this one; none, when they have to be read."""
        if self._of != (about.job, about.run, begin_us) or self.names.remembered > MOST_NAMES:
            self.windows, self.names = [], self._fresh()
        return self.windows

    def keep(self, about: JobRow, begin_us: int, windows: list[Window]) -> None:
        """Remembers the windows before this one."""
        self._of, self.windows = (about.job, about.run, begin_us), windows


@dataclass(frozen=True, slots=True)
class Judging(Generic[Watched]):
    """One kind of what is judged. table: of what is found, by job, run and id. states: of how far that is. nothing: watched at first.

    find: (db, job, state before, where to end) -> what was found.
    """

    table: sa.Table
    states: sa.Table
    nothing: Watched
    find: Callable[[sa.Connection, JobRow, State[Watched], int | None], Found[Watched]]

    def bring_up_to_date(self, store: Store, job: str, now_us: int, told: Callable[[int], None] | None = None) -> int:
        """Judges all that is complete; how many rows changed. Who runs it twice, or beside another, changes nothing.

        Many closed windows are judged a piece at a time: whoever is killed goes on after the last piece. told: hears after each piece up
        to where all is judged. Raises QueryError for an unknown job, StoreError.
        """
        total = 0
        while True:
            changed, more_from_us = self._piece(store, job, now_us)
            total += changed
            if more_from_us is None:
                return total
            if told:
                told(more_from_us)

    def _piece(self, store: Store, job: str, now_us: int) -> tuple[int, int | None]:
        """(how many changed, where the next piece begins; None after the last one)."""
        with store.snapshot() as db:
            about = job_row(db, job)
            before = self._state(db, about)
            end_us = _end_of_piece(db, about, before.through_us)
            forgotten, (after, wanted, stored) = forgotten_authors(db), self.find(db, about, before, end_us)
        gone = stored.keys() - wanted.keys()
        rows = [row for name, row in wanted.items() if any(stored.get(name, {}).get(column) != value for column, value in row.items())]
        if not rows and not gone and after == before:
            return 0, end_us
        with store.transaction() as db:
            if self._state(db, about) != before or forgotten_authors(db) != forgotten:   # somebody else was here
                return 0, end_us
            db.execute(self.table.delete().where(*of_run(self.table, about), self.table.c.id.in_([*gone, *(row["id"] for row in rows)])))
            if rows:
                db.execute(self.table.insert(), [{"job": job, "run": about.run, **row, "updated_us": now_us} for row in rows])
            db.execute(self.states.delete().where(*of_run(self.states, about)))
            db.execute(self.states.insert().values(
                job=job, run=about.run, through_us=after.through_us, watched=msgspec.json.encode(after.watched).decode()))
        return len(rows) + len(gone), end_us

    def _state(self, db: sa.Connection, about: JobRow) -> State[Watched]:
        row = db.execute(sa.select(self.states).where(*of_run(self.states, about))).one_or_none()
        if row is None:
            return State(START_US, self.nothing)
        return State(row.through_us, msgspec.json.decode(row.watched, type=type(self.nothing)))


def through_us(db: sa.Connection, about: JobRow, states: sa.Table) -> int | None:
    """Windows that start before it are judged for good; None before anything is judged."""
    found: int | None = db.scalar(sa.select(states.c.through_us).where(*of_run(states, about)))
    return found


def span(db: sa.Connection, about: JobRow, through_us: int, after_last: int, end_us: int | None) -> Span | None:
    """What is to be judged after through_us; None without any records.

    after_last: so many windows after the last with records; where an archive ends, nothing falls silent. end_us: where to end before that.
    """
    size = about.window_us
    first, last = db.execute(sa.select(sa.func.min(units.c.window_us), sa.func.max(units.c.window_us)).where(
        *of_run(units, about), units.c.window_us >= about.marks.merged_us, units.c.records > 0)).one()
    if first is None:
        return None
    if end_us is None:
        end_us = min(about.watermark_us // size * size, last + (1 if about.kind == "backfill" else after_last) * size)
    return Span(first, max(through_us, first), end_us, min(about.closed_us // size * size, end_us))


def read(
    db: sa.Connection, about: JobRow, due: Span, past: Past[Window, Names], needed: int,
    windows: Callable[[Iterable[tuple[CellKey, Cell]], int, int, int, int, Names], Iterator[Window]],
) -> tuple[list[Window], Iterator[Window]]:
    """(the `needed` windows before those that are due; these). windows: of (cells, from_us, to_us, size_us, most_empty, names)."""
    known = past.before(about, due.begin_us)
    from_us = due.begin_us if known else due.begin_us - needed * about.window_us
    rows = cell_rows(db, about, max(from_us, about.marks.merged_us), due.end_us)
    every = windows(rows, from_us, due.end_us, about.window_us, needed, past.names)
    return known or list(itertools.islice(every, needed)), every


def _end_of_piece(db: sa.Connection, about: JobRow, through_us: int) -> int | None:
    """Where a piece ends that has more closed windows after it; None for the last one."""
    starts = sa.select(units.c.window_us).where(
        *of_run(units, about), units.c.window_us >= max(through_us, about.marks.merged_us),
        units.c.window_us < about.closed_us // about.window_us * about.window_us)
    end_us: int | None = db.scalar(starts.distinct().order_by(units.c.window_us).offset(PIECE).limit(1))
    return end_us
