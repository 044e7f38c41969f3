"""The accurate tagger's network: the fast one's, joined with an encoder that others trained, for the texts whose pieces it knows.

N-grams beside a sentence vector tell more than either alone, and texts that the encoder does not know, such as Chinese ones, do not pass
through it at all: of them the network is the fast one's, and does not pay for the encoder.
"""

from collections.abc import Sequence

import tensorflow as tf

from models.architectures import lora
from models.architectures.cnn import ConvolutionalNetwork
from models.architectures.contract import Network, Noise, Sizes
from models.architectures.folded import FoldedServer
from models.architectures.heads import FILTERS
from models.architectures.layers import weight
from models.pieces import PAD_ID

DROPOUT = 0.1
"""Of what the encoder says."""


class Reading:
    """How the rows of a vocabulary pass through the encoder."""

    def __init__(self, vocabulary: int) -> None:
        self.encoder = lora.shared()
        self._ids, self._known = self.encoder.ids(vocabulary)

    def __call__(
        self, ids: tf.Tensor, projection: tf.Tensor, adapters: Sequence[tf.Tensor], frozen: Sequence[tf.Tensor] = (),
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """float32[B, width] of each row, and float32[B, L, FILTERS] of each piece by float32[width, FILTERS], of int32[B, L].

        Zeros for a row of which the encoder knows fewer than half of the pieces, and for pieces beyond what it reads.
        """
        inside = ids != PAD_ID
        known = tf.reduce_sum(tf.cast(tf.gather(self._known, ids), tf.int32), 1)
        rows = tf.where((2 * known >= tf.reduce_sum(tf.cast(inside, tf.int32), 1)) & (known > 0))
        size, width = tf.shape(ids), self.encoder.width

        def read() -> tuple[tf.Tensor, tf.Tensor]:
            chosen = tf.gather(self._ids, tf.gather(ids[:, : lora.LONGEST - 2], rows[:, 0]))
            vectors, pieces = self.encoder(chosen, adapters, frozen)
            pieces = tf.pad(tf.matmul(pieces, projection), [[0, 0], [0, size[1] - tf.shape(chosen)[1]], [0, 0]])
            row = tf.cast(rows, tf.int32)
            return tf.scatter_nd(row, vectors, [size[0], width]), tf.scatter_nd(row, pieces, [size[0], size[1], FILTERS])

        vectors, pieces = tf.cond(
            tf.size(rows) > 0, read, lambda: (tf.zeros([size[0], width]), tf.zeros([size[0], size[1], FILTERS])))
        return tf.ensure_shape(vectors, [None, width]), tf.ensure_shape(pieces, [None, None, FILTERS])


class JoinedNetwork(ConvolutionalNetwork):
    """The whole network as it is trained; of the encoder it holds the adapters alone."""

    def __init__(self, sizes: Sizes) -> None:
        reading = Reading(sizes.vocabulary)
        super().__init__(sizes, reading.encoder.width)
        self.reading = reading
        self.adapters = lora.adapters_of(reading.encoder.adapters)
        self.projection = weight("projection", reading.encoder.width, FILTERS)

    def hidden(self, ids: tf.Tensor, shapes: tf.Tensor, noise: Noise | None = None, beside: Sequence[tf.Tensor] = ()) -> tf.Tensor:
        """See contract.Network."""
        return super().hidden(ids, shapes, noise, [*beside, self._read(ids, noise)[0]])

    def entity_logits(
        self, ids: tf.Tensor, shapes: tf.Tensor, noise: Noise | None = None, beside: Sequence[tf.Tensor] = (),
    ) -> tf.Tensor:
        """See contract.Network."""
        return super().entity_logits(ids, shapes, noise, [*beside, self._read(ids, noise)[1]])

    def _read(self, ids: tf.Tensor, noise: Noise | None) -> list[tf.Tensor]:
        said = self.reading(ids, self.projection, self.adapters)
        return [noise.dropout(values, DROPOUT) if noise else values for values in said]


class JoinedServer(FoldedServer):
    """As FoldedServer. frozen: the encoder's weights, empty in the file; whoever loads the SavedModel fills them."""

    def __init__(self, vocabulary: Sequence[str], sizes: Sizes) -> None:
        network = JoinedNetwork(sizes)
        super().__init__(vocabulary, sizes, network)
        self._reading = network.reading
        self._projection, self._adapters = network.projection, network.adapters
        self._shapes = self._reading.encoder.frozen
        self.frozen = [tf.Variable(tf.zeros([0] * len(shape)), shape=[None] * len(shape), trainable=False) for shape in self._shapes]

    def take(self, network: Network) -> None:
        """See contract.Server."""
        assert isinstance(network, JoinedNetwork)
        for own, trained in zip((self._projection, *self._adapters), (network.projection, *network.adapters), strict=True):
            own.assign(trained)
        for own, value in zip(self.frozen, self._reading.encoder.weights(), strict=True):
            own.assign(value)
        super().take(network)

    def release(self) -> None:
        """Empties the encoder too."""
        super().release()
        for own, shape in zip(self.frozen, self._shapes, strict=True):
            own.assign(tf.zeros([0] * len(shape)))

    def _beside(self, ids: tf.Tensor) -> tuple[Sequence[tf.Tensor], Sequence[tf.Tensor]]:
        vector, pieces = self._read(ids)
        return [vector], [pieces]

    @tf.function(input_signature=[tf.TensorSpec([None, None], tf.int32)])
    def _read(self, ids: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """A function of its own: the graph has the encoder once, not once a bucket."""
        frozen = [tf.ensure_shape(own, shape) for own, shape in zip(self.frozen, self._shapes, strict=True)]
        return self._reading(ids, self._projection, self._adapters, frozen)
