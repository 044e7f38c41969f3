"""What a window was expected to hold, from the windows before it: rates of many series at once, with the time of day and over-dispersion.

The counts of a series are taken as quasi-Poisson around rate x exposure, fitted as in the Farrington flexible method (Noufaily et
al., 2013, doi:10.1002/sim.5595): windows that stick out count less, so that an incident does not become its own baseline. The
exposure of a volume is the shape of its day; that of a share is the count that it is a part of, and then the counts are
quasi-binomial.
"""
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Times = NDArray[np.int64]

DAY_US = 86_400_000_000
BINS = 48                 # of a day, for its shape, where windows are that short
OUTLIER = 2.58            # residual, in standard deviations, from which a window counts less
FEW = 2.0                 # records a window, below which most windows say nothing of how far the others may lie out
ROUNDS = 3                # of reweighting
PSEUDO_COUNT = 0.5        # what a series that was never seen is expected to hold, over the whole of its baseline
BORROWED_COUNTS = 20      # a shape that rests on fewer is drawn to that of all series together
BORROWED_WINDOWS = 20     # a dispersion weighs against the pooled one as if that were seen in so many windows


@dataclass(frozen=True, slots=True)
class Baseline:
    """For each series, float64[S]: records per unit of exposure, the standard error of that, and variance / its model's variance.

    windows int64[S]: those that had an exposure.
    """

    rate: Floats
    error: Floats
    dispersion: Floats
    windows: NDArray[np.int64]


def fit(counts: Floats, exposure: Floats, *, share: bool = False, frequent: float = 0) -> Baseline:
    """The baseline of windows. counts, exposure float64[S, L]; a window without exposure says nothing.

    share: counts are parts of the exposure, else of no limit. frequent: what others borrow is that of series of which two neighbouring
    windows hold so many records. Those are known whatever other windows are looked at.
    """
    weights = _middle(counts, exposure)
    for _ in range(ROUNDS):
        exposed = (weights * exposure).sum(axis=1)
        rate = ((weights * counts).sum(axis=1) + PSEUDO_COUNT) / (exposed + (2 * PSEUDO_COUNT if share else 0) + (exposed == 0))
        mean = np.maximum(rate[:, None] * exposure, 1e-12)
        spread = (1 - rate)[:, None] if share else np.ones((len(counts), 1))
        residual = np.abs(1.5 * (counts ** (2 / 3) - mean ** (2 / 3)) / (mean ** (1 / 6) * np.sqrt(spread)))   # Anscombe's
        one, more = _quantiles(residual, exposure, 0.68, 0.90)
        scale = np.maximum(np.where(mean.mean(axis=1, keepdims=True) < FEW, more / 1.645, one), 1.0)
        weights = np.minimum((OUTLIER * scale / np.maximum(residual, 1e-12)) ** 2, 1.0) * (exposure > 0)
    dispersion = _dispersion(counts, mean, spread, weights, frequent)
    error = np.sqrt(dispersion * rate * spread[:, 0] / np.maximum(exposed, 1e-12))
    return Baseline(rate, error, dispersion, (exposure > 0).sum(axis=1))


def _middle(counts: Floats, exposure: Floats) -> Floats:
    """Weight 1 for the middle half of the windows by their rate: what a rate is first taken from, so that no incident is in it."""
    rates = counts / np.maximum(exposure, 1e-12)
    low, high = _quantiles(rates, exposure, 0.25, 0.75)
    return np.asarray(((rates >= low) & (rates <= high) & (exposure > 0)).astype(np.float64))


def _quantiles(values: Floats, exposure: Floats, *parts: float) -> list[Floats]:
    """Of each row's values that have an exposure, float64[S, 1] each; infinite where none has."""
    exposed = (exposure > 0)
    ordered = np.sort(np.where(exposed, values, np.inf), axis=1)
    number = exposed.sum(axis=1, keepdims=True)
    return [np.take_along_axis(ordered, np.maximum((part * (number - 1)).round().astype(np.int64), 0), axis=1) for part in parts]


def _dispersion(counts: Floats, mean: Floats, spread: Floats, weights: Floats, frequent: float) -> Floats:
    """At least 1, drawn to the median of the series that rest on enough records."""
    freedom = np.maximum(weights.sum(axis=1) - 1, 1)
    own = (weights * (counts - mean) ** 2 / (mean * spread)).sum(axis=1) / freedom
    sure = (counts.sum(axis=1) >= counts.shape[1]) & (counts[:, :-1] + counts[:, 1:] >= frequent).any(axis=1)
    pooled = max(1.0, float(np.median(own[sure]))) if sure.any() else 1.0
    return np.asarray(np.maximum(1.0, (freedom * own + BORROWED_WINDOWS * pooled) / (freedom + BORROWED_WINDOWS)))


def bins_of(window_us: int) -> int:
    """How many a day has."""
    return min(BINS, max(1, DAY_US // window_us))


def bin_of(starts_us: Times, bins: int = BINS) -> Times:
    """The bin of the day that windows start in, int64[T]."""
    return starts_us % DAY_US * bins // DAY_US


def day_shapes(sums: Floats, windows: Floats, everything: Floats | None = None) -> Floats:
    """The shape of the day of each series, float64[S, B] with mean 1; flat until each bin was seen.

    sums float64[S, B]: records by bin of the day; windows float64[B]: windows that they came from. A series of few records takes the
    shape of `everything`, float64[B], by default of all these series together.
    """
    if not windows.all():
        return np.ones_like(sums)
    whole = ((sums.sum(axis=0) if everything is None else everything) + 1) / windows
    whole /= whole.mean()
    mean = (sums.sum(axis=1) + PSEUDO_COUNT) / windows.sum()
    borrowed = (BORROWED_COUNTS / mean)[:, None]     # windows that the common shape is worth
    rates = (sums + borrowed * whole * mean[:, None]) / (windows + borrowed)
    return np.asarray(rates / rates.mean(axis=1, keepdims=True))


def season(shapes: Floats, starts_us: Times, window_us: int) -> Floats:
    """The shape at the middle of windows, float64[S, T], in a straight line between the middles of its bins."""
    bins = shapes.shape[1]
    place = ((starts_us + window_us // 2) % DAY_US) / DAY_US * bins - 0.5
    below = np.floor(place).astype(np.int64)
    part = place - below
    return np.asarray(shapes[:, below % bins] * (1 - part) + shapes[:, (below + 1) % bins] * part)
