"""Tags events outside of any pipeline, for the command line."""

from collections.abc import Iterable, Iterator
from itertools import islice

from schemas.records import TaggedEvent, TextEvent
from schemas.tagged import tagged_events
from schemas.tagging import Tagger

CHUNK = 512
"""Texts a forward pass: larger is hardly faster."""


def tag_events(tagger: Tagger, events: Iterable[TextEvent], origin: str, chunk: int = CHUNK) -> Iterator[TaggedEvent]:
    """The events with their tags, in order, read and given chunk by chunk."""
    remaining = iter(events)
    while part := list(islice(remaining, chunk)):
        yield from tagged_events(part, tagger.tag([event.text for event in part]), tagger, origin)
