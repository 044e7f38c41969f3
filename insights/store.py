"""The store: one method per transaction of the recovery protocol (docs/architecture.md)."""
import contextlib
import dataclasses
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from secrets import token_bytes
from types import MappingProxyType
from typing import Any

import msgspec
import sqlalchemy as sa

from insights import statements
from insights.cells import Unit
from insights.store_address import advice, engine_of, shown
from insights.tables import (
    SCHEMA_VERSION,
    START_US,
    alert_states,
    alerts,
    cells,
    dead_letters,
    dropped,
    emerging_states,
    emerging_topics,
    fixes,
    incidents,
    jobs,
    originals,
    outcomes,
    progress,
    retention,
    runs,
    schema_version,
    secrets,
    units,
)
from insights.upgrade import create
from schemas.records import DeadLetter, Reason

NOBODYS = {"event_id": "", "sample": "", "headers": "{}", "author": ""}   # of a dead letter of which its author is forgotten
Place = tuple[str, int]   # origin, offset
PSEUDONYM_KEY, KEY_BYTES = "pseudonym_key", 32


class StoreError(Exception):
    """The store cannot be used: names it, and says what to do."""


class TakenOver(StoreError):
    """Another process reads for this job by now."""


@dataclass(frozen=True, slots=True)
class UnitKey:
    """What the store replaces as a whole; only what the input says."""

    window_us: int
    origin: str
    source: str
    product: str
    epoch: int = 0


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one origin is durable."""

    origin: str
    saved: int
    saved_records: int
    epoch: int
    frontier: int
    read_records: int
    open_records: int


@dataclass(slots=True)
class Known:
    """What the store knows of an origin when a process starts (the ledger's Saved)."""

    saved: int | None = None
    records: int = 0
    evidence: int = 0
    dead: dict[int, Reason] = field(default_factory=dict)
    epoch: int = 0
    stored: int = 0


class Store:
    """One database, SQLite or PostgreSQL, by SQLAlchemy URL. Safe to use from several threads.

    Raises StoreError when it cannot be opened or is of a newer schema.
    """

    def __init__(self, url: str, *, create: bool = True) -> None:
        self.url = url
        self.tokens: dict[str, int] = {}   # job -> the holder's number, when it is this one that reads
        try:
            self.engine = engine_of(url)
            self._turns: contextlib.AbstractContextManager[Any] = (   # SQLite has one writer at a time, and who waits sleeps ever longer
                threading.RLock() if self.engine.dialect.name == "sqlite" else contextlib.nullcontext())
            if self.engine.dialect.name not in statements.UPSERTS:
                raise StoreError(f"--store {self.name}: use sqlite:///FILE or postgresql+psycopg://...")
            self.upserts = statements.UPSERTS[self.engine.dialect.name]
            if create:
                self._create()
            elif not sa.inspect(self.engine).has_table("units"):
                raise StoreError(f"{self.name}: no textpulse store here; `textpulse stream` or `backfill` makes one")
            else:
                self._check_schema()
        except (sa.exc.ArgumentError, sa.exc.NoSuchModuleError, ImportError) as error:
            signs = " (in a password % @ : / are %25 %40 %3A %2F)" if "@" in url else ""
            what = f"not the address of a database{signs}" if type(error) is sa.exc.ArgumentError else str(error)   # else: a module
            raise StoreError(f"--store {shown(url)}: {what}; use sqlite:///FILE or postgresql+psycopg://...") from error
        except sa.exc.DBAPIError as error:
            said = " ".join(str(error.orig).split())
            do = advice(said, "check the path, its permissions and free space")
            raise StoreError(f"{self.name} cannot be opened: {said}; {do}") from error

    @property
    def name(self) -> str:
        """The URL without its password."""
        return shown(self.url)

    def _create(self) -> None:
        with self.engine.begin() as db:
            create(db)
        self._check_schema()

    def _check_schema(self) -> None:
        with self.engine.begin() as db:
            found = db.scalar(sa.select(sa.func.max(schema_version.c.version))) or 0
        if found > SCHEMA_VERSION:
            raise StoreError(f"{self.name} is of schema {found}, this textpulse knows {SCHEMA_VERSION}: upgrade textpulse")
        if found < SCHEMA_VERSION:
            raise StoreError(f"{self.name} is of schema {found}, which `textpulse stream` or `backfill` with this --store upgrade")

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        """One transaction: all of it or nothing. Raises StoreError when the database cannot do it."""
        with self._named_errors(), self._turns, self.engine.begin() as db:
            yield db

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[sa.Connection]:
        """A consistent view to read from; a writer is not held up. Raises StoreError when the database cannot give it."""
        with (
            self._named_errors(),
            self.engine.connect().execution_options(isolation_level=self._snapshot_level, read_only=True) as db,
            db.begin(),
        ):
            yield db

    @contextlib.contextmanager
    def _named_errors(self) -> Iterator[None]:
        """What the database cannot do, as a StoreError. A broken constraint or a value that it refuses is a fault of ours: left as is."""
        try:
            yield
        except (sa.exc.IntegrityError, sa.exc.DataError):
            raise
        except sa.exc.DBAPIError as error:
            said = str(error.orig).strip()
            do = advice(said, "check that it is there and whole")
            raise StoreError(f"{self.name}: {said}; nothing of this transaction was written: {do}") from error

    @property
    def _snapshot_level(self) -> str:
        return "REPEATABLE READ" if self.engine.dialect.name == "postgresql" else "SERIALIZABLE"

    def close(self) -> None:
        """Gives the connections back."""
        self.engine.dispose()

    # jobs and runs

    def pseudonym_key(self) -> bytes:
        """The key of pseudonyms of who gives none: made at random when first asked for."""
        wanted = sa.select(secrets.c.value).where(secrets.c.name == PSEUDONYM_KEY)
        with self.snapshot() as db:
            found = db.scalar(wanted)
        if found is None:
            made = {"name": PSEUDONYM_KEY, "value": token_bytes(KEY_BYTES)}
            with contextlib.suppress(sa.exc.IntegrityError), self.transaction() as db:   # another process may be first
                db.execute(secrets.insert().values(made))
            with self.snapshot() as db:
                found = db.scalar(wanted)
        return bytes(found or b"")

    def open_job(self, job: str, kind: str, window_us: int, lateness_us: int, pseudonyms: str = "") -> None:
        """Makes the job known. Raises StoreError when it is of another kind, has other windows, or a stream has other pseudonyms."""
        with self.transaction() as db:
            row = db.execute(sa.select(jobs).where(jobs.c.job == job)).one_or_none()
            if row is None:
                db.execute(jobs.insert().values(
                    job=job, kind=kind, window_us=window_us, lateness_us=lateness_us, closed_us=START_US, watermark_us=START_US,
                    current_run=0, pseudonyms=pseudonyms))
            elif (row.kind, row.window_us) != (kind, window_us) or (kind == "stream" and row.lateness_us != lateness_us):
                raise StoreError(
                    f"{self.name} has job {job!r} as {row.kind} with --window {row.window_us // 1_000_000} and --allowed-lateness "
                    f"{row.lateness_us // 1_000_000} (seconds): keep these, or choose another --job or --store")
            elif kind == "stream" and row.pseudonyms and row.pseudonyms != pseudonyms:
                raise StoreError(
                    f"{self.name} has job {job!r} with another key of pseudonyms, or with other `fields` in its --policy: what was one "
                    "product would be two: give the key and policy from before, or choose another --job or --store")
            else:
                db.execute(jobs.update().where(jobs.c.job == job).values(pseudonyms=pseudonyms))

    def take_over(self, job: str) -> None:
        """From now on this store alone may write what is read for the job; who did before gets TakenOver. A fencing token."""
        with self.transaction() as db:
            db.execute(jobs.update().where(jobs.c.job == job).values(holder=jobs.c.holder + 1))
            self.tokens[job] = int(db.execute(statements.holder_of, {"job": job}).scalar_one())

    def holds(self, job: str) -> bool:
        """False once another process has taken the job over."""
        with self.snapshot() as db:
            return bool(job not in self.tokens or db.scalar(statements.holder_of, {"job": job}) == self.tokens[job])

    def _check_holder(self, db: sa.Connection, job: str) -> None:
        """Also holds up who would roll the job's windows up, until this transaction has ended."""
        holder = db.scalar(statements.held, {"job": job})
        if job in self.tokens and holder != self.tokens[job]:
            raise TakenOver(f"{self.name}: another process runs job {job!r} by now; this one has written nothing since")

    def begin_run(self, job: str, now_us: int) -> int:
        """A new run of a backfill; what a killed one left is removed."""
        with self.transaction() as db:
            stale = db.scalars(sa.select(runs.c.run).where(runs.c.job == job, runs.c.state == "running")).all()
            for run in stale:
                self._drop_run(db, job, run)
            made = db.execute(runs.insert().values(job=job, state="running", started_us=now_us).returning(runs.c.run))
            return int(made.scalar_one())

    def finish_run(self, job: str, run: int, now_us: int) -> None:
        """The run becomes the job's current one, and the one before it is removed, in one transaction."""
        with self.transaction() as db:
            for old in db.scalars(sa.select(runs.c.run).where(runs.c.job == job, runs.c.run != run)).all():
                self._drop_run(db, job, old)
            db.execute(runs.update().where(runs.c.run == run).values(state="current", ended_us=now_us))
            db.execute(progress.update().where(progress.c.job == job, progress.c.run == run).values(open_records=0))
            db.execute(jobs.update().where(jobs.c.job == job).values(current_run=run, closed_us=-START_US, watermark_us=-START_US))

    @staticmethod
    def _drop_run(db: sa.Connection, job: str, run: int) -> None:
        of_run = sa.select(units.c.id).where(units.c.job == job, units.c.run == run)
        db.execute(cells.delete().where(cells.c.unit.in_(of_run)))
        for table in (
                units, dead_letters, originals, fixes, outcomes, progress, alerts, alert_states, incidents, retention, dropped,
                emerging_topics, emerging_states):
            db.execute(table.delete().where(table.c.job == job, table.c.run == run))
        db.execute(runs.delete().where(runs.c.run == run))

    # the recovery protocol

    def load(self, job: str, run: int) -> tuple[int, dict[str, Known]]:
        """(closed_us, origin -> what is known of it), as a new process finds them."""
        of_run = {"job": job, "run": run}
        with self.transaction() as db:
            closed = db.scalar(statements.closed_of, of_run)
            known: dict[str, Known] = {}
            for row in db.execute(statements.progress_of, of_run):
                known[row.origin] = Known(row.saved, row.saved_records, row.read, {}, row.epoch)
            for origin, offset, records in db.execute(statements.last_of, of_run):
                entry = known.setdefault(origin, Known())
                entry.evidence, entry.stored = max(entry.evidence, offset + 1), entry.stored + int(records)
            for origin, records in db.execute(statements.dropped_of, of_run):
                known.setdefault(origin, Known()).stored += records
            for origin, offset, reason in db.execute(statements.dead_of, of_run):
                entry = known.setdefault(origin, Known())
                entry.stored += 1
                entry.evidence = max(entry.evidence, offset + 1)   # a model_error comes with no position
                if offset >= (entry.saved or 0):
                    entry.dead[offset] = Reason(reason)
            return (START_US if closed is None else closed), known

    def write_dead(
        self, job: str, run: int, letters: Sequence[DeadLetter], positions: Mapping[str, int], outdated: Iterable[UnitKey] = (),
        sealed: Mapping[Place, bytes] = MappingProxyType({}),
    ) -> None:
        """Dead letters, together with how far every origin was read at that moment. Raises TakenOver.

        outdated: units that may count one of these records, and are emptied; whoever calls writes them again. sealed: what letters were,
        encrypted, by origin and offset.
        """
        with self.transaction() as db:
            self._check_holder(db, job)
            self._insert_dead(db, job, run, letters, sealed)
            for key in sorted(outdated, key=_order):
                of_key = dict(zip(statements.OF_UNIT, (job, run, *dataclasses.astuple(key)), strict=True))
                db.execute(statements.delete_cells_of, of_key)
                db.execute(statements.empty_unit, of_key)
            rows = [
                {"job": job, "run": run, "origin": origin, "read": offset, **statements.NOT_SAVED} for origin, offset in positions.items()]
            if rows:
                db.execute(self.upserts.read, rows)

    def _insert_dead(
        self, db: sa.Connection, job: str, run: int, letters: Sequence[DeadLetter], sealed: Mapping[Place, bytes] = MappingProxyType({}),
    ) -> None:
        if not letters:
            return
        gone = set(db.scalars(statements.forgotten))
        rows = [{"job": job, "run": run, **_dead_row(letter), **(NOBODYS if letter.author in gone else {})} for letter in letters]
        db.execute(self.upserts.dead, rows)
        kept = {(letter.origin, letter.offset) for letter in letters if letter.author not in gone} & sealed.keys()
        if kept:   # not again of those that were read again after a restart, and are dealt with by now
            done = set(db.execute(statements.done_of, {"job": job, "run": run, "offsets": [offset for _, offset in kept]}).tuples())
            rows = [{"job": job, "run": run, "origin": origin, "offset": offset, "sealed": sealed[origin, offset]}
                    for origin, offset in sorted(kept - done)]
            if rows:
                db.execute(self.upserts.originals, rows)

    def write_units(self, job: str, run: int, batch: Iterable[tuple[UnitKey, Unit]], now_us: int) -> None:
        """Replaces each unit as a whole, if it covers at least as many records as what is stored. Raises TakenOver.

        What comes again of a window that is merged into an hour or a day is in there. Samples of forgotten authors are left out.
        """
        with self.transaction() as db:
            self._check_holder(db, job)
            gone = set(db.scalars(statements.forgotten))
            merged_us = db.scalar(statements.merged_of, {"job": job, "run": run}) or START_US
            rows: dict[int, list[dict[str, Any]]] = {}   # a unit that stands twice in the batch: the larger one
            for key, unit in sorted(batch, key=lambda item: _order(item[0])):
                if key.window_us < merged_us:
                    continue
                number = db.scalar(self.upserts.unit, {
                    "job": job, "run": run, "window_us": key.window_us, "origin": key.origin, "source": key.source,
                    "product": key.product, "epoch": key.epoch, "records": unit.records, "last_offset": unit.last_offset,
                    "revision": 1, "updated_us": now_us})
                if number is None:   # what is stored covers more
                    continue
                db.execute(statements.delete_cells, {"number": number})
                rows[number] = [
                    {"unit": number, "lang": lang, "topic": topic, **cell.without(gone).to_row()}
                    for (lang, topic), cell in unit.cells.items()]
            made = [row for of_unit in rows.values() for row in of_unit]
            if made:
                db.execute(cells.insert(), made)

    def covered(self, job: str, run: int, since_us: int) -> dict[tuple[int, str], int]:
        """(window, origin) -> records stored in units of the origin's current epoch, for windows that start at or after since_us."""
        with self.snapshot() as db:
            rows = db.execute(statements.covered, {"job": job, "run": run, "since_us": since_us})
            return {(window, origin): int(records) for window, origin, records in rows}

    def save(
        self, job: str, run: int, closed_us: int, watermark_us: int, rows: Iterable[Progress], gaps: Sequence[DeadLetter] = (),
    ) -> None:
        """What is closed, and for each origin where to start again; gaps with the epoch that they begin. Raises TakenOver."""
        with self.transaction() as db:
            self._check_holder(db, job)
            db.execute(statements.close, {"of_job": job, "closed": closed_us, "watermark": watermark_us})
            self._insert_dead(db, job, run, gaps)
            moved = [{"job": job, "run": run, "read": row.saved, **_columns(row)} for row in rows]
            if moved:
                db.execute(self.upserts.saved, moved)


def _order(key: UnitKey) -> tuple[int, str, str, str, int]:
    """One order for all writers: they wait, and never for each other."""
    return key.window_us, key.origin, key.source, key.product, key.epoch


def _columns(row: Progress) -> dict[str, Any]:
    return {name: getattr(row, name) for name in statements.SAVED}


def _dead_row(letter: DeadLetter) -> dict[str, Any]:
    row = msgspec.structs.asdict(letter)
    row["headers"] = msgspec.json.encode(letter.headers).decode()
    return {name: _storable(value) if isinstance(value, str) else value for name, value in row.items()}


def _storable(text: str) -> str:
    """What no database takes, escaped: NUL (PostgreSQL refuses it) and lone surrogates."""
    return text.replace("\0", "\\x00").encode("utf-8", "backslashreplace").decode()
