"""Seeded traffic into a topic: on time, to the edge of the allowed lateness, far too late, twice, bad, poisoned."""
import heapq
import json
import random
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from kafka import KafkaProducer
from timing import US, Timing

from pipelines.sample.stream import generate

SOURCES = ("tickets", "reviews", "posts")
PRODUCTS = tuple(f"product{number}" for number in range(8))
POISON = "(a text that the test's model refuses)"
TICK_S = 0.05
OLD_S = 600
PATIENCE_MS = 300_000   # an outage of the broker is no reason to give a record up


@dataclass(slots=True)
class Shares:
    """How often an event is something else than on time."""

    edge: float = 0.05
    old: float = 0.004
    copied: float = 0.03
    malformed: float = 0.006
    poisoned: float = 0.0


def sample_texts(seed: int, count: int = 1_500) -> list[str]:
    """Texts in English and Chinese."""
    values = (record.value for record in generate(seed, count=count) if record.kind == "good" and record.value)
    return [json.loads(value)["text"] for value in values]


def faults(number: int, now_us: int) -> Iterator[tuple[bytes | None, str]]:
    """Records that no decoder may accept, all different, each with the reason that its dead letter must give."""
    good = {"event_id": f"bad{number}", "event_time": now_us // 1000, "text": "fine"}
    yield None, "missing_field"
    yield b'{"event_id": "bad%d", "text": ' % number, "malformed"
    yield b"[1, 2, %d]" % number, "malformed"
    yield b'{"event_id": "bad%d", "text": "\xff\xfe"}' % number, "bad_encoding"
    yield json.dumps({"event_id": f"bad{number}"}).encode(), "missing_field"
    yield json.dumps({**good, "text": number}).encode(), "wrong_type"
    yield json.dumps({**good, "text": " \t "}).encode(), "empty_text"
    yield json.dumps({**good, "text": "long " * 14_000}).encode(), "too_long"
    yield json.dumps({**good, "event_time": "yesterday"}).encode(), "wrong_type"
    yield json.dumps({**good, "event_time": now_us // 1000 + 3_600_000}).encode(), "future_time"


@dataclass
class Traffic:
    """A thread that sends until stop(). What it knows of its records is the oracle's second source, after the log.

    closed_us: tells which windows the store has closed; an older event sent after that must become a dead letter.
    copying: whether events come twice. bad: value -> reason. too_late: ids of events whose window was closed.
    """

    seed: int
    servers: str
    topic: str
    timing: Timing
    closed_us: Callable[[], int]
    rate: int = 150
    partitions: int = 3
    shares: Shares = field(default_factory=Shares)
    copying: bool = True
    bad: dict[bytes | None, str] = field(default_factory=dict)
    too_late: set[str] = field(default_factory=set)
    sent: int = 0

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.texts = sample_texts(self.seed)
        self.acks: list[object] = []
        self.later: list[tuple[float, int, bytes]] = []
        self.stopped = threading.Event()
        self.error: Exception | None = None
        self.producer = KafkaProducer(
            bootstrap_servers=self.servers, linger_ms=20, delivery_timeout_ms=PATIENCE_MS, max_block_ms=PATIENCE_MS,
            metadata_max_age_ms=1_000, reconnect_backoff_max_ms=1_000)
        self.thread = threading.Thread(target=self._run, name="traffic", daemon=True)

    def start(self) -> None:
        """Begins to send."""
        self.thread.start()

    def stop(self) -> set[tuple[str, int]]:
        """Ends; returns (origin, offset) of every record, all confirmed by the broker."""
        self.stopped.set()
        self.thread.join()
        if self.error:
            raise self.error
        self.producer.flush()
        confirmed = [ack.get(timeout=60) for ack in self.acks]
        self.producer.close()
        return {(f"{place.topic}/{place.partition}", place.offset) for place in confirmed}

    def _run(self) -> None:
        try:
            begun, ticks = time.monotonic(), 0
            while not self.stopped.is_set():
                for _ in range(round(self.rate * TICK_S)):
                    self._one(time.time())
                self._copies(time.time())
                ticks += 1
                self.stopped.wait(max(0.0, begun + ticks * TICK_S - time.monotonic()))
        except Exception as error:   # noqa: BLE001 - raised again by stop()
            self.error = error

    def _one(self, now: float) -> None:
        luck, shares = self.random.random(), self.shares
        if luck < shares.malformed:
            value, reason = self.random.choice([*faults(self.sent, int(now * US))])
            self.bad[value] = reason
            self._send(value)
            return
        event_id, time_us = f"{self.seed}-{self.sent}", int((now - self._age(luck)) * US)
        if self._must_be_late(time_us):
            self.too_late.add(event_id)
        value = self._event(event_id, time_us // 1000 * 1000)
        self._send(value)
        if self.copying and self.random.random() < shares.copied:
            wait_s = 0.0 if self.random.random() < 0.5 else self.random.uniform(0, 2 * self.timing.edge_s)
            heapq.heappush(self.later, (now + wait_s, self.sent, value))

    def _age(self, luck: float) -> float:
        luck -= self.shares.malformed
        if luck < self.shares.old:
            return OLD_S
        if luck < self.shares.old + self.shares.edge:
            edge_s = self.timing.edge_s
            return self.random.uniform(edge_s - 2, edge_s + self.timing.window_s + 2)
        return self.random.choice([0, 0, 0, 0.5, 1, 2])

    def _must_be_late(self, time_us: int) -> bool:
        if time_us > (time.time() - OLD_S / 2) * US:
            return False
        return self.timing.window_of(time_us) + self.timing.window_s * US <= self.closed_us()

    def _event(self, event_id: str, time_us: int) -> bytes:
        choose = self.random.choice
        text = choose(self.texts)
        if self.random.random() < self.shares.poisoned:
            text += POISON
        when: object = time_us // 1000
        if self.random.random() < 0.5:
            when = datetime.fromtimestamp(time_us // 1000 / 1000, UTC).isoformat()
        return json.dumps({
            "event_id": event_id, "event_time": when, "source": choose(SOURCES), "product": choose(PRODUCTS),
            "text": text, "author_id": f"author{self.random.randrange(500)}"}, ensure_ascii=False).encode()

    def _copies(self, now: float) -> None:
        while self.later and self.later[0][0] <= now:
            self._send(heapq.heappop(self.later)[2])

    def _send(self, value: bytes | None) -> None:
        key = None if value is not None else b"tombstone"
        partition = self.random.randrange(self.partitions)
        self.acks.append(self.producer.send(self.topic, value, key=key, partition=partition))
        self.sent += 1
