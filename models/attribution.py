"""What each piece of a text adds to the decisions of models/architectures/cnn.py: its sums made anew and taken apart, in NumPy.

The first layer is linear in each piece, so what a piece puts into a sum is known exactly. From there on it is gradient
times value (Ancona et al. 2018) along the path that won: through the maximum to the n-grams that made it (Jacovi et al.
2018), through the sum to all of them. Through the relu of the dense layer the slope is that of the chord from the empty
text to this one (the rescale rule of DeepLIFT, Shrikumar et al. 2017; for one such layer it is what integrated
gradients give, Sundararajan et al. 2017), so that nothing is lost: see Account.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from models.architectures.cnn import BIGRAM_GROUP, SLICES, TEXT_GROUPS, bigram_rows
from models.architectures.heads import FILTERS, HIDDEN, UNITS, readers, scripts_of, view_of
from models.pieces import PAD_ID

Floats = NDArray[np.float32]
Ids = NDArray[np.int64]
Mask = NDArray[np.bool_]

HEADS = ("sentiment", "topic")
GAP = max(abs(offset) for _, offset in SLICES)
"""Paddings before, between and after the texts, so that none sees another."""
TEXT_SLICES = tuple((at, TEXT_GROUPS.index(group), offset) for at, (group, offset) in enumerate(SLICES) if group in TEXT_GROUPS)
"""Table, place of its group in TEXT_GROUPS, offset."""
BIGRAM = TEXT_GROUPS.index(BIGRAM_GROUP)
NO_CHANGE = 1e-6


class Account(NamedTuple):
    """What was decided in each of HEADS, and by which pieces.

    margins float32[heads, N]: how much further the chosen class is ahead of the others than it is for the empty text, in
    logits; the others are weighed by how likely the model takes them to be beside each other. pieces float32[heads, K]:
    what each piece adds, its bias with it. Those of a text sum up to its margin, but for rounding.
    """

    margins: Floats
    pieces: Floats


class _Row(NamedTuple):
    """The first layer over N texts as one row of P places: GAP paddings, then each text and GAP paddings after it.

    at int64[K]: places of the pieces; real bool[P]: where they are; text int64[P]: whose a place is. parts: for each of
    TEXT_SLICES float32[P, FILTERS], what the piece there puts into a sum; bigrams float32[P, FILTERS]: what the bigram
    does. root and top float32[P, groups, FILTERS]: which share a sum has in the pooled root sum and maximum of
    its text; those that tie for the maximum have equal ones. pooled float32[N, 2, groups, FILTERS]: maximum and root sum. seen
    float32[N, SCRIPTS * UNITS]: 1 for the units that read the text.
    """

    at: Ids
    real: Mask
    text: Ids
    parts: Sequence[Floats]
    bigrams: Floats
    root: Floats
    top: Floats
    pooled: Floats
    seen: Floats


class Layers:
    """The layers of a loaded and folded model. Raises AttributeError, ValueError or IndexError when it holds others."""

    def __init__(self, module: Any) -> None:
        self._tables = [module._tables[at] for at, _, _ in TEXT_SLICES]
        self._bigrams = module._tables[len(SLICES)]
        self._gathered = tf.function(self._gather, input_signature=[tf.TensorSpec([None], tf.int32)]).get_concrete_function()
        heads = module._text_heads
        dense = np.concatenate([of.dense.numpy() for of in heads], 1)
        self._dense, self._dense_back = tf.constant(dense), tf.constant(dense.T)
        self._dense_bias = np.concatenate([of.dense_bias.numpy() for of in heads])
        self._scripts = module._scripts.numpy()
        weights = [np.concatenate([_of_all_units(getattr(of, name).numpy(), name) for of in heads]) for name in HEADS]
        self._weights = np.concatenate(weights, 1)
        self._weights_back = self._weights.T.copy()
        self._head = np.repeat(np.arange(len(HEADS)), [len(of.T) for of in weights])   # of each class

    def probabilities(self, ids: NDArray[np.int32], splits: Ids) -> list[Floats]:
        """float32[N, classes] of each head for texts of pieces: those that the serving graph gives, but for rounding."""
        _, hidden = self._hidden(self._row(ids, splits))
        likely = self._likely(hidden, np.zeros((len(HEADS), len(hidden), len(self._head)), np.bool_))
        return [rows[:, self._head == head] for head, rows in enumerate(likely)]

    def account(self, ids: NDArray[np.int32], splits: Ids, chosen: Ids) -> Account:
        """ids int32[K]; splits int64[N + 1]; chosen int64[heads, N]: the class that is accounted for."""
        row = self._row(ids, splits)
        change, hidden = self._hidden(row)
        empty = np.maximum(self._dense_bias, 0) * row.seen
        still = np.abs(change) < NO_CHANGE
        slope = np.where(still, hidden > 0, (hidden - empty) / np.where(still, 1, change))
        column = chosen + np.searchsorted(self._head, np.arange(len(HEADS)))[:, None]
        likely = self._likely(hidden, np.arange(len(self._head)) == column[..., None])
        ahead = self._weights_back[column] - _product(likely, self._weights_back)   # by a step of each unit
        steps = _product(slope * ahead, self._dense_back).reshape(len(HEADS), *row.pooled.shape)
        return Account(((hidden - empty) * ahead).sum(2), _added(row, steps))

    def _row(self, ids: NDArray[np.int32], splits: Ids) -> _Row:
        lengths = np.diff(splits)
        texts = np.arange(len(lengths))
        at = np.arange(len(ids)) + np.repeat(GAP * (texts + 1), lengths)
        row = np.full(len(ids) + GAP * (len(texts) + 1), PAD_ID, np.int32)
        row[at] = ids
        *parts, bigrams = (np.asarray(memoryview(values)) for values in self._gathered(tf.constant(row)))
        sums = np.zeros((len(row), len(TEXT_GROUPS), FILTERS), np.float32)
        inside = _seen(row, 0)
        for values, (_, group, offset) in zip(parts, TEXT_SLICES, strict=True):
            sums[inside, group] += values[_seen(row, offset)]
        sums[inside, BIGRAM] += bigrams[inside]
        text = np.concatenate((np.zeros(GAP, np.int64), np.repeat(texts, lengths + GAP)))
        pooled = _pooled(sums, text, splits[:-1] + GAP * (texts + 1), lengths)
        return _Row(at, row != PAD_ID, text, parts, bigrams, *pooled, self._seen_units(ids, lengths))

    def _seen_units(self, ids: NDArray[np.int32], lengths: Ids) -> Floats:
        text = np.repeat(np.arange(len(lengths)), lengths)
        pieces = tf.math.unsorted_segment_sum(scripts_of(self._scripts[ids]), text, len(lengths))
        return np.repeat(readers(pieces).numpy().astype(np.float32), UNITS, 1)

    def _gather(self, row: tf.Tensor) -> list[tf.Tensor]:
        """parts and bigrams of _Row. The padding's part at offset 0 leaves nothing of its sums after relu (folded.py)."""
        after = tf.concat([row[1:], [PAD_ID]], 0)
        return [*(tf.gather(table, row) for table in self._tables), tf.gather(self._bigrams, bigram_rows(row, after))]

    def _hidden(self, row: _Row) -> tuple[Floats, Floats]:
        """What the pooled features add to the bias of the dense layer, and the layer after relu; both float32[N, SCRIPTS * UNITS]."""
        change = _product(row.pooled.reshape(-1, self._dense.shape[0]), self._dense)
        return change, np.maximum(change + self._dense_bias, 0) * row.seen

    def _likely(self, hidden: Floats, without: Mask) -> Floats:
        """float32[heads, N, classes]: the probabilities in each head, of those that are not left out."""
        others = self._head != np.arange(len(HEADS))[:, None]
        logits = np.where(without | others[:, None], -np.inf, _product(hidden, self._weights))
        powers = np.exp(logits - logits.max(2, keepdims=True))
        likely: Floats = powers / powers.sum(2, keepdims=True)
        return likely


def _of_all_units(weights: Floats, task: str) -> Floats:
    """float32[UNITS, C] of float32[HIDDEN, C]: zero for the units that the head does not look at."""
    before = HIDDEN * view_of(task)
    return np.pad(weights, ((before, UNITS - HIDDEN - before), (0, 0)))


def _pooled(sums: Floats, text: Ids, begins: Ids, lengths: Ids) -> tuple[Floats, Floats, Floats]:
    """root, top and pooled of _Row. begins int64[N]: the place where each text begins."""
    active, out = sums > 0, np.maximum(sums, 0)
    if not len(begins):
        return out, out, np.zeros((0, 2, *out.shape[1:]), np.float32)
    most = np.maximum.reduceat(out, begins, axis=0)
    won = active & (out == most[text])
    ties = np.maximum(np.add.reduceat(won, begins, axis=0, dtype=np.float32), 1)
    per_piece = (1 / np.sqrt(np.maximum(lengths, 1))).astype(np.float32)[:, None, None]
    root = np.add.reduceat(out, begins, axis=0) * per_piece
    return active * per_piece[text], won / ties[text], np.stack((most, root), 1)


def _added(row: _Row, steps: Floats) -> Floats:
    """float32[heads, K]: what each piece adds. steps: what a step of each pooled feature adds, in the shape of pooled."""
    slopes = row.top * steps[:, row.text, 0] + row.root * steps[:, row.text, 1]
    added = np.zeros((len(steps), len(row.real)), np.float32)
    for values, (_, group, offset) in zip(row.parts, TEXT_SLICES, strict=True):
        seen = _seen(row.real, offset)
        added[:, seen] += np.einsum("pf,hpf->hp", values[seen], slopes[:, _seen(row.real, 0), group])
    # A bigram is of two pieces in equal parts, but for the last one of a text.
    of_pair = np.einsum("pf,hpf->hp", row.bigrams, slopes[:, :, BIGRAM])
    inner = row.real & np.append(row.real[1:], False)
    added += np.where(inner, of_pair / 2, of_pair)
    added[:, 1:] += np.where(inner, of_pair / 2, 0)[:, :-1]
    return added[:, row.at]


def _seen(row: NDArray[Any], offset: int) -> slice:
    """The places at an offset from all places but the first and the last paddings."""
    return slice(GAP + offset, len(row) - GAP + offset)


def _product(left: Floats, right: Floats | tf.Tensor) -> Floats:
    """[..., M] by [M, O]. TensorFlow's threads make it: NumPy's own beside them would wait for cores, and be many times slower."""
    product: Floats = tf.matmul(left.reshape(-1, left.shape[-1]), right).numpy()
    return product.reshape(*left.shape[:-1], right.shape[-1])
