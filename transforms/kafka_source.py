"""The JVM-free Kafka source: an unbounded source whose elements are whole polls, over the job's one client and ledger."""
import json
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from apache_beam import coders
from apache_beam.io.unbounded_source import CheckpointMark, UnboundedReader, UnboundedSource
from apache_beam.utils.timestamp import Timestamp

from schemas.decode import Decoder
from transforms.elements import PollBatch
from transforms.job import Job, JobSettings, job_of
from transforms.kafka_client import KafkaClient, KafkaSettings

_clients: dict[tuple[KafkaSettings, tuple[str, str, int]], KafkaClient] = {}
_clients_lock = threading.Lock()


def client_of(kafka: KafkaSettings, job: Job) -> KafkaClient:
    """The process's one client of these settings, reading from where the store says."""
    key = (kafka, job.settings.key)
    with _clients_lock:
        if key not in _clients:
            client = _clients[key] = KafkaClient(kafka)
            job.store.take_over(job.settings.job)
            with job.lock:
                for partition, beginning in client.beginnings(client.partitions).items():
                    job.add(f"{partition.topic}/{partition.partition}", beginning)
                job.retire()
                job.save()   # a gap, and where a new partition begins, are durable before anything is read
                client.assign(job.ledger.mark()[0])
        return _clients[key]


def open_clients() -> list[KafkaClient]:
    """The clients of this process."""
    with _clients_lock:
        return list(_clients.values())


class KafkaMark(CheckpointMark):
    """Where the readers stood, and the watermark they had told."""

    def __init__(self, positions: dict[str, int], reported_us: int) -> None:
        self.positions, self.reported_us = positions, reported_us

    def finalize_checkpoint(self) -> None:
        """Nothing: what is durable is the store's to say."""


class KafkaMarkCoder(coders.Coder):
    """A mark as compact JSON, the same bytes for the same mark: runners cache readers by it."""

    def encode(self, value: KafkaMark) -> bytes:
        """The mark's bytes."""
        return json.dumps([sorted(value.positions.items()), value.reported_us], separators=(",", ":")).encode()

    def decode(self, encoded: bytes) -> KafkaMark:
        """The mark of these bytes."""
        positions, reported_us = json.loads(encoded)
        return KafkaMark(dict(positions), reported_us)

    def is_deterministic(self) -> bool:
        """Equal marks have equal bytes."""
        return True


class KafkaSource(UnboundedSource):
    """All topics of a job as one source: the watermark of several splits would be overwritten on Prism."""

    def __init__(self, kafka: KafkaSettings, settings: JobSettings, decoder: Callable[[], Decoder]) -> None:
        self.kafka, self.settings, self.decoder = kafka, settings, decoder

    def split(self, desired_num_splits: int, options: Any = None) -> Iterable["KafkaSource"]:
        """One split."""
        return [self]

    def create_reader(self, options: Any, checkpoint_mark: KafkaMark | None) -> "KafkaReader":
        """Cheap: the client and the ledger are the process's own."""
        job = job_of(self.settings, self.decoder)
        client = client_of(self.kafka, job)
        with job.lock:
            if checkpoint_mark is not None:
                positions, _ = job.ledger.mark()
                job.ledger.rewind(checkpoint_mark.positions, checkpoint_mark.reported_us)
                rewound = job.ledger.mark()[0]
                if rewound != positions:
                    client.assign(rewound)
        return KafkaReader(job, client)

    def get_checkpoint_mark_coder(self) -> KafkaMarkCoder:
        """The coder of marks."""
        return KafkaMarkCoder()

    def default_output_coder(self) -> coders.Coder:
        """Polls are pickled where a runner moves them at all."""
        return coders.PickleCoder()


class KafkaReader(UnboundedReader):
    """One element a poll. A mark never splits a poll."""

    def __init__(self, job: Job, client: KafkaClient) -> None:
        self.job, self.client = job, client
        self.current = PollBatch(None, [], {}, 0)

    def start(self) -> bool:
        """The same as advance."""
        return self.advance()

    def advance(self) -> bool:
        """Polls once without waiting; saves when it is time. True when there is something to hand on."""
        with self.job.lock:
            job, ledger = self.job, self.job.ledger
            if job.stopping:
                return False
            if time.time() >= job.save_due:
                self.client.commit(job.save())
            self._add_found()
            limits = {name: ledger.limit(name) for name in ledger.origins} if ledger.replaying() else {}
            polled = self.client.poll(limits)
            self.current = job.take(polled)
            if not polled:
                self._pass_control_records()
            ledger.advance(self.client.idle(ledger.mark()[0]))
            if self.current.chunk or self.current.dead:
                return True
            job.hand_on(self.current)   # it holds nothing that could still be lost
            return False

    def get_current(self) -> PollBatch:
        """The poll."""
        return self.current

    def get_current_timestamp(self) -> Timestamp:
        """The earliest event time in it."""
        return Timestamp(micros=max(self.current.earliest_us, 0))

    def get_watermark(self) -> Timestamp:
        """What the ledger tells the runner."""
        with self.job.lock:
            return Timestamp(micros=max(self.job.ledger.reported_us, 0))

    def get_checkpoint_mark(self) -> KafkaMark:
        """The positions behind the current poll."""
        with self.job.lock:
            return KafkaMark(*self.job.ledger.mark())

    def close(self) -> None:
        """Nothing: the client is the process's."""

    def _add_found(self) -> None:
        found = self.client.take_found()
        if found:
            for partition, beginning in self.client.beginnings(found).items():
                self.job.add(f"{partition.topic}/{partition.partition}", beginning)
            self.job.save()
            self.client.assign(self.job.ledger.mark()[0])

    def _pass_control_records(self) -> None:
        """Offsets of transactions' control records hold nothing for us; a partition that ends with one is idle all the same."""
        for name, offset in self.client.positions().items():
            if name in self.job.ledger.origins:
                self.job.ledger.skip_to(name, offset)
