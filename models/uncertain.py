"""Which texts are most worth labelling: those between whose two likeliest topics a model decides least (Scheffer et al. 2001).

Margin sampling asks where a label would tell the model most; repeats of one text would tell it the same twice.
"""

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.data import key_of


@dataclass(frozen=True, slots=True)
class Doubt:
    """A text, the two likeliest classes and their probabilities. offset: which text it was. margin: the difference of the two."""

    offset: int
    text: str
    first: int
    first_share: float
    second: int
    second_share: float

    @property
    def margin(self) -> float:
        """0 where the model cannot decide at all, 1 where it is sure."""
        return self.first_share - self.second_share


def doubts(texts: Sequence[str], shares: NDArray[np.float32], offset: int = 0) -> Iterator[Doubt]:
    """One for each text. shares: float32[N, C], the probabilities of two or more classes. offset: of the first text."""
    order = np.argsort(-shares, axis=1, kind="stable")[:, :2]
    for at, (text, (first, second)) in enumerate(zip(texts, order.tolist(), strict=True)):
        yield Doubt(offset + at, text, first, float(shares[at, first]), second, float(shares[at, second]))


def most_doubtful(found: Iterable[Doubt], limit: int) -> list[Doubt]:
    """Those with the least margin, the least first; of texts that differ by case, marks and spaces alone the first that comes.

    Holds as many as the limit says, and a hash of each text.
    """
    seen: set[int] = set()
    kept: list[tuple[float, int, Doubt]] = []
    for doubt in found:
        key = hash(key_of(doubt.text))
        if key in seen:
            continue
        seen.add(key)
        item = (-doubt.margin, -doubt.offset, doubt)
        if len(kept) < limit:
            heapq.heappush(kept, item)
        elif limit:
            heapq.heappushpop(kept, item)
    return [doubt for _, _, doubt in sorted(kept, key=lambda item: (-item[0], -item[1]))]
