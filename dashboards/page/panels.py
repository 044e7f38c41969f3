"""The panels of the overview: pure functions from what the store says to HTML."""
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from heapq import nsmallest
from typing import Any, TypeVar
from urllib.parse import parse_qsl

from dashboards.page import charts
from dashboards.page.address import SPANS_S, View, query
from dashboards.page.incidents import incident_rows
from dashboards.page.labels import length
from dashboards.page.live import Now
from dashboards.page.render import Label, field, html, when
from dashboards.page.values import name_of
from insights.alerts.judge import Severity
from insights.alerts.say import Told
from insights.board import Feeling, Named, Overview
from schemas.records import time_of

Value = TypeVar("Value")
MOST_CHOICES = 200   # of a menu
MOST_TOPICS = 12
MOST_CHANGES, MOST_OF_ONE, MOST_NAMES = 8, 2, 6
SOURCE_COLOURS = 5   # the sixth source and all after it share the last one
SAME_POINTS = 1.0    # a share that has moved by less is as before
LEAST_RECORDS = 5    # now or before, for a change in percent
Names = list[tuple[str, str, str]]   # as it is shown, where it leads, as it is stored


def filters_panel(view: View, seen: Overview | None, t: Label) -> str:
    """The time, the menus, and what else is filtered."""
    menus = []
    for name, known in (("source", seen and seen.sources), ("product", seen and seen.products), ("language", seen and seen.langs)):
        value = getattr(view, name)
        options: list[tuple[str, int | None]] = [*nsmallest(MOST_CHOICES, (known or {}).items(), key=lambda item: (-item[1], item[0]))]
        if value is not None and value not in dict(options):
            options.append((value, None))
        menus.append({"name": name, "value": value, "options": options})
    chips = [(name, name_of(name, getattr(view, name), t)) for name in ("topic", "entity", "term") if getattr(view, name) not in (None, "")]
    chips += [("topic", t("none"))] if view.topic == "" else []
    bare = View(lang=view.lang)
    hidden = [pair for pair in pairs(view) if pair[0] not in ("range", "from", "to")]
    return html(
        "filters", t=t, view=view, link=linker(view), spans=SPANS_S, menus=menus, chips=chips, hidden=hidden, when=when, field=field,
        filtered=view != bare, cleared=query(bare))


def linker(view: View) -> Any:
    """link(**changes): the address of another view, without a place in the dead letters."""
    def link(**changes: Any) -> str:
        return query(view.but(**{"after": None, **changes}))

    return link


def pairs(view: View) -> Sequence[tuple[str, str]]:
    """The parameters of a view."""
    return parse_qsl(query(view)[1:], keep_blank_values=True)


def split(values: Sequence[Value], seen: Overview) -> tuple[Sequence[Value], Sequence[Value]]:
    """Of one value a point: those before, and those of late; what still fills is in neither."""
    begin = seen.known - seen.recent
    return values[:begin], values[begin:seen.known]


def recent_span(seen: Overview, t: Label) -> str:
    """Their length, in words."""
    return length(seen.recent * seen.step_us / 1e6, t)


def headline_panel(now: Now, seen: Overview, open_alerts: Sequence[Told], t: Label) -> str:
    """The four numbers that say it all."""
    minutes = (seen.to_us - seen.from_us) / 60e6
    share, change = negative_share(seen.all), moved(*halves(seen))
    span = recent_span(seen, t)
    archive = now.about.kind == "backfill"
    worst = Severity.CRITICAL if any(alert.severity is Severity.CRITICAL for alert in open_alerts) else Severity.WARNING
    return html(
        "headline", t=t, seen=seen, pace=t("per_minute", number=_number(seen.all.records / minutes if minutes else 0)),
        share=None if share is None else f"{share:.0f}", mood="" if change is None else "worse" if change > 0 else "better",
        moved=t("steady", span=span) if change is None else t("points", change=f"{change:+.0f}", span=span),
        mix=[round(100 * part / (_felt(seen.all) or 1), 2) for part in (seen.all.negative, seen.all.positive)],
        open=len({alert.incident for alert in open_alerts}), worst=worst,
        judged=now.judged_us is not None, archive=archive, updated=time_of(now.updated_us).isoformat(timespec="seconds"),
        end=when(now.end_us), end_day=when(now.end_us)[:10])


def moved(before: Feeling, now: Feeling) -> float | None:
    """By how many points the negative share has moved; None when by less than chance does: two standard errors, or a point."""
    usual, share = negative_share(before), negative_share(now)
    if usual is None or share is None:
        return None
    error = math.sqrt(usual * (100 - usual) * (1 / _felt(before) + 1 / _felt(now)))
    return share - usual if abs(share - usual) >= max(2 * error, SAME_POINTS) else None


def halves(seen: Overview) -> tuple[Feeling, Feeling]:
    """What was before, and what is now."""
    before, now = split(seen.points, seen)
    return _sum(point.all for point in before), _sum(point.all for point in now)


def _sum(feelings: Any) -> Feeling:
    total = Feeling()
    for one in feelings:
        for name in ("negative", "neutral", "positive"):
            setattr(total, name, getattr(total, name) + getattr(one, name))
    return total


def negative_share(feeling: Feeling) -> float | None:
    """In percent; None where nothing is known."""
    felt = _felt(feeling)
    return 100 * feeling.negative / felt if felt else None


def _felt(feeling: Feeling) -> int:
    return feeling.negative + feeling.neutral + feeling.positive


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}"


def topics_panel(view: View, seen: Overview, t: Label) -> str:
    """Each topic with its sources as parts of one bar, all to one scale."""
    sources = sorted({name for one in seen.topics for name in one.sources}, key=lambda name: (-seen.sources.get(name, 0), name))
    colours = {name: min(at, SOURCE_COLOURS) for at, name in enumerate(sources)}
    largest = max((one.all.records for one in seen.topics), default=1)
    rows = []
    for one in seen.topics[:MOST_TOPICS]:
        ordered = sorted(one.sources.items(), key=lambda item: (colours[item[0]], item[0]))
        rows.append({
            "topic": one.topic, "name": name_of("topic", one.topic, t), "records": one.all.records, "negative": percent(one.all),
            "parts": [(round(100 * records / largest, 2), colours[name]) for name, records in ordered],
            "said": ", ".join(f"{name or t('none')} {records:,}" for name, records in ordered)})
    return html("topics", t=t, link=linker(view), topics=rows, sources=list(colours.items())[:SOURCE_COLOURS + 1])


def percent(feeling: Feeling) -> str:
    """The negative share as text."""
    share = negative_share(feeling)
    return "" if share is None else f"{share:.0f}%"


def named_panel(kind: str, view: View, seen: Overview, t: Label) -> str:
    """kind: entity or term."""
    found = seen.entities if kind == "entity" else seen.terms
    link = linker(view)
    rows = [
        _named_row(one, *split(one.trend, seen), t) | {"go": link(**{kind: one.name}), "chosen": getattr(view, kind) == one.name}
        for one in found]
    return html(
        "named", t=t, title="entities" if kind == "entity" else "terms", kind=kind, rows=rows,
        feelings=any(row["negative"] for row in rows), width=charts.WIDTH, height=charts.HEIGHT)


def _named_row(one: Named, before: Sequence[int], now: Sequence[int], t: Label) -> dict[str, Any]:
    typ, tab, text = one.name.partition("\t")
    grown = charts.grown(before, now)
    change = t("new") if grown is None else f"{100 * (grown - 1):+.0f}%" if grown < 10 else f"×{grown:.0f}"
    if few(before, now):
        change, grown = "", 1.0
    return {"name": text if tab else one.name, "type": name_of("type", typ, t) if tab else "", "key": one.name, "records": one.all.records,
            "negative": percent(one.all), "trend": charts.trend(one.trend), "change": change,
            "way": "" if grown is not None and abs(grown - 1) < 0.25 else "less" if grown is not None and grown < 1 else "more"}


def few(before: Sequence[int], now: Sequence[int]) -> bool:
    """Whether there are too few records, now and by what was before, to speak of a change."""
    return max(sum(now), sum(before) * len(now) / max(len(before), 1)) < LEAST_RECORDS


def changes_panel(view: View, seen: Overview, t: Label) -> str:
    """Who has more or fewer records now than the time before would have it.

    Names that change alike, as words of one text do, share a row. A dimension has few rows, so that words leave room for the others.
    """
    link = linker(view)
    rows: dict[tuple[str, int, str, bool], Names] = {}
    for one in seen.changes:
        named = name_of(one.dimension, one.name, t), link(**{_FIELD.get(one.dimension, one.dimension): one.name}), one.name
        rows.setdefault((one.dimension, one.observed, _number(one.expected), one.observed >= one.expected), []).append(named)
    found = [{"dimension": dimension, "names": names, "observed": observed, "expected": expected, "up": up}
             for (dimension, observed, expected, up), names in first_of_each(rows)]
    return html("changes", t=t, changes=found, note=t("changes_note", span=recent_span(seen, t)))


def first_of_each(rows: Mapping[tuple[str, int, str, bool], Names]) -> Sequence[tuple[tuple[str, int, str, bool], Names]]:
    """The first rows, and of each dimension the first few; in a row the first few names."""
    seen: Counter[str] = Counter()
    kept = []
    for key, names in rows.items():
        seen[key[0]] += 1
        if seen[key[0]] <= MOST_OF_ONE:
            kept.append((key, names[:MOST_NAMES]))
    return kept[:MOST_CHANGES]


_FIELD = {"lang": "language"}


def incidents_panel(view: View, now: Now, found: Sequence[Told], t: Label) -> str:
    """Each incident by the alert that says most of it, the newest first, the open ones before the others."""
    return html("incidents", t=t, link=linker(view), incidents=incident_rows(view, now, found, t), judged=now.judged_us is not None)


def volume_panels(view: View, seen: Overview, t: Label) -> tuple[str, str]:
    """What stands above the chart, and its numbers as a table below it."""
    return (html("volume_head", t=t, step=length(seen.step_us / 1e6, t)),
            html("volume_table", t=t, link=linker(view), points=seen.points, step_us=seen.step_us, when=when))
