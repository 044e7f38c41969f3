"""Whether what one schema wrote can be read as another: Avro's schema resolution, decided from the two schemas alone.

Source: Apache Avro 1.11 specification, "Schema Resolution" and "Aliases". Of a reader's union the first branch that fits is taken, as
fastavro does, which reads the records.
"""
import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

PROMOTED = {"int": {"long", "float", "double"}, "long": {"float", "double"}, "float": {"double"}, "string": {"bytes"}, "bytes": {"string"}}
INNER = {"array": "items", "map": "values"}
NAMED = ("record", "error", "enum", "fixed")


class Kind(enum.StrEnum):
    """What can break."""

    MISSING = "missing"     # readers need a field that is not written, and have no default for it
    TYPE = "type"
    NAME = "name"
    SIZE = "size"
    SYMBOL = "symbol"


@dataclass(frozen=True, slots=True)
class Break:
    """One reason why records cannot be read. where: the field, with dots between names, [] for items, {} for values; empty: all of it."""

    where: str
    kind: Kind
    why: str

    def __str__(self) -> str:
        return f"field {self.where}: {self.why}" if self.where else self.why


def breaks(writer: Any, reader: Any) -> list[Break]:
    """Why some record that follows the parsed schema `writer` cannot be read as `reader`; empty: all of them can."""
    return _Comparison(names_in(writer), names_in(reader)).compare(writer, reader, "")


def names_in(schema: Any) -> dict[str, Any]:
    """Full name -> definition, of the named types in a parsed schema."""
    found: dict[str, Any] = dict(schema.get("__named_schemas") or {}) if isinstance(schema, dict) else {}
    waiting = [schema]
    while waiting:
        node = waiting.pop()
        if isinstance(node, list):
            waiting += node
        elif isinstance(node, dict):
            if node.get("type") in NAMED:
                found[node["name"]] = node
            waiting += [part["type"] for part in node.get("fields", ())]
            waiting += [node[key] for key in INNER.values() if key in node]
    return found


def kind_of_type(schema: Any) -> str:
    """record, long, map, union, ... or the name of a type that is defined elsewhere."""
    if isinstance(schema, list):
        return "union"
    kind: str = schema["type"] if isinstance(schema, dict) else schema
    return kind


def shown(schema: Any) -> str:
    """A schema in a few words."""
    kind = kind_of_type(schema)
    if kind == "union":
        return " or ".join(map(shown, schema)) or "an empty union"
    if kind in NAMED:
        return f"{kind} {schema['name']}"
    if kind in INNER:
        return f"{kind} of {shown(schema[INNER[kind]])}"
    return kind


@dataclass
class _Comparison:
    written: Mapping[str, Any]
    read: Mapping[str, Any]
    seen: set[tuple[str, str]] = field(default_factory=set)   # pairs of records: a type may hold itself

    def compare(self, writer: Any, reader: Any, where: str) -> list[Break]:
        writer, reader = _defined(writer, self.written), _defined(reader, self.read)
        if isinstance(writer, list):
            return [found for branch in writer for found in self.compare(branch, reader, where)]
        fitting = next((branch for branch in reader if self.fits(writer, branch)), None) if isinstance(reader, list) else reader
        kind, other = kind_of_type(writer), None if fitting is None else kind_of_type(_defined(fitting, self.read))
        if fitting is None or (kind != other and other not in PROMOTED.get(kind, ())):
            return [Break(where, Kind.TYPE, f"{shown(writer)} cannot be read as {shown(reader)}")]
        if fitting is not reader:
            return self.compare(writer, fitting, where)
        if kind in INNER:
            return self.compare(writer[INNER[kind]], reader[INNER[kind]], where + ("[]" if kind == "array" else "{}"))
        return self.compare_named(kind, writer, reader, where) if kind in NAMED else []

    def compare_named(self, kind: str, writer: Any, reader: Any, where: str) -> list[Break]:
        if not _same_name(writer, reader):
            return [Break(where, Kind.NAME, f"{kind} {writer['name']} cannot be read as {reader['name']}, which has no such alias")]
        if kind == "fixed" and writer["size"] != reader["size"]:
            return [Break(where, Kind.SIZE, f"{writer['size']} bytes cannot be read as {reader['size']}")]
        if kind == "enum" and not reader.get("default"):
            unknown = [symbol for symbol in writer["symbols"] if symbol not in reader["symbols"]]
            return [Break(where, Kind.SYMBOL, f"symbol {', '.join(unknown)} is not among the reader's {', '.join(reader['symbols'])}, "
                                              "which has no default")] if unknown else []
        return self.compare_fields(writer, reader, where) if kind in ("record", "error") else []

    def compare_fields(self, writer: Any, reader: Any, where: str) -> list[Break]:
        pair = writer["name"], reader["name"]
        if pair in self.seen:
            return []
        self.seen.add(pair)
        found, unread = [], {part["name"]: part for part in reader["fields"]}
        for own in writer["fields"]:
            part = reader_field(own["name"], reader)
            if part is None:
                continue
            unread.pop(part["name"], None)
            found += self.compare(own["type"], part["type"], _inside(where, own["name"]))
        missing = [name for name, part in unread.items() if "default" not in part]
        return found + [Break(_inside(where, name), Kind.MISSING, "is not written, and readers have no default for it") for name in missing]

    def fits(self, writer: Any, reader: Any) -> bool:
        """Whether the reader's branch is the one for it: by kind and name, not by what is inside of a record."""
        writer, reader = _defined(writer, self.written), _defined(reader, self.read)
        if isinstance(writer, list) or isinstance(reader, list):
            return True
        kind, other = kind_of_type(writer), kind_of_type(reader)
        if kind != other:
            return other in PROMOTED.get(kind, ())
        if kind in INNER:
            return self.fits(writer[INNER[kind]], reader[INNER[kind]])
        return kind not in NAMED or (_same_name(writer, reader) and writer.get("size") == reader.get("size"))


def reader_field(name: str, reader: Any) -> Any | None:
    """The field of the record `reader` that takes what is written under a name: the one of that name, else the last with that alias."""
    for part in reader["fields"]:
        if part["name"] == name:
            return part
    return next((part for part in reversed(reader["fields"]) if name in part.get("aliases", ())), None)


def _defined(schema: Any, names: Mapping[str, Any]) -> Any:
    """What a name stands for."""
    if isinstance(schema, dict) and isinstance(schema["type"], dict | list):
        return _defined(schema["type"], names)
    return names.get(schema, schema) if isinstance(schema, str) else schema


def _same_name(writer: Any, reader: Any) -> bool:
    """As the specification has it: names without their namespace are equal, or the reader has the writer's as an alias."""
    short = writer["name"].rpartition(".")[2]
    aliases = reader.get("aliases", ())
    return short == reader["name"].rpartition(".")[2] or writer["name"] in aliases or short in aliases


def _inside(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name
