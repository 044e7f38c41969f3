"""The serving graph: texts in, all tags out, with the first layer folded into tables and texts bucketed by length."""

import math
from collections.abc import Callable, Sequence

import tensorflow as tf

from models.architectures.buckets import buckets_of, flat
from models.architectures.cnn import (
    BIGRAM_GROUP,
    ENTITY_GROUP,
    FILTERS,
    GROUPS,
    OFFSETS,
    SLICES,
    TEXT_GROUPS,
    ConvolutionalNetwork,
    bigram_rows,
    name_rows,
    preceding,
    shape_rows,
)
from models.architectures.columns import columns
from models.architectures.contract import Network, Sizes
from models.pieces import CONTINUES, PAD_ID, PAD_SHAPE, Pieces, PieceTokenizer
from models.spans import decode

STEPS = 16
"""Sizes of the long row of pieces between one power of two and the next."""
GAP = max(abs(offset) for offset in OFFSETS[ENTITY_GROUP])
NEVER = -1e4
"""What the padding's row adds at offset 0, so that relu leaves zero there and no mask has to be multiplied in."""


class FoldedServer(tf.Module):
    """One signature, `serve`. Stored compactly (the embedding, float16); fold() makes the tables it gathers from.

    The tables take about 66 MB of memory for 16,000 entries. Whoever loads the SavedModel calls fold() once before
    serve().
    """

    def __init__(self, vocabulary: Sequence[str], sizes: Sizes, network: ConvolutionalNetwork | None = None) -> None:
        """network: of its own, by default a ConvolutionalNetwork."""
        super().__init__(name="server")
        self._tokenizer = PieceTokenizer(vocabulary)
        self._continues = tf.constant([entry.startswith(CONTINUES) for entry in vocabulary])
        network = network or ConvolutionalNetwork(sizes)
        self._embedding, self._bigrams, self._names = (
            tf.Variable(tf.cast(table, tf.float16), trainable=False) for table in (network.embedding, network.bigrams, network.names))
        self._name_pairs = tf.Variable(network.name_pairs, trainable=False)
        self._kernel = tf.Variable(network.kernel, trainable=False)
        self._bias = tf.Variable(network.bias, trainable=False)
        self._heads = network.heads
        # What load() holds the labels and the vocabulary of the folder against.
        self.entity_labels = tf.Variable(sizes.entity, trainable=False)
        self.entries = tf.Variable(len(vocabulary), trainable=False)
        # Empty in the file, of full height once folded.
        self._tables = [
            tf.Variable(tf.zeros([0, FILTERS]), shape=tf.TensorShape([None, FILTERS]), trainable=False)
            for _ in range(len(SLICES) + 3)
        ]

    def take(self, network: Network) -> None:
        """See contract.Server."""
        assert isinstance(network, ConvolutionalNetwork)
        for own, table in ((self._embedding, network.embedding), (self._bigrams, network.bigrams), (self._names, network.names)):
            own.assign(tf.cast(table, tf.float16))
        self._kernel.assign(network.kernel)
        self._bias.assign(network.bias)
        for own, trained in zip(self._heads.variables, network.heads.variables, strict=True):
            own.assign(trained)
        self.fold()

    @tf.function(input_signature=[])
    def fold(self) -> tf.Tensor:
        """Fills the tables: embedding times kernel slice, the biases in the slices at offset 0. Returns bigram rows."""
        biases = dict(zip(GROUPS, tf.split(self._bias, len(GROUPS)), strict=True))
        embedding = tf.cast(self._embedding, tf.float32)
        kernels = tf.split(self._kernel, len(SLICES), 1)
        for table, kernel, (group, offset) in zip(self._tables, kernels, SLICES, strict=False):
            values = tf.matmul(embedding[1:], kernel) + (biases[group] if offset == 0 else 0.0)
            pad = tf.fill([1, FILTERS], NEVER if offset == 0 else 0.0)
            table.assign(tf.concat([pad, values], 0))
        rest = (self._bigrams, *tf.split(self._names, 2, 1))
        for table, halves in zip(self._tables[len(SLICES) :], rest, strict=True):
            table.assign(tf.cast(halves, tf.float32))
        return tf.shape(self._bigrams)[0]

    def release(self) -> None:
        """Empties the tables, for the file."""
        for table in self._tables:
            table.assign(tf.zeros([0, FILTERS]))

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="texts")])
    def serve(self, texts: tf.Tensor) -> dict[str, tf.Tensor]:
        """The columns of schemas.tagging.Tags for string[N]; N may be 0 and a text may be empty."""
        pieces = self._tokenizer(texts)
        buckets, back = buckets_of(pieces)
        ids = tf.concat([pieces.ids, [PAD_ID]], 0)
        rows = [tf.gather(ids, bucket.places) for bucket in buckets]
        vectors, of_pieces = zip(*(self._beside(row) for row in rows), strict=True)
        parts = [self._texts(row, bucket.lengths, vector) for row, bucket, vector in zip(rows, buckets, vectors, strict=True)]
        *texts, style = (tf.gather(tf.concat(column, 0), back) for column in zip(*parts, strict=True))
        beside = [flat(column, buckets) for column in zip(*of_pieces, strict=True)]
        labels, scores = self._entities(pieces, style, beside) if self._heads.entity.shape[1] > 1 else _no_labels(pieces)
        return columns(texts, decode(labels, scores, tf.gather(self._continues, pieces.ids), pieces), pieces)

    def _beside(self, ids: tf.Tensor) -> tuple[Sequence[tf.Tensor], Sequence[tf.Tensor]]:
        """What Heads.hidden and the entity layer's sums are given beside the tables, of int32[B, L]; nothing here."""
        return (), ()

    def _texts(self, ids: tf.Tensor, lengths: tf.Tensor, beside: Sequence[tf.Tensor]) -> tuple[tf.Tensor, ...]:
        """Probabilities of each of TEXT_TASKS, and entity_style, of one bucket of rows."""
        longest = tf.shape(ids)[1]
        padded = tf.pad(ids, [[0, 0], [2, 2]])
        features = self._features(lambda offset: padded[:, 2 + offset : 2 + offset + longest], TEXT_GROUPS)
        hidden, mean = self._heads.hidden([tf.nn.relu(sums) for sums in features], lengths, beside)
        return *(tf.nn.softmax(values) for values in self._heads.logits(hidden)), self._heads.entity_style(mean)

    def _entities(self, pieces: Pieces, style: tf.Tensor, beside: Sequence[tf.Tensor] = ()) -> tuple[tf.Tensor, tf.Tensor]:
        """The likeliest label of each flat piece and its probability; style is that of each text, beside of each flat piece.

        All texts make one long row with GAP paddings before each: no buckets, and no text sees another, since nothing here sees further
        than that and the padding is zero in every layer. More padding ends the row.
        """
        lengths = tf.cast(pieces.splits[1:] - pieces.splits[:-1], tf.int32)
        text = tf.repeat(tf.range(tf.size(lengths)), lengths)
        at = (tf.range(tf.size(pieces.ids)) + GAP * (text + 1))[:, None]
        size = _padded_size(tf.size(pieces.ids) + GAP * (tf.size(lengths) + 1))
        ids, shapes, texts = (tf.tensor_scatter_nd_update(tf.fill([size], fill), at, values)[None] for fill, values in (
            (PAD_ID, pieces.ids), (PAD_SHAPE, pieces.shapes), (tf.size(lengths), text)))
        padded = tf.pad(ids, [[0, 0], [GAP, GAP]])
        bigrams, sums = self._features(lambda by: padded[:, GAP + by : GAP + by + size], (BIGRAM_GROUP, ENTITY_GROUP))
        names = name_rows(self._name_pairs, ids, padded[:, GAP + 1 : GAP + 1 + size])
        before = preceding(names, tf.size(self._name_pairs))
        styles = tf.gather(tf.pad(style, [[0, 1], [0, 0]]), texts)
        more = [tf.tensor_scatter_nd_update(tf.zeros([size, FILTERS]), at, values)[None] for values in beside]
        sums = tf.add_n([sums, tf.gather(self._tables[-2], names), tf.gather(self._tables[-1], before), styles, *more])
        inner = self._heads.entity_inner(sums, tf.nn.relu(bigrams), shape_rows(shapes))
        logits = tf.gather(self._heads.entity_logits(inner, ids != PAD_ID)[0], at[:, 0])
        scores = tf.exp(tf.reduce_max(logits, 1) - tf.reduce_logsumexp(logits, 1))
        return tf.argmax(logits, 1, output_type=tf.int32), scores

    def _features(self, ids_at: Callable[[int], tf.Tensor], groups: Sequence[str]) -> list[tf.Tensor]:
        """The sums of the first layer's groups; ids_at gives the ids at an offset from each piece."""
        sums: dict[str, list[tf.Tensor]] = {group: [] for group in groups}
        for table, (group, offset) in zip(self._tables, SLICES, strict=False):
            if group in groups:
                sums[group].append(tf.gather(table, ids_at(offset)))
        sums[BIGRAM_GROUP].append(tf.gather(self._tables[len(SLICES)], bigram_rows(ids_at(0), ids_at(1))))
        return [tf.add_n(sums[group]) for group in groups]


def _no_labels(pieces: Pieces) -> tuple[tf.Tensor, tf.Tensor]:
    """What a head of one class says of each piece."""
    return tf.zeros_like(pieces.ids), tf.ones_like(pieces.ids, tf.float32)


def _padded_size(size: tf.Tensor) -> tf.Tensor:
    """The next of few sizes: steps of 1 / STEPS of the power of two below it, at least of STEPS.

    oneDNN compiles a kernel for every new shape and keeps it: without this, each chunk would pay for one of its own,
    in time and in memory.
    """
    octave = tf.floor(tf.math.log(tf.cast(size, tf.float32)) / math.log(2.0))
    step = tf.maximum(tf.bitwise.left_shift(1, tf.cast(octave, tf.int32)) // STEPS, STEPS)
    return (size + step - 1) // step * step
