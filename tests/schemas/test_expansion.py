"""A schema says before anything is read by it how much a byte may become, and one that bounds nothing is not read by."""
import io
import json

import fastavro
import pytest

from schemas.avro import CORRUPT, NAMES, AvroDecoder, schema
from schemas.expansion import MAX_NODES, ROOM_BYTES, UnboundedError, most_bytes
from schemas.records import Reason


def record(*types, name="R"):
    return {"type": "record", "name": name, "fields": [{"name": f"f{at}", "type": kind} for at, kind in enumerate(types)]}


def array(items):
    return {"type": "array", "items": items}


NODE = {"type": "record", "name": "Node", "fields": [{"name": "more", "type": ["null", "Node"]}]}
UNBOUNDED = {
    "holds itself": [NODE, record(NODE), {"type": "record", "name": "L", "fields": [{"name": "l", "type": "L"}]}, record(array(NODE))],
    "without a byte": [record(array("null")), record(array(record(name="E"))), record(array(record("null", "null", name="N")))],
    f"more than {MAX_NODES}": [record(*["null"] * (MAX_NODES + 1))],
}


@pytest.mark.parametrize(("why", "found"), [(why, found) for why, all_found in UNBOUNDED.items() for found in all_found])
def test_a_schema_that_bounds_nothing_is_refused_with_the_reason(why, found):
    for form in (found, fastavro.parse_schema(found)):
        with pytest.raises(UnboundedError, match=why):
            most_bytes(form)


@pytest.mark.parametrize("name", NAMES)
def test_our_own_schemas_leave_room_for_megabytes(name):
    assert most_bytes(schema(name)) > 2 << 20


def test_a_flat_schema_leaves_more_room_than_any_record_has():
    assert most_bytes(fastavro.parse_schema(record("string", "long", ["null", "string"]))) >= 64 << 20


@pytest.mark.parametrize("items", [
    "boolean", "double", "string", array("boolean"), record("boolean", name="S"), {"type": "map", "values": "null"},
    record(*["null"] * 50, "boolean", name="W"), ["null", record(record("null", name="K"), name="J")],
    {"type": "long", "logicalType": "timestamp-micros"}, {"type": "fixed", "name": "F", "size": 1},
], ids=str)  # fmt: skip
def test_the_smallest_items_take_about_the_room_and_not_twice_as_much(items):
    import tracemalloc

    found = fastavro.parse_schema(record(array(items)))
    smallest = min((b"\0", b"\1", b"\2", b"1234abcd", b"\2ab"), key=lambda body: (not whole(items, body), len(body)))
    count = most_bytes(found) // len(smallest) // 64   # of the room a 64th
    tracemalloc.start()
    fastavro.schemaless_reader(io.BytesIO(zigzag(count) + smallest * count + b"\0"), found, None)
    assert tracemalloc.get_traced_memory()[1] < 2 * ROOM_BYTES / 64
    tracemalloc.stop()


def whole(items, body):
    """Whether these bytes are one value."""
    data = io.BytesIO(body)
    try:
        fastavro.schemaless_reader(data, fastavro.parse_schema(record(items, name="One")), None)
    except CORRUPT:
        return False
    return data.tell() == len(body)


def zigzag(value):
    data = io.BytesIO()
    fastavro.schemaless_writer(data, "long", value)
    return data.getvalue()


@pytest.mark.parametrize("found", [NODE, record(array("null"))])
def test_a_record_of_an_unbounded_schema_is_a_letter_and_no_end_of_the_process(tmp_path, found):
    (tmp_path / "7.avsc").write_text(json.dumps(found))
    decoder = AvroDecoder(tmp_path)
    for body in (b"\2" * 1_000_000 + b"\0", zigzag(1 << 60)):
        said = decoder.decode(b"\0\0\0\0\7" + body, None)
        assert said.reason is Reason.UNKNOWN_SCHEMA
        assert "7" in said.detail


def test_a_record_that_would_become_too_much_is_too_long(tmp_path):
    (tmp_path / "7.avsc").write_text(json.dumps(record(array(record("boolean", name="S")))))
    body = zigzag(10_000_000) + b"\1" * 10_000_000 + b"\0"
    assert AvroDecoder(tmp_path).decode(b"\0\0\0\0\7" + body, None).reason is Reason.TOO_LONG
