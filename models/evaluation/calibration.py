"""Whether answers are right as often as their probability says: reliability bins, expected calibration error, Brier score."""
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from models.evaluation.result import Bin, Calibration

BINS = 15
"""Of equal width, as Guo et al. 2017 take them."""


def of_labels(probabilities: ArrayLike, gold: ArrayLike) -> Calibration:
    """Of a classification: float[N, C], rows of which sum to 1, and class ids int[N]. The answer is the most probable class."""
    shares, true = np.asarray(probabilities, np.float64), np.asarray(gold, np.int64)
    bins = reliability(shares.max(1, initial=0), shares.argmax(1) == true)
    return Calibration(expected_error(bins), brier(shares, true), bins)


def of_spans(scores: ArrayLike, right: ArrayLike) -> Calibration:
    """Of the entities that were found: their scores float[N], and whether each is a gold one bool[N]."""
    confidence, correct = np.asarray(scores, np.float64), np.asarray(right, bool)
    bins = reliability(confidence, correct)
    return Calibration(expected_error(bins), float(np.mean((confidence - correct) ** 2)) if correct.size else 0.0, bins)


def reliability(confidence: ArrayLike, right: ArrayLike, bins: int = BINS) -> list[Bin]:
    """The bins of a reliability diagram: ((m - 1) / bins, m / bins] for m = 1 .. bins, 0 in the first. Empty ones are all 0.

    Source: Guo, Pleiss, Sun, Weinberger, On Calibration of Modern Neural Networks, ICML 2017, section 2.
    """
    sure, correct = np.asarray(confidence, np.float64), np.asarray(right, bool)
    at = np.clip(np.ceil(sure * bins).astype(np.int64) - 1, 0, bins - 1)
    counts = np.bincount(at, minlength=bins)
    means = [np.bincount(at, weights=values, minlength=bins) / np.maximum(counts, 1) for values in (sure, correct)]
    return [Bin(m / bins, (m + 1) / bins, int(counts[m]), float(means[0][m]), float(means[1][m])) for m in range(bins)]


def expected_error(bins: Sequence[Bin]) -> float:
    """The expected calibration error: |accuracy - confidence| of the bins, each weighted by its count (Guo et al. 2017, equation 3)."""
    total = sum(one.count for one in bins)
    return sum(one.count * abs(one.accuracy - one.confidence) for one in bins) / total if total else 0.0


def brier(probabilities: ArrayLike, gold: ArrayLike) -> float:
    """The Brier score (Brier 1950): the squared distance of the probabilities float[N, C] from the truth, summed over classes, 0 to 2."""
    shares, true = np.asarray(probabilities, np.float64), np.asarray(gold, np.int64)
    if not true.size:
        return 0.0
    truth = np.eye(shares.shape[1])[true]
    return float(np.mean(np.sum((shares - truth) ** 2, axis=1)))
