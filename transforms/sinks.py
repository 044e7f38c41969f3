"""Sinks beside the store: tagged events and dead letters to Kafka, tagged events to files; at least once, keyed by place."""
import contextlib
import hashlib
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import apache_beam as beam
import fsspec
import msgspec
from kafka import KafkaProducer
from kafka.errors import KafkaError, TopicAuthorizationFailedError

from insights.redact import hidden_in, hide
from privacy.redact import Redactor
from schemas.avro import write_container
from schemas.records import DeadLetter, TaggedEvent, plain
from schemas.tagged import tagged_events
from schemas.tagging import SENTIMENTS, Tagger
from transforms.elements import TaggedChunk
from transforms.kafka_connection import PLAINTEXT, Connection, denied
from transforms.kafka_security import KafkaProblem, Security

MAX_FILE_ROWS = 50_000
_encoder = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class Sinks:
    """Where results go beside the store; an empty name is off."""

    servers: str = ""
    tagged_topic: str = ""
    dead_letter_topic: str = ""
    insights_topic: str = ""
    tagged_files: str = ""
    files_format: str = "parquet"
    security: Security = PLAINTEXT
    connect_timeout_s: float = 30.0

    @property
    def topics(self) -> list[str]:
        """The topics that are written to."""
        return [topic for topic in (self.tagged_topic, self.dead_letter_topic, self.insights_topic) if topic]

    def connection(self) -> Connection:
        """To their brokers."""
        return Connection(self.servers, self.security, self.connect_timeout_s)

    @property
    def tagged(self) -> bool:
        """True when tagged events are wanted at all."""
        return bool(self.tagged_topic or self.tagged_files)


_producers: dict[Sinks, KafkaProducer] = {}
_connections: dict[Sinks, Connection] = {}
_producers_lock = threading.Lock()


@contextlib.contextmanager
def publishing(sinks: Sinks, topic: str) -> Iterator[KafkaProducer]:
    """The process's one producer for these sinks. Raises KafkaProblem where we are refused, else what kafka-python does."""
    with _producers_lock:
        if sinks not in _producers:
            _connections[sinks] = sinks.connection()
            _producers[sinks] = _connections[sinks].producer(acks="all", linger_ms=20)
    try:
        yield _producers[sinks]
    except KafkaError as error:
        if denied(error):
            raise _not_writable(sinks, topic, f" ({error})") from error
        _connections[sinks].check(error)
        raise


def check_writable(sinks: Sinks) -> None:
    """Raises KafkaProblem where no broker lets us in, or this user may not write to one of the topics."""
    if not sinks.topics:
        return
    with contextlib.closing(sinks.connection().admin()) as admin:
        described = admin.describe_topics(sinks.topics)
    for topic in described:
        may = topic.get("authorized_operations")   # not every broker tells; publishing says it then
        if topic["error_code"] == TopicAuthorizationFailedError.errno or (may and "WRITE" not in may):
            raise _not_writable(sinks, topic["name"])


def _not_writable(sinks: Sinks, topic: str, said: str = "") -> KafkaProblem:
    return KafkaProblem(f"{sinks.servers} refuses to let this user write to topic {topic!r}{said}: grant WRITE on it")


def origin_headers(origin: str, offset: int) -> list[tuple[str, bytes]]:
    """Where a record stood, for consumers that drop what they have seen: at-least-once is once by these."""
    return [("textpulse-origin", origin.encode()), ("textpulse-offset", str(offset).encode())]


def publish_dead(sinks: Sinks, letters: Sequence[DeadLetter]) -> None:
    """Sends dead letters and waits for the broker. Raises KafkaProblem or KafkaError when it refuses."""
    with publishing(sinks, sinks.dead_letter_topic) as producer:
        sent = [
            producer.send(
                sinks.dead_letter_topic, _encoder.encode(plain(letter)), key=f"{letter.origin}@{letter.offset}".encode(),
                headers=[*origin_headers(letter.origin, letter.offset), ("textpulse-reason", letter.reason.value.encode())])
            for letter in letters]
        confirm(producer, sent)


def confirm(producer: KafkaProducer, sent: Sequence[Any]) -> None:
    """Waits for the broker. Raises KafkaError when it refuses one of them."""
    producer.flush()
    for future in sent:
        future.get(timeout=30)


def tagged_of(element: TaggedChunk, tagger: Tagger, redactor: Redactor) -> list[TaggedEvent]:
    """The tagged events of a chunk, without the rows on which the model failed, and without what is personal."""
    chunk = element.chunk
    for event, offset in zip(chunk.events, chunk.offsets.tolist(), strict=True):
        event.offset = offset
    tagged = tagged_events(chunk.events, element.tags, tagger, "")
    for row, hidden in hidden_in(chunk.events, element.tags, tagger, redactor).items():
        hide(tagged[row], hidden, redactor)
    for record in tagged:
        record.author_id = redactor.author(record.author_id)
    for record, origin in zip(tagged, chunk.origin.tolist(), strict=True):
        record.origin = chunk.origins[origin][0]
    return [record for row, record in enumerate(tagged) if row not in element.failed]


Redaction = Callable[[], Redactor]


class PublishTagged(beam.DoFn):
    """TaggedChunk -> Kafka; a bundle ends when the broker has everything."""

    def __init__(self, sinks: Sinks, load: Callable[[], Tagger], redaction: Redaction) -> None:
        self.sinks, self.load, self.redaction = sinks, load, redaction
        self.sent: list[Any] = []

    def process(self, element: TaggedChunk) -> None:
        """Sends each event."""
        with publishing(self.sinks, self.sinks.tagged_topic) as producer:
            for record in tagged_of(element, self.load(), self.redaction()):
                self.sent.append(producer.send(
                    self.sinks.tagged_topic, _encoder.encode(record), key=record.event_id.encode(),
                    headers=origin_headers(record.origin, record.offset)))

    def finish_bundle(self) -> None:
        """Waits for the broker."""
        sent, self.sent = self.sent, []
        with publishing(self.sinks, self.sinks.tagged_topic) as producer:
            confirm(producer, sent)


class WriteTaggedFiles(beam.DoFn):
    """TaggedChunk -> files of at most MAX_FILE_ROWS rows, named by their first record; whole or not there at all."""

    def __init__(self, sinks: Sinks, load: Callable[[], Tagger], redaction: Redaction) -> None:
        self.sinks, self.load, self.redaction = sinks, load, redaction
        self.rows: list[TaggedEvent] = []

    def process(self, element: TaggedChunk) -> None:
        """Holds rows until there are enough, or the bundle ends."""
        self.rows += tagged_of(element, self.load(), self.redaction())
        if len(self.rows) >= MAX_FILE_ROWS:
            self.finish_bundle()

    def finish_bundle(self) -> None:
        """Writes what is held."""
        if self.rows:
            write_tagged(self.rows, self.sinks.tagged_files, self.sinks.files_format)
            self.rows = []


def write_tagged(rows: Sequence[TaggedEvent], folder: str, file_format: str) -> str:
    """Writes one file, through a temporary name, and returns its path. A replay of the same rows replaces it."""
    first = rows[0]
    name = f"{slug(first.origin)}-{first.offset:012d}-{len(rows)}.{file_format}"
    files, _, (root,) = fsspec.get_fs_token_paths(folder)
    files.makedirs(root, exist_ok=True)
    temporary, path = f"{root}/.{name}.part", f"{root}/{name}"
    with files.open(temporary, "wb") as out:
        write_rows([plain_row(row) for row in rows], out, file_format)
    files.mv(temporary, path)
    return str(path)


def slug(origin: str) -> str:
    """A name for files: the end of the origin, and a hash of the whole, for other characters and lengths are not allowed everywhere."""
    return f"{re.sub(r'[^A-Za-z0-9.-]', '_', origin)[-60:]}-{hashlib.sha256(origin.encode()).hexdigest()[:8]}"


def plain_row(row: TaggedEvent) -> dict[str, Any]:
    """The row as plain values, its time as a datetime."""
    values: dict[str, Any] = msgspec.to_builtins(row, builtin_types=(type(row.event_time),))
    return values


def _parquet(rows: Sequence[Mapping[str, Any]], out: Any) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    entity = pa.struct([("type", pa.string()), ("text", pa.string()), ("start", pa.int64()), ("end", pa.int64()), ("score", pa.float64())])
    shares = dict.fromkeys(("sentiment_score", "topic_score", "intent_score"), pa.float64())
    kinds = shares | {"event_time": pa.timestamp("us", "UTC"), "offset": pa.int64(), "entities": pa.list_(entity),
                      "sentiment_probabilities": pa.struct([(name, pa.float64()) for name in SENTIMENTS])}
    schema = pa.schema([(name, kinds.get(name, pa.string())) for name in TaggedEvent.__struct_fields__])   # the same in every file
    pq.write_table(pa.Table.from_pylist(list(rows), schema), out)


def _jsonl(rows: Sequence[Mapping[str, Any]], out: Any) -> None:
    out.write(b"".join(_encoder.encode(row) + b"\n" for row in rows))


def _avro(rows: Sequence[Mapping[str, Any]], out: Any) -> None:
    write_container(out, "TaggedEvent", rows)


_WRITERS: dict[str, Callable[[Sequence[Mapping[str, Any]], Any], None]] = {"parquet": _parquet, "jsonl": _jsonl, "avro": _avro}
FILE_FORMATS = tuple(_WRITERS)


def write_rows(rows: Sequence[Mapping[str, Any]], out: Any, file_format: str) -> None:
    """Tagged events as plain values, into an open file of that format."""
    _WRITERS[file_format](rows, out)


@dataclass
class WriteSinks(beam.PTransform):
    """TaggedChunk -> the sinks for tagged events that are on."""

    sinks: Sinks
    load: Callable[[], Tagger]
    redaction: Redaction

    def expand(self, tagged: beam.PCollection) -> Any:
        """One step a sink."""
        done = []
        if self.sinks.tagged_topic:
            done.append(tagged | "ToKafka" >> beam.ParDo(PublishTagged(self.sinks, self.load, self.redaction)))
        if self.sinks.tagged_files:
            done.append(tagged | "ToFiles" >> beam.ParDo(WriteTaggedFiles(self.sinks, self.load, self.redaction)))
        return done[0]

