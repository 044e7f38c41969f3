"""The emerging topics of a job, kept in its store; who judges again and again keeps in memory what it has read."""
from collections.abc import Callable
from typing import Any

import msgspec
import sqlalchemy as sa

from insights import judging
from insights.alerts.detect import Sensitivity
from insights.emerging.columns import Names, Window, windows
from insights.emerging.find import find
from insights.emerging.rising import WANTED
from insights.emerging.topics import COOLING_WINDOWS, QUIET_WINDOWS, Topic, Topics, step
from insights.judging import Found, Judging, State, span
from insights.queries import JobRow, of_run
from insights.store import Store
from insights.tables import emerging_states, emerging_topics


class Past(judging.Past[Window, Names]):
    """Of windows with their words."""

    def __init__(self) -> None:
        super().__init__(Names)


def judge_topics(
    store: Store, job: str, now_us: int, past: Past | None = None, wanted: Sensitivity = WANTED,
    told: Callable[[int], None] | None = None,
) -> int:
    """Brings the job's topics up to date; how many changed. Who runs it twice, or beside another, changes nothing.

    past: that of the calls before this one. told: hears of pieces that are done. Raises QueryError for an unknown job, StoreError.
    """
    remembered = past or Past()

    def find_rows(db: sa.Connection, about: JobRow, before: State[Topics], end_us: int | None) -> Found[Topics]:
        after, found = judged(db, about, before, remembered, wanted, end_us)
        settled = [topic for topic in before.watched.topics if topic.told]   # what late windows had made of them goes
        rows = {topic.id: _row(topic) for topic in [*settled, *found]}
        table = emerging_topics.c
        since = sa.or_(table.last_us >= before.through_us, table.closed_us >= before.through_us)
        until = sa.true() if end_us is None else table.opened_us < end_us
        stored = db.execute(sa.select(emerging_topics).where(
            *of_run(emerging_topics, about), sa.or_(sa.and_(since, until), table.id.in_(list(rows))))).mappings()
        return Found(after, rows, {row["id"]: dict(row) for row in stored})

    return Judging(emerging_topics, emerging_states, Topics(), find_rows).bring_up_to_date(store, job, now_us, told)


def judged(
    db: sa.Connection, about: JobRow, before: State[Topics], past: Past, wanted: Sensitivity, end_us: int | None = None,
) -> tuple[State[Topics], list[Topic]]:
    """(after the last closed window, the topics that any complete window from before.through_us on opened, changed or closed).

    end_us: windows that start then or later are left for the next time.
    """
    size = about.window_us
    due = span(db, about, before.through_us, QUIET_WINDOWS + COOLING_WINDOWS + 1, end_us)
    if due is None:
        return before, []
    history, every = judging.read(db, about, due, past, wanted.past, windows)
    after, topics, remembered = before, before.watched, history
    found: dict[str, Topic] = {}
    for window in every:
        history = [*history, window][-wanted.past - 1:]
        topics, changed = step(topics, about.job, window.window_us, size, find(history, size, past.names, wanted))
        found |= {topic.id: topic for topic in changed}
        if window.window_us < due.closed_us:
            after, remembered = State(window.window_us + size, topics), history
    past.keep(about, max(after.through_us, due.first_us), remembered[-wanted.past:])
    return after, list(found.values())


def needed_us(db: sa.Connection, about: JobRow, wanted: Sensitivity = WANTED) -> int | None:
    """Where the windows start that judging still reads: those before may be merged, and no topic changes. None: nothing is judged yet."""
    through_us = judging.through_us(db, about, emerging_states)
    return None if through_us is None else through_us - wanted.past * about.window_us


def _row(topic: Topic) -> dict[str, Any]:
    """As it is stored."""
    return {
        "id": topic.id, "name": msgspec.json.encode(topic.name).decode(), "opened_us": topic.opened_us, "last_us": topic.last_us,
        "closed_us": topic.closed_us, "merged_into": topic.into, "records": round(topic.records),
        "members": msgspec.json.encode({word: round(weight, 2) for word, weight in topic.words.items()}).decode()}
