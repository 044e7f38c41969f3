"""Old windows are merged into hours, hours into days, and old days removed: a short transaction for each, so that nothing is ever half
done, and a running stream waits for one at most.

Only windows are touched that can change nothing of recovery (docs/architecture.md): they are closed, and their age is counted from the end
of the last closed window. A restart skips their records wherever its replay begins, since `closed` says so; what the store held of them at
closing is never asked for again (Store.covered looks at the last closed window and what follows). The rest of what a restart reads of them
is kept: origin and epoch stay apart, the last offsets, which are evidence, are merged by their maximum, records by their sum. Where units
are dropped, their evidence goes into progress.read and their records into table `dropped`, which Store.load and verify add. `saved`, dead
letters and jobs.holder are not touched. A pane that comes once more for a merged window finds no unit of its own that covers it: therefore
Store.write_units leaves out what lies below merged_us, under the lock of the job's row that is taken here too.
"""
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import msgspec
import sqlalchemy as sa

from insights.alerts import keep as alerts
from insights.alerts.detect import Sensitivity
from insights.cells import Cell, Unit
from insights.emerging import keep as topics
from insights.queries import JobRow, QueryError, forgotten_authors, job_row, of_run
from insights.rollup import DAY_US, HOUR_US, Ages, Marks, merged, spans_of
from insights.store import Store, StoreError, UnitKey
from insights.tables import cells, dropped, jobs, progress, retention, units

ATTEMPTS = 5


class Action(StrEnum):
    """What is done with a span."""

    HOUR = "hour"   # base windows become an hour
    DAY = "day"     # hours, or base windows that fill no hour, become a day
    DROP = "drop"   # a day is removed


class Step(msgspec.Struct, frozen=True):
    """One transaction that is due, on the span that starts at start_us."""

    action: Action
    start_us: int

    @property
    def end_us(self) -> int:
        """Where the span ends."""
        return self.start_us + (HOUR_US if self.action is Action.HOUR else DAY_US)


class Done(msgspec.Struct, frozen=True):
    """What a step did. units, cells: rows before and after; records: in them."""

    step: Step
    records: int
    units: tuple[int, int]
    cells: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is due, in this order. waits: why not more of what is old enough; empty, if nothing is held back."""

    about: JobRow
    steps: Sequence[Step]
    waits: str = ""


def plan(db: sa.Connection, job: str, ages: Ages, *, unsent: bool = False, judged: bool = False) -> Plan:
    """What is to be done by now.

    unsent: windows too that are not in the insights topic yet, to which the job publishes.
    judged: as if alerts and topics were judged up to now.
    Raises QueryError for an unknown job, windows that fill no day, and ages that do not rise or are shorter than what alerts rest on.
    """
    about = job_row(db, job)
    _check(about, ages)
    starts = sorted(db.scalars(sa.select(units.c.window_us).where(*of_run(units, about)).distinct()))
    if not starts:
        return Plan(about, ())
    now_us = min(about.closed_us, starts[-1] + about.marks.span_of(starts[-1], about.window_us))
    held = {} if unsent else {"windows that are not in the insights topic yet": _unsent_us(db, about)}
    held |= {} if judged else {
        "windows that alerts rest on": alerts.needed_us(db, about, Sensitivity()),
        "windows that topics rest on": topics.needed_us(db, about)}
    why, held_us = min(((why, at_us) for why, at_us in held.items() if at_us is not None), key=lambda one: one[1], default=("", now_us))
    steps: list[Step] = []
    marks = about.marks
    for action, span_us, done_us, age_us in (
        (Action.HOUR, HOUR_US, marks.merged_us, ages.hours_us), (Action.DAY, DAY_US, marks.days_us, ages.days_us),
        (Action.DROP, DAY_US, marks.dropped_us, ages.drop_us)):
        if age_us is not None and (action is Action.DROP or span_us in spans_of(about.window_us)):
            end_us = min(now_us - age_us, held_us) // span_us * span_us
            due = {start // span_us * span_us for start in starts if done_us <= start < end_us}
            steps += [Step(action, start_us) for start_us in sorted(due)]
    first_age_us = ages.hours_us if HOUR_US in spans_of(about.window_us) else ages.days_us
    waiting = any(max(held_us, marks.merged_us) <= start < now_us - first_age_us for start in starts)
    return Plan(about, steps, why if waiting else "")


def compact(store: Store, job: str, ages: Ages, *, unsent: bool = False) -> Iterator[Done]:
    """Does what is due, one transaction for each value: whoever takes these may pause, or stop, between them.

    Who runs it twice, or beside another, changes nothing. Raises what plan raises, and StoreError.
    """
    with store.snapshot() as db:
        due = plan(db, job, ages, unsent=unsent)
    for step in due.steps:
        done = _drop(store, due.about, step) if step.action is Action.DROP else _merge(store, due.about, step)
        if done is None:   # somebody else was here
            return
        yield done


def _check(about: JobRow, ages: Ages) -> None:
    spans = spans_of(about.window_us)
    if not spans:
        raise QueryError(f"--job {about.job}: windows of {about.window_us / 1e6:g} s are not part of a day: there is nothing to merge")
    name, first_us = ("--hours-after", ages.hours_us) if HOUR_US in spans else ("--days-after", ages.days_us)
    least_us = alerts.memory_us(about.window_us, Sensitivity())
    if first_us < least_us:
        raise QueryError(
            f"{name} {_days(first_us)}: alerts rest on the windows before, by the time of day: give at least {-(-least_us // DAY_US)}d")
    if not ages.hours_us <= ages.days_us <= (ages.days_us if ages.drop_us is None else ages.drop_us):
        raise QueryError("--hours-after, --days-after and --drop-after: each must be as long as the one before, or longer")


def _days(age_us: int) -> str:
    return f"{age_us / DAY_US:g}d"


def _unsent_us(db: sa.Connection, about: JobRow) -> int | None:
    """The first base window that waits to be published; none where nothing waits, or nothing was ever published."""
    mine = of_run(units, about)
    if db.scalar(sa.select(units.c.id).where(*mine, units.c.published > 0).limit(1)) is None:
        return None
    first_us: int | None = db.scalar(sa.select(sa.func.min(units.c.window_us)).where(*mine, units.c.revision > units.c.published))
    return first_us


def _merge(store: Store, about: JobRow, step: Step) -> Done | None:
    """Reads and merges without a lock, and writes if nothing has changed meanwhile. None where another has done it."""
    for _ in range(ATTEMPTS):
        with store.snapshot() as db:
            seen = _signature(db, about, step)
            told, parts = _parts(db, about, step)
        whole = merged(parts, step.start_us)
        with store.transaction() as db:
            marks = _locked(db, about)
            if marks is None or step.start_us < (marks.merged_us if step.action is Action.HOUR else marks.days_us):
                return None
            if _signature(db, about, step) != seen:   # a pane came again
                continue
            before = _remove(db, about, step)
            after = _insert(db, about, step, whole, told)
            _mark(db, about, marks._replace(
                merged_us=max(marks.merged_us, step.end_us), days_us=step.end_us if step.action is Action.DAY else marks.days_us))
        return Done(step, sum(unit.records for unit in whole.values()), (before[0], len(whole)), (before[1], after))
    raise StoreError(f"{store.name}: closed windows of job {about.job!r} are being written, and were not merged: try again")


def _drop(store: Store, about: JobRow, step: Step) -> Done | None:
    with store.transaction() as db:
        marks = _locked(db, about)
        if marks is None or not marks.dropped_us <= step.start_us < step.end_us <= marks.days_us:
            return None
        of_origins = sa.select(units.c.origin, sa.func.sum(units.c.records), sa.func.max(units.c.last_offset)).where(
            *_in(about, step), units.c.epoch >= 0).group_by(units.c.origin)   # replays are of letters, which are counted as such
        total = 0
        for origin, records, last_offset in db.execute(of_origins).all():
            total += int(records)
            _add_dropped(db, about, origin, int(records))
            of_origin = (*of_run(progress, about), progress.c.origin == origin)
            db.execute(progress.update().where(*of_origin, progress.c.read <= last_offset).values(read=last_offset + 1))
        before = _remove(db, about, step)
        _mark(db, about, marks._replace(dropped_us=step.end_us))
        return Done(step, total, (before[0], 0), (before[1], 0))


def _in(about: JobRow, step: Step) -> tuple[sa.ColumnElement[bool], ...]:
    return *of_run(units, about), units.c.window_us >= step.start_us, units.c.window_us < step.end_us


def _signature(db: sa.Connection, about: JobRow, step: Step) -> tuple[Any, ...]:
    """Differs after any write of a unit, and when an author was forgotten."""
    return forgotten_authors(db), *tuple(db.execute(
        sa.select(sa.func.count(), sa.func.sum(units.c.revision), sa.func.max(units.c.id)).where(*_in(about, step))).one())


def _parts(db: sa.Connection, about: JobRow, step: Step) -> tuple[dict[UnitKey, tuple[int, int]], list[tuple[UnitKey, Unit]]]:
    """((when the last one changed, the largest revision that was published) for each of the span's units, what they are made of)."""
    told: dict[UnitKey, tuple[int, int]] = {}
    of: dict[int, tuple[UnitKey, Unit]] = {}
    for row in db.execute(sa.select(units).where(*_in(about, step))):
        key = UnitKey(step.start_us, row.origin, row.source, row.product, row.epoch)
        updated_us, published = told.get(key, (0, 0))
        told[key] = max(updated_us, row.updated_us), max(published, row.published)
        of[row.id] = key, Unit(row.records, row.last_offset, {})
    for cell in db.execute(sa.select(cells).join(units, cells.c.unit == units.c.id).where(*_in(about, step))).mappings():
        of[cell["unit"]][1].cells[cell["lang"], cell["topic"]] = Cell.from_row(dict(cell))
    return told, list(of.values())


def _locked(db: sa.Connection, about: JobRow) -> Marks | None:
    """The marks, which nobody else moves before this transaction has ended, nor writes units; none if the run is another by now."""
    db.execute(sa.select(jobs.c.holder).where(jobs.c.job == about.job).with_for_update())
    now = job_row(db, about.job)
    return now.marks if now.run == about.run else None


def _remove(db: sa.Connection, about: JobRow, step: Step) -> tuple[int, int]:
    """Removes the span's units; how many, and how many cells."""
    of_span = sa.select(units.c.id).where(*_in(about, step))
    held = db.execute(cells.delete().where(cells.c.unit.in_(of_span))).rowcount
    return db.execute(units.delete().where(*_in(about, step))).rowcount, held


def _insert(db: sa.Connection, about: JobRow, step: Step, whole: dict[UnitKey, Unit], told: dict[UnitKey, tuple[int, int]]) -> int:
    """Its revision counts as published: consumers have its windows. Returns how many cells."""
    rows: list[dict[str, Any]] = []
    for key, unit in whole.items():
        updated_us, published = told[key]
        number = db.execute(units.insert().values(
            job=about.job, run=about.run, window_us=key.window_us, span_us=step.end_us - step.start_us, origin=key.origin,
            source=key.source, product=key.product, epoch=key.epoch, records=unit.records, last_offset=unit.last_offset,
            revision=published, published=published, updated_us=updated_us).returning(units.c.id)).scalar_one()
        rows += [{"unit": number, "lang": lang, "topic": topic, **cell.to_row()} for (lang, topic), cell in unit.cells.items()]
    if rows:
        db.execute(cells.insert(), rows)
    return len(rows)


def _mark(db: sa.Connection, about: JobRow, marks: Marks) -> None:
    if not db.execute(retention.update().where(*of_run(retention, about)).values(marks._asdict())).rowcount:
        db.execute(retention.insert().values(job=about.job, run=about.run, **marks._asdict()))


def _add_dropped(db: sa.Connection, about: JobRow, origin: str, records: int) -> None:
    of_origin = (*of_run(dropped, about), dropped.c.origin == origin)
    if not db.execute(dropped.update().where(*of_origin).values(records=dropped.c.records + records)).rowcount:
        db.execute(dropped.insert().values(job=about.job, run=about.run, origin=origin, records=records))
