"""Stored topics, as they are told."""
import datetime as dt
from collections.abc import Iterator

import msgspec
import sqlalchemy as sa

from insights.emerging.topics import text_of
from insights.queries import JobRow, of_run
from insights.tables import emerging_topics
from schemas.records import time_of


class Member(msgspec.Struct, kw_only=True):
    """A word of a topic. kind: term or entity. type: of an entity. weight: records more than expected, of which older ones count less."""

    kind: str
    type: str = ""
    text: str
    weight: float


class Told(msgspec.Struct, kw_only=True):
    """A stored topic. opened: start of its first window. last: end of its last one so far. closed: end of the window that closed it.

    into: id of the topic that it went into, when that closed it.
    records: more than expected, of its most frequent word: at least so many the topic brought.
    """

    id: str
    name: str
    opened: dt.datetime
    last: dt.datetime
    closed: dt.datetime | None
    into: str | None
    records: int
    members: list[Member]


def told(
    db: sa.Connection, about: JobRow, *, from_us: int | None = None, to_us: int | None = None, only_open: bool = False,
) -> Iterator[Told]:
    """The job's topics that were open at some time in [from_us, to_us), the oldest first."""
    rows = emerging_topics.c
    query = sa.select(emerging_topics).where(*of_run(emerging_topics, about)).order_by(rows.opened_us, rows.id)
    if from_us is not None:
        query = query.where(sa.or_(rows.closed_us.is_(None), rows.closed_us > from_us - about.window_us))
    if to_us is not None:
        query = query.where(rows.opened_us < to_us)
    if only_open:
        query = query.where(rows.closed_us.is_(None))
    for row in db.execute(query):
        members = msgspec.json.decode(row.members, type=dict[str, float])
        yield Told(
            id=row.id, name=", ".join(text_of(word) for word in msgspec.json.decode(row.name, type=list[str])),
            opened=time_of(row.opened_us), last=time_of(row.last_us + about.window_us),
            closed=None if row.closed_us is None else time_of(row.closed_us + about.window_us), into=row.merged_into,
            records=row.records,
            members=[_member(word, weight) for word, weight in members.items()])


def _member(word: str, weight: float) -> Member:
    kind, *middle, text = word.split("\t")
    return Member(kind=kind, type="".join(middle), text=text, weight=weight)
