"""A small store to fill: one unit, one letter, one save at a time."""
from dataclasses import dataclass, field

import pytest

from insights.cells import Cell, Unit
from insights.sketch import sketch_of
from insights.store import Progress, Store, UnitKey
from schemas.decode import event_key
from schemas.records import DeadLetter

MINUTE = 60_000_000


def cell_of(event_id, sentiment="negative", *, author="", terms=(), entities=(), score=8_000):
    """The cell of one record."""
    felt = tuple(int(name == sentiment) for name in ("negative", "neutral", "positive"))
    confidence = [0] * 10
    confidence[score // 1_000] = 1
    return Cell(
        1, *felt, score, dict.fromkeys(entities, 1), dict.fromkeys(terms, felt), confidence,
        sketch_of([event_key(author or event_id)]), ((event_key(event_id), event_id),), {"v1": 1})


@dataclass
class Books:
    """A job of minute windows in a store."""

    store: Store
    job: str = "job"
    kind: str = "stream"
    run: int = 0
    units: dict = field(default_factory=dict)

    def __post_init__(self):
        self.store.open_job(self.job, self.kind, MINUTE, 10 * MINUTE)
        if self.kind == "backfill":
            self.run = self.store.begin_run(self.job, 1)

    def count(
        self, minute, event_id, *, origin="texts/0", source="posts", product="", lang="en", topic="card", epoch=0,
        **said,
    ):
        """Counts one record, and stores its unit as it is now."""
        key = UnitKey(minute * MINUTE, origin, source, product, epoch)
        unit = self.units.setdefault(key, Unit())
        unit.add(Unit(1, unit.last_offset + 1, {(lang, topic): cell_of(event_id, **said)}))
        self.store.write_units(self.job, self.run, [(key, unit)], 7)

    def die(self, offset, reason, event_id="", minute=None, *, origin="texts/0", source="posts", product=""):
        """Writes one dead letter."""
        window_us = None if minute is None else minute * MINUTE
        letter = DeadLetter(origin, offset, reason, "", event_id, window_us, source, product)
        self.store.write_dead(self.job, self.run, [letter], {origin: offset + 1})

    def save(self, closed_minute, watermark_minute, *rows):
        """Saves; rows: (origin, frontier, read, open, epoch)."""
        progress = [Progress(origin, 0, 0, epoch, frontier, read, held) for origin, frontier, read, held, epoch in rows]
        self.store.save(self.job, self.run, closed_minute * MINUTE, watermark_minute * MINUTE, progress)

    def finish(self):
        """Ends the backfill's run."""
        self.store.finish_run(self.job, self.run, 2)


@pytest.fixture
def books(tmp_path):
    """Makes the books of a job, in a store of its own or a given one."""
    made = []

    def make(job="job", kind="stream", store=None):
        if store is None:
            store = Store(f"sqlite:///{tmp_path}/{len(made)}.db")
            made.append(store)
        return Books(store, job, kind)

    yield make
    for store in made:
        store.close()
