"""Which names are in clearly more or fewer records of late."""
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from insights.board.axis import Axis
from insights.board.types import CHANGES, LEAST_CHANGE, LEAST_SCORE, Change

Halves = NDArray[np.int64]   # [2, names]: records before the recent steps, and in them


def pace(axis: Axis, first_us: int, end_us: int) -> float | None:
    """How long the recent steps are against those before, of the time from first_us to end_us; None when either has none."""
    before = min(axis.recent_us, end_us) - max(axis.start_us, first_us)
    recent = min(axis.end_us, end_us) - max(axis.recent_us, first_us)
    return recent / before if before > 0 and recent > 0 else None


def changes(counts: Iterable[tuple[str, Sequence[str], Halves]], pace: float) -> list[Change]:
    """The CHANGES most surprising, of (dimension, names, halves).

    A score is the change over its standard deviation for Poisson counts, where the expectation is a count too; one record is added to
    the variance, for names that were not there before.
    """
    found: list[tuple[float, Change]] = []
    for dimension, names, (before, observed) in counts:
        expected = before * pace
        change = np.abs(observed - expected)
        score = change / np.sqrt(expected * (1 + pace) + 1)
        for place in np.flatnonzero((change >= LEAST_CHANGE) & (score >= LEAST_SCORE)).tolist():
            found.append((float(score[place]), Change(dimension, names[place], int(observed[place]), float(expected[place]))))
    found.sort(key=lambda one: (-one[0], one[1].dimension, one[1].name))
    return [change for _, change in found[:CHANGES]]
