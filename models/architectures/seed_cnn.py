"""The first network of this project, kept exactly: one convolution, one class or the other.

Embedding(10000, 128), Conv1D(128, 5, relu), GlobalMaxPooling1D, Dense(64, relu), Dense(1, sigmoid); Adam at 0.001, binary cross-entropy,
10 epochs in batches of 64 (Kim 2014 has the form).
"""

from collections.abc import Sequence

import keras
import tensorflow as tf

from models.architectures.contract import Noise, Sizes, divide
from models.pieces import PAD_ID

ENTRIES = 10_000
WIDTH = 5


class SeedNetwork(tf.Module):
    """Sentiment alone, negative or positive."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__(name="network")
        keras_layers = keras.layers
        self._body = keras.Sequential([
            keras_layers.Embedding(ENTRIES, 128),
            keras_layers.Conv1D(128, WIDTH, activation="relu"),
            keras_layers.GlobalMaxPooling1D(),
            keras_layers.Dense(64, activation="relu")])
        self._body.build((None, None))
        self._top = keras_layers.Dense(1)   # the sigmoid is in the loss and in the server
        self._top.build((None, 64))
        self.weights = [variable.value for variable in (*self._body.weights, *self._top.weights)]
        self._others, self._entities = sizes.heads[1:], sizes.entity

    def cool(self, temperatures: Sequence[float]) -> None:
        """See contract.Network; there is sentiment alone."""
        divide(temperatures[0], *self.weights[-2:])

    def hidden(self, ids: tf.Tensor, shapes: tf.Tensor, noise: Noise | None = None) -> tf.Tensor:
        """See contract.Network.

        The convolution sees the padding. So that its answer does not depend on how much there is, every row gets one window of nothing
        else, and more of these do not change the maximum.
        """
        return self._body(tf.pad(ids, [[0, 0], [0, WIDTH]], constant_values=PAD_ID))

    def heads_of(self, hidden: tf.Tensor, noise: Noise | None = None) -> list[tf.Tensor]:
        """See contract.Network. Two sentiments, the first at 0: softmax is then the sigmoid, its cross-entropy the binary one."""
        others = [tf.zeros([tf.shape(hidden)[0], classes]) for classes in self._others]
        return [tf.pad(self._top(hidden), [[0, 0], [1, 0]]), *others]

    def entity_logits(self, ids: tf.Tensor, shapes: tf.Tensor, noise: Noise | None = None) -> tf.Tensor:
        """See contract.Network: all are outside."""
        return tf.zeros([*tf.unstack(tf.shape(ids)), self._entities])
