"""The fast tagger's network: one convolutional layer and the heads, in training form.

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
from models.architectures.heads import FILTERS, SCRIPTS, EntityHead, TextHeads, pooled, readers, scripts_of
from models.architectures.layers import lengths_of, mean_of, preceding, shifted, weight, zeros
from models.pieces import PAD_ID, UNKNOWN_ID
from models.vocabulary import CHINESE, OTHER

EMBEDDING = 128
ENTITY_EMBEDDING = 128
BIGRAM_ROWS = 32_749
"""A prime, so that the hash spreads."""
BIGRAM_GROUP = "bigram"
PAIR_GROUP = "pair"
ENTITY_GROUP = "entity"
OFFSETS = {
    "two": (0, 1),
    "three": (-1, 0, 1),
    "five": (-2, -1, 0, 1, 2),
    BIGRAM_GROUP: (0,),
    PAIR_GROUP: (0,),
    ENTITY_GROUP: (-2, -1, 0, 1, 2),
}
"""What each group of FILTERS columns of the first layer sees. To the bigram and the pair group a hashed bigram is added."""
GROUPS = tuple(OFFSETS)
TEXT_GROUPS = ("two", "three", "five", BIGRAM_GROUP)
ENTITY_GROUPS = (PAIR_GROUP, ENTITY_GROUP)
"""These have an embedding of their own: what a name is made of is another matter than what a text is about. Folded it costs nothing."""
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


def slices_of(groups: Sequence[str]) -> tuple[tuple[str, int], ...]:
    """Of SLICES those of some groups."""
    return tuple(one for one in SLICES if one[0] in groups)


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


class ConvolutionalNetwork(tf.Module):
    """The whole network as it is trained."""

    def __init__(self, sizes: Sizes, beside: int = 0) -> None:
        super().__init__(name="network")
        self.embedding = tf.Variable(tf.random.normal([sizes.vocabulary, EMBEDDING], stddev=0.1), name="embedding")
        self.entity_embedding = tf.Variable(tf.random.normal([sizes.vocabulary, ENTITY_EMBEDDING], stddev=0.1), name="entity_embedding")
        self.kernel = weight("kernel", EMBEDDING, FILTERS * len(slices_of(TEXT_GROUPS)))
        self.entity_kernel = weight("entity_kernel", ENTITY_EMBEDDING, FILTERS * len(slices_of(ENTITY_GROUPS)))
        self.bias = zeros("bias", FILTERS * len(GROUPS))
        self.bigrams = tf.Variable(tf.zeros([BIGRAM_ROWS, FILTERS]), name="bigrams")
        self.pairs = tf.Variable(tf.zeros([BIGRAM_ROWS, FILTERS]), name="pairs")
        self.name_pairs = tf.Variable(sizes.name_pairs, trainable=False, name="name_pairs")
        self.names = tf.Variable(tf.zeros([len(sizes.name_pairs) + 1, 2 * FILTERS]), name="names")
        self.scripts = tf.Variable(sizes.scripts, trainable=False, name="scripts")
        self.text_heads = [TextHeads(sizes, len(TEXT_GROUPS), beside) for _ in range(SCRIPTS)]
        self.entity_heads = [EntityHead(sizes.entity) for _ in range(SCRIPTS)]

    @property
    def tables(self) -> tuple[tf.Variable, ...]:
        """Those with a row for each piece, bigram or name."""
        return self.embedding, self.entity_embedding, self.bigrams, self.pairs, self.names

    def features(self, ids: tf.Tensor, groups: Sequence[str], noise: Noise | None = None, hidden: float = PIECE_DROPOUT) -> list[tf.Tensor]:
        """The first layer of int32[B, L]: one float32[B, L, FILTERS] a group asked for, zero at the padding.

        relu has been applied to all but the entity group, which waits for more to be added. hidden: the share of pieces that noise hides.
        """
        mask = tf.cast(ids != PAD_ID, tf.float32)[..., None]
        if noise:
            ids = tf.where(tf.logical_and(noise.hides(ids, hidden), ids != PAD_ID), UNKNOWN_ID, ids)
        sums: dict[str, list[tf.Tensor]] = {group: [] for group in groups}
        self._project(sums, TEXT_GROUPS, tf.gather(self.embedding, ids) * mask, self.kernel, noise)
        self._project(sums, ENTITY_GROUPS, tf.gather(self.entity_embedding, ids) * mask, self.entity_kernel, noise)
        rows = bigram_rows(ids, shifted(ids, 1))
        for group, table in ((BIGRAM_GROUP, self.bigrams), (PAIR_GROUP, self.pairs)):
            if group in groups:
                sums[group].append(tf.gather(table, rows))
        biases = dict(zip(GROUPS, tf.split(self.bias, len(GROUPS)), strict=True))
        linear = [(group, (tf.add_n(sums[group]) + biases[group]) * mask) for group in groups]
        return [values if group == ENTITY_GROUP else tf.nn.relu(values) for group, values in linear]

    @staticmethod
    def _project(
        sums: dict[str, list[tf.Tensor]], of: Sequence[str], embedded: tf.Tensor, kernel: tf.Tensor, noise: Noise | None,
    ) -> None:
        """Adds to the sums what each slice of the groups `of` makes of float32[B, L, D]."""
        slices = slices_of(of)
        wanted = [at for at, (group, _) in enumerate(slices) if group in sums]
        if not wanted:
            return
        if noise:
            embedded = noise.dropout(embedded, EMBEDDING_DROPOUT)
        kernels = tf.split(kernel, len(slices), 1)
        projected = tf.split(tf.matmul(embedded, tf.concat([kernels[at] for at in wanted], 1)), len(wanted), 2)
        for at, values in zip(wanted, projected, strict=True):
            sums[slices[at][0]].append(shifted(values, slices[at][1]))

    def cool(self, temperatures: Sequence[float]) -> None:
        """See contract.Network."""
        for heads in self.text_heads:
            for task, by in zip(TEXT_TASKS, temperatures, strict=True):
                divide(by, getattr(heads, task))

    def readers(self, ids: tf.Tensor) -> tf.Tensor:
        """heads.readers of the texts of int32[B, L]."""
        return readers(tf.reduce_sum(scripts_of(tf.gather(self.scripts, ids)), 1))

    def hidden(self, ids: tf.Tensor, shapes: tf.Tensor, noise: Noise | None = None, beside: Sequence[tf.Tensor] = ()) -> tf.Tensor:
        """See contract.Network and TextHeads.hidden: that of each script, zeros where its heads do not read the text."""
        seen, _ = pooled(self.features(ids, TEXT_GROUPS, noise), lengths_of(ids))
        own = tf.split(tf.cast(self.readers(ids), tf.float32), SCRIPTS, 1)
        return tf.concat([heads.hidden(seen, beside) * of for heads, of in zip(self.text_heads, own, strict=True)], 1)

    def heads_of(self, hidden: tf.Tensor, noise: Noise | None = None) -> list[tf.Tensor]:
        """See contract.Network."""
        parts = tf.split(noise.dropout(hidden, HEAD_DROPOUT) if noise else hidden, SCRIPTS, 1)
        of_script = [heads.logits(part) for heads, part in zip(self.text_heads, parts, strict=True)]
        return [tf.add_n(logits) for logits in zip(*of_script, strict=True)]

    def entity_logits(
        self, ids: tf.Tensor, shapes: tf.Tensor, noise: Noise | None = None, beside: Sequence[tf.Tensor] = (),
    ) -> tf.Tensor:
        """See contract.Network. beside: more float32[B, L, FILTERS] for the sums of the first layer."""
        bigrams, pairs, sums = self.features(ids, (BIGRAM_GROUP, *ENTITY_GROUPS), noise, ENTITY_PIECE_DROPOUT)
        rows = name_rows(self.name_pairs, ids, shifted(ids, 1))
        if noise:
            rows = tf.where(noise.hides(rows, NAME_DROPOUT), tf.size(self.name_pairs), rows)
        before = preceding(rows, tf.size(self.name_pairs))
        sums = tf.add_n([sums, tf.gather(self.names[:, :FILTERS], rows), tf.gather(self.names[:, FILTERS:], before), *beside])
        inside = ids != PAD_ID
        of_script = []
        for head in self.entity_heads:
            inner = head.inner(sums + head.style(mean_of(bigrams, lengths_of(ids)))[:, None], pairs, shapes)
            inner *= tf.cast(inside, tf.float32)[..., None]
            of_script.append(head.logits(noise.dropout(inner, HEAD_DROPOUT) if noise else inner, inside))
        return tf.where(self.readers(ids)[:, CHINESE, None, None], of_script[CHINESE], of_script[OTHER])
