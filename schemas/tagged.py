"""Puts events and the columns a tagger gave them together as tagged events, with spans in characters."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from schemas.records import Entity, TaggedEvent, TextEvent, time_of
from schemas.tagging import SENTIMENTS, Tagger, Tags

Span = tuple[int, int, int, float]
"""Entity type id, first byte, end byte, score."""


def characters_of(text: str, byte_offsets: Sequence[int]) -> list[int]:
    """The character offset of each byte offset of the UTF-8 text; inside a character, the offset of that character.

    A lone surrogate counts as one byte, as it is one question mark for the tagger. An offset beyond the end is the end.
    """
    if text.isascii():
        return [min(offset, len(text)) for offset in byte_offsets]
    raw = text.encode("utf-8", "replace")
    # Decoding what lies before an offset drops the torn character at its end, if any.
    return [len(raw[:offset].decode("utf-8", "ignore")) for offset in byte_offsets]


def entities_of(text: str, spans: Sequence[Span], entity_types: Sequence[str]) -> list[Entity]:
    """The spans of one text as entities with their words; spaces at either end are left out, and so are empty ones."""
    offsets = characters_of(text, [offset for span in spans for offset in span[1:3]])
    found = []
    for (kind, _, _, score), first, last in zip(spans, offsets[::2], offsets[1::2], strict=True):
        start = first + len(text[first:last]) - len(text[first:last].lstrip())
        if named := text[start:last].strip():
            found.append(Entity(entity_types[kind], named, start, start + len(named), score))
    return found


def spans_of(tags: Tags) -> list[list[Span]]:
    """The spans of each text, as Python values."""
    columns = (tags.entity_type, tags.entity_start, tags.entity_end, tags.entity_score)
    flat: list[Span] = list(zip(*(column.tolist() for column in columns), strict=True))
    splits = tags.entity_splits.tolist()
    return [flat[start:end] for start, end in pairwise(splits)]


def tagged_events(events: Sequence[TextEvent], tags: Tags, tagger: Tagger, origin: str) -> list[TaggedEvent]:
    """One tagged event for each event; tags are those of the events' texts in the same order.

    origin: where the events stand ("topic/partition" or a file). Raises ValueError when the lengths differ.
    """
    sentiment, topic = tags.sentiment.tolist(), tags.topic.tolist()
    rows = zip(events, sentiment, topic, intents_of(tags, tagger), spans_of(tags), strict=True)
    return [_tagged(row, tagger, origin) for row in rows]


def intents_of(tags: Tags, tagger: Tagger) -> list[tuple[str, float]]:
    """Of each text the likeliest intent and its probability; an empty name and 0 where that is none, or too unlikely."""
    if not len(tagger.intents):
        return [("", 0.0)] * len(tags.intent)
    said = likeliest_intent(tags.intent, tagger.is_intent, tagger.intent_threshold).tolist()
    return [(tagger.intents[at], share) if at >= 0 else ("", 0.0) for at, share in zip(said, tags.intent.max(1).tolist(), strict=True)]


def likeliest_intent(shares: NDArray[np.float32], is_intent: Sequence[bool], threshold: float) -> NDArray[np.int64]:
    """int64[N]: the likeliest column of float32[N, I]; -1 where that is no intent, or below the threshold."""
    at = shares.argmax(1)
    return np.where(np.asarray(is_intent, bool)[at] & (shares.max(1) >= threshold), at, -1)


def _tagged(
    row: tuple[TextEvent, list[float], list[float], tuple[str, float], list[Span]], tagger: Tagger, origin: str,
) -> TaggedEvent:
    event, sentiment, topic, intent, spans = row
    sentiment_score, topic_score = max(sentiment), max(topic)
    return TaggedEvent(
        event_id=event.event_id,
        event_time=time_of(event.time_us),
        origin=origin,
        offset=event.offset,
        source=event.source,
        product=event.product,
        channel=event.channel,
        author_id=event.author_id,
        lang=event.lang,
        text=event.text,
        sentiment=SENTIMENTS[sentiment.index(sentiment_score)],
        sentiment_score=sentiment_score,
        sentiment_probabilities=dict(zip(SENTIMENTS, sentiment, strict=True)),
        topic=tagger.topics[topic.index(topic_score)],
        topic_score=topic_score,
        intent=intent[0],
        intent_score=intent[1],
        entities=entities_of(event.text, spans, tagger.entity_types),
        model=tagger.name,
        model_version=tagger.version,
    )
