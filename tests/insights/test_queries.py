"""The read model: every grain is a merge of the one that is stored."""
import pytest

from insights.queries import DIMENSIONS, QueryError, WindowState, insights, windows
from schemas.records import to_us

MINUTE = 60_000_000


@pytest.fixture
def book(books):
    """Three windows: closed, complete and live; two origins and epochs; one author in both sources."""
    made = books()
    made.count(0, "a", author="ann", terms=["card", "lost"], entities=["ORG\tacme"])
    made.count(0, "b", author="bob", terms=["card"], sentiment="positive", origin="texts/1")
    made.count(0, "c", author="ann", terms=["late"], source="reviews", product="bank", lang="zh", epoch=1)
    made.count(9, "d", topic="delivery")
    made.count(12, "e", sentiment="neutral", score=6_000)
    made.save(1, 11, ("texts/0", 5, 5, 1, 0))
    return made


def said(found):
    return [(to_us(one.start) // MINUTE, tuple(one.group.values()), one.records) for one in found]


def test_windows_come_oldest_first_with_their_state(book):
    found = windows(book.store, "job", 10)
    assert [(to_us(one.start) // MINUTE, one.state, one.records) for one in found] == [
        (0, WindowState.CLOSED, 3), (9, WindowState.COMPLETE, 1), (12, WindowState.LIVE, 1)]
    assert (found[0].negative, found[0].neutral, found[0].positive) == (2, 0, 1)
    assert windows(book.store, "job", 1) == found[-1:]


def test_cells_merge_over_origins_epochs_and_every_other_dimension(book):
    (first, *_) = insights(book.store, "job")
    assert (first.records, first.negative, first.positive, first.authors, first.score) == (3, 2, 1, 2, 0.8)
    assert [(term.term, term.negative, term.positive) for term in first.terms] == [
        ("card", 1, 1), ("late", 1, 0), ("lost", 1, 0)]
    assert [(entity.type, entity.text, entity.records) for entity in first.entities] == [("ORG", "acme", 1)]
    assert sorted(sample.id for sample in first.samples) == ["a", "b", "c"]


def test_every_grouping_holds_every_record(book):
    for by in [(), *[(name,) for name in DIMENSIONS], DIMENSIONS]:
        assert sum(one.records for one in insights(book.store, "job", by=by)) == 5
    assert said(insights(book.store, "job", by=["source"], to_us=MINUTE)) == [(0, ("posts",), 2), (0, ("reviews",), 1)]


def test_a_larger_window_is_the_merge_of_its_base_windows_and_as_far_as_its_last(book):
    found = insights(book.store, "job", size_us=10 * MINUTE)
    assert said(found) == [(0, (), 4), (10, (), 1)]
    assert [one.state for one in found] == [WindowState.COMPLETE, WindowState.LIVE]


def test_from_and_to_are_widened_to_whole_windows(book):
    found = insights(book.store, "job", from_us=9 * MINUTE + 1, to_us=9 * MINUTE + 2, size_us=5 * MINUTE)
    assert said(found) == [(5, (), 1)]
    assert said(insights(book.store, "job", from_us=1, to_us=2, size_us=10 * MINUTE)) == [(0, (), 4)]
    assert insights(book.store, "job", from_us=1 * MINUTE, to_us=9 * MINUTE) == []


def test_only_and_top_narrow_the_answer(book):
    assert said(insights(book.store, "job", only={"source": "reviews"})) == [(0, (), 1)]
    assert said(insights(book.store, "job", only={"topic": "delivery"})) == [(9, (), 1)]
    (first, *_) = insights(book.store, "job", top=1)
    assert [term.term for term in first.terms] == ["card"]


def test_only_the_current_run_of_a_backfill_is_read(books):
    book = books("archive", "backfill")
    book.count(0, "a")
    assert windows(book.store, "archive") == [] == insights(book.store, "archive")
    book.finish()
    again = type(book)(book.store, "archive", "backfill")
    again.count(0, "a")
    again.count(0, "b")
    assert said(insights(book.store, "archive")) == [(0, (), 1)]
    again.finish()
    assert said(insights(book.store, "archive")) == [(0, (), 2)]
    assert windows(book.store, "archive")[0].state == WindowState.CLOSED


@pytest.mark.parametrize(("job", "asked", "named"), [
    ("absent", {}, "it has: job"), ("job", {"size_us": 90_000_000}, "multiple"), ("job", {"size_us": 0}, "multiple"),
    ("job", {"by": ["author"]}, "source, product, lang, topic"), ("job", {"only": {"records": "1"}}, "records"),
])
def test_a_question_without_an_answer_says_why(book, job, asked, named):
    with pytest.raises(QueryError, match=named):
        insights(book.store, job, **asked)
