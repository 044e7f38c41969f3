"""Stored alerts are a function of the stored windows: however, and however often, judging came to them."""
import msgspec
import numpy as np
import pytest
import sqlalchemy as sa

from insights.alerts import keep
from insights.alerts.detect import Sensitivity
from insights.alerts.explain import Reason
from insights.alerts.keep import Past, State, judge
from insights.cells import Cell, Unit
from insights.queries import QueryError, cell_rows
from insights.store import Store, UnitKey
from insights.tables import alert_states, alerts

MINUTE = 60_000_000
FIRST = 29_000_003
WANTED = Sensitivity(lookback=60, warm_up=20)
LATENESS = 10
WINDOWS = 150


def windows(seed=1, burst=range(100, 112)):
    """{window: its units}: two sources; in the windows of `burst` complaints of soup in reviews come five times as often."""
    made = {}
    for at in range(WINDOWS):
        random, made[at] = np.random.default_rng([seed, at]), []
        for source, rate in (("reviews", 20), ("tickets", 20)):
            many = 5 if source == "reviews" and at in burst else 1
            usual = int(random.poisson(rate))
            extra = rate * (many - 1)
            cells = {("en", "film"): Cell(usual, usual // 3, 0, usual - usual // 3, samples=((at, f"film {at}"),))}
            if extra:
                cells["en", "food"] = Cell(extra, extra, 0, 0, terms={"soup": (extra, 0, 0)}, samples=((at + 7, f"food {at}"),))
            key = UnitKey((FIRST + at) * MINUTE, "texts/0", source, "", 0)
            made[at].append((key, Unit(usual + extra, at, cells)))
    return made


@pytest.fixture
def store(url):
    made = Store(url)
    made.open_job("job", "stream", MINUTE, LATENESS * MINUTE)
    yield made
    made.close()


def write(store, units, minute):
    """Units, and the watermark at the end of a window."""
    store.write_units("job", 0, units, 1)
    store.save("job", 0, (FIRST + max(0, minute + 1 - LATENESS)) * MINUTE, (FIRST + minute + 1) * MINUTE, [])


def kept(store):
    """What is stored, but for when it was."""
    with store.snapshot() as db:
        rows = db.execute(sa.select(alerts).order_by(alerts.c.id)).mappings().all()
        states = db.execute(sa.select(alert_states.c.through_us, alert_states.c.watched)).all()
    return [{name: value for name, value in row.items() if name != "updated_us"} for row in rows], [tuple(row) for row in states]


def told(store):
    return told_of(kept(store))


def told_of(found):
    """[(opened, closed, kind, series)] in windows."""
    def at(time_us):
        return None if time_us is None else time_us // MINUTE - FIRST

    return [(at(row["opened_us"]), at(row["closed_us"]), row["kind"], f"{row['dimension']} {row['value']}".strip()) for row in found[0]]


@pytest.fixture
def at_once(store):
    """The alerts of all windows, judged in one go."""
    write(store, [unit for units in windows().values() for unit in units], WINDOWS - 1)
    judge(store, "job", WANTED, 1)
    return kept(store)


@pytest.fixture
def another(tmp_path):
    made = Store(f"sqlite:///{tmp_path}/another.db")
    made.open_job("job", "stream", MINUTE, LATENESS * MINUTE)
    yield made
    made.close()


def test_the_burst_is_told_once_with_its_reason(store, at_once):
    found = told(store)

    assert (100, 115, "spike", "source reviews") in found
    assert all(99 <= opened <= 112 for opened, *_ in found)
    (row,) = [row for row in at_once[0] if (row["kind"], row["value"]) == ("spike", "reviews")]
    reason = msgspec.json.decode(row["reason"], type=Reason)
    assert {(one.dimension, one.value) for one in reason.contributors} == {("topic", "food"), ("term", "soup")}
    assert all(0.8 < one.part <= 1.2 for one in reason.contributors)
    assert {sample.id for sample in reason.samples} <= {f"{name} {at}" for name in ("film", "food") for at in range(100, 112)}


@pytest.mark.parametrize("every", [1, 7, 40])
@pytest.mark.parametrize("restarted", [0, 30, 1], ids=["never", "sometimes", "always"])
def test_live_and_at_once_say_the_same(another, at_once, every, restarted):
    past = Past()
    for at, units in windows().items():
        write(another, units, at)
        if at % every == 0:
            judge(another, "job", WANTED, at, past)
        if restarted and at % restarted == 0:
            past = Past()
    judge(another, "job", WANTED, 1, past)

    assert kept(another) == at_once


@pytest.mark.parametrize("piece", [1, 7, 100])
def test_in_pieces_and_killed_between_them_and_at_once_say_the_same(another, at_once, monkeypatch, piece):
    monkeypatch.setattr(keep, "PIECE", piece)
    write(another, [unit for units in windows().values() for unit in units], WINDOWS - 1)
    ends = []

    def killed(end_us):
        ends.append(end_us)
        if len(ends) % 5 == 3:
            raise KeyboardInterrupt

    while True:
        try:
            judge(another, "job", WANTED, 1, told=killed)
            break
        except KeyboardInterrupt:
            continue

    assert kept(another) == at_once
    assert ends == sorted(set(ends)) and len(ends) == (WINDOWS - LATENESS - 1) // piece


def test_what_is_remembered_is_not_read_again(another, monkeypatch):
    read = []

    def rows(db, about, begin, end):
        read.append((end - begin) // MINUTE)
        return cell_rows(db, about, begin, end)

    monkeypatch.setattr(keep, "cell_rows", rows)
    past = Past()
    for at, units in windows(burst=()).items():
        write(another, units, at)
        judge(another, "job", WANTED, at, past)

    assert max(read[20:]) <= LATENESS + 1   # and the one that has just been closed


def test_judging_again_changes_nothing(store, at_once):
    assert judge(store, "job", WANTED, 9) == 0
    assert kept(store) == at_once


@pytest.mark.parametrize("lag", [1, 5, LATENESS - 1])
def test_late_records_have_their_windows_judged_again(another, at_once, lag):
    late = {at: units for at, units in windows().items() if 98 <= at < 112}
    for at, units in windows().items():
        write(another, windows(burst=())[at] if at in late else units, at)
        judge(another, "job", WANTED, at)
        another.write_units("job", 0, late.get(at - lag, []), 1)   # the last moment for lag 9: its window is closed next
    judge(another, "job", WANTED, 1)

    assert kept(another) == at_once


@pytest.mark.parametrize("block", [1, 7, 64])
def test_it_does_not_matter_how_many_windows_are_judged_together(another, at_once, block, monkeypatch):
    monkeypatch.setattr(keep, "BLOCK", block)
    write(another, [unit for units in windows().values() for unit in units], WINDOWS - 1)
    judge(another, "job", WANTED, 1)

    assert kept(another) == at_once


def test_an_alert_that_late_records_refute_goes_again(another):
    quiet = windows(burst=())
    for at in range(101):
        write(another, [unit for unit in quiet[at] if at < 99 or unit[0].source == "reviews"], at)
    judge(another, "job", WANTED, 1)
    assert "silence" in {kind for _, _, kind, _ in told(another)}

    another.write_units("job", 0, [*quiet[99], *quiet[100]], 1)   # the tickets were late

    assert judge(another, "job", WANTED, 2) > 0
    assert told(another) == []


def test_an_outdated_judge_changes_nothing(store, at_once, monkeypatch):
    """Another one got further between its reading and its writing."""
    with store.transaction() as db:
        db.execute(alert_states.delete())
        db.execute(alerts.delete())
    transaction = store.transaction

    def late():
        monkeypatch.undo()
        judge(store, "job", WANTED, 1)
        return transaction()

    monkeypatch.setattr(store, "transaction", late)

    assert judge(store, "job", WANTED, 2) == 0
    assert kept(store) == at_once


def test_an_unknown_job_is_named(store):
    with pytest.raises(QueryError, match="nobody"):
        judge(store, "nobody", WANTED, 1)


def test_a_job_without_windows_has_nothing_to_judge(store):
    assert judge(store, "job", WANTED, 1) == 0
    assert kept(store) == ([], [])
    assert State().watched.alerts == ()


def test_an_archive_that_ends_is_no_silence_and_its_last_windows_count(tmp_path, at_once):
    archive = Store(f"sqlite:///{tmp_path}/archive.db")
    archive.open_job("job", "backfill", MINUTE, 0)
    run = archive.begin_run("job", 1)
    archive.write_units("job", run, [unit for units in windows().values() for unit in units], 1)
    archive.finish_run("job", run, 2)

    judge(archive, "job", WANTED, 1)

    assert told(archive) == told_of(at_once)
    (state,) = kept(archive)[1]
    assert state[0] == (FIRST + WINDOWS) * MINUTE
    archive.close()


def test_a_record_of_1970_is_judged_like_any_other(store):
    unit = Unit(1, 0, {("en", "t"): Cell(1, 0, 1, 0)})
    store.write_units("job", 0, [(UnitKey(at * MINUTE, "o", "s", ""), unit) for at in (0, 50, 10**7)], 1)
    store.save("job", 0, 10**7 * MINUTE, 10**7 * MINUTE, [])

    judge(store, "job", WANTED, 1)
    assert kept(store)[1][0][0] > 0
