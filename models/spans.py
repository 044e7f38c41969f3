"""Entity labels of pieces to spans and back: a BIO decoder that cannot emit an invalid span, and its inverse."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from models.data import NO_LABEL, Span
from models.pieces import Pieces

OUTSIDE = 0


def labels_of(entity_types: Sequence[str]) -> list[str]:
    """The classes of the head: O, then B and I of each type; a label's type id is (label - 1) // 2."""
    return ["O", *(f"{part}-{kind}" for kind in entity_types for part in "BI")]


class Spans(NamedTuple):
    """The spans of N texts, flat: type, start, end int32[M]; score float32[M]; splits int64[N + 1]."""

    type: tf.Tensor
    start: tf.Tensor
    end: tf.Tensor
    score: tf.Tensor
    splits: tf.Tensor


def decode(labels: tf.Tensor, scores: tf.Tensor, continues: tf.Tensor, pieces: Pieces) -> Spans:
    """Spans of flat pieces. A word (a piece and the ## pieces that continue it) bears the label of its first piece.

    labels int32[K], scores float32[K] (probability of the label), continues bool[K]. An I- label that does not go on
    from a span of its type opens one, so every labelling is a valid one. A span's score is the mean over its words.
    """
    splits = pieces.splits
    rows = tf.repeat(tf.range(tf.size(splits) - 1), tf.cast(splits[1:] - splits[:-1], tf.int32))
    words = tf.where(tf.logical_not(continues))[:, 0]
    label, row, start = tf.gather(labels, words), tf.gather(rows, words), tf.gather(pieces.starts, words)
    last = tf.concat([words[1:], tf.shape(continues, out_type=tf.int64)], 0)[: tf.size(words)] - 1
    kind, inside = (label - 1) // 2, label != OUTSIDE
    goes_on = _same_as_before(tf.where(inside, kind, -1)) & _same_as_before(row) & (label % 2 == 0) & inside
    opens = inside & ~goes_on
    span = tf.boolean_mask(tf.cumsum(tf.cast(opens, tf.int32)) - 1, inside)
    count = tf.reduce_sum(tf.cast(opens, tf.int32))
    end = tf.math.unsorted_segment_max(tf.boolean_mask(tf.gather(pieces.ends, last), inside), span, count)
    score = tf.math.unsorted_segment_mean(tf.boolean_mask(tf.gather(scores, words), inside), span, count)
    start, kind, row = (tf.boolean_mask(values, opens) for values in (start, kind, row))
    # Invisible characters make empty pieces; nothing can be named by them.
    real = end > start
    start, end, kind, row, score = (tf.boolean_mask(values, real) for values in (start, end, kind, row, score))
    per_row = tf.math.bincount(row, minlength=tf.size(splits) - 1, dtype=tf.int64)
    return Spans(kind, start, end, score, tf.concat([[tf.constant(0, tf.int64)], tf.cumsum(per_row)], 0))


def _same_as_before(values: tf.Tensor) -> tf.Tensor:
    return tf.concat([tf.zeros(tf.minimum(tf.shape(values), 1), tf.bool), values[1:] == values[:-1]], 0)


def encode(
    spans: Sequence[Span], starts: NDArray[np.int32], ends: NDArray[np.int32], continues: NDArray[np.bool_]
) -> NDArray[np.int32]:
    """int32[L]: the label of each piece of one text; NO_LABEL on the pieces that continue a word."""
    labels = np.zeros(len(starts), np.int32)
    for kind, first, end in spans:
        covered = np.flatnonzero((starts >= first) & (ends <= end) & (ends > starts))
        labels[covered] = 2 * kind + 2
        labels[covered[:1]] = 2 * kind + 1
    labels[continues] = NO_LABEL
    return labels
