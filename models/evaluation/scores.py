"""Precision, recall and F1 of each class and on average: of labels by their confusion, of entities by exact spans."""
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from models.evaluation.result import Confusion, Score, Scores

TypedSpan = tuple[str, int, int]
"""Entity type, first byte, end byte."""


def confusion(gold: ArrayLike, said: ArrayLike, classes: int) -> NDArray[np.int64]:
    """int64[classes, classes]: how many rows of each gold class (down) were called each class (across). gold, said: class ids int[N]."""
    pairs = np.asarray(gold, np.int64) * classes + np.asarray(said, np.int64)
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)


def label_scores(gold: ArrayLike, said: ArrayLike, names: Sequence[str]) -> Scores:
    """Of a classification. gold, said: class ids int[N], which stand for names. Micro precision, recall and F1 are all the accuracy."""
    counts = confusion(gold, said, len(names))
    used = np.flatnonzero(counts.sum(0) + counts.sum(1)).tolist()
    counts = counts[np.ix_(used, used)]
    found = [names[at] for at in used]
    hits, called, wanted = (
        dict(zip(found, column.tolist(), strict=True)) for column in (counts.diagonal(), counts.sum(0), counts.sum(1)))
    return _scores(int(counts.sum()), found, hits, called, wanted, Confusion(found, counts.tolist()))


def span_scores(gold: Sequence[Sequence[TypedSpan]], said: Sequence[Sequence[TypedSpan]], names: Sequence[str]) -> Scores:
    """Of the entities of texts: one is right when type, start and end are those of a gold one (CoNLL 2003, seqeval). names: all types."""
    true, guess = _mentions(gold), _mentions(said)
    hits, found, wanted = (Counter(kind for _, kind, _, _ in spans) for spans in (true & guess, guess, true))
    return _scores(len(gold), [name for name in names if found[name] or wanted[name]], hits, found, wanted)


def _mentions(texts: Sequence[Sequence[TypedSpan]]) -> set[tuple[int, str, int, int]]:
    return {(row, *span) for row, spans in enumerate(texts) for span in spans}


def _scores(rows: int, names: Sequence[str], hits: Mapping[str, int], said: Mapping[str, int], gold: Mapping[str, int],
            confused: Confusion | None = None) -> Scores:
    classes = {name: _score(hits[name], said[name], gold[name]) for name in names}
    micro = _score(*(sum(counts[name] for name in names) for counts in (hits, said, gold)))
    wanted = [score for score in classes.values() if score.support]
    macro, weighted = (_mean(wanted, weights) for weights in ([1] * len(wanted), [score.support for score in wanted]))
    return Scores(rows, classes, macro, micro, weighted, confused)


def _score(hits: int, said: int, gold: int) -> Score:
    """A share of nothing is 0, as in seqeval and scikit-learn."""
    return Score(_ratio(hits, said), _ratio(hits, gold), _ratio(2 * hits, said + gold), gold)


def _mean(scores: Sequence[Score], weights: Sequence[int]) -> Score:
    precision, recall, f1 = (_ratio(sum(weight * getattr(score, name) for score, weight in zip(scores, weights, strict=True)), sum(weights))
                             for name in ("precision", "recall", "f1"))
    return Score(precision, recall, f1, sum(score.support for score in scores))


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
