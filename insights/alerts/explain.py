"""Why an alert: which topics, products, sources, languages, entities and terms the change came from."""
from collections import Counter
from heapq import nsmallest

import msgspec

from insights.alerts.judge import MOODS, WORDS, Kind, Series, Signal
from insights.cells import SAMPLES, Cell, Sample
from insights.queries import CellKey
from insights.telling import holds

PARTS = ("source", "product", "topic", "lang")   # each record has one of each
CONTRIBUTORS = 3
CANDIDATES = 60                                  # samples from which the telling ones are chosen
LEAST_PART = 0.1                                 # of the change, from which a contributor is named
LEAST_MORE = 0.1                                 # of its part, by which it must have changed beyond what the whole did


class Contributor(msgspec.Struct, frozen=True):
    """One value of a dimension: records observed and expected, and what part of the whole change that is.

    Each record has one source, product, topic and language, so that these parts add up to 1; it may hold many terms and entities.
    """

    dimension: str
    value: str
    observed: int
    expected: float
    part: float


class Reason(msgspec.Struct, frozen=True):
    """contributors: the largest first, per dimension. samples: at most 3 events of the windows in question, of the records in question
    as far as their texts tell, first those that hold the most of the contributing words. authors: hashes of who wrote each of these.
    """

    contributors: tuple[Contributor, ...] = ()
    samples: tuple[Sample, ...] = ()
    authors: tuple[str, ...] = ()


class Tally:
    """What is said in some windows by the records of which an alert speaks.

    Of a mood these are the negative ones, and a cell does not say which of its entities they name: it has none. Nor does it say which
    of its records hold a word together with another one: an alert on a word has sources, products, topics and languages alone.
    """

    def __init__(self, kind: Kind, series: Series) -> None:
        self.kind, self.series, self.total = kind, series, 0
        self.of: dict[str, Counter[str]] = {name: Counter() for name in (PARTS if kind in WORDS else (*PARTS, "entity", "term"))}
        self.samples: list[tuple[int, Sample]] = []
        self.authors: dict[str, str] = {}   # of samples: event id -> author

    def add(self, key: CellKey, cell: Cell) -> None:
        """One more cell of these windows."""
        kind, series = self.kind, self.series
        records = _records(cell, kind, series)
        if not records or (series.dimension in PARTS and getattr(key, series.dimension) != series.value):
            return
        self.total += records
        for name in PARTS:
            self.of[name][getattr(key, name)] += records
        if kind not in WORDS:
            self.of["entity"].update({} if kind in MOODS else cell.entities)
            self.of["term"].update({term: counts[0] if kind in MOODS else sum(counts) for term, counts in cell.terms.items()})
        if cell.samples:
            speaking = (shown for shown in cell.shown if _speaks(shown[1], kind, series))
            self.samples = nsmallest(CANDIDATES, {*self.samples, *speaking})
            self.authors |= {name: text.author for name, text in cell.texts.items()}


def _records(cell: Cell, kind: Kind, series: Series) -> int:
    if kind in MOODS:
        return cell.negative
    if kind is Kind.ENTITY:
        return cell.entities.get(series.value, 0)
    if kind is Kind.TERM:
        return sum(cell.terms.get(series.value, ()))
    return cell.records


def _speaks(sample: Sample, kind: Kind, series: Series) -> bool:
    """Whether the sample is one of the records in question. Of a mood and a word the text alone can say it."""
    if kind in MOODS:
        return sample.sentiment == ("negative" if kind is Kind.WORSE else "positive")
    return kind not in WORDS or holds(sample.text, series.dimension, series.value)


def explain(signal: Signal, now: Tally, before: Tally) -> Reason:
    """now: of the signal's windows; before: of the windows of its baseline, scaled to what was expected.

    Named is who changed more than the whole did, not who is merely a large part of it.
    """
    scale = signal.expected / before.total if before.total else 0.0
    change, times = now.total - signal.expected, now.total / max(signal.expected, 1e-12)
    found: list[Contributor] = []
    for dimension, observed in now.of.items():
        if dimension == signal.series.dimension or not change:
            continue
        parts = [
            Contributor(dimension, name, observed[name], usual, (observed[name] - usual) / change)
            for name in observed.keys() | before.of[dimension].keys() for usual in [scale * before.of[dimension][name]]]
        telling = [part for part in parts
                   if part.part >= LEAST_PART and (part.observed - times * part.expected) / change > LEAST_MORE * part.part]
        found += nsmallest(CONTRIBUTORS, telling, key=lambda part: (-part.part, part.value))
    samples = nsmallest(SAMPLES, now.samples, key=lambda shown: (
        -sum(holds(shown[1].text, part.dimension, part.value) for part in found), shown))
    shown = tuple(sample for _, sample in samples)
    return Reason(tuple(found), shown, tuple(now.authors.get(sample.id, "") for sample in shown))
