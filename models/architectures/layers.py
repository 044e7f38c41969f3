"""What several networks are made of: new weights, and plain functions of padded rows."""

import numpy as np
import tensorflow as tf

from models.pieces import PAD_ID


def weight(name: str, rows: int, columns: int) -> tf.Variable:
    """float32[rows, columns] as Glorot and Bengio (2010) begin."""
    deviation = float(np.sqrt(2.0 / (rows + columns)))
    return tf.Variable(tf.random.truncated_normal([rows, columns], stddev=deviation), name=name)


def zeros(name: str, size: int) -> tf.Variable:
    """float32[size], such as a bias begins with."""
    return tf.Variable(tf.zeros([size]), name=name)


def lengths_of(ids: tf.Tensor) -> tf.Tensor:
    """int32[B]: the pieces of each row."""
    return tf.reduce_sum(tf.cast(ids != PAD_ID, tf.int32), 1)


def mean_of(features: tf.Tensor, lengths: tf.Tensor) -> tf.Tensor:
    """float32[B, D]: the mean of float32[B, L, D], zero at the padding, over the pieces; zeros for no piece."""
    return tf.reduce_sum(features, 1) / tf.cast(tf.maximum(lengths, 1), tf.float32)[:, None]


def root_sum_of(features: tf.Tensor, lengths: tf.Tensor) -> tf.Tensor:
    """float32[B, D]: as mean_of, but the sum over the root of the number of pieces.

    A mean would hide in a long text the few pieces that decide; a sum would shout (Y. Yang et al. 2020 have it so).
    """
    return tf.reduce_sum(features, 1) / tf.sqrt(tf.cast(tf.maximum(lengths, 1), tf.float32))[:, None]


def preceding(rows: tf.Tensor, padding: tf.Tensor) -> tf.Tensor:
    """int32[B, L]: the values one column before, and the padding in the first."""
    return tf.pad(rows[:, :-1], [[0, 0], [1, 0]], constant_values=padding)


def shifted(values: tf.Tensor, offset: int) -> tf.Tensor:
    """values[:, t + offset] at t, zeros outside; values are [B, L] or [B, L, D]."""
    if offset == 0:
        return values
    rest = [[0, 0]] * (len(values.shape) - 2)
    if offset > 0:
        return tf.pad(values[:, offset:], [[0, 0], [0, tf.minimum(offset, tf.shape(values)[1])], *rest])
    return tf.pad(values[:, :offset], [[0, 0], [tf.minimum(-offset, tf.shape(values)[1]), 0], *rest])
