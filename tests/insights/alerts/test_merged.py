"""Alerts are those of the windows as they were, whatever is merged once they are judged."""
import numpy as np
import pytest
import sqlalchemy as sa

from insights.alerts.detect import Sensitivity
from insights.alerts.keep import judge
from insights.cells import Cell, Unit
from insights.emerging.keep import judge_topics
from insights.emerging.rising import WANTED
from insights.retention import compact, plan
from insights.rollup import DAY_US, Ages
from insights.store import Store, UnitKey
from insights.tables import alert_states, alerts

MINUTE = 60_000_000
LONG = 30 * MINUTE
DAYS, MERGED = 40, 30
AGES = Ages(20 * DAY_US, 25 * DAY_US, 27 * DAY_US)


def kept(store):
    """What is stored, but for when it was."""
    with store.snapshot() as db:
        rows = db.execute(sa.select(alerts).order_by(alerts.c.id)).mappings().all()
        states = db.execute(sa.select(alert_states.c.through_us, alert_states.c.watched)).all()
    return [{name: value for name, value in row.items() if name != "updated_us"} for row in rows], [tuple(row) for row in states]


@pytest.fixture
def another(tmp_path):
    made = Store(f"sqlite:///{tmp_path}/another.db")
    made.open_job("job", "stream", LONG, 0)
    yield made
    made.close()


def long_windows():
    """{window: its unit} of forty days, with the shape of a day; three bursts, the last where merged windows were before its baseline."""
    made = {}
    for at in range(DAYS * 48):
        random = np.random.default_rng([2, at])
        rate = 20 + 12 * np.sin(at % 48 / 48 * 2 * np.pi)
        records = int(random.poisson(rate * (4 if at in (700, 701, 1_500, 1_501, 1_502, 1_800) else 1)))
        key = UnitKey((10_000 * 48 + at) * LONG, "texts/0", "reviews", "", 0)
        made[at] = key, Unit(records, at, {("en", "film"): Cell(records, records // 3, 0, records - records // 3)})
    return made


def read_until(store, made, from_window, window):
    store.write_units("job", 0, [made[at] for at in range(from_window, window)], 1)
    end_us = (10_000 * 48 + window) * LONG
    store.save("job", 0, end_us, end_us, [])


@pytest.fixture
def merged_and_not(tmp_path):
    """Two stores with the same windows of thirty days, judged; of one the old ones are merged. Then ten days more."""
    stores = [Store(f"sqlite:///{tmp_path}/{name}.db") for name in ("merged", "not")]
    made = long_windows()
    for store in stores:
        store.open_job("job", "stream", LONG, 0)
        read_until(store, made, 0, MERGED * 48)
        judge(store, "job", Sensitivity(), 1)
    done = list(compact(stores[0], "job", AGES))
    assert {one.step.action for one in done} == {"hour", "day", "drop"}
    for store in stores:
        read_until(store, made, MERGED * 48, DAYS * 48)
    yield stores
    for store in stores:
        store.close()


def test_alerts_are_the_same_where_old_windows_are_merged(merged_and_not):
    merged, plain = merged_and_not
    for store in merged_and_not:
        judge(store, "job", Sensitivity(), 1)
    assert kept(merged) == kept(plain)
    assert {row["opened_us"] // LONG - 10_000 * 48 for row in kept(plain)[0]} >= {700, 1_500, 1_800}
    list(compact(merged, "job", AGES))
    assert judge(merged, "job", Sensitivity(), 1) == 0


def test_where_nobody_knows_what_was_judged_alerts_begin_with_the_first_window_that_is_not_merged(merged_and_not, another):
    merged, _ = merged_and_not
    with merged.transaction() as db:
        db.execute(alert_states.delete())
        db.execute(alerts.delete())
    judge(merged, "job", Sensitivity(), 1)

    read_until(another, long_windows(), 10 * 48, DAYS * 48)
    judge(another, "job", Sensitivity(), 1)
    assert kept(merged) == kept(another)
    assert len(kept(merged)[0]) >= 3


def test_windows_that_judging_has_not_come_to_are_not_merged(tmp_path):
    store = Store(f"sqlite:///{tmp_path}/slow.db")
    store.open_job("job", "stream", LONG, 0)
    read_until(store, long_windows(), 0, 18 * 48)
    judge(store, "job", Sensitivity(), 1)
    read_until(store, long_windows(), 18 * 48, DAYS * 48)
    assert list(compact(store, "job", AGES)) == []
    with store.snapshot() as db:
        assert "alerts" in plan(db, "job", AGES).waits
        assert plan(db, "job", AGES, judged=True).steps
    judge(store, "job", Sensitivity(), 1)
    assert list(compact(store, "job", AGES))
    store.close()


def test_windows_that_topics_still_rest_on_are_not_merged_either(tmp_path):
    store = Store(f"sqlite:///{tmp_path}/slow.db")
    store.open_job("job", "stream", LONG, 0)
    read_until(store, long_windows(), 0, 18 * 48)
    judge_topics(store, "job", 1)
    read_until(store, long_windows(), 18 * 48, DAYS * 48)
    judge(store, "job", Sensitivity(), 1)
    with store.snapshot() as db:
        held, free = plan(db, "job", AGES), plan(db, "job", AGES, judged=True)
    assert "topics" in held.waits and "topics" not in free.waits
    needed = (10_000 * 48 + 18 * 48 - WANTED.past) * LONG
    assert max(step.start_us for step in held.steps) < needed <= max(step.start_us for step in free.steps)
    store.close()
