"""Large tables in a file: a byte for each value, and a scale for each row."""

from typing import Any

import tensorflow as tf

MOST = 127.0


class Stored(tf.Module):
    """float32[N, D] as whole numbers of N scales: each value is off by half of one at most, 1 part in 254 of the largest of its row."""

    def __init__(self, rows: int, columns: int) -> None:
        super().__init__(name="stored")
        self.values = tf.Variable(tf.zeros([rows, columns], tf.int8), trainable=False)
        self.scales = tf.Variable(tf.zeros([rows, 1]), trainable=False)

    def assign(self, table: tf.Tensor) -> None:
        """Stores float32[N, D]."""
        scales = tf.reduce_max(tf.abs(table), 1, keepdims=True) / MOST
        self.scales.assign(scales)
        self.values.assign(tf.cast(tf.round(tf.math.divide_no_nan(table, scales)), tf.int8))


def value_of(stored: Any) -> tf.Tensor:
    """float32[N, D] of a Stored, or of one that was loaded."""
    return tf.cast(stored.values, tf.float32) * stored.scales
