"""Keeps a network from forgetting what it is not shown any more, without the texts that taught it: pseudo-rehearsal (Robins 1995).

The first layer is n-grams of pieces, so that random rows of pieces ask for all that it knows; the answers of the old network are the
targets (Hinton et al. 2015).
"""

import tensorflow as tf

from models.architectures.contract import Network, Noise, text_logits
from models.pieces import PAD_ID, PAD_SHAPE, UNKNOWN_ID

LENGTH = 24
WEIGHT = 5.0
"""Of the random rows: they stand for all other texts."""


class Rehearsal:
    """old: as it was. new: in training. entries: of their vocabulary."""

    def __init__(self, old: Network, new: Network, entries: int) -> None:
        self._old, self._new, self._entries = old, new, entries

    def loss(self, ids: tf.Tensor, shapes: tf.Tensor, noise: Noise) -> tf.Tensor:
        """How far the new network's sentiment and entities are from the old one's, on the rows of a batch and on as many random ones."""
        size = [tf.shape(ids)[0], LENGTH]
        random = noise.integers(size, UNKNOWN_ID, self._entries), noise.integers(size, 0, PAD_SHAPE)
        return self._distance(ids, shapes) + WEIGHT * self._distance(*random)

    def _distance(self, ids: tf.Tensor, shapes: tf.Tensor) -> tf.Tensor:
        (old, *_), (new, *_) = (text_logits(network, ids, shapes) for network in (self._old, self._new))
        before, after = (network.entity_logits(ids, shapes) for network in (self._old, self._new))
        texts, pieces = tf.ones_like(ids[:, 0], tf.float32), tf.cast(ids != PAD_ID, tf.float32)
        return divergence(old, new, texts) + divergence(before, after, pieces)


def divergence(old: tf.Tensor, new: tf.Tensor, counts: tf.Tensor) -> tf.Tensor:
    """Kullback and Leibler's, of softmaxes of float32[..., C], averaged over the places that count."""
    wanted = tf.stop_gradient(tf.nn.log_softmax(old))
    each = tf.reduce_sum(tf.exp(wanted) * (wanted - tf.nn.log_softmax(new)), -1)
    return tf.reduce_sum(each * counts) / tf.maximum(tf.reduce_sum(counts), 1.0)
