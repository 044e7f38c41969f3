"""The serving graph against the training graph: folding and bucketing change no answer."""

import numpy as np
import pytest
import tensorflow as tf

from models.architectures import TEXT_TASKS
from models.architectures.buckets import BOUNDS
from models.architectures.cnn import ConvolutionalNetwork, name_keys
from models.architectures.contract import Sizes, text_logits
from models.architectures.folded import FoldedServer
from models.pieces import PAD, PAD_ID, PAD_SHAPE, UNKNOWN, Pieces
from models.vocabulary import scripts
from tests.models.tables import as_stored

WORDS = [f"w{i}" for i in range(30)]
ENTRIES = [PAD, UNKNOWN, *WORDS, "w", "##x", "中"]
NAMES = [(2, 3), (3, 2), (ENTRIES.index("w"), ENTRIES.index("##x")), (9, 5)]
TOLERANCE = 1e-5
SIZES = Sizes(len(ENTRIES), 3, 4, 5, 13, np.array(sorted(name_keys(a, b) for a, b in NAMES), np.int32), scripts(ENTRIES))


def _network() -> ConvolutionalNetwork:
    tf.keras.utils.set_random_seed(5)
    network = ConvolutionalNetwork(SIZES)
    for variable in network.trainable_variables:
        variable.assign_add(tf.random.normal(variable.shape, stddev=0.2))
    as_stored(network)
    return network


def _texts(rows: int) -> list[str]:
    rng = np.random.default_rng(rows)
    words = [*WORDS, "wx", "W3"], ["中", "!"], ["中", "中", *WORDS[:3]]   # the last are read by both
    return [" ".join(rng.choice(words[row % 3], rng.integers(0, 40))) for row in range(rows)]


def _padded(server: FoldedServer, texts: list[str]) -> tuple[Pieces, tf.Tensor, tf.Tensor]:
    pieces = server._tokenizer(tf.constant(texts))
    ids, shapes = (tf.RaggedTensor.from_row_splits(column, pieces.splits) for column in (pieces.ids, pieces.shapes))
    return pieces, ids.to_tensor(PAD_ID), shapes.to_tensor(PAD_SHAPE)


@pytest.mark.parametrize("rows", [1, 2, len(BOUNDS) - 2, 100])
def test_the_serving_graph_answers_as_the_training_graph_does(rows: int) -> None:
    network = _network()
    server = FoldedServer(ENTRIES, SIZES)
    server.take(network)
    texts = _texts(rows)
    _, ids, shapes = _padded(server, texts)
    out = server.serve(tf.constant(texts))
    for name, logits in zip(TEXT_TASKS, text_logits(network, ids, shapes), strict=True):
        np.testing.assert_allclose(out[name], tf.nn.softmax(logits), atol=TOLERANCE)


def test_entity_labels_of_flat_pieces_are_those_of_padded_rows() -> None:
    network = _network()
    server = FoldedServer(ENTRIES, SIZES)
    server.take(network)
    pieces, ids, shapes = _padded(server, ["", *_texts(50), "", "中 w1 W2", ""])
    wanted = tf.boolean_mask(tf.nn.softmax(network.entity_logits(ids, shapes)), ids != PAD_ID)
    _, labels, scores = server._answers(pieces)
    np.testing.assert_allclose(scores, tf.reduce_max(wanted, 1), atol=TOLERANCE)
    np.testing.assert_array_equal(labels, tf.argmax(wanted, 1))
