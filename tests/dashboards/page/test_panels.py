"""What the panels say is what the numbers say."""
import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.page.address import View
from dashboards.page.emerging import emerging_panel
from dashboards.page.labels import labels
from dashboards.page.panels import changes_panel, few, moved, named_panel, negative_share, split, topics_panel
from dashboards.page.samples import samples_panel
from dashboards.page.values import name_of
from insights.board import Change, Feeling, Named, Overview, Point, Shown, Slice
from insights.carried import Carrier, Said
from insights.cells import Span
from insights.emerging.say import Member
from insights.emerging.say import Told as Topic
from schemas.records import time_of
from schemas.tagging import SENTIMENTS
from tests.models.seen_page import SeenPage

MINUTE = 60_000_000
EN = labels("en")
COUNTS = st.integers(0, 10_000)
FEELINGS = st.builds(lambda a, b, c: Feeling(a + b + c, a, b, c), COUNTS, COUNTS, COUNTS)


def overview(points=16, **said):
    empty = {"topics": [], "entities": [], "terms": [], "changes": [], "sources": {}, "products": {}, "langs": {}, "samples": []}
    axis = [Point(at * MINUTE, Feeling()) for at in range(points)]
    return Overview(0, points * MINUTE, MINUTE, points, points // 8, Feeling(), axis, **empty | said)


@given(FEELINGS, FEELINGS)
def test_a_mood_moves_only_beyond_chance_and_in_the_direction_of_its_numbers(before, now):
    found = moved(before, now)
    if found is not None:
        assert found == pytest.approx(negative_share(now) - negative_share(before))
        assert abs(found) >= 1


@given(FEELINGS)
def test_a_mood_that_is_the_same_has_not_moved(feeling):
    assert moved(feeling, feeling) is None


def test_ten_records_do_not_move_a_mood_and_a_thousand_do():
    before = Feeling(1_000, 500, 0, 500)
    assert moved(before, Feeling(10, 6, 0, 4)) is None
    assert moved(before, Feeling(1_000, 600, 0, 400)) == pytest.approx(10)


def test_names_that_change_alike_share_a_row():
    changes = [Change(*one) for one in (("term", "card", 9, 1.0), ("term", "declined", 9, 1.0), ("topic", "cards", 9, 1.0),
                                         ("term", "x", 8, 1.0))]
    shown = changes_panel(View(), overview(changes=changes), EN)
    assert shown.count("<li") == 3
    assert "term=card" in shown and "term=declined" in shown


def test_words_leave_room_for_topics():
    changes = [*(Change("term", f"word{n}", 50 + n, 1.0) for n in range(40)), Change("topic", "cards", 30, 9.0)]
    shown = changes_panel(View(), overview(changes=changes), EN)
    assert shown.count("<li") == 3
    assert "topic=cards" in shown and "term=word0" in shown


def test_few_records_have_no_change_in_percent():
    assert few([0] * 14, [2, 2])
    assert few([1] * 14, [0, 0])
    assert few([9] * 14, [])
    assert not few([0] * 14, [3, 2])
    shown = named_panel("entity", View(), overview(entities=[Named("brand\tAcme", Feeling(2), [0] * 15 + [2])]), EN)
    assert '<td class="num "></td>' in shown


def test_what_still_fills_is_neither_now_nor_before():
    seen = overview(16)
    seen.known, seen.recent = 12, 3
    assert split(list(range(16)), seen) == (list(range(9)), [9, 10, 11])
    seen.known, seen.recent = 1, 0
    assert split(list(range(16)), seen) == ([0], [])


@given(st.text(), st.text())
def test_no_name_becomes_markup(name, topic):
    seen = overview(
        topics=[Slice(f"<{topic}>", Feeling(1, 1), {f"<b>{name}": 1})], entities=[Named(f"<i\t<b>{name}", Feeling(1), [1] * 16)],
        changes=[Change("topic", f"<b>{topic}", 9, 1.0)],
        samples=[Shown(f"<b>{name}", 0, f"<b>{name}", f"<b>{topic}", text, "negative", (Span(0, 2, "<b>"),), ((1, 3),))
                 for text in ("", f"<b>{name}")])
    shown = topics_panel(View(), seen, EN) + named_panel("entity", View(), seen, EN) + changes_panel(View(), seen, EN)
    shown += samples_panel(seen.samples, EN)
    assert "<b>" not in shown.replace("<b></b>", "") and "<i\t" not in shown


TEXT = st.text() | st.text("<>&\"'b/😀👍🏽\u200d好 [person]")


@given(TEXT, st.data())
def test_whatever_a_model_marks_in_a_sample_the_text_is_shown_whole_and_as_text(text, data):
    places = st.tuples(st.integers(0, len(text)), st.integers(0, len(text)))
    words = [(*sorted(place), weight) for place, weight in data.draw(st.lists(st.tuples(places, st.floats(0.1, 9)), max_size=5))]
    says = data.draw(st.sampled_from(SENTIMENTS))
    entities = tuple(Span(*sorted(place), "<b>") for place in data.draw(st.lists(places, max_size=2)))
    sample = Shown("e", 0, "posts", "card", text, "negative", entities, ())
    shown = samples_panel([sample], EN, Carrier("<b>fast</b> 1", lambda asked: [Said(says, words)] * len(asked)))
    seen = SeenPage(shown)
    assert {*seen.tags} <= {"div", "h2", "span", "ul", "li", "p", "mark", "strong", "code", "small"}
    assert "".join(seen.text).count("<b>fast</b> 1") == 1
    assert ("by this model" in shown) == (says != "negative" and bool(text))
    read = shown.partition('<p dir="auto">')[2].rpartition("</p>")[0]
    assert html.unescape(re.sub("<[^>]*>", "", read)) == text


def test_with_a_model_the_words_that_it_names_are_bold_and_not_those_that_go_with_the_feeling():
    sample = Shown("e", 0, "posts", "card", "so late again", "negative", (), ((0, 2),))
    carrier = Carrier("fast 1", lambda asked: [Said("neutral", [(3, 7, 2.0), (8, 13, 0.1)])])
    shown = samples_panel([sample], EN, carrier)
    assert re.findall("<strong>(.*?)</strong>", shown) == ["late"]
    assert EN("samples_carried", model="fast 1") in shown and EN("samples_note") not in shown
    assert EN("instead", sentiment="Neutral") in shown
    plain = samples_panel([sample], EN)
    assert re.findall("<strong>(.*?)</strong>", plain) == ["so"]
    assert EN("samples_note") in plain and "model" not in plain


def test_a_source_keeps_its_colour_in_every_topic():
    seen = overview(
        topics=[Slice("a", Feeling(9), {"posts": 1, "tickets": 8}), Slice("b", Feeling(5), {"posts": 5})],
        sources={"tickets": 8, "posts": 6})
    shown = topics_panel(View(), seen, EN)
    assert shown.count("var(--part0)") == 2    # tickets: the legend and one bar
    assert shown.count("var(--part1)") == 3


def test_every_topic_and_type_of_the_models_has_a_name_in_both_languages():
    from dashboards.page.values import VALUES
    from models.taxonomy import TOPICS

    assert {f"topic {topic}" for topic in TOPICS} == {key for key in VALUES if key.startswith("topic ")}
    assert name_of("topic", "top_up", labels("zh")) == "充值"
    assert name_of("topic", "something_else", labels("zh")) == "something_else"
    assert name_of("entity", "person\t王丽", labels("zh")) == "人物 王丽"
    assert name_of("product", "", EN) == "(none)"


def topic(name, *, opened=0, closed=None, into=None, words=(("term", "", "strike"), ("entity", "company", "acme air"))):
    members = [Member(kind=kind, type=typ, text=text, weight=1.0) for kind, typ, text in words]
    return Topic(id=name, name=name, opened=time_of(opened * MINUTE), last=time_of((opened + 9) * MINUTE), records=12, members=members,
                 closed=None if closed is None else time_of(closed * MINUTE), into=into)


def test_open_topics_come_before_the_others_and_those_that_went_into_another_one_are_left_out():
    found = [topic("first", closed=30), topic("second", opened=20, closed=40), topic("open", opened=10),
             topic("gone", into="open", closed=12)]
    shown = emerging_panel(View(), found, True, EN)
    assert re.findall('class="what">([^<]*)<', shown) == ["open", "first", "second"]
    assert "term=strike" in shown and "entity=company%3Aacme+air" in shown


def test_topics_beyond_the_largest_are_counted():
    shown = emerging_panel(View(), [topic(f"t{number}", closed=30) for number in range(7)], True, EN)
    assert shown.count('class="what"') == 4 and EN("more_topics", number=3) in shown


def test_without_topics_the_panel_says_whether_anybody_looked():
    assert EN("no_emerging") in emerging_panel(View(), [], True, EN)
    assert "textpulse topics list" in emerging_panel(View(), [], False, EN)
