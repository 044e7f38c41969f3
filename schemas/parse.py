"""From a schema's text to what fastavro reads by."""
import json
from pathlib import Path
from typing import Any

import fastavro
from fastavro.schema import SchemaParseException, UnknownType

from schemas.decode import FIELDS


class SchemaError(Exception):
    """A schema, a folder of schemas or a setting of the registry cannot be used: says which, and why."""


def parsed(text: str, where: str, named: dict[str, Any] | None = None) -> Any:
    """The schema as fastavro keeps it. where: what an error calls it. named: types by full name that it may refer to; its own are added.

    A textpulse field of logical type uuid stays the string that it is on the wire.

    Raises SchemaError when it is no Avro schema.
    """
    try:
        return fastavro.parse_schema(_with_plain_ids(json.loads(text)), named)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, SchemaParseException, UnknownType) as error:
        raise SchemaError(f"{where}: not an Avro schema: {error or type(error).__name__}") from error


def parse_file(path: Path) -> Any:
    """The parsed schema in a file. Raises SchemaError."""
    try:
        return parsed(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise SchemaError(f"{path}: not an Avro schema: {error}") from error


def _with_plain_ids(schema: Any) -> Any:
    if not isinstance(schema, dict) or schema.get("type") != "record":
        return schema
    fields = [{**field, "type": _plain(field["type"])} if field.get("name") in FIELDS else field for field in schema["fields"]]
    return {**schema, "fields": fields}


def _plain(kind: Any) -> Any:
    if isinstance(kind, list):
        return [_plain(branch) for branch in kind]
    if isinstance(kind, dict) and kind.get("type") == "string" and kind.get("logicalType") == "uuid":
        return "string"
    return kind
