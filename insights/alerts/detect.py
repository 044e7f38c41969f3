"""Which series of a window hold more or fewer than was to be expected: tests of many at once."""
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from insights.alerts import baseline, surprise
from insights.alerts.baseline import Baseline, Floats

Flags = NDArray[np.bool_]

WIDTHS = (1, 2)   # the window alone, and with the one before it: what is too weak for one may be sure in two
WEAK_P = 0.01     # what keeps an alert open: so much surprise in its series alone, and half the change that opens one
UNSURE = 0.07     # standard error of an expected volume, as a share of it: of the day's shape, and of what drifts since the baseline


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """When a change is told. Lengths are in windows.

    false_a_day: windows a day that tell of a change where none was, as expected over all series of a family together.
    lookback: what the baseline rests on; fitted anew every `refit`. gap: the windows just before, which it leaves out, so that a
    slow rise is held against what was before it. warm_up: how many must hold a record. ratio: how many times as much a count must be;
    points: by how much a share must differ. records: how many must have come more than expected, or fewer. widths: so many last
    windows are tested together.
    """

    false_a_day: float = 0.1
    lookback: int = 180
    refit: int = 5
    gap: int = 5
    warm_up: int = 30
    ratio: float = 1.5
    points: float = 0.15
    records: int = 8
    widths: tuple[int, ...] = WIDTHS

    @property
    def past(self) -> int:
        """So many windows before one decide what it says."""
        return self.lookback + self.refit + self.gap


@dataclass(frozen=True, slots=True)
class Signals:
    """What one window says of each series, arrays of length S.

    observed, expected: of the last `width` windows, records. p: of a change as large in a quiet series. size: of the change, 1 is
    the smallest that is told. direction: 1 a rise, -1 a fall. told: large enough, and believed among all series. weak: would do to
    keep an alert open.
    """

    observed: Floats
    expected: Floats
    width: NDArray[np.int64]
    p: Floats
    size: Floats
    direction: NDArray[np.int64]
    told: Flags
    weak: Flags


@dataclass(frozen=True, slots=True)
class _Test:
    """One test of each series: the arrays are of length S."""

    observed: Floats
    expected: Floats
    width: int
    direction: int
    p: Floats
    size: Floats


@dataclass(frozen=True, slots=True)
class Windows:
    """Successive windows. numbers int64[T]: since 1970. alive bool[T]: holds a record at all; one that does not says nothing of rates.

    Judged are those from index `start` on, held against the ones before, of which Sensitivity.past decide. Baselines are fitted at the
    same windows, whatever part of a stream is given.
    """

    numbers: NDArray[np.int64]
    alive: Flags
    start: int
    size_us: int


def volumes(
    counts: Floats, season: Floats, windows: Windows, wanted: Sensitivity, *, distinct: NDArray[np.int64] | None = None,
) -> Iterator[tuple[int, Signals]]:
    """(t, signals) of each window judged, of rises and falls.

    counts float64[S, T]; season float64[S, T], the windows' place in the shape of the day. A series that is newer than the warm-up
    says nothing, nor does one that no two neighbouring windows of its past hold wanted.records times. distinct int64[T]: where series
    that are too rare to be told were left out, how many there are in all: they count among the tests.
    """
    def tests(t: int, fitted: Baseline) -> Iterator[_Test]:
        for width, observed, exposure in _spans(t, wanted.widths, counts, season):
            expected = fitted.rate * exposure
            variance = fitted.dispersion * expected + (fitted.error * exposure) ** 2 + (UNSURE * expected) ** 2
            up, down = observed / expected, expected / np.maximum(observed, 0.5)
            yield _Test(observed, expected, width, 1, surprise.at_least(observed, expected, variance), (up - 1) / (wanted.ratio - 1))
            yield _Test(observed, expected, width, -1, surprise.at_most(observed, expected, variance), (down - 1) / (wanted.ratio - 1))

    for t, fitted, before in _fitted(counts, season, windows, wanted, share=False):
        seen = fitted.windows >= wanted.warm_up
        seen &= (counts[:, before.start:before.stop - wanted.warm_up + 1] > 0).any(axis=1)
        seen &= _frequent(counts[:, before.start:t + 1], wanted)
        yield t, _judge(list(tests(t, fitted)), seen, windows, wanted, _others(distinct, t, seen))


def shares(
    parts: Floats, wholes: Floats, windows: Windows, wanted: Sensitivity, *, both: bool, distinct: NDArray[np.int64] | None = None,
) -> Iterator[tuple[int, Signals]]:
    """The same for shares: `parts` of `wholes`, float64[S, T].

    both: rises and falls, told from a number of points on; else rises only, told from a ratio on.
    """
    def tests(t: int, fitted: Baseline) -> Iterator[_Test]:
        for width, part, whole in _spans(t, wanted.widths, parts, wholes):
            rate, expected = fitted.rate, fitted.rate * whole
            dispersion = fitted.dispersion + whole * fitted.error ** 2 / (rate * (1 - rate))
            risen = surprise.share_at_least(part, whole, rate, dispersion)
            if not both:
                yield _Test(part, expected, width, 1, risen, (part / np.maximum(expected, 1e-12) - 1) / (wanted.ratio - 1))
                continue
            points = part / np.maximum(whole, 1) - rate
            fallen = surprise.share_at_least(whole - part, whole, 1 - rate, dispersion)
            yield _Test(part, expected, width, 1, risen, points / wanted.points)
            yield _Test(part, expected, width, -1, fallen, -points / wanted.points)

    for t, fitted, before in _fitted(parts, wholes, windows, wanted, share=True):
        seen = fitted.windows >= wanted.warm_up
        if both:
            seen &= (wholes[:, t] > 0) & (parts[:, before.start:t + 1] > 0).any(axis=1)
            seen &= _frequent(wholes[:, before.start:t + 1], wanted)
        else:
            seen &= parts[:, t - max(wanted.widths) + 1:t + 1].sum(axis=1) >= wanted.records
        yield t, _judge(list(tests(t, fitted)), seen, windows, wanted, _others(distinct, t, seen))


def _frequent(counts: Floats, wanted: Sensitivity) -> Flags:
    """bool[S]: whether two neighbouring windows hold so many records as may be told."""
    return np.asarray((counts[:, :-1] + counts[:, 1:] >= wanted.records).any(axis=1))


def _others(distinct: NDArray[np.int64] | None, t: int, seen: Flags) -> int:
    return 0 if distinct is None else max(0, int(distinct[t]) - int(seen.sum()))


def _spans(t: int, widths: tuple[int, ...], counts: Floats, exposure: Floats) -> Iterator[tuple[int, Floats, Floats]]:
    for width in widths:
        rows = slice(t - width + 1, t + 1)
        yield width, counts[:, rows].sum(axis=1), exposure[:, rows].sum(axis=1)


def _fitted(
    counts: Floats, exposure: Floats, windows: Windows, wanted: Sensitivity, *, share: bool,
) -> Iterator[tuple[int, Baseline, slice]]:
    """(t, its baseline, the windows that this rests on)."""
    last = None
    for t in range(windows.start, counts.shape[1]):
        since = int(windows.numbers[t]) % wanted.refit
        if last is None or windows.numbers[t] - since != last:
            last = windows.numbers[t] - since
            before = slice(t - since - wanted.gap - wanted.lookback, t - since - wanted.gap)
            fitted = baseline.fit(counts[:, before], exposure[:, before] * windows.alive[before], share=share, frequent=wanted.records)
        yield t, fitted, before


def _judge(tests: list[_Test], seen: Flags, windows: Windows, wanted: Sensitivity, others: int = 0) -> Signals:
    """seen: the series that may be told; `others` more were not even looked at."""
    level = wanted.false_a_day * windows.size_us / baseline.DAY_US
    p = np.stack([test.p for test in tests])
    size = np.stack([test.size for test in tests])
    observed, expected = np.stack([test.observed for test in tests]), np.stack([test.expected for test in tests])
    believed = np.ones_like(p)
    believed[:, seen] = surprise.adjusted(p[:, seen].ravel(), others * len(tests)).reshape(len(tests), -1)
    told = seen & (believed <= level) & (size >= 1) & (np.abs(observed - expected) >= wanted.records)
    weak = (p <= WEAK_P) & (size >= 0.5)
    surest = np.where(told, p - 2, np.where(weak, p - 1, p)).argmin(axis=0)   # of the told ones, else the weak ones, else all
    at = surest, np.arange(p.shape[1])
    width, direction = (np.array([getattr(test, name) for test in tests]) for name in ("width", "direction"))
    return Signals(observed[at], expected[at], width[surest], p[at], size[at], direction[surest], told[at], weak[at])
