"""What a model says of shown texts: asked once, remembered for a while, and marked as whole signs outside of masks."""
import threading
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from insights.carried import Carried, Carrier, Said, carried, whole_signs
from privacy.policy import Mode, Policy
from privacy.redact import Redactor


def marked(text, *words):
    return [text[start:end] for start, end in carried(text, "negative", Said("negative", words)).marks]


def test_words_that_weigh_little_beside_the_heaviest_are_not_marked():
    assert marked("so late again", (3, 7, 4.0), (8, 13, 1.0), (0, 2, 0.9)) == ["late", "again"]
    assert marked("so late again") == []


def test_words_that_overlap_are_one_mark_in_order():
    assert marked("so late again", (8, 13, 1.0), (6, 10, 1.0), (0, 2, 1.0)) == ["so", "e again"]


def test_what_the_model_says_is_told_where_it_is_another_sentiment():
    assert carried("late", "negative", Said("positive", [])).instead == "positive"
    assert carried("late", "negative", Said("negative", [])).instead == ""


@pytest.mark.parametrize("mode", [Mode.MASK, Mode.PSEUDONYM])
def test_nothing_in_a_mask_is_marked(mode):
    redactor = Redactor(Policy(default=mode), b"0" * 16)
    text = redactor.redacted("write to me@example.com now").text
    start, end = text.index("["), text.index("]") + 1
    words = [(at, at + 1, 9.0) for at in range(start, end)]
    assert marked(text, *words, (0, 5, 1.0)) == ["write"]
    assert marked(text, (0, start + 1, 9.0)) == []


THUMB, DARK, COUPLE = "\N{THUMBS UP SIGN}", "\N{EMOJI MODIFIER FITZPATRICK TYPE-4}", "\N{MAN}\u200d\N{WOMAN}"
FLAGS = "\U0001f1e9\U0001f1ea\U0001f1eb\U0001f1f7"   # of two countries


@pytest.mark.parametrize(("text", "word", "whole"), [
    (f"ok {THUMB}{DARK}!", THUMB, THUMB + DARK), (f"a {COUPLE} b", COUPLE[-1], COUPLE), (f"a {COUPLE} b", COUPLE[0], COUPLE),
    ("cafe\u0301s", "cafe", "cafe\u0301"), ("#\ufe0f\u20e3", "#", "#\ufe0f\u20e3"), ("质量很差", "很差", "很差"), ("😀😡", "😡", "😡"),
    (FLAGS, FLAGS[1], FLAGS[:2]), (FLAGS, FLAGS[2], FLAGS[2:])])
def test_a_sign_is_marked_whole(text, word, whole):
    start = text.index(word)
    assert text[slice(*whole_signs(text, start, start + len(word)))] == whole


SIGNS = st.text(st.sampled_from("ab<&好😀👍🏽\u200d\u0301\ufe0f\U0001f1e9\U0001f1ea[]-x")) | st.text()


@given(SIGNS, st.data())
def test_marks_are_in_order_apart_and_cover_what_was_named_outside_of_masks(text, data):
    place = st.tuples(st.integers(0, len(text)), st.integers(0, len(text))).map(sorted)
    words = [(*one, 1.0) for one in data.draw(st.lists(place, max_size=4))]
    marks = carried(text, "negative", Said("negative", words)).marks
    assert all(0 <= start < end <= len(text) for start, end in marks)
    assert all(before[1] <= after[0] for before, after in pairwise(marks))
    if "[" not in text:
        covered = {at for start, end in marks for at in range(start, end)}
        assert {at for start, end, _ in words for at in range(start, end)} <= covered


class Asked:
    """Says that each text is positive for its first character; keeps what it was asked."""

    def __init__(self):
        self.asked = []

    def __call__(self, texts):
        self.asked.append([*texts])
        return [Said("positive", [(0, 1, 1.0)]) for _ in texts]


def test_a_text_is_asked_once_together_with_the_other_new_ones():
    ask = Asked()
    carrier = Carrier("fast 1", ask)
    first = carrier.of([("a", "positive"), ("b", "positive"), ("a", "positive")])
    assert first == [Carried(((0, 1),))] * 3
    assert carrier.of([("b", "positive"), ("b", "negative"), ("c", "positive")])[1] == Carried(((0, 1),), "positive")
    assert ask.asked == [[("a", "positive"), ("b", "positive")], [("b", "negative"), ("c", "positive")]]


def test_a_sample_without_a_text_is_not_asked():
    ask = Asked()
    assert Carrier("fast 1", ask).of([("", ""), ("", "negative"), ("a", "")]) == [Carried()] * 3
    assert ask.asked == []


def test_what_was_asked_for_longest_ago_is_forgotten_first():
    ask = Asked()
    carrier = Carrier("fast 1", ask, most=2)
    for text in "abacba":   # when c comes, b is the older one
        carrier.of([(text, "positive")])
    assert ["".join(text for text, _ in asked) for asked in ask.asked] == ["a", "b", "c", "b", "a"]
    assert len(carrier.of([(text, "positive") for text in "wxyz"])) == 4


def test_an_answer_that_fails_is_asked_again():
    def fail(texts):
        raise ValueError("no")

    carrier = Carrier("fast 1", fail)
    for _ in range(2):
        with pytest.raises(ValueError, match="no"):
            carrier.of([("a", "positive")])


def test_whoever_asks_at_the_same_time_asks_the_model_once():
    ask = Asked()
    carrier = Carrier("fast 1", ask)
    threads = [threading.Thread(target=carrier.of, args=([("a", "positive")],)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ask.asked == [[("a", "positive")]]
