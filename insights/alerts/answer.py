"""What people answer to alerts: that somebody looks after an incident, and what nobody is to be told of for a while."""
import datetime as dt
from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from insights.queries import JobRow, QueryError, job_row, of_run
from insights.store import Store
from insights.tables import acknowledgements, alerts, deliveries, messages, mutes
from schemas.records import time_of


class Mute(msgspec.Struct, kw_only=True):
    """Alerts of which no message is made. An empty kind or dimension is any."""

    id: int
    kind: str
    dimension: str
    value: str
    until: dt.datetime
    note: str


class Delivery(msgspec.Struct, kw_only=True):
    """A message at one target. due: of the next attempt."""

    message: str
    type: str
    target: str
    state: str
    attempts: int
    made: dt.datetime
    due: dt.datetime | None
    done: dt.datetime | None
    error: str


def acknowledge(store: Store, job: str, name: str, note: str, now_us: int) -> str:
    """Somebody looks after the incident of that name (see incident_of), which is given back. Raises QueryError."""
    with store.transaction() as db:
        incident = incident_of(db, job_row(db, job), name)
        of = acknowledgements.c.job == job, acknowledgements.c.incident == incident
        db.execute(acknowledgements.delete().where(*of))
        db.execute(acknowledgements.insert().values(job=job, incident=incident, note=note, at_us=now_us))
        return incident


def incident_of(db: sa.Connection, about: JobRow, name: str) -> str:
    """name: of an alert or an incident, or how it begins, if only one does. Raises QueryError."""
    starts = sa.or_(alerts.c.id.startswith(name, autoescape=True), alerts.c.incident.startswith(name, autoescape=True))
    found = sorted(db.scalars(sa.select(alerts.c.incident).where(*of_run(alerts, about), starts).distinct()))
    if len(found) != 1:
        which = f"it may be {', '.join(found[:5])}" if found else "`textpulse alerts list` names them"
        raise QueryError(f"{name}: {'more than one' if found else 'no'} incident or alert of job {about.job!r} begins so; {which}")
    return str(found[0])


def mute(store: Store, job: str, kind: str, dimension: str, value: str, until_us: int, note: str) -> int:
    """The number of the new mute. Raises QueryError for an unknown job."""
    with store.transaction() as db:
        job_row(db, job)
        return int(db.execute(mutes.insert().values(
            job=job, kind=kind, dimension=dimension, value=value, until_us=until_us, note=note).returning(mutes.c.id)).scalar_one())


def unmute(store: Store, job: str, number: int) -> None:
    """Raises QueryError when there is no such mute."""
    with store.transaction() as db:
        if not db.execute(mutes.delete().where(mutes.c.job == job, mutes.c.id == number)).rowcount:
            raise QueryError(f"{number}: job {job!r} has no such mute; `textpulse alerts mute` names them")


def muted(store: Store, job: str, now_us: int) -> Sequence[Mute]:
    """Those that have not ended, which ends first comes first. Raises QueryError for an unknown job."""
    with store.snapshot() as db:
        job_row(db, job)
        rows = db.execute(sa.select(mutes).where(mutes.c.job == job, mutes.c.until_us > now_us).order_by(mutes.c.until_us, mutes.c.id))
        return [Mute(id=row.id, kind=row.kind, dimension=row.dimension, value=row.value, until=time_of(row.until_us), note=row.note)
                for row in rows]


def sent(store: Store, job: str, last: int) -> Sequence[Delivery]:
    """The job's last messages at every target, the oldest first. Raises QueryError for an unknown job."""
    with store.snapshot() as db:
        job_row(db, job)
        rows = db.execute(
            sa.select(deliveries, messages.c.body, messages.c.made_us).join(messages, messages.c.id == deliveries.c.message)
            .where(messages.c.job == job).order_by(messages.c.made_us.desc(), messages.c.id.desc(), deliveries.c.target).limit(last)).all()
    return [_delivery(row) for row in reversed(rows)]


def _delivery(row: Any) -> Delivery:
    return Delivery(
        message=row.message, type=msgspec.json.decode(row.body)["type"], target=row.target, state=row.state, attempts=row.attempts,
        made=time_of(row.made_us), due=time_of(row.due_us) if row.state == "pending" else None,
        done=None if row.done_us is None else time_of(row.done_us), error=row.error)
