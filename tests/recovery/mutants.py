"""Each rule of the protocol, broken on purpose: what the simulation must catch."""
import copy
import dataclasses

import numpy as np
import sqlalchemy as sa
from sqlalchemy.dialects import sqlite
from world import WINDOW, FailingStore, Parts

from insights import mending, tables
from insights.cells import Cell
from insights.store import Known
from schemas.records import Reason
from transforms.job import Job
from transforms.kept import KeptUnits
from transforms.ledger import START_US, Ledger
from transforms.read_ahead import ReadAhead


class DecideAnew(Ledger):
    """Lateness and duplicates are judged again after a restart."""

    def was_decided(self, origin, offsets):
        return np.zeros(len(offsets), np.bool_)

    def replaying(self):
        return False


class MoveInReplay(Ledger):
    """The watermark moves while the replay is not over."""

    def advance(self, idle_us):
        times = [max(origin.latest_us, idle_us.get(name, START_US)) for name, origin in self.origins.items()]
        self.watermark_us = self.reported_us = max(self.watermark_us, min(times) - self.out_of_order_us)


class MixReplay(Ledger):
    """New records are decided before the old ones are back."""

    def limit(self, name):
        return 10**9


class ForgetDead(Ledger):
    """A new process does not read the dead letters."""

    def __init__(self, *args):
        super().__init__(*args)
        for known in self.known.values():
            known.dead = {}


class CountAgain(Ledger):
    """A record read twice in a process is counted twice."""

    def was_counted(self, origin, offsets):
        return np.zeros(len(offsets), np.bool_)


class SavePosition(Ledger):
    """What is saved is where the readers stand."""

    def safe(self, name):
        return self.origins[name].frontier, self._below(self.origins[name], self.origins[name].frontier)[0]


class CloseUncovered(Ledger):
    """A window closes before the store holds it."""

    def complete(self, window_us, covered):
        return True


class NoSkip(Ledger):
    """Records of closed windows are counted again on replay."""

    def was_closed(self, windows_us):
        return np.zeros(len(windows_us), np.bool_)


class RunAhead(Ledger):
    """A reader built from a mark tells the watermark of now."""

    def rewind(self, positions, reported_us):
        super().rewind(positions, self.reported_us)


class KeepFailed(Ledger):
    """A record on which the model fails still counts."""

    def failed(self, name, window_us, offsets):
        for offset in offsets:
            self.origins[name].dead[offset] = Reason.MODEL_ERROR


class ForgetSaved(Ledger):
    """A reader built from a mark older than what was saved decides its records again."""

    def was_settled(self, origin, offsets):
        return np.zeros(len(offsets), np.bool_)


class FutureMoves(Ledger):
    """A record from the future is left out, and moves the watermark all the same when it is read again."""

    def decide(self, name, batch):
        verdict = super().decide(name, batch)
        good = [row for row in range(len(batch.offsets)) if row not in batch.rejected]
        self.origins[name].latest_us = max([self.origins[name].latest_us, *batch.times_us[good].tolist()])
        return verdict


class ForgetErrors(FailingStore):
    """A model_error is no evidence that its record was decided."""

    def load(self, job, run):
        closed, known = super().load(job, run)
        with self.snapshot() as db:
            for name, entry in known.items():
                read = db.scalar(sa.select(tables.progress.c.read).where(tables.progress.c.origin == name))
                last = db.scalar(sa.select(sa.func.max(tables.units.c.last_offset)).where(tables.units.c.origin == name))
                entry.evidence = max(read or 0, -1 if last is None else last + 1)
        return closed, known


class NoFreeze(Ledger):
    """After a gap the old units are written on."""

    def add(self, name, beginning=0):
        known = self.known.get(name, Known())
        if known.saved is not None and known.saved < beginning:
            known.saved = beginning
        return super().add(name, beginning)


class CellRows(FailingStore):
    """A row is replaced by its cell, not the unit as a whole."""

    def write_units(self, job, run, batch, now_us):
        for key, unit in batch:
            stored = self.cells_of(job, run, key)
            for name, cell in unit.cells.items():
                if cell.records >= (stored[name].records if name in stored else 0):
                    stored[name] = cell
            merged = type(unit)(sum(cell.records for cell in stored.values()), unit.last_offset, stored)
            super().write_units(job, run, [(key, merged)], now_us)

    def cells_of(self, job, run, key):
        cells, units = tables.cells, tables.units
        with self.snapshot() as db:
            rows = db.execute(sa.select(cells).join(units, units.c.id == cells.c.unit).where(
                units.c.job == job, units.c.window_us == key.window_us, units.c.origin == key.origin,
                units.c.source == key.source, units.c.epoch == key.epoch)).mappings().all()
        return {(row["lang"], row["topic"]): Cell.from_row(row) for row in rows}


class AnyPane(FailingStore):
    """A smaller unit may replace a larger one."""

    def __init__(self, url):
        super().__init__(url)
        self.upserts = copy.copy(self.upserts)
        insert = sqlite.insert(tables.units)
        new = insert.excluded
        self.upserts.unit = insert.on_conflict_do_update(
            index_elements=["job", "run", "window_us", "origin", "source", "product", "epoch"],
            set_={"records": new.records, "last_offset": new.last_offset}).returning(tables.units.c.id)


class RowsOnly(FailingStore):
    """Dead letters are written without the positions of the other partitions."""

    def write_dead(self, job, run, letters, positions, outdated=(), sealed=None):
        super().write_dead(job, run, letters, {letter.origin: letter.offset + 1 for letter in letters} if positions else {}, outdated)


class NoFence(FailingStore):
    """A process that was thought dead may write on."""

    def _check_holder(self, db, job):
        pass


class LateFence(FailingStore):
    """A process takes the job over after it has loaded what is known."""

    def take_over(self, job):
        self.late = True

    def save(self, job, *args):
        if vars(self).pop("late", False):
            super().take_over(job)
        super().save(job, *args)


class NoRetire(Ledger):
    """A partition that is no longer read is only left out."""

    def retire(self, name):
        return None


class ForgetRetired(Ledger):
    """A partition that is found again after it was retired is read again."""

    def drop(self, name):
        self.origins.pop(name, None)


class TellAhead(ReadAhead):
    """The runner is told the watermark of what was read ahead."""

    def next(self):
        poll = super().next()
        self.handed = self.handed[0], self.job.ledger.reported_us
        return poll


class KeepAhead(ReadAhead):
    """A reader built from an older mark keeps what was read ahead."""

    def rewind(self, positions, reported_us):
        ready = list(self.ready)
        super().rewind(positions, reported_us)
        if not self.ready:
            self.ready.extend(ready)


class KeepOutdated(FailingStore):
    """What a process before counted stays in its unit when the record becomes a model_error."""

    def write_dead(self, job, run, letters, positions, _outdated=(), sealed=None):
        super().write_dead(job, run, letters, positions)


class RejectClosed(Job):
    """A record of a closed window may still become a model_error."""

    def reject(self, chunk, failed):
        closed_us, self.ledger.closed_us = self.ledger.closed_us, START_US
        try:
            return super().reject(chunk, failed)
        finally:
            self.ledger.closed_us = closed_us


class ForgetDecided(Job):
    """What was decided and not handed on is read again without evidence of it."""

    def settle(self):
        self.taken.clear()


class DropOpen(KeptUnits):
    """The first window that is not closed is forgotten too."""

    def drop(self, until_us):
        super().drop(until_us + WINDOW)


def count_of_job(store, about, batch, made, now_us):
    """A replay is counted in the job's own units."""
    store.write_units(about.job, about.run, [(dataclasses.replace(key, epoch=0), unit) for key, unit in made], now_us)
    mending.count(store, about, batch, (), now_us)


def count_in_two(store, about, batch, made, now_us):
    """What a replay counts, and that it did, are two transactions."""
    with store.snapshot() as db:
        left = mending.undone(db, about, [(one.origin, one.offset) for one in batch])
    if len(left) < len(batch):
        raise mending.Dealt
    with store.transaction() as db:
        epoch = (db.scalar(sa.select(sa.func.min(tables.units.c.epoch))) or 0) - 1
        mending._insert_units(db, about, made, epoch, now_us)
    mending.count(store, about, batch, (), now_us)


def count_and_forget(store, about, batch, made, now_us):
    """What was replayed is no dead letter any more."""
    mending.count(store, about, batch, made, now_us)
    letters = tables.dead_letters
    with store.transaction() as db:
        for one in batch:
            db.execute(letters.delete().where(letters.c.origin == one.origin, letters.c.offset == one.offset))


LEDGERS = (DecideAnew, MoveInReplay, MixReplay, ForgetDead, CountAgain, SavePosition, CloseUncovered, NoSkip, RunAhead, KeepFailed,
           ForgetSaved, NoFreeze, FutureMoves, NoRetire, ForgetRetired)
STORES = (CellRows, AnyPane, RowsOnly, ForgetErrors, NoFence, LateFence, KeepOutdated)
READINGS = (TellAhead, KeepAhead)
KEPT = (DropOpen,)
JOBS = (RejectClosed, ForgetDecided)
REPLAYS = (count_of_job, count_in_two, count_and_forget)
MUTANTS = {"": Parts()}
MUTANTS |= {ledger.__name__: Parts(ledger=ledger) for ledger in LEDGERS}
MUTANTS |= {store.__name__: Parts(store=store) for store in STORES}
MUTANTS |= {reading.__name__: Parts(reading=reading) for reading in READINGS}
MUTANTS |= {kept.__name__: Parts(kept=kept) for kept in KEPT}
MUTANTS |= {job.__name__: Parts(job=job) for job in JOBS}
MUTANTS |= {"".join(map(str.title, count.__name__.split("_"))): Parts(count=count) for count in REPLAYS}
