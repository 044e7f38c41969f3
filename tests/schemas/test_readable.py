"""What textpulse can read of a schema is said as its decoder finds it, by name or through a reader schema."""
import io
import json

import fastavro
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.avro import AvroDecoder, AvroSettings, schema_text
from schemas.parse import SchemaError, parsed
from schemas.readable import findings, fitted, reader_schema
from schemas.records import FIELDS, Reason, Rejected, TextEvent

MILLIS = {"type": "long", "logicalType": "timestamp-millis"}
TIME_MS = 1_700_000_000_000
KINDS = {   # a type, and a value that a producer would write for it
    "string": ("string", "2026-01-02T03:04:05Z"), "null": ("null", None), "bytes": ("bytes", b"x"), "int": ("int", 5),
    "long": ("long", TIME_MS), "double": ("double", 0.5), "boolean": ("boolean", True), "millis": (MILLIS, TIME_MS),
    "micros": ({"type": "long", "logicalType": "timestamp-micros"}, TIME_MS * 1000), "date": ({"type": "int", "logicalType": "date"}, 9),
    "local": ({"type": "long", "logicalType": "local-timestamp-millis"}, TIME_MS), "list": ({"type": "array", "items": "string"}, ["x"]),
    "map": ({"type": "map", "values": "string"}, {"x": "y"}), "uuid": ({"type": "string", "logicalType": "uuid"}, "2026-01-02T03:04:05Z"),
    "decimal": ({"type": "bytes", "logicalType": "decimal", "precision": 4, "scale": 2}, b"\1"),
    "unknown": ({"type": "string", "logicalType": "colour"}, "2026-01-02T03:04:05Z"),
    "enum": ({"type": "enum", "name": "K", "symbols": ["good"]}, "good"),
    "fixed": ({"type": "fixed", "name": "F", "size": 1}, b"x"),
    "record": ({"type": "record", "name": "R", "fields": [{"name": "text", "type": "string"}]}, {"text": "x"})}


def record(*fields, name="Event", **more):
    return {"type": "record", "name": name, "fields": [
        field if isinstance(field, dict) else dict(zip(("name", "type", "default"), field, strict=False)) for field in fields], **more}


def plain(schema):
    """The same without logical types: what a producer that knows none would write."""
    if isinstance(schema, list):
        return [plain(branch) for branch in schema]
    return {key: plain(value) for key, value in schema.items() if key != "logicalType"} if isinstance(schema, dict) else schema


def wire(schema, row, schema_id=7):
    body = io.BytesIO()
    fastavro.schemaless_writer(body, fastavro.parse_schema({**schema, "fields": [
        {**field, "type": plain(field["type"])} for field in schema["fields"]]}), row)
    return b"\0" + schema_id.to_bytes(4, "big") + body.getvalue()


@pytest.fixture
def decoder_of(tmp_path):
    """decoder_of(schema, reader): with the schema as number 7."""

    def made(schema, reader=None):
        (tmp_path / "7.avsc").write_text(json.dumps(schema))
        if reader is not None:
            (tmp_path / "reader.json").write_text(json.dumps(reader))
        return AvroDecoder(AvroSettings(str(tmp_path), reader_schema=str(tmp_path / "reader.json") if reader is not None else ""))

    return made


@pytest.mark.parametrize("name", FIELDS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_field_is_said_to_be_broken_if_and_only_if_its_records_are_dead_letters(decoder_of, name, kind):
    (schema_type, value), others = KINDS[kind], [(other, "string") for other in ("event_id", "text") if other != name]
    schema = record((name, schema_type), *others)
    result = decoder_of(schema).decode(wire(schema, dict.fromkeys(("event_id", "text"), "x") | {name: value}), 5)
    broken = [finding.field for finding in findings(parsed(json.dumps(schema), "it")) if finding.broken]
    assert broken == ([name] if isinstance(result, Rejected) else [])
    if isinstance(result, Rejected):
        assert name in result.detail


@given(st.sets(st.sampled_from(["event_id", "text", "lang"])), st.sampled_from(["source", "event_time", "text"]))
def test_a_field_that_is_not_there_breaks_only_where_it_is_needed(gone, null):
    names = [name for name in ("event_id", "text", "lang") if name not in gone]
    schema = parsed(json.dumps(record(*((name, "string") for name in names if name != null), (null, ["null", "string"]))), "it")
    assert {finding.field for finding in findings(schema) if finding.broken} == gone - {null, "lang"}
    assert [finding.field for finding in findings(schema) if "null" in finding.why] == (["text"] if null == "text" else [])


def test_our_own_schema_is_read_without_a_word_and_no_record_is_said():
    assert findings(parsed(schema_text("TextEvent"), "it")) == []
    assert [finding.broken for finding in findings("string")] == [True]


READER = record(
    {"name": "event_id", "type": "string", "aliases": ["id"]}, {"name": "text", "type": "string", "aliases": ["body", "message"]},
    {"name": "event_time", "type": ["null", MILLIS], "aliases": ["at"], "default": None},
    ("source", "string", "crm"), name="Text", aliases=["Ticket", "Note"])
TICKET = record(("id", "string"), ("body", "bytes"), ("at", MILLIS), ("stars", "int"), name="Ticket")


def test_a_reader_schema_renames_fills_in_and_promotes(decoder_of):
    decoder = decoder_of(TICKET, READER)
    value = wire(TICKET, {"id": "a", "body": b"hello", "at": TIME_MS, "stars": 4})
    assert decoder.decode(value, None) == TextEvent("a", TIME_MS * 1000, "hello", "crm")
    assert decoder.attributes(value) == {"stars": "4"}


def test_versions_of_a_schema_are_read_side_by_side(decoder_of, tmp_path):
    decoder = decoder_of(TICKET, READER)
    renamed = record(("id", "string"), ("message", "string"), ("text", "string"), name="Note")   # on its way from one name to another
    (tmp_path / "8.avsc").write_text(json.dumps(renamed))
    assert decoder.decode(wire(renamed, {"id": "b", "message": "old", "text": "new"}, 8), 5) == TextEvent("b", 5, "new", "crm")
    assert decoder.decode(wire(TICKET, {"id": "a", "body": b"x", "at": TIME_MS, "stars": 4}), None).text == "x"


@pytest.mark.parametrize(("writer", "row", "said"), [
    (record(("id", "string"), name="Ticket"), {"id": "a"}, "field text: is not written, and readers have no default"),
    (record(("id", "string"), ("body", "int"), name="Ticket"), {"id": "a", "body": 1}, "field body: int cannot be read as string"),
    (record(("id", "string"), ("body", "string"), name="Other"), {"id": "a", "body": "x"}, "record Other cannot be read as Text")])
def test_an_incompatible_schema_is_a_dead_letter_that_names_field_and_id(decoder_of, writer, row, said):
    decoder = decoder_of(writer, READER)
    for _ in range(2):
        rejected = decoder.decode(wire(writer, row), 5)
        assert (rejected.reason, said in rejected.detail, "schema id 7" in rejected.detail) == (Reason.UNKNOWN_SCHEMA, True, True)
    assert [finding.broken for finding in findings(parsed(json.dumps(writer), "it"), parsed(json.dumps(READER), "it"))] == [True]


def test_only_the_records_that_cannot_be_resolved_are_dead_letters(decoder_of):
    writer = record(("id", "string"), ("body", ["null", "string"]), name="Ticket")
    decoder = decoder_of(writer, READER)
    assert decoder.decode(wire(writer, {"id": "a", "body": "x"}), 5) == TextEvent("a", 5, "x", "crm")
    rejected = decoder.decode(wire(writer, {"id": "a", "body": None}), 5)
    assert (rejected.reason, "field body: null" in rejected.detail) == (Reason.UNKNOWN_SCHEMA, True)


def test_a_cut_body_is_malformed_under_a_reader_schema_too(decoder_of):
    value = wire(TICKET, {"id": "a", "body": b"hello", "at": TIME_MS, "stars": 4})
    decoder = decoder_of(TICKET, READER)
    assert {decoder.decode(value[:size], None).reason for size in range(len(value))} == {Reason.MALFORMED}
    assert decoder.decode(value + b"x", None).reason is Reason.MALFORMED


@given(st.lists(st.sampled_from("abcd"), unique=True), st.lists(st.tuples(st.sampled_from("abcd"), st.lists(st.sampled_from("abcd"))),
                                                                unique_by=lambda field: field[0]))
def test_no_field_takes_what_another_one_takes(written, read):
    writer = record(*((name, "int") for name in written))
    fit = fitted(record(*({"name": name, "type": "int", "aliases": aliases} for name, aliases in read)), writer)
    taken = [name for part in fit["fields"] for name in (part["name"], *part["aliases"]) if name in written]
    assert len(taken) == len(set(taken))
    assert set(taken) >= set(written) & {name for name, _ in read}


@pytest.mark.parametrize("content", ["{", '"string"', json.dumps(record(("event_id", "string"))), json.dumps(record(("text", "bytes")))])
def test_a_reader_schema_that_gives_no_record_to_count_stops_the_start(tmp_path, content):
    (tmp_path / "reader.avsc").write_text(content)
    with pytest.raises(SchemaError, match=r"reader\.avsc"):
        reader_schema(str(tmp_path / "reader.avsc"))
