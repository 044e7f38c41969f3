"""Sample texts with their entities and telling words marked."""
import itertools
from collections.abc import Sequence

from dashboards.marked import Piece, pieces
from dashboards.page.render import Label, html, when
from dashboards.page.values import name_of
from insights.board import Shown
from insights.carried import Carried, Carrier
from insights.cells import Span


def samples_panel(samples: Sequence[Shown], t: Label, carrier: Carrier | None = None) -> str:
    """Each with how it feels, its topic, source and window; the event's id where the text is not kept.

    In bold is what carrier says; without one, what the store's counts say.
    """
    found = carrier.of([(one.text, one.sentiment) for one in samples]) if carrier else [Carried(one.telling) for one in samples]
    rows = [{
        "id": one.id, "parts": parts(one.text, one.entities, carried.marks), "sentiment": one.sentiment, "instead": carried.instead,
        "topic": name_of("topic", one.topic, t), "source": one.source, "when": when(one.window_us)}
        for one, carried in zip(samples, found, strict=True)]
    return html("samples", t=t, samples=rows, model=carrier.model if carrier else "")


def parts(text: str, entities: Sequence[Span], telling: Sequence[tuple[int, int]]) -> list[tuple[str, list[Piece]]]:
    """(type of the entity or nothing, its pieces), one after the other."""
    return [(kind, list(of)) for kind, of in itertools.groupby(pieces(text, entities, telling), key=lambda piece: piece.entity)]
