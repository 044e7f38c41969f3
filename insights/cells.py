"""Cells and units: what texts say together, in a form that merges in any order and grouping.

A cell is the finest grain that is kept: one base window, source, product, language and first topic. Every other grain
is a merge of cells, so `add` must be associative and commutative, with the empty cell as its unit; nothing here is cut
to a top k, since a cut does not merge. A unit holds the cells of one (window, origin, source, product): what the store
replaces as a whole.
"""
import base64
import struct
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Self

import msgspec

from insights import sketch
from insights.sketch import Sketch
from schemas.tagging import SENTIMENTS

CONFIDENCE_BINS = 10
SAMPLES = 3
SCORE_SCALE = 10_000   # a score of 1 in the integers of score_sum: sums of floats are not associative

Counts = tuple[int, int, int]
Samples = tuple[tuple[int, str], ...]


class Text(msgspec.Struct, array_like=True, frozen=True, order=True):
    """What may be shown of a sample: its redacted text (empty where texts are not kept), its sentiment (0 negative, 1 neutral, 2 positive),
    and where the entities stand in it, as (start, end, type) in characters. author: hash of its author's id (privacy/redact.py), by which
    `textpulse forget` finds it.
    """

    text: str
    sentiment: int = 1
    entities: tuple[tuple[int, int, str], ...] = ()
    author: str = ""


def _no_confidence() -> list[int]:
    return [0] * CONFIDENCE_BINS


class Span(msgspec.Struct, frozen=True, order=True):
    """An entity in a sample's text, in characters."""

    start: int
    end: int
    type: str


class Sample(msgspec.Struct, frozen=True, order=True):
    """An event that stands for others. text: redacted. text, sentiment: empty where texts are not kept."""

    id: str
    text: str = ""
    sentiment: str = ""
    entities: tuple[Span, ...] = ()


class Cell(msgspec.Struct, array_like=True):
    """What the texts of one cell say together.

    records: texts counted. negative, neutral, positive: how many of them got that sentiment; they add up to records.
    score_sum: sum of round(10,000 * probability of the chosen sentiment).
    entities: "type<TAB>text" -> texts that name it. terms: word -> (negative, neutral, positive) texts that hold it.
    confidence: texts by the probability of the chosen sentiment, in 10 equal bins from 0 to 1.
    authors: sketch of the distinct authors (insights/sketch.py); texts without an author are left out.
    samples: (hash, event id) of the at most 3 events with the smallest hashes: a uniform sample that merges.
    texts: event id -> what may be shown of it; of samples alone.
    versions: model version -> texts that it tagged.
    """

    records: int = 0
    negative: int = 0
    neutral: int = 0
    positive: int = 0
    score_sum: int = 0
    entities: dict[str, int] = {}
    terms: dict[str, Counts] = {}
    confidence: list[int] = msgspec.field(default_factory=_no_confidence)
    authors: Sketch = ()
    samples: Samples = ()
    versions: dict[str, int] = {}
    texts: dict[str, Text] = {}

    @property
    def shown(self) -> Iterator[tuple[int, Sample]]:
        """(hash, sample) of each, those of the smallest hashes first."""
        for number, name in self.samples:
            text = self.texts.get(name)
            yield number, Sample(name) if text is None or not text.text else Sample(
                name, text.text, SENTIMENTS[text.sentiment], tuple([Span(*span) for span in text.entities]))

    @classmethod
    def empty(cls) -> Self:
        """The unit of merging."""
        return cls()

    def copy(self) -> "Cell":
        """A cell that shares nothing that can change."""
        return Cell(
            self.records, self.negative, self.neutral, self.positive, self.score_sum, self.entities.copy(),
            self.terms.copy(), self.confidence.copy(), self.authors, self.samples, self.versions.copy(),
            self.texts.copy())

    def add(self, other: "Cell") -> None:
        """Merges the other cell into this one; the other stays as it is, and shares nothing that can change."""
        self.records += other.records
        self.negative += other.negative
        self.neutral += other.neutral
        self.positive += other.positive
        self.score_sum += other.score_sum
        _add_numbers(self.entities, other.entities)
        _add_counts(self.terms, other.terms)
        self.confidence = [mine + theirs for mine, theirs in zip(self.confidence, other.confidence, strict=True)]
        self.authors = sketch.merge(self.authors, other.authors)
        if other.samples:
            self.samples = tuple(sorted({*self.samples, *other.samples})[:SAMPLES])
            self.texts = _merged_texts(self.samples, self.texts, other.texts)
        _add_numbers(self.versions, other.versions)

    @staticmethod
    def merge(a: "Cell", b: "Cell") -> "Cell":
        """A new cell: both together."""
        merged = a.copy()
        merged.add(b)
        return merged

    def without(self, authors: Collection[str]) -> "Cell":
        """The cell itself, or a copy without the samples of these authors (their hashes)."""
        gone = {name for name, text in self.texts.items() if text.author in authors}
        if not gone:
            return self
        kept = self.copy()
        kept.samples = tuple(sample for sample in self.samples if sample[1] not in gone)
        kept.texts = {name: text for name, text in self.texts.items() if name not in gone}
        return kept

    @property
    def authors_estimate(self) -> int:
        """Distinct authors: exact below 256, else within about 6 %."""
        return min(sketch.estimate(self.authors), self.records)

    @property
    def mean_score(self) -> float:
        """Mean probability of the chosen sentiment, from 0 to 1; 0 for no records."""
        return self.score_sum / (SCORE_SCALE * self.records) if self.records else 0.0

    def to_row(self) -> dict[str, Any]:
        """The columns of table cells, without unit, lang and topic. from_row is the exact inverse."""
        return {
            "records": self.records, "negative": self.negative, "neutral": self.neutral, "positive": self.positive,
            "score_sum": self.score_sum, "authors": self.authors_estimate, "detail": _Detail.of(self)}

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        """The cell of a row's columns. Raises msgspec.DecodeError when its detail is not what to_row writes."""
        try:
            detail = _DETAIL.decode(row["detail"])
        except RecursionError as error:
            raise msgspec.DecodeError(str(error)) from error
        return cls(
            int(row["records"]), int(row["negative"]), int(row["neutral"]), int(row["positive"]), int(row["score_sum"]),
            detail.entities, detail.terms, detail.confidence, _unpack(detail.authors), detail.samples, detail.versions,
            detail.texts)


class Unit(msgspec.Struct, array_like=True):
    """The cells of one window, origin, source and product, by (lang, topic).

    records: the sum over its cells. last_offset: the largest offset counted in it, -1 for none.
    """

    records: int = 0
    last_offset: int = -1
    cells: dict[tuple[str, str], Cell] = {}

    def add(self, other: "Unit") -> None:
        """Merges the other unit into this one; the other stays as it is."""
        self.records += other.records
        self.last_offset = max(self.last_offset, other.last_offset)
        for key, cell in other.cells.items():
            mine = self.cells.get(key)
            if mine is None:
                self.cells[key] = cell.copy()
            else:
                mine.add(cell)

    def encode(self) -> bytes:
        """MessagePack."""
        return _ENCODER.encode(self)

    @staticmethod
    def decode(data: bytes) -> "Unit":
        """The unit of these bytes. Raises msgspec.DecodeError when they are not what encode writes."""
        return _DECODER.decode(data)


class _Detail(msgspec.Struct):
    """The JSON of column detail. Authors' hashes are base64, 8 bytes big-endian each: JSON readers round integers."""

    entities: dict[str, int]
    terms: dict[str, Counts]
    confidence: list[int]
    authors: str
    samples: Samples
    versions: dict[str, int]
    texts: dict[str, Text] = {}

    @classmethod
    def of(cls, cell: Cell) -> str:
        """The document."""
        detail = cls(cell.entities, cell.terms, cell.confidence, _pack(cell.authors), cell.samples, cell.versions, cell.texts)
        return msgspec.json.encode(detail).decode()


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(Unit)
_DETAIL = msgspec.json.Decoder(_Detail)


def _pack(values: Sketch) -> str:
    return base64.b64encode(struct.pack(f">{len(values)}Q", *values)).decode()


def _unpack(text: str) -> Sketch:
    try:
        data = base64.b64decode(text)
        return struct.unpack(f">{len(data) // 8}Q", data)
    except (ValueError, struct.error) as error:
        raise msgspec.DecodeError(f"authors: {error}") from error


def _merged_texts(samples: Samples, mine: Mapping[str, Text], other: Mapping[str, Text]) -> dict[str, Text]:
    """Those of the samples. Of two that one event cannot have, the smaller: merging must not depend on the order."""
    kept: dict[str, Text] = {}
    for _, name in samples:
        found = [texts[name] for texts in (mine, other) if name in texts]
        if found:
            kept[name] = min(found)
    return kept


def _add_numbers(mine: dict[str, int], other: dict[str, int]) -> None:
    if not mine:
        mine.update(other)
        return
    get = mine.get
    for key, number in other.items():
        mine[key] = get(key, 0) + number


def _add_counts(mine: dict[str, Counts], other: dict[str, Counts]) -> None:
    if not mine:
        mine.update(other)
        return
    get = mine.get
    for term, counts in other.items():
        had = get(term)
        mine[term] = counts if had is None else (had[0] + counts[0], had[1] + counts[1], had[2] + counts[2])
