"""One look at the store for everybody who looks at the page: what it says now, and who is told when that has changed."""
import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import msgspec
import sqlalchemy as sa
from nicegui import background_tasks, run

from dashboards.page.health import LOOK_EVERY_S as METRICS_EVERY_S
from dashboards.page.health import Endpoints
from insights.alerts.say import Told, told
from insights.board import Board, Filters, Overview
from insights.carried import Carrier
from insights.conservation import Audit, audit
from insights.emerging.say import Told as Topic
from insights.emerging.say import told as topics_told
from insights.judging import through_us
from insights.queries import JobRow, QueryError, job_row, of_run
from insights.store import Store, StoreError
from insights.tables import acknowledgements, alert_states, alerts, emerging_states, emerging_topics, progress, units

LOOK_EVERY_S, TELL_EVERY_S, SOON_S = 0.5, 1.0, 0.2
AUDIT_EVERY_S = 10.0
KEPT_ANSWERS = 64
log = logging.getLogger(__name__)
T = TypeVar("T")
Watcher = Callable[[], Awaitable[None]]


class Now(msgspec.Struct, frozen=True):
    """The job in one snapshot.

    first_us, end_us: of its windows, both 0 without any. judged_us: windows that start before it were judged for alerts.
    """

    about: JobRow
    first_us: int
    end_us: int
    updated_us: int
    judged_us: int | None
    topics: tuple[int, int, int] | None   # changes when an emerging topic does; None: nobody looked for them yet
    alerts: tuple[int, int, int]   # changes when an alert does
    read: tuple[int, int]          # changes when records are read: a dead letter changes no window


@dataclass
class Live:
    """open_store raises StoreError, with what to do. problem: why there is nothing to see, or nothing new. books: of some seconds ago.

    carrier: says which words of a sample carried its sentiment; None: the store's counts say which go with it.
    """

    open_store: Callable[[], Store]
    job: str
    now: Now | None = None
    problem: str = ""
    books: Audit | None = None
    endpoints: Endpoints = field(default_factory=lambda: Endpoints(()))
    watchers: set[Watcher] = field(default_factory=set)
    operators: set[Watcher] = field(default_factory=set)   # who wants to know of the metrics
    carrier: Carrier | None = None
    _store: Store | None = None
    _board: Board | None = None
    _file: tuple[int, int] | None = None
    _answers: dict[Filters, Overview] = field(default_factory=dict)
    _read: bool = False

    async def watch(self) -> None:
        """Looks for ever, and tells the watchers of what has changed."""
        while True:
            looking = asyncio.ensure_future(run.io_bound(self.look))
            while not (await asyncio.wait([looking], timeout=TELL_EVERY_S))[0]:   # the first look at a large store takes a while
                self._tell(self.watchers)
            if looking.result():
                self._tell(self.watchers)
            await asyncio.sleep(LOOK_EVERY_S)

    async def watch_metrics(self) -> None:
        """Asks the endpoints for ever, while anybody wants to know."""
        await self._while_wanted(self.endpoints.look, METRICS_EVERY_S)

    async def watch_books(self) -> None:
        """Reads the books of the job for ever, which takes a while in a large store, while anybody wants to know."""
        await self._while_wanted(self._audit, AUDIT_EVERY_S)

    async def _while_wanted(self, look: Callable[[], None], every_s: float) -> None:
        due_s = 0.0
        while True:
            if self.operators and time.monotonic() >= due_s:
                await run.io_bound(look)
                due_s = time.monotonic() + every_s
                self._tell(self.operators)
            await asyncio.sleep(SOON_S)

    def _audit(self) -> None:
        with contextlib.suppress(StoreError):   # the other look says so
            if self._store is not None and self.now is not None:
                self.books = audit(self._store, self.job)

    @staticmethod
    def _tell(watchers: Iterable[Watcher]) -> None:
        for watcher in tuple(watchers):
            background_tasks.create(watcher(), name="refresh a page")

    def look(self) -> bool:
        """Whether anything has changed since the last look. Never raises what a store can say."""
        before = self.now, self.problem
        try:
            changed = self._looked()
            self.problem = ""
        except (StoreError, QueryError) as error:
            changed, self.problem = False, str(error)
        except Exception as error:
            log.exception("the store could not be read")
            changed, self.problem = False, f"unexpected {type(error).__name__}; the log of the page has more"
        return changed or before != (self.now, self.problem)

    def _looked(self) -> bool:
        if self._store is not None and self._file != _file_of(self._store):   # another file under the same name
            self._store.close()
            self._store = self._board = None
        if self._store is None:
            self._store = self.open_store()
            self._file, self._board = _file_of(self._store), Board(self._store, self.job)
            self._read = False
        with self._store.snapshot() as db:
            self.now = _now(db, self.job)
        changed = self._board is not None and self._board.refresh()
        if changed or not self._read:
            self._answers, self._read = {}, True
        return changed

    def overview(self, filters: Filters) -> Overview | None:
        """None before the store has been read. Asked off the event loop: it may take a while. Raises StoreError."""
        board, answers = self._board, self._answers
        if board is None or not self._read:
            return None
        found = answers.get(filters)
        if found is None:
            found = board.overview(filters)
            if len(answers) < KEPT_ANSWERS:   # of what was read last: the next look that finds something new begins another
                answers[filters] = found
        return found

    @property
    def loading(self) -> float:
        """The share of the store that has been read, from 0 to 1."""
        return self._board.loading if self._board else 0.0

    def incidents(self, from_us: int | None, to_us: int | None) -> list[Told]:
        """The alerts that were open at some time in this range. Raises StoreError."""
        return self.read(lambda db, about: list(told(db, about, from_us=from_us, to_us=to_us)), [])

    def topics(self, from_us: int, to_us: int) -> list[Topic]:
        """The emerging topics that were open at some time in this range. Raises StoreError."""
        return self.read(lambda db, about: list(topics_told(db, about, from_us=from_us, to_us=to_us)), [])

    @staticmethod
    def clock_us() -> int:
        """Now."""
        return time.time_ns() // 1_000

    def read(self, ask: Callable[[sa.Connection, JobRow], T], otherwise: T) -> T:
        """What a question finds, in one snapshot."""
        store, now = self._store, self.now
        if store is None or now is None:
            return otherwise
        with store.snapshot() as db:
            return ask(db, now.about)


def _file_of(store: Store) -> tuple[int, int] | None:
    """What tells an SQLite file from another one under its name. Raises StoreError when it has gone."""
    path = store.engine.url.database
    if store.engine.dialect.name != "sqlite" or not path:
        return None
    try:
        stat = Path(path).stat()
    except OSError as error:
        raise StoreError(f"{store.name}: {error.strerror}; put the file back, or start the page with another --store") from error
    return stat.st_dev, stat.st_ino


def _now(db: sa.Connection, job: str) -> Now:
    about = job_row(db, job)
    first_us, last_us = (   # each by itself is one step in the index
        db.scalar(sa.select(end(units.c.window_us)).where(*of_run(units, about))) for end in (sa.func.min, sa.func.max))
    updated_us = db.scalar(sa.select(sa.func.max(units.c.updated_us)).where(*of_run(units, about), units.c.window_us == last_us))
    judged_us = through_us(db, about, alert_states)
    number, changed_us = _changes(db, about, alerts)
    looked_us = through_us(db, about, emerging_states)
    known = db.scalar(sa.select(sa.func.max(acknowledgements.c.at_us)).where(acknowledgements.c.job == job))
    read, records = db.execute(
        sa.select(sa.func.sum(progress.c.read), sa.func.sum(progress.c.read_records)).where(*of_run(progress, about))).one()
    end_us = 0 if last_us is None else last_us + about.window_us
    return Now(
        about, first_us or 0, end_us, updated_us or 0, judged_us,
        None if looked_us is None else (looked_us, *_changes(db, about, emerging_topics)), (number, changed_us, known or 0),
        (int(read or 0), int(records or 0)))


def _changes(db: sa.Connection, about: JobRow, table: sa.Table) -> tuple[int, int]:
    """How many rows, and when the last of them was written."""
    number, changed_us = db.execute(sa.select(sa.func.count(), sa.func.max(table.c.updated_us)).where(*of_run(table, about))).one()
    return number, changed_us or 0
