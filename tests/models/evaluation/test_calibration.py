"""Calibration: the figures by hand, and what must hold for any answers."""
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.evaluation.calibration import BINS, brier, expected_error, of_labels, of_spans, reliability

SURE = st.floats(0, 1)
ANSWERS = st.lists(st.tuples(SURE, st.booleans()), min_size=1, max_size=60)
ROWS = st.lists(st.tuples(st.lists(st.floats(0.01, 1), min_size=3, max_size=3), st.integers(0, 2)), min_size=1, max_size=40)


def test_the_expected_error_is_that_of_the_worked_example() -> None:
    # Two bins: one of two right at mean confidence 0.4, three of four at 0.9. ECE = 2/6 * |0.5 - 0.4| + 4/6 * |0.75 - 0.9|.
    bins = reliability([0.3, 0.5, 0.8, 0.9, 0.9, 1.0], [True, False, True, True, False, True], bins=2)
    assert [(one.low, one.high, one.count) for one in bins] == [(0, 0.5, 2), (0.5, 1, 4)]
    assert [(one.confidence, one.accuracy) for one in bins] == [pytest.approx((0.4, 0.5)), pytest.approx((0.9, 0.75))]
    assert expected_error(bins) == pytest.approx(2 / 6 * 0.1 + 4 / 6 * 0.15)


@given(ANSWERS)
def test_every_answer_is_in_the_bin_of_its_confidence(answers: list[tuple[float, bool]]) -> None:
    sure, right = zip(*answers, strict=True)
    bins = reliability(sure, right)
    assert len(bins) == BINS == 15
    assert sum(one.count for one in bins) == len(answers)
    assert sum(one.count * one.accuracy for one in bins) == pytest.approx(sum(right))
    for one in bins:
        if one.count:
            assert one.low - 1e-9 <= one.confidence <= one.high + 1e-9
    assert all(before.high == after.low for before, after in pairwise(bins))


@pytest.mark.parametrize(("confidence", "at"), [(0, 0), (0.25, 0), (0.26, 1), (0.5, 1), (0.75, 2), (1, 3)])
def test_a_bin_holds_its_upper_edge_and_not_its_lower_one(confidence: float, at: int) -> None:
    assert [one.count for one in reliability([confidence], [True], bins=4)] == [number == at for number in range(4)]


@given(ANSWERS)
def test_the_expected_error_is_a_share_and_no_less_than_the_gap_over_all(answers: list[tuple[float, bool]]) -> None:
    sure, right = (np.array(values, float) for values in zip(*answers, strict=True))
    error = expected_error(reliability(sure, right))
    assert abs(sure.mean() - right.mean()) - 1e-9 <= error <= 1


@given(ANSWERS)
def test_answers_that_are_right_as_often_as_they_say_have_no_error(answers: list[tuple[float, bool]]) -> None:
    quarters = [round(4 * sure) for sure, _ in answers]
    right = [number < quarter for quarter in quarters for number in range(4)]
    assert expected_error(reliability([quarter / 4 for quarter in quarters for _ in range(4)], right)) == pytest.approx(0)


@given(ROWS)
def test_the_brier_score_is_the_squared_distance_from_the_truth(rows: list[tuple[list[float], int]]) -> None:
    shares = [[value / sum(weights) for value in weights] for weights, _ in rows]
    gold = [label for _, label in rows]
    wanted = [sum((share - (at == label)) ** 2 for at, share in enumerate(row)) for row, label in zip(shares, gold, strict=True)]
    assert brier(shares, gold) == pytest.approx(sum(wanted) / len(wanted))
    assert 0 <= brier(shares, gold) <= 2


def test_the_brier_score_is_nought_for_the_truth_and_two_for_its_opposite() -> None:
    assert brier([[1, 0], [0, 1]], [0, 1]) == 0
    assert brier([[1, 0], [0, 1]], [1, 0]) == 2


def test_the_answer_is_the_most_probable_class() -> None:
    found = of_labels([[0.1, 0.9], [0.6, 0.4]], [1, 1])
    assert [(one.count, one.accuracy) for one in found.bins if one.count] == [(1, 0), (1, 1)]
    assert found.ece == pytest.approx((0.6 + 0.1) / 2)
    assert found.brier == pytest.approx((2 * 0.1**2 + 2 * 0.6**2) / 2)


def test_spans_have_the_brier_score_of_yes_and_no() -> None:
    found = of_spans([0.9, 0.6], [True, False])
    assert found.brier == pytest.approx((0.1**2 + 0.6**2) / 2)
    assert found.ece == pytest.approx((0.1 + 0.6) / 2)


def test_nothing_answered_is_no_error() -> None:
    for found in (of_spans([], []), of_labels(np.zeros((0, 3)), [])):
        assert (found.ece, found.brier) == (0, 0)
        assert not any(one.count for one in found.bins)
