"""Sample texts with their entities and telling words marked."""
import itertools
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from dashboards.page.render import Label, html, when
from dashboards.page.values import name_of
from insights.board import Shown
from insights.cells import Span


class Piece(NamedTuple):
    """A part of a text that is all of one kind. entity: its type, or empty."""

    text: str
    entity: str
    telling: bool


def samples_panel(samples: Sequence[Shown], t: Label) -> str:
    """Each with how it feels, its topic, source and window; the event's id where the text is not kept."""
    rows = [{
        "id": one.id, "parts": parts(one.text, one.entities, one.telling), "sentiment": one.sentiment,
        "topic": name_of("topic", one.topic, t), "source": one.source, "when": when(one.window_us)} for one in samples]
    return html("samples", t=t, samples=rows)


def parts(text: str, entities: Sequence[Span], telling: Sequence[tuple[int, int]]) -> list[tuple[str, list[Piece]]]:
    """(type of the entity or nothing, its pieces), one after the other."""
    return [(kind, list(of)) for kind, of in itertools.groupby(pieces(text, entities, telling), key=lambda piece: piece.entity)]


def pieces(text: str, entities: Sequence[Span], telling: Sequence[tuple[int, int]]) -> Iterator[Piece]:
    """The text, cut wherever a mark begins or ends."""
    bounds = sorted({0, len(text), *(at for one in entities for at in (one.start, one.end)), *(at for span in telling for at in span)})
    for start, end in itertools.pairwise(bounds):
        kind = next((one.type for one in entities if one.start <= start and end <= one.end), "")
        yield Piece(text[start:end], kind, any(begin <= start and end <= stop for begin, stop in telling))
