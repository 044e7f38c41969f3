"""Avro: our own schemas, the Confluent wire format with a folder or a registry of schemas, and object container files.

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
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

import fastavro
import msgspec
from fastavro.schema import SchemaParseException

from schemas.compatibility import breaks
from schemas.decode import MAX_TEXT_BYTES, check_size, from_mapping, kind_of, mapping_attributes, tombstone
from schemas.expansion import UnboundedError, most_bytes
from schemas.parse import SchemaError, parse_file
from schemas.readable import fitted, reader_schema
from schemas.records import FIELDS, Reason, Rejected, TextEvent, time_of
from schemas.registry import Registry
from schemas.registry_http import RegistrySettings, is_address

NAMES = ("TextEvent", "TaggedEvent", "DeadLetter", "InsightCell")
PREFIX_BYTES = 5
DETAIL = 300   # characters

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


@functools.cache
def schema(name: str) -> dict[str, Any]:
    """Our parsed schema of that name, one of NAMES."""
    ours: dict[str, Any] = fastavro.parse_schema(json.loads(schema_text(name)))
    return ours


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


@dataclass(frozen=True, slots=True)
class AvroSettings:
    """Where schemas come from: a folder, or the address of a registry and who asks it. No secret is in here.

    reader_schema: a file with the schema as which every record is read; empty: each as it was written.
    """

    schemas: str
    user: str = ""
    password_file: str = ""
    token_file: str = ""
    ca_file: str = ""
    reader_schema: str = ""

    @property
    def registry(self) -> RegistrySettings:
        """The registry's part."""
        return RegistrySettings(self.schemas, self.user, self.password_file, self.token_file, self.ca_file)


class Schemas(Protocol):
    """Parsed schemas by id."""

    def get(self, schema_id: int) -> Any:
        """The parsed schema. Raises SchemaError where there is none that can be read by, SchemaUnavailable where that is not known."""
        ...


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
                self._parsed[int(path.stem)] = parse_file(path)

    def get(self, schema_id: int) -> Any:
        """The parsed schema. Raises SchemaError where there is no file of it, or a broken one."""
        found = self._parsed.get(schema_id)
        if found is None:
            path = self.folder / f"{schema_id}.avsc"
            if not path.is_file():
                raise SchemaError(f"no file {path.name} in the folder")
            found = self._parsed[schema_id] = parse_file(path)
        return found


def open_schemas(settings: AvroSettings) -> Schemas:
    """The folder or the registry, asked once. Raises SchemaError when it cannot be used, RegistryProblem when it does not answer."""
    if not is_address(settings.schemas):
        return SchemaFolder(settings.schemas)
    registry = Registry(settings.registry)
    registry.check()
    return registry


@dataclass(frozen=True, slots=True)
class _Writer:
    """A schema that records are written with, and the one as which they are read. most: bytes of one that is read. why: the reason why
    some cannot be."""

    schema: Any
    most: int
    reader: Any = None
    why: str = ""


class AvroDecoder:
    """One Avro record in the Confluent wire format a log record, read by the schema that it was written with."""

    def __init__(self, place: str | Path | AvroSettings, max_text_bytes: int = MAX_TEXT_BYTES) -> None:
        """place: a folder, or settings. Raises as open_schemas and reader_schema do."""
        self.settings = place if isinstance(place, AvroSettings) else AvroSettings(str(place))
        self.reader = reader_schema(self.settings.reader_schema) if self.settings.reader_schema else None
        self.schemas = open_schemas(self.settings)
        self._writers: dict[int, _Writer] = {}
        self.max_text_bytes = max_text_bytes

    def __reduce__(self) -> tuple[type["AvroDecoder"], tuple[AvroSettings, int]]:
        """Pickled as its settings: a worker opens the folder or the registry itself."""
        return AvroDecoder, (self.settings, self.max_text_bytes)

    def decode(self, value: bytes | None, log_time_us: int | None) -> TextEvent | Rejected:
        """The event, or why it is none. Raises SchemaUnavailable while the registry does not answer."""
        if value is None:
            return tombstone()
        row = self.row(value)
        return row if isinstance(row, Rejected) else from_mapping(row, log_time_us, self.max_text_bytes)

    def attributes(self, value: bytes) -> dict[str, str]:
        """The fields of an accepted record that textpulse does not know, as they were written."""
        row = self.row(value, as_written=True)
        if isinstance(row, Rejected):
            return {}
        reader = self._writers[int.from_bytes(value[1:PREFIX_BYTES], "big")].reader
        known = {alias for part in reader["fields"] if part["name"] in FIELDS for alias in part.get("aliases", ())} if reader else ()
        return mapping_attributes({name: field for name, field in row.items() if name not in known})

    def row(self, value: bytes, as_written: bool = False) -> dict[str, Any] | Rejected:
        """The record's fields, or why it has none. as_written: by the writer's schema, where there is a reader's.

        Raises SchemaUnavailable while the registry does not answer.
        """
        if too_long := check_size(len(value)):
            return too_long
        if len(value) < PREFIX_BYTES or value[0] != 0:
            start = value[:PREFIX_BYTES].hex(" ") or "nothing"
            return Rejected(Reason.MALFORMED, f"expected byte 0 and a 4-byte schema id before the body, got {start}")
        schema_id = int.from_bytes(value[1:PREFIX_BYTES], "big")
        try:
            writer = self._writers.get(schema_id) or self._writer(schema_id)
        except SchemaError as error:
            return Rejected(Reason.UNKNOWN_SCHEMA, f"schema id {schema_id}: {error}")
        if len(value) > writer.most:
            detail = f"a record of {len(value)} bytes, more than the {writer.most} allowed of schema id {schema_id}"
            return Rejected(Reason.TOO_LONG, detail)
        return _read_body(value, _Writer(writer.schema, writer.most) if as_written else writer, schema_id)

    def _writer(self, schema_id: int) -> _Writer:
        schema = self.schemas.get(schema_id)
        try:
            found = _Writer(schema, most_bytes(schema))
        except UnboundedError as error:
            raise SchemaError(str(error)) from error
        if self.reader is not None:
            reader = fitted(self.reader, schema)
            found = _Writer(schema, found.most, reader, "; ".join(map(str, breaks(schema, reader))))
        self._writers[schema_id] = found
        return found


def _read_body(value: bytes, writer: _Writer, schema_id: int) -> dict[str, Any] | Rejected:
    body = io.BytesIO(value)
    body.seek(PREFIX_BYTES)
    try:
        # Escaped surrogates instead of an error, so that the rules can name the field.
        row = fastavro.schemaless_reader(body, writer.schema, writer.reader, handle_unicode_errors="surrogateescape")
    except fastavro.read.SchemaResolutionError as error:
        return Rejected(Reason.UNKNOWN_SCHEMA, f"schema id {schema_id} cannot be read as the reader schema: {writer.why or error}"[:DETAIL])
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
