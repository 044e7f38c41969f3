# mypy: ignore-errors
# ruff: noqa
"""A board without an index, until the one of insights/board.py is there."""
from collections import Counter, defaultdict
from typing import Any

import sqlalchemy as sa

from insights.board import CHANGES, LEAST_CHANGE, NAMED, POINTS, STEPS_S, Change, Feeling, Filters, Named, Overview, Point, Slice
from insights.cells import Cell
from insights.queries import CellKey, cell_rows, job_row, of_run
from insights.store import Store
from insights.tables import units


class Board:
    def __init__(self, store: Store, job: str) -> None:
        self.store, self.job = store, job
        self.stamp: Any = None
        self.rows: list[tuple[CellKey, Cell]] = []

    def refresh(self) -> bool:
        with self.store.snapshot() as db:
            self.about = about = job_row(db, self.job)
            stamp = about.run, *db.execute(sa.select(sa.func.max(units.c.updated_us), sa.func.sum(units.c.revision), sa.func.count())
                                           .where(*of_run(units, about))).one()
            if stamp == self.stamp:
                return False
            self.rows, self.stamp = list(cell_rows(db, about)), stamp
            return True

    def overview(self, filters: Filters) -> Overview:
        size = self.about.window_us
        rows = [(key, cell) for key, cell in self.rows if (filters.from_us is None or key.window_us >= filters.from_us)
                and (filters.to_us is None or key.window_us < filters.to_us)]
        menus: dict[str, Counter[str]] = defaultdict(Counter)
        parts = {name: getattr(filters, name) for name in ("source", "product", "lang", "topic")}
        kept = []
        for key, cell in rows:
            wrong = [name for name, value in parts.items() if value is not None and getattr(key, name) != value]
            for name in ("source", "product", "lang"):
                if not wrong or wrong == [name]:
                    menus[name][getattr(key, name)] += cell.records
            if not wrong:
                kept.append((key, self._counted(cell, filters), cell))
        kept = [row for row in kept if row[1].records]
        if not kept:
            return Overview(0, 0, size, Feeling(), [], [], [], [], [], *(dict(menus[name]) for name in ("source", "product", "lang")), [])
        first, last = kept[0][0].window_us, kept[-1][0].window_us + size
        step = next((s * 1_000_000 for s in STEPS_S if s * 1_000_000 % size == 0 and (last - first) / (s * 1e6) <= POINTS - 1), 86_400_000_000)
        first = first // step * step
        count = -(-(last - first) // step)
        points = [Point(first + n * step, Feeling()) for n in range(count)]
        total, topics, entities, terms, samples = Feeling(), {}, {}, {}, set()
        recent = count - max(1, count // 6)
        halves: tuple[Counter[tuple[str, str]], Counter[tuple[str, str]]] = (Counter(), Counter())
        for key, feeling, cell in kept:
            at = (key.window_us - first) // step
            for into in (total, points[at].all, topics.setdefault(key.topic, Slice(key.topic, Feeling(), {})).all):
                for name in Feeling.__struct_fields__:
                    setattr(into, name, getattr(into, name) + getattr(feeling, name))
            sources = topics[key.topic].sources
            sources[key.source] = sources.get(key.source, 0) + feeling.records
            half = halves[at >= recent]
            for name in ("source", "product", "topic"):
                half[name, getattr(key, name)] += feeling.records
            for name, records in cell.entities.items():
                entity = entities.setdefault(name, Named(name, Feeling(), [0] * count))
                entity.all.records += records
                entity.trend[at] += records
                half["entity", name] += records
            for name, counts in cell.terms.items():
                term = terms.setdefault(name, Named(name, Feeling(), [0] * count))
                term.all = Feeling(term.all.records + sum(counts), *(a + b for a, b in zip(
                    (term.all.negative, term.all.neutral, term.all.positive), counts, strict=True)))
                term.trend[at] += sum(counts)
                half["term", name] += sum(counts)
            samples |= set(cell.samples)
        before, now = halves
        scale = (sum(p.all.records for p in points[recent:])) / max(1, sum(p.all.records for p in points[:recent]))
        changes = [Change(*name, now[name], before[name] * scale) for name in now.keys() | before.keys()]
        changes = sorted((c for c in changes if abs(c.observed - c.expected) >= LEAST_CHANGE),
                         key=lambda c: -abs(c.observed - c.expected) / (c.expected + 1) ** .5)[:CHANGES]
        top = lambda found: sorted(found.values(), key=lambda one: -one.all.records)  # noqa: E731
        return Overview(first, first + count * step, step, total, points, top(topics), top(entities)[:NAMED], top(terms)[:NAMED], changes,
                        *(dict(menus[name].most_common()) for name in ("source", "product", "lang")), [name for _, name in sorted(samples)[:3]])

    @staticmethod
    def _counted(cell: Cell, filters: Filters) -> Feeling:
        if filters.entity:
            return Feeling(cell.entities.get(filters.entity, 0))
        if filters.term:
            counts = cell.terms.get(filters.term, (0, 0, 0))
            return Feeling(sum(counts), *counts)
        return Feeling(cell.records, cell.negative, cell.neutral, cell.positive)

