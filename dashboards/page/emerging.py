"""Emerging topics: what people began to talk about in the time that is shown, with links to their words."""
from collections.abc import Sequence
from typing import Any

from dashboards.page.address import View
from dashboards.page.panels import linker
from dashboards.page.render import Label, html, lasting
from insights.emerging.say import Member, Told
from schemas.records import to_us

MOST, MOST_WORDS = 4, 8


def emerging_panel(view: View, found: Sequence[Told], judged: bool, t: Label) -> str:
    """The open ones first, then those with most records; what went into another one is left out. judged: whether any window was."""
    own = [one for one in found if one.into is None]
    ranked = sorted(own, key=lambda one: (one.closed is not None, -one.records, one.id))
    return html("emerging", t=t, topics=[_row(view, one, t) for one in ranked[:MOST]], more=max(0, len(ranked) - MOST), judged=judged)


def _row(view: View, topic: Told, t: Label) -> dict[str, Any]:
    link = linker(view)
    opened, last = to_us(topic.opened), to_us(topic.last)
    still = topic.closed is None
    return {
        "id": topic.id, "name": topic.name, "open": still, "records": topic.records, "go": link(from_us=opened, to_us=last),
        "span": lasting(opened, last, still, t),
        "words": [(one.text, link(**_filter(one))) for one in topic.members[:MOST_WORDS]]}


def _filter(word: Member) -> dict[str, str]:
    return {"term": word.text} if word.kind == "term" else {"entity": f"{word.type}\t{word.text}"}
