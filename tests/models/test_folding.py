"""The serving graph against the training graph: folding and bucketing change no answer."""

import numpy as np
import tensorflow as tf

from models.architectures import TEXT_TASKS
from models.architectures.buckets import BOUNDS
from models.architectures.cnn import BIGRAM_GROUP, TEXT_GROUPS, ConvolutionalNetwork, mean_of, name_keys
from models.architectures.contract import Sizes
from models.architectures.folded import FoldedServer
from models.pieces import PAD, PAD_ID, PAD_SHAPE, UNKNOWN

WORDS = [f"w{i}" for i in range(30)]
ENTRIES = [PAD, UNKNOWN, *WORDS, "w", "##x", "中"]
NAMES = [(2, 3), (3, 2), (ENTRIES.index("w"), ENTRIES.index("##x")), (9, 5)]
TOLERANCE = 1e-5
SIZES = Sizes(len(ENTRIES), 3, 4, 5, 13, np.array(sorted(name_keys(a, b) for a, b in NAMES), np.int32))


def _network() -> ConvolutionalNetwork:
    tf.keras.utils.set_random_seed(5)
    network = ConvolutionalNetwork(SIZES)
    for variable in network.trainable_variables:
        noisy = variable + tf.random.normal(variable.shape, stddev=0.2)
        # The server keeps its tables in half precision: give both sides values that it holds exactly.
        variable.assign(tf.cast(tf.cast(noisy, tf.float16), tf.float32))
    return network


def _texts(rows: int) -> list[str]:
    rng = np.random.default_rng(rows)
    return [" ".join(rng.choice([*WORDS, "中", "wx", "W3"], rng.integers(0, 40))) for _ in range(rows)]


def _padded(server: FoldedServer, texts: list[str]) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    pieces = server._tokenizer(tf.constant(texts))
    ragged = [tf.RaggedTensor.from_row_splits(column, pieces.splits) for column in (pieces.ids, pieces.shapes)]
    lengths = tf.cast(ragged[0].row_lengths(), tf.int32)
    return ragged[0].to_tensor(PAD_ID), ragged[1].to_tensor(PAD_SHAPE), lengths


def test_the_serving_graph_answers_as_the_training_graph_does() -> None:
    network = _network()
    server = FoldedServer(ENTRIES, SIZES)
    server.take(network)
    for rows in (1, 2, len(BOUNDS) - 2, 100):
        texts = _texts(rows)
        ids, _, lengths = _padded(server, texts)
        hidden, _ = network.heads.hidden(network.features(ids, TEXT_GROUPS), lengths)
        out = server.serve(tf.constant(texts))
        for name, logits in zip(TEXT_TASKS, network.heads.logits(hidden), strict=True):
            np.testing.assert_allclose(out[name], tf.nn.softmax(logits), atol=TOLERANCE)


def test_entity_labels_of_flat_pieces_are_those_of_padded_rows() -> None:
    network = _network()
    server = FoldedServer(ENTRIES, SIZES)
    server.take(network)
    texts = ["", *_texts(50), "", "w1 W2", ""]
    ids, shapes, lengths = _padded(server, texts)
    wanted = tf.boolean_mask(tf.nn.softmax(network.entity_logits(ids, shapes)), ids != PAD_ID)
    pieces = server._tokenizer(tf.constant(texts))
    style = network.heads.entity_style(mean_of(network.features(ids, (BIGRAM_GROUP,))[0], lengths))
    labels, scores = server._entities(pieces, style)
    np.testing.assert_allclose(scores, tf.reduce_max(wanted, 1), atol=TOLERANCE)
    np.testing.assert_array_equal(labels, tf.argmax(wanted, 1))
