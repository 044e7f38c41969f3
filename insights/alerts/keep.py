"""The alerts of a job, kept in its store; who judges again and again keeps in memory what it has read."""
import itertools
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import sqlalchemy as sa

from insights import judging
from insights.alerts.baseline import DAY_US
from insights.alerts.detect import Sensitivity
from insights.alerts.explain import Tally, explain
from insights.alerts.judge import Alert, Watched, step
from insights.alerts.series import Counts, Names, count, signals
from insights.alerts.shapes import DAYS, DayShapes
from insights.judging import Found, Judging, State, span
from insights.queries import JobRow, cell_rows, of_run
from insights.store import Store
from insights.tables import alert_states, alerts

BLOCK = 240   # windows that are judged together


class Past(judging.Past[Counts, Names]):
    """Of windows whose series are counted."""

    def __init__(self) -> None:
        super().__init__(Names)


def judge(
    store: Store, job: str, wanted: Sensitivity, now_us: int, past: Past | None = None, told: Callable[[int], None] | None = None,
) -> int:
    """Brings the job's alerts up to date; how many changed. Who runs it twice, or beside another, changes nothing.

    past: that of the calls before this one. told: hears of pieces that are done. Raises QueryError for an unknown job, StoreError.
    """
    remembered = past or Past()

    def find(db: sa.Connection, about: JobRow, before: State[Watched], end_us: int | None) -> Found[Watched]:
        after, found = judged(db, about, before, wanted, remembered, end_us)
        opened = alerts.c.opened_us >= before.through_us, *(() if end_us is None else (alerts.c.opened_us < end_us,))
        stored = {row["id"]: dict(row) for row in db.execute(sa.select(alerts).where(
            *of_run(alerts, about), sa.or_(sa.and_(*opened), alerts.c.id.in_([alert.id for alert in found])))).mappings()}
        rows = {alert.id: _row(alert) for alert in found}
        _give_reasons(db, about, [(alert, rows[alert.id]) for alert in found
                                  if not _keep_reason(alert, rows[alert.id], stored.get(alert.id), before, after)], wanted)
        return Found(after, rows, stored)

    return Judging(alerts, alert_states, Watched(), find).bring_up_to_date(store, job, now_us, told)


def judged(
    db: sa.Connection, about: JobRow, before: State[Watched], wanted: Sensitivity, past: Past, end_us: int | None = None,
) -> tuple[State[Watched], list[Alert]]:
    """(after the last closed window, the alerts that any complete window from before.through_us on opened or changed).

    end_us: windows that start then or later are left for the next time.
    """
    size = about.window_us
    due = span(db, about, before.through_us, wanted.past + 1, end_us)
    if due is None:
        return before, []
    after, watched = before, before.watched
    found: dict[str, Alert] = {}
    shapes = DayShapes(db, about, due.first_us)
    history, every = judging.read(db, about, due, past, wanted.past, count)
    before_closed = past.windows
    while new := list(itertools.islice(every, BLOCK)):
        block = history + new
        for window_us, said in signals(block, wanted.past, size, wanted, shapes, past.names):
            watched, changed = step(watched, about.job, window_us, size, said)
            found |= {alert.id: alert for alert in changed}
            if window_us < due.closed_us:
                after = State(window_us + size, watched)
        if any(counts.window_us < due.closed_us for counts in block[wanted.past:]) or not before_closed:
            before_closed = [counts for counts in block if counts.window_us < max(due.begin_us, due.closed_us)][-wanted.past:]
        history = block[-wanted.past:]
    past.keep(about, max(after.through_us, due.first_us), before_closed)
    return after, list(found.values())


def needed_us(db: sa.Connection, about: JobRow, wanted: Sensitivity) -> int | None:
    """Where the windows start that judging still reads: those before may be merged, and no alert changes. None: nothing is judged yet."""
    through_us = judging.through_us(db, about, alert_states)
    if through_us is None:
        return None
    return (through_us - wanted.past * about.window_us) // DAY_US * DAY_US - DAYS * DAY_US


def memory_us(window_us: int, wanted: Sensitivity) -> int:
    """Windows that ended so long before those that are judged next are not read any more: needed_us for any hour of the day."""
    return wanted.past * window_us + (1 + DAYS) * DAY_US


def _row(alert: Alert) -> dict[str, Any]:
    """The alert as it is to be stored, but for its reason."""
    return {
        "id": alert.id, "incident": alert.incident, "kind": str(alert.kind), "dimension": alert.series.dimension,
        "value": alert.series.value, "severity": str(alert.severity), "opened_us": alert.opened_us, "last_us": alert.last_us,
        "closed_us": alert.closed_us, "peak_us": alert.peak_us, "peak": msgspec.json.encode(alert.peak).decode()}


def _keep_reason(alert: Alert, row: dict[str, Any], stored: Mapping[str, Any] | None, before: State[Watched],
                 after: State[Watched]) -> bool:
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
