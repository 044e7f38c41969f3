"""What training makes small: cross-entropy over the rows that have a label."""

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

MOST_WEIGHT = 10.0
"""A class of three rows must not outweigh all others."""


GUESSED = 0.7
"""How much of a row's target is what a teacher takes it for, where one does."""


def cross_entropy(
    logits: tf.Tensor, labels: tf.Tensor, smoothing: float, weights: tf.Tensor | None = None, guesses: tf.Tensor | None = None,
) -> tf.Tensor:
    """Averaged over the rows with a label that is not negative, or with a guess; zero when there is none.

    logits float32[..., C], labels int32[...]. smoothing: Szegedy et al. 2016. weights: float32[C], how much a row of each class counts.
    guesses: float32[..., C], probabilities, or zeros where there is none (Hinton et al. 2015); the whole target of a row without a label.
    """
    labelled = labels >= 0
    counts = tf.cast(labelled, tf.float32)
    if weights is not None:
        counts *= tf.gather(weights, tf.maximum(labels, 0))
    classes = logits.shape[-1]
    targets = tf.one_hot(tf.maximum(labels, 0), classes) * (1 - smoothing) + smoothing / classes
    if guesses is not None:
        guessed = tf.reduce_sum(guesses, -1) > 0
        share = tf.where(guessed, tf.where(labelled, GUESSED, 1.0), 0.0)[..., None]
        targets = (1 - share) * targets + share * guesses
        counts = tf.where(guessed & ~labelled, 1.0, counts)
    losses = tf.nn.softmax_cross_entropy_with_logits(targets, logits) * counts
    return tf.reduce_sum(losses) / tf.maximum(tf.reduce_sum(counts), 1e-6)


def balanced(labels: NDArray[np.int32], classes: int) -> NDArray[np.float32]:
    """float32[classes]: rows / (classes * rows of the class), so that every class counts alike (King and Zeng 2001), at most MOST_WEIGHT.

    labels: negative ones are none. A class without a row counts 1.
    """
    rows = np.bincount(labels[labels >= 0], minlength=classes).astype(float)
    present = np.count_nonzero(rows)
    return np.where(rows > 0, np.minimum(rows.sum() / np.maximum(present * rows, 1), MOST_WEIGHT), 1.0).astype(np.float32)
