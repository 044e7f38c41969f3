"""How surprising a count or a share is, as the probability of one at least as far out, and which of many to believe."""
import numpy as np
from numpy.typing import NDArray
from scipy import special

Floats = NDArray[np.float64]

POISSON_BELOW = 1.001   # variance / mean up to which a count is taken as Poisson


def at_least(counts: Floats, mean: Floats, variance: Floats) -> Floats:
    """P(N >= count) for negative binomials of this mean (above 0) and variance; Poisson where these are equal."""
    size, odds = _size(mean, variance)
    some = np.maximum(counts, 1e-9)
    tail: Floats = np.where(size > 0, special.betainc(some, np.where(size > 0, size, 1.0), odds), special.gammainc(some, mean))
    return np.asarray(np.where(counts > 0, tail, 1.0))


def at_most(counts: Floats, mean: Floats, variance: Floats) -> Floats:
    """P(N <= count) for the same."""
    size, odds = _size(mean, variance)
    return np.asarray(np.where(
        size > 0, special.betainc(np.where(size > 0, size, 1.0), counts + 1, 1 - odds), special.gammaincc(counts + 1, mean)))


def _size(mean: Floats, variance: Floats) -> tuple[Floats, Floats]:
    """(size, mean / (size + mean)) of negative binomials; size 0 stands for Poisson."""
    over = variance / mean
    size = np.where(over > POISSON_BELOW, mean / np.maximum(over - 1, POISSON_BELOW - 1), 0.0)
    return size, np.where(size > 0, mean / (size + mean), 0.5)


def share_at_least(part: Floats, whole: Floats, share: Floats, dispersion: Floats) -> Floats:
    """P(K >= part) of `whole` records that count with probability `share`, where the variance is `dispersion` times the binomial's.

    By the effective sample size (Rao and Scott, 1992, doi:10.2307/2532311): both counts are divided by the dispersion.
    """
    k, n = part / dispersion, whole / dispersion
    return np.asarray(np.where(k > 0, special.betainc(np.maximum(k, 1e-9), n - k + 1, share), 1.0))


def adjusted(p_values: Floats, others: int = 0) -> Floats:
    """The smallest false discovery rate at which each would be believed (Benjamini and Hochberg, 1995).

    others: further tests, none of which says anything (p = 1).
    """
    order = np.argsort(p_values, kind="stable")
    steps = p_values[order] * (len(p_values) + others) / np.arange(1, len(p_values) + 1)
    found = np.empty_like(p_values)
    found[order] = np.minimum(np.minimum.accumulate(steps[::-1])[::-1], 1.0)
    return found
