"""The serving graph of a network that cannot be folded: rows of like length, padded, one pass for all heads."""

from collections.abc import Sequence

import tensorflow as tf

from models.architectures.buckets import bucketed
from models.architectures.columns import columns
from models.architectures.contract import Network, Sizes, copied
from models.pieces import CONTINUES, PieceTokenizer
from models.spans import decode


class PaddedServer(tf.Module):
    """One signature, `serve`. network: one of its own, whose weights take() replaces."""

    def __init__(self, vocabulary: Sequence[str], sizes: Sizes, network: Network) -> None:
        super().__init__(name="server")
        self._tokenizer = PieceTokenizer(vocabulary)
        self._continues = tf.constant([entry.startswith(CONTINUES) for entry in vocabulary])
        self._network = network
        self.entries = tf.Variable(len(vocabulary), trainable=False)   # load() holds the folder's vocabulary against it
        self.entity_labels = tf.Variable(sizes.entity, trainable=False)

    def take(self, network: Network) -> None:
        """See contract.Server."""
        copied(network, self._network)

    @tf.function(input_signature=[])
    def fold(self) -> tf.Tensor:
        """Nothing has to be made."""
        return tf.constant(0)

    def release(self) -> None:
        """Nothing was made."""

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="texts")])
    def serve(self, texts: tf.Tensor) -> dict[str, tf.Tensor]:
        """The columns of schemas.tagging.Tags for string[N]; N may be 0 and a text may be empty."""
        pieces = self._tokenizer(texts)
        (sentiment, topic), entity = bucketed(pieces, self._answers)
        labels = tf.argmax(entity, 1, output_type=tf.int32)
        spans = decode(labels, tf.reduce_max(entity, 1), tf.gather(self._continues, pieces.ids), pieces)
        return columns(sentiment, topic, spans, pieces)

    def _answers(self, ids: tf.Tensor, shapes: tf.Tensor) -> tuple[tf.Tensor, ...]:
        sentiment, topic = self._network.text_logits(ids, shapes)
        return tf.nn.softmax(sentiment), tf.nn.softmax(topic), tf.nn.softmax(self._network.entity_logits(ids, shapes))
