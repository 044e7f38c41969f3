"""Dead letters as work: each is dealt with once, all or nothing, and the books stay true."""
import threading

import pytest
import sqlalchemy as sa

from insights import mending, report, tables
from insights.cells import Unit
from insights.conservation import audit, verify
from insights.difference import difference
from insights.forget import forget
from insights.letters import State
from insights.mending import Counted, Dealt, Selection
from insights.queries import job_row
from insights.report import Span
from insights.retention import Action, Step, _drop, _merge
from insights.rollup import DAY_US
from insights.store import Store, StoreError, UnitKey
from schemas.decode import event_key
from schemas.records import DeadLetter, Reason
from tests.insights.conftest import MINUTE, cell_of

ALL = Selection("job")


@pytest.fixture
def book(books):
    """Two closed records, and four letters, the first three with originals."""
    made = books()
    made.count(0, "a")
    made.count(0, "b", source="reviews")
    letters = [
        DeadLetter("texts/0", 3, Reason.MALFORMED, "no JSON", first_seen_us=10),
        DeadLetter("texts/0", 4, Reason.LATE, "", "d", 0, "posts", first_seen_us=20, author="00ab"),
        DeadLetter("texts/1", 0, Reason.WRONG_TYPE, "event_time", first_seen_us=30)]
    sealed = {(letter.origin, letter.offset): f"sealed {letter.offset}".encode() for letter in letters}
    made.store.write_dead("job", 0, letters, {"texts/0": 5, "texts/1": 1}, sealed=sealed)
    made.die(9, Reason.GAP)
    made.save(10, 21, ("texts/0", 5, 4, 0, 0), ("texts/1", 1, 1, 0, 0))
    assert verify(made.store) == []
    return made


def about(store, job="job"):
    with store.snapshot() as db:
        return job_row(db, job)


def found(store, chosen=ALL):
    return [letter for batch in mending.all_letters(store, about(store), chosen, 2) for letter in batch]


def states(store):
    return {letter.place: letter.state for letter in found(store)}


def unit(minute, event_id, origin="texts/0", source="posts"):
    return UnitKey(minute * MINUTE, origin, source, "", -1), Unit(1, 3, {("en", "card"): cell_of(event_id)})


def counted(origin, offset, minute, event_id):
    return Counted(origin, offset, minute * MINUTE, event_key(event_id))


def replay(store, *records, now_us=99):
    """records: (origin, offset, minute, event id)."""
    mending.count(store, about(store), [counted(*record) for record in records],
                  [unit(minute, event_id, origin) for origin, _, minute, event_id in records], now_us)


def rows(store, table):
    with store.snapshot() as db:
        return [dict(row) for row in db.execute(sa.select(table)).mappings()]


def everything(store):
    return {table.name: rows(store, table) for table in tables.metadata.sorted_tables}


def test_letters_come_in_order_with_what_they_were_and_a_gap_is_none(book):
    assert [(letter.place, letter.sealed, letter.fix) for letter in found(book.store)] == [
        (("texts/0", 3), b"sealed 3", None), (("texts/0", 4), b"sealed 4", None), (("texts/1", 0), b"sealed 0", None)]


@pytest.mark.parametrize(("chosen", "offsets"), [
    (Selection("job", reason="late"), [4]), (Selection("job", origin="texts/1"), [0]), (Selection("job", origin="texts/0", offset=3), [3]),
    (Selection("job", source="posts"), [4]), (Selection("job", from_us=20), [4, 0]), (Selection("job", to_us=20), [3]),
    (Selection("job", state="fixed"), []), (Selection("job", state="dead"), [3, 4, 0]), (Selection("job", reason="gap"), [])])
def test_a_selection_means_what_all_its_parts_mean(book, chosen, offsets):
    assert [letter.offset for letter in found(book.store, chosen)] == offsets


def test_a_fix_is_kept_until_another_takes_its_place(book):
    assert mending.put_fix(book.store, about(book.store), [("texts/0", 3), ("texts/1", 0), ("texts/9", 3), ("texts/0", 9)], "one", 5) == 2
    assert mending.put_fix(book.store, about(book.store), [("texts/0", 3)], "two", 6) == 1
    assert [(letter.offset, letter.fix, letter.state) for letter in found(book.store)] == [
        (3, "two", State.FIXED), (4, None, State.DEAD), (0, "one", State.FIXED)]


def test_a_replay_counts_in_its_window_and_the_books_hold(book):
    mending.put_fix(book.store, about(book.store), [("texts/0", 3)], "one", 5)
    replay(book.store, ("texts/0", 3, 0, "c"), ("texts/1", 0, 2, "e"))
    books = audit(book.store)
    assert books.findings == []
    (total,) = books.totals
    assert (total.read, total.in_cells, sum(total.dead.values()), total.replayed) == (5, 2, 4, 2)   # a gap among the letters
    assert states(book.store) == {("texts/0", 3): "replayed", ("texts/0", 4): "dead", ("texts/1", 0): "replayed"}
    assert {(row["window_us"], row["epoch"], row["records"]) for row in rows(book.store, tables.units) if row["epoch"] < 0} == {
        (0, -1, 1), (2 * MINUTE, -1, 1)}


def test_what_is_kept_of_a_record_goes_when_it_counts_or_is_dropped(book):
    mending.put_fix(book.store, about(book.store), [("texts/0", 3), ("texts/1", 0)], "one", 5)
    replay(book.store, ("texts/0", 3, 0, "c"))
    assert mending.drop(book.store, about(book.store), [("texts/1", 0)], 7) == 1
    assert {row["offset"] for row in rows(book.store, tables.originals)} == {4}
    assert rows(book.store, tables.fixes) == []
    assert verify(book.store) == []


@pytest.mark.parametrize("again", [
    [("texts/0", 3, 0, "other")], [("texts/0", 4, 0, "d"), ("texts/0", 3, 0, "other")], [("texts/0", 4, 0, "c")],
    [("texts/0", 77, 0, "x")], [("texts/0", 9, 0, "x")]],
    ids=["the same letter", "among others", "another letter of the same event", "no letter", "a gap"])
def test_what_is_dealt_with_cannot_be_counted_again_and_nothing_is_written(book, again):
    replay(book.store, ("texts/0", 3, 0, "c"))
    before = everything(book.store)
    with pytest.raises(Dealt):
        replay(book.store, *again)
    assert everything(book.store) == before
    assert verify(book.store) == []


def test_what_is_dropped_is_neither_fixed_nor_counted_nor_dropped_again(book):
    place = [("texts/0", 3)]
    assert mending.drop(book.store, about(book.store), place, 7) == 1
    before = everything(book.store)
    assert (mending.drop(book.store, about(book.store), place, 8), mending.put_fix(book.store, about(book.store), place, "f", 8)) == (0, 0)
    with pytest.raises(Dealt):
        replay(book.store, ("texts/0", 3, 0, "c"))
    assert everything(book.store) == before


def test_every_replay_has_units_of_its_own_which_no_job_replaces_or_counts_as_covered(book):
    replay(book.store, ("texts/0", 3, 0, "c"))
    replay(book.store, ("texts/0", 4, 0, "d"))
    assert {row["epoch"] for row in rows(book.store, tables.units)} == {0, -1, -2}
    assert book.store.covered("job", 0, 0) == {(0, "texts/0"): 2}
    _, known = book.store.load("job", 0)
    assert (known["texts/0"].stored, known["texts/0"].dead) == (4, {3: Reason.MALFORMED, 4: Reason.LATE})
    book.count(0, "a2")
    book.count(0, "a3")
    assert sum(row["records"] for row in rows(book.store, tables.units)) == 6


def test_a_transaction_that_fails_on_its_way_leaves_nothing(book, monkeypatch):
    before = everything(book.store)

    def fail(*_):
        raise RuntimeError("killed")

    monkeypatch.setattr(mending, "_delete", fail)
    with pytest.raises(RuntimeError):
        replay(book.store, ("texts/0", 3, 0, "c"))
    assert everything(book.store) == before


def test_a_record_read_again_after_it_was_dealt_with_gets_no_original_again(book):
    replay(book.store, ("texts/0", 3, 0, "c"))
    letter = DeadLetter("texts/0", 3, Reason.MALFORMED, "no JSON", first_seen_us=10)
    book.store.write_dead("job", 0, [letter], {"texts/0": 5}, sealed={("texts/0", 3): b"again"})
    assert {row["offset"] for row in rows(book.store, tables.originals)} == {4, 0}
    assert verify(book.store) == []


def test_the_original_that_was_kept_first_stays(book):
    letter = DeadLetter("texts/0", 4, Reason.LATE, "", "d", 0, "posts", first_seen_us=20)
    book.store.write_dead("job", 0, [letter], {"texts/0": 5}, sealed={("texts/0", 4): b"other"})
    assert b"sealed 4" in [row["sealed"] for row in rows(book.store, tables.originals)]


def test_nothing_is_kept_of_a_forgotten_author(book):
    mending.put_fix(book.store, about(book.store), [("texts/0", 4), ("texts/0", 3)], "f", 5)
    forget(book.store, "00ab", 9)
    assert {row["offset"] for row in rows(book.store, tables.originals)} == {3, 0}
    assert {row["offset"] for row in rows(book.store, tables.fixes)} == {3}
    letter = DeadLetter("texts/1", 1, Reason.LATE, "", "e", 0, "posts", first_seen_us=40, author="00ab")
    book.store.write_dead("job", 0, [letter], {"texts/1": 2}, sealed={("texts/1", 1): b"sealed"})
    assert {(row["origin"], row["offset"]) for row in rows(book.store, tables.originals)} == {("texts/0", 3), ("texts/1", 0)}


@pytest.mark.parametrize(("statement", "law", "expected", "records"), [
    (tables.outcomes.delete().where(tables.outcomes.c.offset == 3), "replayed letters are counted once", 1, 2),
    (tables.units.update().where(tables.units.c.epoch < 0).values(records=0), "replayed letters are counted once", 2, 0),
    (tables.dead_letters.delete().where(tables.dead_letters.c.offset == 3), "what is dealt with was a dead letter", 1, 0)])
def test_a_lost_or_doubled_replay_is_found(book, statement, law, expected, records):
    replay(book.store, ("texts/0", 3, 0, "c"), ("texts/0", 4, 0, "d"))
    with book.store.transaction() as db:
        db.execute(statement)
    assert (law, expected, records) in {(finding.law, finding.expected, finding.found) for finding in verify(book.store)}


def test_a_replay_falls_into_the_day_that_its_window_was_merged_into_and_goes_with_it(books):
    book = books()
    for event_id in "ab":
        book.count(0, event_id)
    book.die(2, Reason.MALFORMED)
    book.die(3, Reason.MALFORMED)
    book.die(4, Reason.MALFORMED)
    book.save(3 * 1440, 3 * 1440 + 10, ("texts/0", 5, 5, 0, 0))
    replay(book.store, ("texts/0", 2, 5, "c"))
    assert _merge(book.store, about(book.store), Step(Action.DAY, 0))
    replay(book.store, ("texts/0", 3, 7, "d"))
    assert {(row["window_us"], row["span_us"], row["epoch"], row["records"]) for row in rows(book.store, tables.units)} == {
        (0, DAY_US, 0, 2), (0, DAY_US, -1, 1), (0, DAY_US, -2, 1)}
    assert verify(book.store) == []
    _drop(book.store, about(book.store), Step(Action.DROP, 0))
    assert verify(book.store) == []
    assert [row["records"] for row in rows(book.store, tables.dropped)] == [2]
    with pytest.raises(StoreError, match="dropped for their age"):
        replay(book.store, ("texts/0", 4, 7, "e"))


def test_a_new_run_of_a_backfill_begins_without_the_replays_of_the_one_before(books):
    book = books(kind="backfill")
    book.count(0, "a")
    letter = DeadLetter("texts/0", 3, Reason.MALFORMED, first_seen_us=10)
    book.store.write_dead("job", book.run, [letter], {"texts/0": 4}, sealed={("texts/0", 3): b"sealed"})
    book.store.save("job", book.run, 0, 0, [])
    book.finish()
    replay(book.store, ("texts/0", 3, 0, "c"))
    book.run = book.store.begin_run("job", 50)
    book.finish()
    assert rows(book.store, tables.outcomes) == rows(book.store, tables.originals) == []


def test_late_records_that_were_replayed_are_no_difference_any_more(books):
    stream, archive = books(), books(kind="backfill")
    for book in (stream, archive):
        book.count(0, "a")
    archive.count(0, "d")
    archive.finish()
    stream.die(1, Reason.LATE, "d", 0)
    stream.save(10, 20, ("texts/0", 2, 2, 0, 0))
    late = difference(stream.store, "job", archive.store, "job")
    assert (late.same, len(late.late)) == (True, 1)
    replay(stream.store, ("texts/0", 1, 0, "d"))
    now = difference(stream.store, "job", archive.store, "job")
    assert (now.same, now.late, now.replayed_a, now.replayed_b) == (True, [], 1, 0)


def test_of_many_who_replay_the_same_letters_at_once_one_does(url):
    store = Store(url)
    store.open_job("job", "stream", MINUTE, 10 * MINUTE)
    store.write_dead("job", 0, [DeadLetter("texts/0", at, Reason.MALFORMED) for at in range(8)], {"texts/0": 8})
    store.save("job", 0, 0, 0, [])
    start, won = threading.Barrier(4), []

    def work():
        start.wait(30)
        for at in range(8):
            try:
                replay(store, ("texts/0", at, 0, f"e{at}"))
                won.append(at)
            except Dealt:
                pass

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(won) == list(range(8))
    assert [finding for finding in verify(store) if "replayed" in finding.law] == []
    assert len({row["epoch"] for row in rows(store, tables.outcomes)}) == 8
    store.close()


def test_a_report_calls_lost_only_what_counts_nowhere(book):
    def reported():
        with book.store.snapshot() as db:
            row, span = job_row(db, "job"), Span(0, 10 * MINUTE, MINUTE, 0, 10 * MINUTE, None)
            return {letters.reason: (letters.now, letters.ever) for letters in report._letters(db, row, span)}

    assert reported() == {"gap": (0, 1), "late": (1, 1), "malformed": (0, 1), "wrong_type": (0, 1)}
    replay(book.store, ("texts/0", 4, 0, "d"), ("texts/0", 3, 0, "c"))
    assert reported() == {"gap": (0, 1), "wrong_type": (0, 1)}
