"""How much smaller a store becomes by roll-ups, and for how long a step holds its write lock.

The windows of a job, such as a backfill, are repeated over some whole days, with other authors and samples each
time; then they are old enough, and are merged into hours, then days. Sizes are those of the SQLite file after VACUUM.

    textpulse backfill events.jsonl.gz --store sqlite:///sample.db --job sample
    python -m benchmarks.rollup --store sqlite:///sample.db --job sample --days 2
"""
import argparse
import contextlib
import random
import sqlite3
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import sqlalchemy as sa

from insights.cells import Cell, Unit
from insights.conservation import audit
from insights.queries import job_row, of_run
from insights.retention import compact
from insights.rollup import DAY_US, Ages
from insights.store import Progress, Store, UnitKey
from insights.tables import cells, units

FIRST = 20_000 * DAY_US
MINUTE = 60_000_000


class TimedStore(Store):
    """Notes the longest transaction."""

    longest_s = 0.0

    @contextlib.contextmanager
    def transaction(self):
        with super().transaction() as db:
            began = time.perf_counter()
            yield db
        self.longest_s = max(self.longest_s, time.perf_counter() - began)


def units_of(store, job):
    """[(key, unit)] of a job."""
    with store.snapshot() as db:
        about = job_row(db, job)
        of = {row.id: (UnitKey(row.window_us, row.origin, row.source, row.product), Unit(row.records, row.last_offset, {}))
              for row in db.execute(sa.select(units).where(*of_run(units, about)))}
        for row in db.execute(sa.select(cells).where(cells.c.unit.in_(sa.select(units.c.id).where(*of_run(units, about))))).mappings():
            of[row["unit"]][1].cells[row["lang"], row["topic"]] = Cell.from_row(dict(row))
        return about.window_us, list(of.values())


def salted(unit, salt):
    """The same unit with other authors and samples."""
    def of(cell):
        said = cell.copy()
        said.authors = tuple(sorted(author ^ salt for author in cell.authors))
        said.samples = tuple(sorted((number ^ salt, name) for number, name in cell.samples))
        return said

    return Unit(unit.records, unit.last_offset, {key: of(cell) for key, cell in unit.cells.items()})


def repeat(store, window_us, made, days):
    """Fills the days, and one window a month later, so that they are old."""
    first = min(key.window_us for key, _ in made)
    length = -(-(max(key.window_us for key, _ in made) + window_us - first) // window_us) * window_us
    random.seed(1)
    at, records = FIRST, 0
    store.open_job("job", "stream", window_us, 0)
    while at + length <= FIRST + days * DAY_US:
        salt = random.getrandbits(64)
        batch = [(replace(key, window_us=key.window_us - first + at, origin="t/0"), salted(unit, salt)) for key, unit in made]
        store.write_units("job", 0, batch, 1)
        records += sum(unit.records for _, unit in batch)
        at += length
    last = FIRST + (days + 30) * DAY_US
    store.write_units("job", 0, [(UnitKey(last, "t/0", "s", ""), Unit(1, records, {("en", "a"): Cell(1, 1)}))], 1)
    store.save("job", 0, last + window_us, last + window_us, [Progress("t/0", records + 1, 0, 0, records + 1, records + 1, 0)])


def size_of(path):
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("vacuum")
        db.execute("pragma wal_checkpoint(truncate)")
    return path.stat().st_size


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", required=True)
    parser.add_argument("--job", default="textpulse")
    parser.add_argument("--days", type=int, default=2)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "store.db"
        store = TimedStore(f"sqlite:///{path}")
        repeat(store, *units_of(Store(args.store, create=False), args.job), args.days)
        before, totals = size_of(path), audit(store).totals
        print(f"{args.days} days of base windows: {before / 1e6:.1f} MB, {totals[0].read:,} records")
        for name, ages in (("hours", Ages(20 * DAY_US, 900 * DAY_US)), ("days", Ages(20 * DAY_US, 20 * DAY_US))):
            store.longest_s, began = 0.0, time.perf_counter()
            done = list(compact(store, "job", ages))
            took = time.perf_counter() - began
            size = size_of(path)
            found = audit(store)
            print(f"{name}: {size / 1e6:.1f} MB, {before / size:.1f} times less; {len(done)} steps in {took:.1f} s, the longest lock "
                  f"{store.longest_s * 1000:.0f} ms; cells {sum(one.cells[0] for one in done):,} -> {sum(one.cells[1] for one in done):,}; "
                  f"verify: {'holds' if not found.findings and found.totals == totals else 'BROKEN'}")


if __name__ == "__main__":
    main()
