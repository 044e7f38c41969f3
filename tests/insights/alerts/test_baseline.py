"""A baseline finds the rate that counts were drawn with, and an incident does not become its own baseline."""
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from insights.alerts import baseline

MINUTE = 60_000_000


def drawn(seed, rate, dispersion, windows=180, series=40):
    return np.random.default_rng(seed).negative_binomial(
        rate / (dispersion - 1), 1 / dispersion, (series, windows)).astype(float)


@pytest.mark.parametrize(("rate", "dispersion"), [(0.05, 1.1), (0.5, 1.1), (5, 1.5), (20, 1.1), (20, 3), (300, 3)])
def test_rate_and_dispersion_are_found_again(rate, dispersion):
    counts = drawn(1, rate, dispersion)

    found = baseline.fit(counts, np.ones_like(counts))

    assert np.median(found.rate) == pytest.approx(rate, rel=0.07)
    assert np.median(found.dispersion) == pytest.approx(dispersion, rel=0.1)


@pytest.mark.parametrize("windows", [5, 20])
def test_an_incident_hardly_moves_the_baseline(windows):
    counts = drawn(2, 20, 1.5)
    quiet = baseline.fit(counts, np.ones_like(counts))
    counts[:, :windows] *= 4

    found = baseline.fit(counts, np.ones_like(counts))

    plain = counts.mean() / 20 - 1
    assert np.median(found.rate / quiet.rate) - 1 < plain / 3


def test_a_share_is_that_of_its_whole():
    random = np.random.default_rng(3)
    wholes = random.integers(0, 60, (30, 180)).astype(float)
    parts = random.binomial(wholes.astype(int), 0.3).astype(float)

    found = baseline.fit(parts, wholes, share=True)

    assert np.median(found.rate) == pytest.approx(0.3, abs=0.01)
    assert np.median(found.dispersion) == pytest.approx(1, abs=0.15)


@given(st.integers(0, 2**32), st.integers(1, 30))
def test_series_do_not_depend_on_who_stands_beside_them_but_for_their_common_dispersion(seed, empty):
    counts = drawn(seed, 5, 2, series=4)
    more = np.concatenate([counts, np.zeros((empty, counts.shape[1]))])

    alone, beside = baseline.fit(counts, np.ones_like(counts)), baseline.fit(more, np.ones_like(more))

    for name in ("rate", "error", "dispersion"):
        assert (getattr(alone, name) == getattr(beside, name)[:4]).all()


def test_windows_without_exposure_say_nothing():
    counts = drawn(4, 5, 2, series=4)
    exposure = np.ones_like(counts)
    counts[:, :60], exposure[:, :60] = 0, 0

    found, shorter = baseline.fit(counts, exposure), baseline.fit(counts[:, 60:], exposure[:, 60:])

    assert found.rate == pytest.approx(shorter.rate)


def test_nothing_at_all_is_expected_to_stay_almost_nothing():
    found = baseline.fit(np.zeros((1, 180)), np.zeros((1, 180)), share=True)

    assert np.isfinite(found.rate).all()
    assert 0 < found.rate[0] <= 1


def test_the_shape_of_a_day_is_found_again():
    starts = np.arange(3 * 1440) * MINUTE
    true = 1 + 0.5 * np.sin(2 * np.pi * (starts % baseline.DAY_US) / baseline.DAY_US)
    counts = np.random.default_rng(5).poisson(np.stack([20 * true, 0.01 * true])).astype(float)
    bins = baseline.bin_of(starts)
    sums = np.stack([np.bincount(bins, row, baseline.BINS) for row in counts])

    shapes = baseline.day_shapes(sums, np.bincount(bins, minlength=baseline.BINS).astype(float))
    season = baseline.season(shapes, starts[:1440], MINUTE)

    assert shapes.mean(axis=1) == pytest.approx(1)
    assert np.abs(season[0] - true[:1440]).mean() < 0.03
    assert np.abs(season[1] - true[:1440]).mean() < 0.15   # it borrows the other's


def test_a_shape_is_flat_until_every_part_of_the_day_was_seen():
    seen = np.ones(baseline.BINS)
    seen[7] = 0

    assert (baseline.day_shapes(np.full((2, baseline.BINS), 9.0), seen) == 1).all()


def test_series_too_rare_to_be_told_lend_nothing_to_the_others():
    counts = np.random.default_rng(1).poisson(20, (3, 180)).astype(float)
    rare = np.tile([0.0, 0.0, 0.0, 7.0], (9, 45))   # much over-dispersed, and never 8 in two windows
    alone, beside = (baseline.fit(rows, np.ones_like(rows), frequent=8) for rows in (counts, np.concatenate([counts, rare])))
    assert np.array_equal(alone.dispersion, beside.dispersion[:3]) and np.array_equal(alone.error, beside.error[:3])


def test_the_shape_that_is_borrowed_is_that_of_everything_whatever_series_are_asked_for():
    sums, windows = np.random.default_rng(1).poisson(5, (4, baseline.BINS)).astype(float), np.full(baseline.BINS, 10.0)
    everything = sums.sum(axis=0)
    assert np.array_equal(baseline.day_shapes(sums, windows, everything)[:2], baseline.day_shapes(sums[:2], windows, everything))
