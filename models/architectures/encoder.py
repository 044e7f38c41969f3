"""Heads over any encoder of pieces: what the recurrent network and the transformer have in common."""

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from models.architectures import TEXT_TASKS
from models.architectures.contract import Noise, Sizes, divide
from models.architectures.layers import lengths_of, mean_of, weight, zeros
from models.pieces import PAD_ID, SHAPES, UNKNOWN_ID

EMBEDDING = 128
SHAPE_EMBEDDING = 16
HIDDEN = 256
PIECE_DROPOUT = 0.05
DROPOUT = 0.25
LOWEST = -1e4

Encode = Callable[[tf.Tensor, tf.Tensor, Noise | None], tf.Tensor]
"""float32[B, L, EMBEDDING + SHAPE_EMBEDDING] and bool[B, L], which is true where a piece is -> float32[B, L, D]."""


class EncoderNetwork(tf.Module):
    """Embeddings of pieces and of their shapes, an encoder, and the heads.

    encode: must not let a piece see the padding. width: D. layers: the Keras layers that encode uses, built.
    """

    def __init__(self, sizes: Sizes, encode: Encode, width: int, layers: list[Any]) -> None:
        super().__init__(name="network")
        self._encode = encode
        self.embedding = tf.Variable(tf.random.normal([sizes.vocabulary, EMBEDDING], stddev=0.1), name="embedding")
        self.shape = tf.Variable(tf.random.normal([SHAPES, SHAPE_EMBEDDING], stddev=0.1), name="shape")
        self.encoder = [variable.value for layer in layers for variable in layer.weights]
        self.dense, self.dense_bias = weight("dense", 2 * width, HIDDEN), zeros("dense_b", HIDDEN)
        self.sentiment, self.sentiment_bias = weight("sentiment", HIDDEN, sizes.sentiment), zeros("sentiment_b", sizes.sentiment)
        self.topic, self.topic_bias = weight("topic", HIDDEN, sizes.topic), zeros("topic_b", sizes.topic)
        self.intent, self.intent_bias = weight("intent", HIDDEN, sizes.intent), zeros("intent_b", sizes.intent)
        self.entity, self.entity_bias = weight("entity", width, sizes.entity), zeros("entity_b", sizes.entity)

    def cool(self, temperatures: Sequence[float]) -> None:
        """See contract.Network."""
        for task, by in zip(TEXT_TASKS, temperatures, strict=True):
            divide(by, getattr(self, task), getattr(self, f"{task}_bias"))

    def hidden(self, ids: tf.Tensor, shapes: tf.Tensor, noise: Noise | None = None) -> tf.Tensor:
        """See contract.Network. A text without a piece is zeros to the dense layer."""
        encoded, inside = self._encoded(ids, shapes, noise)
        most = tf.reduce_max(tf.where(inside[..., None], encoded, LOWEST), 1)
        pooled = tf.concat([tf.where(tf.reduce_any(inside, 1, keepdims=True), most, 0.0), mean_of(encoded, lengths_of(ids))], 1)
        return tf.nn.relu(tf.matmul(pooled, self.dense) + self.dense_bias)

    def heads_of(self, hidden: tf.Tensor, noise: Noise | None = None) -> list[tf.Tensor]:
        """See contract.Network."""
        values = noise.dropout(hidden, DROPOUT) if noise else hidden
        return [tf.matmul(values, getattr(self, task)) + getattr(self, f"{task}_bias") for task in TEXT_TASKS]

    def entity_logits(self, ids: tf.Tensor, shapes: tf.Tensor, noise: Noise | None = None) -> tf.Tensor:
        """See contract.Network."""
        encoded, _ = self._encoded(ids, shapes, noise)
        return tf.matmul(encoded, self.entity) + self.entity_bias

    def _encoded(self, ids: tf.Tensor, shapes: tf.Tensor, noise: Noise | None) -> tuple[tf.Tensor, tf.Tensor]:
        """Zero at the padding, and where there is none."""
        inside = ids != PAD_ID
        if noise:
            ids = tf.where(tf.logical_and(noise.hides(ids, PIECE_DROPOUT), inside), UNKNOWN_ID, ids)
        values = tf.concat([tf.gather(self.embedding, ids), tf.gather(self.shape, shapes)], 2)
        if noise:
            values = noise.dropout(values, DROPOUT)
        mask = tf.cast(inside, tf.float32)[..., None]
        encoded = self._encode(values * mask, inside, noise) * mask
        return (noise.dropout(encoded, DROPOUT) if noise else encoded), inside
