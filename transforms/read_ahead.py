"""Polling and deciding a little ahead of the runner, so that both run beside the model, which holds no interpreter lock."""
import logging
import random
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence

from kafka import TopicPartition

from schemas.decode import SchemaUnavailable
from transforms.elements import PollBatch
from transforms.job import Job, Raw
from transforms.kafka_client import KafkaClient, name_of

AHEAD = 2           # polls that wait for the runner
WAIT_S = 0.05       # for records where the broker says that there are some
WAITS_S = 0.5, 10.0   # the first and the longest pause before records that wait for a schema are polled again
SAY_EVERY_S = 60.0
PACE_S = 0.1        # between polls where less than a whole one is left in the log: many small ones would cost more and come later
log = logging.getLogger("textpulse")


def add_partitions(job: Job, client: KafkaClient, partitions: Sequence[TopicPartition]) -> None:
    """The job reads these from where the store says, else from where their logs begin. The caller saves before anything is read."""
    for partition, beginning in client.beginnings(partitions).items():
        job.add(name_of(partition), beginning)


class ReadAhead:
    """The one place that touches a job's consumer: a thread that polls, decides and saves; next() hands its polls to the runner in order.

    The positions and the watermark that the runner is told are those behind the last poll handed out, never those read ahead.
    What the thread cannot do is raised by the next call of next().
    """

    def __init__(self, job: Job, client: KafkaClient) -> None:
        self.job, self.client = job, client
        self.changed = threading.Condition(job.lock)
        self.ready: deque[PollBatch] = deque()
        self.handed: tuple[dict[str, int], int] = job.ledger.mark()
        self.seek: dict[str, int] | None = None   # where to read after a rewind
        self.rewinds = 0
        self.waits, self.waiting = 0, ""          # polls in a row that could not be decoded, and the origin of the last one
        self.poll_due = self.say_due = 0.0
        self.error: BaseException | None = None
        self.closed = False
        self.thread = threading.Thread(target=self._run, name="read-ahead", daemon=True)

    def start(self) -> None:
        """Begins to poll, once."""
        with self.changed:
            if self.thread.ident is None:
                self.thread.start()

    def next(self) -> PollBatch | None:
        """The next poll that holds something, else None, which ends a bundle: a backlog pays that dearly, so with whole polls still in
        the log it waits a moment."""
        with self.changed:
            while True:
                if not self.ready and not self.error and not self.job.stopping and self._lag() > self.client.settings.max_poll_records:
                    self.changed.wait(WAIT_S)
                if self.error:
                    raise self.error
                if not self.ready:
                    return None
                poll = self.ready.popleft()
                self.handed = poll.positions, poll.reported_us
                self.changed.notify_all()
                if poll.chunk or poll.dead:
                    return poll
                self.job.hand_on(poll)   # all before it was handed on: the fused stage is through when the runner comes back

    def rewind(self, positions: Mapping[str, int], reported_us: int) -> None:
        """A reader is built from a mark: nothing to do where it names the last poll handed out, else what came after is read again."""
        with self.changed:
            if positions == self.handed[0]:
                return
            self.job.settle()
            self.ready.clear()
            self.job.ledger.rewind(positions, reported_us)
            self.handed = self.job.ledger.mark()
            self.seek = self.handed[0]
            self.rewinds += 1
            self.changed.notify_all()

    def close(self) -> None:
        """Ends the thread; the consumer is the caller's from now on."""
        with self.changed:
            self.closed = True
            self.changed.notify_all()
        if self.thread.ident is not None:
            self.thread.join()

    def take(self, polled: Sequence[Raw]) -> None:
        """Decides what was polled, and keeps it for the runner."""
        with self.changed:
            job, ledger = self.job, self.job.ledger
            poll = job.take(polled)
            if not polled:
                self._pass_control_records()
            ledger.advance(self.client.idle(ledger.mark()[0]))
            poll.positions, poll.reported_us = ledger.mark()
            if self.ready and not (poll.chunk or poll.dead):
                last = self.ready[-1]   # what holds nothing needs no place of its own
                last.positions, last.reported_us = poll.positions, poll.reported_us
            else:
                self.ready.append(poll)
            self.changed.notify_all()

    def _lag(self) -> int:
        return sum(self.client.lag(self.job.ledger.mark()[0]).values())

    def _run(self) -> None:
        try:
            while self._step():
                continue
        except BaseException as error:   # noqa: BLE001 - next() raises it
            with self.changed:
                self.error = error
                self.changed.notify_all()

    def _step(self) -> bool:
        """Saves when it is time, and polls when there is room; False at the end."""
        job, ledger = self.job, self.job.ledger
        with self.changed:
            if self.closed:
                return False
            if time.time() >= job.save_due and not job.stopping:
                self.client.commit(job.save())
            if job.stopping or len(self.ready) >= AHEAD or time.time() < self.poll_due:
                self.changed.wait(WAIT_S)
                return True
            self._add_found()
            if self.seek is not None:
                self.client.assign(self.seek)
                self.seek = None
            limits = {name: ledger.limit(name) for name in ledger.origins} if ledger.replaying() else {}
            rewinds, lag = self.rewinds, self._lag()
        polled = self.client.poll(limits, WAIT_S if lag else 0.0)
        try:
            job.decode(polled)
        except SchemaUnavailable as problem:
            self._wait(problem, next(raw.origin for raw in polled if raw.decoded is None))
            return True
        with self.changed:
            self._go_on(polled)
            if rewinds == self.rewinds:   # else these are not what is to be read next
                self.take(polled)
                if lag <= self.client.settings.max_poll_records:
                    self.changed.wait_for(lambda: self.closed or rewinds != self.rewinds, PACE_S)
        return True

    def _wait(self, problem: SchemaUnavailable, origin: str) -> None:
        """Nothing of this poll is decided: it is polled again later. So nothing is lost, and the watermark stands where it is."""
        with self.changed:
            self.job.waits_since = self.job.waits_since or self.job.clock()
            self.seek = self.job.ledger.mark()[0]
            self.poll_due = time.time() + pause_s(self.waits) * random.uniform(0.5, 1.0)
            self.waits, self.waiting = self.waits + 1, origin
            if time.time() >= self.say_due:
                self.say_due = time.time() + SAY_EVERY_S
                log.error("records of %s wait, and nothing is lost: %s", origin, problem)

    def _go_on(self, polled: Sequence[Raw]) -> None:
        if self.waits and any(raw.origin == self.waiting for raw in polled):
            log.info("records are read again after %.0f s", self.job.clock() - self.job.waits_since)
            self.waits, self.say_due, self.job.waits_since = 0, 0.0, 0.0

    def _add_found(self) -> None:
        if found := self.client.take_found():
            add_partitions(self.job, self.client, found)
            self.job.save()
            self.seek = self.job.ledger.mark()[0]

    def _pass_control_records(self) -> None:
        """Offsets of transactions' control records hold nothing for us; a partition that ends with one is idle all the same."""
        for name, offset in self.client.positions().items():
            if name in self.job.ledger.origins:
                self.job.ledger.skip_to(name, offset)


def pause_s(waits: int) -> float:
    """How long the next pause is after so many that brought nothing: twice as long each time, up to a bound."""
    first_s, longest_s = WAITS_S
    return float(min(longest_s, first_s * 2.0 ** min(waits, 16)))
