"""Words are one group that stand in the same records, or in records of one event; not those that only rise at the same time and place."""
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from insights.emerging.together import groups

PLACES, WINDOWS = 6, 30
STRIKE, STORM = dict.fromkeys(("strike", "pilots", "union"), 0.6), dict.fromkeys(("storm", "snow", "roads"), 0.6)
COMMON = dict.fromkeys(("please", "monday", "thanks", "morning"), 0.05)


def event(random, many, parts, begin=15):
    """Texts (place, window, their words) of an event from a window on: each word is in its part of them, as it likes."""
    return [(int(random.integers(PLACES)), int(random.integers(begin, WINDOWS)), {word for word in parts if random.random() < parts[word]})
            for _ in range(many)]


def ordinary(random, level, parts, jumps=0.0):
    """Texts of every place and window. jumps: of the logarithm of their number."""
    return [(place, window, {word for word in parts if random.random() < parts[word]})
            for place in range(PLACES) for window in range(WINDOWS)
            for _ in range(random.poisson(level * np.exp(jumps * random.normal())))]


def partition(texts, words):
    """The sets of words that are together."""
    counts, volumes = np.zeros((len(words), PLACES, WINDOWS)), np.zeros((PLACES, WINDOWS))
    for place, window, said in texts:
        volumes[place, window] += 1
        for word in said:
            counts[words.index(word), place, window] += 1
    of_word = groups(counts, volumes, volumes.sum())
    return {frozenset(word for word, number in zip(words, of_word, strict=True) if number == wanted) for wanted in of_word}


def mostly(texts_of, words, wanted):
    """Counts are noisy: in at least nine streams of ten. texts_of: random -> texts."""
    return sum(partition(texts_of(np.random.default_rng(seed)), list(words)) == wanted for seed in range(20)) >= 18


def test_the_sides_of_an_event_are_one_group_though_few_texts_hold_two_of_them():
    """Each side is said in less than half of the texts, with a word that goes with it: words of two sides share few texts."""
    sides = {"cancelled": "flight", "waiting": "hours", "hold": "phone"}

    def texts(random):
        said = event(random, 400, dict.fromkeys(sides, 0.45))
        return ordinary(random, 5, {}) + [(place, window, of_text | {sides[word] for word in sorted(of_text) if random.random() < 0.7})
                                          for place, window, of_text in said]

    assert mostly(texts, [*sides, *sides.values()], {frozenset([*sides, *sides.values()])})


@pytest.mark.parametrize(("many", "level", "jumps"), [(300, 5, 0.0), (3000, 20, 0.0), (600, 20, 0.3)])
def test_two_events_at_one_time_and_place_are_two_groups(many, level, jumps):
    def texts(random):
        both = dict.fromkeys([*STRIKE, *STORM], 0.05) if jumps else {}
        return ordinary(random, level, both, jumps) + event(random, many, STRIKE) + event(random, many, STORM)

    assert mostly(texts, [*STRIKE, *STORM], {frozenset(STRIKE), frozenset(STORM)})


@pytest.mark.parametrize("jumps", [0.0, 0.5])
def test_words_that_texts_hold_as_they_like_stay_alone_however_the_number_of_texts_jumps(jumps):
    def texts(random):
        return ordinary(random, 40, COMMON, jumps) + event(random, 1000, dict.fromkeys(COMMON, 0.1))

    assert mostly(texts, COMMON, {frozenset([word]) for word in COMMON})


@pytest.mark.parametrize("words", [[], ["one"]])
def test_fewer_than_two_words_are_no_group_of_two(words):
    assert groups(np.zeros((len(words), PLACES, WINDOWS)), np.zeros((PLACES, WINDOWS)), 0).tolist() == [0] * len(words)


def test_words_that_no_record_of_the_last_windows_holds_stay_alone():
    assert partition([], ["a", "b", "c"]) == {frozenset("a"), frozenset("b"), frozenset("c")}


few_texts = st.lists(st.tuples(st.integers(0, PLACES - 1), st.integers(0, WINDOWS - 1), st.sets(st.sampled_from("abcdef"))), max_size=80)


@given(few_texts)
def test_every_word_is_in_one_group(texts):
    assert sorted(word for group in partition(texts, list("abcdef")) for word in group) == list("abcdef")
