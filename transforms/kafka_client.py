"""Kafka as a job sees it: one fetching consumer per process, and a watcher that asks the broker where its logs begin and end."""
import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import AuthorizationError, KafkaError, OffsetOutOfRangeError
from kafka.structs import OffsetAndMetadata

from transforms.job import Raw
from transforms.kafka_connection import PLAINTEXT, Connection
from transforms.kafka_security import KafkaProblem, Security

ISOLATION_LEVELS = "read_uncommitted", "read_committed"   # asked in this order: what is committed in between is no open transaction


class LogExpired(Exception):
    """The log no longer holds what is to be read next: the job must start again, which names the gap."""


@dataclass(frozen=True, slots=True)
class KafkaSettings:
    """Where to read. Equal settings share one client in a process."""

    servers: str
    topics: tuple[str, ...]
    group: str
    connect_timeout_s: float = 30.0
    watch_every_s: float = 0.25
    discover_every_s: float = 5.0
    max_poll_records: int = 2_000
    idle_after_s: float = 2.0
    security: Security = PLAINTEXT


@dataclass(slots=True)
class Ends:
    """One answer of the broker, asked at `asked_us`: where each partition ended for readers, and the origins with an open transaction."""

    asked_us: int = 0
    ends: dict[str, int] = field(default_factory=dict)
    open: frozenset[str] = frozenset()


def name_of(partition: TopicPartition) -> str:
    """The origin's name."""
    return f"{partition.topic}/{partition.partition}"


def partition_of(name: str) -> TopicPartition:
    """The partition of an origin's name."""
    topic, _, number = name.rpartition("/")
    return TopicPartition(topic, int(number))


class KafkaClient:
    """Reads the partitions of some topics. Its one user at a time is the reading thread.

    Raises KafkaProblem when no broker answers within the connect timeout, one refuses us, or a topic is missing.
    """

    def __init__(self, settings: KafkaSettings, clock: Callable[[], float] = time.time) -> None:
        self.settings, self.clock = settings, clock
        self.connection = Connection(settings.servers, settings.security, settings.connect_timeout_s)
        self.consumer = self._connect()
        self.partitions = self._find_partitions(self.consumer)
        self.held: dict[TopicPartition, int] = {}   # waiting at their limit: their positions while they are not assigned
        self.ends = Ends()
        self.arrived_us: dict[str, int] = {}   # origin -> when its last record was polled
        self.failed_since: float | None = None
        self.found: list[TopicPartition] = []
        self.denied: BaseException | None = None   # why the last commit was refused
        self.closed = threading.Event()
        self.watcher = threading.Thread(target=self._watch, name="kafka-watch", daemon=True)
        self.watcher.start()

    def beginnings(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """The first offset that each log still holds."""
        try:
            found: dict[TopicPartition, int] = self.consumer.beginning_offsets(list(partitions), timeout_ms=30_000)
        except KafkaError as error:
            raise KafkaProblem(f"{self.settings.servers}: {error!r} while asking where the logs begin") from error
        return found

    def check_ends(self, decided: Mapping[str, int]) -> None:
        """decided: origin -> the offset below which the store has decided its records. Raises KafkaProblem where a log ends before it."""
        parts = [part for part in self.partitions if decided.get(name_of(part))]
        try:
            ends = self.consumer.end_offsets(parts, timeout_ms=30_000)
        except KafkaError as error:
            raise KafkaProblem(f"{self.settings.servers}: {error!r} while asking where the logs end") from error
        for part, end in ends.items():
            if end < decided[name_of(part)]:
                raise KafkaProblem(
                    f"{name_of(part)} at {self.settings.servers} ends at offset {end}, but the store knows records up to "
                    f"{decided[name_of(part)]}: the topic was deleted and made anew, or cut short. Its records are others now: choose "
                    "another --job, or give the topic another name")

    def check_access(self) -> None:
        """Raises KafkaProblem where this user may not read a topic, or not commit for the group."""
        with contextlib.suppress(KafkaError), self._allowed():
            self.consumer.committed(self.partitions[0], timeout_ms=5_000)
        with contextlib.suppress(KafkaError):   # not every broker tells; poll() says it then
            with contextlib.closing(self.connection.admin()) as admin:
                described = admin.describe_topics(list(self.settings.topics))
            for topic in described:
                may = topic.get("authorized_operations")
                if may and "READ" not in may:
                    raise self._refused(f"to let this user read topic {topic['name']!r}")

    @contextlib.contextmanager
    def _allowed(self) -> Iterator[None]:
        try:
            yield
        except AuthorizationError as error:
            raise self._refused(str(error)) from error

    def _refused(self, what: str) -> KafkaProblem:
        return KafkaProblem(
            f"{self.settings.servers} refuses {what}: grant READ on the topics ({', '.join(self.settings.topics)}) and on the group "
            f"{self.settings.group!r}, which is the --job")

    def assign(self, positions: Mapping[str, int]) -> None:
        """Reads these origins, each from its offset."""
        parts = [partition_of(name) for name in positions]
        if set(parts) != self.consumer.assignment():
            self.consumer.assign(parts)
        self.held = {}
        for name, offset in positions.items():
            self.consumer.seek(partition_of(name), offset)

    def poll(self, limits: Mapping[str, int], wait_s: float = 0.0) -> list[Raw]:
        """What was fetched; of an origin in `limits` only what lies below its limit.

        Waits wait_s at most when nothing is at hand.

        Raises LogExpired when the position is no longer in the log, KafkaProblem when this user may no longer read it or connect.
        """
        self.connection.check()
        if self.denied:
            raise self._refused(str(self.denied))
        self._hold(limits)
        try:
            fetched = self.consumer.poll(timeout_ms=int(wait_s * 1_000), max_records=self.settings.max_poll_records)
        except OffsetOutOfRangeError as error:
            raise LogExpired(f"{error}: the log no longer holds these offsets") from error
        except AuthorizationError as error:
            raise self._refused(str(error)) from error
        except KafkaError as error:
            self.connection.check(error)
            raise
        raws = []
        for partition, found in fetched.items():
            limit = limits.get(name_of(partition))
            records = found if limit is None else [record for record in found if record.offset < limit]
            if len(records) < len(found):
                self.consumer.seek(partition, limit)   # the replay first: the rest is read again later
            if records:
                raws.append(_raw(partition, records))
                self.arrived_us[name_of(partition)] = int(self.clock() * 1_000_000)
        return raws

    def positions(self) -> dict[str, int]:
        """The next offset of each origin; control records are passed over."""
        read = {part: offset for part in self.consumer.assignment()
                if (offset := self.consumer.position(part, timeout_ms=1_000)) is not None}
        return {name_of(part): offset for part, offset in (read | self.held).items()}

    def _hold(self, limits: Mapping[str, int]) -> None:
        """An origin at its limit waits for the others, without fetching the same records again and again.

        It is left out of the assignment. Pausing it would be the obvious way, but kafka-python 3.0.12 may never fetch a partition
        again that was paused with records in hand (the fetcher puts them aside and looks for them only while its next-in-line
        is None, which it is not once something was read).
        """
        assigned = self.consumer.assignment()
        reached = {
            part: position for name, limit in limits.items()
            if (part := partition_of(name)) in assigned and (position := self.consumer.position(part)) >= limit}
        released = {part: offset for part, offset in self.held.items() if offset < limits.get(name_of(part), offset + 1)}
        reading = (assigned - reached.keys()) | released.keys()
        if not (reached or released) or not reading:
            return
        self.consumer.assign(sorted(reading))
        for part, offset in released.items():
            self.consumer.seek(part, offset)
        self.held = {part: offset for part, offset in (self.held | reached).items() if part not in released}

    def commit(self, offsets: Mapping[str, int]) -> None:
        """Informative, for lag monitors: the store is what counts."""
        marked = {partition_of(name): OffsetAndMetadata(offset, "", -1) for name, offset in offsets.items()}
        with self._allowed():
            self.consumer.commit_async(marked, self._committed)

    def _committed(self, _: Any, answer: Any) -> None:
        self.denied = answer if isinstance(answer, AuthorizationError) else None

    def idle(self, positions: Mapping[str, int]) -> dict[str, int]:
        """The origins that the broker confirmed to end where we stand, with the time at which it was asked.

        Only after idle_after_s without a record: a producer of old events that pauses must not make the rest of them late. Nor where a
        transaction is open: its records come when it is committed (the broker ends a forgotten one after transaction.timeout.ms).
        """
        answer, quiet_us = self.ends, int(self.settings.idle_after_s * 1_000_000)
        return {
            name: answer.asked_us for name, end in answer.ends.items()
            if positions.get(name, -1) >= end and name not in answer.open and answer.asked_us - self.arrived_us.get(name, 0) >= quiet_us}

    def lag(self, positions: Mapping[str, int]) -> dict[str, int]:
        """Records of each origin that are not read yet, by the broker's last answer."""
        return {name: max(0, end - positions.get(name, 0)) for name, end in self.ends.ends.items()}

    def take_found(self) -> list[TopicPartition]:
        """Partitions found since the last call."""
        found, self.found = self.found, []
        return found

    def close(self) -> None:
        """Ends the watcher and the connections."""
        self.closed.set()
        self.watcher.join(timeout=5)
        self.consumer.close(autocommit=False, timeout_ms=2_000)

    def _connect(self) -> KafkaConsumer:
        return self.connection.consumer(
            group_id=self.settings.group, enable_auto_commit=False, auto_offset_reset="none", isolation_level="read_committed",
            max_poll_records=self.settings.max_poll_records, fetch_max_wait_ms=100, max_partition_fetch_bytes=4 << 20)

    def _find_partitions(self, consumer: KafkaConsumer) -> list[TopicPartition]:
        parts = []
        for topic in self.settings.topics:
            try:
                numbers = consumer.partitions_for_topic(topic)
            except KafkaError as error:
                raise KafkaProblem(f"topic {topic!r} at {self.settings.servers}: {error!r}") from error
            if not numbers:
                there = ", ".join(sorted(name for name in consumer.topics() if not name.startswith("__"))) or "none"
                raise KafkaProblem(f"topic {topic!r} does not exist at {self.settings.servers}, or this user may not see it; "
                                   f"topics there: {there}")
            parts += [TopicPartition(topic, number) for number in sorted(numbers)]
        return parts

    def _watch(self) -> None:
        """Asks where the logs end, several times a second, and now and then which partitions there are."""
        consumers: dict[str, KafkaConsumer] = {}
        discover_due = self.clock() + self.settings.discover_every_s
        while not self.closed.wait(self.settings.watch_every_s):
            try:
                for level in ISOLATION_LEVELS:
                    if level not in consumers:
                        consumers[level] = self.connection.consumer(isolation_level=level, enable_auto_commit=False)
                if self.clock() >= discover_due:
                    self._discover(list(consumers.values()))
                    discover_due = self.clock() + self.settings.discover_every_s
                asked_us, parts = int(self.clock() * 1_000_000), list(self.partitions)
                written, ends = (consumers[level].end_offsets(parts, timeout_ms=5_000) for level in ISOLATION_LEVELS)
                self.ends = Ends(asked_us, {name_of(part): end for part, end in ends.items()},
                                 frozenset(name_of(part) for part, end in written.items() if end > ends[part]))
                self.failed_since = None
            except (KafkaError, KafkaProblem, KeyError) as error:
                # The watermark stands still and the metrics say so; the client connects again by itself.
                self.failed_since = self.failed_since or self.clock()
                if isinstance(error, KeyError):   # kafka-python's word for a partition that it does not know yet, or any more
                    discover_due = self.clock()
        for consumer in consumers.values():
            consumer.close(autocommit=False, timeout_ms=1_000)

    def _discover(self, consumers: Sequence[KafkaConsumer]) -> None:
        for consumer in consumers:
            consumer.topics()   # asks anew: what follows answers from what is known
        for topic in self.settings.topics:
            numbers = consumers[0].partitions_for_topic(topic) or set()
            new = [part for number in sorted(numbers) if (part := TopicPartition(topic, number)) not in self.partitions]
            self.found += new
            self.partitions += new


def _raw(partition: TopicPartition, records: Sequence[Any]) -> Raw:
    headers = [{name: (value or b"").decode("utf-8", "replace") for name, value in record.headers} for record in records] \
        if any(record.headers for record in records) else ()
    return Raw(
        name_of(partition), np.fromiter((record.offset for record in records), np.int64, len(records)),
        [record.value for record in records],
        [record.timestamp * 1_000 if record.timestamp >= 0 else None for record in records], headers)
