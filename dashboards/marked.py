"""A text in pieces, for whoever shows it with marks: each is all of one kind."""
import itertools
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from insights.cells import Span


class Piece(NamedTuple):
    """A part of a text that is all of one kind. entity: its type, or empty."""

    text: str
    entity: str
    telling: bool


def pieces(text: str, entities: Sequence[Span], telling: Sequence[tuple[int, int]]) -> Iterator[Piece]:
    """The text, cut wherever a mark begins or ends."""
    bounds = sorted({0, len(text), *(at for one in entities for at in (one.start, one.end)), *(at for span in telling for at in span)})
    for start, end in itertools.pairwise(bounds):
        kind = next((one.type for one in entities if one.start <= start and end <= one.end), "")
        yield Piece(text[start:end], kind, any(begin <= start and end <= stop for begin, stop in telling))
