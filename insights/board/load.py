"""The copy of a job: read from the store once, and then only what changed since."""
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from insights.board.columns import DEAD, MOST_ROWS, Builder, Codes, Group, Segment, tidied
from insights.queries import JobRow, of_run
from insights.tables import cells, units

UNITS_AT_ONCE = 500
Revisions = NDArray[np.int64]   # [2, units], by id: the id, and a hash of all the row says: SQLite gives the id of a removed unit again

_ROW = [column for column in units.c if column.name != "published"]
_COUNTS = (cells.c.records, cells.c.negative, cells.c.neutral, cells.c.positive)
_cells_of = (
    sa.select(units.c.id, units.c.window_us, units.c.source, units.c.product, cells.c.lang, cells.c.topic, *_COUNTS, cells.c.detail)
    .join(cells, cells.c.unit == units.c.id).where(units.c.id.in_(sa.bindparam("ids", expanding=True))))


@dataclass(frozen=True, slots=True, eq=False)
class Copy:
    """A job as it stood at one moment. first_us, end_us: from its first window's start to its last one's end; 0 without a record.
    vocabulary: so many of the words are in it.

    places: int32[4, G], the numbers of each group's source, product, lang and topic; values: their names.
    """

    about: JobRow
    segments: tuple[Segment, ...] = ()
    groups: Codes[Group] = field(default_factory=lambda: Codes(Group("", "", "", "")))   # the first stands for DEAD
    words: Codes[str] = field(default_factory=Codes)
    revisions: Revisions = field(default_factory=lambda: np.zeros((2, 0), np.int64))
    first_us: int = 0
    end_us: int = 0
    vocabulary: int = 0
    places: NDArray[np.int32] = field(default_factory=lambda: np.zeros((4, 1), np.int32))
    values: tuple[list[str], ...] = ([""],) * 4

    def grain_us(self, from_us: int) -> int:
        """How long the longest windows are that are held from then on: old ones are merged (insights/rollup.py)."""
        return self.about.marks.span_of(max(from_us, self.first_us), self.about.window_us)

    @property
    def size_bytes(self) -> int:
        """What its arrays take."""
        return sum(one.size_bytes for one in self.segments) + self.revisions.nbytes


def copied(db: sa.Connection, about: JobRow, old: Copy | None, told: Callable[[float], None] | None) -> Copy:
    """The job as the snapshot has it. old: what is known of it; told: hears of the share that is read."""
    if old is None or old.about.run != about.run:
        old = Copy(about)
    now = _revisions(db, about, old)
    known = _known(now, old.revisions)
    changed = now[0, ~known]
    gone = np.setdiff1d(old.revisions[0], now[0, known], assume_unique=True)
    segments = [one.without(gone) for one in old.segments] if len(gone) else list(old.segments)
    read = _read(db, changed, old, told)
    if not (read or len(gone)):
        return replace(old, about=about, revisions=now)
    return _copy(about, tidied([*segments, *read]), old, now)


def _revisions(db: sa.Connection, about: JobRow, old: Copy) -> Revisions:
    """What tells whether a unit is what it was, of every unit.

    Of windows that were closed before it is taken as known, unless units have come or gone, or the job's row has another change than
    the progress of time.
    """
    columns = sa.select(*_ROW).where(*of_run(units, about))
    later = replace(old.about, closed_us=about.closed_us, watermark_us=about.watermark_us)
    if old.revisions.size and later == about:
        changeable = _rows(db, columns.where(units.c.window_us > old.about.closed_us - about.window_us))
        other = old.revisions[:, ~np.isin(old.revisions[0], changeable[0])]
        now = np.concatenate([other, changeable], axis=1)
        total = db.execute(
            sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(units.c.id), 0)).select_from(units).where(*of_run(units, about))).one()
        if (now.shape[1], int(now[0].sum())) == (total[0], int(total[1])):
            return now[:, np.argsort(now[0])]
    return _rows(db, columns)


def _known(now: Revisions, old: Revisions) -> NDArray[np.bool_]:
    """Which columns of `now` are in `old`."""
    if not old.size:
        return np.zeros(now.shape[1], np.bool_)
    place = np.minimum(np.searchsorted(old[0], now[0]), old.shape[1] - 1)
    return np.asarray((old[:, place] == now).all(axis=0))


def _rows(db: sa.Connection, query: sa.Select[Any]) -> Revisions:
    found = np.array([(row.id, hash(tuple(row))) for row in db.execute(query)], np.int64).reshape(-1, 2).T
    return np.ascontiguousarray(found[:, np.argsort(found[0])])


def _read(db: sa.Connection, ids: NDArray[np.int64], old: Copy, told: Callable[[float], None] | None) -> list[Segment]:
    """The cells of these units, in segments."""
    made, builder = [], Builder(old.groups, old.words)
    for start in range(0, len(ids), UNITS_AT_ONCE):
        for unit, window_us, source, product, lang, topic, *counts, detail in db.execute(
                _cells_of, {"ids": ids[start:start + UNITS_AT_ONCE].tolist()}):
            builder.add(unit, window_us, Group(source, product, lang, topic), counts, detail)
        if len(builder) >= MOST_ROWS // 2:
            made.append(builder.segment())
            builder = Builder(old.groups, old.words)
        if told is not None:
            told(start / len(ids))
    return [*made, builder.segment()] if len(builder) else made


def _copy(about: JobRow, segments: tuple[Segment, ...], old: Copy, revisions: Revisions) -> Copy:
    living = [one.window_us[one.group != DEAD] for one in segments]
    places, values = old.places, old.values
    if len(old.groups.names) != places.shape[1]:
        codes = tuple(Codes[str]() for _ in range(4))
        places = np.array([[of[name] for of, name in zip(codes, group, strict=True)] for group in old.groups.names], np.int32).T
        values = tuple(of.names for of in codes)
    first = min((int(one[0]) for one in living if len(one)), default=0)
    last = max((int(one[-1]) for one in living if len(one)), default=first)
    span_us = about.marks.span_of(last, about.window_us) if any(map(len, living)) else 0
    return Copy(about, segments, old.groups, old.words, revisions, first, last + span_us, len(old.words.names), places, values)
