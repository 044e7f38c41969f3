"""What a model says of a chunk of texts, in columns, and what textpulse asks of any tagger."""
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

SENTIMENTS = ("negative", "neutral", "positive")


@dataclass(slots=True)
class Tags:
    """The tags of N texts. Ragged columns are values plus splits: row i owns values[splits[i]:splits[i + 1]].

    sentiment float32[N, 3], topic float32[N, T] and intent float32[N, I]: probabilities, rows sum to 1; I is 0 where no intent is known.
    entity_type, entity_start, entity_end int32[M] (bytes of the UTF-8 text), entity_score float32[M], entity_splits int64[N + 1].
    token_ids int32[K] (entries of the vocabulary, no padding, no markers), token_splits int64[N + 1].
    """

    sentiment: NDArray[np.float32]
    topic: NDArray[np.float32]
    intent: NDArray[np.float32]
    entity_type: NDArray[np.int32]
    entity_start: NDArray[np.int32]
    entity_end: NDArray[np.int32]
    entity_score: NDArray[np.float32]
    entity_splits: NDArray[np.int64]
    token_ids: NDArray[np.int32]
    token_splits: NDArray[np.int64]


class Tagger(Protocol):
    """A loaded model. tag() is safe to call from several threads; a text's tags do not depend on its neighbours."""

    name: str
    version: str
    tier: str
    """fast, or accurate: over a larger encoder."""
    topics: Sequence[str]
    intents: Sequence[str]
    is_intent: Sequence[bool]
    """Of each of intents: the others are what a text may be about instead."""
    intent_threshold: float
    """A less likely intent is not said."""
    entity_types: Sequence[str]
    vocabulary: Sequence[str]
    """WordPiece entries by id; a piece that continues a word starts with ##."""

    def tag(self, texts: Sequence[str]) -> Tags:
        """The tags of the texts, in one forward pass. Raises ValueError when the model fails on them."""
        ...
