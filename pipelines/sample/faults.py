"""The malformed records of the sample: what is done to an event, and the reason with which it must be rejected."""
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import msgspec

from schemas.records import Reason

TOO_LONG_BYTES = 66_000  # just over the default limit of 64 KiB

_ENCODER = msgspec.json.Encoder()


class WireEvent(msgspec.Struct, gc=False):
    """An event as it stands in the stream. event_time: ISO 8601, UTC, milliseconds, with Z."""

    event_id: str
    event_time: str
    source: str
    product: str
    channel: str
    author_id: str
    lang: str
    text: str


@dataclass(frozen=True, slots=True)
class Fault:
    """A way for a record to be malformed. spoil: the event -> the bytes of its record (None: a tombstone)."""

    name: str
    reason: Reason
    spoil: Callable[[WireEvent], bytes | None]


def encode(event: WireEvent) -> bytes:
    """The event as one line of JSON, without the line's end."""
    return _ENCODER.encode(event)


def _with(event: WireEvent, **changes: object) -> bytes:
    return _ENCODER.encode({**msgspec.structs.asdict(event), **changes})


def _without(event: WireEvent, field: str) -> bytes:
    left = msgspec.structs.asdict(event)
    del left[field]
    return _ENCODER.encode(left)


def _stretched(event: WireEvent) -> bytes:
    # Characters have at least one byte each, so this is at least TOO_LONG_BYTES long in any language.
    repeats = TOO_LONG_BYTES // len(event.text) + 1
    return _with(event, text=event.text * repeats)


FAULTS = (
    Fault("invalid_json", Reason.MALFORMED, lambda event: encode(event)[:-1]),
    Fault("invalid_utf8", Reason.BAD_ENCODING,
          lambda event: encode(event).replace(b'"text":"', b'"text":"\xff\xfe', 1)),
    Fault("missing_text", Reason.MISSING_FIELD, lambda event: _without(event, "text")),
    Fault("missing_id", Reason.MISSING_FIELD, lambda event: _without(event, "event_id")),
    Fault("wrong_type", Reason.WRONG_TYPE, lambda event: _with(event, text=404)),
    Fault("empty_text", Reason.EMPTY_TEXT, lambda event: _with(event, text=" \t ")),
    Fault("bad_event_time", Reason.WRONG_TYPE, lambda event: _with(event, event_time="yesterday")),
    Fault("too_long", Reason.TOO_LONG, _stretched),
)
"""The faults that a line of an archive can have."""

TOMBSTONE = Fault("tombstone", Reason.MISSING_FIELD, lambda event: None)
"""A record without a value: only in Kafka."""

BY_NAME: Mapping[str, Fault] = {fault.name: fault for fault in (*FAULTS, TOMBSTONE)}
