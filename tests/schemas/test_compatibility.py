"""What breaks when a schema changes is what fastavro cannot read: for any two schemas, and for each rule by name."""
import io
import itertools
import struct

import fastavro
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from schemas.compatibility import Kind, breaks, names_in, reader_field

PRIMITIVES = {
    "null": (b"", None), "boolean": (b"\1", True), "int": (b"\2", 1), "long": (b"\4", 2), "float": (struct.pack("<f", 1), 1.0),
    "double": (struct.pack("<d", 1), 1.0), "bytes": (b"\2x", "x"), "string": (b"\2y", "y")}   # on the wire, and as a default
NAMES = {"record": ["R0", "R1"], "enum": ["E0", "E1"], "fixed": ["F0", "F1"]}


@st.composite
def schemas(draw):
    return draw_schema(draw, {kind: list(names) for kind, names in NAMES.items()}, 0, True)


def draw_schema(draw, free, depth, union):
    kinds = [*PRIMITIVES, *(kind for kind, names in free.items() if names and (kind != "record" or depth < 3))]
    if depth < 3:
        kinds += ["array", "map", "record", *(["union"] * 3 if union else [])]
    kind = draw(st.sampled_from(kinds)) if depth else "record"
    if kind == "union":
        return distinct([draw_schema(draw, free, depth + 1, False) for _ in range(draw(st.integers(1, 3)))])
    if kind in ("array", "map"):
        return {"type": kind, "items" if kind == "array" else "values": draw_schema(draw, free, depth + 1, True)}
    if kind in PRIMITIVES or not free[kind]:
        return kind if kind in PRIMITIVES else "int"
    name = draw(st.sampled_from(free[kind]))
    free[kind].remove(name)
    made = {"type": kind, "name": name}
    if draw(st.integers(0, 3)) == 0:
        made["aliases"] = [draw(st.sampled_from(NAMES[kind]))]
    if kind == "fixed":
        return made | {"size": draw(st.integers(1, 2))}
    if kind == "enum":
        symbols = draw(st.lists(st.sampled_from("ABC"), min_size=1, unique=True))
        return made | {"symbols": symbols} | ({"default": symbols[0]} if draw(st.booleans()) else {})
    return made | {"fields": [draw_field(draw, free, depth, field) for field in draw(st.lists(st.sampled_from("abc"), unique=True))]}


def draw_field(draw, free, depth, name):
    made = {"name": name, "type": draw_schema(draw, free, depth + 1, True)}
    if draw(st.booleans()):
        made["default"] = default_of(made["type"])
    if draw(st.integers(0, 2)) == 0:
        made["aliases"] = [draw(st.sampled_from("abcd"))]
    return made


def distinct(branches):
    return list({branch if isinstance(branch, str) else branch.get("name", branch["type"]): branch for branch in branches}.values())


@st.composite
def changes(draw):
    """A schema, and the same with a few changes anywhere in it."""
    schema = draw(schemas())
    return schema, {**schema, "fields": change_fields(draw, schema["fields"])}


def change(draw, schema):
    if draw(st.integers(0, 9)) == 0:
        return draw(st.sampled_from(list(PRIMITIVES)))
    if isinstance(schema, list):
        branches = draw(st.permutations(schema))
        return distinct([change(draw, branch) for branch in branches[len(schema) > 1 and draw(st.integers(0, 4)) == 0:]])
    if isinstance(schema, str):
        return schema
    made = dict(schema)
    for inner in ("items", "values"):
        if inner in schema:
            made[inner] = change(draw, schema[inner])
    if schema["type"] == "enum" and len(schema["symbols"]) > 1 and draw(st.booleans()):
        made["symbols"] = schema["symbols"][:-1]
    if "fields" in schema:
        made["fields"] = change_fields(draw, schema["fields"])
    return made


def change_fields(draw, fields):
    made = []
    for field in fields:
        what = draw(st.integers(0, 7))
        kind = change(draw, field["type"])
        name = {"name": "d", "aliases": [field["name"]]} if what == 0 and all(part["name"] != "d" for part in made) else {}
        made += [] if what == 1 else [field | {"type": kind} | ({"default": default_of(kind)} if "default" in field else {}) | name]
    if draw(st.integers(0, 2)) == 0:
        made.append({"name": "e", "type": "int"} | ({"default": 0} if draw(st.booleans()) else {}))
    return draw(st.permutations(made))


def default_of(schema):
    if isinstance(schema, list):
        return default_of(schema[0])
    if isinstance(schema, str):
        return PRIMITIVES[schema][1]
    fields = {field["name"]: default_of(field["type"]) for field in schema.get("fields", ())}
    return {"array": [], "map": {}, "record": fields, "enum": schema.get("symbols", [0])[0], "fixed": "x" * schema.get("size", 0)}[
        schema["type"]]


def bodies(schema):
    """Records on the wire that have every branch of every union and every symbol at least once."""
    if isinstance(schema, list):
        return [bytes([2 * at]) + body for at, branch in enumerate(schema) for body in bodies(branch)]
    if isinstance(schema, str):
        return [PRIMITIVES[schema][0]]
    kind = schema["type"]
    if kind == "fixed":
        return [b"z" * schema["size"]]
    if kind == "enum":
        return [bytes([2 * at]) for at in range(len(schema["symbols"]))]
    if kind == "array":
        return [b"\2" + body + b"\0" for body in bodies(schema["items"])]
    if kind == "map":
        return [b"\2\2k" + body + b"\0" for body in bodies(schema["values"])]
    parts = [bodies(field["type"]) for field in schema["fields"]]
    longest = max((len(part) for part in parts), default=1)
    return [b"".join(row) for row in itertools.islice(zip(*map(itertools.cycle, parts), strict=False), longest)] or [b""]


def readable(body, writer, reader):
    file = io.BytesIO(body)
    try:
        fastavro.schemaless_reader(file, writer, reader)
    except (fastavro.read.SchemaResolutionError, KeyError, TypeError, ValueError, EOFError, IndexError, AttributeError):
        return False
    return file.tell() == len(body)


def taken_once(writer, reader):
    """No field of a reader is meant by two that are written: the specification does not say which one counts."""
    records = [[node for node in names_in(schema).values() if node["type"] == "record"] for schema in (writer, reader)]
    for ours, theirs in itertools.product(*records):
        taken = [part["name"] for field in ours["fields"] if (part := reader_field(field["name"], theirs))]
        if len(taken) != len(set(taken)):
            return False
    return True


def parse(schema):
    return fastavro.parse_schema(schema)


pairs = changes() | st.tuples(schemas(), schemas()).map(lambda pair: (pair[0], {**pair[1], "name": pair[0]["name"]}))


@settings(max_examples=1_500)
@given(pairs)
def test_nothing_breaks_if_and_only_if_every_record_can_be_read(pair):
    writer, reader = pair
    try:
        writer, reader = parse(writer), parse(reader)
    except fastavro.schema.SchemaParseException:
        assume(False)
    assume(taken_once(writer, reader))
    assert (not breaks(writer, reader)) == all(readable(body, writer, reader) for body in bodies(writer))


@given(schemas())
def test_every_schema_reads_what_it_wrote(schema):
    assume(taken_once(parse(schema), parse(schema)))
    assert breaks(parse(schema), parse(schema)) == []
    assert all(readable(body, parse(schema), None) for body in bodies(schema))


def record(*fields, name="E", **more):
    return {"type": "record", "name": name, "fields": [{"name": field, "type": kind} for field, kind in fields], **more}


ENUM = {"type": "enum", "name": "K", "symbols": ["A", "B", "C"]}


@pytest.mark.parametrize(("writer", "reader", "kind", "said"), [
    (record(("a", "int")), record(("a", "int"), ("b", "int")), Kind.MISSING, "field b: is not written"),
    (record(("a", "long")), record(("a", "int")), Kind.TYPE, "field a: long cannot be read as int"),
    (record(("a", ["int", "string"])), record(("a", "double")), Kind.TYPE, "field a: string cannot be read as double"),
    (record(("a", "int")), record(("a", ["null", "string"])), Kind.TYPE, "field a: int cannot be read as null or string"),
    (record(("a", {"type": "array", "items": record(("x", "int"), name="I")})),
     record(("a", {"type": "array", "items": record(("x", "boolean"), name="I")})), Kind.TYPE, "field a[].x: int cannot be"),
    (record(("a", {"type": "map", "values": "int"})), record(("a", {"type": "map", "values": "bytes"})), Kind.TYPE, "field a{}: int"),
    (record(("a", ENUM)), record(("a", ENUM | {"symbols": ["A"]})), Kind.SYMBOL, "field a: symbol B, C is not among the reader's A"),
    (record(("a", {"type": "fixed", "name": "F", "size": 2})), record(("a", {"type": "fixed", "name": "F", "size": 3})), Kind.SIZE,
     "field a: 2 bytes cannot be read as 3"),
    (record(name="n.One"), record(name="n.Two"), Kind.NAME, "record n.One cannot be read as n.Two")], ids=str)
def test_each_break_is_named_with_its_field(writer, reader, kind, said):
    found = breaks(parse(writer), parse(reader))
    assert [(each.kind, str(each).startswith(said)) for each in found] == [(kind, True)]


@pytest.mark.parametrize(("writer", "reader"), [
    (record(("a", ENUM)), record(("a", ENUM | {"symbols": ["A"], "default": "A"}))), (record(name="x.E"), record(name="y.E")),
    (record(name="One"), record(name="Two", aliases=["One"]))], ids=str)
def test_what_the_specification_allows_does_not_break(writer, reader):
    assert breaks(parse(writer), parse(reader)) == []


def test_a_type_that_holds_itself_is_compared_once():
    def tree(leaf):
        return parse(record(("leaf", leaf), ("kids", {"type": "array", "items": "T"}), name="T"))

    assert breaks(tree("int"), tree("long")) == []
    assert [str(each) for each in breaks(tree("long"), tree("int"))] == ["field leaf: long cannot be read as int"]
