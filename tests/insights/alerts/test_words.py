"""Columns of numbers say what mappings of words say."""
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from insights.alerts.words import Vocabulary, of, together

mappings = st.dictionaries(st.text("ab安", max_size=3), st.integers(1, 1_000), max_size=8)


@given(st.lists(mappings, max_size=4))
def test_what_is_packed_is_unpacked(many):
    words = Vocabulary()

    assert [words.unpack(packed) for packed in [words.pack(mapping) for mapping in many]] == many


@given(mappings, mappings)
def test_together_is_the_sum(first, second):
    words = Vocabulary()

    assert words.unpack(together(words.pack(first), words.pack(second))) == Counter(first) + Counter(second)


@given(mappings, mappings)
def test_of_is_a_lookup(here, asked):
    words = Vocabulary()
    packed, _ = words.pack(here), words.pack(asked)

    assert of(packed, words.numbers(asked)).tolist() == [here.get(name, 0) for name in asked]
