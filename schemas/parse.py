"""From a schema's text to what fastavro reads by."""
import json
from pathlib import Path
from typing import Any

import fastavro
from fastavro.schema import SchemaParseException, UnknownType

from schemas.compatibility import names_in
from schemas.records import FIELDS

MOST_NESTING = 200   # objects and arrays in one another


class SchemaError(Exception):
    """A schema, a folder of schemas or a setting of the registry cannot be used: says which, and why."""


def parsed(text: str, where: str, named: dict[str, Any] | None = None) -> Any:
    """The schema as fastavro keeps it. where: what an error calls it. named: types by full name that it may refer to; its own are added.

    A textpulse field of logical type uuid stays the string that it is on the wire.

    Raises SchemaError when it is no Avro schema.
    """
    try:
        written = json.loads(text)
        _check_nesting(written)
        found = fastavro.parse_schema(_with_plain_ids(written), named)
        _check(found)
        return found
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, SchemaParseException, UnknownType) as error:
        raise SchemaError(f"{where}: not an Avro schema: {error or type(error).__name__}") from error


def parse_file(path: Path) -> Any:
    """The parsed schema in a file. Raises SchemaError."""
    try:
        return parsed(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise SchemaError(f"{path}: not an Avro schema: {error}") from error


def _check_nesting(written: Any) -> None:
    """Raises RecursionError: what reads by a schema recurses in C, where nothing bounds it."""
    level = [written]
    for _ in range(MOST_NESTING):
        inner = [node.values() if isinstance(node, dict) else node for node in level if isinstance(node, dict | list)]
        level = [part for parts in inner for part in parts]
    if level:
        raise RecursionError("nested too deeply")


def _check(schema: Any) -> None:
    """Raises TypeError or ValueError for what fastavro takes, and the specification does not."""
    for node in names_in(schema).values():
        for part in (node, *node.get("fields", ())):
            if not all(isinstance(alias, str) for alias in part.get("aliases", ())) or isinstance(part.get("aliases"), str):
                raise ValueError(f"aliases of {part['name']} are no list of names")
        if not all(isinstance(symbol, str) for symbol in node.get("symbols", ())) or not isinstance(node.get("size", 0), int):
            raise ValueError(f"{node['name']} has symbols or a size that are none")


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
