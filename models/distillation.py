"""Distillation of sentence vectors: beside its labels a text brings what larger models make of it (Hinton et al. 2015; Romero et al.,
FitNets, ICLR 2015). The teachers' vectors are guessed from the layer that the heads look at; the guesses are thrown away after training.
"""

from collections.abc import Mapping, Sequence

import tensorflow as tf

from models.architectures.layers import weight
from models.teachers.files import Vectors

WEIGHT = 2.0
"""Of the vectors beside the labels."""


class Guesses(tf.Module):
    """Soft labels of texts, by task."""

    def __init__(self, tables: Mapping[str, Vectors]) -> None:
        super().__init__(name="guesses")
        self._tables = {task: tf.Variable(of.values, trainable=False) for task, of in tables.items()}

    def of(self, task: str, rows: tf.Tensor) -> tf.Tensor | None:
        """float32[B, C] of int32[B, len(tables)], which has a row of each table, or -1: zeros then; None where no table is of the task."""
        if task not in self._tables:
            return None
        own = rows[:, list(self._tables).index(task)]
        found = tf.cast(tf.gather(self._tables[task], tf.maximum(own, 0)), tf.float32)
        return found * tf.cast(own >= 0, tf.float32)[:, None]


class Distillation(tf.Module):
    """width: of the layer. No teacher: a loss of 0."""

    def __init__(self, teachers: Sequence[Vectors], width: int) -> None:
        super().__init__(name="distillation")
        self._tables = [tf.Variable(vectors.values, trainable=False) for vectors in teachers]
        self.projections = [weight(f"teacher_{at}", width, of.values.shape[1]) for at, of in enumerate(teachers)]

    def loss(self, hidden: tf.Tensor, rows: tf.Tensor) -> tf.Tensor:
        """One minus the cosine, averaged over the texts that a teacher has seen, summed over the teachers.

        hidden: float32[B, width]. rows: int32[B, T], of each teacher's vectors; -1 for none.
        """
        parts = [self._distance(hidden, rows[:, at], at) for at in range(len(self._tables))]
        return WEIGHT * tf.add_n(parts) if parts else tf.constant(0.0)

    def _distance(self, hidden: tf.Tensor, rows: tf.Tensor, teacher: int) -> tf.Tensor:
        wanted = tf.cast(tf.gather(self._tables[teacher], tf.maximum(rows, 0)), tf.float32)
        guessed = tf.math.l2_normalize(tf.matmul(hidden, self.projections[teacher]), -1)
        seen = tf.cast(rows >= 0, tf.float32)
        return tf.reduce_sum((1 - tf.reduce_sum(wanted * guessed, 1)) * seen) / tf.maximum(tf.reduce_sum(seen), 1.0)
