"""The emerging topics of a job, kept in its store: judged window by window, and again where late records changed one.

As with alerts, what is stored is a function of the stored windows alone: those that are closed are judged for good, and what is watched
after the last of them is kept; the complete ones after it are judged from there each time.
"""
import itertools
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa

from insights.alerts.detect import Sensitivity
from insights.emerging.columns import Names, Window, windows
from insights.emerging.find import find
from insights.emerging.rising import WANTED
from insights.emerging.topics import COOLING_WINDOWS, QUIET_WINDOWS, Topic, Topics, step
from insights.queries import JobRow, cell_rows, job_row, of_run
from insights.store import Store
from insights.tables import START_US, emerging_states, emerging_topics, units

MOST_WORDS = 2_000_000   # that are remembered before what was read is forgotten and read again


class State(NamedTuple):
    """Windows that start before through_us are judged for good; after them, `topics` are watched."""

    through_us: int = START_US
    topics: Topics = Topics()


@dataclass(slots=True)
class Past:
    """What somebody who judges again and again need not read again: the windows before those that are not judged for good."""

    of: tuple[str, int, int] = ("", 0, 0)   # job, run, through_us
    windows: list[Window] = field(default_factory=list)
    names: Names = field(default_factory=Names)


def judge_topics(store: Store, job: str, now_us: int, past: Past | None = None, wanted: Sensitivity = WANTED) -> int:
    """Brings the job's topics up to date; how many changed. Who runs it twice, or beside another, changes nothing.

    past: that of the calls before this one. Raises QueryError for an unknown job, StoreError.
    """
    with store.snapshot() as db:
        about = job_row(db, job)
        before = _state(db, about)
        after, found = judged(db, about, before, past or Past(), wanted)
        stored = {row["id"]: dict(row) for row in db.execute(sa.select(emerging_topics).where(
            *of_run(emerging_topics, about), sa.or_(
                emerging_topics.c.last_us >= before.through_us, emerging_topics.c.id.in_([topic.id for topic in found]),
                emerging_topics.c.closed_us >= before.through_us))).mappings()}
    settled = {topic.id: _row(about, topic) for topic in before.topics.topics if topic.told}   # what late windows had made of them goes
    wanted_rows = settled | {topic.id: _row(about, topic) for topic in found}
    gone = stored.keys() - wanted_rows.keys()
    rows = [row for name, row in wanted_rows.items() if (name in stored or name not in settled or row != settled[name])
            and any(stored.get(name, {}).get(column) != value for column, value in row.items())]
    if not rows and not gone and after == before:
        return 0
    with store.transaction() as db:
        if _state(db, about) != before:   # somebody else was here
            return 0
        db.execute(emerging_topics.delete().where(
            *of_run(emerging_topics, about), emerging_topics.c.id.in_([*gone, *(row["id"] for row in rows)])))
        if rows:
            db.execute(emerging_topics.insert(), [{**row, "updated_us": now_us} for row in rows])
        db.execute(emerging_states.delete().where(*of_run(emerging_states, about)))
        db.execute(emerging_states.insert().values(
            job=job, run=about.run, through_us=after.through_us, watched=msgspec.json.encode(after.topics).decode()))
    return len(rows) + len(gone)


def judged(db: sa.Connection, about: JobRow, before: State, past: Past, wanted: Sensitivity) -> tuple[State, list[Topic]]:
    """(after the last closed window, the topics that any complete window from before.through_us on opened, changed or closed)."""
    size = about.window_us
    first, last = db.execute(sa.select(sa.func.min(units.c.window_us), sa.func.max(units.c.window_us)).where(
        *of_run(units, about), units.c.window_us >= about.marks.merged_us, units.c.records > 0)).one()
    if first is None:
        return before, []
    begin = max(before.through_us, first)
    after_last = 1 if about.kind == "backfill" else QUIET_WINDOWS + COOLING_WINDOWS + 1   # where an archive ends, nothing ends
    end = min(about.watermark_us // size * size, last + after_last * size)
    closed = min(about.closed_us // size * size, end)
    if past.of != (about.job, about.run, begin) or len(past.names.words.names) > MOST_WORDS:
        past.windows, past.names = [], Names()
    from_us = begin if past.windows else begin - wanted.past * size
    every = windows(cell_rows(db, about, max(from_us, about.marks.merged_us), end), from_us, end, size, wanted.past, past.names)
    history = past.windows or list(itertools.islice(every, wanted.past))
    after, topics, remembered = before, before.topics, history
    found: dict[str, Topic] = {}
    for window in every:
        history = [*history, window][-wanted.past - 1:]
        topics, changed = step(topics, about.job, window.window_us, size, find(history, size, past.names, wanted))
        found |= {topic.id: topic for topic in changed}
        if window.window_us < closed:
            after, remembered = State(window.window_us + size, topics), history
    past.of, past.windows = (about.job, about.run, max(after.through_us, first)), remembered[-wanted.past:]
    return after, list(found.values())


def _row(about: JobRow, topic: Topic) -> dict[str, Any]:
    """As it is stored."""
    return {
        "job": about.job, "run": about.run, "id": topic.id, "name": msgspec.json.encode(topic.name).decode(), "opened_us": topic.opened_us,
        "last_us": topic.last_us, "closed_us": topic.closed_us, "records": round(topic.records),
        "members": msgspec.json.encode({word: round(weight, 2) for word, weight in topic.words.items()}).decode()}


def _state(db: sa.Connection, about: JobRow) -> State:
    row = db.execute(sa.select(emerging_states).where(*of_run(emerging_states, about))).one_or_none()
    return State() if row is None else State(row.through_us, msgspec.json.decode(row.watched, type=Topics))
