"""Merging old windows keeps every total, changes nothing of recovery, and is done whole or not at all, whenever it is cut off."""
import itertools
import uuid

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from insights.alerts.detect import Sensitivity
from insights.alerts.keep import judge, memory_us
from insights.board import Board, Filters
from insights.cells import Cell, Unit
from insights.conservation import audit
from insights.difference import difference
from insights.queries import DIMENSIONS, QueryError, cell_rows, insights, job_row, windows
from insights.retention import Action, compact, plan
from insights.rollup import DAY_US, HOUR_US, Ages, spans_of
from insights.store import Progress, Store, UnitKey
from insights.tables import cells as cell_table
from insights.tables import units as unit_table

MINUTE = 60_000_000
WINDOW = 10 * MINUTE
FIRST_DAY = 20_000
DAYS = 60
AGES = Ages(20 * DAY_US, 30 * DAY_US)
DROPPING = Ages(20 * DAY_US, 30 * DAY_US, 40 * DAY_US)

places = st.builds(
    lambda day, at, origin, source: UnitKey(FIRST_DAY * DAY_US + day * DAY_US + at * WINDOW, origin, source, ""),
    st.integers(0, DAYS - 1), st.integers(0, 143), st.sampled_from(["t/0", "t/1"]), st.sampled_from(["posts", "tickets"]))


@st.composite
def unit_cells(draw):
    felt = draw(st.tuples(*[st.integers(0, 5)] * 3).filter(any))
    number = draw(st.integers(0, 99))
    return Cell(sum(felt), *felt, draw(st.integers(0, 99)), {"brand\tacme": draw(st.integers(1, 3))}, {"card": felt}, [0] * 9 + [sum(felt)],
                (number,), ((number, f"e{number}"),), {"v1": sum(felt)})


parts = st.dictionaries(
    st.tuples(st.sampled_from(["en", "zh"]), st.sampled_from(["cards", "food"])), unit_cells(), min_size=1, max_size=2)
stores = st.dictionaries(places, parts, min_size=1, max_size=12)


@pytest.fixture
def store(url):
    made = Store(url)
    yield made
    made.close()


def filled(store, content, kind="stream"):
    """The job: all of it closed, and its books in order."""
    job = uuid.uuid4().hex
    store.open_job(job, kind, WINDOW, 0)
    run = store.begin_run(job, 1) if kind == "backfill" else 0
    read = {"t/0": 0, "t/1": 0}
    batch = []
    for offset, (key, of_unit) in enumerate(sorted(content.items(), key=str)):
        records = sum(cell.records for cell in of_unit.values())
        read[key.origin] += records
        batch.append((key, Unit(records, offset, of_unit)))
    store.write_units(job, run, batch, 1)
    end_us = (FIRST_DAY + DAYS) * DAY_US
    store.save(job, run, end_us, end_us, [Progress(origin, 0, 0, 0, 99, number, 0) for origin, number in read.items()])
    if kind == "backfill":
        store.finish_run(job, run, 2)
    judge(store, job, Sensitivity(), 3)
    return job


def total(store, job, by=()):
    """All of the job's cells merged, by some dimensions."""
    found = {}
    with store.snapshot() as db:
        for key, cell in cell_rows(db, job_row(db, job)):
            found.setdefault(tuple(getattr(key, name) for name in by), Cell.empty()).add(cell)
    return found


def spans(store, job):
    with store.snapshot() as db:
        return sorted(db.execute(sa.select(unit_table.c.window_us, unit_table.c.span_us).where(unit_table.c.job == job).distinct()).all())


def books_hold(store, job):
    assert audit(store, job).findings == []


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=stores, cut=st.integers(0, 3))
def test_every_total_is_kept_wherever_it_is_cut_off_and_however_often_it_is_done(content, cut, store):
    job = filled(store, content)
    before = {by: total(store, job, by) for by in ((), *((name,) for name in DIMENSIONS), DIMENSIONS)}
    known = store.load(job, 0)
    for _ in range(cut):   # whoever is killed after so many transactions
        next(compact(store, job, AGES), None)
        books_hold(store, job)
    done = list(compact(store, job, AGES))

    assert {by: total(store, job, by) for by in before} == before
    assert list(compact(store, job, AGES)) == []
    books_hold(store, job)
    assert store.load(job, 0) == known   # what a restart goes by
    now_us = max(key.window_us for key in content) + WINDOW
    for start, span in spans(store, job):
        end = start + (span or WINDOW)
        assert span in (0, HOUR_US, DAY_US) and start % (span or WINDOW) == 0
        assert span == 0 or end <= now_us - AGES.hours_us
        assert span == DAY_US or start >= (now_us - AGES.days_us) // DAY_US * DAY_US or end > now_us - AGES.days_us
    for one in done:
        assert one.units[1] <= one.units[0] and one.cells[1] <= one.cells[0]


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=stores)
def test_what_is_removed_for_its_age_stays_in_the_books_and_in_what_a_restart_goes_by(content, store):
    job = filled(store, content)
    whole = sum(cell.records for cell in total(store, job).values())
    known = store.load(job, 0)
    list(compact(store, job, DROPPING))

    (book,) = audit(store, job).totals
    assert book.in_cells + book.dropped == whole
    books_hold(store, job)
    assert store.load(job, 0)[1] == known[1]
    last_us = max(key.window_us for key in content) + WINDOW
    assert all(start >= (last_us - DROPPING.drop_us) // DAY_US * DAY_US for start, _ in spans(store, job))


def content_of(days=DAYS):
    return {
        UnitKey((FIRST_DAY + day) * DAY_US + at * WINDOW, "t/0", "posts", ""): {
            ("en", "cards"): Cell(2, 1, 0, 1, samples=((day * 144 + at, f"{day} {at}"),))}
        for day in range(days) for at in (0, 5, 6, 143)}


def test_windows_answer_with_the_spans_they_have(store):
    job = filled(store, content_of())
    list(compact(store, job, AGES))
    found = windows(store, job, 1_000)
    lengths = {(one.end - one.start).total_seconds() for one in found}
    assert lengths == {600.0, 3_600.0, 86_400.0}
    assert sum(one.records for one in found) == 2 * 4 * DAYS
    assert all(one.end <= later.start for one, later in itertools.pairwise(found))
    assert sum(one.records for one in insights(store, job, size_us=DAY_US)) == 2 * 4 * DAYS


def test_the_page_has_steps_no_shorter_than_the_windows_that_are_left(store):
    job = filled(store, content_of())
    list(compact(store, job, AGES))
    board = Board(store, job)
    board.refresh()
    start_us = FIRST_DAY * DAY_US
    for day, step_us in ((3, DAY_US), (33, HOUR_US), (55, WINDOW)):
        begin_us = start_us + day * DAY_US
        found = board.overview(Filters(from_us=begin_us, to_us=begin_us + 6 * HOUR_US))
        assert found.step_us == step_us
    assert board.overview(Filters()).all.records == 2 * 4 * DAYS


def test_a_pane_that_comes_again_for_a_merged_window_changes_nothing(store):
    content = content_of()
    job = filled(store, content)
    list(compact(store, job, AGES))
    before = total(store, job)
    store.write_units(job, 0, [(key, Unit(2, 5, of_unit)) for key, of_unit in content.items()], 9)
    assert total(store, job) == before
    books_hold(store, job)


def test_a_merge_that_fails_leaves_all_as_it_was(store, monkeypatch):
    job = filled(store, content_of())
    before = spans(store, job), total(store, job)
    monkeypatch.setattr("insights.retention._mark", lambda *given: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        list(compact(store, job, AGES))
    assert (spans(store, job), total(store, job)) == before


def test_a_job_that_is_merged_equals_one_that_is_not(store):
    jobs = [filled(store, content_of()) for _ in range(2)]
    list(compact(store, jobs[0], AGES))
    found = difference(store, jobs[0], store, jobs[1])
    assert (found.differing, found.late) == ([], [])
    assert found.equal > 0 and found.since_us is None
    list(compact(store, jobs[0], DROPPING))
    assert difference(store, jobs[0], store, jobs[1]).since_us is not None


def test_alerts_stay_as_they_were(store):
    job = filled(store, content_of())
    list(compact(store, job, AGES))
    assert judge(store, job, Sensitivity(), 9) == 0


@pytest.mark.parametrize(("ages", "said"), [
    (Ages(DAY_US, 30 * DAY_US), "--hours-after 1d: alerts rest on the windows before"),
    (Ages(40 * DAY_US, 30 * DAY_US), "each must be as long as the one before"),
    (Ages(20 * DAY_US, 30 * DAY_US, 25 * DAY_US), "each must be as long as the one before")])
def test_ages_that_make_no_sense_are_refused(ages, said, store):
    job = filled(store, content_of(2))
    with store.snapshot() as db, pytest.raises(QueryError, match=said):
        plan(db, job, ages)


def test_windows_that_alerts_have_not_judged_wait(store):
    job = uuid.uuid4().hex
    store.open_job(job, "stream", WINDOW, 0)
    store.write_units(job, 0, [(key, Unit(2, 5, of_unit)) for key, of_unit in content_of().items()], 1)
    with store.snapshot() as db:
        assert not any(step.action is not Action.DROP for step in plan(db, job, AGES).steps)
    assert memory_us(WINDOW, Sensitivity()) <= AGES.hours_us


def test_windows_that_fill_no_hour_become_days():
    assert spans_of(WINDOW) == (HOUR_US, DAY_US)
    assert spans_of(7 * MINUTE) == ()
    assert spans_of(90 * MINUTE) == (DAY_US,)


def test_no_cell_is_left_without_its_unit(store):
    job = filled(store, content_of())
    list(compact(store, job, DROPPING))
    with store.snapshot() as db:
        assert db.scalar(sa.select(sa.func.count()).where(cell_table.c.unit.not_in(sa.select(unit_table.c.id)))) == 0
