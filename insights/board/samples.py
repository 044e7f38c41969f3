"""Samples of what is chosen: which cells to look into, and what of their samples is shown."""
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from insights.board.columns import NO_SAMPLE, Codes, Segment
from insights.board.load import Copy
from insights.board.types import SHOWN, Filters, Shown
from insights.board.words import Sums
from insights.cells import Cell, Counts, Sample
from insights.tables import cells, units
from insights.telling import holds, telling, terms_of
from schemas.tagging import SENTIMENTS

CANDIDATES = 64   # cells to look into at most: of many samples that hold a word, some are found

_cell = sa.select(units.c.window_us, units.c.source, cells).join(units, units.c.id == cells.c.unit).where(
    cells.c.unit == sa.bindparam("id"), cells.c.lang == sa.bindparam("in_lang"), cells.c.topic == sa.bindparam("of_topic"))


class Candidate(NamedTuple):
    """A cell that may hold a sample. rank: how likely; hash: the smallest of its samples; share: of its records that count."""

    rank: float
    hash: int
    unit: int
    lang: str
    topic: str
    share: float


def candidates(copy: Copy, chosen: Sequence[tuple[Segment, NDArray[np.float64]]], with_word: bool) -> list[Candidate]:
    """The cells to look into, the likeliest first. chosen: cells, and the share of the records of each that count.

    with_word: only some of a cell's records count, and those with the largest share of them come first; else the smallest hashes do.
    """
    found = []
    for one, share in chosen:
        rank = -share if with_word else np.zeros(len(one))
        rows = np.lexsort((one.hashes, rank))[:CANDIDATES]
        for row in rows.tolist():
            group = copy.groups.names[one.group[row]]
            found.append(Candidate(
                float(rank[row]), int(one.hashes[row]), int(one.unit[row]), group.lang, group.topic, float(share[row])))
    return sorted(one for one in found if one.hash != NO_SAMPLE)[:CANDIDATES]


def read(db: sa.Connection, found: Sequence[Candidate], filters: Filters, felt: Sums, words: Codes[str]) -> list[Shown]:
    """At most SHOWN samples, those with the smallest hashes of the cells looked into. felt: int64[words, 3]."""
    shown: dict[tuple[int, str], Shown] = {}
    for candidate in found:
        if len(shown) >= SHOWN and candidate.rank == 0 and sorted(shown)[SHOWN - 1][0] < candidate.hash:
            break
        row = db.execute(_cell, {"id": candidate.unit, "in_lang": candidate.lang, "of_topic": candidate.topic}).mappings().one_or_none()
        if row is None:   # it has changed since
            continue
        for number, sample in Cell.from_row(dict(row)).shown:
            if candidate.share >= 1 or _counts(sample, filters):
                shown[number, sample.id] = Shown(
                    sample.id, row["window_us"], row["source"], row["topic"], sample.text, sample.sentiment, sample.entities,
                    _telling(sample, felt, words))
    return [one for _, one in sorted(shown.items())[:SHOWN]]


def _counts(sample: Sample, filters: Filters) -> bool:
    return all(holds(sample.text, kind, value) for kind, value in (("entity", filters.entity), ("term", filters.term)) if value)


def _telling(sample: Sample, felt: Sums, words: Codes[str]) -> tuple[tuple[int, int], ...]:
    if not sample.text or not len(felt):
        return ()
    counts = dict(_known(sample.text, felt, words))
    negative, neutral, positive = felt.sum(axis=0).tolist()
    return telling(sample.text, SENTIMENTS.index(sample.sentiment), counts, (negative, neutral, positive))


def _known(text: str, felt: Sums, words: Codes[str]) -> Iterator[tuple[str, Counts]]:
    for _, _, term in terms_of(text):
        code = words.get(term)
        if code is not None and code < len(felt):
            negative, neutral, positive = felt[code].tolist()
            yield term, (negative, neutral, positive)
