"""The dead letters of a job: how many of each reason, and page after page of them, the newest first."""
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from insights.queries import JobRow
from insights.tables import dead_letters
from schemas.records import time_of


class Place(msgspec.Struct, frozen=True, array_like=True):
    """Where a page of letters ends, in the order in which they are listed."""

    first_seen_us: int
    origin: str
    offset: int
    reason: str


def by_reason(db: sa.Connection, about: JobRow) -> dict[str, int]:
    """Reason -> letters, the most frequent first."""
    number = sa.func.count().label("letters")
    query = sa.select(dead_letters.c.reason, number).where(*_of_job(about)).group_by(dead_letters.c.reason)
    return {row.reason: row.letters for row in db.execute(query.order_by(number.desc(), dead_letters.c.reason))}


def letters_page(
    db: sa.Connection, about: JobRow, *, reason: str = "", after: Place | None = None, size: int = 50,
) -> tuple[Sequence[Mapping[str, Any]], Place | None]:
    """Letters with times as datetimes and headers as a mapping; and where the next page begins, None when there is none."""
    columns = dead_letters.c
    order = (columns.first_seen_us, columns.origin, columns.offset, columns.reason)
    query = sa.select(dead_letters).where(*_of_job(about)).order_by(*(column.desc() for column in order)).limit(size + 1)
    if reason:
        query = query.where(columns.reason == reason)
    if after:
        query = query.where(sa.tuple_(*order) < sa.tuple_(*msgspec.structs.astuple(after)))
    rows = [dict(row) for row in db.execute(query).mappings()]
    more = len(rows) > size
    found = rows[:size]
    last = found[-1] if more else None
    place = None if last is None else Place(last["first_seen_us"], last["origin"], last["offset"], last["reason"])
    return [plain(row) for row in found], place


def plain(row: dict[str, Any]) -> dict[str, Any]:
    """A row of dead_letters with times instead of microseconds and headers as a mapping."""
    window_us = row.pop("window_us")
    row["window"] = None if window_us is None else time_of(window_us)
    row["first_seen"] = time_of(row.pop("first_seen_us"))
    row["headers"] = msgspec.json.decode(row["headers"])
    return row


def _of_job(about: JobRow) -> Sequence[sa.ColumnElement[bool]]:
    """A stream's letters of every run, a backfill's of the current one."""
    of_job = [dead_letters.c.job == about.job]
    return of_job if about.kind == "stream" else [*of_job, dead_letters.c.run == about.run]
