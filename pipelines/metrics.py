"""The Prometheus endpoint of a job's process: bounded labels only, never an id, a text or an entity."""
import os
import socket
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from prometheus_client import CollectorRegistry, Histogram, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder

from insights.alerts.judge import Kind, Severity
from insights.alerts.outbox import DeliveryState
from insights.queries import job_row, of_run
from insights.store import Store, StoreError
from insights.tables import alerts, cells, deliveries, messages, units
from pipelines.access import Access
from pipelines.commands.output import harmless
from pipelines.endpoint import Endpoint
from schemas.records import Reason
from schemas.tagging import Tagger
from transforms.job import Job
from transforms.kafka_client import KafkaClient
from transforms.tag import observe

RESTARTS = "TEXTPULSE_RESTARTS"   # cause=number,...: told by the supervisor to the process that it starts
CAUSES = ("recycle", "failure", "environment")
SECONDS = (0.1, 0.25, 0.5, 1, 1.5, 2, 3, 5, 10, 30, 60, 300)
QUICK = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1)
SIZES = (1, 10, 50, 100, 250, 500, 1_000, 2_000, 5_000)
MOST_SOURCES, OTHER = 50, "other"   # producers name sources as they like: the first ones keep their names
SOURCE_CHARACTERS = 64
SENTIMENTS = ("negative", "neutral", "positive")


class JobMetrics:
    """What one job's ledger, client and store say when they are asked; a collector of prometheus_client."""

    def __init__(self, job: Job, client: KafkaClient | None, tagger: Tagger) -> None:
        self.job, self.client, self.tagger = job, client, tagger
        self.sources: set[str] = set()

    def collect(self) -> Iterator[Metric]:
        """The metrics of docs/metrics.md that are gauges and counters."""
        job = self.job
        with job.lock:
            records, dead = dict(job.counters.records), dict(job.counters.dead)
            seen_bytes = job.ledger.seen_bytes
        yield _counter("textpulse_records", "Records by what became of them", ("source", "outcome"), _summed(
            ((self._source(source), outcome), number) for (source, outcome), number in records.items()))
        yield _counter("textpulse_dead_letters", "Dead letters", ("reason",), {
            (reason.value,): dead.get(reason, 0) for reason in Reason})   # an increase from nothing at all would be none
        yield _counter("textpulse_restarts", "Restarts of the job", ("cause",), {
            (cause,): number for cause, number in (dict.fromkeys(CAUSES, 0) | restarts()).items()})
        yield _gauge("textpulse_model_info", "The model in use", ("model", "version", "tier"), {
            (self.tagger.name, self.tagger.version, self.tagger.tier): 1})
        yield _gauge("textpulse_seen_ids_bytes", "Memory of the ids by which duplicates are found", (), {(): seen_bytes})
        yield from self._progress()
        yield from self._windows()

    def _progress(self) -> Iterator[Metric]:
        ledger, now_us = self.job.ledger, self.job.now_us()
        with self.job.lock:
            positions, watermark_us = ledger.mark()[0], ledger.watermark_us
            saved = {name: ledger.safe(name)[0] for name in ledger.origins}
            expired = [window for window in ledger.open if ledger.expired(window)]
        age = (now_us - watermark_us) / 1e6 if watermark_us > 0 else float("nan")
        yield _gauge("textpulse_watermark_age_seconds", "How far the watermark is behind the clock", (), {(): age})
        overdue = (now_us - min(expired) - ledger.window_us - ledger.lateness_us) / 1e6 if expired else 0.0
        yield _gauge("textpulse_oldest_open_window_age_seconds", "How long the oldest expired window waits to be closed", (), {(): overdue})
        yield _gauge("textpulse_committed_offset", "Where a restart begins", ("topic", "partition"), {
            tuple(name.rsplit("/", 1)): offset for name, offset in saved.items()})
        waits = self.job.clock() - self.job.waits_since if self.job.waits_since else 0.0
        yield _gauge("textpulse_schema_wait_seconds", "For how long records have waited for a schema", (), {(): waits})
        if self.client:
            yield _gauge("textpulse_consumer_lag_records", "Records not yet read", ("topic", "partition"), {
                tuple(name.rsplit("/", 1)): number for name, number in self.client.lag(positions).items()})
            down = time.time() - self.client.failed_since if self.client.failed_since else 0.0
            yield _gauge("textpulse_broker_unreachable_seconds", "For how long the broker has not answered", (), {(): down})

    def _windows(self) -> Iterator[Metric]:
        try:
            rows = newest_window(self.job.store, self.job.settings.job)
            found, waiting = alert_numbers(self.job.store, self.job.settings.job)
        except StoreError:   # the job's own writes say so in the log; what needs no store is answered all the same
            return
        feelings = _summed(((self._source(row.source), name), getattr(row, name)) for row in rows for name in SENTIMENTS)
        totals = _summed(((source,), number) for (source, _), number in feelings.items())
        yield _gauge("textpulse_window_records", "Records of the newest window", ("source", "topic"), _summed(
            ((self._source(row.source), row.topic), row.records) for row in rows))
        yield _gauge("textpulse_window_sentiment_ratio", "Share of each sentiment in the newest window", ("source", "sentiment"), {
            (source, name): number / max(totals[source,], 1) for (source, name), number in feelings.items()})
        yield from _of_alerts(found, waiting)

    def _source(self, named: str) -> str:
        """The label of a source: its name, or OTHER when there are many."""
        label = harmless(named)[:SOURCE_CHARACTERS]
        if len(self.sources) < MOST_SOURCES:
            self.sources.add(label)
        return label if label in self.sources else OTHER


def newest_window(store: Store, job: str) -> Sequence[Any]:
    """Rows of source, topic, records, negative, neutral, positive: the job's window that starts last. Raises StoreError."""
    sums = [sa.func.sum(cells.c[name]).label(name) for name in ("records", *SENTIMENTS)]
    with store.snapshot() as db:
        mine = sa.and_(units.c.job == job, units.c.run == job_row(db, job).run)
        newest = sa.select(sa.func.max(units.c.window_us)).where(mine).scalar_subquery()
        query = sa.select(units.c.source, cells.c.topic, *sums).join(cells, cells.c.unit == units.c.id)
        return db.execute(query.where(mine, units.c.window_us == newest).group_by(units.c.source, cells.c.topic)).all()


def alert_numbers(store: Store, job: str) -> tuple[Sequence[Any], Sequence[Any]]:
    """(rows of kind, severity, number, still: the job's alerts, and those of them that are open; rows of state, number: messages that have
    not arrived). Raises StoreError.
    """
    number = sa.func.count().label("number")
    still = sa.func.sum(sa.case((alerts.c.closed_us.is_(None), 1), else_=0)).label("still")
    with store.snapshot() as db:
        found = db.execute(sa.select(alerts.c.kind, alerts.c.severity, number, still).where(*of_run(alerts, job_row(db, job)))
                           .group_by(alerts.c.kind, alerts.c.severity)).all()
        waiting = db.execute(
            sa.select(deliveries.c.state, number).join(messages, messages.c.id == deliveries.c.message)
            .where(messages.c.job == job, deliveries.c.state != DeliveryState.DELIVERED).group_by(deliveries.c.state)).all()
    return found, waiting


def _of_alerts(found: Sequence[Any], waiting: Sequence[Any]) -> Iterator[Metric]:
    """Of what alert_numbers says."""
    opened = _summed([*(((kind.value,), 0) for kind in Kind), *(((row.kind,), row.number) for row in found)])
    still = _summed([*(((severity.value,), 0) for severity in Severity), *(((row.severity,), row.still) for row in found)])
    states = (DeliveryState.PENDING, DeliveryState.GIVEN_UP)
    undelivered = _summed([*(((state.value,), 0) for state in states), *(((row.state,), row.number) for row in waiting)])
    yield _counter("textpulse_alerts", "Alerts that have opened", ("kind",), opened)
    yield _gauge("textpulse_alerts_open", "Alerts that are open", ("severity",), still)
    yield _gauge("textpulse_alert_deliveries", "Messages of alerts that have not arrived at a target", ("state",), undelivered)


def _summed(pairs: Iterable[tuple[tuple[str, ...], Any]]) -> dict[tuple[str, ...], float]:
    """Label values -> the sum of what is known under them."""
    sums: dict[tuple[str, ...], float] = {}
    for labels, number in pairs:
        sums[labels] = sums.get(labels, 0) + int(number)   # PostgreSQL sums to Decimal
    return sums


def restarts() -> dict[str, int]:
    """cause -> restarts so far, as the supervisor counted them."""
    pairs = [pair.split("=") for pair in os.environ.get(RESTARTS, "").split(",") if pair]
    return {cause: int(number) for cause, number in pairs}


def _family(
    kind: type[CounterMetricFamily] | type[GaugeMetricFamily], name: str, text: str, labels: tuple[str, ...],
    values: dict[tuple[str, ...], float],
) -> Metric:
    family = kind(name, text, labels=labels)
    for label_values, value in values.items():
        family.add_metric(label_values, value)
    return family


def _gauge(name: str, text: str, labels: tuple[str, ...], values: dict[tuple[str, ...], float]) -> Metric:
    return _family(GaugeMetricFamily, name, text, labels, values)


def _counter(name: str, text: str, labels: tuple[str, ...], values: dict[tuple[str, ...], float]) -> Metric:
    return _family(CounterMetricFamily, name, text, labels, values)


def registry_of(job: Job, client: KafkaClient | None, tagger: Tagger) -> CollectorRegistry:
    """All metrics of a job's process."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    inference = Histogram(
        "textpulse_inference_seconds", "Time of one call of the model", ("model", "version"), buckets=QUICK, registry=registry)
    chunks = Histogram("textpulse_chunk_records", "Texts in one call of the model", buckets=SIZES, registry=registry)
    freshness = Histogram(
        "textpulse_event_to_insight_seconds", "From event time to the store, by poll", buckets=SECONDS, registry=registry)

    def called(model: Tagger, texts: int, seconds: float) -> None:
        inference.labels(model.name, model.version).observe(seconds)
        chunks.observe(texts)

    observe(called)
    job.on_stored.append(freshness.observe)
    registry.register(JobMetrics(job, client, tagger))
    return registry


def serve(registry: CollectorRegistry, access: Access, where: socket.socket) -> None:
    """Answers with these metrics on a socket that listens, as long as the process lives."""
    Endpoint(access.policy, lambda accept: rendered(registry, accept), access.tls).start(where)


def rendered(registry: CollectorRegistry, accept: str) -> tuple[bytes, str]:
    """The metrics in the format that an Accept header asks for, and its content type."""
    encoder, kind = choose_encoder(accept)
    return encoder(registry), kind
