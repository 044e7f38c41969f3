"""Laws of roll-ups, cell by cell: whatever is merged, in whatever order and wherever it is cut, with others at work beside it."""
import itertools

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from insights import retention, tables
from insights.cells import Cell, Unit
from insights.conservation import audit
from insights.difference import difference
from insights.queries import QueryError, insights, job_row, windows
from insights.retention import compact, plan
from insights.rollup import DAY_US, HOUR_US, Ages
from insights.sketch import sketch_of
from insights.store import Progress, Store, UnitKey
from insights.tables import START_US
from schemas.records import DeadLetter, Reason, to_us

MINUTE = 60_000_000
FIRST = 20_000 * DAY_US
LAST = FIRST + 60 * DAY_US
AGES = Ages(20 * DAY_US, 40 * DAY_US)
FIGURES = ("records", "negative", "neutral", "positive", "score_sum")

words = st.text("ab安", min_size=1, max_size=2)
triples = st.tuples(*[st.integers(0, 9)] * 3)
cells = st.builds(
    lambda felt, score, entities, terms, authors, samples: Cell(
        sum(felt), *felt, score, entities, terms, [sum(felt), *[0] * 9], sketch_of(authors), tuple(sorted(samples)[:3]), {"v1": sum(felt)}),
    triples, st.integers(0, 90_000), st.dictionaries(words, st.integers(1, 9), max_size=3), st.dictionaries(words, triples, max_size=3),
    st.sets(st.integers(0, 2**64 - 1), max_size=4), st.sets(st.tuples(st.integers(0, 99), words), max_size=3))
starts = st.tuples(st.integers(0, 59), st.integers(0, 1), st.integers(0, 59)).map(
    lambda told: FIRST + told[0] * DAY_US + told[1] * HOUR_US + told[2] * MINUTE)
keys = st.builds(UnitKey, starts, st.sampled_from(["t/0", "t/1"]), st.sampled_from(["posts", "tickets"]), st.just(""), st.integers(0, 1))
stored_units = st.dictionaries(
    keys, st.dictionaries(st.tuples(st.sampled_from(["en", "zh"]), st.sampled_from(["card", "bank"])), cells, min_size=1, max_size=2),
    min_size=1, max_size=8)


def fill(store, made, job="job", kind="stream"):
    """Units of these cells, an open one at the end, and what was read of each origin."""
    store.open_job(job, kind, MINUTE, 0)
    run = store.begin_run(job, 1) if kind == "backfill" else 0
    whole = {UnitKey(LAST, "t/0", "posts", "", 2): {("en", "card"): Cell(1, 1)}, **made}
    units = [(key, Unit(sum(cell.records for cell in of.values()), at, of)) for at, (key, of) in enumerate(whole.items())]
    store.write_units(job, run, units, 7)
    store.write_dead(job, run, [DeadLetter("t/0", 99, Reason.MALFORMED, "")], {})
    read = {origin: sum(unit.records for key, unit in units if key.origin == origin) for origin in ("t/0", "t/1")}
    store.save(job, run, LAST + MINUTE, LAST + MINUTE, [
        Progress("t/0", 100, read["t/0"] + 1, 2, 100, read["t/0"] + 1, 0), Progress("t/1", 1, 1, 2, 100, read["t/1"], 0)])
    if kind == "backfill":
        store.finish_run(job, run, 2)
    return whole


def in_spans(whole, marks):
    """{(start, origin, source, product, epoch, lang, topic): the plain merge of the cells in it}"""
    merged = {}
    for key, of in whole.items():
        for named, cell in of.items():
            place = (marks.span_start(key.window_us, MINUTE), key.origin, key.source, key.product, key.epoch, *named)
            merged.setdefault(place, Cell.empty()).add(cell)
    return merged


def contents(store, job="job"):
    units = tables.units.c
    with store.snapshot() as db:
        rows = db.execute(
            sa.select(units, tables.cells).join(tables.cells, tables.cells.c.unit == units.id).where(units.job == job)).mappings()
        return {(row["window_us"], row["origin"], row["source"], row["product"], row["epoch"], row["lang"], row["topic"]):
                Cell.from_row({column.name: row[column] for column in tables.cells.c}) for row in rows}


def marks_of(store):
    with store.snapshot() as db:
        return job_row(db, "job").marks


def everything(store):
    with store.snapshot() as db:
        return {table.name: sorted(map(repr, db.execute(sa.select(table)).all())) for table in tables.metadata.sorted_tables}


@pytest.fixture
def store(url):
    made = Store(url)
    yield made
    made.close()


def some():
    """A day of hours, an hour, and windows that stay; two origins and epochs."""
    def of(at, name):
        return {("en", "card"): Cell(2, 2, 0, 0, 9_000, {"ORG\tacme": 2}, {"card": (2, 0, 0)}, [0] * 8 + [2, 0], sketch_of([at]),
                                     ((at, name),), {"v1": 2})}

    places = [(0, 0), (0, 1), (0, 61), (0, 1_439), (1, 0), (25, 0), (25, 59), (25, 60), (50, 5), (50, 6)]
    made = {UnitKey(FIRST + day * DAY_US + minute * MINUTE, f"t/{at % 2}", "posts", "", at % 3): of(at, f"e{at}")
            for at, (day, minute) in enumerate(places)}
    return made


@settings(max_examples=60)
@given(stored_units, st.lists(st.tuples(st.integers(16, 59), st.integers(0, 40), st.integers(0, 9)), max_size=4))
def test_any_merges_cut_anywhere_keep_every_figure_of_every_cell(made, runs):
    store = Store("sqlite://")
    whole = fill(store, made)
    before = store.load("job", 0)
    for hours, more, steps in runs:
        list(itertools.islice(compact(store, "job", Ages(hours * DAY_US, (hours + more) * DAY_US)), steps))
        assert contents(store) == in_spans(whole, marks_of(store))
        assert audit(store).findings == []
        assert store.load("job", 0) == before
    store.close()


@settings(max_examples=30)
@given(stored_units, st.integers(20, 60), st.integers(0, 60))
def test_what_is_dropped_is_whole_days_that_verify_and_a_restart_still_count(made, after, steps):
    store = Store("sqlite://")
    whole = fill(store, made)
    before, read = store.load("job", 0), audit(store).totals[0].read
    list(itertools.islice(compact(store, "job", Ages(16 * DAY_US, 20 * DAY_US, after * DAY_US)), steps))
    marks = marks_of(store)
    assert contents(store) == {place: cell for place, cell in in_spans(whole, marks).items() if place[0] >= marks.dropped_us}
    assert marks.dropped_us in (START_US, marks.dropped_us // DAY_US * DAY_US)
    assert audit(store).findings == []
    (total,) = audit(store).totals
    assert total.read == read == total.in_cells + total.dropped + 1
    assert store.load("job", 0) == before
    store.close()


@pytest.mark.parametrize("broken", ["_remove", "_insert", "_mark"])
@pytest.mark.parametrize("at", [0, 3, 6])
def test_a_step_that_fails_in_the_midst_changes_nothing_and_is_done_by_the_next(store, broken, at, monkeypatch):
    whole = fill(store, some())
    steps = compact(store, "job", AGES)
    done = list(itertools.islice(steps, at))
    before = everything(store)
    work = getattr(retention, broken)

    def failing(*given):
        work(*given)
        raise KeyboardInterrupt

    monkeypatch.setattr(retention, broken, failing)
    with pytest.raises(KeyboardInterrupt):
        next(steps)
    assert everything(store) == before
    assert audit(store).findings == []
    monkeypatch.undo()
    assert len(done) + len(list(compact(store, "job", AGES))) == 8
    assert contents(store) == in_spans(whole, marks_of(store))


def test_of_two_who_merge_at_once_one_ends_and_nothing_is_merged_twice(store):
    whole = fill(store, some())
    first = compact(store, "job", AGES)
    next(first)
    assert len(list(compact(store, "job", AGES))) == 7
    assert list(first) == []
    assert contents(store) == in_spans(whole, marks_of(store))


def test_a_write_between_reading_and_merging_is_merged_too(store, monkeypatch):
    whole = fill(store, some())
    key = next(key for key in whole if key.window_us == FIRST)
    grown = {("en", "card"): Cell.merge(whole[key]["en", "card"], whole[key]["en", "card"])}
    merged = retention.merged

    def late(parts, start_us):
        monkeypatch.undo()
        store.write_units("job", 0, [(key, Unit(4, 0, grown))], 8)
        return merged(parts, start_us)

    monkeypatch.setattr(retention, "merged", late)
    whole[key] = grown
    next(compact(store, "job", AGES))
    assert contents(store) == in_spans(whole, marks_of(store))


def test_windows_that_wait_to_be_published_stay_and_merged_ones_are_not_published(store):
    whole = fill(store, some())
    waiting = FIRST + 25 * DAY_US
    with store.transaction() as db:
        db.execute(tables.units.update().where(tables.units.c.window_us < waiting).values(published=tables.units.c.revision))
    list(compact(store, "job", AGES))
    with store.snapshot() as db:
        assert "insights topic" in plan(db, "job", AGES).waits
        assert "insights topic" not in plan(db, "job", AGES, unsent=True).waits
        changed = db.scalars(sa.select(tables.units.c.window_us).where(tables.units.c.revision > tables.units.c.published)).all()
    assert min(changed) == waiting
    list(compact(store, "job", AGES, unsent=True))
    assert contents(store) == in_spans(whole, marks_of(store))


def test_windows_that_fill_no_day_are_refused(store):
    store.open_job("odd", "stream", 7 * MINUTE, 0)
    with pytest.raises(QueryError, match="windows of 420 s"):
        list(compact(store, "odd", AGES))


def test_a_finished_backfill_is_merged_and_its_next_run_begins_anew(store):
    fill(store, some(), "archive", "backfill")
    assert len(list(compact(store, "archive", AGES))) == 8
    assert audit(store).findings == []
    fill(store, some(), "archive", "backfill")
    assert audit(store).findings == []
    assert len(windows(store, "archive")) == 11
    with store.snapshot() as db:
        assert db.scalar(sa.select(sa.func.count()).select_from(tables.retention)) == 0


def test_a_merged_stream_equals_its_backfill_in_hours_and_days_and_a_change_is_found(store):
    made = some()
    fill(store, made)
    fill(store, made, "archive", "backfill")
    list(compact(store, "job", Ages(20 * DAY_US, 40 * DAY_US, 59 * DAY_US)))
    found = difference(store, "job", store, "archive")
    assert (found.same, found.since_us) == (True, FIRST + DAY_US)
    assert found.equal == 6
    list(compact(store, "archive", Ages(30 * DAY_US, 59 * DAY_US)))
    assert difference(store, "archive", store, "job").same
    with store.transaction() as db:
        db.execute(tables.cells.update().where(tables.cells.c.unit == db.scalar(sa.select(sa.func.min(tables.units.c.id)).where(
            tables.units.c.job == "archive", tables.units.c.window_us >= FIRST + 25 * DAY_US))).values(negative=1, neutral=1))
    assert {one.figure for one in difference(store, "job", store, "archive").differing} == {"negative", "neutral"}


def test_late_records_of_a_merged_window_are_explained(store):
    made = some()
    late = next(key for key in made if key.window_us == FIRST + 25 * DAY_US + 59 * MINUTE)
    fill(store, made, "archive", "backfill")
    fill(store, {key: of for key, of in made.items() if key != late})
    letters = [DeadLetter(late.origin, 50 + at, Reason.LATE, "", f"x{at}", late.window_us, "posts") for at in (0, 1)]
    store.write_dead("job", 0, letters, {})
    sample = made[late]["en", "card"].samples[0][1]
    with store.transaction() as db:
        db.execute(tables.dead_letters.update().where(tables.dead_letters.c.offset == 50).values(event_id=sample))
    list(compact(store, "job", AGES))
    found = difference(store, "job", store, "archive")
    assert found.same
    assert [(one.window_us, one.missing) for one in found.late] == [(FIRST + 25 * DAY_US, 2)]


@pytest.mark.parametrize("size", [1, 7, 60, 90, 100, 1_440, 2_000])
def test_an_answer_has_every_record_once_in_windows_that_do_not_overlap(store, size):
    fill(store, some())
    before = sum(one.records for one in insights(store, "job", size_us=size * MINUTE))
    list(compact(store, "job", AGES))
    found = insights(store, "job", size_us=size * MINUTE)
    assert sum(one.records for one in found) == before
    assert all(one.end <= after.start for one, after in itertools.pairwise(found))
    assert all(to_us(at) % (size * MINUTE) == 0 or to_us(at) % HOUR_US == 0 for one in found for at in (one.start, one.end))
    for one in found:   # part of the time gives the same windows
        assert insights(store, "job", size_us=size * MINUTE, from_us=to_us(one.start) + 1, to_us=to_us(one.end) - 1) == [one]


def test_a_unit_that_should_have_been_merged_is_a_finding(store):
    fill(store, some())
    list(compact(store, "job", AGES))
    with store.transaction() as db:
        db.execute(tables.units.update().where(tables.units.c.span_us == HOUR_US).values(span_us=0))
    assert {finding.law for finding in audit(store).findings} == {"a window is merged once"}
