"""A BERT encoder of KerasHub with low-rank adapters (E. Hu et al., LoRA, ICLR 2022): its own weights are frozen, and no model holds them.

The one encoder of a process serves all networks: they bring their adapters, and what is stored brings its frozen weights too, so that a
graph which is stored refers to none of Keras' variables.
"""

import functools
import re
from collections.abc import Iterable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from models import encoder
from models.pieces import PAD, PAD_ID, UNKNOWN
from models.vocabulary import CJK, learn

RANK = 8
LONGEST = 128
"""Pieces of a text that are read, with the two marks about them: attention costs the square of them, and long texts say much at once."""
BEGIN, END = "[CLS]", "[SEP]"
_MARK = re.compile(r"\[[A-Z]+\]|\[unused\d+\]")
_CHINESE = re.compile(f"[{CJK}]")


class Encoder:
    """Raises EncoderError where it is not installed.

    width: of what it gives. adapters: shapes of the low-rank pairs on query and value of each layer. frozen: shapes of all other weights.
    """

    def __init__(self) -> None:
        import keras_hub  # noqa: PLC0415  an extra, and seconds

        self._entries = encoder.entries()
        backbone = keras_hub.models.BertBackbone.from_preset(str(encoder.installed()))
        backbone.enable_lora(RANK)
        self._body = keras.Model(backbone.input, backbone.output["sequence_output"])   # without the pooler, which nobody asks
        used = [one for one in self._body.variables if one.dtype == "float32"]   # others are seeds of dropout
        self._adapters = [one for one in used if "lora_kernel" in one.path]
        self._frozen = [one for one in used if "lora_kernel" not in one.path]
        self.width: int = backbone.hidden_dim
        self.adapters = [tuple(one.shape) for one in self._adapters]
        self.frozen = [tuple(one.shape) for one in self._frozen]

    def weights(self) -> list[tf.Tensor]:
        """Those that are frozen."""
        return [one.value for one in self._frozen]

    def ids(self, vocabulary: int) -> tuple[tf.Tensor, tf.Tensor]:
        """int32[vocabulary]: the encoder's id of each of our entries (see vocabulary()); and whether it knows the entry.

        Of Chinese it has a few characters and hardly a word, so that these count as unknown.
        """
        own = kept(self._entries)
        ids = np.full(vocabulary, self._entries.index(UNKNOWN), np.int32)
        known = np.zeros(vocabulary, np.bool_)
        ids[PAD_ID] = self._entries.index(PAD)
        ids[2 : 2 + len(own)] = [at for at, _ in own]
        known[2 : 2 + len(own)] = [not _CHINESE.search(entry) for _, entry in own]
        return tf.constant(ids), tf.constant(known)

    def __call__(self, ids: tf.Tensor, adapters: Sequence[tf.Tensor], frozen: Sequence[tf.Tensor] = ()) -> tuple[tf.Tensor, tf.Tensor]:
        """The mean over each row, float32[B, width] of length root of width, and float32[B, L, width], zero at the padding.

        ids: the encoder's own, int32[B, L], L at most LONGEST - 2, its PAD at the padding. adapters: by `adapters`. frozen: by `frozen`,
        or those of the process.
        """
        pad, begin, end = (self._entries.index(mark) for mark in (PAD, BEGIN, END))
        lengths = tf.reduce_sum(tf.cast(ids != pad, tf.int32), 1, keepdims=True)
        row = tf.pad(tf.pad(ids, [[0, 0], [0, 1]], constant_values=pad), [[0, 0], [1, 0]], constant_values=begin)
        row = tf.where(tf.range(tf.shape(row)[1])[None] == lengths + 1, end, row)
        inside = tf.cast(row != pad, tf.int32)
        given = [*zip(self._adapters, adapters, strict=True), *zip(self._frozen, frozen, strict=False)]
        with keras.StatelessScope(state_mapping=given):
            said = self._body({"token_ids": row, "segment_ids": tf.zeros_like(row), "padding_mask": inside}, training=False)
        values = said * tf.cast(inside, tf.float32)[..., None]
        mean = tf.math.l2_normalize(tf.reduce_sum(values, 1), -1) * np.sqrt(self.width).astype(np.float32)
        return mean, values[:, 1:-1] * tf.cast(ids != pad, tf.float32)[..., None]


@functools.cache
def shared() -> Encoder:
    """The one of the process."""
    return Encoder()


def kept(entries: Sequence[str]) -> list[tuple[int, str]]:
    """The entries that a text can hold, with their ids: without marks."""
    return [(at, entry) for at, entry in enumerate(entries) if not _MARK.fullmatch(entry)]


def vocabulary(texts: Iterable[str], size: int) -> list[str]:
    """Entries by id: padding, unknown, those of the encoder, then the characters of the texts that it lacks, such as most Chinese ones.

    size: no matter. Raises EncoderError.
    """
    own = [entry for _, entry in kept(encoder.entries())]
    known = {PAD, UNKNOWN, *own}
    return [PAD, UNKNOWN, *own, *(entry for entry in learn(texts, 0) if entry not in known)]


def adapters_of(shapes: Sequence[tuple[int, ...]]) -> list[tf.Variable]:
    """New ones: the first of each pair random, the second zero, so that the encoder begins as it was."""
    return [tf.Variable(_begin(shape) if at % 2 == 0 else tf.zeros(shape), name=f"lora_{at}") for at, shape in enumerate(shapes)]


def _begin(shape: tuple[int, ...]) -> Any:
    return tf.random.truncated_normal(shape, stddev=1 / np.sqrt(shape[0]))
