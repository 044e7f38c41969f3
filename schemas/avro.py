"""Avro: our own schemas, the Confluent wire format with a folder as registry, and object container files.

Formats: Apache Avro 1.11 specification (binary encoding, object container files) and Confluent's wire format
(a byte 0, the schema id as 4 bytes big-endian, the body).
"""
import datetime as dt
import functools
import io
import json
import lzma
import struct
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO, Any

import fastavro
import msgspec
from fastavro.schema import SchemaParseException

from schemas.decode import MAX_TEXT_BYTES, check_size, from_mapping, kind_of, mapping_attributes, tombstone
from schemas.expansion import UnboundedError, most_bytes
from schemas.records import Reason, Rejected, TextEvent, time_of

NAMES = ("TextEvent", "TaggedEvent", "DeadLetter", "InsightCell")
PREFIX_BYTES = 5

CORRUPT = (
    EOFError, ValueError, TypeError, KeyError, IndexError, AttributeError, AssertionError, StopIteration,
    OverflowError, MemoryError, RecursionError, struct.error, zlib.error, lzma.LZMAError, OSError, SchemaParseException,
    fastavro.read.SchemaResolutionError,
)  # fmt: skip
"""What fastavro raises on bytes that do not fit their schema: it promises no common class."""

_TIMES = {
    "TextEvent": {"time_us": "event_time"},
    "DeadLetter": {"window_us": "window_start", "first_seen_us": "first_seen"},
}


class SchemaError(Exception):
    """The schema folder or a file in it cannot be used."""


@functools.cache
def schema(name: str) -> dict[str, Any]:
    """Our parsed schema of that name, one of NAMES."""
    parsed: dict[str, Any] = fastavro.parse_schema(json.loads(schema_text(name)))
    return parsed


def schema_text(name: str) -> str:
    """The .avsc file of that name as it stands, to put into a registry. Raises SchemaError for another name."""
    if name not in NAMES:
        raise SchemaError(f"no schema {name!r}; there are {', '.join(NAMES)}")
    return (Path(__file__).parent / f"{name}.avsc").read_text(encoding="utf-8")


def as_row(record: msgspec.Struct | Mapping[str, Any]) -> dict[str, Any]:
    """A record as the values of its schema: microsecond fields become UTC datetimes under their schema's name."""
    if isinstance(record, Mapping):
        return dict(record)
    row: dict[str, Any] = msgspec.to_builtins(record, builtin_types=(dt.datetime,))
    for field, name in _TIMES.get(type(record).__name__, {}).items():
        time_us = row.pop(field)
        row[name] = None if time_us is None else time_of(time_us)
    return row


def encode_wire(record: msgspec.Struct | Mapping[str, Any], schema_id: int, name: str = "") -> bytes:
    """The record in the Confluent wire format. name: its schema, needed for a mapping only.

    Raises ValueError or TypeError when a value does not fit the schema.
    """
    body = io.BytesIO()
    body.write(struct.pack(">bI", 0, schema_id))
    fastavro.schemaless_writer(body, schema(name or type(record).__name__), as_row(record))
    return body.getvalue()


def write_container(
    file: IO[bytes], name: str, records: Iterable[msgspec.Struct | Mapping[str, Any]], codec: str = "deflate"
) -> None:
    """Writes the records as one object container file with our schema of that name."""
    fastavro.writer(file, schema(name), map(as_row, records), codec=codec)


class SchemaFolder:
    """A folder as schema registry: <id>.avsc holds the schema with that id. Files may come while it is in use."""

    def __init__(self, folder: str | Path) -> None:
        """Parses what is there. Raises SchemaError for a missing folder or a file that is no Avro schema."""
        self.folder = Path(folder)
        if not self.folder.is_dir():
            raise SchemaError(f"{folder}: no such schema folder; it holds one <id>.avsc a schema, such as 1.avsc")
        self._parsed: dict[int, Any] = {}
        for path in self.folder.glob("*.avsc"):
            if path.stem.isascii() and path.stem.isdigit():
                self._parsed[int(path.stem)] = _parse_file(path)

    def get(self, schema_id: int) -> Any | None:
        """The parsed schema, or None when the folder does not hold it. Raises SchemaError for a broken new file."""
        found = self._parsed.get(schema_id)
        if found is None and (path := self.folder / f"{schema_id}.avsc").is_file():
            found = self._parsed[schema_id] = _parse_file(path)
        return found


class AvroDecoder:
    """One Avro record in the Confluent wire format a log record; the writer's schema is looked up in a folder."""

    def __init__(self, folder: str | Path, max_text_bytes: int = MAX_TEXT_BYTES) -> None:
        """Raises SchemaError when the folder cannot be used."""
        self.schemas = SchemaFolder(folder)
        self.max_text_bytes = max_text_bytes

    def __reduce__(self) -> tuple[type["AvroDecoder"], tuple[Path, int]]:
        """Pickled as its two settings: a worker parses the folder itself."""
        return AvroDecoder, (self.schemas.folder, self.max_text_bytes)

    def decode(self, value: bytes | None, log_time_us: int | None) -> TextEvent | Rejected:
        """The event, or why it is none."""
        if value is None:
            return tombstone()
        row = self._row(value)
        return row if isinstance(row, Rejected) else from_mapping(row, log_time_us, self.max_text_bytes)

    def attributes(self, value: bytes) -> dict[str, str]:
        """The fields of an accepted record that textpulse does not know."""
        row = self._row(value)
        return {} if isinstance(row, Rejected) else mapping_attributes(row)

    def _row(self, value: bytes) -> dict[str, Any] | Rejected:
        if too_long := check_size(len(value)):
            return too_long
        if len(value) < PREFIX_BYTES or value[0] != 0:
            start = value[:PREFIX_BYTES].hex(" ") or "nothing"
            return Rejected(Reason.MALFORMED, f"expected byte 0 and a 4-byte schema id before the body, got {start}")
        schema_id = int.from_bytes(value[1:PREFIX_BYTES], "big")
        try:
            found = self.schemas.get(schema_id)
        except SchemaError as error:
            return Rejected(Reason.UNKNOWN_SCHEMA, f"schema id {schema_id}: {error}")
        if found is None:
            return Rejected(Reason.UNKNOWN_SCHEMA, f"schema id {schema_id}: no file {schema_id}.avsc in the folder")
        return _read_body(value, found, schema_id)


def _read_body(value: bytes, found: Any, schema_id: int) -> dict[str, Any] | Rejected:
    if refused := _refused(value, found, schema_id):
        return refused
    body = io.BytesIO(value)
    body.seek(PREFIX_BYTES)
    try:
        # Escaped surrogates instead of an error, so that the rules can name the field.
        row = fastavro.schemaless_reader(body, found, None, handle_unicode_errors="surrogateescape")
    except OverflowError as error:
        return Rejected(Reason.WRONG_TYPE, f"event_time: a timestamp outside the years 1 to 9999 ({error})")
    except CORRUPT as error:
        said = f"{type(error).__name__}: {error}"[:120]
        return Rejected(Reason.MALFORMED, f"body cut short or not of schema id {schema_id} ({said})")
    if left := len(value) - body.tell():
        return Rejected(Reason.MALFORMED, f"{left} bytes too many after the body of schema id {schema_id}")
    if not isinstance(row, dict):
        return Rejected(Reason.MALFORMED, f"expected an Avro record, got {kind_of(row)}")
    return row


def _refused(value: bytes, found: Any, schema_id: int) -> Rejected | None:
    try:
        most = most_bytes(found)
    except UnboundedError as error:
        return Rejected(Reason.UNKNOWN_SCHEMA, f"schema id {schema_id}: {error}")
    if len(value) <= most:
        return None
    return Rejected(Reason.TOO_LONG, f"a record of {len(value)} bytes, more than the {most} allowed of schema id {schema_id}")


def _parse_file(path: Path) -> Any:
    try:
        return fastavro.parse_schema(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, KeyError, SchemaParseException, fastavro.schema.UnknownType) as error:
        raise SchemaError(f"{path}: not an Avro schema: {error}") from error
