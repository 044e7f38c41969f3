"""The fast tagger's network: one convolutional encoder with heads for texts and for entities, in training form.

The first layer is linear in the embedding of each piece, so that each of its kernel slices times the embedding table
is a table itself: folded.py folds them, and the layer becomes gathers and a sum (no nonlinearity or normalization
may come between). The same holds for the hashed bigrams (Joulin et al. 2017), which are a table from the start.
"""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from models.architectures import TEXT_TASKS
from models.architectures.contract import Noise, Sizes, divide
from models.pieces import PAD_ID, PAD_SHAPE, SHAPES, UNKNOWN_ID

EMBEDDING = 128
FILTERS = 64
HIDDEN = 256
BIGRAM_ROWS = 32_749
"""A prime, so that the hash spreads."""
BIGRAM_GROUP = "bigram"
ENTITY_GROUP = "entity"
OFFSETS = {
    "two": (0, 1),
    "three": (-1, 0, 1),
    "five": (-2, -1, 0, 1, 2),
    BIGRAM_GROUP: (0,),
    ENTITY_GROUP: (-2, -1, 0, 1, 2),
}
"""What each group of FILTERS columns of the first layer sees. To the bigram group the hashed bigram is added."""
GROUPS = tuple(OFFSETS)
TEXT_GROUPS = ("two", "three", "five", BIGRAM_GROUP)
SLICES = tuple((group, offset) for group, offsets in OFFSETS.items() for offset in offsets)
"""Group and offset of each slice of the kernel, in the order of its columns."""
EMBEDDING_DROPOUT = 0.25
PIECE_DROPOUT = 0.05
NAME_DROPOUT = 0.3
MOST_PIECES = 46_340
"""The root of the largest int32."""
ENTITY_PIECE_DROPOUT = 0.15
"""More than for whole texts: a name not seen before must be found by what stands around it."""
HEAD_DROPOUT = 0.3


Tensor = TypeVar("Tensor", tf.Tensor, NDArray[np.int32])


def bigram_rows(ids: tf.Tensor, after: tf.Tensor) -> tf.Tensor:
    """The rows of the bigram table for pieces and the ones after them (PAD_ID after the last), int32."""
    return (ids * 40_503 + after * 30_011) % BIGRAM_ROWS


def name_keys(ids: Tensor, after: Tensor) -> Tensor:
    """One int32 for each pair of pieces; exact, unlike a hash, for vocabularies up to MOST_PIECES."""
    return ids * MOST_PIECES + after


def name_rows(name_pairs: tf.Tensor, ids: tf.Tensor, after: tf.Tensor) -> tf.Tensor:
    """The rows of the name table for pieces and the ones after them; the last row for pairs that no name held."""
    keys = name_keys(ids, after)
    found = tf.reshape(tf.searchsorted(name_pairs, tf.reshape(keys, [-1])), tf.shape(keys))
    known = tf.gather(name_pairs, tf.minimum(found, tf.size(name_pairs) - 1)) == keys
    return tf.where(known, found, tf.size(name_pairs))


def shape_rows(shapes: tf.Tensor) -> tf.Tensor:
    """int32[B, L]: the row of the shape table for each piece, the one before it and the one after it."""
    padded = tf.pad(shapes, [[0, 0], [1, 1]], constant_values=PAD_SHAPE)
    return (padded[:, :-2] * SHAPES + padded[:, 1:-1]) * SHAPES + padded[:, 2:]


def preceding(rows: tf.Tensor, padding: tf.Tensor) -> tf.Tensor:
    """int32[B, L]: the values one column before, and the padding in the first."""
    return tf.pad(rows[:, :-1], [[0, 0], [1, 0]], constant_values=padding)


def mean_of(features: tf.Tensor, lengths: tf.Tensor) -> tf.Tensor:
    """float32[B, D]: the mean of float32[B, L, D], zero at the padding, over the pieces; zeros for no piece."""
    return tf.reduce_sum(features, 1) / tf.cast(tf.maximum(lengths, 1), tf.float32)[:, None]


def root_sum_of(features: tf.Tensor, lengths: tf.Tensor) -> tf.Tensor:
    """float32[B, D]: as mean_of, but the sum over the root of the number of pieces.

    A mean would hide in a long text the few pieces that decide; a sum would shout (Y. Yang et al. 2020 have it so).
    """
    return tf.reduce_sum(features, 1) / tf.sqrt(tf.cast(tf.maximum(lengths, 1), tf.float32))[:, None]


def lengths_of(ids: tf.Tensor) -> tf.Tensor:
    """int32[B]: the pieces of each row."""
    return tf.reduce_sum(tf.cast(ids != PAD_ID, tf.int32), 1)


def shifted(values: tf.Tensor, offset: int) -> tf.Tensor:
    """values[:, t + offset] at t, zeros outside; values are [B, L] or [B, L, D]."""
    if offset == 0:
        return values
    rest = [[0, 0]] * (len(values.shape) - 2)
    if offset > 0:
        return tf.pad(values[:, offset:], [[0, 0], [0, tf.minimum(offset, tf.shape(values)[1])], *rest])
    return tf.pad(values[:, :offset], [[0, 0], [tf.minimum(-offset, tf.shape(values)[1]), 0], *rest])


class Heads(tf.Module):
    """What follows the first layer; the same object in training and in serving. Features are never negative.

    beside: the width of a vector of the whole text that the dense layer and the heads are given too (joined.py).
    """

    def __init__(self, sizes: Sizes, beside: int = 0) -> None:
        super().__init__(name="heads")
        pooled, seen = 2 * FILTERS * len(TEXT_GROUPS) + beside, HIDDEN + beside
        self.dense, self.dense_bias = weight("dense", pooled, HIDDEN), zeros("dense_b", HIDDEN)
        self.sentiment, self.sentiment_bias = weight("sentiment", seen, sizes.sentiment), zeros("sentiment_b", sizes.sentiment)
        self.topic, self.topic_bias = weight("topic", seen, sizes.topic), zeros("topic_b", sizes.topic)
        self.intent, self.intent_bias = weight("intent", seen, sizes.intent), zeros("intent_b", sizes.intent)
        self.shape = tf.Variable(tf.zeros([SHAPES**3, FILTERS]), name="shape")
        self.entity_in = weight("entity_in", 2 * FILTERS, FILTERS)
        self.entity_text = weight("entity_text", FILTERS, FILTERS)
        self.context, self.context_bias = weight("context", 3 * FILTERS, FILTERS), zeros("context_b", FILTERS)
        self.entity, self.entity_bias = weight("entity", FILTERS, sizes.entity), zeros("entity_b", sizes.entity)
        self.neighbours = tf.Variable(tf.zeros([3 * sizes.entity, sizes.entity]), name="neighbours")

    def hidden(self, features: list[tf.Tensor], lengths: tf.Tensor, beside: Sequence[tf.Tensor] = ()) -> tuple[tf.Tensor, tf.Tensor]:
        """float32[B, HIDDEN] from the maximum and root_sum_of the pieces of each of TEXT_GROUPS; and the mean of the last group.

        features: float32[B, L, FILTERS] a group, zero at the padding, at least one column; lengths int32[B]. beside: one float32[B, D],
        where the heads were made for it, which also follows what is returned.
        """
        sums = [root_sum_of(group, lengths) for group in features]
        pooled = tf.concat([*(tf.reduce_max(group, 1) for group in features), *sums, *beside], 1)
        mean = sums[-1] / tf.sqrt(tf.cast(tf.maximum(lengths, 1), tf.float32))[:, None]
        return tf.concat([tf.nn.relu(tf.matmul(pooled, self.dense) + self.dense_bias), *beside], 1), mean

    def logits(self, hidden: tf.Tensor) -> list[tf.Tensor]:
        """Of each of TEXT_TASKS, float32[B, classes]."""
        return [tf.matmul(hidden, getattr(self, task)) + getattr(self, f"{task}_bias") for task in TEXT_TASKS]

    def entity_style(self, mean: tf.Tensor) -> tf.Tensor:
        """float32[B, FILTERS] from the mean of the bigram group: what manner of text its pieces stand in.

        The sets differ in what they call an entity (posts: mentions such as "friend" too; news: names only), and the
        manner of a text tells which to follow.
        """
        return tf.matmul(mean, self.entity_text)

    def entity_inner(self, sums: tf.Tensor, bigrams: tf.Tensor, shape_rows: tf.Tensor) -> tf.Tensor:
        """float32[B, L, FILTERS] for each piece.

        sums: the first layer's entity group, the name table's rows and the entity_style of the text; bigrams: the
        bigram group, zero at the padding; shape_rows: int32[B, L].
        """
        kernel = tf.reshape(self.entity_in, [2, FILTERS, FILTERS])
        pairs = tf.nn.conv1d(tf.pad(bigrams, [[0, 0], [1, 0], [0, 0]]), kernel, 1, "VALID")
        return tf.nn.relu(sums + pairs + tf.gather(self.shape, shape_rows))

    def entity_logits(self, inner: tf.Tensor, inside: tf.Tensor) -> tf.Tensor:
        """float32[B, L, entity labels] from entity_inner, zero at the padding; inside bool[B, L] is true elsewhere.

        What each piece is by itself is looked at by its neighbours: one step of mean-field inference in a chain of labels (Zheng et al.,
        Conditional Random Fields as Recurrent Neural Networks, ICCV 2015), in place of a search for the best chain.
        """
        around = tf.nn.conv1d(inner, tf.reshape(self.context, [3, FILTERS, FILTERS]), 1, "SAME")
        outer = inner + tf.nn.relu(around + self.context_bias)
        alone = tf.matmul(outer, self.entity) + self.entity_bias
        labels = self.entity.shape[1]
        shares = tf.nn.softmax(alone) * tf.cast(inside, tf.float32)[..., None]
        return alone + tf.nn.conv1d(shares, tf.reshape(self.neighbours, [3, labels, labels]), 1, "SAME")


class ConvolutionalNetwork(tf.Module):
    """The whole network as it is trained."""

    def __init__(self, sizes: Sizes, beside: int = 0) -> None:
        super().__init__(name="network")
        self.embedding = tf.Variable(tf.random.normal([sizes.vocabulary, EMBEDDING], stddev=0.1), name="embedding")
        self.kernel = weight("kernel", EMBEDDING, FILTERS * len(SLICES))
        self.bias = zeros("bias", FILTERS * len(GROUPS))
        self.bigrams = tf.Variable(tf.zeros([BIGRAM_ROWS, FILTERS]), name="bigrams")
        self.name_pairs = tf.Variable(sizes.name_pairs, trainable=False, name="name_pairs")
        self.names = tf.Variable(tf.zeros([len(sizes.name_pairs) + 1, 2 * FILTERS]), name="names")
        self.heads = Heads(sizes, beside)

    def features(self, ids: tf.Tensor, groups: Sequence[str], noise: Noise | None = None, hidden: float = PIECE_DROPOUT) -> list[tf.Tensor]:
        """The first layer of int32[B, L]: one float32[B, L, FILTERS] a group asked for, zero at the padding.

        relu has been applied to all but the entity group, which waits for more to be added. hidden: the share of pieces that noise hides.
        """
        mask = tf.cast(ids != PAD_ID, tf.float32)[..., None]
        if noise:
            ids = tf.where(tf.logical_and(noise.hides(ids, hidden), ids != PAD_ID), UNKNOWN_ID, ids)
        embedded = tf.gather(self.embedding, ids) * mask
        if noise:
            embedded = noise.dropout(embedded, EMBEDDING_DROPOUT)
        wanted = [at for at, (group, _) in enumerate(SLICES) if group in groups]
        kernels = tf.split(self.kernel, len(SLICES), 1)
        projected = tf.split(tf.matmul(embedded, tf.concat([kernels[at] for at in wanted], 1)), len(wanted), 2)
        sums: dict[str, list[tf.Tensor]] = {group: [] for group in groups}
        for at, values in zip(wanted, projected, strict=True):
            sums[SLICES[at][0]].append(shifted(values, SLICES[at][1]))
        if BIGRAM_GROUP in groups:
            sums[BIGRAM_GROUP].append(tf.gather(self.bigrams, bigram_rows(ids, shifted(ids, 1))))
        biases = dict(zip(GROUPS, tf.split(self.bias, len(GROUPS)), strict=True))
        linear = [(group, (tf.add_n(sums[group]) + biases[group]) * mask) for group in groups]
        return [values if group == ENTITY_GROUP else tf.nn.relu(values) for group, values in linear]

    def cool(self, temperatures: Sequence[float]) -> None:
        """See contract.Network."""
        for task, by in zip(TEXT_TASKS, temperatures, strict=True):
            divide(by, getattr(self.heads, task), getattr(self.heads, f"{task}_bias"))

    def hidden(self, ids: tf.Tensor, shapes: tf.Tensor, noise: Noise | None = None) -> tf.Tensor:
        """See contract.Network; the shapes are not looked at."""
        return self.heads.hidden(self.features(ids, TEXT_GROUPS, noise), lengths_of(ids))[0]

    def heads_of(self, hidden: tf.Tensor, noise: Noise | None = None) -> list[tf.Tensor]:
        """See contract.Network."""
        return self.heads.logits(noise.dropout(hidden, HEAD_DROPOUT) if noise else hidden)

    def entity_logits(
        self, ids: tf.Tensor, shapes: tf.Tensor, noise: Noise | None = None, beside: Sequence[tf.Tensor] = (),
    ) -> tf.Tensor:
        """See contract.Network. beside: more float32[B, L, FILTERS] for the sums of the first layer."""
        bigrams, sums = self.features(ids, (BIGRAM_GROUP, ENTITY_GROUP), noise, ENTITY_PIECE_DROPOUT)
        rows = name_rows(self.name_pairs, ids, shifted(ids, 1))
        if noise:
            rows = tf.where(noise.hides(rows, NAME_DROPOUT), tf.size(self.name_pairs), rows)
        before = preceding(rows, tf.size(self.name_pairs))
        sums = tf.add_n([sums, tf.gather(self.names[:, :FILTERS], rows), tf.gather(self.names[:, FILTERS:], before), *beside])
        sums += self.heads.entity_style(mean_of(bigrams, lengths_of(ids)))[:, None]
        inner = self.heads.entity_inner(sums, bigrams, shape_rows(shapes))
        inner *= tf.cast(ids != PAD_ID, tf.float32)[..., None]
        return self.heads.entity_logits(noise.dropout(inner, HEAD_DROPOUT) if noise else inner, ids != PAD_ID)


def weight(name: str, rows: int, columns: int) -> tf.Variable:
    """float32[rows, columns] as Glorot and Bengio (2010) begin."""
    deviation = float(np.sqrt(2.0 / (rows + columns)))
    return tf.Variable(tf.random.truncated_normal([rows, columns], stddev=deviation), name=name)


def zeros(name: str, size: int) -> tf.Variable:
    """float32[size], such as a bias begins with."""
    return tf.Variable(tf.zeros([size]), name=name)
