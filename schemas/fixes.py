"""Fixes: small declared changes by which a rejected record is mended, as a TOML file, as JSON in a store, and at work.

A fix says what the bytes really are (their encoding, the schema that they were written with) and which fields to rename, to read as
a time, or to set. Its errors and its summary hold nothing of a record but shapes, and no value that it sets.
"""
import codecs
import datetime as dt
import math
import re
import tomllib
import zoneinfo
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from schemas.decode import kind_of
from schemas.json_events import json_row as json_row  # noqa: PLC0414 - handed on: what reads rows stands beside what changes them
from schemas.records import Rejected
from schemas.shape import shape

Row = Mapping[str, Any]
RowOf = Callable[[bytes], Row | Rejected]

MAX_FIX_CHARACTERS = 16_384   # tomllib takes quadratic time for a key of many dots: a second for these
MAX_FORMAT_CHARACTERS = 100
MAX_SCHEMA_ID = 2**32 - 1
SHOWN_CHARACTERS = 200
WIRE_PREFIX_BYTES = 5
EVENT_TIME = "event_time"

_ENCODING = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.\-]{0,39}")
_NO_RECORDS = frozenset({"idna", "punycode", "unicode-escape", "raw-unicode-escape"})   # text to Python, but nobody writes records in them
_SAMPLE = dt.datetime(2004, 11, 23, 13, 14, 15, 678_901, tzinfo=dt.UTC)
_WORD = re.compile(r"[^\s.\[\]\"'{},]+")


class FixError(Exception):
    """A change that cannot be used, or that does not fit a record: says which, and what to do. One line."""

    def __init__(self, message: str) -> None:
        super().__init__("".join(character if character.isprintable() else " " for character in message))


class TimeFix(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """How a field's text is read as a time. format: datetime.strptime's. zone: an IANA name, for a format without %z.

    Of a time that clocks show twice the first counts.
    """

    field: str = EVENT_TIME
    format: str
    zone: str = "UTC"


class Fix(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What is changed in a record, in this order.

    schema_id: the Avro schema that the body was written with, put in place of the one in the prefix of Confluent's wire format.
    encoding: what the bytes are in; they become UTF-8.
    rename: field to new name, all at once. time: after that, a field's text becomes event_time, as ISO 8601 in UTC; a field of another
    name stays. set: field to a string, number or boolean; None takes the field away (only as JSON: TOML has no null).
    """

    encoding: str = ""
    schema_id: int | None = None
    rename: dict[str, str] = {}
    time: TimeFix | None = None
    set: dict[str, Any] = {}


def parse_fix(text: str) -> Fix:
    """The fix in a TOML file. Raises FixError, which names the line where there is one."""
    if len(text) > MAX_FIX_CHARACTERS:
        raise FixError(f"a fix of {len(text)} characters, more than the {MAX_FIX_CHARACTERS} allowed")
    try:
        rows = tomllib.loads(text)
        for path, what in _unknown(rows):
            raise FixError(_line(text, path) + what)
        fix = msgspec.convert(rows, Fix)
    except msgspec.ValidationError as error:
        said, _, place = str(error).partition(" - at `$")
        path = tuple(re.findall(r"\w+", place))
        raise FixError(f"{_line(text, path)}{'.'.join(path) or 'fix'}: {said[:1].lower()}{said[1:]}") from error
    except (ValueError, RecursionError) as error:   # tomllib raises both, beside its own, for numbers and nesting without bounds
        said = str(error) if isinstance(error, tomllib.TOMLDecodeError) else "a number or a nesting is too large"
        raise FixError(f"not TOML: {said}") from error
    for path, what in _problems(fix):
        raise FixError(_line(text, path) + what)
    return fix


def check_fix(fix: Fix) -> Fix:
    """The fix itself. Raises FixError where parse_fix would not have given it."""
    for _, what in _problems(fix):
        raise FixError(what)
    return fix


def encode_fix(fix: Fix) -> str:
    """JSON, for a store."""
    return msgspec.json.encode(fix).decode()


def decode_fix(text: str) -> Fix:
    """What encode_fix wrote. Raises FixError."""
    try:
        return check_fix(msgspec.json.decode(text.encode(), type=Fix))
    except (ValueError, RecursionError) as error:
        raise FixError(f"not readable as a fix: {error}") from error


def mended(value: bytes | Row, fix: Fix, row_of: RowOf) -> bytes | dict[str, Any]:
    """The record with a checked fix: bytes while only they are changed, else a row, to be decoded by from_mapping. value stays as it is.

    row_of: how bytes are read as a row, such as json_row or AvroDecoder.row, whose SchemaUnavailable is passed on.
    Raises FixError where the fix does not fit the record.
    """
    if isinstance(value, bytes):
        value = _with_schema_id(value, fix.schema_id)
        value = _as_utf8(value, fix.encoding)
        if not (fix.rename or fix.time or fix.set):
            return value
        read = row_of(value)
        if isinstance(read, Rejected):
            raise FixError(f"the record has no fields to change: {read.detail}")
        value = read
    elif fix.encoding or fix.schema_id is not None:
        name = "encoding" if fix.encoding else "schema_id"
        raise FixError(f"{name}: the record is a row of an archive, whose bytes are read already; leave {name} out")
    row = _renamed(value, fix.rename)
    if fix.time:
        row[EVENT_TIME] = _time(row, fix.time)
    for name, new in fix.set.items():
        if new is None:
            row.pop(name, None)
        else:
            row[name] = new
    return row


def changes(before: bytes | Row, after: bytes | Row, row_of: RowOf) -> list[tuple[str, str | None, str | None]]:
    """Field, its text before, its text after; None: there is no such field.

    Where one of the two is no row, a difference is one entry named "record", with the beginnings of both.
    """
    old, new = (value if isinstance(value, Mapping) else row_of(value) for value in (before, after))
    if isinstance(old, Rejected) or isinstance(new, Rejected):
        return [] if before == after else [("record", _shown(before)[:SHOWN_CHARACTERS], _shown(after)[:SHOWN_CHARACTERS])]
    pairs = ((name, _told(old, name), _told(new, name)) for name in {**old, **new})
    return [
        (name, was, becomes) for name, was, becomes in pairs if was != becomes or type(old.get(name)) is not type(new.get(name))]


def summary(fix: Fix) -> str:
    """One line that names what is changed, without a value."""
    parts = [f"schema id {fix.schema_id}"] if fix.schema_id is not None else []
    parts += [f"read as {_named(fix.encoding)}"] if fix.encoding else []
    parts += [f"rename {_named(old)} to {_named(new)}" for old, new in fix.rename.items()]
    if fix.time:
        source = "" if fix.time.field == EVENT_TIME else f" from {_named(fix.time.field)}"
        zone = "" if "%z" in fix.time.format else f" in {_named(fix.time.zone)}"
        parts.append(f"event_time{source} by {fix.time.format!r}{zone}")
    parts += [f"{'remove' if value is None else 'set'} {_named(name)}" for name, value in fix.set.items()]
    return "; ".join(parts)


def _unknown(rows: Row) -> Iterator[tuple[tuple[str, ...], str]]:
    time = rows.get("time")
    for where, table, kind in (("a fix", rows, Fix), ("[time]", time if isinstance(time, dict) else {}, TimeFix)):
        for key in table:
            if key not in kind.__struct_fields__:
                path = (key,) if kind is Fix else ("time", key)
                yield path, f"unknown key {key[:60]!r}; {where} has {', '.join(kind.__struct_fields__)}"


def _problems(fix: Fix) -> Iterator[tuple[tuple[str, ...], str]]:
    """The keys that lead to what cannot be used, and what is wrong with it."""
    if fix == Fix():
        yield (), "the fix is empty: give encoding, schema_id, [rename], [time] or [set]"
    if fix.encoding and not _is_text_encoding(fix.encoding):
        yield ("encoding",), f"encoding: unknown encoding of text {fix.encoding[:40]!r}; write one such as gb18030, cp1252 or utf-16"
    if fix.schema_id is not None and not 0 <= fix.schema_id <= MAX_SCHEMA_ID:
        yield ("schema_id",), f"schema_id: expected a number from 0 to {MAX_SCHEMA_ID}"
    if fix.encoding and fix.schema_id is not None:
        yield ("encoding",), "encoding: for records that are text; with schema_id they are Avro, so leave one of the two out"
    taken: dict[str, str] = {}
    for old, new in fix.rename.items():
        if old == new:
            yield ("rename", old), f"rename: {old[:60]!r} has that name already; leave it out"
        if new in taken:
            yield ("rename", old), f"rename: {taken[new][:60]!r} and {old[:60]!r} would both become {new[:60]!r}; keep one of them"
        taken[new] = old
    if fix.time:
        yield from _time_problems(fix.time)
    for name, value in fix.set.items():
        if not _can_be_set(value):
            got = "a number out of range" if isinstance(value, int | float) else kind_of(value)
            yield ("set", name), f"set: {name[:60]!r}: expected text, a number, true or false, got {got}"


def _time_problems(time: TimeFix) -> Iterator[tuple[tuple[str, ...], str]]:
    if wrong := _wrong_format(time.format):
        yield ("time", "format"), f"time.format: {time.format[:MAX_FORMAT_CHARACTERS]!r} {wrong}"
    try:
        _zone(time.zone)
    except FixError as error:
        yield ("time", "zone"), str(error)


def _is_text_encoding(name: str) -> bool:
    if not _ENCODING.fullmatch(name):   # a codec is found by importing a module of that name
        return False
    try:
        "a".encode(name)
        return codecs.lookup(name).name.replace("_", "-") not in _NO_RECORDS
    except (LookupError, UnicodeError):
        return False


def _wrong_format(time_format: str) -> str:
    """Why a format of times cannot be used; empty: it can."""
    if len(time_format) > MAX_FORMAT_CHARACTERS:
        return f"has more than {MAX_FORMAT_CHARACTERS} characters"
    if "%Z" in time_format:
        return "has %Z, which means another zone on another machine; write the name as it stands, and zone"
    try:
        read = dt.datetime.strptime(_SAMPLE.strftime(time_format), time_format)
    except (ValueError, re.error):
        return "is no format of datetime.strptime; write one such as '%d.%m.%Y %H:%M'"
    return "" if read.date() == _SAMPLE.date() else "gives no whole date; write one with year, month and day, such as '%d.%m.%Y %H:%M'"


def _zone(name: str) -> dt.tzinfo:
    if name == "UTC":   # which needs no data
        return dt.UTC
    try:
        return zoneinfo.ZoneInfo(name)
    except (OSError, ValueError, KeyError) as error:
        raise FixError(
            f"time.zone: no zone {name[:60]!r} here; write a name such as Europe/Berlin, or UTC (zones are the system's, or those of "
            "the package tzdata)") from error


def _can_be_set(value: object) -> bool:
    if isinstance(value, int) and not isinstance(value, bool):
        return -(2**63) <= value < 2**63
    return math.isfinite(value) if isinstance(value, float) else value is None or isinstance(value, str | bool)


def _line(text: str, path: tuple[str, ...]) -> str:
    """Where a key stands, after the heading of its table: "line 3: "; empty where neither is found."""
    found, wanted = 0, list(path)
    for number, line in enumerate(text.split("\n"), 1):
        words = [] if line.lstrip().startswith("#") else _WORD.findall(line.partition("=")[0])
        while wanted and wanted[0] in words:
            found = number
            del wanted[0]
    return f"line {found}: " if found else ""


def _with_schema_id(value: bytes, schema_id: int | None) -> bytes:
    if schema_id is None:
        return value
    if len(value) < WIRE_PREFIX_BYTES or value[0] != 0:
        raise FixError("schema_id: the record is no Avro of Confluent's wire format, which begins with byte 0 and a 4-byte schema id")
    return value[:1] + schema_id.to_bytes(4, "big") + value[WIRE_PREFIX_BYTES:]


def _as_utf8(value: bytes, encoding: str) -> bytes:
    if not encoding:
        return value
    try:
        return value.decode(encoding).encode()
    except UnicodeDecodeError as error:
        raise FixError(f"encoding: the record is not valid {encoding} at byte {error.start}") from error
    except UnicodeError as error:
        raise FixError(f"encoding: the record is not valid {encoding}") from error


def _renamed(row: Row, rename: Mapping[str, str]) -> dict[str, Any]:
    for old, new in rename.items():
        if old not in row:
            raise FixError(f"rename: the record has no field {old[:60]!r}")
        if new not in rename and row.get(new) not in (None, ""):
            raise FixError(f"rename: {old[:60]!r} would take the place of {new[:60]!r}, which has a value; rename that one too")
    taken = {new for new in rename.values() if new not in rename}
    return {rename.get(name, name): value for name, value in row.items() if name not in taken}


def _time(row: Row, fix: TimeFix) -> str:
    if fix.field not in row:
        raise FixError(f"time: the record has no field {fix.field[:60]!r}")
    text = row[fix.field]
    if not isinstance(text, str):
        raise FixError(f"time: {fix.field[:60]!r}: expected text, got {kind_of(text)}")
    try:
        time = dt.datetime.strptime(text, fix.format)
        return (time if time.tzinfo else time.replace(tzinfo=_zone(fix.zone))).astimezone(dt.UTC).isoformat()
    except (ValueError, OverflowError) as error:
        got = repr(shape(text[:40]))
        raise FixError(f"time: {fix.field[:60]!r}: expected a time such as {fix.format!r} means, got {got}") from error


def _told(row: Row, name: str) -> str | None:
    return _shown(row[name]) if name in row else None


def _shown(value: object) -> str:
    """A value as text, whatever it holds: strings as they are, others as JSON."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dt.datetime | dt.date):
        return value.isoformat()
    try:
        return msgspec.json.encode(value, enc_hook=str).decode()
    except (ValueError, TypeError, RecursionError):   # half a surrogate pair, a key that is no text
        return str(value).encode("utf-8", "replace").decode()


def _named(name: str) -> str:
    return name if re.fullmatch(r"[\w.\-/+]+", name) else repr(name)
