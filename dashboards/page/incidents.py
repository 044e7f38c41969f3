"""Incidents in the words of the page's language, with links to what they speak of."""
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from dashboards.page.address import View, query
from dashboards.page.labels import length
from dashboards.page.live import Now
from dashboards.page.render import Label, lasting
from dashboards.page.values import name_of
from insights.alerts.judge import MOODS, WORDS, Kind, Series
from insights.alerts.say import SHARES, Told, headline
from schemas.records import to_us

MOST = 12
REASONS = 3
ALSO = 2
SORTS = ((Kind.SPIKE, Kind.SILENCE), MOODS, (Kind.TOPIC,), WORDS)


def incident_rows(view: View, now: Now, found: Sequence[Told], t: Label) -> Sequence[Mapping[str, Any]]:
    """The open ones first, then the newest."""
    by_name = sorted(found, key=lambda one: one.incident)
    rows = [_row(view, now, name, list(alerts), t) for name, alerts in groupby(by_name, key=lambda one: one.incident)]
    return sorted(rows, key=lambda row: (not row["open"], -row["from_us"], row["id"]))[:MOST]


def _row(view: View, now: Now, name: str, alerts: Sequence[Told], t: Label) -> dict[str, Any]:
    first, size = headline(alerts), now.about.window_us
    opened, last = min(to_us(one.opened) for one in alerts), max(to_us(one.last) for one in alerts)
    still = any(one.closed is None for one in alerts)
    return {
        "id": name, "severity": max((one.severity for one in alerts), key=lambda one: one == "critical"), "open": still,
        "acknowledged": first.acknowledged, "from_us": opened, "to_us": last, "alerts": len(alerts),
        "span": lasting(opened, last, still, t),
        "what": what(first, size, t), "go": go(view, first.series.dimension, first.series.value),
        "why": reasons(view, first, t), "also": [
            (what(one, size, t), go(view, one.series.dimension, one.series.value)) for one in others(first, alerts)]}


def others(first: Told, alerts: Sequence[Told]) -> Sequence[Told]:
    """The alerts that say most beside the headline: the largest of each sort, of all records before a part of them."""
    found = []
    for kinds in SORTS:
        of_sort = [one for one in alerts if one.kind in kinds]
        if of_sort and first.kind not in kinds:
            found.append(min(of_sort, key=lambda one: (one.series.dimension != "all", -one.peak.size, one.id)))
    return found[:ALSO]


def what(alert: Told, window_us: int, t: Label) -> str:
    """The alert's headline."""
    signal = alert.peak
    length_s = length(signal.width * window_us / 1e6, t)
    who = named(signal.series, t)
    if signal.kind not in SHARES:
        return t("what_count", who=who, observed=f"{signal.observed:,}", span=length_s, expected=number(signal.expected))
    share, usual = (f"{part / max(signal.whole, 1):.0%}" for part in (signal.observed, signal.expected))
    return t("what_mood" if signal.kind in MOODS else "what_share", who=who, observed=f"{signal.observed:,}", whole=f"{signal.whole:,}",
             span=length_s, share=share, usual=usual)


def reasons(view: View, alert: Told, t: Label) -> Sequence[tuple[str, str]]:
    """What the change came from, the largest part first, each with its link."""
    more = alert.peak.observed >= alert.peak.expected
    ranked = sorted(alert.reason.contributors, key=lambda one: (-one.part, one.dimension, one.value))
    kept = [one for one in ranked if more == (one.observed >= one.expected)][:REASONS]
    return [(t("why_part", who=named(Series(one.dimension, one.value), t), observed=f"{one.observed:,}", expected=number(one.expected)),
             go(view, one.dimension, one.value)) for one in kept]


def named(series: Series, t: Label) -> str:
    """Such as "source tickets"."""
    return t("all") if series.dimension == "all" else f"{t(series.dimension)} {name_of(series.dimension, series.value, t)}"


def go(view: View, dimension: str, value: str) -> str:
    """The address that shows it alone; empty for all."""
    return "" if dimension == "all" else query(view.but(**{{"lang": "language"}.get(dimension, dimension): value}))


def number(value: float) -> str:
    """Two digits or so."""
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}"
