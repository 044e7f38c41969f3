"""verify says nothing of a sound store, and names whatever is broken in another."""
import pytest
import sqlalchemy as sa

from insights import tables
from insights.conservation import audit, verify
from schemas.records import Reason


@pytest.fixture
def sound(books):
    """Two closed records, one open, two dead; one record read after the save."""
    book = books()
    book.count(0, "a")
    book.count(0, "b", lang="zh", source="reviews")
    book.count(5, "c")
    book.die(3, Reason.MALFORMED)
    book.die(4, Reason.LATE, "d", 0)
    book.die(9, Reason.DUPLICATE, "c", 5)   # above the frontier: read after the save
    book.save(1, 11, ("texts/0", 5, 5, 1, 0))
    return book


def break_it(book, statement):
    with book.store.transaction() as db:
        db.execute(statement)


def test_a_sound_store_has_no_finding_and_its_totals_add_up(sound):
    report = audit(sound.store)
    assert report.findings == []
    (total,) = report.totals
    assert (total.job, total.read, total.in_cells, total.open) == ("job", 5, 2, 1)
    assert total.dead == {"malformed": 1, "late": 1}


def test_an_empty_store_and_an_unknown_job_have_no_finding(sound, books):
    assert verify(books().store) == []
    assert audit(sound.store, "other").totals == []


@pytest.mark.parametrize(("statement", "found"), [
    (tables.dead_letters.delete().where(tables.dead_letters.c.offset == 3), 4),
    (tables.progress.update().values(open_records=3), 7),
    (tables.progress.update().values(frontier=10), 6),
    (tables.jobs.update().values(closed_us=-1), 3),
])
def test_a_lost_or_doubled_record_is_found_at_its_origin(sound, statement, found):
    break_it(sound, statement)
    (finding,) = verify(sound.store, "job")
    assert (finding.job, finding.origin, finding.expected, finding.found) == ("job", "texts/0", 5, found)


def test_a_unit_that_vanished_leaves_cells_without_one(sound):
    break_it(sound, tables.units.delete().where(tables.units.c.source == "reviews"))
    assert {finding.law for finding in verify(sound.store)} == {
        "records read = in cells + dead letters + open", "every cell has its unit"}


def test_a_unit_and_a_cell_that_do_not_add_up_are_named(sound):
    break_it(sound, tables.cells.update().where(tables.cells.c.lang == "zh").values(records=4))
    laws = {finding.law: (finding.expected, finding.found) for finding in verify(sound.store)}
    assert laws == {"a unit's cells add up": (1, 4), "a cell's sentiments add up": (4, 1)}
    break_it(sound, tables.cells.delete().where(tables.cells.c.lang == "zh"))
    assert [(finding.expected, finding.found) for finding in verify(sound.store)] == [(1, 0)]


def test_a_reason_outside_the_set_and_a_record_that_dies_twice_are_named(sound):
    break_it(sound, tables.dead_letters.update().where(tables.dead_letters.c.offset == 9).values(reason="boring"))
    assert [finding.where for finding in verify(sound.store)] == ["reason 'boring'"]
    sound.die(9, Reason.MODEL_ERROR, "c", 5)
    assert "a record dies once" in {finding.law for finding in verify(sound.store)}


def test_a_gap_is_no_record_and_frozen_units_count_as_closed(books):
    book = books()
    book.count(5, "a", epoch=0)
    book.count(5, "b", epoch=1)
    book.die(1, Reason.GAP)
    book.die(1, Reason.TOO_LONG)
    book.save(1, 11, ("texts/0", 40, 3, 1, 1))
    report = audit(book.store)
    assert report.findings == []
    assert report.totals[0].dead == {"gap": 1, "too_long": 1}


def test_a_model_error_newer_than_the_save_is_no_finding_until_its_window_closes(books):
    book = books()
    book.count(5, "a")
    book.die(1, Reason.MODEL_ERROR, "b", 5)
    book.save(1, 11, ("texts/0", 2, 2, 2, 0))
    assert verify(book.store) == []
    book.save(6, 16, ("texts/0", 2, 2, 1, 0))
    assert [(finding.expected, finding.found) for finding in verify(book.store)] == [(2, 3)]
    book.save(6, 16, ("texts/0", 2, 2, 0, 0))
    assert verify(book.store) == []


def test_a_backfill_counts_once_finished_and_only_its_current_run(books):
    book = books("archive", "backfill")
    book.count(5, "a")
    book.save(0, 0, ("texts/0", 1, 1, 1, 0))
    assert audit(book.store).totals == []
    book.finish()
    assert audit(book.store).findings == []
    assert audit(book.store).totals[0].in_cells == 1
    again = type(book)(book.store, "archive", "backfill")
    again.count(5, "a")
    again.count(5, "b")
    assert audit(book.store).findings == []
    assert audit(book.store).totals[0].in_cells == 1


def test_one_job_is_judged_alone(sound, books):
    other = books("other", store=sound.store)
    other.count(0, "x")
    other.save(1, 11, ("texts/0", 2, 2, 0, 0))
    assert verify(sound.store, "job") == []
    assert [finding.job for finding in verify(sound.store)] == ["other"]


def test_units_without_any_progress_are_found_once_closed(sound):
    sound.count(0, "stray", origin="texts/9")
    assert [(finding.origin, finding.expected, finding.found) for finding in verify(sound.store)] == [("texts/9", 0, 1)]
    break_it(sound, sa.delete(tables.jobs))
    assert verify(sound.store) == []
