"""What is told of incidents, and when: messages that are put into the outbox, each once, whoever asks and however often."""
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any

import msgspec
import sqlalchemy as sa

from insights.alerts.judge import Severity
from insights.alerts.say import Told, headline, told
from insights.queries import JobRow, job_row, of_run
from insights.store import Store
from insights.tables import acknowledgements, alerts, announced, deliveries, incidents, messages, mutes
from schemas.records import time_of


class State(StrEnum):
    """Of an incident, as it was told. withdrawn: late records have refuted it."""

    OPEN = "open"
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"


class Event(StrEnum):
    """The type of a message."""

    OPENED = "incident.opened"
    CHANGED = "incident.changed"       # more alerts, or critical by now
    CLOSED = "incident.closed"
    REOPENED = "incident.reopened"
    WITHDRAWN = "incident.withdrawn"


class Said(msgspec.Struct, frozen=True):
    """An incident, as far as it matters for whether a message is due. alerts: their ids, sorted."""

    state: State
    severity: Severity
    alerts: tuple[str, ...]


class Incident(msgspec.Struct, kw_only=True):
    """What a message says. title: the alert that tells most. revision: counts the messages of the incident from 1."""

    job: str
    incident: str
    revision: int
    state: State
    severity: Severity
    title: str
    opened: Any
    closed: Any
    alerts: Sequence[Told]


class Message(msgspec.Struct, kw_only=True):
    """A message as it is sent, in the form of Standard Webhooks (standardwebhooks.com): timestamp is when it was made."""

    type: Event
    timestamp: Any
    data: Incident


def due(before: Said | None, now: Said | None, quiet: bool) -> tuple[Event, Said] | None:
    """The message that is due and what has been said with it, or None. After it another one may be due.

    before: what was said last. now: what holds, None where no alert is left. quiet: acknowledged or muted: only ends are told.
    """
    if now is None:
        gone = before is not None and before.state is not State.WITHDRAWN
        return (Event.WITHDRAWN, msgspec.structs.replace(before, state=State.WITHDRAWN)) if gone and before else None
    opened = msgspec.structs.replace(now, state=State.OPEN)
    if before is None or before.state is State.WITHDRAWN:
        return None if quiet else (Event.OPENED if before is None else Event.REOPENED, opened)
    if now.state is State.CLOSED:
        return (Event.CLOSED, now) if before.state is State.OPEN else None
    if quiet:
        return None
    if before.state is State.CLOSED:
        return Event.REOPENED, opened
    more = set(now.alerts) - set(before.alerts) or (now.severity is Severity.CRITICAL) > (before.severity is Severity.CRITICAL)
    return (Event.CHANGED, opened) if more else None


def announce(store: Store, job: str, targets: Sequence[str], now_us: int) -> int:
    """Puts the messages that are due into the outbox, one delivery for each target; how many messages.

    Incidents that had ended when this was first done for the job are not told. Raises QueryError, StoreError.
    """
    with store.transaction() as db:
        about = job_row(db, job)
        since_us = _since(store, db, about)
        known = {row.id: (row.revision, msgspec.json.decode(row.said, type=Said)) for row in db.execute(
            sa.select(incidents).where(*of_run(incidents, about)))}
        acknowledged = set(db.scalars(sa.select(acknowledgements.c.incident).where(acknowledgements.c.job == job)))
        silent = db.execute(sa.select(mutes).where(mutes.c.job == job, mutes.c.until_us > now_us)).all()
        rows = _by_incident(db, about)
        made = 0
        for name in sorted(rows.keys() | known.keys()):
            revision, before = known.get(name, (0, None))
            if before is None and all(row.closed_us is not None and row.closed_us + about.window_us <= since_us for row in rows[name]):
                continue
            begun = revision
            for event, said in _events(before, rows.get(name, []), silent, name in acknowledged):
                revision, before = revision + 1, said
                _put(db, about, name, revision, event, said, targets, now_us)
            if revision > begun and before is not None:
                db.execute(incidents.delete().where(*of_run(incidents, about), incidents.c.id == name))
                db.execute(incidents.insert().values(
                    job=job, run=about.run, id=name, revision=revision, said=msgspec.json.encode(before).decode()))
            made += revision - begun
        return made


def _since(store: Store, db: sa.Connection, about: JobRow) -> int:
    """Locks the job's row, so that of two who announce one waits for the other."""
    db.execute(store.upserts.announced, {"job": about.job, "since_us": about.watermark_us})
    return int(db.execute(sa.select(announced.c.since_us).where(announced.c.job == about.job).with_for_update()).scalar_one())


def _by_incident(db: sa.Connection, about: JobRow) -> dict[str, list[Any]]:
    wanted = (alerts.c.id, alerts.c.incident, alerts.c.kind, alerts.c.dimension, alerts.c.value, alerts.c.severity, alerts.c.closed_us)
    found: dict[str, list[Any]] = {}
    for row in db.execute(sa.select(*wanted).where(*of_run(alerts, about)).order_by(alerts.c.id)):
        found.setdefault(row.incident, []).append(row)
    return found


def _events(before: Said | None, rows: Sequence[Any], silent: Sequence[Any], acknowledged: bool) -> Iterator[tuple[Event, Said]]:
    """One after the other, what is due. Of muted alerts those are left out that were not told before."""
    muted = {row.id for row in rows if any(mutes_it(mute, row) for mute in silent)}
    seen = [row for row in rows if row.id not in muted or (before is not None and row.id in before.alerts)]
    quiet = acknowledged or (bool(seen) and all(row.id in muted for row in seen))
    now = said_of(seen)
    if rows and now is None:   # all of it is muted: that refutes nothing
        return
    while step := due(before, now, quiet):
        before = step[1]
        yield step


def mutes_it(mute: Any, alert: Any) -> bool:
    """Whether a row of mutes speaks of a row of alerts; what the mute leaves empty is anything."""
    return mute.kind in ("", alert.kind) and (mute.dimension == "" or (mute.dimension, mute.value) == (alert.dimension, alert.value))


def said_of(rows: Sequence[Any]) -> Said | None:
    """Of the rows of an incident's alerts; None for no row."""
    if not rows:
        return None
    state = State.OPEN if any(row.closed_us is None for row in rows) else State.CLOSED
    severity = Severity.CRITICAL if any(row.severity == Severity.CRITICAL for row in rows) else Severity.WARNING
    return Said(state, severity, tuple(sorted(row.id for row in rows)))


def _put(
    db: sa.Connection, about: JobRow, name: str, revision: int, event: Event, said: Said, targets: Iterable[str], now_us: int,
) -> None:
    found = [alert for alert in told(db, about, incident=name) if alert.id in said.alerts]
    closed = [alert.closed for alert in found]
    data = Incident(
        job=about.job, incident=name, revision=revision, state=said.state, severity=said.severity,
        title=headline(found).what if found else "", opened=min((alert.opened for alert in found), default=None),
        closed=None if said.state is State.OPEN or None in closed else max(filter(None, closed), default=None), alerts=found)
    number = f"{name}-{revision}"
    body = msgspec.json.encode(Message(type=event, timestamp=time_of(now_us), data=data)).decode()
    db.execute(messages.insert().values(id=number, job=about.job, incident=name, body=body, made_us=now_us))
    rows: list[Mapping[str, Any]] = [
        {"message": number, "target": target, "state": "pending", "attempts": 0, "due_us": now_us, "error": ""} for target in targets]
    if rows:
        db.execute(deliveries.insert(), rows)
