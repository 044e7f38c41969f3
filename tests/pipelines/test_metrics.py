"""The Prometheus endpoint: what it says of a job, and that neither a producer nor a lost store spoils it."""
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from insights import tables
from insights.cells import Cell, Unit
from insights.sketch import sketch_of
from insights.store import Store, StoreError, UnitKey
from pipelines import metrics
from pipelines.metrics import MOST_SOURCES, OTHER, SOURCE_CHARACTERS, JobMetrics, newest_window
from schemas.records import Reason
from transforms.job import Counters
from transforms.ledger import Ledger

MINUTE = 60_000_000


class Tagger:
    name, version, tier = "quick", "v1", "fast"


def unit(topic: str, lang: str, negative: int, positive: int) -> Unit:
    records = negative + positive
    return Unit(records, 0, {(lang, topic): Cell(records, negative, 0, positive, 0, {}, {}, [0] * 10, sketch_of([]), (), {})})


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(f"sqlite:///{tmp_path}/a.db")
    made.open_job("live", "stream", MINUTE, 0)
    made.write_units("live", 0, [
        (UnitKey(0, "texts/0", "posts", ""), unit("old", "en", 9, 9)),
        (UnitKey(MINUTE, "texts/0", "posts", ""), unit("card", "en", 1, 2)),
        (UnitKey(MINUTE, "texts/1", "posts", ""), unit("card", "zh", 0, 3)),
        (UnitKey(MINUTE, "texts/1", "tickets", ""), unit("bank", "en", 4, 0))], 7)
    yield made
    made.close()


def job_over(store: object) -> SimpleNamespace:
    return SimpleNamespace(
        lock=threading.RLock(), counters=Counters(), ledger=Ledger(MINUTE, 0, 0, 0, {}), store=store,
        settings=SimpleNamespace(job="live"), now_us=lambda: 0, on_stored=[], waits_since=0.0)


def scraped(job: SimpleNamespace) -> dict[str, float]:
    registry = CollectorRegistry()
    registry.register(JobMetrics(job, None, Tagger()))   # type: ignore[arg-type]
    lines = generate_latest(registry).decode().splitlines()
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if not line.startswith("#"))}


def test_the_newest_window_is_told_by_source_topic_and_sentiment(store: Store) -> None:
    said = scraped(job_over(store))
    assert said['textpulse_window_records{source="posts",topic="card"}'] == 6
    assert said['textpulse_window_records{source="tickets",topic="bank"}'] == 4
    assert said['textpulse_window_sentiment_ratio{sentiment="positive",source="posts"}'] == pytest.approx(5 / 6)
    assert said['textpulse_window_sentiment_ratio{sentiment="negative",source="tickets"}'] == 1
    assert not [name for name in said if '"old"' in name]


def test_a_job_without_a_window_has_none_of_its_metrics(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path}/b.db")
    store.open_job("live", "stream", MINUTE, 0)
    assert list(newest_window(store, "live")) == []
    store.close()


def test_a_store_that_cannot_be_read_leaves_the_other_metrics(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(*given: object) -> None:
        raise StoreError("gone")

    monkeypatch.setattr(metrics, "newest_window", lost)
    said = scraped(job_over(store))
    assert said['textpulse_model_info{model="quick",tier="fast",version="v1"}'] == 1
    assert not [name for name in said if name.startswith("textpulse_window")]


def test_alerts_and_what_has_not_arrived_are_told_and_nothing_of_another_job(store: Store) -> None:
    said = scraped(job_over(store))
    assert said['textpulse_alerts_total{kind="spike"}'] == said['textpulse_alerts_open{severity="critical"}'] == 0
    assert said['textpulse_alert_deliveries{state="pending"}'] == said['textpulse_alert_deliveries{state="given_up"}'] == 0
    blank = {"incident": "i", "dimension": "all", "value": "", "opened_us": 0, "last_us": 0, "peak_us": 0, "peak": "", "reason": "",
             "updated_us": 0}
    with store.transaction() as db:
        db.execute(tables.alerts.insert(), [
            {**blank, "job": job, "run": run, "id": f"{at}", "kind": "spike", "severity": severity, "closed_us": closed}
            for at, (job, run, severity, closed) in enumerate([
                ("live", 0, "critical", None), ("live", 0, "critical", 9), ("live", 0, "warning", None), ("live", 1, "critical", None),
                ("other", 0, "critical", None)])])
        db.execute(tables.messages.insert(), [
            {"id": job, "job": job, "incident": "i", "body": "", "made_us": 0} for job in ("live", "other")])
        db.execute(tables.deliveries.insert(), [
            {"message": message, "target": state, "state": state, "attempts": 1, "due_us": 0, "error": ""}
            for message in ("live", "other") for state in ("pending", "given_up", "delivered")])
    said = scraped(job_over(store))
    assert said['textpulse_alerts_total{kind="spike"}'] == 3
    assert (said['textpulse_alerts_open{severity="critical"}'], said['textpulse_alerts_open{severity="warning"}']) == (1, 1)
    assert said['textpulse_alert_deliveries{state="pending"}'] == said['textpulse_alert_deliveries{state="given_up"}'] == 1
    assert 'textpulse_alert_deliveries{state="delivered"}' not in said


def test_however_many_sources_producers_name_the_labels_are_few_and_no_record_is_lost(store: Store) -> None:
    job = job_over(store)
    job.counters.records = {(f"source {number}", "counted"): 2 for number in range(10 * MOST_SOURCES)}
    job.counters.dead = {Reason.LATE: 3}
    said = scraped(job)
    counted = {name: value for name, value in said.items() if name.startswith("textpulse_records_total")}
    assert len(counted) == MOST_SOURCES + 1
    assert sum(counted.values()) == 20 * MOST_SOURCES
    assert said[f'textpulse_records_total{{outcome="counted",source="{OTHER}"}}'] == 18 * MOST_SOURCES
    assert said['textpulse_dead_letters_total{reason="late"}'] == 3


def test_a_source_keeps_its_label_when_others_come(store: Store) -> None:
    collector = JobMetrics(job_over(store), None, Tagger())   # type: ignore[arg-type]
    first = [collector._source(str(number)) for number in range(MOST_SOURCES)]
    assert collector._source("one more") == OTHER
    assert [collector._source(str(number)) for number in range(MOST_SOURCES)] == first


def test_a_hostile_source_is_a_harmless_label(store: Store) -> None:
    job = job_over(store)
    job.counters.records = {("\x1b[2J\ud800" + "x" * 10_000, "counted"): 1}
    (name,) = [name for name in scraped(job) if name.startswith("textpulse_records_total")]
    assert "\x1b" not in name
    assert len(name) < SOURCE_CHARACTERS + 60
