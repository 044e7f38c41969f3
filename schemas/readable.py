"""Whether textpulse can read what a schema writes: its fields by name, or through a reader schema (see docs/schemas.md)."""
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastavro.read import LOGICAL_READERS

from schemas.compatibility import breaks, kind_of_type, names_in, shown
from schemas.decode import OPTIONAL
from schemas.expansion import UnboundedError, most_bytes
from schemas.parse import SchemaError, parse_file
from schemas.records import FIELDS

STRINGS = frozenset({"string", "enum"})
TIMES = frozenset({"timestamp-millis", "timestamp-micros", "long", "string"})
REQUIRED = ("event_id", "text")
NULL = "null"


@dataclass(frozen=True, slots=True)
class Finding:
    """What textpulse meets in a field. broken: no record can be counted; else some cannot, or it is good to know."""

    field: str
    broken: bool
    why: str

    def __str__(self) -> str:
        return f"field {self.field}: {self.why}" if self.field else self.why


def findings(schema: Any, reader: Any = None) -> list[Finding]:
    """What textpulse meets in records that follow the parsed schema, read as the parsed schema `reader` where there is one."""
    try:
        most_bytes(schema)
    except UnboundedError as error:
        return [Finding("", True, f"{error}, and textpulse does not read such records")]
    if reader is not None:
        if found := breaks(schema, fitted(reader, schema)):
            return [Finding(each.where, True, f"{each.why} (reader schema {reader['name']})") for each in found]
        schema = reader
    if kind_of_type(schema) != "record":
        return [Finding("", True, f"textpulse reads records, and this is {shown(schema)}")]
    fields, names = {part["name"]: part["type"] for part in schema["fields"]}, names_in(schema)
    return [found for name in FIELDS for found in _of_field(name, _kinds(fields[name], names) if name in fields else None)]


def reader_schema(path: str) -> Any:
    """The parsed reader schema in a file. Raises SchemaError where it is none, or gives textpulse no record to count."""
    found = parse_file(Path(path))
    if broken := [finding for finding in findings(found) if finding.broken]:
        raise SchemaError(f"--reader-schema {path}: {broken[0]}")
    return found


def fitted(reader: Any, writer: Any) -> Any:
    """The record schema `reader` with no alias but those that stand for a field of `writer` which no other field takes.

    A schema on its way from one name to another holds both: the name counts then, and each field is read once.
    """
    if kind_of_type(reader) != "record" or kind_of_type(writer) != "record":
        return reader
    written = [part["name"] for part in writer["fields"]]
    own = {part["name"] for part in reader["fields"]}
    taken = {name for name in written if name in own}
    parts = []
    for part in reader["fields"]:
        alias = next((name for name in part.get("aliases", ()) if name in written and name not in taken), None)
        used = [alias] if alias is not None and part["name"] not in written else []
        taken.update(used)
        parts.append({**part, "aliases": used})
    return {**reader, "fields": parts}


def _of_field(name: str, kinds: list[str] | None) -> Iterator[Finding]:
    good = TIMES if name == "event_time" else STRINGS
    if kinds is None:
        if name in REQUIRED:
            yield Finding(name, True, "is missing, every record is a dead letter")
        elif name not in OPTIONAL:
            yield Finding(name, False, "is missing, the time at which Kafka got the record counts")
        return
    bad = [kind for kind in kinds if kind not in good and (kind != NULL or name in REQUIRED)]
    if bad:
        whole = len(bad) == len(kinds)
        becomes = "every record is a dead letter" if whole else "such records are dead letters"
        yield Finding(name, whole, f"{' and '.join(bad)} cannot be used, {becomes} (expected {_expected(name)})")
    if name == "event_time" and "long" in kinds:
        yield Finding(name, False, "long counts as milliseconds since 1970; timestamp-millis or timestamp-micros say so themselves")


def _expected(name: str) -> str:
    return "timestamp-millis, timestamp-micros, milliseconds or ISO 8601" if name == "event_time" else "string or enum"


def _kinds(schema: Any, names: dict[str, Any]) -> list[str]:
    """The kinds of a field's values, logical types under their own name."""
    if isinstance(schema, list):
        return [kind for branch in schema for kind in _kinds(branch, names)]
    if isinstance(schema, str):
        schema = names.get(schema, {"type": schema})
    logical, kind = schema.get("logicalType"), kind_of_type(schema)
    return [logical if f"{kind}-{logical}" in LOGICAL_READERS else kind]
