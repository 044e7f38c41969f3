"""Our Avro schemas hold our records, and the wire format rejects what is not exactly one record of a known schema."""
import datetime as dt
import io
import json
import math

import fastavro
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.avro import (
    NAMES,
    AvroDecoder,
    SchemaError,
    SchemaFolder,
    as_row,
    encode_wire,
    schema,
    schema_text,
    write_container,
)
from schemas.records import DeadLetter, Entity, Reason, Rejected, TaggedEvent, TextEvent, time_of

clean = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
named = clean.filter(bool)
texts = clean.filter(lambda text: text and not text.isspace())
times_us = st.integers(0, 253_402_300_799_999_999)
longs = st.integers(-(2**63), 2**63 - 1)
shares = st.floats(0, 1)
times = times_us.map(time_of)

events = st.builds(
    TextEvent, event_id=named, time_us=times_us, text=texts, source=named, product=clean, channel=clean,
    author_id=clean, lang=clean,
)  # fmt: skip
letters = st.builds(
    DeadLetter, origin=clean, offset=longs, reason=st.sampled_from(Reason), detail=clean, event_id=clean,
    window_us=st.none() | times_us, source=clean, product=clean, sample=clean, headers=st.dictionaries(clean, clean),
    first_seen_us=times_us,
)  # fmt: skip
entities = st.builds(
    Entity, type=clean, text=clean, start=st.integers(0, 2**31 - 1), end=st.integers(0, 2**31 - 1), score=shares
)
tagged = st.builds(
    TaggedEvent, event_id=clean, event_time=times, origin=clean, offset=longs, source=clean, product=clean,
    channel=clean, author_id=clean, lang=clean, text=clean, sentiment=clean, sentiment_score=shares,
    sentiment_probabilities=st.dictionaries(clean, shares), topic=clean, topic_score=shares, intent=clean, intent_score=shares,
    entities=st.lists(entities, max_size=3), model=clean, model_version=clean,
)  # fmt: skip
cells = st.fixed_dictionaries(
    dict.fromkeys(("job", "source", "product", "lang", "topic"), clean)
    | dict.fromkeys(("window_start", "window_end"), times)
    | dict.fromkeys(("records", "negative", "neutral", "positive", "authors", "revision"), longs)
    | dict.fromkeys(("entities", "model_versions"), st.dictionaries(clean, longs))
    | {"score_sum": st.floats(allow_nan=False), "terms": st.dictionaries(clean, st.lists(longs, max_size=3)),
       "confidence": st.lists(longs), "sample_event_ids": st.lists(clean)}
)  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("registry")
    for schema_id, name in enumerate(NAMES, 1):
        (folder / f"{schema_id}.avsc").write_text(schema_text(name))
    return folder


def through_a_container(name, records):
    file = io.BytesIO()
    write_container(file, name, records)
    file.seek(0)
    return list(fastavro.reader(file))


@pytest.mark.parametrize("name", NAMES)
def test_every_schema_and_every_field_says_what_it_means(name):
    written = json.loads(schema_text(name))
    assert (written["namespace"], written["name"]) == ("textpulse", name)
    assert written["doc"].endswith(".")
    assert all(field["doc"].endswith(".") for field in written["fields"])


def test_the_dead_letter_schema_names_every_reason():
    reason = next(field for field in json.loads(schema_text("DeadLetter"))["fields"] if field["name"] == "reason")
    assert reason["type"]["symbols"] == [reason.value for reason in Reason]


@given(events)
def test_an_event_comes_back_from_the_wire(folder, event):
    assert AvroDecoder(folder).decode(encode_wire(event, 1), None) == event


@given(st.lists(events, max_size=4))
def test_events_come_back_from_a_container(batch):
    assert through_a_container("TextEvent", batch) == [
        {name: value for name, value in as_row(event).items() if name != "offset"} for event in batch
    ]


@given(st.lists(tagged, max_size=3))
def test_tagged_events_come_back_from_a_container(batch):
    assert msgspec.convert(through_a_container("TaggedEvent", batch), list[TaggedEvent]) == batch


@given(st.lists(letters, max_size=3))
def test_dead_letters_come_back_from_a_container(batch):
    assert through_a_container("DeadLetter", batch) == [as_row(letter) for letter in batch]


@given(cells)
def test_a_cell_comes_back_from_the_wire(cell):
    body = io.BytesIO(encode_wire(cell, 4, "InsightCell"))
    assert body.read(5) == b"\0\0\0\0\4"
    assert fastavro.schemaless_reader(body, schema("InsightCell"), None) == cell


def test_a_row_has_times_where_the_record_has_microseconds():
    row = as_row(DeadLetter("t/0", 3, Reason.LATE, window_us=60_000_000, first_seen_us=1))
    assert row["window_start"] == dt.datetime(1970, 1, 1, 0, 1, tzinfo=dt.UTC)
    assert row["first_seen"] == time_of(1)
    assert not {"window_us", "first_seen_us"} & row.keys()


def test_a_value_that_does_not_fit_its_schema_is_not_written():
    with pytest.raises((ValueError, TypeError)):
        encode_wire({"event_id": 7, "text": "x"}, 1, "TextEvent")


WIRE = encode_wire(TextEvent("a1", 5, "hello"), 1)


def reject(folder, value):
    result = AvroDecoder(folder).decode(value, None)
    assert isinstance(result, Rejected), result
    return result


@pytest.mark.parametrize("size", range(len(WIRE)))
def test_a_body_cut_short_anywhere_is_malformed(folder, size):
    assert reject(folder, WIRE[:size]).reason is Reason.MALFORMED


@given(st.binary(min_size=1, max_size=9))
def test_trailing_bytes_are_malformed(folder, rest):
    rejected = reject(folder, WIRE + rest)
    assert (rejected.reason, f"{len(rest)} bytes too many" in rejected.detail) == (Reason.MALFORMED, True)


@given(st.integers(1, 255))
def test_another_magic_byte_is_malformed(folder, magic):
    assert reject(folder, bytes([magic]) + WIRE[1:]).reason is Reason.MALFORMED


@given(st.integers(5, 2**32 - 1))
def test_an_id_without_a_file_is_an_unknown_schema(folder, schema_id):
    rejected = reject(folder, b"\0" + schema_id.to_bytes(4, "big") + WIRE[5:])
    assert (rejected.reason, str(schema_id) in rejected.detail) == (Reason.UNKNOWN_SCHEMA, True)


def test_a_string_that_is_no_utf8_is_bad_encoding_and_named(folder):
    rejected = reject(folder, WIRE.replace(b"hello", b"h\xffllo"))
    assert (rejected.reason, "text" in rejected.detail) == (Reason.BAD_ENCODING, True)


def test_a_timestamp_beyond_the_calendar_is_a_wrong_type(folder):
    good = fastavro.parse_schema({"type": "record", "name": "E", "fields": [{"name": "event_time", "type": "long"}]})
    timed = {"type": "record", "name": "E", "fields": [
        {"name": "event_time", "type": {"type": "long", "logicalType": "timestamp-millis"}}]}  # fmt: skip
    (folder / "20.avsc").write_text(json.dumps(timed))
    body = io.BytesIO()
    fastavro.schemaless_writer(body, good, {"event_time": 2**62})
    rejected = reject(folder, b"\0\0\0\0\x14" + body.getvalue())
    assert (rejected.reason, "event_time" in rejected.detail) == (Reason.WRONG_TYPE, True)


def test_a_schema_that_is_no_record_is_malformed(folder):
    (folder / "21.avsc").write_text('"string"')
    assert reject(folder, b"\0\0\0\0\x15\x02x").reason is Reason.MALFORMED


def test_unknown_fields_are_kept_as_text(folder):
    wider = json.loads(schema_text("TextEvent"))
    wider["fields"].append({"name": "stars", "type": "int"})
    (folder / "22.avsc").write_text(json.dumps(wider))
    body = io.BytesIO()
    row = {"event_id": "a", "text": "x", "stars": 4, "event_time": time_of(5)}
    fastavro.schemaless_writer(body, fastavro.parse_schema(wider), row)
    value = b"\0\0\0\0\x16" + body.getvalue()
    assert AvroDecoder(folder).decode(value, None) == TextEvent("a", 5, "x")
    assert AvroDecoder(folder).attributes(value) == {"stars": "4"}


def test_attributes_of_bytes_that_are_no_utf8_are_text_too(tmp_path):
    fields = [{"name": name, "type": "string"} for name in ("event_id", "event_time", "text")]
    fields.append({"name": "tags", "type": {"type": "array", "items": "string"}})
    schema = {"type": "record", "name": "Tagged", "fields": fields}
    (tmp_path / "1.avsc").write_text(json.dumps(schema))
    body = io.BytesIO()
    row = {"event_id": "a", "event_time": "2026-06-01T00:00:00Z", "text": "x", "tags": ["~~"]}
    fastavro.schemaless_writer(body, fastavro.parse_schema(schema), row)
    value = b"\0\0\0\0\1" + body.getvalue().replace(b"~~", b"\xe1\xff")
    decoder = AvroDecoder(tmp_path)
    assert isinstance(decoder.decode(value, None), TextEvent)
    assert decoder.attributes(value) == {"tags": '["\\udce1\\udcff"]'}


def test_a_schema_may_come_while_the_folder_is_in_use(tmp_path):
    decoder = AvroDecoder(tmp_path)
    assert decoder.decode(WIRE, None).reason is Reason.UNKNOWN_SCHEMA
    (tmp_path / "1.avsc").write_text("{")
    assert decoder.decode(WIRE, None).reason is Reason.UNKNOWN_SCHEMA
    (tmp_path / "1.avsc").write_text(schema_text("TextEvent"))
    assert decoder.decode(WIRE, None) == TextEvent("a1", 5, "hello")


@pytest.mark.parametrize("content", ["{", "[]x", '{"type": "record"}', '"nothing"', "7", "\udcff"])
def test_a_file_that_is_no_schema_stops_the_start_and_is_named(tmp_path, content):
    (tmp_path / "3.avsc").write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(SchemaError, match=r"3\.avsc"):
        SchemaFolder(tmp_path)


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(SchemaError, match="nowhere"):
        SchemaFolder(tmp_path / "nowhere")


def test_files_that_are_no_schema_id_are_left_alone(tmp_path):
    (tmp_path / "notes.avsc").write_text("{")
    with pytest.raises(SchemaError, match=r"1\.avsc"):
        SchemaFolder(tmp_path).get(1)


def test_an_unknown_schema_name_is_an_error_that_lists_the_names():
    with pytest.raises(SchemaError, match="InsightCell"):
        schema_text("Cell")


def test_infinity_is_a_double_like_any_other():
    cell = {"score_sum": math.inf, "job": "", "source": "", "product": "", "lang": "", "topic": "", "entities": {},
            "terms": {}, "confidence": [], "sample_event_ids": [], "model_versions": {}, "window_start": time_of(0),
            "window_end": time_of(1)}  # fmt: skip
    numbers = dict.fromkeys(("records", "negative", "neutral", "positive", "authors", "revision"), 0)
    assert through_a_container("InsightCell", [cell | numbers]) == [cell | numbers]
