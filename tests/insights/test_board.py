"""The board's answer is what going cell by cell says, whatever is filtered, and whatever happened to the store since its last look."""
import uuid
from collections import Counter
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from insights.board import Board
from insights.board.axis import axis_of
from insights.board.types import (
    CHANGES,
    LEAST_CHANGE,
    LEAST_SCORE,
    NAMED,
    POINTS,
    SHOWN,
    Change,
    Feeling,
    Filters,
    Named,
    Overview,
    Point,
    Slice,
)
from insights.cells import Cell, Text, Unit
from insights.queries import CellKey, QueryError, cell_rows, job_row
from insights.store import Store, UnitKey
from insights.tables import cells as cell_table
from insights.tables import units as unit_table

MINUTE = 60_000_000


@dataclass
class Weighed:
    """A cell with the records in it that count."""

    key: CellKey
    cell: Cell
    all: Feeling


def plain(about, rows, filters):
    """One answer."""
    held = [key.window_us for key, _ in rows]
    first, last = (min(held), max(held) + about.window_us) if held else (0, 0)
    start = filters.from_us if filters.from_us is not None else first
    end = filters.to_us if filters.to_us is not None else last
    known_us = 1 << 60 if about.kind == "backfill" else about.watermark_us
    axis = axis_of(start, end, about.window_us, known_us)
    in_range = [row for row in rows if start <= row[0].window_us < end]
    weighed = [Weighed(key, cell, feeling) for key, cell in in_range if (feeling := weigh(cell, filters)).records]
    chosen = [one for one in weighed if fits(one.key, filters)]
    recent, rest = (max(0, min(b, last) - max(a, first)) for a, b in ((axis.recent_us, axis.known_us), (axis.start_us, axis.recent_us)))

    def point(one):
        return (one.key.window_us - axis.start_us) // axis.step_us

    points = [Feeling() for _ in range(axis.points)]
    topics = {}
    for one in chosen:
        add(points[point(one)], one.all)
        topics.setdefault(one.key.topic, []).append(one)
    slices = [Slice(topic, total(own), menu(own, "source")) for topic, own in topics.items()]
    entities = words(chosen, axis, point, entities_of)
    terms = words(chosen, axis, point, lambda one: terms_of(one, filters))
    counts = {
        dimension: [(getattr(one.key, dimension), one.all.records, when(point(one), axis)) for one in chosen]
        for dimension in ("topic", "product", "source")}
    for dimension, found in (("entity", entities), ("term", terms)):
        counts[dimension] = [
            (one.name, records, when(at, axis)) for one in found for at, records in enumerate(one.trend)]
    samples = sorted({
        (number, sample.id) for one in chosen for number, sample in one.cell.shown
        if one.all.records == one.cell.records or all(word in sample.text for word in (filters.entity.partition("\t")[2], filters.term))})
    sources, products, langs = (
        menu([one for one in weighed if fits(one.key, filters, without)], without) for without in ("source", "product", "lang"))
    return Overview(
        axis.start_us, axis.end_us, axis.step_us, axis.known, axis.recent, total(chosen),
        [Point(axis.edges()[at], one) for at, one in enumerate(points)],
        sorted(slices, key=lambda one: (-one.all.records, one.topic)), entities[:NAMED], terms[:NAMED],
        changes(counts, recent, rest), sources, products, langs, [name for _, name in samples[:SHOWN]])


def when(point, axis):
    """before, recent or after."""
    return "after" if point >= axis.known else "recent" if point >= axis.known - axis.recent else "before"


def weigh(cell, filters):
    if filters.entity:
        records = cell.entities.get(filters.entity, 0)
        return Feeling(min(records, sum(cell.terms.get(filters.term, ()))) if filters.term else records)
    if filters.term:
        felt = cell.terms.get(filters.term, (0, 0, 0))
        return Feeling(sum(felt), *felt)
    return Feeling(cell.records, cell.negative, cell.neutral, cell.positive)


def entities_of(one):
    return ((name, Feeling(min(records, one.all.records))) for name, records in one.cell.entities.items())


def terms_of(one, filters):
    if filters.entity or filters.term:
        return ((name, Feeling(min(sum(felt), one.all.records))) for name, felt in one.cell.terms.items())
    return ((name, Feeling(sum(felt), *felt)) for name, felt in one.cell.terms.items())


def fits(key, filters, without=""):
    return all(
        getattr(filters, name) in (None, getattr(key, name)) for name in ("source", "product", "lang", "topic") if name != without)


def words(chosen, axis, point, said):
    found = {}
    for one in chosen:
        for name, feeling in said(one):
            named = found.setdefault(name, Named(name, Feeling(), [0] * axis.points))
            add(named.all, feeling)
            named.trend[point(one)] += feeling.records
    return sorted((one for one in found.values() if one.all.records), key=lambda one: (-one.all.records, one.name))


def changes(counts, recent_us, rest_us):
    if min(recent_us, rest_us) <= 0:
        return []
    ratio, found = recent_us / rest_us, []
    for dimension, of_dimension in counts.items():
        observed, before, after = Counter(), Counter(), Counter()
        for name, records, part in of_dimension:
            {"recent": observed, "before": before, "after": after}[part][name] += records
        for name in {*observed, *before}:
            expected = before[name] * ratio
            change = abs(observed[name] - expected)
            score = change / max(ratio * (before[name] + observed[name]), 1e-9) ** 0.5
            if change >= LEAST_CHANGE and score >= LEAST_SCORE:
                found.append((-score, dimension, name, Change(dimension, name, observed[name], expected)))
    return [change for *_, change in sorted(found, key=lambda one: one[:3])[:CHANGES]]


def total(chosen):
    whole = Feeling()
    for one in chosen:
        add(whole, one.all)
    return whole


def menu(chosen, dimension):
    counts = Counter()
    for one in chosen:
        counts[getattr(one.key, dimension)] += one.all.records
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def add(mine, other):
    mine.records += other.records
    mine.negative += other.negative
    mine.neutral += other.neutral
    mine.positive += other.positive


names = st.sampled_from(["a", "b", ""])
terms = st.dictionaries(st.sampled_from(["card", "lost", "的"]), st.tuples(*[st.integers(0, 3)] * 3), max_size=2)
entities = st.dictionaries(st.sampled_from(["brand\tacme", "card"]), st.integers(1, 4), max_size=2)


@st.composite
def cells(draw):
    felt = draw(st.tuples(*[st.integers(0, 40)] * 3).filter(any))
    number = draw(st.integers(0, 30))
    text = draw(st.sampled_from(["", "card acme", "lost"]))
    named = {name: min(records, sum(felt)) for name, records in draw(entities).items()}   # no more than there are
    held = {term: tuple(map(min, counts, felt)) for term, counts in draw(terms).items()}
    return Cell(sum(felt), *felt, 5, named, held, samples=((number, f"e{number}"),),
                texts={f"e{number}": Text(text, 0)} if text else {})


keys = st.builds(lambda minute, origin, source, product: UnitKey(minute * MINUTE, origin, source, product),
                 st.integers(-3, 40) | st.just(10**7), st.sampled_from(["t/0", "t/1"]), names, names)
writes = st.lists(st.tuples(keys, st.dictionaries(st.tuples(names, names), cells(), min_size=1, max_size=2)), max_size=8)
edges = st.none() | st.integers(-5, 45).map(lambda minute: minute * MINUTE + 7)
filters = st.builds(
    Filters, edges, edges, *[st.none() | names] * 4, st.sampled_from(["", "brand\tacme", "none"]),
    st.sampled_from(["", "card", "的", "none"]))


def said(overview):
    overview.samples = [sample.id for sample in overview.samples]
    return overview


def check(store, board, asked, job="job"):
    with store.snapshot() as db:
        about = job_row(db, job)
        rows = list(cell_rows(db, about))
    for one in asked:
        assert said(board.overview(one)) == plain(about, rows, one)


@pytest.fixture(params=["stream", "backfill"])
def store(request, url):
    made = Store(url)
    made.kind = request.param
    yield made
    made.close()


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.tuples(writes, st.integers(0, 45), st.lists(filters, max_size=3), st.booleans()), min_size=1, max_size=4))
def test_the_answer_is_that_of_the_store_after_every_look(steps, store):
    job = uuid.uuid4().hex
    store.open_job(job, store.kind, MINUTE, 10 * MINUTE)
    board, revision, closed = Board(store, job), 0, -10
    for batch, watermark, asked, remove in steps:
        for key, of_unit in batch:
            if key.window_us < closed * MINUTE:   # what is closed does not change
                continue
            revision += 1000   # a larger unit takes the place of a smaller one
            whole = Unit(sum(cell.records for cell in of_unit.values()) + revision, revision, of_unit)
            store.write_units(job, 0, [(key, whole)], revision)
        with store.transaction() as db:
            if remove:
                some = db.execute(unit_table.select().where(unit_table.c.job == job).limit(1)).one_or_none()
                if some is not None:
                    db.execute(cell_table.delete().where(cell_table.c.unit == some.id))
                    db.execute(unit_table.delete().where(unit_table.c.id == some.id))
        closed = max(closed, watermark - 10)
        store.save(job, 0, closed * MINUTE, watermark * MINUTE, [])
        board.refresh()
        check(store, board, [Filters(), *asked], job)
        assert board.refresh() is False


def test_a_new_run_takes_the_place_of_the_old_one(url):
    store = Store(url)
    store.open_job("job", "backfill", MINUTE, 0)
    board = Board(store, "job")
    for number in range(2):
        run = store.begin_run("job", 1)
        store.write_units("job", run, [(UnitKey(number * MINUTE, "f", "a", ""), Unit(3, 1, {("en", "x"): Cell(3, 1, 1, 1)}))], 1)
        store.finish_run("job", run, 2)
        assert board.refresh()
        check(store, board, [Filters()])
        assert board.overview(Filters()).all.records == 3
    store.close()


def test_an_unknown_job_is_named_and_an_empty_one_is_empty(url):
    store = Store(url)
    with pytest.raises(QueryError, match="no such job"):
        Board(store, "job").refresh()
    store.open_job("job", "stream", MINUTE, 0)
    board = Board(store, "job")
    assert board.overview(Filters()).points == []
    board.refresh()
    assert board.overview(Filters(term="card")).all == Feeling()
    store.close()


@given(st.integers(-10**15, 10**15), st.integers(0, 10**15), st.sampled_from([1, 10, 60, 300, 7]), st.integers(-10**15, 10**15))
def test_an_axis_holds_the_range_in_few_whole_steps(start, length, window_s, known_us):
    window_us = window_s * 1_000_000
    axis = axis_of(start, start + length, window_us, known_us)
    assert axis.points <= POINTS and axis.step_us % window_us == 0
    assert axis.start_us % axis.step_us == 0
    if length:
        assert axis.start_us <= start and start + length <= axis.end_us < start + length + axis.step_us
    assert 0 <= axis.recent <= axis.known <= axis.points
    assert axis.known in (0, axis.points) or axis.known_us <= known_us < axis.known_us + axis.step_us


def test_words_that_carry_the_feeling_are_marked(url):
    store = Store(url)
    store.open_job("job", "backfill", MINUTE, 0)
    run = store.begin_run("job", 1)
    cell = Cell(20, 10, 0, 10, terms={"lost": (9, 0, 0), "nice": (0, 0, 9)}, samples=((1, "e"),), texts={"e": Text("A nice card, lost", 0)})
    store.write_units("job", run, [(UnitKey(0, "f", "shop", ""), Unit(20, 1, {("en", "cards"): cell}))], 1)
    store.finish_run("job", run, 2)
    board = Board(store, "job")
    board.refresh()
    (sample,) = board.overview(Filters()).samples
    assert (sample.text, sample.sentiment, sample.source, sample.topic) == ("A nice card, lost", "negative", "shop", "cards")
    assert [sample.text[start:end] for start, end in sample.telling] == ["lost"]
    (sample,) = board.overview(Filters(term="lost")).samples   # all that hold it feel so: it tells against all others
    assert [sample.text[start:end] for start, end in sample.telling] == ["lost"]
    store.close()
