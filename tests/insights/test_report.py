"""What a report gathers: the same numbers as the queries, beside the span before, and a clear word where there are none."""
import contextlib
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from insights.alerts.detect import Sensitivity
from insights.alerts.keep import judge
from insights.board import Change, Feeling
from insights.queries import DIMENSIONS, QueryError, WindowState, insights
from insights.report import DAY_US, POINTS, changes, report, step_of
from insights.retention import compact
from insights.rollup import Ages
from insights.store import Store
from tests.insights.conftest import Books

MINUTE = 60_000_000


@pytest.fixture
def book(books):
    """Ten minutes: the second five have more, a duplicate and a letter without a time."""
    made = books()
    for at in range(10):
        for number in range(2 + 3 * (at >= 5)):
            made.count(at, f"{at}-{number}", author=f"a{number}", terms=["card", f"t{number}"], entities=["brand\tacme"],
                       topic=("bank", "card")[number % 2], lang=("en", "zh")[number % 2], source=("posts", "tickets")[at % 2],
                       sentiment=("negative", "neutral", "positive")[number % 3], origin=f"texts/{number % 2}")
    made.die(100, "late", minute=6)
    made.die(101, "malformed")
    made.die(102, "duplicate", minute=5)
    made.save(8, 9)
    return made


def test_its_numbers_are_those_of_the_queries(book):
    found = report(book.store, "job", 5 * MINUTE, 10 * MINUTE)
    asked = {"from_us": 5 * MINUTE, "to_us": 10 * MINUTE, "top": 1_000}

    assert found.all == _sum(insights(book.store, "job", **asked))
    assert found.before == _sum(insights(book.store, "job", to_us=5 * MINUTE))
    assert [point.records for point in found.points] == [one.records for one in insights(book.store, "job", **asked)]
    for name in DIMENSIONS:
        by_value = {one.group[name]: one for one in insights(book.store, "job", by=[name], size_us=5 * MINUTE, **asked)}
        assert {group.name: group.now for group in found.groups[name] if group.now.records} == {
            value: _sum([one]) for value, one in by_value.items()}
    (whole,) = insights(book.store, "job", size_us=5 * MINUTE, **asked)
    assert found.authors == whole.authors
    assert found.versions == whole.versions
    assert [(one.name, one.now.records) for one in found.terms] == [(term.term, term.records) for term in whole.terms][:12]
    assert [(one.type, one.name, one.now.records) for one in found.entities] == [
        (one.type, one.text, one.records) for one in whole.entities]


def _sum(found):
    return Feeling(*(sum(getattr(one, name) for one in found) for name in ("records", "negative", "neutral", "positive")))


def test_a_trend_adds_up_to_its_records(book):
    found = report(book.store, "job")

    assert all(sum(one.trend) == one.now.records for one in [*found.terms, *found.entities])
    assert sum(point.records for point in found.points) == found.all.records


def test_the_span_before_is_of_the_same_length_or_there_is_none(book):
    assert report(book.store, "job", 5 * MINUTE).span.before_us == 0
    short = report(book.store, "job", 4 * MINUTE)
    assert short.span.before_us is None
    assert (short.before, short.changes) == (Feeling(), [])


def test_it_ends_where_the_records_end_and_begins_where_they_begin(book):
    span = report(book.store, "job", -5 * MINUTE, 900 * MINUTE).span

    assert (span.from_us, span.to_us, span.first_us, span.last_us) == (0, 10 * MINUTE, 0, 10 * MINUTE)


def test_times_are_widened_to_whole_windows(book):
    span = report(book.store, "job", 5 * MINUTE + 1, 6 * MINUTE + 1).span

    assert (span.from_us, span.to_us) == (5 * MINUTE, 7 * MINUTE)


def test_a_silence_at_the_end_of_a_stream_is_part_of_it_as_far_as_the_watermark_knows(book):
    book.save(8, 20)

    assert report(book.store, "job", to_us=15 * MINUTE).span.to_us == 15 * MINUTE
    assert report(book.store, "job", to_us=25 * MINUTE).span.to_us == 20 * MINUTE


def test_dead_letters_are_counted_where_their_window_is_and_those_without_one_in_the_whole_job(book):
    letters = {one.reason: (one.now, one.before, one.ever) for one in report(book.store, "job", 5 * MINUTE).letters}

    assert letters == {"late": (1, 0, 1), "malformed": (0, 0, 1), "duplicate": (1, 0, 1)}


def test_windows_are_counted_by_their_state(book):
    assert report(book.store, "job").states == {WindowState.CLOSED: 8, WindowState.COMPLETE: 1, WindowState.LIVE: 1}


@pytest.mark.parametrize(("from_us", "to_us"), [(20 * MINUTE, None), (None, -MINUTE), (7 * MINUTE, 7 * MINUTE)])
def test_a_time_without_records_says_where_there_are_some(from_us, to_us, book):
    with pytest.raises(QueryError, match="1970-01-01T00:00:00Z to 1970-01-01T00:10:00Z"):
        report(book.store, "job", from_us, to_us)


def test_a_gap_in_the_middle_says_so(books):
    book = books()
    book.count(0, "a")
    book.count(9, "b")
    with pytest.raises(QueryError, match="has no records from 1970-01-01 00:03 to 1970-01-01 00:05"):
        report(book.store, "job", 3 * MINUTE, 5 * MINUTE)


def test_a_job_without_records_is_said_to_have_none(books):
    with pytest.raises(QueryError, match="has no records yet"):
        report(books().store, "job")


def test_only_the_current_run_is_told(books):
    book = books("archive", "backfill")
    book.count(0, "a")
    book.finish()
    again = type(book)(book.store, "archive", "backfill")
    again.count(0, "a")
    again.count(0, "b")

    assert report(book.store, "archive").all.records == 1


@given(st.integers(1, 5_000), st.integers(1, 90))
def test_steps_are_whole_windows_and_not_too_many(windows, seconds):
    window_us = seconds * 1_000_000
    step = step_of(windows * window_us, window_us)

    assert step % window_us == 0
    assert -(-windows * window_us // step) <= POINTS


@pytest.mark.parametrize(("windows", "step"), [(1, 1), (96, 1), (97, 2), (180, 2), (1_440, 15), (194, 3)])
def test_steps_are_equal_where_that_can_be(windows, step):
    assert step_of(windows * MINUTE, MINUTE) == step * MINUTE


def test_what_changed_is_what_has_another_part_and_not_what_grew_with_the_rest():
    before, now = Counter({("topic", "card"): 100, ("topic", "bank"): 100}), Counter({("topic", "card"): 200, ("topic", "bank"): 200})
    assert changes(now, before, 400, 200) == []

    now["topic", "card"] = 320
    assert changes(now, before, 520, 200) == []   # 60 more: chance where so few were there before
    now["topic", "card"] = 1_000
    assert changes(now, before, 1_200, 200) == [Change("topic", "bank", 200, 600.0), Change("topic", "card", 1_000, 600.0)]


def test_something_new_is_a_change_once_it_is_more_than_chance():
    def named(records):
        return [change.name for change in changes({("term", "lost"): records}, {}, 1_000, 1_000)]

    assert (named(7), named(12), named(40)) == ([], [], ["lost"])


DAYS = 26


@pytest.fixture(scope="module")
def merged(tmp_path_factory):
    """26 days, half an hour apart: the first 4 are stored as days, those up to the 10th in hours. Only read, for it is made once."""
    with contextlib.closing(Store(f"sqlite:///{tmp_path_factory.mktemp('merged')}/store.db")) as store:
        book = Books(store)
        for at in range(0, DAYS * 1_440, 30):
            book.count(at, f"{at}", terms=["card"])
        book.save(DAYS * 1_440, DAYS * 1_440)
        judge(store, "job", Sensitivity(), 1)
        assert list(compact(store, "job", Ages(16 * DAY_US, 22 * DAY_US)))
        yield book


@pytest.mark.parametrize(("from_day", "to_day"), [(0, 26), (1, 5), (0.3, 1.2), (4.01, 9), (5.5, 6), (24, 26), (3, 21.5), (12, 14)])
def test_hours_and_days_count_as_what_they_were_merged_from(merged, from_day, to_day):
    found = report(merged.store, "job", round(from_day * DAY_US), round(to_day * DAY_US))
    span = found.span

    assert span.from_us <= from_day * DAY_US
    assert span.to_us >= to_day * DAY_US
    assert found.all.records == (span.to_us - span.from_us) // (30 * MINUTE)
    assert sum(found.terms[0].trend) == found.all.records
    if span.before_us is not None:
        assert found.before.records == found.all.records
    with merged.store.snapshot() as db:
        rows = db.exec_driver_sql(
            f"select sum(records), min(window_us) from insight_windows where job = 'job' and window_us >= {span.from_us}"
            f" and window_us < {span.to_us}").one()
    assert tuple(rows) == (found.all.records, span.from_us)
