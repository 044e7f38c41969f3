"""The sample as a stream: records in order of arrival, some late, twice or malformed, and one incident."""
import functools
import itertools
import random
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

import msgspec

from pipelines.sample.compose import CHANNELS, Cell, cells, compose, table
from pipelines.sample.faults import FAULTS, TOMBSTONE, Fault, WireEvent, encode
from schemas.records import Reason

Kind = Literal["good", "late", "duplicate", "malformed"]

START_US = 1_780_272_000_000_000  # 2026-06-01T00:00:00Z
WARM_UP_S = 10.0
"""No record comes after its window's allowed lateness in this first time: the watermark must have got somewhere."""
RECENT = 512
"""How many of the last good records may come a second time."""


@dataclass(frozen=True, slots=True)
class Incident:
    """From start_s after the stream's start, for length_s, negative tickets on one product come `factor` times as
    often as before; what is added is all about one topic."""

    start_s: float = 30.0
    length_s: float = 20.0
    factor: float = 6.0
    product: str = "brindlepay"
    source: str = "tickets"
    topic: str = "card"
    sentiment: str = "negative"

    def covers(self, cell: Cell) -> bool:
        """Whether texts of this cell are among those that become more frequent."""
        return (cell.product, cell.source, cell.sentiment) == (self.product, self.source, self.sentiment)


@dataclass(frozen=True, slots=True)
class Plan:
    """How the stream misbehaves: shares of all records, and times in seconds.

    A good record arrives at most out_of_order_s after its event time; a late one at most late_s after it, and an
    expired one (a late one that no window takes any more) expired_s to expired_s + late_s after it. With an
    out-of-orderness of out_of_order_s or more, an allowed lateness of late_s or more, and both with the window well
    below expired_s, exactly the expired ones are dead letters of a stream. A second copy comes at most late_s after the
    event time. tombstones: records without a value too, which an archive cannot hold.
    """

    out_of_order_s: float = 2.0
    late_s: float = 60.0
    expired_s: float = 900.0
    late: float = 0.02
    expired: float = 0.001
    duplicate: float = 0.005
    malformed: float = 0.004
    tombstones: bool = False
    incident: Incident | None = field(default_factory=Incident)


class SampleRecord(msgspec.Struct, frozen=True, gc=False):
    """One record and what is true of it.

    value, key: as they go into Kafka (value None: a tombstone). time_us: event time, whole milliseconds. arrival_us:
    when it arrives, never falling along the stream. reason: the dead letter it must become in a stream, None when it is
    counted. fault: what is wrong with a malformed one. extra: it is there because of the incident alone.
    """

    value: bytes | None
    key: bytes
    event_id: str
    time_us: int
    arrival_us: int
    kind: Kind
    reason: Reason | None
    fault: str
    source: str
    product: str
    lang: str
    sentiment: str
    topic: str
    extra: bool = False


def generate(seed: int, *, rate: float = 200.0, start_us: int = START_US, count: int | None = None,
             plan: Plan | None = None) -> Iterator[SampleRecord]:
    """The stream of this seed, lazily and in order of arrival: the same bytes on every machine.

    rate: records per second of arrival time, on average and outside the incident. start_us: the first arrival.
    count: how many records (default: without end); it does not change the records before.
    """
    if rate <= 0:
        raise ValueError(f"rate={rate}: a stream needs a positive number of records per second")
    return itertools.islice(_Stream(seed, rate, start_us, plan or Plan()).records(), count)


@functools.lru_cache(maxsize=4096)
def _second(second: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))


def iso(time_us: int) -> str:
    """2026-06-01T02:10:05.123Z."""
    second, rest = divmod(time_us, 1_000_000)
    return f"{_second(second)}.{rest // 1000:03d}Z"


class _Stream:
    """The state of one stream: its numbers, its mix, and the good records that may come again."""

    def __init__(self, seed: int, rate: float, start_us: int, plan: Plan) -> None:
        self.random = random.Random(seed)
        self.rnd = self.random.random
        self.plan = plan
        self.start_us = start_us
        self.gap_us = 1e6 / rate
        mix = cells()
        self.mix = table(mix)
        self.recent: deque[SampleRecord] = deque(maxlen=RECENT)
        self.faults = (*FAULTS, TOMBSTONE) if plan.tombstones else FAULTS
        self.extra_mix: list[Cell] = []
        self.boost = 0.0
        self.span = (start_us, start_us)
        if incident := plan.incident:
            usual = [cell for cell in mix if incident.covers(cell)]
            self.extra_mix = [cell for cell in usual if cell.topic == incident.topic]
            self.boost = (incident.factor - 1) * sum(cell.share for cell in usual)
            begin = start_us + round(incident.start_s * 1e6)
            self.span = (begin, begin + round(incident.length_s * 1e6))

    def records(self) -> Iterator[SampleRecord]:
        arrival = float(self.start_us)
        begin, end = self.span
        while True:
            extra = begin <= arrival < end and self.rnd() * (1 + self.boost) < self.boost
            yield self._extra(int(arrival)) if extra else self._next(int(arrival))
            # While the incident lasts, its own records come between the usual ones and take none of their time.
            gap = self.gap_us / (1 + self.boost) if begin <= arrival < end else self.gap_us
            # An even spread, not an exponential one: a logarithm may differ in its last bit between machines.
            arrival += 2.0 * self.rnd() * gap

    def _next(self, arrival: int) -> SampleRecord:
        plan, luck = self.plan, self.rnd()
        if (luck := luck - plan.late) < 0:
            return self._late(arrival)
        if (luck := luck - plan.duplicate) < 0:
            return self._again(arrival)
        if (luck := luck - plan.malformed) < 0:
            return self._malformed(arrival)
        if (luck := luck - plan.expired) < 0 and arrival - self.start_us > WARM_UP_S * 1e6:
            return self._expired(arrival)
        return self._good(arrival)

    def _cell(self) -> Cell:
        return self.mix[int(self.rnd() * len(self.mix))]

    def _good(self, arrival: int) -> SampleRecord:
        record = self._record(self._cell(), arrival, self.rnd() * self.plan.out_of_order_s, "good")
        self.recent.append(record)
        return record

    def _extra(self, arrival: int) -> SampleRecord:
        cell = self.extra_mix[int(self.rnd() * len(self.extra_mix))]
        lag_s = min(self.rnd() * self.plan.out_of_order_s, (arrival - self.span[0]) / 1e6)
        return self._record(cell, arrival, lag_s, "good", extra=True)

    def _late(self, arrival: int) -> SampleRecord:
        low, high = self.plan.out_of_order_s, self.plan.late_s
        return self._record(self._cell(), arrival, low + self.rnd() * max(0.0, high - low), "late")

    def _expired(self, arrival: int) -> SampleRecord:
        lag_s = self.plan.expired_s + self.rnd() * self.plan.late_s
        return self._record(self._cell(), arrival, lag_s, "late", reason=Reason.LATE)

    def _again(self, arrival: int) -> SampleRecord:
        """A good record a second time, or a new one when none came lately."""
        if not self.recent:
            return self._good(arrival)
        first = self.recent[int(self.rnd() * len(self.recent))]
        if arrival - first.time_us > self.plan.late_s * 1e6:
            return self._good(arrival)
        return msgspec.structs.replace(first, arrival_us=arrival, kind="duplicate", reason=Reason.DUPLICATE)

    def _malformed(self, arrival: int) -> SampleRecord:
        fault = self.faults[int(self.rnd() * len(self.faults))]
        return self._record(self._cell(), arrival, self.rnd() * self.plan.out_of_order_s, "malformed", fault=fault)

    def _record(self, cell: Cell, arrival: int, lag_s: float, kind: Kind, *, reason: Reason | None = None,
                fault: Fault | None = None, extra: bool = False) -> SampleRecord:
        # Rounded up to a millisecond, so that the lag is never above what was asked.
        time_us = min(-(-(arrival - int(lag_s * 1e6)) // 1000), arrival // 1000) * 1000
        channels = CHANNELS[cell.source]
        author = f"{cell.source[0]}{int(self.rnd() * 100_000):05d}"
        event = WireEvent(f"{self.random.getrandbits(64):016x}", iso(time_us), cell.source, cell.product,
                          channels[int(self.rnd() * len(channels))], author, cell.lang, compose(cell, self.rnd))
        value = fault.spoil(event) if fault else encode(event)
        return SampleRecord(value, author.encode(), event.event_id, time_us, arrival, kind,
                            fault.reason if fault else reason, fault.name if fault else "", cell.source, cell.product,
                            cell.lang, cell.sentiment, cell.topic, extra)
