"""The serving graph of a network that cannot be folded: rows of like length, padded, one pass for all heads."""

from collections.abc import Sequence

import tensorflow as tf

from models.architectures import TEXT_TASKS
from models.architectures.buckets import buckets_of, flat
from models.architectures.columns import columns
from models.architectures.contract import Network, Sizes, copied, text_logits
from models.pieces import CONTINUES, PAD_ID, PAD_SHAPE, PieceTokenizer
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
        buckets, back = buckets_of(pieces)
        ids, shapes = tf.concat([pieces.ids, [PAD_ID]], 0), tf.concat([pieces.shapes, [PAD_SHAPE]], 0)
        answers = [self._answers(tf.gather(ids, bucket.places), tf.gather(shapes, bucket.places)) for bucket in buckets]
        texts = [tf.gather(tf.concat([answer[head] for answer in answers], 0), back) for head in range(len(TEXT_TASKS))]
        entity = flat([answer[-1] for answer in answers], buckets)
        labels = tf.argmax(entity, 1, output_type=tf.int32)
        spans = decode(labels, tf.reduce_max(entity, 1), tf.gather(self._continues, pieces.ids), pieces)
        return columns(texts, spans, pieces)

    def _answers(self, ids: tf.Tensor, shapes: tf.Tensor) -> list[tf.Tensor]:
        """Probabilities of each of TEXT_TASKS of each row, and of the entity labels of each piece."""
        logits = [*text_logits(self._network, ids, shapes), self._network.entity_logits(ids, shapes)]
        return [tf.nn.softmax(values) for values in logits]
