"""How the job is, by its own metrics (docs/metrics.md): read now and then for everybody who looks at the page."""
import http.client
import math
import time
import urllib.request
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec
from prometheus_client.parser import text_string_to_metric_families

LOOK_EVERY_S = 2.0
RATE_OVER_S = 30.0     # rates are those of so long
ANSWER_WITHIN_S = 1.5
MOST_BYTES = 4_000_000

Labels = tuple[tuple[str, str], ...]


class Reading(msgspec.Struct, frozen=True):
    """What the endpoints said. samples: name -> (labels, value) of each sample, of all endpoints. at_s: of a clock that never goes back."""

    at_s: float
    samples: Mapping[str, Sequence[tuple[Labels, float]]]

    def total(self, name: str, **where: str) -> float | None:
        """The sum of the samples with these labels; None without any."""
        found = [value for labels, value in self.samples.get(name, ()) if where.items() <= dict(labels).items()]
        return sum(found) if found else None

    def largest(self, name: str) -> float | None:
        """None without any, or without a number."""
        found = [value for _, value in self.samples.get(name, ()) if not math.isnan(value)]
        return max(found, default=None)

    def by(self, name: str, label: str) -> dict[str, float]:
        """Label value -> the sum of its samples."""
        sums: dict[str, float] = {}
        for labels, value in self.samples.get(name, ()):
            key = dict(labels).get(label, "")
            sums[key] = sums.get(key, 0) + value
        return sums

    def named(self, name: str) -> Sequence[Mapping[str, str]]:
        """The labels of each sample."""
        return [dict(labels) for labels, _ in self.samples.get(name, ())]


def parsed(texts: Iterable[str], at_s: float) -> Reading:
    """The samples of these answers, in Prometheus's text format. Raises ValueError."""
    samples: dict[str, list[tuple[Labels, float]]] = {}
    for text in texts:
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                samples.setdefault(sample.name, []).append((tuple(sorted(sample.labels.items())), float(sample.value)))
    return Reading(at_s, samples)


class Health(msgspec.Struct, frozen=True):
    """Numbers of the last half minute, or as they stand; None where nobody says. Times in seconds.

    rate: records a second. inference_s: mean and 95th percentile of one call of the model. texts: in one call, mean.
    """

    rate: float | None
    lag: float | None
    watermark_age_s: float | None
    overdue_s: float | None
    broker_down_s: float | None
    inference_s: tuple[float, float] | None
    texts: float | None
    models: Sequence[str]
    restarts: Mapping[str, float]


def health(before: Reading | None, now: Reading) -> Health:
    """before: of half a minute ago; None while there is none, and then rates are unknown."""
    span_s = now.at_s - before.at_s if before else 0.0
    records = None if before is None else _grown(before, now, "textpulse_records_total")
    calls = _grown(before, now, "textpulse_inference_seconds_count") or 0.0
    spent = _grown(before, now, "textpulse_inference_seconds_sum") or 0.0
    chunks = _grown(before, now, "textpulse_chunk_records_count") or 0.0
    high = quantile(0.95, now.by("textpulse_inference_seconds_bucket", "le"))
    return Health(
        rate=None if records is None or span_s <= 0 else records / span_s,
        lag=now.total("textpulse_consumer_lag_records"), watermark_age_s=now.largest("textpulse_watermark_age_seconds"),
        overdue_s=now.largest("textpulse_oldest_open_window_age_seconds"),
        broker_down_s=now.largest("textpulse_broker_unreachable_seconds"),
        inference_s=(spent / calls, high) if calls and high is not None else None,
        texts=(_grown(before, now, "textpulse_chunk_records_sum") or 0.0) / chunks if chunks else None,
        models=sorted({f"{one.get('model', '')} {one.get('version', '')}".strip() for one in now.named("textpulse_model_info")}),
        restarts=now.by("textpulse_restarts_total", "cause"))


def _grown(before: Reading | None, now: Reading, name: str) -> float | None:
    """How much a counter grew; all of it when it began anew, or when there is nothing before."""
    after = now.total(name)
    if after is None:
        return None
    had = (before.total(name) if before else None) or 0.0
    return after - had if after >= had else after


def quantile(share: float, buckets: Mapping[str, float]) -> float | None:
    """Of a cumulative histogram, with straight lines within its buckets; the last finite bound for what is above it."""
    bounds = sorted((float(bound), count) for bound, count in buckets.items())
    if not bounds or not bounds[-1][1]:
        return None
    wanted, low, below = share * bounds[-1][1], 0.0, 0.0
    for bound, count in bounds:
        if math.isinf(bound):
            return low
        if count >= wanted:
            return low + (bound - low) * (wanted - below) / ((count - below) or 1)
        low, below = bound, count
    return low


@dataclass
class Endpoints:
    """The metrics of one job's processes. authorizations: address -> the header that lets us in. problems: address -> why it is silent."""

    addresses: Sequence[str]
    authorizations: Mapping[str, str] = field(default_factory=dict, repr=False)
    problems: dict[str, str] = field(default_factory=dict)
    readings: deque[Reading] = field(default_factory=lambda: deque(maxlen=round(RATE_OVER_S / LOOK_EVERY_S) + 1))

    def look(self) -> None:
        """Asks each of them once."""
        if self.readings and time.monotonic() - self.readings[-1].at_s > RATE_OVER_S:   # nobody looked meanwhile
            self.readings.clear()
        texts: list[str] = []
        for address in self.addresses:
            try:
                texts.append(_asked(address, self.authorizations.get(address)))
                self.problems.pop(address, None)
            except (OSError, ValueError, http.client.HTTPException) as error:
                self.problems[address] = str(getattr(error, "reason", "") or error)
        if texts:
            self.readings.append(parsed(texts, time.monotonic()))
        else:
            self.readings.clear()

    @property
    def looked(self) -> bool:
        """Whether they have been asked at all."""
        return bool(self.readings or self.problems)

    @property
    def health(self) -> Health | None:
        """None while no endpoint answers."""
        if not self.readings:
            return None
        return health(self.readings[0] if len(self.readings) > 1 else None, self.readings[-1])


def _asked(address: str, authorization: str | None) -> str:
    """What it answers. Raises OSError, HTTPException, and ValueError for what is not in Prometheus's format."""
    request = urllib.request.Request(address)   # noqa: S310 - the operator's own address
    if authorization:
        request.add_unredirected_header("Authorization", authorization)   # it is for this address alone
    with urllib.request.urlopen(request, timeout=ANSWER_WITHIN_S) as answer:   # noqa: S310
        text: str = answer.read(MOST_BYTES).decode(errors="replace")
    parsed([text], 0.0)
    return text
