"""JSON events: one msgspec pass into a private struct on the way in, and a slow pass that finds out what was wrong."""
import datetime as dt
import re
from dataclasses import dataclass
from typing import Any

import msgspec

from schemas.decode import (
    MAX_FIELD_BYTES,
    MAX_TEXT_BYTES,
    MAX_TIME_US,
    MIN_EPOCH_MS,
    check_size,
    from_mapping,
    kind_of,
    text_bytes,
    tombstone,
)
from schemas.records import EPOCH, FIELDS, Reason, Rejected, TextEvent

_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")
_KNOWN = frozenset(FIELDS)
MAX_VALUES = 1 << 20
"""In a record of which every value becomes an object: some 160 bytes each, where they are objects with one field."""


class _Payload(msgspec.Struct, gc=False):
    event_id: str
    text: str
    event_time: dt.datetime | int | None = None
    source: str | None = None
    product: str | None = None
    channel: str | None = None
    author_id: str | None = None
    lang: str | None = None


class _Raw(msgspec.Struct):
    """The fields as they are written: what else a hostile record holds is checked, and never becomes an object."""

    event_id: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    text: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    event_time: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    source: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    product: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    channel: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    author_id: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    lang: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


_payload = msgspec.json.Decoder(_Payload).decode
_written = msgspec.json.Decoder(_Raw).decode
_checked = msgspec.json.Decoder(msgspec.Raw).decode
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


@dataclass(frozen=True, slots=True)
class JsonDecoder:
    """One JSON object a record, RFC 8259 in UTF-8. max_text_bytes: the longest text, in UTF-8."""

    max_text_bytes: int = MAX_TEXT_BYTES

    def decode(self, value: bytes | None, log_time_us: int | None) -> TextEvent | Rejected:
        """The event, or why it is none. About 1.7 us for a good record; a bad one takes the slow pass."""
        if value is None:
            return tombstone()
        if too_long := check_size(len(value)):
            return too_long
        try:
            # msgspec checks the strings that it keeps; the check here is for those that it skips.
            if not value.isascii():
                str(value, "utf-8")
            payload = _payload(value)
        except (ValueError, RecursionError):
            return self._slowly(value, log_time_us)
        text, event_id = payload.text, payload.event_id
        time_us = _time_us(payload.event_time, log_time_us)
        if (
            not event_id or not text or text.isspace() or not 0 <= time_us <= MAX_TIME_US
            # A NUL can only come from an escape, and most records have no backslash at all.
            or (b"\\" in value and b"\\u0000" in value)
            or text_bytes(text, self.max_text_bytes) > self.max_text_bytes
            # In UTF-8 no string is longer than it is written.
            or (len(value) > MAX_FIELD_BYTES and _has_long_field(payload))
        ):  # fmt: skip
            return self._slowly(value, log_time_us)
        return TextEvent(
            event_id,
            time_us,
            text,
            payload.source or "unknown",
            payload.product or "",
            payload.channel or "",
            payload.author_id or "",
            payload.lang or "",
        )

    def attributes(self, value: bytes) -> dict[str, str]:
        """The unknown top-level fields of an accepted record."""
        return attributes(value)

    def _slowly(self, value: bytes, log_time_us: int | None) -> TextEvent | Rejected:
        try:
            if not value.isascii():
                str(value, "utf-8")
            whole = bytes(_checked(value))
            row = _known_fields(whole) if whole.startswith(b"{") else _value(whole)
        except (ValueError, RecursionError) as error:
            return _unreadable(value, error)
        if not isinstance(row, dict):
            return Rejected(Reason.MALFORMED, f"expected a JSON object, got {kind_of(row)}")
        return from_mapping(row, log_time_us, self.max_text_bytes)


def _known_fields(value: bytes) -> dict[str, Any]:
    written = msgspec.structs.asdict(_written(value))
    return {name: _value(bytes(raw)) for name, raw in written.items() if raw is not msgspec.UNSET}


def _value(raw: bytes) -> Any:
    """A string, a number, a boolean or None; of an array or object only that it is one."""
    if raw.startswith((b"[", b"{")):
        return [] if raw.startswith(b"[") else {}
    return msgspec.json.decode(raw)


def _has_long_field(payload: _Payload) -> bool:
    fields = payload.event_id, payload.source, payload.product, payload.channel, payload.author_id, payload.lang
    return any(field and text_bytes(field, MAX_FIELD_BYTES) > MAX_FIELD_BYTES for field in fields)


def _time_us(time: dt.datetime | int | None, log_time_us: int | None) -> int:
    """The event time, or -1 when the slow pass must say what is wrong with it."""
    if isinstance(time, dt.datetime):
        if time.tzinfo is None:
            return -1
        delta = time - EPOCH
        return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds
    if time is None:
        return -1 if log_time_us is None else log_time_us
    return time * 1000 if time >= MIN_EPOCH_MS else -1


def attributes(value: bytes) -> dict[str, str]:
    """The unknown top-level fields of a JSON object: strings as text, other values as their JSON. Nulls are absent.

    Raises ValueError when the value is no JSON object; an accepted record never does.
    """
    unknown = {name: bytes(raw) for name, raw in _fields(value).items() if name not in _KNOWN}
    return {
        name: msgspec.json.decode(raw, type=str) if raw[:1] == b'"' else raw.decode()
        for name, raw in unknown.items()
        if raw != b"null"
    }


def json_row(value: bytes) -> dict[str, Any] | Rejected:
    """Every field of a JSON object, or why it is none: from_mapping says of it what JsonDecoder says of the bytes.

    An unknown field with a number too large for Python is its JSON as text.
    """
    if refused := check_size(len(value)) or _check_values(value):
        return refused
    try:
        if not value.isascii():
            str(value, "utf-8")
        whole = bytes(_checked(value))
        if not whole.startswith(b"{"):
            return Rejected(Reason.MALFORMED, f"expected a JSON object, got {kind_of(_value(whole))}")
        return {name: _whole_value(bytes(raw), name in _KNOWN) for name, raw in _fields(whole).items()}
    except (ValueError, RecursionError) as error:
        return _unreadable(value, error)


def _check_values(value: bytes) -> Rejected | None:
    values = sum(map(value.count, (b",", b"[", b"{")))
    return Rejected(Reason.TOO_LONG, f"a record of more than {MAX_VALUES} values") if values > MAX_VALUES else None


def _whole_value(raw: bytes, known: bool) -> Any:
    try:
        return msgspec.json.decode(raw)
    except ValueError:
        if known:
            return _value(raw)
        return raw.decode()


def _unreadable(value: bytes, error: Exception) -> Rejected:
    """Why msgspec could not read the bytes: they are no UTF-8, hold half a surrogate pair, or are no JSON."""
    try:
        value.decode()
    except UnicodeDecodeError as bad:
        return Rejected(Reason.BAD_ENCODING, f"not valid UTF-8 at byte {bad.start}")
    if isinstance(error, RecursionError):
        return Rejected(Reason.MALFORMED, "not readable as JSON: nested too deeply")
    paired = _SURROGATE.sub(rb"\\ufffd", value)
    if paired != value:
        try:
            _checked(paired)
        except (ValueError, RecursionError):
            pass  # no JSON either way: msgspec's message says where
        else:
            return Rejected(Reason.BAD_ENCODING, "a string holds half a surrogate pair")
    return Rejected(Reason.MALFORMED, f"not readable as JSON: {error}")
