"""Losses and class weights."""

import numpy as np
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from models.losses import MOST_WEIGHT, balanced, cross_entropy


def test_rows_without_a_label_do_not_count_and_none_at_all_cost_nothing() -> None:
    logits = tf.constant([[2.0, 1.0], [0.0, 3.0]])
    with_one = cross_entropy(logits, tf.constant([0, -1]), 0.0)
    np.testing.assert_allclose(with_one, -np.log(np.exp(2) / (np.exp(2) + np.exp(1))), rtol=1e-6)
    assert float(cross_entropy(logits, tf.constant([-1, -1]), 0.1)) == 0.0


def test_weights_are_those_of_the_rows_classes() -> None:
    logits = tf.constant([[2.0, 1.0], [0.0, 3.0]])
    each = [float(cross_entropy(logits[i : i + 1], tf.constant([i]), 0.0)) for i in (0, 1)]
    weighed = cross_entropy(logits, tf.constant([0, 1]), 0.0, tf.constant([3.0, 1.0]))
    np.testing.assert_allclose(weighed, (3 * each[0] + each[1]) / 4, rtol=1e-6)


@given(st.lists(st.integers(-1, 4), max_size=200))
def test_balanced_classes_weigh_the_same_in_all_but_for_the_limit(labels: list[int]) -> None:
    weights = balanced(np.array(labels, np.int32), 5)
    sums = [weights[c] * labels.count(c) for c in range(5) if labels.count(c) and weights[c] < MOST_WEIGHT]
    assert np.allclose(sums, sums[0] if sums else 0, rtol=1e-4)
    assert all(weights[c] == 1.0 for c in range(5) if not labels.count(c)) and weights.max(initial=0) <= MOST_WEIGHT
