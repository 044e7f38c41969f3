"""The answer for a page, put together cell by cell: what the columns must equal."""
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import pytest

from insights.board.axis import Axis, axis_of
from insights.board.types import (
    CHANGES,
    LEAST_CHANGE,
    LEAST_SCORE,
    NAMED,
    Change,
    Feeling,
    Filters,
    Named,
    Overview,
    Point,
    Slice,
)
from insights.cells import SAMPLES, Cell
from insights.queries import CellKey, JobRow, cell_rows, job_row

Row = tuple[CellKey, Cell]


@dataclass
class Weighed:
    """A cell with the records in it that count."""

    key: CellKey
    cell: Cell
    all: Feeling


def plain(about: JobRow, rows: Sequence[Row], filters: Filters) -> Overview:
    """One answer."""
    held = [key.window_us for key, _ in rows]
    first, last = (min(held), max(held) + about.window_us) if held else (0, 0)
    start = filters.from_us if filters.from_us is not None else first
    end = filters.to_us if filters.to_us is not None else last
    axis = axis_of(start, end, about.window_us)
    in_range = [row for row in rows if start <= row[0].window_us < end]
    weighed = [Weighed(key, cell, feeling) for key, cell in in_range if (feeling := weigh(cell, filters)).records]
    chosen = [one for one in weighed if fits(one.key, filters)]
    recent, rest = (max(0, min(b, last) - max(a, first)) for a, b in ((axis.recent_us, axis.end_us), (axis.start_us, axis.recent_us)))

    def point(one: Weighed) -> int:
        return (one.key.window_us - axis.start_us) // axis.step_us

    points = [Feeling() for _ in range(axis.points)]
    topics: dict[str, list[Weighed]] = {}
    for one in chosen:
        add(points[point(one)], one.all)
        topics.setdefault(one.key.topic, []).append(one)
    slices = [Slice(topic, total(own), menu(own, "source")) for topic, own in topics.items()]
    entities = words(chosen, axis, point, lambda one: entities_of(one, filters))
    terms = words(chosen, axis, point, lambda one: terms_of(one, filters))
    counts = {
        dimension: [(getattr(one.key, dimension), one.all.records, point(one) >= axis.points - axis.recent) for one in chosen]
        for dimension in ("topic", "product", "source")}
    for dimension, found in (("entity", entities), ("term", terms)):
        counts[dimension] = [
            (one.name, records, at >= axis.points - axis.recent) for one in found for at, records in enumerate(one.trend)]
    whole = [one.cell for one in chosen if one.all.records == one.cell.records]
    samples = sorted({sample for cell in whole for sample in cell.samples})[:SAMPLES]
    sources, products, langs = (
        menu([one for one in weighed if fits(one.key, filters, without)], without) for without in ("source", "product", "lang"))
    return Overview(
        axis.start_us, axis.end_us, axis.step_us, total(chosen), [Point(axis.edges()[at], one) for at, one in enumerate(points)],
        sorted(slices, key=lambda one: (-one.all.records, one.topic)), entities[:NAMED], terms[:NAMED],
        changes(counts, recent, rest), sources, products, langs, [name for _, name in samples])


def weigh(cell: Cell, filters: Filters) -> Feeling:
    if filters.entity:
        records = cell.entities.get(filters.entity, 0)
        return Feeling(min(records, sum(cell.terms.get(filters.term, ()))) if filters.term else records)
    if filters.term:
        felt = cell.terms.get(filters.term, (0, 0, 0))
        return Feeling(sum(felt), *felt)
    return Feeling(cell.records, cell.negative, cell.neutral, cell.positive)


def entities_of(one: Weighed, filters: Filters) -> Iterable[tuple[str, Feeling]]:
    return ((name, Feeling(min(records, one.all.records))) for name, records in one.cell.entities.items())


def terms_of(one: Weighed, filters: Filters) -> Iterable[tuple[str, Feeling]]:
    if filters.entity or filters.term:
        return ((name, Feeling(min(sum(felt), one.all.records))) for name, felt in one.cell.terms.items())
    return ((name, Feeling(sum(felt), *felt)) for name, felt in one.cell.terms.items())


def fits(key: CellKey, filters: Filters, without: str = "") -> bool:
    return all(
        getattr(filters, name) in (None, getattr(key, name)) for name in ("source", "product", "lang", "topic") if name != without)


def words(
    chosen: Sequence[Weighed], axis: Axis, point: Callable[[Weighed], int], said: Callable[[Weighed], Iterable[tuple[str, Feeling]]],
) -> list[Named]:
    found: dict[str, Named] = {}
    for one in chosen:
        for name, feeling in said(one):
            named = found.setdefault(name, Named(name, Feeling(), [0] * axis.points))
            add(named.all, feeling)
            named.trend[point(one)] += feeling.records
    return sorted((one for one in found.values() if one.all.records), key=lambda one: (-one.all.records, one.name))


def changes(counts: dict[str, list[tuple[str, int, bool]]], recent_us: int, rest_us: int) -> list[Change]:
    if min(recent_us, rest_us) <= 0:
        return []
    ratio, found = recent_us / rest_us, []
    for dimension, of_dimension in counts.items():
        observed, before = Counter[str](), Counter[str]()
        for name, records, is_recent in of_dimension:
            (observed if is_recent else before)[name] += records
        for name in {*observed, *before}:
            expected = before[name] * ratio
            change = abs(observed[name] - expected)
            score = change / (expected * (1 + ratio) + 1) ** 0.5
            if change >= LEAST_CHANGE and score >= LEAST_SCORE:
                found.append((-score, dimension, name, Change(dimension, name, observed[name], expected)))
    return [change for *_, change in sorted(found, key=lambda one: one[:3])[:CHANGES]]


def total(chosen: Sequence[Weighed]) -> Feeling:
    whole = Feeling()
    for one in chosen:
        add(whole, one.all)
    return whole


def menu(chosen: Sequence[Weighed], dimension: str) -> dict[str, int]:
    counts = Counter[str]()
    for one in chosen:
        counts[getattr(one.key, dimension)] += one.all.records
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def add(mine: Feeling, other: Feeling) -> None:
    mine.records += other.records
    mine.negative += other.negative
    mine.neutral += other.neutral
    mine.positive += other.positive


@pytest.fixture(scope="session")
def plain_answer():
    """(store, job, filters) -> the overview of what the store holds now."""

    def answer(store, job, filters):
        with store.snapshot() as db:
            about = job_row(db, job)
            return plain(about, list(cell_rows(db, about)), filters)

    return answer
