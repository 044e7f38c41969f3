"""What a text wants, from the probabilities of the finest labels: one of the known intents, or none of them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.taxonomy import OUT_OF_SCOPE, SCOPES, scope_of
from schemas.tagged import likeliest_intent

Shares = NDArray[np.float32]
"""float32[N, I]: the probabilities of taxonomy.INTENTS, or of some of them."""
MOST_LOST = 0.01


def within(shares: Shares, names: Sequence[str], allowed: Sequence[str]) -> Shares:
    """The probabilities if nothing but the labels allowed could be: the others are 0. For who knows which set of labels he asks for."""
    kept = np.isin(np.array(names), list(allowed))
    among = np.where(kept, shares, 0)
    return np.asarray(among / np.maximum(among.sum(1, keepdims=True), 1e-12), np.float32)


def decided(shares: Shares, names: Sequence[str], threshold: float) -> NDArray[np.int64]:
    """int64[N]: the likeliest label; OUT_OF_SCOPE where that is no intent, or below the threshold (Hendrycks and Gimpel 2017)."""
    said = likeliest_intent(shares, [scope_of(name) in SCOPES for name in names], threshold)
    return np.where(said < 0, names.index(OUT_OF_SCOPE), said)


def threshold_of(shares: Shares, names: Sequence[str], gold: NDArray[np.int32]) -> float:
    """The highest threshold that makes at most MOST_LOST of the rows that want something wrong, which were right without one.

    gold: int32[N], columns of the probabilities.
    """
    wanting = gold != names.index(OUT_OF_SCOPE)
    right = np.sort(shares.max(1)[wanting & (decided(shares, names, 0.0) == gold)])
    lost = int(MOST_LOST * wanting.sum())
    return float(right[lost]) if lost < len(right) else 0.0
