"""The records of textpulse: what comes in, what a tag adds, and what a rejected record becomes."""
import datetime as dt
import enum
from typing import Any

import msgspec

FIELDS = ("event_id", "event_time", "source", "product", "channel", "author_id", "lang", "text")
"""What a payload is made of."""
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


class Reason(enum.StrEnum):
    """Why a record is a dead letter: a closed set."""

    MALFORMED = "malformed"
    MISSING_FIELD = "missing_field"
    WRONG_TYPE = "wrong_type"
    EMPTY_TEXT = "empty_text"
    TOO_LONG = "too_long"
    BAD_ENCODING = "bad_encoding"
    UNKNOWN_SCHEMA = "unknown_schema"
    FUTURE_TIME = "future_time"
    LATE = "late"
    DUPLICATE = "duplicate"
    MODEL_ERROR = "model_error"
    GAP = "gap"


class TextEvent(msgspec.Struct, gc=False):
    """One text as it came. Absent optional fields are empty strings.

    time_us: event time, microseconds since 1970 UTC; from the payload's event_time, else the log's own timestamp.
    origin, offset: where the record stands in its log ("topic/partition" and offset, or file and record number from 0).
    """

    event_id: str
    time_us: int
    text: str
    source: str = "unknown"
    product: str = ""
    channel: str = ""
    author_id: str = ""
    lang: str = ""
    offset: int = -1


class Rejected(msgspec.Struct):
    """A record that cannot be decoded or breaks a rule: the reason, and a detail that names the field or position."""

    reason: Reason
    detail: str


class DeadLetter(msgspec.Struct):
    """A record kept out of the windows, and why.

    sample: at most 200 characters of its shape, or of its text with masks. headers: the record's own. first_seen_us: when it was rejected.
    author: hash of its author's id (privacy/redact.py), if that could be read.
    """

    origin: str
    offset: int
    reason: Reason
    detail: str = ""
    event_id: str = ""
    window_us: int | None = None
    source: str = ""
    product: str = ""
    sample: str = ""
    headers: dict[str, str] = {}
    first_seen_us: int = 0
    author: str = ""


class Entity(msgspec.Struct):
    """A named span. start and end are in characters of the text; score is the model's probability."""

    type: str
    text: str
    start: int
    end: int
    score: float


class TaggedEvent(msgspec.Struct, kw_only=True):
    """An event with what the model says about it."""

    event_id: str
    event_time: dt.datetime
    origin: str
    offset: int
    source: str
    product: str
    channel: str
    author_id: str
    lang: str
    text: str
    sentiment: str
    sentiment_score: float
    sentiment_probabilities: dict[str, float]
    topic: str
    topic_score: float
    intent: str = ""
    intent_score: float = 0.0
    entities: list[Entity]
    model: str
    model_version: str


def time_of(time_us: int) -> dt.datetime:
    """Microseconds since 1970 as a UTC datetime."""
    return EPOCH + dt.timedelta(microseconds=time_us)


def to_us(time: dt.datetime) -> int:
    """A UTC-aware datetime as microseconds since 1970."""
    delta = time - EPOCH
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


def plain(record: msgspec.Struct) -> dict[str, Any]:
    """A record as JSON-ready values."""
    value: dict[str, Any] = msgspec.to_builtins(record)
    return value
