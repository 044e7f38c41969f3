"""An alert in words."""
import datetime as dt
from collections.abc import Iterator, Sequence

import msgspec
import sqlalchemy as sa

from insights.alerts.explain import Reason
from insights.alerts.judge import MOODS, WORDS, Kind, Series, Severity, Signal
from insights.queries import JobRow, of_run
from insights.tables import acknowledgements, alerts
from schemas.records import time_of

SHARES = (*MOODS, Kind.TOPIC, *WORDS)


class Told(msgspec.Struct, kw_only=True):
    """A stored alert. opened: start of its first window. last: end of its last one so far. closed: end of the window that closed it."""

    id: str
    incident: str
    severity: Severity
    kind: Kind
    series: Series
    what: str
    why: str
    opened: dt.datetime
    last: dt.datetime
    closed: dt.datetime | None
    peak: Signal
    reason: Reason
    acknowledged: bool


def told(
    db: sa.Connection, about: JobRow, *, from_us: int | None = None, to_us: int | None = None, severity: str = "", only_open: bool = False,
    incident: str = "",
) -> Iterator[Told]:
    """The job's alerts that were open at some time in [from_us, to_us), the oldest first."""
    known = sa.and_(acknowledgements.c.job == alerts.c.job, acknowledgements.c.incident == alerts.c.incident)
    query = (
        sa.select(alerts, acknowledgements.c.at_us.label("acknowledged_us")).outerjoin(acknowledgements, known)
        .where(*of_run(alerts, about)).order_by(alerts.c.opened_us, alerts.c.id))
    if from_us is not None:
        query = query.where(sa.or_(alerts.c.closed_us.is_(None), alerts.c.closed_us > from_us - about.window_us))
    if to_us is not None:
        query = query.where(alerts.c.opened_us < to_us)
    if severity:
        query = query.where(alerts.c.severity == severity)
    if incident:
        query = query.where(alerts.c.incident == incident)
    if only_open:
        query = query.where(alerts.c.closed_us.is_(None))
    for row in db.execute(query):
        peak, reason = msgspec.json.decode(row.peak, type=Signal), msgspec.json.decode(row.reason, type=Reason)
        yield Told(
            id=row.id, incident=row.incident, severity=Severity(row.severity), kind=Kind(row.kind), series=peak.series,
            what=what(peak, about.window_us), why=", ".join(why(reason, peak.observed >= peak.expected)), opened=time_of(row.opened_us),
            last=time_of(row.last_us + about.window_us),
            closed=None if row.closed_us is None else time_of(row.closed_us + about.window_us), peak=peak, reason=reason,
            acknowledged=row.acknowledged_us is not None)


def headline(found: Sequence[Told]) -> Told:
    """The alert that says most of its incident: a critical one, of volume before moods before shares, of all before a part, the largest."""
    kinds = list(Kind)
    return min(found, key=lambda one: (
        one.severity is not Severity.CRITICAL, kinds.index(one.kind), one.series.dimension != "all", -one.peak.size, one.id))


def what(signal: Signal, window_us: int) -> str:
    """Such as "source tickets: 63 records in 2 min, 28.7 expected"."""
    span = _length(signal.width * window_us)
    kind, value = signal.series.dimension, signal.series.value.replace("\t", " ")
    who = "all" if kind == "all" else f"{kind} {value or '(none)'}"
    if signal.kind not in SHARES:
        return f"{who}: {signal.observed:,} records in {span}, {_number(signal.expected)} expected"
    share, usual = (f"{part / max(signal.whole, 1):.0%}" for part in (signal.observed, signal.expected))
    part = "negative " if signal.kind in MOODS else ""
    return f"{who}: {signal.observed:,} {part}of {signal.whole:,} records in {span} ({share}), {usual} expected"


def why(reason: Reason, more: bool) -> Sequence[str]:
    """Such as "term hold 6 for 0.2"; the largest part of the change first."""
    ranked = sorted(reason.contributors, key=lambda one: (-one.part, one.dimension, one.value))
    return [
        f"{one.dimension} {one.value.replace(chr(9), ' ') or '(none)'} {one.observed:,} for {_number(one.expected)}" for one in ranked
        if more == (one.observed >= one.expected)]


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def _length(length_us: int) -> str:
    seconds = length_us // 1_000_000
    for unit, name in ((3600, "h"), (60, "min")):
        if seconds and seconds % unit == 0:
            return f"{seconds // unit} {name}"
    return f"{length_us / 1e6:g} s"
