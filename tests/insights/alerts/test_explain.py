"""A reason names who changed more than the whole did, with numbers that add up."""
import pytest
from hypothesis import given
from hypothesis import strategies as st

from insights.alerts.explain import PARTS, Tally, explain
from insights.alerts.judge import Kind, Series, Signal
from insights.alerts.say import what, why
from insights.cells import Cell, Text
from insights.queries import CellKey

MINUTE = 60_000_000


def cell(source, topic, records, negative=0, product="shop", lang="en", window=0, **words):
    return (CellKey(window * MINUTE, source, product, lang, topic),
            Cell(records, negative, 0, records - negative, samples=((records, f"{source} {topic}"),), **words))


def signal(kind, series, observed, expected, whole=0, width=1):
    return Signal(kind, series, True, width, observed, expected, whole, 1e-9, 3.0)


USUAL = [cell("reviews", "food", 10, terms={"soup": (0, 0, 2)}), cell("reviews", "film", 30), cell("tickets", "bank", 40)]
NOW = [cell("reviews", "food", 40, terms={"soup": (20, 0, 10)}), cell("reviews", "film", 32), cell("tickets", "bank", 41)]


def tally(rows, kind, series):
    made = Tally(kind, series)
    for key, cell in rows:
        made.add(key, cell)
    return made


def reason(kind, series, observed, expected, now=NOW, usual=USUAL):
    return explain(signal(kind, series, observed, expected), tally(now, kind, series), tally(usual, kind, series))


def test_a_spike_is_explained_by_the_topic_and_the_term_it_came_from():
    found = reason(Kind.SPIKE, Series("source", "reviews"), 72, 40.0)

    assert [(one.dimension, one.value, one.observed, one.expected) for one in found.contributors] == [
        ("topic", "food", 40, 10.0), ("term", "soup", 30, 2.0)]
    assert found.contributors[0].part == pytest.approx(30 / 32)
    assert [sample.id for sample in found.samples] == ["reviews film", "reviews food"]


def test_a_worse_mood_is_explained_by_negative_records_alone():
    usual = [cell("tickets", "bank", 40, 4), cell("tickets", "card", 40, 4, terms={"fine": (0, 0, 40)})]
    now = [cell("tickets", "bank", 40, 4),
           cell("tickets", "card", 40, 30, terms={"fine": (0, 0, 40), "lost": (30, 0, 0)}, entities={"organisation\tAcme": 35})]

    found = reason(Kind.WORSE, Series("source", "tickets"), 34, 8.0, now, usual)

    assert [(one.dimension, one.value, one.observed) for one in found.contributors] == [("topic", "card", 30), ("term", "lost", 30)]


def test_a_silence_is_explained_by_who_is_missing():
    now = [cell("reviews", "film", 30), cell("tickets", "bank", 40)]

    found = reason(Kind.SILENCE, Series("source", "reviews"), 30, 40.0, now)

    assert ("topic", "food", 0, 10.0) in [(one.dimension, one.value, one.observed, one.expected) for one in found.contributors]


def test_of_a_word_nothing_is_said_that_cells_do_not_hold():
    found = reason(Kind.TERM, Series("term", "soup"), 30, 2.0)

    assert {one.dimension for one in found.contributors} <= set(PARTS)
    assert found.samples == ()


def shown(key, cell, *texts):
    """The cell with samples of these (text, sentiment)."""
    cell.samples = tuple((at, text) for at, (text, _) in enumerate(texts))
    cell.texts = {text: Text(text, felt) for text, felt in texts}
    return key, cell


def test_samples_are_of_the_records_in_question():
    rows = [shown(*cell("tickets", "card", 40, 30, terms={"lost": (30, 0, 0)}, entities={"organisation\tacme corp": 9}),
                  ("Acme  Corp is fine", 2), ("lost again", 0), ("glosty", 1))]
    said = {kind: [sample.id for sample in reason(kind, series, 34, 8.0, rows, []).samples] for kind, series in [
        (Kind.WORSE, Series()), (Kind.BETTER, Series()), (Kind.TERM, Series("term", "lost")),
        (Kind.ENTITY, Series("entity", "organisation\tacme corp"))]}

    assert said == {Kind.WORSE: ["lost again"], Kind.BETTER: ["Acme  Corp is fine"], Kind.TERM: ["lost again"],
                    Kind.ENTITY: ["Acme  Corp is fine"]}


def test_samples_that_hold_what_the_change_came_from_come_first():
    rows = [*USUAL, shown(*cell("reviews", "film", 60, terms={"flood": (0, 60, 0)}), ("a", 1), ("b", 1), ("c", 1)),
            shown(*cell("reviews", "film", 30, terms={"flood": (0, 30, 0)}), ("z the Flood", 1))]

    found = reason(Kind.SPIKE, Series(), 170, 80.0, rows)

    assert [sample.id for sample in found.samples] == ["z the Flood", "a", "b"]


parts = st.lists(st.builds(
    cell, st.sampled_from(["reviews", "tickets"]), st.sampled_from(["food", "film", "bank"]), st.integers(0, 50),
    product=st.sampled_from(["shop", "bank"]), lang=st.sampled_from(["en", "zh"])), max_size=8)


@given(parts, parts, st.sampled_from([Series(), Series("source", "reviews"), Series("topic", "food")]))
def test_the_parts_of_each_dimension_add_up_to_the_change(now, usual, series):
    of_now, of_usual = tally(now, Kind.SPIKE, series), tally(usual, Kind.SPIKE, series)
    if not of_usual.total:
        return
    for name in PARTS:
        assert sum(of_now.of[name].values()) == of_now.total
        assert sum(of_usual.of[name].values()) == of_usual.total
    found = explain(signal(Kind.SPIKE, series, of_now.total, of_usual.total * 0.5), of_now, of_usual)
    for name in PARTS:
        assert len([one for one in found.contributors if one.dimension == name]) <= 3
    assert all(one.dimension != series.dimension for one in found.contributors)


@pytest.mark.parametrize(("kind", "series", "width", "whole", "said"), [
    (Kind.SPIKE, Series(), 1, 0, "all: 60 records in 1 min, 20.4 expected"),
    (Kind.SILENCE, Series("product", ""), 2, 0, "product (none): 60 records in 2 min, 20.4 expected"),
    (Kind.WORSE, Series("source", "tickets"), 1, 80, "source tickets: 60 negative of 80 records in 1 min (75%), 26% expected"),
    (Kind.ENTITY, Series("entity", "organisation\tAcme"), 1, 80, "entity organisation Acme: 60 of 80 records in 1 min (75%), 26% expected"),
])
def test_an_alert_says_in_words_what_changed(kind, series, width, whole, said):
    assert what(signal(kind, series, 60, 20.4, whole, width), MINUTE) == said


def test_the_reason_says_the_largest_part_first():
    assert why(reason(Kind.SPIKE, Series("source", "reviews"), 72, 40.0), more=True) == ["topic food 40 for 10.0", "term soup 30 for 2.0"]
