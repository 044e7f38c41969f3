"""The JVM-free Kafka source: an unbounded source whose elements are whole polls, over the job's one client and ledger."""
import json
import threading
from collections.abc import Callable, Iterable
from typing import Any

from apache_beam import coders
from apache_beam.io.unbounded_source import CheckpointMark, UnboundedReader, UnboundedSource
from apache_beam.utils.timestamp import Timestamp

from schemas.decode import Decoder
from transforms.elements import PollBatch
from transforms.job import Job, JobSettings, job_of
from transforms.kafka_client import KafkaClient, KafkaSettings
from transforms.read_ahead import ReadAhead, add_partitions

_readings: dict[tuple[KafkaSettings, tuple[str, str, int]], ReadAhead] = {}
_readings_lock = threading.Lock()


def reading_of(kafka: KafkaSettings, job: Job) -> ReadAhead:
    """The process's one reading of these settings, from where the store says. Raises KafkaProblem."""
    key = (kafka, job.settings.key)
    with _readings_lock:
        if key not in _readings:
            client = KafkaClient(kafka)
            client.check_access()
            job.take_over()
            client.check_ends({name: known.evidence for name, known in job.ledger.known.items()})
            with job.lock:
                add_partitions(job, client, client.partitions)
                job.retire()
                job.save()   # a gap, and where a new partition begins, are durable before anything is read
                client.assign(job.ledger.mark()[0])
                _readings[key] = ReadAhead(job, client)
        return _readings[key]


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
        reading = reading_of(self.kafka, job_of(self.settings, self.decoder))
        if checkpoint_mark is not None:
            reading.rewind(checkpoint_mark.positions, checkpoint_mark.reported_us)
        reading.start()
        return KafkaReader(reading)

    def get_checkpoint_mark_coder(self) -> KafkaMarkCoder:
        """The coder of marks."""
        return KafkaMarkCoder()

    def default_output_coder(self) -> coders.Coder:
        """Polls are pickled where a runner moves them at all."""
        return coders.PickleCoder()


class KafkaReader(UnboundedReader):
    """One element a poll. A mark never splits a poll."""

    def __init__(self, reading: ReadAhead) -> None:
        self.reading = reading
        self.current = PollBatch(None, [], {}, 0)

    def start(self) -> bool:
        """The same as advance."""
        return self.advance()

    def advance(self) -> bool:
        """True when there is a poll to hand on. Raises what ended the reading: LogExpired, KafkaProblem, StoreError."""
        poll = self.reading.next()
        self.current = poll or self.current
        return poll is not None

    def get_current(self) -> PollBatch:
        """The poll."""
        return self.current

    def get_current_timestamp(self) -> Timestamp:
        """The earliest event time in it."""
        return Timestamp(micros=max(self.current.earliest_us, 0))

    def get_watermark(self) -> Timestamp:
        """What the ledger told with the last poll handed out."""
        return Timestamp(micros=max(self.reading.handed[1], 0))

    def get_checkpoint_mark(self) -> KafkaMark:
        """The positions behind the current poll."""
        return KafkaMark(*self.reading.handed)

    def close(self) -> None:
        """Nothing: the reading is the process's."""
