"""Charts hold what they are given: heights and widths add up, incidents stand where they were, and there is a text for who cannot see."""
from collections.abc import Callable
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.report.charts import HEAD_PX, MOODS, VOLUME_PX, Axis, Mark, bar, levels, mood, spark, thinned, ticks, volume
from insights.board import Feeling

MINUTE = 60_000_000
FEELINGS = st.tuples(*[st.integers(0, 10**6)] * 3).map(lambda parts: Feeling(sum(parts), *parts))


def percent(text: str) -> float:
    return float(text.removesuffix("%"))


@given(st.lists(FEELINGS, min_size=1, max_size=96))
def test_the_bars_stand_on_each_other_and_within_the_chart(points: list[Feeling]) -> None:
    axis = Axis(0, len(points) * MINUTE)
    made = ElementTree.fromstring(volume(axis, points, MINUTE, [], "t", "d"))
    bars = [rect for rect in made.iter("rect") if rect.get("class") in MOODS]

    assert len(bars) == sum(bool(getattr(point, name)) for point in points for name in MOODS)
    largest = max(point.records for point in points)
    heights = sum(float(rect.attrib["height"]) for rect in bars)
    if largest:
        top = max(largest, [*levels(largest)][-1])
        assert heights == pytest.approx(VOLUME_PX * sum(point.records for point in points) / top, abs=0.01 * len(bars))
    for start in {rect.get("x") for rect in bars}:
        foot = float(HEAD_PX + VOLUME_PX)
        for rect in (rect for rect in bars if rect.get("x") == start):
            assert float(rect.attrib["y"]) + float(rect.attrib["height"]) == pytest.approx(foot, abs=0.03)
            foot = float(rect.attrib["y"])
    assert all(0 <= percent(rect.attrib["x"]) <= 100 and float(rect.attrib["y"]) >= 0 for rect in bars)


def test_a_shorter_last_step_is_narrower_and_not_lower() -> None:
    points = [Feeling(60, 60), Feeling(30, 30)]
    first, last = ElementTree.fromstring(volume(Axis(0, 3 * MINUTE), points, 2 * MINUTE, [], "t", "d")).iter("rect")

    assert first.attrib["height"] == last.attrib["height"]
    assert percent(first.attrib["width"]) == pytest.approx(2 * percent(last.attrib["width"]), abs=0.01)


def test_an_incident_is_marked_where_it_was_and_cut_to_the_chart() -> None:
    axis = Axis(100 * MINUTE, 200 * MINUTE)
    marks = [Mark(150 * MINUTE, 160 * MINUTE, "1"), Mark(50 * MINUTE, 110 * MINUTE, "2")]
    for chart in (volume, mood):
        made = ElementTree.fromstring(chart(axis, [Feeling(1, 1)] * 100, MINUTE, marks, "t", "d"))
        bands = [(rect.get("x"), rect.get("width")) for rect in made.iter("rect") if rect.get("class") == "band"]
        assert bands == [("50.000%", "10.000%"), ("0.000%", "10.000%")]


def test_where_nothing_was_said_the_mood_has_a_gap() -> None:
    points = [Feeling(2, 1, 1), Feeling(2, 2), Feeling(), Feeling(1, 0, 1)]
    made = ElementTree.fromstring(mood(Axis(0, 4 * MINUTE), points, MINUTE, [], "t", "d"))

    assert [line.get("points") for line in made.iter("polyline")] == ["12.500,50.00 37.500,0.00", "87.500,100.00 87.500,100.00"]


@given(FEELINGS)
def test_a_bar_is_divided_as_the_records_are(of: Feeling) -> None:
    parts = ElementTree.fromstring(bar(of, "about")).findall("rect")

    assert [part.get("class") for part in parts] == [name for name in MOODS if getattr(of, name)]
    assert sum(percent(part.attrib["width"]) for part in parts) == pytest.approx(100 if of.records else 0, abs=0.05)


@pytest.mark.parametrize("draw", [volume, mood])
def test_a_chart_has_a_title_and_a_description_that_it_names(draw: Callable[..., str]) -> None:
    chart = ElementTree.fromstring(draw(Axis(0, MINUTE), [Feeling()], MINUTE, [], "the title", "the description"))
    title, about = chart[0], chart[1]

    assert (title.tag, about.tag, title.text) == ("title", "desc", "the title")
    assert chart.attrib["aria-labelledby"] == f"{title.attrib['id']} {about.attrib['id']}"
    assert chart.attrib["role"] == "img"


@given(st.floats(1, 1e12))
def test_levels_are_few_and_reach_near_the_largest(largest: float) -> None:
    found = list(levels(largest))

    assert found[0] == 0
    assert 2 <= len(found) <= 5
    assert largest / 2.5 <= found[-1] <= largest


@given(st.integers(-10**15, 4 * 10**15), st.integers(1_000_000, 10**15))
def test_ticks_are_few_and_inside(from_us: int, length_us: int) -> None:
    found = [time_us for time_us, _ in ticks(Axis(from_us, from_us + length_us))]

    assert len(found) <= 34
    assert all(from_us <= time_us <= from_us + length_us for time_us in found)


@given(st.lists(st.integers(0, 1_000), max_size=500))
def test_a_thinned_trend_is_short_and_keeps_its_sum_but_for_a_rest(values: list[int]) -> None:
    found = thinned(values)

    assert len(found) <= 30
    assert sum(found) <= sum(values)
    assert len(values) > 30 or found == values
    assert ElementTree.fromstring(spark(values, "about"))[0].text == "about"
