"""The words that go with a feeling are those that the counts say, and stand where they are said to."""
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from insights.telling import LEAST_TEXTS, MOST, telling, terms_of

WHOLE = (30, 40, 30)
COUNTS = {"lost": (20, 0, 0), "great": (0, 0, 20), "card": (10, 13, 10), "rare": (1, 0, 0), "太差": (15, 1, 0), "差劲": (9, 0, 0)}


def words(text, feeling):
    return [text[start:end] for start, end in telling(text, feeling, COUNTS, WHOLE)]


@pytest.mark.parametrize(("text", "feeling", "said"), [
    ("My Card is LOST, great", 0, ["LOST"]), ("My Card is LOST, great", 2, ["great"]), ("My card is lost", 1, []),
    ("a rare card", 0, []), ("服务太差劲", 0, ["太差劲"]), ("lostLost", 0, []), ("", 0, [])])
def test_words_whose_texts_feel_so_more_often_than_all_are_telling(text, feeling, said):
    assert words(text, feeling) == said


def test_terms_stand_where_cells_count_them():
    text = "The Wi-Fi at酒店的服务 isn't OK"
    assert [(term, text[start:end]) for start, end, term in terms_of(text)] == [("酒店", "酒店"), ("服务", "服务")]


def test_no_more_than_the_most_telling_are_named():
    names = ["aaa", "bbb", "ccc", "ddd", "eee"]
    counts = {name: (10 + at, 0, 0) for at, name in enumerate(names)}
    assert telling(" ".join(names), 0, counts, WHOLE) == ((4, 7), (8, 11), (12, 15), (16, 19))
    assert MOST == 4


triples = st.tuples(st.integers(0, 50), st.integers(0, 50), st.integers(0, 50))
words_of = st.sampled_from(["lost", "great", "card", "酒店", "太差", "!", "  ", "\n"])


@given(st.lists(words_of).map(" ".join), st.dictionaries(words_of, triples), triples, st.integers(0, 2))
def test_places_are_in_order_apart_and_hold_terms_with_a_lift(text, counts, whole, feeling):
    found = telling(text, feeling, counts, whole)

    assert all(0 <= start < end <= len(text) for start, end in found)
    assert all(a[1] < b[0] for a, b in itertools.pairwise(found))
    for start, end in found:
        inside = [term for at, to, term in terms_of(text) if start <= at and to <= end]
        assert any(counts.get(term, (0, 0, 0))[feeling] >= LEAST_TEXTS for term in inside)
