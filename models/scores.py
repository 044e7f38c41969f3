"""Figures of merit, as the papers define them: accuracy, macro-F1, exact-span precision, recall and F1."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from models.data import Span


@dataclass(frozen=True, slots=True)
class ClassScores:
    """Of one classification: shares from 0 to 1."""

    accuracy: float
    macro_f1: float


@dataclass(frozen=True, slots=True)
class SpanScores:
    """Of exact spans, micro-averaged: shares from 0 to 1."""

    precision: float
    recall: float
    f1: float


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def class_scores(gold: ArrayLike, predicted: ArrayLike) -> ClassScores:
    """Accuracy, and F1 averaged over the classes that gold has.

    A topic that a set does not know lowers the recall of the right one, but is no class of that set.
    """
    true, guess = np.asarray(gold), np.asarray(predicted)
    f1 = []
    for label in np.unique(true):
        hits = int(np.sum((true == label) & (guess == label)))
        f1.append(_ratio(2 * hits, int(np.sum(true == label)) + int(np.sum(guess == label))))
    return ClassScores(_ratio(float(np.sum(true == guess)), true.size), _ratio(sum(f1), len(f1)))


def span_scores(gold: Sequence[Sequence[Span]], predicted: Sequence[Sequence[Span]]) -> SpanScores:
    """Exact spans over all texts: a span counts when type, start and end are those of a gold span (seqeval, CoNLL)."""
    true = {(row, *span) for row, spans in enumerate(gold) for span in spans}
    guess = {(row, *span) for row, spans in enumerate(predicted) for span in spans}
    hits = len(true & guess)
    return SpanScores(_ratio(hits, len(guess)), _ratio(hits, len(true)), _ratio(2 * hits, len(true) + len(guess)))
