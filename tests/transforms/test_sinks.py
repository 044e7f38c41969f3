"""What the sinks promise: files are whole or not there, a replay replaces, and each message says where its record stood."""
import contextlib
import datetime as dt
import json
from pathlib import Path

import fastavro
import msgspec
import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import MessageSizeTooLargeError

from pipelines.broker import create_topic
from privacy.policy import Mode, Policy
from privacy.redact import Redactor
from schemas.decode import event_keys
from schemas.json_events import JsonDecoder
from schemas.records import DeadLetter, Entity, Reason, TaggedEvent, TextEvent, plain, time_of
from transforms import read
from transforms import sinks as module
from transforms.elements import EventChunk, PollBatch
from transforms.job import JobSettings
from transforms.read import HandOn
from transforms.sinks import (
    FILE_FORMATS,
    PublishTagged,
    Sinks,
    WriteTaggedFiles,
    plain_row,
    publish_dead,
    tagged_of,
    write_tagged,
)
from transforms.tag import tag_chunk

S = 1_000_000
START = 1_780_272_000 * S
KEEPS = Redactor(Policy(default=Mode.KEEP, author_id=Mode.KEEP, fields=Mode.KEEP))


def chunk_of(texts, origins=("texts/0",), first=0):
    """A chunk whose rows take the origins in turn."""
    count = len(texts)
    events = [TextEvent(f"e{first + row}", START + row, text, "posts", "phone", "web", "ann", "en") for row, text in enumerate(texts)]
    column = np.arange(count)
    return EventChunk(
        events, event_keys([event.event_id for event in events]), first + column, START + column, column * 0 + START,
        column % len(origins), [(name, 0) for name in origins])


def tagged_rows(tagger, texts, **told):
    return tagged_of(tag_chunk(tagger, chunk_of(texts, **told)), tagger, KEEPS)


def test_tagged_events_have_masks_and_pseudonyms_and_their_entities_stand_where_they_are(tagger):
    hides = Redactor(Policy(), b"0123456789abcdef")
    texts = ["mail jo@x.org about Acme", "Acme said nothing"]
    plain_rows, rows = (tagged_of(tag_chunk(tagger, chunk_of(texts)), tagger, redactor) for redactor in (KEEPS, hides))
    assert [row.text for row in rows] == ["mail [email] about Acme", texts[1]]
    assert [[row.text[entity.start:entity.end] for entity in row.entities] for row in rows] == [
        [entity.text for entity in row.entities] for row in plain_rows]
    assert len({row.author_id for row in rows}) == 1 and rows[0].author_id != "ann"


def read_parquet(path):
    return pq.read_table(path).to_pylist()


def read_avro(path):
    with path.open("rb") as file:
        return list(fastavro.reader(file))


def read_jsonl(path):
    rows = [json.loads(line) for line in path.read_bytes().split(b"\n")[:-1]]
    return [row | {"event_time": dt.datetime.fromisoformat(row["event_time"])} for row in rows]


READERS = {"parquet": read_parquet, "avro": read_avro, "jsonl": read_jsonl}


def comparable(rows):
    """Scores as the 32 bits that the model gave."""
    def narrow(value):
        if isinstance(value, float):
            return float(np.float32(value))
        if isinstance(value, dict):
            return {key: narrow(entry) for key, entry in value.items()}
        return [narrow(entry) for entry in value] if isinstance(value, list) else value

    return [narrow(row) for row in rows]


# rows


def test_a_tagged_event_says_where_its_record_stood(tagger):
    rows = tagged_rows(tagger, ["good", "bad parcel", "Acme"], origins=("texts/0", "texts/1"), first=70)
    assert [(row.event_id, row.origin, row.offset) for row in rows] == [
        ("e70", "texts/0", 70), ("e71", "texts/1", 71), ("e72", "texts/0", 72)]
    assert [(row.sentiment, row.topic, row.model, row.model_version) for row in rows] == [
        ("positive", "other", "words", "1"), ("negative", "delivery", "words", "1"), ("neutral", "other", "words", "1")]
    assert [(entity.type, entity.text, entity.start) for entity in rows[2].entities] == [("brand", "Acme", 0)]


def test_rows_on_which_the_model_failed_are_no_tagged_events(tagger):
    rows = tagged_rows(tagger, ["good", tagger.poison, "bad"])
    assert [row.event_id for row in rows] == ["e0", "e2"]


# files


def test_each_format_has_a_reader_here():
    assert set(READERS) == set(FILE_FORMATS)


@pytest.mark.parametrize("file_format", FILE_FORMATS)
def test_what_is_written_is_what_is_read(tagger, tmp_path, file_format):
    rows = tagged_rows(tagger, ["good parcel", "包裹 bad Acme 好 Acme", "a\nb \"c\" \u2028"])
    path = Path(write_tagged(rows, str(tmp_path / "out"), file_format))
    assert comparable(READERS[file_format](path)) == comparable([plain_row(row) for row in rows])
    assert path.parent == tmp_path / "out"


scores = st.floats(0, 1, width=32)
names = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
entities = st.builds(Entity, names, names, st.integers(0, 9), st.integers(0, 9), scores)
times = st.integers(0, 4_000_000_000 * S).map(time_of)
tagged = st.builds(
    TaggedEvent, event_id=names, event_time=times, origin=st.just("texts/0"), offset=st.integers(0, 1 << 40), source=names, product=names,
    channel=names, author_id=names, lang=names, text=names, sentiment=names, sentiment_score=scores,
    sentiment_probabilities=st.fixed_dictionaries({"negative": scores, "neutral": scores, "positive": scores}), topic=names,
    topic_score=scores, intent=names, intent_score=scores, entities=st.lists(entities, max_size=3), model=names, model_version=names)


@pytest.mark.parametrize("file_format", FILE_FORMATS)
@settings(max_examples=25)
@given(rows=st.lists(tagged, min_size=1, max_size=5))
def test_any_tagged_events_come_back_from_a_file_as_they_were(tmp_path_factory, file_format, rows):
    path = Path(write_tagged(rows, str(tmp_path_factory.mktemp("files")), file_format))
    assert comparable(READERS[file_format](path)) == comparable([plain_row(row) for row in rows])


@pytest.mark.parametrize("file_format", FILE_FORMATS)
def test_a_file_that_cannot_be_written_to_its_end_is_not_there(tagger, tmp_path, monkeypatch, file_format):
    write = module._WRITERS[file_format]

    def broken(rows, out):
        write(rows, out)
        raise OSError("no space left on device")

    monkeypatch.setitem(module._WRITERS, file_format, broken)
    with pytest.raises(OSError, match="no space"):
        write_tagged(tagged_rows(tagger, ["good"]), str(tmp_path), file_format)
    assert list(tmp_path.glob(f"[!.]*.{file_format}")) == []


@pytest.mark.parametrize("file_format", FILE_FORMATS)
def test_a_file_that_fails_leaves_the_one_that_it_would_replace(tagger, tmp_path, monkeypatch, file_format):
    rows = tagged_rows(tagger, ["good", "bad"])
    path = Path(write_tagged(rows, str(tmp_path), file_format))
    before = path.read_bytes()

    def broken(rows, out):
        out.write(b"half")
        raise OSError("no space left on device")

    with monkeypatch.context() as patch, pytest.raises(OSError, match="no space"):
        patch.setitem(module._WRITERS, file_format, broken)
        write_tagged(rows, str(tmp_path), file_format)
    assert path.read_bytes() == before
    assert write_tagged(rows, str(tmp_path), file_format) == str(path)
    assert [file.name for file in tmp_path.iterdir()] == [path.name]   # what the failure left is gone too


def test_a_replay_of_the_same_rows_replaces_their_file(tagger, tmp_path):
    rows = tagged_rows(tagger, ["good", "bad"])
    first = write_tagged(rows, str(tmp_path), "jsonl")
    rows[0].topic = "another"   # a model may say otherwise the next time
    assert write_tagged(rows, str(tmp_path), "jsonl") == first
    assert [row["topic"] for row in read_jsonl(Path(first))] == ["another", "other"]
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("other", [("texts/1", 0, 2), ("texts/0", 5, 2), ("texts/0", 0, 1)])
def test_other_rows_go_to_another_file(tagger, tmp_path, other):
    origin, first, count = other
    one = write_tagged(tagged_rows(tagger, ["good", "bad"]), str(tmp_path), "jsonl")
    assert write_tagged(tagged_rows(tagger, ["good"] * count, origins=(origin,), first=first), str(tmp_path), "jsonl") != one


def test_a_folder_of_parquet_files_is_read_as_one_table_whatever_they_hold(tagger, tmp_path):
    write_tagged(tagged_rows(tagger, ["good"]), str(tmp_path), "parquet")
    write_tagged(tagged_rows(tagger, ["Acme good", "Acme"], origins=("texts/1",)), str(tmp_path), "parquet")

    assert pq.read_table(tmp_path).num_rows == 3


def test_origins_that_differ_have_files_that_differ_and_long_ones_have_names_that_a_file_may_have(tagger, tmp_path):
    origins = ("/data/a/b.jsonl", "/data/a_b.jsonl", "/data/" + "x" * 400 + ".jsonl", "s3://bucket/文.jsonl")

    paths = {write_tagged(tagged_rows(tagger, ["good"], origins=(origin,)), str(tmp_path), "jsonl") for origin in origins}

    assert len(paths) == len(list(tmp_path.iterdir())) == len(origins)


def test_a_bundle_of_chunks_is_one_file_and_no_more_than_so_many_rows_are_held(tagger, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MAX_FILE_ROWS", 5)
    step = WriteTaggedFiles(Sinks(tagged_files=str(tmp_path), files_format="jsonl"), lambda: tagger, lambda: KEEPS)
    for first in (0, 2, 4, 6):
        step.process(tag_chunk(tagger, chunk_of(["good", "bad"], first=first)))
    step.finish_bundle()
    step.finish_bundle()   # an empty bundle writes nothing
    written = sorted(tmp_path.iterdir())
    assert [len(read_jsonl(file)) for file in written] == [6, 2]
    assert [row["offset"] for file in written for row in read_jsonl(file)] == list(range(8))


def test_a_sink_is_on_when_it_has_a_name():
    assert not Sinks(dead_letter_topic="dead", insights_topic="insights").tagged
    assert Sinks(tagged_topic="tagged").tagged
    assert Sinks(tagged_files="out").tagged


# Kafka


def letter(offset, reason=Reason.MALFORMED, origin="texts/0"):
    return DeadLetter(origin, offset, reason, "why", "e1", START, "posts", "phone", "a sample \x01", {"trace": "7"}, START)


def test_dead_letters_are_sent_before_their_poll_is_handed_on(monkeypatch):
    did = []

    class Handed:
        def hand_on(self, poll):
            did.append(("handed on", len(poll.dead)))

    monkeypatch.setattr(read, "publish_dead", lambda sinks, letters: did.append(("sent", len(letters))))
    monkeypatch.setattr(read, "job_of", lambda chosen, decoder: Handed())
    chosen = JobSettings("sqlite://", "job", "stream", 0, S, S, 0)
    step = HandOn(chosen, lambda: JsonDecoder(1), Sinks(servers="nowhere", dead_letter_topic="dead"))
    chunk = chunk_of(["good"])
    assert list(step.process(PollBatch(chunk, [letter(0)], {}, 0))) == [chunk]
    assert list(step.process(PollBatch(None, [], {}, 0))) == []
    assert did == [("sent", 1), ("handed on", 1), ("handed on", 0)]


@pytest.fixture
def own_producer(monkeypatch):
    """The sinks' producers, closed after the test."""
    made = {}
    monkeypatch.setattr(module, "_producers", made)
    yield made
    for one in made.values():
        one.close()


def messages(broker, topic, count, eventually):
    """The first messages of partition 0."""
    found = []
    with contextlib.closing(KafkaConsumer(bootstrap_servers=broker.bootstrap, enable_auto_commit=False)) as consumer:
        part = TopicPartition(topic, 0)
        consumer.assign([part])
        consumer.seek_to_beginning(part)
        eventually(lambda: found.extend(consumer.poll(timeout_ms=100).get(part, ())) or len(found) >= count, f"{count} messages")
        assert consumer.end_offsets([part])[part] == count
    return found


@pytest.mark.kafka
class TestRealBroker:
    def test_a_dead_letter_on_kafka_says_what_where_and_why(self, broker, topic, own_producer, eventually):
        create_topic(broker.bootstrap, topic, 1)
        letters = [letter(7), letter(3, Reason.LATE, "other/12")]
        publish_dead(Sinks(servers=broker.bootstrap, dead_letter_topic=topic), letters)
        found = messages(broker, topic, 2, eventually)
        assert [message.key for message in found] == [b"texts/0@7", b"other/12@3"]
        assert [dict(message.headers) for message in found] == [
            {"textpulse-origin": b"texts/0", "textpulse-offset": b"7", "textpulse-reason": b"malformed"},
            {"textpulse-origin": b"other/12", "textpulse-offset": b"3", "textpulse-reason": b"late"}]
        assert [msgspec.json.decode(message.value, type=DeadLetter) for message in found] == letters

    def test_a_tagged_event_on_kafka_is_keyed_by_its_id_and_says_where_it_stood(self, broker, topic, tagger, own_producer, eventually):
        create_topic(broker.bootstrap, topic, 1)
        texts = ["good parcel", tagger.poison, "包裹 Acme"]
        element = tag_chunk(tagger, chunk_of(texts, origins=("texts/0", "texts/1", "texts/2"), first=40))
        step = PublishTagged(Sinks(servers=broker.bootstrap, tagged_topic=topic), lambda: tagger, lambda: KEEPS)
        step.process(element)
        step.finish_bundle()
        found = messages(broker, topic, 2, eventually)
        assert [(message.key, dict(message.headers)) for message in found] == [
            (b"e40", {"textpulse-origin": b"texts/0", "textpulse-offset": b"40"}),
            (b"e42", {"textpulse-origin": b"texts/2", "textpulse-offset": b"42"})]
        assert [json.loads(message.value) for message in found] == [
            json.loads(json.dumps(plain(row))) for row in tagged_of(element, tagger, KEEPS)]

    def test_a_bundle_ends_only_when_the_broker_has_everything(self, broker, topic, tagger, own_producer, eventually):
        create_topic(broker.bootstrap, topic, 1)
        step = PublishTagged(Sinks(servers=broker.bootstrap, tagged_topic=topic), lambda: tagger, lambda: KEEPS)
        for first in range(0, 300, 100):
            step.process(tag_chunk(tagger, chunk_of(["good"] * 100, first=first)))
        step.finish_bundle()
        assert step.sent == []
        assert [message.key for message in messages(broker, topic, 300, eventually)] == [b"e%d" % number for number in range(300)]

    def test_what_the_broker_refuses_fails_the_bundle(self, broker, topic, tagger, own_producer):
        create_topic(broker.bootstrap, topic, 1, max_message_bytes=300)
        step = PublishTagged(Sinks(servers=broker.bootstrap, tagged_topic=topic), lambda: tagger, lambda: KEEPS)
        step.process(tag_chunk(tagger, chunk_of(["good " * 200])))
        with pytest.raises(MessageSizeTooLargeError):
            step.finish_bundle()
        with pytest.raises(MessageSizeTooLargeError):
            publish_dead(Sinks(servers=broker.bootstrap, dead_letter_topic=topic), [letter(0, origin="o" * 400)])

    def test_a_process_has_one_producer_to_the_same_brokers(self, broker, own_producer):
        sinks = Sinks(servers=broker.bootstrap, tagged_topic="tagged", dead_letter_topic="dead")
        with module.publishing(sinks, "tagged") as one, module.publishing(sinks, "dead") as other:
            assert one is other
        assert len(own_producer) == 1
