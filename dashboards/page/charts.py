"""What ECharts draws of an overview, and the small trends as SVG. Colours are the style sheet's, so that a theme costs nothing."""
from collections.abc import Callable, Sequence
from typing import Any

from insights.alerts.say import Told
from insights.board import Overview
from schemas.records import time_of, to_us

FEELINGS = ("negative", "neutral", "positive")
DAY_US = 86_400_000_000
WIDTH, HEIGHT = 96, 22   # of a small trend, in pixels
FONT = {"fontFamily": "inherit", "fontSize": 12}


def clock(at_us: int, step_us: int, span_us: int) -> str:
    """14:05, 14:05:30 for steps below a minute, 06-01 14:05 when the span is longer than a day, 06-01 for steps of days."""
    time = time_of(at_us)
    day = f"{time:%m-%d}"
    if step_us >= DAY_US:
        return day
    hour = f"{time:%H:%M:%S}" if step_us < 60_000_000 else f"{time:%H:%M}"
    return f"{day} {hour}" if span_us > DAY_US else hour


def volume(seen: Overview, alerts: Sequence[Told], watermark_us: int, t: Callable[..., str]) -> dict[str, Any]:
    """Options of the chart: records by sentiment, stacked, with each incident as a shade over its time and a mark on top.

    What is still filling, by the watermark, is paler.
    """
    span_us = seen.to_us - seen.from_us
    plain = not any(point.all.negative + point.all.neutral + point.all.positive for point in seen.points)
    names = ("records",) if plain else FEELINGS   # of an entity no cell knows the feeling
    filling = [point.start_us + seen.step_us > watermark_us for point in seen.points]
    series = [_bars(name, t(name), [_bar(getattr(point.all, name), pale) for point, pale in zip(seen.points, filling, strict=True)])
              for name in names]
    series[-1] |= {"markArea": _shades(seen, alerts), "markPoint": _marks(seen, alerts)}
    return {
        "animation": False, "textStyle": FONT, "grid": {"left": 4, "right": 8, "top": 26, "bottom": 4, "containLabel": True},
        "aria": {"enabled": True, "label": {"description": t("chart_aria", records=seen.all.records)}},
        "tooltip": {
            "trigger": "axis", "axisPointer": {"type": "shadow", "shadowStyle": {"color": "var(--hover)"}}, "confine": True,
            "backgroundColor": "var(--raised)", "borderColor": "var(--line)", "textStyle": {**FONT, "color": "var(--text)"}},
        "xAxis": {
            "type": "category", "data": [clock(point.start_us, seen.step_us, span_us) for point in seen.points],
            "axisLine": {"lineStyle": {"color": "var(--line)"}}, "axisTick": {"show": False},
            "axisLabel": {"color": "var(--muted)", "hideOverlap": True}},
        "yAxis": {
            "type": "value", "minInterval": 1, "splitNumber": 4, "splitLine": {"lineStyle": {"color": "var(--grid)"}},
            "axisLabel": {"color": "var(--muted)"}},
        "series": series}


def _bar(records: int, filling: bool) -> int | dict[str, Any]:
    return {"value": records, "itemStyle": {"opacity": 0.5}} if filling else records


def _bars(name: str, label: str, data: Sequence[int | dict[str, Any]]) -> dict[str, Any]:
    return {"type": "bar", "name": label, "stack": "all", "data": list(data), "barCategoryGap": "18%", "cursor": "pointer",
            "itemStyle": {"color": f"var(--{name})"}, "emphasis": {"disabled": True}}


def _spots(seen: Overview, alerts: Sequence[Told]) -> list[tuple[int, int, Told]]:
    """(first point, last point, the alert that opened it) of each incident that the axis shows."""
    spots: dict[str, tuple[int, int, Told]] = {}
    for alert in alerts:
        first, last = ((to_us(at) - seen.from_us - back) // seen.step_us for at, back in ((alert.opened, 0), (alert.last, 1)))
        if last < 0 or first >= len(seen.points):
            continue
        first, last = max(first, 0), min(last, len(seen.points) - 1)
        had = spots.get(alert.incident)
        spots[alert.incident] = (min(first, had[0]), max(last, had[1]), had[2]) if had else (first, last, alert)
    return list(spots.values())


def _shades(seen: Overview, alerts: Sequence[Told]) -> dict[str, Any]:
    return {"silent": True, "itemStyle": {"color": "var(--shade)"},
            "data": [[{"xAxis": first}, {"xAxis": last}] for first, last, _ in _spots(seen, alerts)]}


def _marks(seen: Overview, alerts: Sequence[Told]) -> dict[str, Any]:
    top = [max((point.all.records for point in seen.points[first:last + 1]), default=0) for first, last, _ in _spots(seen, alerts)]
    return {"silent": True, "symbol": "triangle", "symbolSize": [11, 9], "symbolRotate": 180, "symbolOffset": [0, -9],
            "label": {"show": False}, "itemStyle": {"color": "var(--alert)"},
            "data": [{"coord": [max(range(first, last + 1), key=lambda at: seen.points[at].all.records), records]}
                     for (first, last, _), records in zip(_spots(seen, alerts), top, strict=True)]}


def trend(values: Sequence[int]) -> str:
    """Points of an SVG polyline in a box of WIDTH by HEIGHT."""
    high = max(values, default=0) or 1
    step = WIDTH / max(len(values) - 1, 1)
    return " ".join(f"{at * step:.1f},{HEIGHT - 2 - value / high * (HEIGHT - 4):.1f}" for at, value in enumerate(values))


def grown(before: Sequence[int], now: Sequence[int]) -> float | None:
    """How many times as many records a point there are now as before; None without any before, or without a point now."""
    if not now or not sum(before):
        return None
    return (sum(now) / len(now)) / (sum(before) / len(before))
