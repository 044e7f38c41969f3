"""Charts as inline SVG. What depends on the width is in percent, so that letters keep their size on a phone and on paper."""
import itertools
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from dashboards.report.markup import Inside, Markup, tag
from insights.board import Feeling
from schemas.records import time_of

VOLUME_PX, MOOD_PX, AXIS_PX, HEAD_PX = 180, 64, 20, 18
MOST_TICKS = 6
MINUTE_US, DAY_US, MONTH_US = 60_000_000, 86_400_000_000, 2_592_000_000_000
STEPS_S = (1, 5, 10, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800, 1_209_600,
           2_592_000, 7_776_000, 31_536_000)
MOODS = ("negative", "neutral", "positive")
COLOURS = {"negative": "#c4552d", "neutral": "#b9c0c9", "positive": "#2f7fb5"}   # also without the page's style
SPARK_POINTS = 30


class Mark(NamedTuple):
    """An incident on the time axis."""

    from_us: int
    to_us: int
    label: str


class Axis(NamedTuple):
    """The time axis."""

    from_us: int
    to_us: int

    def at(self, time_us: int) -> str:
        """Where a time stands."""
        part = (time_us - self.from_us) / (self.to_us - self.from_us)
        return f"{100 * min(max(part, 0), 1):.3f}%"

    def width(self, from_us: int, to_us: int) -> str:
        """How much room a span takes, of which what is outside is cut."""
        inside = max(min(to_us, self.to_us) - max(from_us, self.from_us), 0)
        return f"{100 * inside / (self.to_us - self.from_us):.3f}%"


def volume(axis: Axis, points: Sequence[Feeling], step_us: int, marks: Sequence[Mark], title: str, about: str) -> Markup:
    """Records of each step in stacked bars, negative ones at the bottom, incidents marked. A shorter last step is scaled to a whole one."""
    largest = max((_scaled(axis, points, step_us, at) for at in range(len(points))), default=0) or 1
    lines = list(levels(largest))
    top = max(largest, lines[-1])
    bottom = HEAD_PX + VOLUME_PX
    return _chart(
        "volume", bottom + AXIS_PX, title, about, [_band(axis, mark, bottom) for mark in marks],
        [_level(f"{level:,}", bottom - VOLUME_PX * level / top) for level in lines],
        [_stack(axis, points, step_us, at, top) for at in range(len(points))], _time_axis(axis, bottom))


def mood(axis: Axis, points: Sequence[Feeling], step_us: int, marks: Sequence[Mark], title: str, about: str) -> Markup:
    """The negative share of each step, as a line with a gap where there are no records."""
    bottom = HEAD_PX // 2 + MOOD_PX
    runs: list[list[str]] = [[]]
    for at, point in enumerate(points):
        if not point.records:
            runs.append([])
            continue
        middle = axis.from_us + at * step_us + min(step_us, axis.to_us - axis.from_us - at * step_us) // 2
        runs[-1].append(f"{axis.at(middle).removesuffix('%')},{100 - 100 * point.negative / point.records:.2f}")
    lines = [
        tag("polyline", points=" ".join(run if len(run) > 1 else run * 2), class_="mood", fill="none", stroke=COLOURS["negative"],
            stroke_width=2, stroke_linecap="round", stroke_linejoin="round", vector_effect="non-scaling-stroke")
        for run in runs if run]
    plot = tag("svg", lines, x=0, y=HEAD_PX // 2, width="100%", height=MOOD_PX, viewBox="0 0 100 100", preserveAspectRatio="none",
               overflow="visible")
    return _chart("share", bottom + 4, title, about, [_band(axis, mark, bottom, named=False) for mark in marks],
                  [_level(f"{level}%", bottom - MOOD_PX * level / 100) for level in (0, 50, 100)], plot)


def bar(of: Feeling, about: str) -> Markup:
    """The three sentiments as parts of one bar."""
    parts, reached = [], 0
    for name in MOODS:
        part = getattr(of, name)
        if part:
            parts.append(tag("rect", x=f"{100 * reached / of.records:.2f}%", y=0, width=f"{100 * part / of.records:.2f}%", height=10,
                             class_=name, fill=COLOURS[name]))
        reached += part
    return tag("svg", tag("title", about), parts, class_="bar", role="img", width="100%", height=10)


def spark(trend: Sequence[int], about: str) -> Markup:
    """A small line of how a number went."""
    values = thinned(trend)
    top = max(values, default=0) or 1
    last = max(len(values) - 1, 1)
    spots = [f"{100 * at / last:.1f},{18 - 16 * value / top:.1f}" for at, value in enumerate(values)]
    line = tag("polyline", points=" ".join(spots), class_="trend", fill="none", stroke="#5b6470", stroke_width=1.5,
               stroke_linejoin="round", vector_effect="non-scaling-stroke")
    area = tag("path", d=f"M0,20 L{' L'.join(spots)} L100,20 Z", class_="under", fill="#e6e9ee")
    return tag("svg", tag("title", about), area, line, class_="spark", role="img", width=96, height=20, viewBox="0 0 100 20",
               preserveAspectRatio="none")


def thinned(values: Sequence[int], most: int = SPARK_POINTS) -> list[int]:
    """At most so many values: the sums of neighbours. A shorter rest at the end is left out."""
    size = -(-len(values) // most)
    return [sum(values[at:at + size]) for at in range(0, len(values) - size + 1, size)] if size > 1 else list(values)


def levels(largest: float) -> Iterator[int]:
    """Round numbers from 0 up to the largest, two to five of them."""
    size = next(size for power in itertools.count() for size in (10**power, 2 * 10**power, 5 * 10**power) if largest / size < 5)
    yield from range(0, int(largest) + 1, size)


def ticks(axis: Axis) -> Iterator[tuple[int, str]]:
    """(time, label) at round times: a day at midnight, else the time of day."""
    length = axis.to_us - axis.from_us
    step = 1_000_000 * next((step for step in STEPS_S if length <= MOST_TICKS * step * 1_000_000), STEPS_S[-1])
    for time_us in range(-(-axis.from_us // step) * step, axis.to_us + 1, step):
        form = "%Y-%m-%d" if step > MONTH_US else "%m-%d" if time_us % DAY_US == 0 else "%H:%M" if time_us % MINUTE_US == 0 else "%H:%M:%S"
        yield time_us, time_of(time_us).strftime(form)


def _chart(name: str, height: int, title: str, about: str, *inside: Inside) -> Markup:
    return tag("svg", tag("title", title, id=f"{name}-title"), tag("desc", about, id=f"{name}-about"), inside, class_="chart", role="img",
               aria_labelledby=f"{name}-title {name}-about", width="100%", height=height)


def _scaled(axis: Axis, points: Sequence[Feeling], step_us: int, at: int) -> float:
    """Records of a step, as of a whole one."""
    return points[at].records * step_us / min(step_us, axis.to_us - axis.from_us - at * step_us)


def _stack(axis: Axis, points: Sequence[Feeling], step_us: int, at: int, top: float) -> list[Markup]:
    point, start = points[at], axis.from_us + at * step_us
    if not point.records:
        return []
    unit = VOLUME_PX * _scaled(axis, points, step_us, at) / (point.records * top)
    made, y = [], float(HEAD_PX + VOLUME_PX)
    for name in MOODS:
        height = unit * getattr(point, name)
        y -= height
        if height:
            made.append(tag("rect", x=axis.at(start), y=y, width=axis.width(start, start + step_us), height=height, class_=name,
                            fill=COLOURS[name]))
    return made


def _band(axis: Axis, mark: Mark, bottom: int, *, named: bool = True) -> Markup:
    x, width = axis.at(mark.from_us), axis.width(mark.from_us, mark.to_us)
    band = tag("rect", x=x, y=HEAD_PX if named else HEAD_PX // 2, width=width, height=bottom - (HEAD_PX if named else HEAD_PX // 2),
               class_="band", fill="#7a4fa3", fill_opacity=0.16)
    edge = tag("line", x1=x, x2=x, y1=HEAD_PX - 4 if named else HEAD_PX // 2, y2=bottom, class_="edge", stroke="#7a4fa3")
    label = tag("text", mark.label, x=x, y=HEAD_PX - 7, class_="mark", fill="#7a4fa3", font_size=12, font_weight="bold") if named else ""
    return tag("g", band, edge, label)


def _level(label: str, y: float) -> Markup:
    return tag("g", tag("line", x1=0, x2="100%", y1=y, y2=y, class_="grid", stroke="#d9dde3"),
               tag("text", label, x=-6, y=y + 4, text_anchor="end", class_="tick", fill="#5b6470", font_size=11))


def _time_axis(axis: Axis, bottom: int) -> list[Markup]:
    made = []
    for at, (time_us, label) in enumerate(ticks(axis)):
        part = (time_us - axis.from_us) / (axis.to_us - axis.from_us)
        anchor = "start" if part < 0.03 else "end" if part > 0.97 else "middle"
        made.append(tag("text", label, x=axis.at(time_us), y=bottom + 15, text_anchor=anchor, class_="tick minor" if at % 2 else "tick",
                        fill="#5b6470", font_size=11))
    return made
