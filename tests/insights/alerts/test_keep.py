"""What is stored of alerts: with their reasons; the laws of all that is judged are in tests/insights/test_judging.py."""
import msgspec
import pytest

from insights.alerts import keep
from insights.alerts.explain import Reason
from tests.insights.judged import ALERTS, FIRST, MINUTE, open_job, write, write_all


@pytest.fixture
def store(tmp_path):
    made = open_job(f"sqlite:///{tmp_path}/store.db")
    yield made
    made.close()


def told(store):
    """[(opened, closed, kind, series)] in windows."""
    def at(time_us):
        return None if time_us is None else time_us // MINUTE - FIRST

    return [(at(row["opened_us"]), at(row["closed_us"]), row["kind"], f"{row['dimension']} {row['value']}".strip())
            for row in ALERTS.kept(store)[0]]


def test_the_burst_is_told_once_with_its_reason(store):
    write_all(store, ALERTS.eventful)
    ALERTS.judge(store)
    found = told(store)

    assert (100, 115, "spike", "source reviews") in found
    assert all(99 <= opened <= 112 for opened, *_ in found)
    (row,) = [row for row in ALERTS.kept(store)[0] if (row["kind"], row["value"]) == ("spike", "reviews")]
    reason = msgspec.json.decode(row["reason"], type=Reason)
    assert {(one.dimension, one.value) for one in reason.contributors} == {("topic", "food"), ("term", "soup")}
    assert all(0.8 < one.part <= 1.2 for one in reason.contributors)
    assert {sample.id for sample in reason.samples} <= {f"{name} {at}" for name in ("film", "food") for at in range(100, 112)}


@pytest.mark.parametrize("block", [1, 7, 64])
def test_it_does_not_matter_how_many_windows_are_judged_together(store, block, monkeypatch):
    write_all(store, ALERTS.eventful)
    ALERTS.judge(store)
    usual = ALERTS.kept(store)
    ALERTS.forget(store)

    monkeypatch.setattr(keep, "BLOCK", block)
    ALERTS.judge(store)

    assert ALERTS.kept(store) == usual


def test_an_alert_that_late_records_refute_goes_again(store):
    for at in range(101):
        write(store, [unit for unit in ALERTS.quiet[at] if at < 99 or unit[0].source == "reviews"], at)
    ALERTS.judge(store)
    assert "silence" in {kind for _, _, kind, _ in told(store)}

    store.write_units("job", 0, [*ALERTS.quiet[99], *ALERTS.quiet[100]], 1)   # the tickets were late

    assert ALERTS.judge(store, 2) > 0
    assert told(store) == []
