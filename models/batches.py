"""Training rows as padded batches of like length."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from models.architectures import TEXT_TASKS
from models.architectures.cnn import name_keys
from models.architectures.contract import Batch
from models.data import NO_LABEL, Example
from models.pieces import CONTINUES, PAD_ID, PAD_SHAPE, PieceTokenizer
from models.spans import encode
from models.teachers.files import Vectors, rows_of

POOL = 40
"""Batches whose rows are sorted by length together: enough for little padding, few enough to mix."""
LENGTH_STEP = 8
CHUNK = 2_048
NAME_PAIRS = 8_192

Column = list[NDArray[np.int32]]


@dataclass(frozen=True, slots=True)
class Encoded:
    """Rows ready to batch: ids, shapes and entity labels are one int32[L] a row; labels int32[rows, len(TEXT_TASKS)]; teachers
    int32[rows, T] (contract.Batch)."""

    ids: Column
    shapes: Column
    entity: Column
    labels: NDArray[np.int32]
    teachers: NDArray[np.int32]


def encoded(examples: Sequence[Example], vocabulary: Sequence[str], teachers: Sequence[Vectors] = ()) -> Encoded:
    """The examples as pieces with labels."""
    tokenizer = PieceTokenizer(vocabulary)
    continues = np.array([entry.startswith(CONTINUES) for entry in vocabulary])
    ids: Column = []
    shapes: Column = []
    entity: Column = []
    for at in range(0, len(examples), CHUNK):
        part = examples[at : at + CHUNK]
        pieces = tokenizer(tf.constant([example.text for example in part]))
        cuts = pieces.splits.numpy()[1:-1]
        columns = [np.split(column.numpy(), cuts) for column in pieces[:4]]
        ids += columns[0]
        shapes += columns[1]
        for example, row, starts, ends in zip(part, columns[0], columns[2], columns[3], strict=True):
            entity.append(encode(example.entities or (), starts, ends, continues[row]))
    labels = np.array([[example.label(task) for task in TEXT_TASKS] for example in examples], np.int32).reshape(-1, len(TEXT_TASKS))
    texts = [example.text for example in examples]
    taught = np.array([rows_of(vectors, texts) for vectors in teachers], np.int32).reshape(len(teachers), len(texts)).T
    return Encoded(ids, shapes, entity, labels, taught)


def name_pairs(rows: Encoded, most: int = NAME_PAIRS) -> NDArray[np.int32]:
    """int32[M], in order: the name_keys of neighbouring pieces that stand in one name twice or more, the commonest."""
    counts: Counter[int] = Counter()
    for ids, labels in zip(rows.ids, rows.entity, strict=True):
        goes_on = (labels[1:] == NO_LABEL) | ((labels[1:] > 0) & (labels[1:] % 2 == 0))
        counts.update(name_keys(ids[:-1], ids[1:])[(labels[:-1] > 0) & goes_on].tolist())
    common = [key for key, n in counts.most_common(most) if n > 1]
    return np.array(sorted(common or [0]), np.int32)


def batches(rows: Encoded, rng: np.random.Generator, size: int) -> Iterator[Batch]:
    """All rows once, in random order, as batches of that size, of rows of like length."""
    order = rng.permutation(len(rows.ids))
    for start in range(0, len(order), POOL * size):
        pool = order[start : start + POOL * size]
        pool = pool[np.argsort([len(rows.ids[i]) for i in pool], kind="stable")]
        for at in range(0, len(pool), size):
            yield _batch(rows, pool[at : at + size])


def _batch(rows: Encoded, chosen: NDArray[np.int64]) -> Batch:
    longest = max(1, *(len(rows.ids[i]) for i in chosen))
    width = -(-longest // LENGTH_STEP) * LENGTH_STEP
    columns = ((rows.ids, PAD_ID), (rows.shapes, PAD_SHAPE), (rows.entity, NO_LABEL))
    ids, shapes, entity = (_padded([values[i] for i in chosen], width, fill) for values, fill in columns)
    return Batch(ids, shapes, tf.constant(rows.labels[chosen]), entity, tf.constant(rows.teachers[chosen]))


def _padded(values: Column, width: int, fill: int) -> tf.Tensor:
    table = np.full((len(values), width), fill, np.int32)
    for row, value in enumerate(values):
        table[row, : len(value)] = value
    return tf.constant(table)
