"""The dead letters of a store: where each stands, how many of each reason, and page after page of them, the newest first."""
from collections.abc import Sequence
from enum import StrEnum
from typing import Any

import msgspec
import sqlalchemy as sa

from insights.tables import dead_letters, fixes, jobs, outcomes
from schemas.records import Reason, time_of


class Place(msgspec.Struct, frozen=True, array_like=True):
    """Where a page of letters ends, in the order in which they are listed."""

    first_seen_us: int
    origin: str
    offset: int
    reason: str


class State(StrEnum):
    """Where a dead letter stands."""

    DEAD = "dead"          # nothing was done yet
    FIXED = "fixed"        # a fix is kept for it
    REPLAYED = "replayed"  # it counts in its window
    DROPPED = "dropped"    # given up


def of_letter(table: sa.Table) -> sa.ColumnElement[bool]:
    """Joins originals, fixes or outcomes to dead_letters."""
    return sa.and_(*(table.c[name] == dead_letters.c[name] for name in ("job", "run", "origin", "offset")))


def beside(column: sa.ColumnElement[Any], table: sa.Table) -> sa.ScalarSelect[Any]:
    """What a row of originals, fixes or outcomes says of the dead letter in a query; null where there is none."""
    return sa.select(column).where(of_letter(table)).correlate(dead_letters).scalar_subquery()


state_of: sa.ColumnElement[str] = sa.case(
    (dead_letters.c.reason == Reason.GAP, State.DEAD.value),   # no record: it may name the offset of one
    else_=sa.func.coalesce(
        beside(outcomes.c.outcome, outcomes), sa.case((sa.exists().where(of_letter(fixes)).correlate(dead_letters), State.FIXED.value)),
        State.DEAD.value))
"""The state of a row of dead_letters."""
counted: sa.ColumnElement[bool] = sa.exists().where(
    of_letter(outcomes), outcomes.c.outcome == State.REPLAYED, dead_letters.c.reason != Reason.GAP).correlate(dead_letters)
"""True for a letter that was replayed, and counts in a window by now."""


def readable(query: sa.Select[Any], where: Sequence[sa.ColumnElement[bool]]) -> sa.Select[Any]:
    """A query on dead_letters, of streams and of the current run of a backfill."""
    current = sa.or_(jobs.c.kind == "stream", dead_letters.c.run == jobs.c.current_run)
    return query.join(jobs, sa.and_(jobs.c.job == dead_letters.c.job, current)).where(*where)


def by_reason(db: sa.Connection, where: Sequence[sa.ColumnElement[bool]]) -> dict[str, int]:
    """Reason -> letters, the most frequent first."""
    number = sa.func.count().label("letters")
    query = readable(sa.select(dead_letters.c.reason, number), where).group_by(dead_letters.c.reason)
    return {row.reason: row.letters for row in db.execute(query.order_by(number.desc(), dead_letters.c.reason))}


def letters_page(
    db: sa.Connection, where: Sequence[sa.ColumnElement[bool]], after: Place | None = None, size: int = 50,
) -> tuple[Sequence[dict[str, Any]], Place | None]:
    """The letters of one job that come after that place, and the place after which the next page comes; None when there is none."""
    columns = dead_letters.c
    order = (columns.first_seen_us, columns.origin, columns.offset, columns.reason)
    beyond = [] if after is None else [sa.tuple_(*order) < sa.tuple_(*msgspec.structs.astuple(after))]
    chosen = sa.select(dead_letters, state_of.label("state"))
    query = readable(chosen, [*where, *beyond]).order_by(*(column.desc() for column in order)).limit(size + 1)
    rows = [dict(row) for row in db.execute(query).mappings()]
    last = rows[size - 1] if len(rows) > size else None
    place = None if last is None else Place(last["first_seen_us"], last["origin"], last["offset"], last["reason"])
    return [plain(row) for row in rows[:size]], place


def plain(row: dict[str, Any]) -> dict[str, Any]:
    """A row of dead_letters with times in ISO 8601 and headers as a mapping."""
    window_us = row.pop("window_us")
    row["window"] = None if window_us is None else time_of(window_us).isoformat()
    row["first_seen"] = time_of(row.pop("first_seen_us")).isoformat()
    row["headers"] = msgspec.json.decode(row["headers"])
    return row
