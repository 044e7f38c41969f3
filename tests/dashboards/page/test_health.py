"""What metrics say: sums over processes, rates over time, quantiles of histograms."""
import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.page.charts import trend
from dashboards.page.health import Endpoints, health, parsed, quantile


def answer(counted, calls=0, seconds=0.0, extra=""):
    return parsed([f"""# TYPE textpulse_records_total counter
textpulse_records_total{{source="a",outcome="counted"}} {counted}
textpulse_records_total{{source="b",outcome="late"}} 1
# TYPE textpulse_inference_seconds histogram
textpulse_inference_seconds_bucket{{model="m",le="0.1"}} {calls}
textpulse_inference_seconds_bucket{{model="m",le="+Inf"}} {calls}
textpulse_inference_seconds_sum{{model="m"}} {seconds}
textpulse_inference_seconds_count{{model="m"}} {calls}
{extra}
"""], 0.0)


def at(seconds, reading):
    return type(reading)(seconds, reading.samples)


def test_a_rate_is_growth_over_time_and_begins_anew_with_its_counter():
    assert health(None, answer(10)).rate is None
    assert health(at(0, answer(10)), at(10, answer(110))).rate == 10
    assert health(at(0, answer(1_000)), at(10, answer(49))).rate == 5   # a restart


def test_the_time_of_a_call_is_that_of_late():
    before, now = at(0, answer(0, 100, 50.0)), at(30, answer(0, 200, 51.0))
    assert health(before, now).inference_s[0] == pytest.approx(0.01)
    assert health(None, now).inference_s[0] == pytest.approx(51 / 200)


def test_gauges_of_many_processes_are_added_or_the_worst():
    found = health(None, answer(0, extra="\n".join([
        'textpulse_consumer_lag_records{partition="0"} 4', 'textpulse_consumer_lag_records{partition="1"} 6',
        "textpulse_watermark_age_seconds NaN", 'textpulse_watermark_age_seconds{process="2"} 9'])))
    assert (found.lag, found.watermark_age_s, found.models, found.restarts) == (10, 9, [], {})


@given(st.lists(st.floats(0.001, 1), min_size=1, max_size=200), st.floats(0.01, 0.99))
def test_a_quantile_lies_in_the_bucket_of_the_true_one(values, share):
    bounds = (0.01, 0.05, 0.1, 0.5, 1.0, math.inf)
    found = quantile(share, {str(bound): sum(value <= bound for value in values) for bound in bounds})
    true = sorted(values)[math.ceil(share * len(values)) - 1]
    bucket = next(place for place, bound in enumerate(bounds) if true <= bound)
    assert (0, *bounds)[bucket] - 1e-9 <= found <= bounds[bucket] + 1e-9


def test_an_empty_histogram_has_no_quantile():
    assert quantile(0.5, {}) is None
    assert quantile(0.5, {"1": 0, "+Inf": 0}) is None


def test_what_does_not_answer_is_named_with_its_reason():
    endpoints = Endpoints(["http://127.0.0.1:1/metrics", "http://[::bad"])
    endpoints.look()
    assert endpoints.problems.keys() == set(endpoints.addresses)
    assert "refused" in endpoints.problems["http://127.0.0.1:1/metrics"]
    assert endpoints.health is None


def test_a_trend_stays_in_its_box():
    for values in ([], [0], [5], [random.randrange(100) for _ in range(120)]):
        for point in trend(values).split():
            x, y = map(float, point.split(","))
            assert 0 <= x <= 96 and 0 <= y <= 22
