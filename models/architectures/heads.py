"""What follows the first layer of cnn.py: heads for texts and for entities, the same objects in training and in serving.

Texts in Chinese and all others share the first layer alone. What comes after it has weights for each of the two: a text passes through one
of them, so that neither costs the other anything, and a network of this size has no units to give away. A text that mixes both is read by
both, and their logits are added.
"""

from collections.abc import Sequence

import tensorflow as tf

from models.architectures import TEXT_TASKS
from models.architectures.contract import Sizes
from models.architectures.layers import root_sum_of, weight, zeros
from models.pieces import PAD_SHAPE, SHAPES

FILTERS = 64
"""Of each group of the first layer."""
SCRIPTS = 2
"""Those of models.vocabulary: Chinese, and all others."""
PARTS = 4
"""Who reads a text finds one in so many of its pieces that have a script to be of his own."""
VIEWS = (("sentiment",), ("topic",), ("intent",))
"""Which of TEXT_TASKS share a part of the dense layer: mood is another matter than subject, and a layer for all serves none."""
HIDDEN = 512
"""Units of each of VIEWS."""
UNITS = HIDDEN * len(VIEWS)


def scripts_of(scripts: tf.Tensor) -> tf.Tensor:
    """float32[..., SCRIPTS] of int32: 1 for the script, zeros for none."""
    return tf.one_hot(scripts, SCRIPTS)


def readers(pieces: tf.Tensor) -> tf.Tensor:
    """bool[B, SCRIPTS]: whose heads read each text, by how many pieces it has of each script. Without any it is no Chinese text."""
    total = tf.reduce_sum(pieces, 1, keepdims=True)
    return tf.concat([PARTS * pieces[:, :1] >= total, tf.logical_and(PARTS * pieces[:, 1:] >= total, total > 0)], 1)


def shape_rows(shapes: tf.Tensor) -> tf.Tensor:
    """int32[B, L]: the row of the shape table for each piece, the one before it and the one after it."""
    padded = tf.pad(shapes, [[0, 0], [1, 1]], constant_values=PAD_SHAPE)
    return (padded[:, :-2] * SHAPES + padded[:, 1:-1]) * SHAPES + padded[:, 2:]


def pooled(features: Sequence[tf.Tensor], lengths: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """float32[B, D], the maximum and root_sum_of the pieces of each group of the first layer; and the mean of the last group.

    features: float32[B, L, FILTERS] a group, never negative, zero at the padding, at least one column; lengths int32[B].
    """
    sums = [root_sum_of(group, lengths) for group in features]
    mean = sums[-1] / tf.sqrt(tf.cast(tf.maximum(lengths, 1), tf.float32))[:, None]
    return tf.concat([*(tf.reduce_max(group, 1) for group in features), *sums], 1), mean


class TextHeads(tf.Module):
    """The dense layer over what is pooled of a text, and the head of each of TEXT_TASKS, for texts of one script.

    Heads have no bias, so that a text of the other script, zeros here, adds nothing: units of the dense layer can be one.
    groups: of the first layer. beside: the width of a vector of the whole text that the dense layer and the heads are given too, if any
    (joined.py).
    """

    def __init__(self, sizes: Sizes, groups: int, beside: int = 0) -> None:
        super().__init__(name="heads")
        self.dense, self.dense_bias = weight("dense", 2 * FILTERS * groups + beside, UNITS), zeros("dense_b", UNITS)
        self.sentiment, self.topic, self.intent = (
            weight(task, HIDDEN + beside, classes) for task, classes in zip(TEXT_TASKS, sizes.heads, strict=True))

    def hidden(self, pooled: tf.Tensor, beside: Sequence[tf.Tensor] = ()) -> tf.Tensor:
        """float32[B, UNITS] of what is pooled; after it beside, one float32[B, D] where the heads were made for it."""
        return tf.concat([tf.nn.relu(tf.matmul(tf.concat([pooled, *beside], 1), self.dense) + self.dense_bias), *beside], 1)

    def logits(self, hidden: tf.Tensor) -> list[tf.Tensor]:
        """Of each of TEXT_TASKS, float32[B, classes]."""
        seen = [tf.concat([hidden[:, at : at + HIDDEN], hidden[:, UNITS:]], 1) for at in range(0, UNITS, HIDDEN)]
        return [tf.matmul(seen[view_of(task)], getattr(self, task)) for task in TEXT_TASKS]


def view_of(task: str) -> int:
    """The place in VIEWS."""
    return next(at for at, tasks in enumerate(VIEWS) if task in tasks)


class EntityHead(tf.Module):
    """The layers between the first one and the labels of the pieces, for texts of one script."""

    def __init__(self, labels: int) -> None:
        super().__init__(name="entity_head")
        self.shape = tf.Variable(tf.zeros([SHAPES**3, FILTERS]), name="shape")
        self.pairs = weight("pairs", 2 * FILTERS, FILTERS)
        self.manner = weight("manner", FILTERS, FILTERS)
        self.context, self.context_bias = weight("context", 3 * FILTERS, FILTERS), zeros("context_b", FILTERS)
        self.labels, self.labels_bias = weight("labels", FILTERS, labels), zeros("labels_b", labels)
        self.neighbours = tf.Variable(tf.zeros([3 * labels, labels]), name="neighbours")

    def style(self, mean: tf.Tensor) -> tf.Tensor:
        """float32[B, FILTERS] from the mean of the bigram group: what manner of text its pieces stand in.

        The sets differ in what they call an entity (posts: mentions such as "friend" too; news: names only), and the
        manner of a text tells which to follow.
        """
        return tf.matmul(mean, self.manner)

    def inner(self, sums: tf.Tensor, pairs: tf.Tensor, shapes: tf.Tensor) -> tf.Tensor:
        """float32[B, L, FILTERS] for each piece.

        sums: the first layer's entity group, the name table's rows and the style of the text; pairs: the pair group, zero at the padding;
        shapes: int32[B, L].
        """
        kernel = tf.reshape(self.pairs, [2, FILTERS, FILTERS])
        seen = tf.nn.conv1d(tf.pad(pairs, [[0, 0], [1, 0], [0, 0]]), kernel, 1, "VALID")
        return tf.nn.relu(sums + seen + tf.gather(self.shape, shape_rows(shapes)))

    def logits(self, inner: tf.Tensor, inside: tf.Tensor) -> tf.Tensor:
        """float32[B, L, labels] from inner, zero at the padding; inside bool[B, L] is true elsewhere.

        What each piece is by itself is looked at by its neighbours: one step of mean-field inference in a chain of labels (Zheng et al.,
        Conditional Random Fields as Recurrent Neural Networks, ICCV 2015), in place of a search for the best chain.
        """
        around = tf.nn.conv1d(inner, tf.reshape(self.context, [3, FILTERS, FILTERS]), 1, "SAME")
        outer = inner + tf.nn.relu(around + self.context_bias)
        alone = tf.matmul(outer, self.labels) + self.labels_bias
        labels = self.labels.shape[1]
        shares = tf.nn.softmax(alone) * tf.cast(inside, tf.float32)[..., None]
        return alone + tf.nn.conv1d(shares, tf.reshape(self.neighbours, [3, labels, labels]), 1, "SAME")
