"""What is told depends on how much else was looked at, and on how large a change is."""
import dataclasses

import numpy as np
import pytest

from insights.alerts.detect import Sensitivity, Windows, shares, volumes

MINUTE = 60_000_000
WANTED = Sensitivity(lookback=60, warm_up=20)
WINDOWS = Windows(np.arange(80), np.ones(80, bool), WANTED.past, MINUTE)


def last(judged):
    """What the last window says."""
    return list(judged)[-1][1]


def counts(now, series=1, rate=20):
    """Quiet windows, and a last one."""
    made = np.random.default_rng(1).poisson(rate, (series, 80)).astype(float)
    made[:, -1] = now
    return made


@pytest.mark.parametrize(("distinct", "told"), [(1, True), (1_000_000, False)])
def test_the_more_was_looked_at_the_more_surprise_it_takes(distinct, told):
    parts = counts(now=45)
    wholes = np.full_like(parts, 200)

    said = last(shares(parts, wholes, WINDOWS, WANTED, both=False, distinct=np.full(80, distinct)))

    assert said.told.tolist() == [told]
    assert said.p[0] == pytest.approx(last(shares(parts, wholes, WINDOWS, WANTED, both=False)).p[0])


@pytest.mark.parametrize(("now", "direction"), [(60, 1), (2, -1)])
def test_rises_and_falls_are_told_with_their_numbers(now, direction):
    made = counts(now)

    said = last(volumes(made, np.ones((1, 80)), WINDOWS, dataclasses.replace(WANTED, records=5)))

    assert said.told.tolist() == [True]
    assert said.direction.tolist() == [direction]
    assert said.observed[0] == made[0, -said.width[0]:].sum()
    assert said.expected[0] == pytest.approx(20 * said.width[0], rel=0.1)


def test_a_sure_change_that_is_small_is_not_told():
    said = last(volumes(counts(now=13_000, rate=10_000), np.ones((1, 80)), WINDOWS, WANTED))

    assert said.told.tolist() == [False]
    assert said.p[0] < 1e-4   # surprising


def test_what_the_time_of_day_explains_is_not_told():
    season = np.ones((1, 80))
    season[:, -1] = 3

    assert last(volumes(counts(now=60), season, WINDOWS, WANTED)).told.tolist() == [False]


def test_a_series_that_is_new_has_no_volume_to_be_held_against():
    made = np.zeros((1, 80))
    made[:, -2:] = 50

    assert last(volumes(made, np.ones((1, 80)), WINDOWS, WANTED)).told.tolist() == [False]


def test_windows_without_any_record_say_nothing_of_rates():
    made = counts(now=20)
    quiet = Windows(np.arange(80), np.ones(80, bool), WANTED.past, MINUTE)
    quiet.alive[10:40], made[:, 10:40] = False, 0

    said = last(volumes(made, np.ones((1, 80)), quiet, WANTED))

    assert said.expected[0] == pytest.approx(20 * said.width[0], rel=0.1)
