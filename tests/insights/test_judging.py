"""Stored alerts and topics are a function of the stored windows: however, and however often, judging came to them."""
import pytest

from insights import judging
from insights.cells import Cell, Unit
from insights.queries import QueryError, cell_rows
from insights.store import UnitKey
from tests.insights.judged import ALERTS, FIRST, LATENESS, MINUTE, TOPICS, open_job, write, write_all


@pytest.fixture(params=[ALERTS, TOPICS], ids=["alerts", "topics"])
def kind(request):
    return request.param


@pytest.fixture
def store(url):
    made = open_job(url)
    yield made
    made.close()


@pytest.fixture
def another(tmp_path):
    made = open_job(f"sqlite:///{tmp_path}/another.db")
    yield made
    made.close()


@pytest.fixture
def at_once(kind, store):
    """What is found in all windows, judged in one go."""
    write_all(store, kind.eventful)
    kind.judge(store)
    found = kind.kept(store)
    assert found[0]
    return found


@pytest.mark.parametrize("every", [1, 7, 40])
@pytest.mark.parametrize("restarted", [0, 30, 1], ids=["never", "sometimes", "always"])
def test_live_and_at_once_say_the_same(kind, another, at_once, every, restarted):
    past = kind.keep.Past()
    for at, units in enumerate(kind.eventful):
        write(another, units, at)
        if at % every == 0:
            kind.judge(another, at, past)
        if restarted and at % restarted == 0:
            past = kind.keep.Past()
    kind.judge(another, 1, past)

    assert kind.kept(another) == at_once


@pytest.mark.parametrize("piece", [1, 7, 100])
def test_in_pieces_and_killed_between_them_and_at_once_say_the_same(kind, another, at_once, monkeypatch, piece):
    monkeypatch.setattr(judging, "PIECE", piece)
    write_all(another, kind.eventful)
    ends = []

    def killed(end_us):
        ends.append(end_us)
        if len(ends) % 5 == 3:
            raise KeyboardInterrupt

    while True:
        try:
            kind.judge(another, told=killed)
            break
        except KeyboardInterrupt:
            continue

    assert kind.kept(another) == at_once
    assert ends == sorted(set(ends)) and len(ends) == (len(kind.eventful) - LATENESS - 1) // piece


def test_what_is_remembered_is_not_read_again(kind, another, monkeypatch):
    read = []

    def rows(db, about, begin, end):
        read.append((end - begin) // MINUTE)
        return cell_rows(db, about, begin, end)

    monkeypatch.setattr(judging, "cell_rows", rows)
    past = kind.keep.Past()
    for at, units in enumerate(kind.quiet):
        write(another, units, at)
        kind.judge(another, at, past)

    assert max(read[20:]) <= LATENESS + 1   # and the one that has just been closed


def test_judging_again_changes_nothing(kind, store, at_once):
    assert kind.judge(store, 9) == 0
    assert kind.kept(store) == at_once


@pytest.mark.parametrize("lag", [1, 5, LATENESS - 1])
def test_late_records_have_their_windows_judged_again(kind, another, at_once, lag):
    for at, units in enumerate(kind.eventful):
        write(another, kind.quiet[at] if at in kind.when else units, at)
        kind.judge(another, at)
        if at - lag in kind.when:   # the last moment for lag 9: its window is closed next
            another.write_units("job", 0, kind.eventful[at - lag], 1)
    kind.judge(another)

    assert kind.kept(another) == at_once


def test_an_outdated_judge_changes_nothing(kind, store, at_once, monkeypatch):
    """Another one got further between its reading and its writing."""
    kind.forget(store)
    transaction = store.transaction

    def late():
        monkeypatch.undo()
        kind.judge(store)
        return transaction()

    monkeypatch.setattr(store, "transaction", late)

    assert kind.judge(store, 2) == 0
    assert kind.kept(store) == at_once


def test_an_archive_says_the_same_and_is_judged_to_its_last_window(kind, tmp_path, at_once):
    """Where it ends nothing falls silent."""
    archive = open_job(f"sqlite:///{tmp_path}/archive.db", "backfill")
    run = archive.begin_run("job", 1)
    archive.write_units("job", run, [unit for units in kind.eventful for unit in units], 1)
    archive.finish_run("job", run, 2)

    kind.judge(archive)

    rows, (state,) = kind.kept(archive)
    assert [row | {"run": 0} for row in rows] == at_once[0]
    assert state[0] == (FIRST + len(kind.eventful)) * MINUTE
    archive.close()


def test_an_unknown_job_is_named(kind, store):
    with pytest.raises(QueryError, match="nobody"):
        kind.judge(store, job="nobody")


def test_a_job_without_windows_has_nothing_to_judge(kind, store):
    assert kind.judge(store) == 0
    assert kind.kept(store) == ([], [])


def test_a_record_of_1970_is_judged_like_any_other(kind, store):
    unit = Unit(1, 0, {("en", "t"): Cell(1, 0, 1, 0)})
    store.write_units("job", 0, [(UnitKey(at * MINUTE, "o", "s", ""), unit) for at in (0, 50, 10**7)], 1)
    store.save("job", 0, 10**7 * MINUTE, 10**7 * MINUTE, [])

    kind.judge(store)

    rows, (state,) = kind.kept(store)
    assert rows == [] and state[0] > 0
