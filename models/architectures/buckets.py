"""Serving texts of any length without letting a long one pad all others: buckets of rows of like length."""

from collections.abc import Callable

import tensorflow as tf

from models.pieces import PAD_ID, PAD_SHAPE, Pieces

BUCKETS = 8


def slices(order: tf.Tensor) -> list[tf.Tensor]:
    """BUCKETS runs of the rows in order of length; some are empty for few rows."""
    bounds = tf.range(BUCKETS + 1) * tf.size(order) // BUCKETS
    return [order[bounds[i] : bounds[i + 1]] for i in range(BUCKETS)]


def lengths_of(pieces: Pieces) -> tf.Tensor:
    """int32[N]: the pieces of each text."""
    return tf.cast(pieces.splits[1:] - pieces.splits[:-1], tf.int32)


def bucketed(
    pieces: Pieces, answers: Callable[[tf.Tensor, tf.Tensor], tuple[tf.Tensor, ...]]
) -> tuple[list[tf.Tensor], tf.Tensor]:
    """What a network answers for the texts, and for their pieces.

    answers: ids and shapes int32[B, L] -> any tensors of B rows, and at last one of [B, L, D]. Returns the former of N rows each, and the
    latter as [K, D], both in the order of the pieces.
    """
    lengths, starts = lengths_of(pieces), tf.cast(pieces.splits[:-1], tf.int32)
    order = tf.argsort(lengths, stable=True)
    ids, shapes = tf.concat([pieces.ids, [PAD_ID]], 0), tf.concat([pieces.shapes, [PAD_SHAPE]], 0)
    columns: list[tuple[tf.Tensor, ...]] = []
    flat: list[tf.Tensor] = []
    places: list[tf.Tensor] = []
    for rows in slices(order):
        of_bucket = tf.gather(lengths, rows)
        column = tf.range(tf.reduce_max(tf.concat([of_bucket, [1]], 0)))[None, :]
        inside = column < of_bucket[:, None]
        place = tf.where(inside, tf.gather(starts, rows)[:, None] + column, tf.size(pieces.ids))
        *texts, each = answers(tf.gather(ids, place), tf.gather(shapes, place))
        columns.append(tuple(texts))
        flat.append(tf.boolean_mask(each, inside))
        places.append(tf.boolean_mask(place, inside))
    back = tf.math.invert_permutation(order)
    of_texts = [tf.gather(tf.concat(column, 0), back) for column in zip(*columns, strict=True)]
    return of_texts, tf.gather(tf.concat(flat, 0), tf.math.invert_permutation(tf.concat(places, 0)))
