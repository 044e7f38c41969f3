"""JSON events: one msgspec pass into a private struct on the way in, and a slow pass that finds out what was wrong."""
import datetime as dt
import json
import re
from dataclasses import dataclass

import msgspec

from schemas.decode import (
    MAX_TEXT_BYTES,
    MAX_TIME_US,
    MIN_EPOCH_MS,
    from_mapping,
    kind_of,
    text_bytes,
    tombstone,
)
from schemas.records import EPOCH, FIELDS, Reason, Rejected, TextEvent

_LONE_SURROGATE = re.compile(r"[\ud800-\udfff]")
_KNOWN = frozenset(FIELDS)


class _Payload(msgspec.Struct, gc=False):
    event_id: str
    text: str
    event_time: dt.datetime | int | None = None
    source: str | None = None
    product: str | None = None
    channel: str | None = None
    author_id: str | None = None
    lang: str | None = None


_payload = msgspec.json.Decoder(_Payload).decode
_anything = msgspec.json.Decoder().decode
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


@dataclass(frozen=True, slots=True)
class JsonDecoder:
    """One JSON object a record, RFC 8259 in UTF-8. max_text_bytes: the longest text, in UTF-8."""

    max_text_bytes: int = MAX_TEXT_BYTES

    def decode(self, value: bytes | None, log_time_us: int | None) -> TextEvent | Rejected:
        """The event, or why it is none. About 1.7 us for a good record; a bad one takes the slow pass."""
        if value is None:
            return tombstone()
        try:
            # msgspec checks the strings that it keeps; the check here is for those that it skips.
            if not value.isascii():
                str(value, "utf-8")
            payload = _payload(value)
        except (ValueError, RecursionError):
            return self._slowly(value, log_time_us)
        text, event_id = payload.text, payload.event_id
        time_us = _time_us(payload.event_time, log_time_us)
        odd = not event_id or not text or text.isspace() or not 0 <= time_us <= MAX_TIME_US
        # A NUL can only come from an escape, and most records have no backslash at all.
        if odd or (b"\\" in value and b"\\u0000" in value):
            return self._slowly(value, log_time_us)
        if text_bytes(text, self.max_text_bytes) > self.max_text_bytes:
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
            row = _anything(value)
        except (ValueError, RecursionError) as error:
            return _unreadable(value, error)
        if not isinstance(row, dict):
            return Rejected(Reason.MALFORMED, f"expected a JSON object, got {kind_of(row)}")
        return from_mapping(row, log_time_us, self.max_text_bytes)


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


def _unreadable(value: bytes, error: Exception) -> Rejected:
    """Why msgspec could not read the bytes: they are no UTF-8, hold half a surrogate pair, or are no JSON."""
    try:
        text = value.decode()
    except UnicodeDecodeError as bad:
        return Rejected(Reason.BAD_ENCODING, f"not valid UTF-8 at byte {bad.start}")
    if isinstance(error, RecursionError):
        return Rejected(Reason.MALFORMED, "not readable as JSON: nested too deeply")
    try:
        # The standard library reads a lone surrogate where msgspec stops.
        if _LONE_SURROGATE.search(json.dumps(json.loads(text), ensure_ascii=False)):
            return Rejected(Reason.BAD_ENCODING, "a string holds half a surrogate pair")
    except (ValueError, RecursionError):
        pass  # no JSON for either of them: msgspec's message says where
    return Rejected(Reason.MALFORMED, f"not readable as JSON: {error}")
