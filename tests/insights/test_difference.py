"""A stream and its backfill are the same when they differ by late records alone; anything else is named."""
import json

import pytest
import sqlalchemy as sa

from insights import tables
from insights.difference import difference
from insights.queries import QueryError
from schemas.records import Reason


def fill(book, but=(), **changed):
    """Four records in two windows, without some, or with something else said of record c."""
    records = {
        "a": (0, {"terms": ["card", "lost"], "entities": ["ORG\tacme"], "author": "ann"}),
        "b": (0, {"terms": ["card"], "sentiment": "positive", "author": "bob"}),
        "c": (0, {"topic": "delivery", "terms": ["late"], "author": "ann", **changed}),
        "d": (4, {"source": "reviews", "product": "bank", "lang": "zh"})}
    for event_id, (minute, said) in records.items():
        if event_id not in but:
            book.count(minute, event_id, **said)
    return book


@pytest.fixture
def pair(books):
    """A stream that lacks some records, and the finished backfill that has them all."""
    def make(but=(), **changed):
        stream, archive = fill(books("live"), but, **changed), fill(books("archive", "backfill"))
        archive.finish()
        stream.save(9, 19)
        return stream, archive

    return make


def compare(stream, archive, **how):
    return difference(stream.store, "live", archive.store, "archive", **how)


def figures(found):
    return {(one.key.window_us, one.key.topic, one.figure) for one in found.differing}


def test_the_same_records_are_the_same_cells(pair):
    for how in ({}, {"tags": False}):
        found = compare(*pair(), **how)
        assert (found.same, found.late, found.not_closed) == (True, [], 0)
        assert found.equal == (3 if not how else 2)


def test_a_record_that_is_missing_without_a_letter_is_a_difference(pair):
    found = compare(*pair(but="b"))
    assert not found.same
    assert (0, "card", "records") in figures(found)
    assert found.equal == 2
    assert not compare(*pair(but="b"), tags=False).same


def test_cells_that_differ_exactly_by_late_letters_are_equal_and_listed(pair):
    stream, archive = pair(but="bc")
    stream.die(10, Reason.LATE, "b", 0)
    stream.die(11, Reason.LATE, "c", 0)
    for how in ({}, {"tags": False}):
        found = compare(stream, archive, **how)
        assert found.same
        assert [(one.window_us, one.source, one.lacks, one.missing) for one in found.late] == [(0, "posts", "a", 2)]
    other_way = difference(archive.store, "archive", stream.store, "live")
    assert (other_way.same, other_way.late[0].lacks) == (True, "b")


def test_fewer_or_more_late_letters_than_missing_records_explain_nothing(pair):
    stream, archive = pair(but="bc")
    stream.die(10, Reason.LATE, "b", 0)
    assert not compare(stream, archive).same
    stream.die(11, Reason.LATE, "c", 0)
    assert compare(stream, archive).same
    stream.die(12, Reason.LATE, "z", 0)
    assert not compare(stream, archive).same


def test_a_letter_of_another_window_or_source_explains_nothing(pair):
    stream, archive = pair(but="b")
    stream.die(10, Reason.LATE, "b", 4)
    assert not compare(stream, archive).same
    stream, archive = pair(but="b")
    stream.die(10, Reason.LATE, "b", 0, source="reviews")
    assert not compare(stream, archive).same


def test_a_late_copy_of_a_counted_event_is_a_duplicate_there_and_explains_nothing(pair):
    stream, archive = pair()
    stream.die(10, Reason.LATE, "a", 0)
    archive.die(10, Reason.DUPLICATE, "a", 0)
    found = compare(stream, archive)
    assert (found.same, found.late) == (True, [])


def test_two_late_copies_of_one_event_lack_one_record(pair):
    stream, archive = pair(but="b")
    stream.die(10, Reason.LATE, "b", 0)
    stream.die(11, Reason.LATE, "b", 0)
    archive.die(10, Reason.DUPLICATE, "b", 0)
    found = compare(stream, archive)
    assert (found.same, [one.missing for one in found.late]) == (True, [1])


def test_late_letters_do_not_hide_another_difference_in_their_cells(pair):
    stream, archive = pair(but="b", terms=["other"])
    stream.die(10, Reason.LATE, "b", 0)
    found = compare(stream, archive)
    assert (0, "delivery", "terms") in figures(found)
    assert compare(stream, archive, tags=False).same


@pytest.mark.parametrize(("changed", "figure"), [
    ({"terms": ["other"]}, "terms"), ({"entities": ["PER\tann"]}, "entities"), ({"sentiment": "neutral"}, "neutral"),
    ({"score": 8_003}, "score_sum"), ({"author": "eve"}, "authors"),
])
def test_whatever_else_is_said_of_a_record_is_a_difference(pair, changed, figure):
    found = compare(*pair(**changed))
    assert (0, "delivery", figure) in figures(found)


def test_scores_may_differ_in_their_last_digits(pair):
    assert compare(*pair(score=8_002)).same
    assert compare(*pair(score=7_998)).same


def test_without_tags_only_the_model_may_differ(pair):
    assert compare(*pair(topic="card", sentiment="neutral", score=500), tags=False).same
    assert not compare(*pair(author="eve"), tags=False).same


def test_a_window_that_is_not_closed_is_compared_and_counted_apart(pair):
    stream, archive = pair()
    with stream.store.transaction() as db:
        db.execute(sa.update(tables.jobs).values(closed_us=60_000_000))
    assert compare(stream, archive).not_closed == 1


def test_a_window_on_one_side_only_is_a_difference(pair):
    for but, window_us in (("d", 240_000_000), ("abc", 0)):
        stream, archive = pair(but)
        there = difference(stream.store, "live", archive.store, "archive")
        back = difference(archive.store, "archive", stream.store, "live")
        for found in (there, back):
            assert {one.key.window_us for one in found.differing} == {window_us}
            assert found.equal == (2 if but == "d" else 1)


def test_windows_of_two_lengths_cannot_be_compared(pair):
    stream, archive = pair()
    with stream.store.transaction() as db:
        db.execute(sa.update(tables.jobs).values(window_us=1_000_000))
    with pytest.raises(QueryError, match="--window"):
        compare(stream, archive)


def test_authors_that_are_hashed_with_other_keys_are_not_compared_and_the_answer_says_so(pair):
    stream, archive = pair()
    with archive.store.transaction() as db:
        db.execute(tables.jobs.update().where(tables.jobs.c.job == "archive").values(pseudonyms="other"))
        columns = tables.cells.c
        for *key, detail in db.execute(sa.select(columns.unit, columns.lang, columns.topic, columns.detail)).all():
            changed = json.dumps(json.loads(detail) | {"authors": "AAAAAAAAAAE="})
            of_cell = sa.tuple_(columns.unit, columns.lang, columns.topic) == tuple(key)
            db.execute(tables.cells.update().where(of_cell).values(detail=changed))
    found = compare(stream, archive)
    assert found.same and not found.authors
    assert compare(*pair()).authors
