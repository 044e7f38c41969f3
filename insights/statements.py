"""The store's statements, made once: making one costs ten times as much as the database takes to run it."""
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from insights import tables
from insights.tables import UNIT_KEY, announced, cells, dead_letters, dropped, jobs, originals, outcomes, progress, retention, units
from schemas.records import Reason

SAVED = tuple(column.name for column in progress.c if column.name not in ("job", "run", "read"))
NOT_SAVED = {"saved_records": 0, "epoch": 0, "frontier": 0, "read_records": 0, "open_records": 0}
OF_UNIT = tuple(f"of_{name}" for name in UNIT_KEY)   # a parameter must not have the name of a column that is set
_JOB, _RUN = sa.bindparam("job", type_=sa.Text), sa.bindparam("run", type_=sa.BigInteger)


class Upserts:
    """What only the two dialects' own INSERT can say."""

    def __init__(self, insert: Callable[[sa.Table], Any]) -> None:
        origin = ["job", "run", "origin"]
        self.dead = insert(dead_letters).on_conflict_do_nothing()
        self.originals = insert(originals).on_conflict_do_nothing()
        self.announced = insert(announced).on_conflict_do_nothing()
        read = insert(progress).values({name: sa.bindparam(name) for name in (*origin, "read", *NOT_SAVED)})
        self.read = read.on_conflict_do_update(
            index_elements=origin, set_={"read": read.excluded.read}, where=progress.c.read < read.excluded.read)
        saved = insert(progress)
        self.saved = saved.on_conflict_do_update(
            index_elements=origin, set_={name: saved.excluded[name] for name in SAVED if name != "origin"},
            where=sa.or_(progress.c.saved.is_(None), progress.c.saved <= saved.excluded.saved))
        unit = insert(units)
        new = unit.excluded
        self.unit = unit.on_conflict_do_update(
            index_elements=UNIT_KEY,
            set_={"records": new.records, "updated_us": new.updated_us, "revision": units.c.revision + 1,
                  "last_offset": sa.case((new.last_offset > units.c.last_offset, new.last_offset), else_=units.c.last_offset)},
            where=new.records >= units.c.records).returning(units.c.id)


UPSERTS = {"sqlite": Upserts(sqlite.insert), "postgresql": Upserts(postgresql.insert)}

delete_cells = cells.delete().where(cells.c.unit == sa.bindparam("number"))
_of_key = sa.and_(*(
    units.c[name] == sa.bindparam(of, type_=units.c[name].type) for name, of in zip(UNIT_KEY, OF_UNIT, strict=True)))
delete_cells_of = cells.delete().where(cells.c.unit.in_(sa.select(units.c.id).where(_of_key)))
empty_unit = units.update().where(_of_key).values(records=0, revision=units.c.revision + 1)   # what it was stays as evidence
close = jobs.update().where(jobs.c.job == sa.bindparam("of_job"), jobs.c.closed_us <= sa.bindparam("closed")).values(
    closed_us=sa.bindparam("closed"), watermark_us=sa.bindparam("watermark"))
holder_of = sa.select(jobs.c.holder).where(jobs.c.job == _JOB)
held = holder_of.with_for_update(read=True)   # PostgreSQL: nobody takes over before this transaction has ended
closed_of = sa.select(jobs.c.closed_us).where(jobs.c.job == _JOB, jobs.c.current_run == _RUN)   # a new run has closed nothing
progress_of = sa.select(progress).where(progress.c.job == _JOB, progress.c.run == _RUN)
last_of = sa.select(units.c.origin, sa.func.max(units.c.last_offset), sa.func.sum(units.c.records)).where(   # replays: of letters, below
    units.c.job == _JOB, units.c.run == _RUN, units.c.epoch >= 0).group_by(units.c.origin)
dropped_of = sa.select(dropped.c.origin, dropped.c.records).where(dropped.c.job == _JOB, dropped.c.run == _RUN)
merged_of = sa.select(retention.c.merged_us).where(retention.c.job == _JOB, retention.c.run == _RUN)
forgotten = sa.select(tables.forgotten.c.author)
dead_of = sa.select(dead_letters.c.origin, dead_letters.c.offset, dead_letters.c.reason).where(
    dead_letters.c.job == _JOB, dead_letters.c.run == _RUN, dead_letters.c.reason != Reason.GAP.value)
done_of = sa.select(outcomes.c.origin, outcomes.c.offset).where(
    outcomes.c.job == _JOB, outcomes.c.run == _RUN, outcomes.c.offset.in_(sa.bindparam("offsets", expanding=True)))
covered = (
    sa.select(units.c.window_us, units.c.origin, sa.func.sum(units.c.records))
    .outerjoin(progress, sa.and_(
        progress.c.job == units.c.job, progress.c.run == units.c.run, progress.c.origin == units.c.origin))
    .where(units.c.job == _JOB, units.c.run == _RUN, units.c.window_us >= sa.bindparam("since_us"),
           units.c.epoch == sa.func.coalesce(progress.c.epoch, 0))
    .group_by(units.c.window_us, units.c.origin))
