import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.scores import class_scores, span_scores

SPAN = st.tuples(st.integers(0, 2), st.integers(0, 3), st.integers(4, 6))


def test_class_scores_give_the_figures_of_the_textbook_example() -> None:
    # scikit-learn's own example of f1_score: macro 0.26666..., accuracy 1/3.
    scores = class_scores([0, 1, 2, 0, 1, 2], [0, 2, 1, 0, 0, 1])
    assert scores.macro_f1 == pytest.approx(0.8 / 3)
    assert scores.accuracy == pytest.approx(1 / 3)


def test_macro_f1_is_the_mean_over_the_classes_that_gold_has() -> None:
    assert class_scores([0, 0], [0, 1]).macro_f1 == pytest.approx(2 / 3)
    assert class_scores([0, 1], [0, 0]).macro_f1 == pytest.approx((2 / 3 + 0) / 2)


def test_span_scores_give_the_figures_of_seqevals_example() -> None:
    # seqeval's readme: O O O B-MISC I-MISC I-MISC O | B-PER I-PER against a MISC that starts one earlier: 0.50.
    gold = [[(1, 3, 6)], [(0, 0, 2)]]
    predicted = [[(1, 2, 6)], [(0, 0, 2)]]
    scores = span_scores(gold, predicted)
    assert (scores.precision, scores.recall, scores.f1) == (0.5, 0.5, 0.5)


def test_a_span_of_the_wrong_type_or_text_does_not_count() -> None:
    assert span_scores([[(0, 0, 2)], []], [[(1, 0, 2)], [(0, 0, 2)]]).f1 == 0


def test_precision_and_recall_are_not_swapped() -> None:
    scores = span_scores([[(0, 0, 1), (0, 2, 3)]], [[(0, 0, 1)]])
    assert (scores.precision, scores.recall) == (1.0, 0.5)
    assert scores.f1 == pytest.approx(2 / 3)


def test_scores_of_nothing_are_zero() -> None:
    assert span_scores([[]], [[]]).f1 == 0
    assert class_scores([], []).accuracy == 0


@given(st.lists(st.lists(SPAN, unique=True), max_size=4))
def test_gold_scores_one_against_itself(gold: list[list[tuple[int, int, int]]]) -> None:
    assert span_scores(gold, gold).f1 == (1.0 if any(gold) else 0.0)


@given(st.lists(st.tuples(st.lists(SPAN, unique=True), st.lists(SPAN, unique=True)), max_size=4))
def test_f1_is_the_harmonic_mean_of_precision_and_recall(pairs: list[tuple[list, list]]) -> None:
    scores = span_scores([gold for gold, _ in pairs], [predicted for _, predicted in pairs])
    total = scores.precision + scores.recall
    assert scores.f1 == pytest.approx(2 * scores.precision * scores.recall / total if total else 0.0)
