"""Temperature scaling finds the temperature that probabilities were made with, and changes no answer."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.temperature import COLDEST, HOTTEST, temperature


def softmax(logits: np.ndarray) -> np.ndarray:
    shares = np.exp(logits - logits.max(1, keepdims=True))
    return shares / shares.sum(1, keepdims=True)


@given(st.floats(0.3, 4.0), st.integers(0, 2**32 - 1))
def test_the_temperature_that_labels_were_drawn_at_is_found(true: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    logits = rng.normal(scale=2, size=(4000, 4))
    labels = np.array([rng.choice(4, p=row) for row in softmax(logits / true)])
    found = temperature(softmax(logits).astype(np.float32), labels)
    assert found == pytest.approx(true, rel=0.15)


def test_certainty_that_is_always_right_is_sharpened_and_bounded() -> None:
    shares = np.array([[0.6, 0.4], [0.4, 0.6]], np.float32)
    assert temperature(shares, np.array([0, 1])) == pytest.approx(COLDEST, rel=0.01)
    assert temperature(shares, np.array([1, 0])) == pytest.approx(HOTTEST, rel=0.01)
    assert np.isfinite(temperature(np.array([[1.0, 0.0]], np.float32), np.array([1])))


def test_without_rows_or_with_one_class_nothing_changes() -> None:
    assert temperature(np.zeros((0, 3), np.float32), np.zeros(0, int)) == temperature(np.ones((5, 1), np.float32), np.zeros(5, int)) == 1.0
