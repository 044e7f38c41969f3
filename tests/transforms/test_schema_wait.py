"""Records whose schema cannot be had for the moment are not decided: on the real broker, over a registry that comes and goes."""
import io
import json
import time
from collections import Counter

import fastavro
import pytest
import sqlalchemy as sa

from insights import tables
from insights.cells import Unit
from insights.conservation import audit
from insights.redact import MASKS
from insights.store import Store, UnitKey
from pipelines.broker import create_topic
from schemas import registry_http
from schemas.avro import AvroDecoder, AvroSettings, encode_wire, schema_text
from schemas.records import Reason, TextEvent
from transforms import job as jobs
from transforms import kafka_source as sources
from transforms import read_ahead
from transforms.aggregate import units_of
from transforms.job import JobSettings
from transforms.kafka_client import KafkaSettings
from transforms.kafka_source import KafkaSource
from transforms.tag import tag_chunk

S = 1_000_000
WINDOW, LATENESS = S // 5, 2 * S

pytestmark = pytest.mark.kafka


class Process:
    """One process of the job, over a decoder of the registry."""

    def __init__(self, broker, topic, schemas, url, tagger):
        store = Store(url)
        store.open_job("job", "stream", WINDOW, LATENESS)
        store.close()
        kafka = KafkaSettings(broker.bootstrap, (topic,), topic, watch_every_s=0.05, idle_after_s=0.2)
        settings = JobSettings(url, "job", "stream", 0, WINDOW, LATENESS, 0, save_every_s=0.05)
        self.reader = KafkaSource(kafka, settings, lambda: AvroDecoder(schemas)).create_reader(None, None)
        self.job, self.tagger = self.reader.reading.job, tagger
        self.dead, self.event_ids, self.units = [], [], {}

    def step(self):
        if not self.reader.advance():
            return
        poll = self.reader.get_current()
        self.job.hand_on(poll)
        self.dead += poll.dead
        if poll.chunk:
            self.event_ids += [event.event_id for event in poll.chunk.events]
            for key, unit, _ in units_of(tag_chunk(self.tagger, poll.chunk), self.tagger, MASKS):
                whole = self.units.setdefault(UnitKey(*key), Unit())
                whole.add(unit)
                self.job.write([(UnitKey(*key), whole)])

    def end(self):
        self.reader.reading.close()
        self.reader.reading.client.close()
        self.job.store.close()


@pytest.fixture
def start(broker, topic, registry, tmp_path, monkeypatch, tagger):
    made = []

    def started(**options):
        if made:
            made.pop().end()
        monkeypatch.setattr(jobs, "_jobs", {})
        monkeypatch.setattr(sources, "_readings", {})
        made.append(Process(broker, topic, AvroSettings(registry.url, **options), f"sqlite:///{tmp_path / 'store.db'}", tagger))
        return made[-1]

    monkeypatch.setattr(read_ahead, "WAITS_S", (0.05, 0.2))
    monkeypatch.setattr(registry_http, "PAUSE_S", 0.001)
    yield started
    for process in made:
        process.end()


@pytest.fixture
def until(eventually):
    def read(process, check, what):
        def looked():
            process.step()
            return check()

        eventually(looked, what)

    return read


def down(handler):
    handler.reply(503, b"<html>", "text/html")


def event(event_id):
    return TextEvent(event_id, int(time.time() * S), "a good parcel", "posts")


def narrower(event_id, schema_id):
    """A record of a version without most fields, with one more of its own."""
    fields = [{"name": name, "type": "string"} for name in ("event_id", "text", "mood")]
    body = io.BytesIO()
    fastavro.schemaless_writer(body, fastavro.parse_schema({"type": "record", "name": "Old", "fields": fields}),
                               {"event_id": event_id, "text": "a bad parcel", "mood": "x"})
    return b"\0" + schema_id.to_bytes(4, "big") + body.getvalue(), json.dumps({"type": "record", "name": "Old", "fields": fields})


def test_while_a_schema_cannot_be_had_nothing_is_decided_and_afterwards_everything_is(
        broker, topic, registry, start, producer, until, caplog):
    create_topic(broker.bootstrap, topic, 2, retention_ms=-1)
    registry.add(1, schema_text("TextEvent"))
    value, schema = narrower("n1", 2)
    registry.add(2, schema)
    process = start()
    for partition in range(2):
        producer.send(topic, encode_wire(event(f"known-{partition}"), 1), partition=partition)
    producer.flush()
    until(process, lambda: len(process.event_ids) == 2, "what is known is read")
    registry.fault = down
    for made in (value, encode_wire(event("behind"), 1), encode_wire(event("never"), 77), b"no avro"):
        producer.send(topic, made, partition=0)
    producer.flush()
    until(process, lambda: process.job.waits_since > 0, "a record waits")
    watermark_us, asked = process.job.ledger.watermark_us, len(registry.asked)
    until(process, lambda: len(registry.asked) > asked + 6, "the registry is asked again and again")
    assert process.job.ledger.watermark_us == watermark_us
    assert (process.dead, len(process.event_ids), process.job.ledger.mark()[0][f"{topic}/0"]) == ([], 2, 1)
    assert [record.getMessage() for record in caplog.records if "wait" in record.getMessage()] == [
        f"records of {topic}/0 wait, and nothing is lost: schema id 2: schema registry 127.0.0.1:{registry.port} answered 503 to "
        "GET /schemas/ids/2"]

    registry.fault = None
    until(process, lambda: len(process.event_ids) == 4 and len(process.dead) == 2, "everything is decided")
    assert process.event_ids[2:] == ["n1", "behind"]
    assert {letter.reason: letter.offset for letter in process.dead} == {Reason.UNKNOWN_SCHEMA: 3, Reason.MALFORMED: 4}
    assert process.job.waits_since == 0
    until(process, lambda: process.job.ledger.watermark_us > watermark_us, "the watermark moves")


def test_a_process_that_starts_over_in_the_middle_of_it_is_exact(broker, topic, registry, start, producer, until):
    create_topic(broker.bootstrap, topic, 1, retention_ms=-1)
    registry.add(1, schema_text("TextEvent"))
    process = start()
    for number in range(20):
        producer.send(topic, encode_wire(event(f"a{number}"), 1), partition=0)
    producer.flush()
    until(process, lambda: len(process.event_ids) == 20, "the first are read")
    registry.fault = down
    value, schema = narrower("n1", 2)
    for made in (value, encode_wire(event("z"), 1), encode_wire(event("z"), 9)):
        producer.send(topic, made, partition=0)
    producer.flush()
    until(process, lambda: process.job.waits_since > 0, "a record waits")

    registry.fault = None   # for the question at the start alone
    process = start()
    registry.fault = down
    until(process, lambda: process.job.waits_since > 0, "a record waits")
    registry.add(2, schema)
    registry.fault = None
    until(process, lambda: audited(process) == (23, {"unknown_schema": 1}, 22), "all windows are closed")
    assert audit(process.job.store).findings == []


def test_versions_an_incompatible_and_an_unknown_schema_stand_side_by_side_and_the_books_balance(
        broker, topic, registry, start, producer, until, tmp_path):
    create_topic(broker.bootstrap, topic, 1, retention_ms=-1)
    value, schema = narrower("n", 2)
    fields = [{"name": "event_id", "type": "string"}, {"name": "text", "type": "int"}]
    registry.add(1, schema_text("TextEvent"))
    registry.add(2, schema)
    registry.add(3, {"type": "record", "name": "TextEvent", "fields": fields})
    registry.add(4, "{}", schemaType="JSON")
    (tmp_path / "reader.avsc").write_text(json.dumps(json.loads(schema_text("TextEvent")) | {"aliases": ["Old"]}))
    process = start(reader_schema=str(tmp_path / "reader.avsc"))
    ours = encode_wire(event("a"), 1)
    for made in (ours, value, b"\0\0\0\0\3\2b\2", b"\0\0\0\0\4" + ours[5:], b"\0\0\0\0\5" + ours[5:], encode_wire(event("c"), 1)):
        producer.send(topic, made, partition=0)
    producer.flush()
    until(process, lambda: audited(process) == (6, {"unknown_schema": 3}, 3), "all windows are closed")
    assert audit(process.job.store).findings == []
    assert (process.event_ids, [letter.offset for letter in process.dead]) == (["a", "n", "c"], [2, 3, 4])
    for letter, said in zip(process.dead, ("schema id 3 cannot be read as the reader schema: field text: int cannot be read as string",
                                           "schema id 4: it is of type 'JSON'", "schema id 5: the registry"), strict=True):
        assert letter.detail.startswith(said)


def audited(process):
    """Records read, dead letters by reason, and records in closed windows."""
    with process.job.store.snapshot() as db:
        read = db.scalar(sa.select(sa.func.sum(tables.progress.c.read_records)))
        still_open = db.scalar(sa.select(sa.func.sum(tables.progress.c.open_records)))
        stored = db.scalar(sa.select(sa.func.sum(tables.units.c.records))) or 0
        return read, dict(Counter(db.scalars(sa.select(tables.dead_letters.c.reason)))), stored - still_open


def test_a_job_that_waits_stops_when_it_is_told_to(broker, topic, registry, start, producer, until, eventually):
    create_topic(broker.bootstrap, topic, 1, retention_ms=-1)
    process = start()
    registry.fault = down
    producer.send(topic, encode_wire(event("a"), 1), partition=0)
    producer.flush()
    until(process, lambda: process.job.waits_since > 0, "a record waits")
    process.job.stopping = True
    eventually(process.job.settled, "nothing is left to be stored")
    process.reader.reading.close()


def test_pauses_grow_to_a_bound():
    pauses = [read_ahead.pause_s(waits) for waits in range(2_000)]
    assert pauses[:6] == [0.5, 1.0, 2.0, 4.0, 8.0, 10.0]
    assert set(pauses[5:]) == {10.0}
