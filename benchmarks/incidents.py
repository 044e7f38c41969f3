"""Streams of counts with planted incidents, from a seed: what benchmarks/alerts.py judges.

Every stream has some series of windows of a minute, over two days: counts are negative binomial around a level x the shape of a
day (two harmonics, of the series' own) x a slow drift. On the second day one series has an incident of known shape, size and span.
"""
from dataclasses import dataclass

import numpy as np

WINDOW_US, DAY = 60_000_000, 1440
SHAPES = {"step": 30, "ramp": 30, "spike": 2, "silence": 20}   # windows; a ramp takes half of them to reach its factor


@dataclass(frozen=True)
class Incident:
    """Of one series, in windows [start, start + length)."""

    series: int
    shape: str
    factor: float
    start: int
    length: int


@dataclass(frozen=True)
class Stream:
    """counts float64[S, T]."""

    counts: np.ndarray
    incident: Incident | None


def quiet(seed, series, days, mean=20.0):
    """(expected, dispersion): float64[S, T], float64[S, 1]. The mean of a series is `mean`, its dispersion 1.05 to 2."""
    random, at = np.random.default_rng(seed), np.arange(days * DAY) / DAY
    shape = np.ones((series, len(at)))
    for harmonic, most in ((1, 0.5), (2, 0.2)):
        amplitude, phase = random.uniform(0, most, (series, 1)), random.uniform(0, 1, (series, 1))
        shape += amplitude * np.sin(2 * np.pi * harmonic * (at + phase))
    drift = np.cumsum(random.normal(0, 0.02, (series, days * 24)), axis=1)   # 2 % an hour
    drift = np.exp(drift - drift.mean(axis=1, keepdims=True)).repeat(DAY // 24, axis=1)
    expected = shape * drift
    return mean * expected / expected.mean(axis=1, keepdims=True), random.uniform(1.05, 2.0, (series, 1))


def draw(seed, expected, dispersion):
    """Counts."""
    return np.random.default_rng(seed).negative_binomial(expected / (dispersion - 1), 1 / dispersion).astype(np.float64)


def stream(seed, shape, factor, mean=20.0, series=5):
    """One with an incident on its second day, far enough from its end to be over."""
    expected, dispersion = quiet([seed, 0], series, 2, mean)
    random = np.random.default_rng([seed, 1])
    length, which = SHAPES[shape], int(random.integers(series))
    start = DAY + int(random.integers(60, DAY - length - 60))
    times = np.full(length, factor)
    if shape == "ramp":
        times[:length // 2] = np.linspace(1, factor, length // 2 + 1)[1:]
    expected[which, start:start + length] *= times
    return Stream(draw([seed, 2], expected, dispersion), Incident(which, shape, factor, start, length))


def silent(seed, series, days, mean=20.0):
    """One in which nothing happens."""
    return Stream(draw([seed, 2], *quiet([seed, 0], series, days, mean)), None)
