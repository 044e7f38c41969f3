"""The door: what every decoder promises, and the rules that one record must keep, whatever format it came in."""
import datetime as dt
import json
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any, Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from schemas.records import EPOCH, FIELDS, Reason, Rejected, TextEvent
from schemas.shape import shape

MAX_TEXT_BYTES = 65_536
MAX_RECORD_BYTES = 16 << 20
"""Of one record, as it comes from a log or stands in an archive. What is longer is not looked at."""
MAX_FIELD_BYTES = 1_024
"""Of each field but the text, in UTF-8: source and product are in the store's keys, and PostgreSQL's have 2,704 bytes."""
MAX_TIME_US = 253_402_300_800_000_000 - 1
"""The last microsecond of the year 9999."""
MIN_EPOCH_MS = 100_000_000_000
"""March 1973. A smaller number of milliseconds is a number of seconds that somebody forgot to multiply."""

OPTIONAL = {"source": "unknown", "product": "", "channel": "", "author_id": "", "lang": ""}
_KNOWN = frozenset(FIELDS)
_TIME_EXPECTED = "an ISO 8601 time with a zone, or whole milliseconds since 1970, from 1970 to 9999"
_KIND = {
    bool: "a boolean",
    bytes: "bytes",
    dict: "an object",
    float: "a fraction",
    int: "a number",
    list: "an array",
    str: "a string",
    type(None): "null",
}


class SchemaUnavailable(Exception):
    """What is needed to decode a record cannot be had at the moment: it is to be decoded later, and is no dead letter."""


class Decoder(Protocol):
    """A format. Neither method raises on any bytes, what cannot be decoded is Rejected, but for SchemaUnavailable."""

    def decode(self, value: bytes | None, log_time_us: int | None) -> TextEvent | Rejected:
        """The event in a log record's value, or why it is none.

        log_time_us: the log's own timestamp, taken when the payload has no event_time; None or negative when absent.
        """
        ...

    def attributes(self, value: bytes) -> dict[str, str]:
        """The fields of an accepted record that textpulse does not know, as text: looked up only when asked."""
        ...


class BrokenRuleError(Exception):
    """A rule that a record breaks: the inner form of Rejected, never seen outside this package."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.rejected = Rejected(reason, detail)


def tombstone() -> Rejected:
    """What a null value becomes."""
    return Rejected(Reason.MISSING_FIELD, "value: the record's value is null (a tombstone)")


def check_size(size_bytes: int) -> Rejected | None:
    """Why a record of this size is not looked at."""
    if size_bytes <= MAX_RECORD_BYTES:
        return None
    return Rejected(Reason.TOO_LONG, f"a record of {size_bytes} bytes, more than the {MAX_RECORD_BYTES} allowed")


def from_mapping(
    row: Mapping[str, Any], log_time_us: int | None, max_text_bytes: int = MAX_TEXT_BYTES
) -> TextEvent | Rejected:
    """The event in a row of named values, or the first rule that it breaks.

    These are the rules for every format; JsonDecoder only has a faster way to the same answer.
    Order: event_id, text, event_time, then the optional fields.
    """
    try:
        return TextEvent(
            _short("event_id", _required(row, "event_id")),
            text=_text(row, max_text_bytes),
            time_us=_time_us(row.get("event_time"), log_time_us),
            source=_optional(row, "source"),
            product=_optional(row, "product"),
            channel=_optional(row, "channel"),
            author_id=_optional(row, "author_id"),
            lang=_optional(row, "lang"),
        )
    except BrokenRuleError as broken:
        return broken.rejected


def event_key(event_id: str) -> int:
    """The id's BLAKE2b hash of 8 bytes (RFC 7693), read as a little-endian unsigned number."""
    return int.from_bytes(blake2b(event_id.encode(), digest_size=8).digest(), "little")


def event_keys(event_ids: Sequence[str]) -> NDArray[np.uint64]:
    """event_key of each id, as uint64[N] (read-only)."""
    digests = b"".join([blake2b(event_id.encode(), digest_size=8).digest() for event_id in event_ids])
    return np.frombuffer(digests, dtype="<u8").astype(np.uint64, copy=False)


def mapping_attributes(row: Mapping[str, Any]) -> dict[str, str]:
    """The unknown fields of a row, as text: strings as they are, other values as JSON. Nulls are absent."""
    return {
        name: value if isinstance(value, str) else _as_json(value)
        for name, value in row.items()
        if name not in _KNOWN and value is not None
    }


def _as_json(value: object) -> str:
    """Bytes that are no UTF-8 stand in it as they do in strings, as lone surrogates, here escaped."""
    try:
        return msgspec.json.encode(value, enc_hook=str).decode()
    except UnicodeEncodeError:
        return json.dumps(value, default=str)


def kind_of(value: object) -> str:
    """A value's type in the words of JSON, for a detail."""
    return _KIND.get(type(value), f"a {type(value).__name__}")


def check_characters(name: str, value: str) -> str:
    """The value itself. Raises BrokenRuleError when it holds what no store keeps: NUL or half a surrogate pair."""
    if "\0" in value:
        raise BrokenRuleError(Reason.BAD_ENCODING, f"{name}: holds a NUL character at character {value.index(chr(0))}")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise BrokenRuleError(Reason.BAD_ENCODING, f"{name}: not valid UTF-8 at character {error.start}") from None
    return value


def _required(row: Mapping[str, Any], name: str) -> object:
    value = row.get(name)
    if value is None or value == "":
        state = "empty" if value == "" else "null" if name in row else "missing"
        raise BrokenRuleError(Reason.MISSING_FIELD, f"{name}: {state}")
    return value


def _optional(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    return OPTIONAL[name] if value is None or value == "" else _short(name, value)


def _string(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise BrokenRuleError(Reason.WRONG_TYPE, f"{name}: expected a string, got {kind_of(value)}")
    return check_characters(name, value)


def _short(name: str, value: object) -> str:
    text = _string(name, value)
    size = text_bytes(text, MAX_FIELD_BYTES)
    if size > MAX_FIELD_BYTES:
        raise BrokenRuleError(Reason.TOO_LONG, f"{name}: {size} bytes, more than the {MAX_FIELD_BYTES} allowed")
    return text


def _text(row: Mapping[str, Any], max_text_bytes: int) -> str:
    if row.get("text") == "":
        raise BrokenRuleError(Reason.EMPTY_TEXT, "text: empty")
    text = _string("text", _required(row, "text"))
    if text.isspace():
        raise BrokenRuleError(Reason.EMPTY_TEXT, "text: only white space")
    size = text_bytes(text, max_text_bytes)
    if size > max_text_bytes:
        raise BrokenRuleError(Reason.TOO_LONG, f"text: {size} bytes, more than the {max_text_bytes} allowed")
    return text


def text_bytes(text: str, enough: int) -> int:
    """The text's size in UTF-8, or a smaller bound where that alone shows that it is within `enough`."""
    return len(text) if len(text) * 4 <= enough else len(text.encode())


def _time_us(value: object, log_time_us: int | None) -> int:
    if value is None:
        if log_time_us is None or log_time_us < 0:
            raise BrokenRuleError(Reason.MISSING_FIELD, "event_time: missing, and the log has no timestamp")
        return log_time_us
    if isinstance(value, int) and not isinstance(value, bool):
        return _from_epoch_ms(value)
    time = _parsed(value) if isinstance(value, str) else value
    if not isinstance(time, dt.datetime):
        raise _wrong_time(kind_of(value))
    if time.tzinfo is None:
        raise _wrong_time(f"{shape(str(value)[:40])} without a zone")
    delta = time - EPOCH
    time_us = (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds
    if not 0 <= time_us <= MAX_TIME_US:
        raise _wrong_time(shape(str(value)[:40]))
    return time_us


def _parsed(value: str) -> dt.datetime:
    try:
        return msgspec.convert(value, dt.datetime)
    except (msgspec.ValidationError, UnicodeEncodeError):   # the latter: half a surrogate pair
        raise _wrong_time(repr(shape(value[:40]))) from None


def _from_epoch_ms(value: int) -> int:
    if MIN_EPOCH_MS <= value <= MAX_TIME_US // 1000:
        return value * 1000
    seconds = " (seconds?)" if 0 <= value < MIN_EPOCH_MS else ""
    shown = str(value) if -(10**20) < value < 10**20 else "a number of more than 20 digits"
    raise _wrong_time(shown + seconds)


def _wrong_time(got: str) -> BrokenRuleError:
    return BrokenRuleError(Reason.WRONG_TYPE, f"event_time: expected {_TIME_EXPECTED}, got {got}")
