"""What the graph sets up of Beam before it runs."""
from apache_beam.runners.worker import bundle_processor
from apache_beam.utils.counters import CounterFactory

from pipelines.graph import SAMPLING_PERIOD_MS


def test_bundles_are_sampled_with_our_period() -> None:
    sampler = bundle_processor.statesampler.StateSampler("stage", CounterFactory())

    assert sampler.sampling_period_ms == SAMPLING_PERIOD_MS
