"""Whatever a registry answers or holds as a schema, a record becomes an event, a dead letter or waits: no other exception is raised."""
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.avro import AvroDecoder, AvroSettings, encode_wire, schema_text
from schemas.compatibility import breaks
from schemas.decode import SchemaUnavailable
from schemas.parse import SchemaError, parsed
from schemas.readable import findings
from schemas.records import Reason, Rejected, TextEvent

KEYS = ("type", "name", "namespace", "fields", "items", "values", "symbols", "size", "default", "aliases", "logicalType", "doc")
KINDS = ("record", "enum", "fixed", "array", "map", "union", "null", "int", "long", "string", "bytes", "E", "n.E", "text", "event_id",
         "uuid", "timestamp-micros", "decimal", "error")
words = st.sampled_from(KINDS)
scalars = st.none() | st.booleans() | st.integers(-2, 70_000) | st.floats() | words | st.text(max_size=3)
shapes = st.recursive(
    words | scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5)
    | st.fixed_dictionaries({"type": st.just("record"), "name": words, "fields": st.lists(inner, max_size=3)}, optional={"aliases": inner})
    | st.fixed_dictionaries({"name": words, "type": inner}, optional={"default": inner, "aliases": inner})
    | st.fixed_dictionaries({"type": words, "name": words}, optional={"symbols": inner, "size": inner, "items": inner, "values": inner}),
    max_leaves=12)
events = st.fixed_dictionaries({"type": st.just("record"), "name": words, "fields": st.lists(
    st.fixed_dictionaries({"name": st.sampled_from(["event_id", "text", "event_time", "x"]), "type": shapes}, optional={"aliases": shapes}),
    max_size=4)}, optional={"aliases": shapes})
answers = st.dictionaries(st.sampled_from(["schema", "schemaType", "references", "error_code", "id"]), st.one_of(
    scalars, shapes.map(json.dumps), st.lists(shapes, max_size=2),
    st.lists(st.fixed_dictionaries({"subject": scalars, "version": scalars}), max_size=2))) | shapes
READER = schema_text("TextEvent").replace('"name": "event_id",', '"name": "event_id", "aliases": ["x"],')
OURS = parsed(READER, "ours")


@pytest.fixture(scope="module")
def decoder_of(tmp_path_factory):
    """decoder_of(schema text): one that reads number 7 by it, as our own schema."""
    folder = tmp_path_factory.mktemp("schemas")
    (folder / "reader.json").write_text(READER)

    def made(text):
        (folder / "7.avsc").unlink(missing_ok=True)   # a broken file would stop the start
        decoder = AvroDecoder(AvroSettings(str(folder), reader_schema=str(folder / "reader.json")))
        (folder / "7.avsc").write_text(text)
        return decoder

    return made


@settings(max_examples=2_000)
@given(shapes | events, st.binary(max_size=40))
def test_a_hostile_schema_is_read_by_or_refused(decoder_of, schema, body):
    decoder, value = decoder_of(json.dumps(schema)), b"\0\0\0\0\7" + body
    assert isinstance(decoder.decode(value, 5), TextEvent | Rejected)
    assert isinstance(decoder.attributes(value), dict)
    try:
        found = parsed(json.dumps(schema), "it")
    except SchemaError:
        return
    for pair in ((found, OURS), (OURS, found), (found, found)):
        assert isinstance(breaks(*pair), list)
    assert isinstance(findings(found, OURS) + findings(found), list)


@pytest.mark.parametrize("kind", ["E", ["null", "E"], {"type": "array", "items": "E"}, {"type": "map", "values": ["null", "E"]}], ids=str)
def test_a_record_nested_without_end_does_not_end_the_process(decoder_of, kind):
    """fastavro recurses in C."""
    schema = {"type": "record", "name": "E", "fields": [{"name": "text", "type": kind}]}
    rejected = decoder_of(json.dumps(schema)).decode(b"\0\0\0\0\7" + b"\2" * 1_000_000, 5)
    assert (rejected.reason, "holds itself" in rejected.detail) == (Reason.UNKNOWN_SCHEMA, True)
    assert [finding.broken for finding in findings(parsed(json.dumps(schema), "it"))] == [True]


@pytest.mark.parametrize("depth", [100, 900, 100_000])
def test_a_schema_nested_without_end_is_refused(depth):
    text = '{"type": "array", "items": ' * depth + '"int"' + "}" * depth
    if depth == 100:
        assert breaks(parsed(text, "it"), parsed(text, "it")) == []
        return
    with pytest.raises(SchemaError, match="it: not an Avro schema"):
        parsed(text, "it")


@settings(max_examples=400)
@given(answers, st.sampled_from([200, 404]))
def test_a_hostile_answer_is_a_verdict_or_a_wait(served, answer, status):
    served.answer = lambda path, _: (200, ["AVRO"]) if path == "/schemas/types" else (status, answer)
    decoder = AvroDecoder(AvroSettings(served.url))
    try:
        assert isinstance(decoder.decode(encode_wire(TextEvent("a", 5, "x"), 7), 5), TextEvent | Rejected)
    except SchemaUnavailable as problem:
        assert "schema id 7" in str(problem)


@pytest.fixture(scope="module")
def served(registry_class):
    made = registry_class()
    yield made
    made.close()
