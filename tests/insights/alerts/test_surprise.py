"""Tails are those of the distributions that they name, and Benjamini-Hochberg is what the paper says."""
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from insights.alerts.surprise import adjusted, at_least, at_most, share_at_least

means = st.floats(0.01, 1e4)
p_values = st.lists(st.floats(0, 1), min_size=1, max_size=30).map(np.array)


def arrays(*values):
    return [np.array([value], float) for value in values]


@given(st.integers(0, 20_000), means, st.floats(1.01, 50))
def test_a_count_is_held_against_a_negative_binomial(count, mean, over):
    law = stats.nbinom(mean / (over - 1), 1 / over)

    assert at_least(*arrays(count, mean, mean * over))[0] == pytest.approx(law.sf(count - 1), rel=1e-6, abs=1e-280)
    assert at_most(*arrays(count, mean, mean * over))[0] == pytest.approx(law.cdf(count), rel=1e-6, abs=1e-280)


@given(st.integers(0, 20_000), means)
def test_a_count_without_over_dispersion_is_held_against_poisson(count, mean):
    assert at_least(*arrays(count, mean, mean))[0] == pytest.approx(stats.poisson(mean).sf(count - 1), rel=1e-6, abs=1e-280)
    assert at_most(*arrays(count, mean, mean))[0] == pytest.approx(stats.poisson(mean).cdf(count), rel=1e-6, abs=1e-280)


@given(st.integers(0, 500), st.integers(0, 500), st.floats(0.001, 0.999))
def test_a_share_without_over_dispersion_is_held_against_a_binomial(part, more, share):
    assert share_at_least(*arrays(part, part + more, share, 1))[0] == pytest.approx(
        stats.binom(part + more, share).sf(part - 1), rel=1e-6, abs=1e-280)


@given(st.integers(1, 500), st.integers(0, 500), st.floats(1, 20))
def test_over_dispersion_never_makes_a_surprising_share_more_surprising(part, more, dispersion):
    share = 0.9 * part / (part + more)

    plain = share_at_least(*arrays(part, part + more, share, 1))

    assert share_at_least(*arrays(part, part + more, share, dispersion)) >= plain * (1 - 1e-9)


@given(p_values, st.integers(0, 50))
def test_other_tests_count_as_if_they_stood_there_and_said_nothing(p, others):
    assert adjusted(p, others) == pytest.approx(adjusted(np.concatenate([p, np.ones(others)]))[:len(p)])


@given(p_values, st.floats(0.001, 0.5))
def test_what_is_believed_is_what_the_step_up_procedure_believes(p, level):
    ordered = np.sort(p)
    passing = [rank for rank in range(1, len(p) + 1) if ordered[rank - 1] <= level * rank / len(p)]
    limit = ordered[passing[-1] - 1] if passing else -1.0

    close = np.abs(adjusted(p) - level) < 1e-12   # rounding may fall on either side
    assert ((adjusted(p) <= level) == (p <= limit))[~close].all()
