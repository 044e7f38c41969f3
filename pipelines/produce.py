"""Produces records into a Kafka topic: as fast as it goes, or at the pace at which they once came."""
import contextlib
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from kafka.errors import KafkaError, KafkaTimeoutError, RetriableError

from pipelines.broker import create_topic
from pipelines.errors import EnvironmentProblem, JobFailed, UsageProblem
from pipelines.replay import Record
from transforms.kafka_connection import PLAINTEXT, Connection, denied
from transforms.kafka_security import KafkaProblem, Security

UNCONFIRMED = 10_000
"""How many records may wait for the broker's answer: kafka-python's own buffer has no bound."""

Report = Callable[["Progress"], None]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is. done: from 0 to 1, None when nobody knows how much there is."""

    records: int
    size_bytes: int
    elapsed_s: float
    done: float | None = None

    @property
    def rate(self) -> float:
        """Records per second since the start."""
        return self.records / self.elapsed_s if self.elapsed_s > 0 else 0.0

    @property
    def left_s(self) -> float | None:
        """Seconds that are left at this pace, None when nobody knows."""
        return self.elapsed_s * (1 - self.done) / self.done if self.done else None

    def line(self) -> str:
        """One line for a person: 120,000 records, 24,310/s, 60 %, 0:03 left."""
        parts = [f"{self.records:,} records", f"{self.rate:,.0f}/s"]
        if self.done is not None and self.left_s is not None:
            minutes, seconds = divmod(round(self.left_s), 60)
            parts += [f"{self.done:.0%}", f"{minutes}:{seconds:02d} left"]
        return ", ".join(parts)


def produce(bootstrap: str, topic: str, records: Iterable[Record], *, speed: float = 0.0, partitions: int = 1,
            keyed: bool = False, total: int | None = None, done: Callable[[], float] | None = None,
            report: Report | None = None, report_every_s: float = 1.0, stop: threading.Event | None = None,
            connect_timeout_s: float = 30.0, security: Security = PLAINTEXT) -> Progress:
    """Sends (value, key, time_us) records to a topic and returns when the broker has confirmed every one.

    The topic is created with `partitions` and without a limit of age when it is missing (an archive's old times would
    be deleted at once); one that exists stays as it is. Records go to the partitions in turn and without a key (but for
    tombstones); keyed=True sends the key and lets it choose. speed: 0 as fast as possible, 1 as the times say, 60 a
    minute in a second; a time before the latest one is sent at once. total or done (from 0 to 1): for the time left in
    `report`, which is called every report_every_s. stop: set it to end early, with what was sent confirmed.

    Raises UsageProblem for a speed below 0 or no partitions, EnvironmentProblem naming the address when the broker
    cannot be reached or does not confirm, JobFailed naming the record that it refuses.
    """
    if speed < 0:
        raise UsageProblem(f"--speed {speed}: must be 0 (as fast as possible) or more, such as 1 or 60")
    if partitions < 1:
        raise UsageProblem(f"--partitions {partitions}: a topic has at least one")
    connection = Connection(bootstrap, security, connect_timeout_s)
    create_topic(bootstrap, topic, partitions, timeout_s=connect_timeout_s, security=security, retention_ms=-1)
    stopping = stop or threading.Event()
    sender = _Sender(connection, topic, keyed, paced=speed > 0)
    watch = _Watch(sender, total, done, report, report_every_s)
    try:
        for record in _paced(records, speed, stopping, watch.look) if speed else records:
            if stopping.is_set():
                break
            sender.send(record)
            watch.look()
        sender.flush()
    finally:
        sender.close()
    return watch.last()


def _paced(records: Iterable[Record], speed: float, stop: threading.Event, look: Callable[[], None],
           clock: Callable[[], float] = time.monotonic) -> Iterator[Record]:
    """The records, each held back until its time has come. look: called at least every half second while waiting.

    No record waits longer than the one that follows it: a single time in the far future holds nothing up.
    """
    start = clock()
    first_us: int | None = None
    for record, following in _with_next(records):
        first_us = record[2] if first_us is None else first_us
        due = start + (min(record[2], following[2]) - first_us) / 1e6 / speed
        while not stop.is_set() and (wait_s := due - clock()) > 0:
            stop.wait(min(wait_s, 0.5))
            look()
        yield record


def _with_next(records: Iterable[Record]) -> Iterator[tuple[Record, Record]]:
    """Each record with the one that follows it; the last with itself."""
    held: Record | None = None
    for record in records:
        if held is not None:
            yield held, record
        held = record
    if held is not None:
        yield held, held


class _Sender:
    """kafka-python's producer, idempotent so that its own retries store nothing twice, with errors that are raised."""

    def __init__(self, connection: Connection, topic: str, keyed: bool, paced: bool) -> None:
        self.connection, self.topic, self.keyed = connection, topic, keyed
        self.records = self.size_bytes = 0
        self._failure: tuple[int, BaseException] | None = None
        try:
            self._producer: Any = connection.producer(
                client_id="textpulse-produce", enable_idempotence=True,
                reconnect_backoff_max_ms=1_000,  # a broker that comes back is found within a second, not in 30
                linger_ms=5 if paced else 50, batch_size=16_384 if paced else 262_144, metrics_enabled=False)
            self._partitions = sorted(self._producer.partitions_for(topic))
        except KafkaProblem as problem:
            raise EnvironmentProblem(str(problem)) from problem
        except (KafkaError, OSError) as error:
            raise EnvironmentProblem(f"the Kafka broker at {connection.servers} says nothing of topic {topic}: {error}; "
                                     f"see that it runs, or correct --bootstrap-servers") from error

    def send(self, record: Record) -> None:
        value, key, time_us = record
        number = self.records
        if number % UNCONFIRMED == UNCONFIRMED - 1:
            self.flush()
        # A record is produced now at the latest: brokers refuse timestamps of the future (an hour by default), and its
        # event time stands in its value.
        timestamp_ms = min(max(0, time_us // 1000), int(time.time() * 1000))
        partition = None if self.keyed else self._partitions[number % len(self._partitions)]
        try:
            # kafka-python takes no tombstone without a key: it could delete nothing.
            sent_key = key if self.keyed else (key or b"" if value is None else None)
            future = self._producer.send(self.topic, value, key=sent_key, partition=partition,
                                         timestamp_ms=timestamp_ms)
        except KafkaError as error:
            raise self._problem(number, error) from error
        future.add_errback(self._failed, number)
        self.records += 1
        self.size_bytes += len(value or b"")
        self._check()

    def flush(self) -> None:
        """Waits until everything sent is confirmed, and raises what was not."""
        try:
            self._producer.flush()
        except KafkaError as error:
            raise self._problem(self.records - 1, error) from error
        self._check()

    def close(self) -> None:
        if self._failure is None:
            self._producer.close(timeout=10)
            return
        # After a failure there is nothing to wait for, and kafka-python says so by an error of its own.
        with contextlib.suppress(KafkaTimeoutError):
            self._producer.close(timeout=0)

    def _failed(self, number: int, error: BaseException) -> None:
        self._failure = self._failure or (number, error)

    def _check(self) -> None:
        if self._failure is not None:
            number, error = self._failure
            raise self._problem(number, error) from error

    def _problem(self, number: int, error: BaseException) -> Exception:
        """The broker's refusal of one record, or its silence."""
        which, servers = f"record {number} (from 0) for topic {self.topic}", self.connection.servers
        if refusal := self.connection.refusal(error):
            return EnvironmentProblem(f"{which} was not confirmed: {refusal}")
        if denied(error):
            return EnvironmentProblem(f"{which} was refused by the Kafka broker at {servers}: {error}; grant this user WRITE on the topic, "
                                      f"then produce again")
        if isinstance(error, RetriableError):
            return EnvironmentProblem(f"{which} was not confirmed by the Kafka broker at {servers}: {error}; "
                                      f"see that it runs, then produce again")
        return JobFailed(f"{which} was refused at {servers}: {error}; change the topic's settings (such as "
                         f"max.message.bytes) or leave the record out")


class _Watch:
    """Calls the report now and then."""

    def __init__(self, sender: _Sender, total: int | None, done: Callable[[], float] | None, report: Report | None,
                 every_s: float) -> None:
        self.sender, self.total, self.done, self.report, self.every_s = sender, total, done, report, every_s
        self.start = time.monotonic()
        self.next = self.start + every_s

    def look(self) -> None:
        if self.report is not None and (now := time.monotonic()) >= self.next:
            self.report(self._progress(now))
            self.next = now + self.every_s

    def last(self) -> Progress:
        return self._progress(time.monotonic())

    def _progress(self, now: float) -> Progress:
        sent = self.sender.records
        share = self.done() if self.done else min(1.0, sent / self.total) if self.total else None
        return Progress(sent, self.sender.size_bytes, now - self.start, share)
