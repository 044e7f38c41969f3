"""The store's laws, on SQLite and on a real PostgreSQL."""
import sqlite3
import threading
import uuid

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from insights import tables
from insights.cells import Cell, Unit
from insights.store import Progress, Store, StoreError, TakenOver, UnitKey
from insights.tables import SCHEMA_VERSION, START_US
from insights.views import drop_views
from schemas.records import DeadLetter, Reason

KEY = UnitKey(0, "t/0", "tickets", "app")
S = 1_000_000


@pytest.fixture
def store(url):
    opened = Store(url)
    opened.open_job("job", "stream", 10 * S, 15 * S)
    yield opened
    opened.close()


def unit(records, last_offset=0, **topics):
    """records in the cell of topic a, or as many as named for each topic."""
    counts = topics or {"a": records}
    cells = {("en", topic): Cell(records=n, neutral=n, entities={"person\tada": n}) for topic, n in counts.items()}
    return Unit(records, last_offset, cells)


def stored(store, job="job"):
    """{(run, key): (records, last offset, revision, {topic: records})}"""
    with store.snapshot() as db:
        rows = db.execute(sa.select(tables.units).where(tables.units.c.job == job)).all()
        return {
            (row.run, UnitKey(row.window_us, row.origin, row.source, row.product, row.epoch)):
            (row.records, row.last_offset, row.revision, dict(db.execute(
                sa.select(tables.cells.c.topic, tables.cells.c.records).where(tables.cells.c.unit == row.id)).tuples().all()))
            for row in rows}


def count(store, table):
    with store.snapshot() as db:
        return db.scalar(sa.select(sa.func.count()).select_from(table))


def job_row(store, job):
    with store.snapshot() as db:
        return db.execute(sa.select(tables.jobs).where(tables.jobs.c.job == job)).one()


# units


def test_a_unit_is_replaced_by_a_larger_one_and_never_by_a_smaller(store):
    store.write_units("job", 0, [(KEY, unit(3, 7))], 1)
    store.write_units("job", 0, [(KEY, unit(2, 9))], 2)
    assert stored(store)[0, KEY] == (3, 7, 1, {"a": 3})

    store.write_units("job", 0, [(KEY, unit(4, 11))], 3)
    assert stored(store)[0, KEY] == (4, 11, 2, {"a": 4})


def test_a_unit_is_replaced_as_a_whole_so_a_cell_that_it_has_no_more_is_gone(store):
    store.write_units("job", 0, [(KEY, unit(3, 7, a=2, b=1))], 1)
    store.write_units("job", 0, [(KEY, unit(3, 7, b=1, c=2))], 2)

    assert stored(store)[0, KEY][3] == {"b": 1, "c": 2}
    assert count(store, tables.cells) == 2


def test_a_unit_that_covers_as_many_records_replaces_and_gets_a_new_revision(store):
    store.write_units("job", 0, [(KEY, unit(2))], 1)
    store.write_units("job", 0, [(KEY, unit(2, b=2))], 2)

    assert stored(store)[0, KEY][2:] == (2, {"b": 2})


def test_units_that_differ_in_any_part_of_their_key_stand_beside_each_other(store):
    keys = [KEY, UnitKey(1, "t/0", "tickets", "app"), UnitKey(0, "t/1", "tickets", "app"), UnitKey(0, "t/0", "posts", "app"),
            UnitKey(0, "t/0", "tickets", ""), UnitKey(0, "t/0", "tickets", "app", 1)]

    store.write_units("job", 0, [(key, unit(at + 1)) for at, key in enumerate(keys)], 1)

    assert {key: row[0] for (_, key), row in stored(store).items()} == {key: at + 1 for at, key in enumerate(keys)}


def test_a_cell_comes_back_as_it_was_written(store):
    cell = Cell(3, 1, 1, 1, 20_000, {"person\tada": 2}, {"bill": (1, 0, 2)}, [0] * 9 + [3], (5, 2**64 - 1), ((9, "a"),), {"v": 3})
    store.write_units("job", 0, [(KEY, Unit(3, 2, {("zh", "b"): cell}))], 1)

    with store.snapshot() as db:
        row = db.execute(sa.select(tables.cells)).mappings().one()
    assert Cell.from_row(row) == cell


@given(st.lists(st.lists(st.tuples(st.integers(0, 2), st.integers(1, 5), st.integers(0, 9)), max_size=5), max_size=6))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_stands_after_any_writes_is_the_last_largest_unit_of_each_key(store, batches):
    job, largest = uuid.uuid4().hex, {}
    for batch in batches:
        store.write_units(job, 0, [(UnitKey(window, "t/0", "", ""), unit(records, last)) for window, records, last in batch], 1)
        for window, records, last in batch:
            before, so_far, _ = largest.get(window, (0, -1, {}))
            if records >= before:
                largest[window] = (records, max(last, so_far), {"a": records})

    found = {key.window_us: (row[0], row[1], row[3]) for (_, key), row in stored(store, job).items()}
    assert found == largest


def test_covered_sums_the_units_of_the_current_epoch_from_a_window_on(store):
    sources = [UnitKey(0, "t/0", "posts", ""), UnitKey(0, "t/0", "tickets", ""), UnitKey(0, "t/1", "posts", ""),
               UnitKey(10, "t/0", "posts", ""), UnitKey(0, "t/0", "posts", "", 1)]
    store.write_units("job", 0, [(key, unit(2 ** at)) for at, key in enumerate(sources)], 1)

    assert store.covered("job", 0, 0) == {(0, "t/0"): 3, (0, "t/1"): 4, (10, "t/0"): 8}
    assert store.covered("job", 0, 1) == {(10, "t/0"): 8}
    store.save("job", 0, START_US, START_US, [Progress("t/0", 0, 0, 1, 0, 0, 0)])
    assert store.covered("job", 0, 0) == {(0, "t/0"): 16, (0, "t/1"): 4}


# progress and dead letters


def progress_of(store):
    with store.snapshot() as db:
        return {row.origin: row for row in db.execute(sa.select(tables.progress))}


def test_progress_never_moves_backwards(store):
    store.write_dead("job", 0, [], {"t/0": 7})
    store.save("job", 0, 50, 60, [Progress("t/0", 5, 5, 0, 6, 6, 1)])

    store.write_dead("job", 0, [], {"t/0": 3})
    store.save("job", 0, 40, 45, [Progress("t/0", 4, 4, 0, 4, 4, 0)])

    row, about = progress_of(store)["t/0"], job_row(store, "job")
    assert (row.read, row.saved, row.frontier, row.open_records) == (7, 5, 6, 1)
    assert (about.closed_us, about.watermark_us) == (50, 60)


def test_what_a_save_wrote_is_what_a_new_process_finds(store):
    store.write_units("job", 0, [(KEY, unit(3, 7)), (UnitKey(10, "t/1", "", ""), unit(2, 1))], 1)
    store.write_dead("job", 0, [DeadLetter("t/0", 2, Reason.LATE), DeadLetter("t/0", 9, Reason.DUPLICATE)], {"t/0": 10, "t/2": 4})
    store.save("job", 0, 50, 60, [Progress("t/0", 5, 4, 1, 10, 9, 2)], [DeadLetter("t/0", 3, Reason.GAP)])

    closed, known = store.load("job", 0)

    assert closed == 50
    first = known["t/0"]
    assert (first.saved, first.records, first.evidence, first.epoch, first.stored) == (5, 4, 10, 1, 5)
    assert first.dead == {9: Reason.DUPLICATE}, "a letter below what was saved, or a gap, is not asked for again"
    assert (known["t/1"].saved, known["t/1"].evidence, known["t/1"].stored) == (None, 2, 2)
    assert (known["t/2"].saved, known["t/2"].evidence) == (None, 4)


def test_a_record_with_a_model_error_was_decided_whatever_else_was_lost(store):
    store.write_dead("job", 0, [DeadLetter("t/0", 6, Reason.MODEL_ERROR)], {})

    assert store.load("job", 0)[1]["t/0"].evidence == 7


def test_an_outdated_unit_is_emptied_with_the_letter_and_the_others_stay(store):
    others = [UnitKey(10, "t/0", "tickets", "app"), UnitKey(0, "t/0", "posts", "app"), UnitKey(0, "t/0", "tickets", "app", 1)]
    store.write_units("job", 0, [(key, unit(3, 7)) for key in (KEY, *others)], 1)

    store.write_dead("job", 0, [DeadLetter("t/0", 6, Reason.MODEL_ERROR)], {}, [KEY, UnitKey(50, "t/0", "tickets", "app")])

    assert stored(store) == {(0, key): (3, 7, 1, {"a": 3}) for key in others} | {(0, KEY): (0, 7, 2, {})}
    store.write_units("job", 0, [(KEY, unit(2, 5))], 2)
    assert stored(store)[0, KEY] == (2, 7, 3, {"a": 2}), "how far it was read stays known"


def test_a_dead_letter_is_written_once_however_often_it_is_decided(store):
    for _ in range(2):
        store.write_dead("job", 0, [DeadLetter("t/0", 2, Reason.LATE, "first")], {"t/0": 3})

    assert count(store, tables.dead_letters) == 1


def test_no_text_is_refused_nul_and_lone_surrogates_are_escaped(store):
    letter = DeadLetter(
        "t/0", 1, Reason.MALFORMED, "a\0b", "id\0", None, "\0", "\ud800", "\0sample \udfff 好", {"h\0": "\0"})

    store.write_dead("job", 0, [letter], {"t/0": 2})

    with store.snapshot() as db:
        row = db.execute(sa.select(tables.dead_letters)).one()
    assert (row.detail, row.event_id, row.source, row.product) == ("a\\x00b", "id\\x00", "\\x00", "\\ud800")
    assert row.sample == "\\x00sample \\udfff 好"


def test_a_transaction_that_fails_in_the_middle_leaves_nothing(store):
    broken = Unit(1, 1, {("en", "a"): Cell(1, 0, 1, 0), ("en", None): Cell(1, 0, 1, 0)})

    with pytest.raises(sa.exc.IntegrityError):
        store.write_units("job", 0, [(KEY, unit(3)), (UnitKey(10, "t/0", "", ""), broken)], 1)

    assert stored(store) == {}
    assert count(store, tables.cells) == 0


# jobs and runs


def test_a_job_keeps_its_kind_and_its_windows(store):
    store.open_job("job", "stream", 10 * S, 15 * S)
    for kind, window_us, lateness_us in [("backfill", 10 * S, 15 * S), ("stream", 20 * S, 15 * S), ("stream", 10 * S, 16 * S)]:
        with pytest.raises(StoreError, match=r"has job 'job' as stream with --window 10 and --allowed-lateness 15"):
            store.open_job("job", kind, window_us, lateness_us)


def test_only_the_process_that_took_the_job_over_last_may_write(store, url):
    store.take_over("job")
    store.write_units("job", 0, [(KEY, unit(3, 7))], 1)
    newer = Store(url)
    newer.take_over("job")

    assert not store.holds("job")
    assert newer.holds("job")
    for write in (
            lambda: store.write_units("job", 0, [(KEY, unit(4, 8))], 2),
            lambda: store.write_dead("job", 0, [DeadLetter("t/0", 9, Reason.MALFORMED)], {"t/0": 10}),
            lambda: store.save("job", 0, START_US, START_US, [Progress("t/0", 5, 5, 0, 5, 5, 0)])):
        with pytest.raises(TakenOver, match="another process runs job 'job'"):
            write()
    newer.write_units("job", 0, [(KEY, unit(5, 9))], 3)
    newer.close()

    assert stored(store) == {(0, KEY): (5, 9, 2, {"a": 5})}
    assert count(store, tables.dead_letters) == count(store, tables.progress) == 0


def test_other_jobs_of_the_store_are_not_taken_over(store, url):
    store.open_job("other", "stream", 10 * S, 15 * S)
    store.take_over("job")
    newer = Store(url)
    newer.take_over("other")
    newer.close()

    assert store.holds("job")
    store.write_units("job", 0, [(KEY, unit(3, 7))], 1)


@pytest.fixture
def archive(store):
    """A backfill with a finished run of 3 records."""
    store.open_job("archive", "backfill", 10 * S, 0)
    run = store.begin_run("archive", 1)
    write_run(store, run, 3)
    store.finish_run("archive", run, 2)
    return run


def write_run(store, run, records):
    store.write_units("archive", run, [(KEY, unit(records))], 1)
    store.write_dead("archive", run, [DeadLetter("t/0", 9, Reason.MALFORMED)], {"t/0": 10})
    store.save("archive", run, START_US, START_US, [Progress("t/0", 0, 0, 0, 10, records + 1, 0)])


def rows_of(store, run):
    with store.snapshot() as db:
        return {table.name: db.scalar(sa.select(sa.func.count()).select_from(table).where(table.c.run == run))
                for table in (tables.units, tables.dead_letters, tables.progress, tables.runs)}


def test_a_killed_backfill_leaves_nothing_behind(store, archive):
    killed = store.begin_run("archive", 3)
    write_run(store, killed, 5)

    run = store.begin_run("archive", 4)

    assert set(rows_of(store, killed).values()) == {0}
    assert count(store, tables.cells) == 1, "only the finished run's"
    assert job_row(store, "archive").current_run == archive
    assert run != killed


def test_a_backfill_becomes_current_wholly_and_replaces_even_a_larger_run(store, archive):
    run = store.begin_run("archive", 3)
    write_run(store, run, 1)
    assert job_row(store, "archive").current_run == archive
    assert {key[0] for key in stored(store, "archive")} == {archive, run}

    store.finish_run("archive", run, 4)

    assert job_row(store, "archive").current_run == run
    assert {key[0]: row[0] for key, row in stored(store, "archive").items()} == {run: 1}
    assert set(rows_of(store, archive).values()) == {0}


def test_a_reader_sees_the_old_run_or_the_new_one_never_both_or_none(store, archive):
    run = store.begin_run("archive", 3)
    write_run(store, run, 1)
    with store.snapshot() as db:
        before = db.scalar(sa.select(tables.jobs.c.current_run).where(tables.jobs.c.job == "archive"))
        store.finish_run("archive", run, 4)
        records = db.scalar(sa.select(tables.units.c.records).where(tables.units.c.job == "archive", tables.units.c.run == before))
    assert (before, records) == (archive, 3)


def test_a_finish_that_fails_keeps_the_old_run(store, archive, monkeypatch):
    run = store.begin_run("archive", 3)
    write_run(store, run, 1)
    with store.engine.begin() as db:   # the last statement of the swap will be refused
        _refuse_updates(db, store.engine.dialect.name)

    with pytest.raises((StoreError, sa.exc.IntegrityError)):
        store.finish_run("archive", run, 4)

    assert job_row(store, "archive").current_run == archive
    assert {key[0]: row[0] for key, row in stored(store, "archive").items()} == {archive: 3, run: 1}


def _refuse_updates(db, dialect):
    if dialect == "sqlite":
        db.exec_driver_sql("create trigger refuse before update on jobs begin select raise(abort, 'refused'); end")
        return
    db.exec_driver_sql("create function refuse() returns trigger language plpgsql as $$ begin raise exception 'refused'; end $$")
    db.exec_driver_sql("create trigger refuse before update on jobs for each row execute function refuse()")


def test_jobs_of_one_store_do_not_see_each_other(store, archive):
    store.write_units("job", 0, [(KEY, unit(9, 4))], 1)

    assert store.load("job", 0)[1]["t/0"].stored == 9
    assert store.load("archive", archive)[1]["t/0"].stored == 4
    assert store.covered("job", 0, 0) == {(0, "t/0"): 9}


# several writers


def test_writers_in_several_threads_lose_nothing(store):
    def write(thread):
        for number in range(10):
            store.write_units("job", 0, [(UnitKey(window, f"t/{thread}", "", ""), unit(number + 1)) for window in range(3)], 1)
            store.write_dead("job", 0, [DeadLetter(f"t/{thread}", number, Reason.LATE)], {f"t/{thread}": number + 1})

    threads = [threading.Thread(target=write, args=(thread,)) for thread in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [row[0] for row in stored(store).values()] == [10] * 12
    assert count(store, tables.dead_letters) == 40


def test_writers_that_meet_on_the_same_units_in_any_order_never_block_each_other_for_ever(store):
    keys = [UnitKey(window, "t/0", "", "") for window in range(20)]
    errors = []

    def write(order):
        try:
            for number in range(15):
                store.write_units("job", 0, [(key, unit(number + 1)) for key in order], 1)
        except StoreError as error:
            errors.append(error)

    threads = [threading.Thread(target=write, args=(order,)) for order in (keys, keys[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert errors == []
    assert [row[0] for row in stored(store).values()] == [15] * 20


# a store that cannot be used


def test_a_store_of_a_newer_schema_is_refused(url):
    made = Store(url)
    with made.transaction() as db:
        db.execute(tables.schema_version.update().values(version=SCHEMA_VERSION + 1))
    made.close()

    with pytest.raises(StoreError, match="upgrade textpulse"):
        Store(url)


def test_a_store_of_an_older_schema_is_upgraded_by_who_writes_and_keeps_what_it_holds(url):
    made = Store(url)
    made.open_job("job", "stream", 10 * S, 15 * S)
    made.write_units("job", 0, [(KEY, unit(3, 7))], 1)
    with made.transaction() as db:
        drop_views(db)
        db.exec_driver_sql("ALTER TABLE jobs DROP COLUMN holder")
        db.exec_driver_sql("ALTER TABLE jobs DROP COLUMN pseudonyms")
        db.exec_driver_sql("ALTER TABLE dead_letters DROP COLUMN author")
        db.exec_driver_sql("ALTER TABLE units DROP COLUMN span_us")
        for table in (tables.retention, tables.dropped, tables.emerging_topics, tables.emerging_states):
            table.drop(db)
        db.execute(tables.schema_version.update().values(version=1))
    made.close()

    with pytest.raises(StoreError, match="is of schema 1, which `textpulse stream` or `backfill`"):
        Store(url, create=False)
    upgraded = Store(url)
    upgraded.take_over("job")

    assert stored(upgraded) == {(0, KEY): (3, 7, 1, {"a": 3})}
    assert job_row(upgraded, "job").holder == 1
    with upgraded.snapshot() as db:
        assert db.scalars(sa.select(tables.units.c.span_us)).all() == [0]
    upgraded.close()


def test_topics_of_schema_4_are_kept_by_an_upgrade(url):
    made = Store(url)
    row = {"job": "job", "run": 0, "id": "a", "name": "[]", "opened_us": 1, "last_us": 1, "records": 1, "members": "{}", "updated_us": 1}
    with made.transaction() as db:
        drop_views(db)
        db.exec_driver_sql("ALTER TABLE emerging_topics DROP COLUMN merged_into")
        db.exec_driver_sql("ALTER TABLE jobs DROP COLUMN pseudonyms")
        db.exec_driver_sql("ALTER TABLE dead_letters DROP COLUMN author")
        db.execute(tables.schema_version.update().values(version=4))
        db.execute(sa.insert(tables.emerging_topics).values(row))
    made.close()

    upgraded = Store(url)
    with upgraded.snapshot() as db:
        assert [(found.id, found.merged_into) for found in db.execute(sa.select(tables.emerging_topics))] == [("a", None)]
    upgraded.close()


def test_a_store_makes_one_key_of_pseudonyms_and_keeps_it(url):
    one, other = Store(url), Store(url)
    keys = {one.pseudonym_key(), other.pseudonym_key(), one.pseudonym_key()}
    assert len(keys) == 1 and len(keys.pop()) == 32
    one.close()
    other.close()


def test_a_stream_keeps_its_pseudonyms_and_a_backfill_may_change_them(store):
    for _ in range(2):
        store.open_job("other", "stream", S, 0, "pseudonym:1")
    with pytest.raises(StoreError, match="another key of pseudonyms"):
        store.open_job("other", "stream", S, 0, "pseudonym:2")
    store.open_job("archive", "backfill", S, 0, "pseudonym:1")
    store.open_job("archive", "backfill", S, 0, "pseudonym:2")


def test_a_store_that_is_not_there_is_not_made_when_only_read(url):
    with pytest.raises(StoreError, match="no textpulse store here"):
        Store(url, create=False)


@pytest.mark.parametrize(("bad", "says"), [
    ("nonsense", "--store nonsense"), ("oracle9://x", "use sqlite:///FILE"), ("sqlite:////no/such/folder/a.db", "check the path")])
def test_a_url_that_cannot_be_opened_is_named_with_what_to_do(bad, says):
    with pytest.raises(StoreError, match=says):
        Store(bad)


@pytest.mark.postgres
def test_a_password_is_never_shown():
    with pytest.raises(StoreError) as raised:
        Store("postgresql+psycopg://me:secret@127.0.0.1:1/none")
    assert "secret" not in str(raised.value)


@pytest.fixture
def file(tmp_path):
    """A SQLite store in a file, which waits only a moment for a lock."""
    path = tmp_path / "store.db"
    opened = Store(f"sqlite:///{path}")

    @sa.event.listens_for(opened.engine, "connect")
    def _impatient(connection, _record):
        connection.execute("pragma busy_timeout=50")

    opened.engine.dispose()
    return opened, path


def test_a_locked_store_is_an_error_that_names_it_and_writes_nothing(file):
    store, path = file
    with sqlite3.connect(path, isolation_level=None) as other:
        other.execute("begin immediate")
        with pytest.raises(StoreError, match=r"store\.db.*locked.*nothing of this transaction was written.*wait for it"):
            store.write_units("job", 0, [(KEY, unit(1))], 1)
        other.execute("rollback")
    store.write_units("job", 0, [(KEY, unit(1))], 1)
    assert len(stored(store)) == 1


def test_a_full_disk_is_an_error_that_names_the_store_and_writes_nothing(file):
    store, _ = file

    @sa.event.listens_for(store.engine, "connect")
    def _small(connection, _record):
        pages = connection.execute("pragma page_count").fetchone()[0]
        connection.execute(f"pragma max_page_count={pages}")

    with pytest.raises(StoreError, match=r"store\.db.*full.*free some space"):
        store.write_units("job", 0, [(UnitKey(window, "t/0", "", "x" * 500), unit(1)) for window in range(200)], 1)
    assert stored(store) == {}


def test_a_read_only_store_is_an_error_that_names_it(file):
    store, _ = file

    @sa.event.listens_for(store.engine, "connect")
    def _read_only(connection, _record):
        connection.execute("pragma query_only=1")   # root may write to any file: the mode bits would not stop it

    with pytest.raises(StoreError, match=r"store\.db.*readonly.*give this user the right"):
        store.write_units("job", 0, [(KEY, unit(1))], 1)


def test_a_file_that_is_something_else_is_refused(tmp_path):
    (tmp_path / "store.db").write_bytes(b"no database at all" * 100)

    with pytest.raises(StoreError, match=r"store\.db"):
        Store(f"sqlite:///{tmp_path / 'store.db'}")


@pytest.mark.postgres
def test_a_server_that_goes_away_is_an_error_and_the_store_works_again_afterwards(postgres):
    store = Store(postgres)
    with pytest.raises(StoreError, match="nothing of this transaction was written"), store.transaction() as db:
        own = db.scalar(sa.text("select pg_backend_pid()"))
        with sa.create_engine(postgres, poolclass=sa.NullPool).connect() as other:
            other.execute(sa.text("select pg_terminate_backend(:pid, 5000)"), {"pid": own})
        db.execute(sa.text("select 1"))
    assert store.covered("job", 0, 0) == {}
    store.close()
