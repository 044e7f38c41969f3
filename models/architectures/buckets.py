"""Serving texts of any length without letting a long one pad all others: buckets of rows of like length."""

from collections.abc import Sequence
from typing import NamedTuple

import tensorflow as tf

from models.pieces import Pieces

BOUNDS = (0, 12, 24, 36, 46, 54, 60, 63, 64)
"""Of the buckets, in 64ths of the texts. The last ones are small: the longest text of a chunk may be many times longer than most."""


class Bucket(NamedTuple):
    """B texts of like length, padded to L columns, one at least.

    places int32[B, L]: of each piece among all K, which stands where there is padding. inside bool[B, L]: where there is none.
    lengths int32[B].
    """

    places: tf.Tensor
    inside: tf.Tensor
    lengths: tf.Tensor


def buckets_of(pieces: Pieces) -> tuple[list[Bucket], tf.Tensor]:
    """Runs of the texts in order of length, some of them empty for few texts; and int32[N], which gathers what was answered for the
    runs, one after the other, in the order of the texts."""
    starts, lengths = tf.cast(pieces.splits[:-1], tf.int32), tf.cast(pieces.splits[1:] - pieces.splits[:-1], tf.int32)
    order = tf.argsort(lengths, stable=True)
    bounds = tf.constant(BOUNDS) * tf.size(order) // BOUNDS[-1]
    runs = [order[bounds[i] : bounds[i + 1]] for i in range(len(BOUNDS) - 1)]
    found = [_bucket(tf.gather(starts, rows), tf.gather(lengths, rows), tf.size(pieces.ids)) for rows in runs]
    return found, tf.math.invert_permutation(order)


def flat(parts: Sequence[tf.Tensor], buckets: Sequence[Bucket]) -> tf.Tensor:
    """[K, ...]: what was answered for the pieces of each bucket, [B, L, ...], in the order of the texts and without the padding."""
    places = tf.concat([tf.boolean_mask(bucket.places, bucket.inside) for bucket in buckets], 0)
    values = tf.concat([tf.boolean_mask(part, bucket.inside) for part, bucket in zip(parts, buckets, strict=True)], 0)
    return tf.gather(values, tf.math.invert_permutation(places))


def _bucket(starts: tf.Tensor, lengths: tf.Tensor, padding: tf.Tensor) -> Bucket:
    column = tf.range(tf.reduce_max(tf.concat([lengths, [1]], 0)))[None, :]
    inside = column < lengths[:, None]
    return Bucket(tf.where(inside, starts[:, None] + column, padding), inside, lengths)
