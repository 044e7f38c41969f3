"""Which names are in clearly more or fewer records of late."""
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from insights.board.axis import Axis
from insights.board.types import CHANGES, LEAST_CHANGE, LEAST_SCORE, Change

Parts = NDArray[np.int64]   # [3, names]: records before the recent steps, in them, and after them


def pace(axis: Axis, first_us: int, end_us: int) -> float | None:
    """How long the recent steps are against those before, of the time from first_us to end_us; None when either has none."""
    before = min(axis.recent_us, end_us) - max(axis.start_us, first_us)
    recent = min(axis.known_us, end_us) - max(axis.recent_us, first_us)
    return recent / before if before > 0 and recent > 0 else None


def changes(counts: Iterable[tuple[str, Sequence[str], Parts]], pace: float) -> list[Change]:
    """The CHANGES most surprising, of (dimension, names, parts).

    pace: how long the recent time is against the one before. A score is the change over its standard deviation if both counts were
    Poisson's of one rate; this ranks, and is no test of many as alerts are.
    """
    found: list[tuple[float, str, str, int, float]] = []
    for dimension, names, (before, observed, _) in counts:
        expected = before * pace
        change = np.abs(observed - expected)
        score = change / np.sqrt(np.maximum(pace * (before + observed), 1e-9))
        for place in np.flatnonzero((change >= LEAST_CHANGE) & (score >= LEAST_SCORE)).tolist():
            found.append((-float(score[place]), dimension, names[place], int(observed[place]), float(expected[place])))
    return [Change(*change[1:]) for change in sorted(found)[:CHANGES]]
