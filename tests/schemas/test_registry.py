"""A registry over HTTP: a schema is asked for once, an unknown one is told from a registry that does not answer."""
import io
import json
import pickle
import threading
import time

import fastavro
import pytest

from schemas import registry_http
from schemas.avro import AvroDecoder, AvroSettings, encode_wire, schema_text
from schemas.decode import SchemaUnavailable
from schemas.parse import SchemaError
from schemas.records import Reason, Rejected, TextEvent
from schemas.registry import LARGEST_ID, MISSES_AT_ONCE, MISSING_S, MOST_DEPTH, Registry
from schemas.registry_http import RegistryProblem, RegistrySettings

EVENT = TextEvent("a1", 5, "hello")


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def quick(monkeypatch):
    """Waits shorter."""
    monkeypatch.setattr(registry_http, "ANSWER_WITHIN_S", 0.3)
    monkeypatch.setattr(registry_http, "PAUSE_S", 0.001)


def client(registry, clock=time.monotonic):
    return Registry(RegistrySettings(registry.url), clock, {})


def ids_asked(registry):
    return [int(path.rsplit("/", 1)[1]) for path in registry.asked if path.startswith("/schemas/ids/")]


def test_records_are_read_by_what_the_registry_holds_which_is_asked_once_a_schema(registry):
    registry.add(7, schema_text("TextEvent"))
    registry.add(8, schema_text("TextEvent"), schemaType="AVRO")
    decoder = pickle.loads(pickle.dumps(AvroDecoder(AvroSettings(registry.url))))
    for _ in range(5):
        assert decoder.decode(encode_wire(EVENT, 7), None) == EVENT
        assert decoder.decode(encode_wire(EVENT, 8), None) == EVENT
    assert ids_asked(registry) == [7, 8]


def test_an_unknown_id_is_a_dead_letter_and_is_asked_again_after_a_moment_alone(registry):
    clock = Clock()
    schemas = client(registry, clock)
    for _ in range(10):
        with pytest.raises(SchemaError, match="does not know it"):
            schemas.get(9)
    registry.add(9, schema_text("TextEvent"))
    clock.now = MISSING_S + 0.1
    assert schemas.get(9)["name"] == "textpulse.TextEvent"
    assert ids_asked(registry) == [9, 9]


def test_ids_that_no_registry_can_have_are_not_asked_for(registry):
    decoder = AvroDecoder(AvroSettings(registry.url))
    for schema_id in (LARGEST_ID + 1, 2**32 - 1):
        rejected = decoder.decode(encode_wire(EVENT, schema_id), None)
        assert (rejected.reason, str(schema_id) in rejected.detail) == (Reason.UNKNOWN_SCHEMA, True)
    assert ids_asked(registry) == []


def test_hostile_ids_are_asked_for_at_a_bounded_pace_and_one_poll_of_them_gets_through(registry):
    clock, most = Clock(), int(MISSES_AT_ONCE)
    schemas, poll = client(registry, clock), range(1, 3 * most)
    registry.add(5 * most, schema_text("TextEvent"))

    def get_all():
        for schema_id in poll:
            with pytest.raises(SchemaError):
                schemas.get(schema_id)

    with pytest.raises(SchemaUnavailable, match="schema ids a second"):
        get_all()
    assert len(ids_asked(registry)) == most
    for _ in range(100):
        clock.now += 0.5
        try:
            get_all()
            break
        except SchemaUnavailable:
            continue
    assert len(ids_asked(registry)) == len(set(ids_asked(registry))) == len(poll)
    assert len(ids_asked(registry)) <= most + 200 * clock.now
    clock.now += MISSING_S
    schemas.get(5 * most)


@pytest.mark.parametrize("kind", ["JSON", "PROTOBUF", 7])
def test_a_schema_of_another_kind_is_an_unknown_schema_that_names_it(registry, kind):
    registry.add(3, "{}", schemaType=kind)
    decoder = AvroDecoder(AvroSettings(registry.url))
    for _ in range(3):
        rejected = decoder.decode(encode_wire(EVENT, 3), None)
        assert (rejected.reason, str(kind) in rejected.detail, "schema id 3" in rejected.detail) == (Reason.UNKNOWN_SCHEMA, True, True)
    assert ids_asked(registry) == [3]


@pytest.mark.parametrize("text", ["{", "[]x", '{"type": "record"}', '"nothing"', "7", "[" * 100_000])
def test_a_schema_that_is_none_is_an_unknown_schema(registry, text):
    registry.add(3, text)
    assert AvroDecoder(AvroSettings(registry.url)).decode(encode_wire(EVENT, 3), None).reason is Reason.UNKNOWN_SCHEMA


def reference(subject, version=1):
    return {"name": f"n.{subject}", "subject": subject, "version": version}


def record(name, *fields):
    return {"type": "record", "name": name, "namespace": "n", "fields": [{"name": field, "type": kind} for field, kind in fields]}


def test_what_a_schema_refers_to_is_asked_for_too_each_once(registry):
    registry.add(1, record("City", ("name", "string")), "city")
    registry.add(2, record("Person", ("city", "n.City")), "a person/one", references=[reference("city")])
    event = record("Event", ("event_id", "string"), ("text", "string"), ("author", "n.Person"), ("where", "n.City"))
    registry.add(3, event, references=[reference("a person/one"), reference("city")])
    registry.versions["a%20person%2Fone/1"] = registry.versions.pop("a person/one/1")
    decoder = AvroDecoder(AvroSettings(registry.url))
    body = io.BytesIO()
    named = {}
    for part in (record("City", ("name", "string")), record("Person", ("city", "n.City"))):
        fastavro.parse_schema(part, named)
    row = {"event_id": "a", "text": "x", "author": {"city": {"name": "Bonn"}}, "where": {"name": "Köln"}}
    fastavro.schemaless_writer(body, fastavro.parse_schema(event, named), row)
    value = b"\0\0\0\0\3" + body.getvalue()
    assert decoder.decode(value, 5) == TextEvent("a", 5, "x")
    assert decoder.attributes(value)["where"] == '{"name":"Köln"}'
    assert len([path for path in registry.asked if path.startswith("/subjects/city/")]) == 1


def test_references_in_a_ring_or_without_end_are_an_unknown_schema(registry):
    registry.add(1, record("A", ("b", "n.B")), "a", references=[reference("b")])
    registry.add(2, record("B", ("a", "n.A")), "b", references=[reference("a")])
    for at in range(MOST_DEPTH + 2):
        registry.add(100 + at, record(f"C{at}", ("x", f"n.C{at + 1}")), f"c{at}", references=[reference(f"c{at + 1}")])
    registry.add(3, record("D", ("x", "n.E")), references=[reference("gone")])
    schemas = client(registry)
    for schema_id, said in ((1, "not an Avro schema"), (100, "deeper than"), (3, "no version 1 of subject 'gone'")):
        with pytest.raises(SchemaError, match=said):
            schemas.get(schema_id)


def status(code, body=b"{}", kind="application/json", **headers):
    return lambda handler: handler.reply(code, body, kind, **headers)


def cut(handler):
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"schema": "')
    handler.close_connection = True


def drip(handler):
    handler.send_response(200)
    handler.end_headers()
    for _ in range(100):
        handler.wfile.write(b" ")
        handler.wfile.flush()
        time.sleep(0.02)


def silent(handler):
    time.sleep(1.0)
    handler.close_connection = True


def hang_up(handler):
    handler.close_connection = True


HTML = b"<!DOCTYPE html><title>Sign in</title>"
FAULTS = {
    "500": status(500), "503": status(503, HTML, "text/html"), "429": status(429), "401": status(401), "403": status(403, HTML),
    "404 of a proxy": status(404, HTML, "text/html"), "404 of another path": status(404, b'{"error_code": 404, "message": "x"}'),
    "html": status(200, HTML, "text/html"), "huge": status(200, b" " * (5 << 20)), "no object": status(200, b"7"),
    "not its object": status(200, b'{"up": true}'), "deep": status(200, b"[" * 200_000), "gzip": status(200, b"\x1f\x8b\x08\0"),
    "redirect": status(302, Location="http://127.0.0.1:1/"), "cut off": cut, "slow": drip, "silent": silent, "hang up": hang_up,
    "418": status(418, b'{"error_code": 418}')}   # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_no_answer_is_no_verdict_on_a_record_and_stops_the_start(registry, quick, fault):
    registry.add(7, schema_text("TextEvent"))
    decoder = AvroDecoder(AvroSettings(registry.url))
    registry.fault = FAULTS[fault]
    for _ in range(2):
        with pytest.raises(SchemaUnavailable, match=f"schema id 7.*127.0.0.1:{registry.port}"):
            decoder.decode(encode_wire(EVENT, 7), None)
    with pytest.raises(RegistryProblem, match=f"127.0.0.1:{registry.port}"):
        AvroDecoder(AvroSettings(registry.url))
    registry.fault = None
    assert decoder.decode(encode_wire(EVENT, 7), None) == EVENT


@pytest.mark.parametrize(("fault", "said"), [("huge", "larger than 4 MB"), ("slow", "took longer"), ("silent", "no answer within")])
def test_an_answer_without_end_is_left(registry, quick, fault, said):
    schemas = client(registry)
    registry.fault = FAULTS[fault]
    with pytest.raises(RegistryProblem, match=said):
        schemas.check()


def test_a_registry_that_is_not_there_is_no_verdict_on_a_record(registry, quick):
    decoder = AvroDecoder(AvroSettings(registry.url))
    registry.close()
    with pytest.raises(SchemaUnavailable, match="refused"):
        decoder.decode(encode_wire(EVENT, 7), None)
    with pytest.raises(RegistryProblem, match="refused"):
        AvroDecoder(AvroSettings(registry.url))


def test_what_is_known_is_read_while_the_registry_is_down(registry, quick):
    registry.add(7, schema_text("TextEvent"))
    decoder = AvroDecoder(AvroSettings(registry.url))
    assert decoder.decode(encode_wire(EVENT, 7), None) == EVENT
    registry.fault = FAULTS["500"]
    assert decoder.decode(encode_wire(EVENT, 7), None) == EVENT


def test_a_registry_that_is_busy_for_a_moment_is_asked_again(registry, quick):
    registry.add(7, schema_text("TextEvent"))
    decoder = AvroDecoder(AvroSettings(registry.url))
    left = [status(503), hang_up]

    def fault(handler):
        left.pop()(handler)
        registry.fault = fault if left else None

    registry.fault = fault
    assert decoder.decode(encode_wire(EVENT, 7), None) == EVENT


def test_several_threads_may_ask(registry):
    registry.add(7, schema_text("TextEvent"))
    decoder, found = AvroDecoder(AvroSettings(registry.url)), []
    threads = [threading.Thread(target=lambda: found.append(decoder.decode(encode_wire(EVENT, 7), None))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [EVENT] * 8


def test_an_id_that_is_a_uuid_stays_as_it_was_written(registry):
    fields = [("event_id", {"type": "string", "logicalType": "uuid"}), ("text", ["null", "string"])]
    registry.add(7, json.dumps(record("Event", *fields)))
    body = io.BytesIO()
    fastavro.schemaless_writer(body, fastavro.parse_schema(record("E", ("event_id", "string"), ("text", ["null", "string"]))),
                               {"event_id": "0F8FAD5B-d9cb-469f-a165-70867728950e", "text": "x"})
    event = AvroDecoder(AvroSettings(registry.url)).decode(b"\0\0\0\0\7" + body.getvalue(), 5)
    assert not isinstance(event, Rejected)
    assert event.event_id == "0F8FAD5B-d9cb-469f-a165-70867728950e"
