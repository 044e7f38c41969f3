"""The serving graph: texts in, all tags out, with the first layer folded into tables and texts bucketed by length."""

import math
from collections.abc import Callable, Sequence

import tensorflow as tf

from models.architectures.buckets import buckets_of, flat
from models.architectures.cnn import (
    BIGRAM_GROUP,
    ENTITY_GROUP,
    ENTITY_GROUPS,
    GROUPS,
    OFFSETS,
    PAIR_GROUP,
    SLICES,
    TEXT_GROUPS,
    ConvolutionalNetwork,
    bigram_rows,
    name_rows,
    slices_of,
)
from models.architectures.columns import columns
from models.architectures.contract import Network, Sizes
from models.architectures.heads import FILTERS, EntityHead, TextHeads, pooled, readers, scripts_of
from models.architectures.layers import preceding
from models.architectures.stored import Stored, value_of
from models.pieces import CONTINUES, PAD_ID, PAD_SHAPE, Pieces, PieceTokenizer
from models.spans import decode
from models.vocabulary import CHINESE

STEPS = 16
"""Sizes of the long row of pieces between one power of two and the next."""
GAP = max(abs(offset) for offset in OFFSETS[ENTITY_GROUP])
NEVER = -1e4
"""What the padding's row adds at offset 0, so that relu leaves zero there and no mask has to be multiplied in."""


class FoldedServer(tf.Module):
    """One signature, `serve`. Stored compactly (the embeddings, in bytes); fold() makes the tables it gathers from.

    The tables take about 150 MB of memory for 31,000 entries. Whoever loads the SavedModel calls fold() once before serve().
    """

    def __init__(self, vocabulary: Sequence[str], sizes: Sizes, network: ConvolutionalNetwork | None = None) -> None:
        """network: of its own, by default a ConvolutionalNetwork."""
        super().__init__(name="server")
        self._tokenizer = PieceTokenizer(vocabulary)
        self._continues = tf.constant([entry.startswith(CONTINUES) for entry in vocabulary])
        network = network or ConvolutionalNetwork(sizes)
        self._embedding, self._entity_embedding, self._bigrams, self._pairs, self._names = (
            Stored(*table.shape) for table in network.tables)
        self._name_pairs = tf.Variable(network.name_pairs, trainable=False)
        self._kernel, self._entity_kernel = (tf.Variable(of, trainable=False) for of in (network.kernel, network.entity_kernel))
        self._bias = tf.Variable(network.bias, trainable=False)
        self._text_heads, self._entity_heads = network.text_heads, network.entity_heads
        self._scripts = tf.Variable(network.scripts, trainable=False)
        # What load() holds the labels and the vocabulary of the folder against.
        self.entity_labels = tf.Variable(sizes.entity, trainable=False)
        self.entries = tf.Variable(len(vocabulary), trainable=False)
        # Empty in the file, of full height once folded.
        self._tables = [
            tf.Variable(tf.zeros([0, FILTERS]), shape=tf.TensorShape([None, FILTERS]), trainable=False)
            for _ in range(len(SLICES) + 4)
        ]

    def take(self, network: Network) -> None:
        """See contract.Server."""
        assert isinstance(network, ConvolutionalNetwork)
        for own, table in zip(self._stored(), network.tables, strict=True):
            own.assign(table)
        self._kernel.assign(network.kernel)
        self._entity_kernel.assign(network.entity_kernel)
        self._bias.assign(network.bias)
        for heads, trained in zip((*self._text_heads, *self._entity_heads), (*network.text_heads, *network.entity_heads), strict=True):
            _copied(trained, heads)
        self.fold()

    @tf.function(input_signature=[])
    def fold(self) -> tf.Tensor:
        """Fills the tables: embedding times kernel slice, the biases in the slices at offset 0. Returns bigram rows."""
        biases = dict(zip(GROUPS, tf.split(self._bias, len(GROUPS)), strict=True))
        tables = dict(zip(SLICES, self._tables, strict=False))
        parts = (TEXT_GROUPS, self._embedding, self._kernel), (ENTITY_GROUPS, self._entity_embedding, self._entity_kernel)
        for groups, stored, kernels in parts:
            embedding, slices = value_of(stored)[1:], slices_of(groups)
            for (group, offset), kernel in zip(slices, tf.split(kernels, len(slices), 1), strict=True):
                values = tf.matmul(embedding, kernel) + (biases[group] if offset == 0 else 0.0)
                pad = tf.fill([1, FILTERS], NEVER if offset == 0 else 0.0)
                tables[group, offset].assign(tf.concat([pad, values], 0))
        rest = (value_of(self._bigrams), value_of(self._pairs), *tf.split(value_of(self._names), 2, 1))
        for table, values in zip(self._tables[len(SLICES) :], rest, strict=True):
            table.assign(values)
        return tf.shape(rest[0])[0]

    def _stored(self) -> tuple[Stored, ...]:
        """In the order of ConvolutionalNetwork.tables."""
        return self._embedding, self._entity_embedding, self._bigrams, self._pairs, self._names

    def release(self) -> None:
        """Empties the tables, for the file."""
        for table in self._tables:
            table.assign(tf.zeros([0, FILTERS]))

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="texts")])
    def serve(self, texts: tf.Tensor) -> dict[str, tf.Tensor]:
        """The columns of schemas.tagging.Tags for string[N]; N may be 0 and a text may be empty."""
        pieces = self._tokenizer(texts)
        shares, labels, scores = self._answers(pieces)
        return columns(shares, decode(labels, scores, tf.gather(self._continues, pieces.ids), pieces), pieces)

    def _answers(self, pieces: Pieces) -> tuple[list[tf.Tensor], tf.Tensor, tf.Tensor]:
        """The probabilities of each of TEXT_TASKS, float32[N, classes]; of each flat piece the likeliest label and its probability."""
        buckets, back = buckets_of(pieces)
        ids = tf.concat([pieces.ids, [PAD_ID]], 0)
        rows = [tf.gather(ids, bucket.places) for bucket in buckets]
        vectors, of_pieces = zip(*(self._beside(row) for row in rows), strict=True)
        parts = [(*self._pooled(row, bucket.lengths), *vector) for row, bucket, vector in zip(rows, buckets, vectors, strict=True)]
        of_texts = [tf.gather(tf.concat(column, 0), back) for column in zip(*parts, strict=True)]
        beside = [flat(column, buckets) for column in zip(*of_pieces, strict=True)]
        lengths = tf.cast(pieces.splits[1:] - pieces.splits[:-1], tf.int32)
        text = tf.repeat(tf.range(tf.size(lengths)), lengths)
        read = readers(tf.math.unsorted_segment_sum(scripts_of(tf.gather(self._scripts, pieces.ids)), text, tf.size(lengths)))
        seen, mean, *vectors = of_texts
        logits = [self._logits(heads, read[:, script], seen, vectors) for script, heads in enumerate(self._text_heads)]
        shares = [tf.nn.softmax(tf.add_n(of_task)) for of_task in zip(*logits, strict=True)]
        found = []
        for head, own in zip(self._entity_heads, (tf.logical_not(read[:, CHINESE]), read[:, CHINESE]), strict=True):
            at = tf.where(tf.gather(own, text))[:, 0]
            place = tf.cumsum(tf.cast(own, tf.int32), exclusive=True)
            row = [tf.gather(column, at) for column in (pieces.ids, pieces.shapes, tf.gather(place, text), *beside)]
            found.append((at, *self._entities(head, row[0], row[1], row[2], head.style(tf.boolean_mask(mean, own)), row[3:])))
        at, labels, scores = (tf.concat(column, 0) for column in zip(*found, strict=True))
        back = tf.math.invert_permutation(at)
        return shares, tf.gather(labels, back), tf.gather(scores, back)

    @staticmethod
    def _logits(heads: TextHeads, own: tf.Tensor, pooled: tf.Tensor, vectors: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        """Of each of TEXT_TASKS float32[N, classes]: zeros for the texts that these heads do not read. own bool[N]."""
        rows = tf.where(own)
        logits = heads.logits(heads.hidden(tf.gather(pooled, rows[:, 0]), [tf.gather(of, rows[:, 0]) for of in vectors]))
        return [tf.scatter_nd(rows, of, [tf.size(own, tf.int64), of.shape[1]]) for of in logits]

    def _beside(self, ids: tf.Tensor) -> tuple[Sequence[tf.Tensor], Sequence[tf.Tensor]]:
        """What TextHeads.hidden and the entity layer's sums are given beside the tables, of int32[B, L]; nothing here."""
        return (), ()

    def _pooled(self, ids: tf.Tensor, lengths: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """heads.pooled of one bucket of rows."""
        longest = tf.shape(ids)[1]
        padded = tf.pad(ids, [[0, 0], [2, 2]])
        features = self._features(lambda offset: padded[:, 2 + offset : 2 + offset + longest], TEXT_GROUPS)
        return pooled([tf.nn.relu(sums) for sums in features], lengths)

    def _entities(
        self, head: EntityHead, ids: tf.Tensor, shapes: tf.Tensor, text: tf.Tensor, style: tf.Tensor, beside: Sequence[tf.Tensor],
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """The likeliest label of each flat piece of texts of one script, and its probability; text and beside are of each piece, style of
        each text.

        All texts make one long row with GAP paddings before each: no buckets, and no text sees another, since nothing here sees further
        than that and the padding is zero in every layer. More padding ends the row.
        """
        if head.labels.shape[1] == 1:
            return tf.zeros_like(ids), tf.ones_like(ids, tf.float32)
        count = tf.shape(style)[0]
        at = (tf.range(tf.size(ids)) + GAP * (text + 1))[:, None]
        size = _padded_size(tf.size(ids) + GAP * (count + 1))
        ids, shapes, texts = (tf.tensor_scatter_nd_update(tf.fill([size], fill), at, values)[None] for fill, values in (
            (PAD_ID, ids), (PAD_SHAPE, shapes), (count, text)))
        padded = tf.pad(ids, [[0, 0], [GAP, GAP]])
        pairs, sums = self._features(lambda by: padded[:, GAP + by : GAP + by + size], ENTITY_GROUPS)
        names = name_rows(self._name_pairs, ids, padded[:, GAP + 1 : GAP + 1 + size])
        before = preceding(names, tf.size(self._name_pairs))
        styles = tf.gather(tf.pad(style, [[0, 1], [0, 0]]), texts)
        more = [tf.tensor_scatter_nd_update(tf.zeros([size, FILTERS]), at, values)[None] for values in beside]
        sums = tf.add_n([sums, tf.gather(self._tables[-2], names), tf.gather(self._tables[-1], before), styles, *more])
        logits = tf.gather(head.logits(head.inner(sums, tf.nn.relu(pairs), shapes), ids != PAD_ID)[0], at[:, 0])
        scores = tf.exp(tf.reduce_max(logits, 1) - tf.reduce_logsumexp(logits, 1))
        return tf.argmax(logits, 1, output_type=tf.int32), scores

    def _features(self, ids_at: Callable[[int], tf.Tensor], groups: Sequence[str]) -> list[tf.Tensor]:
        """The sums of the first layer's groups; ids_at gives the ids at an offset from each piece."""
        sums: dict[str, list[tf.Tensor]] = {group: [] for group in groups}
        for table, (group, offset) in zip(self._tables, SLICES, strict=False):
            if group in groups:
                sums[group].append(tf.gather(table, ids_at(offset)))
        rows = bigram_rows(ids_at(0), ids_at(1))
        for table, group in zip(self._tables[len(SLICES) :], (BIGRAM_GROUP, PAIR_GROUP), strict=False):
            if group in groups:
                sums[group].append(tf.gather(table, rows))
        return [tf.add_n(sums[group]) for group in groups]


def _copied(source: tf.Module, target: tf.Module) -> None:
    for own, value in zip(target.variables, source.variables, strict=True):
        own.assign(value)


def _padded_size(size: tf.Tensor) -> tf.Tensor:
    """The next of few sizes: steps of 1 / STEPS of the power of two below it, at least of STEPS.

    oneDNN compiles a kernel for every new shape and keeps it: without this, each chunk would pay for one of its own,
    in time and in memory.
    """
    octave = tf.floor(tf.math.log(tf.cast(size, tf.float32)) / math.log(2.0))
    step = tf.maximum(tf.bitwise.left_shift(1, tf.cast(octave, tf.int32)) // STEPS, STEPS)
    return (size + step - 1) // step * step
