"""Texts to WordPieces inside a TensorFlow graph, with byte offsets and the shape (case, digits) of each piece."""

import os
from collections.abc import Sequence
from typing import NamedTuple

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # before the first import of TensorFlow, which reads it then

import tensorflow as tf

PIECES_LIMIT = 256
"""Pieces kept of a text: names and moods stand late in longer posts and articles too, but what is beyond adds little."""
PAD, UNKNOWN = "[PAD]", "[UNK]"
PAD_ID, UNKNOWN_ID = 0, 1
CONTINUES = "##"
SHAPES = 13
PAD_SHAPE = SHAPES - 1


class Pieces(NamedTuple):
    """The pieces of N texts, flat: row i owns [splits[i], splits[i + 1]).

    ids, shapes int32[K]; starts, ends int32[K], bytes of the UTF-8 text; splits int64[N + 1].
    """

    ids: tf.Tensor
    shapes: tf.Tensor
    starts: tf.Tensor
    ends: tf.Tensor
    splits: tf.Tensor


class PieceTokenizer(tf.Module):
    """BERT tokenization (lower case, accents stripped, Chinese by character), cut at PIECES_LIMIT pieces."""

    def __init__(self, vocabulary: Sequence[str]) -> None:
        import tensorflow_text as tf_text  # noqa: PLC0415  who only loads a model needs two of its libraries (models/load.py)

        super().__init__(name="tokenizer")
        self._tokenizer = tf_text.FastBertTokenizer(
            list(vocabulary), lower_case_nfd_strip_accents=True, token_out_type=tf.int32
        )

    def __call__(self, texts: tf.Tensor) -> Pieces:
        """Pieces of string[N]. Text that is not UTF-8 is mended as the tokenizer does, and never fails."""
        ids, starts, ends = self._tokenizer.tokenize_with_offsets(texts)
        lengths = tf.minimum(ids.row_lengths(), PIECES_LIMIT)
        splits = tf.concat([[tf.constant(0, tf.int64)], tf.cumsum(lengths)], 0)
        kept = tf.repeat(ids.row_splits[:-1] - splits[:-1], lengths) + tf.range(splits[-1])
        first = tf.cast(tf.gather(starts.flat_values, kept), tf.int32)
        end = tf.cast(tf.gather(ends.flat_values, kept), tf.int32)
        shapes = _shapes(texts, first, end, lengths)
        return Pieces(tf.gather(ids.flat_values, kept), shapes, first, end, splits)


def _shapes(texts: tf.Tensor, starts: tf.Tensor, ends: tf.Tensor, lengths: tf.Tensor) -> tf.Tensor:
    """int32[K]: twice the class of a piece's first bytes, plus one if no space parts it from the piece before.

    Classes: 0 other, 1 lower case, 2 capital first, 3 capitals, 4 digit, 5 beyond ASCII.
    """
    sizes = tf.strings.length(texts)
    raw = tf.concat([tf.io.decode_raw(tf.strings.reduce_join(texts), tf.uint8), [0, 0]], 0)
    base = tf.repeat(tf.cumsum(sizes, exclusive=True), lengths)
    first = tf.gather(raw, base + starts)
    second = tf.where(starts + 1 < ends, tf.gather(raw, base + starts + 1), tf.constant(0, tf.uint8))
    capital = _between(first, "A", "Z")
    shape = tf.where(_between(first, "a", "z"), 1, 0)
    shape = tf.where(capital, tf.where(_between(second, "A", "Z"), 3, 2), shape)
    shape = tf.where(_between(first, "0", "9"), 4, shape)
    shape = tf.where(first >= 128, 5, shape)
    before = tf.concat([[-1], (base + ends)[:-1]], 0)
    # A piece at byte 0 is the first of its text: the piece before it is another text's.
    glued = tf.equal(before, base + starts) & (starts > 0)
    return 2 * shape + tf.cast(glued, tf.int32)


def _between(values: tf.Tensor, low: str, high: str) -> tf.Tensor:
    return tf.logical_and(values >= ord(low), values <= ord(high))
