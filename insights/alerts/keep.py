"""The alerts of a job, kept in its store: judged window by window, and again where late records changed one.

What is stored is a function of the stored windows alone. Windows that are closed are judged for good, and what was watched after the
last of them is kept; the complete ones after it are judged from there each time, so that their alerts may change, or go again, as long
as late records come.
"""
import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa

from insights.alerts.baseline import DAY_US
from insights.alerts.detect import Sensitivity
from insights.alerts.explain import Tally, explain
from insights.alerts.judge import Alert, Watched, step
from insights.alerts.series import Counts, Names, count, signals
from insights.alerts.shapes import DAYS, DayShapes
from insights.queries import JobRow, cell_rows, job_row, of_run
from insights.store import Store
from insights.tables import START_US, alert_states, alerts, units

BLOCK = 240              # windows that are judged together
PIECE = 10 * BLOCK       # windows with records that are judged at once before what was found is stored
MOST_NAMES = 2_000_000   # that are remembered before what was read is forgotten and read again


class State(NamedTuple):
    """Windows that start before through_us are judged for good; after them, `watched` is watched."""

    through_us: int = START_US
    watched: Watched = Watched()


@dataclass(slots=True)
class Past:
    """What somebody who judges again and again need not read again: the windows before those that are not judged for good."""

    of: tuple[str, int, int] = ("", 0, 0)   # job, run, through_us
    windows: list[Counts] = field(default_factory=list)
    names: Names = field(default_factory=Names)


def judge(
    store: Store, job: str, wanted: Sensitivity, now_us: int, past: Past | None = None, told: Callable[[int], None] | None = None,
) -> int:
    """Brings the job's alerts up to date; how many changed. Who runs it twice, or beside another, changes nothing.

    Many closed windows are judged a piece at a time: whoever is killed goes on after the last piece. past: that of the calls before this
    one. told: hears after each piece up to where all is judged. Raises QueryError for an unknown job, StoreError.
    """
    past, total = past or Past(), 0
    while True:
        changed, more_from_us = _judge_piece(store, job, wanted, now_us, past)
        total += changed
        if more_from_us is None:
            return total
        if told:
            told(more_from_us)


def _judge_piece(store: Store, job: str, wanted: Sensitivity, now_us: int, past: Past) -> tuple[int, int | None]:
    """(how many changed, where the next piece begins; None after the last one)."""
    with store.snapshot() as db:
        about = job_row(db, job)
        before = _state(db, about)
        end_us = _end_of_piece(db, about, before)
        after, found = judged(db, about, before, wanted, past, end_us)
        opened = alerts.c.opened_us >= before.through_us, *(() if end_us is None else (alerts.c.opened_us < end_us,))
        stored = {row["id"]: dict(row) for row in db.execute(sa.select(alerts).where(
            *of_run(alerts, about), sa.or_(sa.and_(*opened), alerts.c.id.in_([alert.id for alert in found])))).mappings()}
        rows = [_row(about, alert) for alert in found]
        _give_reasons(db, about, [(alert, row) for alert, row in zip(found, rows, strict=True)
                                  if not _keep_reason(alert, row, stored.get(alert.id), before, after)], wanted)
        gone = stored.keys() - {alert.id for alert in found}
    rows = [row for row in rows if any(stored.get(row["id"], {}).get(name) != value for name, value in row.items())]
    if not rows and not gone and after == before:
        return 0, end_us
    with store.transaction() as db:
        if _state(db, about) != before:   # somebody else was here
            return 0, end_us
        db.execute(alerts.delete().where(*of_run(alerts, about), alerts.c.id.in_([*gone, *(row["id"] for row in rows)])))
        if rows:
            db.execute(alerts.insert(), [{**row, "updated_us": now_us} for row in rows])
        db.execute(alert_states.delete().where(*of_run(alert_states, about)))
        db.execute(alert_states.insert().values(
            job=job, run=about.run, through_us=after.through_us, watched=msgspec.json.encode(after.watched).decode()))
    return len(rows) + len(gone), end_us


def _end_of_piece(db: sa.Connection, about: JobRow, before: State) -> int | None:
    """Where a piece ends that has more closed windows after it; None for the last one."""
    starts = sa.select(units.c.window_us).where(
        *of_run(units, about), units.c.window_us >= max(before.through_us, about.marks.merged_us),
        units.c.window_us < about.closed_us // about.window_us * about.window_us)
    end_us: int | None = db.scalar(starts.distinct().order_by(units.c.window_us).offset(PIECE).limit(1))
    return end_us


def judged(
    db: sa.Connection, about: JobRow, before: State, wanted: Sensitivity, past: Past, end_us: int | None = None,
) -> tuple[State, list[Alert]]:
    """(after the last closed window, the alerts that any complete window from before.through_us on opened or changed).

    end_us: windows that start then or later are left for the next time.
    """
    size = about.window_us
    first, last = db.execute(sa.select(sa.func.min(units.c.window_us), sa.func.max(units.c.window_us)).where(
        *of_run(units, about), units.c.window_us >= about.marks.merged_us, units.c.records > 0)).one()
    if first is None:
        return before, []
    begin = max(before.through_us, first)
    after_last = 1 if about.kind == "backfill" else wanted.past + 1   # where an archive ends, nothing fell silent
    end = min(about.watermark_us // size * size, last + after_last * size) if end_us is None else end_us
    closed = min(about.closed_us // size * size, end)
    after, watched = before, before.watched
    found: dict[str, Alert] = {}
    shapes = DayShapes(db, about, first)
    if past.of != (about.job, about.run, begin) or past.names.remembered > MOST_NAMES:
        past.windows, past.names = [], Names()
    before_closed = past.windows
    for block in _blocks(db, about, begin, end, wanted, past):
        for window_us, said in signals(block, wanted.past, size, wanted, shapes, past.names):
            watched, changed = step(watched, about.job, window_us, size, said)
            found |= {alert.id: alert for alert in changed}
            if window_us < closed:
                after = State(window_us + size, watched)
        if any(counts.window_us < closed for counts in block[wanted.past:]) or not before_closed:
            before_closed = [counts for counts in block if counts.window_us < max(begin, closed)][-wanted.past:]
    past.of, past.windows = (about.job, about.run, after.through_us), before_closed
    return after, list(found.values())


def needed_us(db: sa.Connection, about: JobRow, wanted: Sensitivity) -> int | None:
    """Where the windows start that judging still reads: those before may be merged, and no alert changes. None: nothing is judged yet."""
    through_us: int | None = db.scalar(sa.select(alert_states.c.through_us).where(*of_run(alert_states, about)))
    if through_us is None:
        return None
    return (through_us - wanted.past * about.window_us) // DAY_US * DAY_US - DAYS * DAY_US


def memory_us(window_us: int, wanted: Sensitivity) -> int:
    """Windows that ended so long before those that are judged next are not read any more: needed_us for any hour of the day."""
    return wanted.past * window_us + (1 + DAYS) * DAY_US


def _blocks(db: sa.Connection, about: JobRow, begin: int, end: int, wanted: Sensitivity, past: Past) -> Iterator[list[Counts]]:
    """The windows in [begin, end), in blocks that each have wanted.past windows before them."""
    from_us = begin if past.windows else begin - wanted.past * about.window_us
    rows = cell_rows(db, about, max(from_us, about.marks.merged_us), end)
    every = count(rows, from_us, end, about.window_us, wanted.past, past.names)
    history = past.windows or list(itertools.islice(every, wanted.past))
    while block := list(itertools.islice(every, BLOCK)):
        yield history + block
        history = (history + block)[-wanted.past:]


def _row(about: JobRow, alert: Alert) -> dict[str, Any]:
    """The alert as it is to be stored, but for its reason."""
    return {
        "job": about.job, "run": about.run, "id": alert.id, "incident": alert.incident, "kind": str(alert.kind),
        "dimension": alert.series.dimension, "value": alert.series.value, "severity": str(alert.severity), "opened_us": alert.opened_us,
        "last_us": alert.last_us, "closed_us": alert.closed_us, "peak_us": alert.peak_us,
        "peak": msgspec.json.encode(alert.peak).decode()}


def _keep_reason(alert: Alert, row: dict[str, Any], stored: Mapping[str, Any] | None, before: State, after: State) -> bool:
    """Whether the stored reason holds, which is kept then. A reason costs some reading: it is found when the peak is new or has changed,
    and once more when its window is judged for good.
    """
    if stored is None or not (alert.peak_us < before.through_us or (alert.peak_us >= after.through_us and stored["peak"] == row["peak"])):
        return False
    row["reason"] = stored["reason"]
    return True


def _give_reasons(db: sa.Connection, about: JobRow, of: list[tuple[Alert, dict[str, Any]]], wanted: Sensitivity) -> None:
    """Puts the reasons into the rows. Alerts whose peaks are near each other are explained in one reading."""
    size = about.window_us
    waiting = sorted(of, key=lambda pair: pair[0].peak_us)
    while waiting:
        together = [pair for pair in waiting if pair[0].peak_us <= waiting[0][0].peak_us + wanted.lookback * size]
        waiting = waiting[len(together):]
        tallies = [(_spans(alert, size, wanted), Tally(alert.kind, alert.series), Tally(alert.kind, alert.series)) for alert, _ in together]
        begin_us = max(about.marks.merged_us, min(spans[0] for spans, *_ in tallies))
        for key, cell in cell_rows(db, about, begin_us, max(spans[3] for spans, *_ in tallies)):
            for (rest, rest_end, begin, end), now, usual in tallies:
                if begin <= key.window_us < end:
                    now.add(key, cell)
                elif rest <= key.window_us < rest_end:
                    usual.add(key, cell)
        for (alert, row), (_, now, usual) in zip(together, tallies, strict=True):
            row["reason"] = msgspec.json.encode(explain(alert.peak, now, usual)).decode()


def _spans(alert: Alert, size_us: int, wanted: Sensitivity) -> tuple[int, int, int, int]:
    """(begin and end of the windows of its baseline, begin and end of those of its peak)."""
    begin = alert.peak_us - (alert.peak.width - 1) * size_us
    rest_end = begin - wanted.gap * size_us
    return rest_end - wanted.lookback * size_us, rest_end, begin, alert.peak_us + size_us


def _state(db: sa.Connection, about: JobRow) -> State:
    row = db.execute(sa.select(alert_states).where(*of_run(alert_states, about))).one_or_none()
    return State() if row is None else State(row.through_us, msgspec.json.decode(row.watched, type=Watched))
