"""Every architecture keeps the one contract: the same suite for all of the registry."""

import functools
import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from models.architectures import ENCODED, NAMES, TASKS
from models.architectures.contract import Architecture, Network, Noise, Server, Sizes, copied, text_logits
from models.architectures.registry import ARCHITECTURES
from models.architectures.seed_cnn import SeedNetwork
from models.load import load
from models.pieces import PAD, PAD_ID, PAD_SHAPE, UNKNOWN, PieceTokenizer
from models.vocabulary import scripts
from schemas.tagging import Tags
from tests.models.conftest import few_buckets
from tests.models.tables import as_stored
from tests.models.tiny_encoder import NEEDS_EXTRA, WORDS

ENTRIES = [PAD, UNKNOWN, *WORDS, "中"]
TEXTS = ["", "w1 w2", "中" * 20, "w3", "wx w1 中 w2 w9 " * 40, "zzz", "W1 w2", "w5 w5 w5 w5 w5"]
SETTINGS = pytest.mark.parametrize("architecture", [
    pytest.param(one, id=name, marks=[NEEDS_EXTRA] if name in ENCODED else []) for name, one in ARCHITECTURES.items()])


def sizes_of(architecture: Architecture) -> Sizes:
    sentiments = 3 if architecture.three_sentiments else 2
    many = "topic" in architecture.tasks
    heads = (4, 6, 5) if many else (1, 1, 1)
    return Sizes(len(ENTRIES), sentiments, *heads, np.array([5, 9], np.int32), scripts(ENTRIES))


def network_of(architecture: Architecture) -> Network:
    tf.keras.utils.set_random_seed(5)
    network = architecture.build(sizes_of(architecture))
    for variable in network.trainable_variables:   # zeros would hide much
        variable.assign_add(tf.random.normal(variable.shape, stddev=0.1))
    as_stored(network)
    return network


def padded(rows: list[list[int]], width: int, fill: int) -> tf.Tensor:
    return tf.constant([row + [fill] * (width - len(row)) for row in rows], tf.int32)


@functools.cache
def server_of(name: str) -> Server:
    """One for all tests: to trace its graph is what takes time."""
    return ARCHITECTURES[name].server(ENTRIES, sizes_of(ARCHITECTURES[name]))


def served(architecture: Architecture, network: Network, texts: list[str]) -> Tags:
    server = server_of(architecture.name)
    server.take(network)
    return Tags(**{name: value.numpy() for name, value in server.serve(tf.constant(texts, tf.string)).items()})


def test_the_names_that_are_known_before_tensorflow_are_those_of_the_registry() -> None:
    assert list(ARCHITECTURES) == list(NAMES)
    assert all(name == one.name and set(one.tasks) <= set(TASKS) for name, one in ARCHITECTURES.items())


@SETTINGS
def test_an_answer_depends_neither_on_the_padding_nor_on_the_other_rows(architecture: Architecture) -> None:
    network = network_of(architecture)
    rows, shapes = [[5, 2, 9], [7], [], [3, 4, 5, 6, 7, 8, 9, 10]], [[1, 2, 3], [0], [], [1] * 8]
    for width in (8, 17):
        together = text_logits(network, padded(rows, width, PAD_ID), padded(shapes, width, PAD_SHAPE))
        entity = network.entity_logits(padded(rows, width, PAD_ID), padded(shapes, width, PAD_SHAPE))
        for at, (row, shape) in enumerate(zip(rows, shapes, strict=True)):
            own = max(len(row), 1)
            alone = text_logits(network, padded([row], own, PAD_ID), padded([shape], own, PAD_SHAPE))
            for values, value in zip(together, alone, strict=True):
                np.testing.assert_allclose(values[at], value[0], atol=1e-5)
            one = network.entity_logits(padded([row], own, PAD_ID), padded([shape], own, PAD_SHAPE))
            np.testing.assert_allclose(entity[at, : len(row)], one[0, : len(row)], atol=1e-5)


@SETTINGS
def test_the_serving_graph_answers_as_the_network_does_and_by_the_contract(architecture: Architecture) -> None:
    network = network_of(architecture)
    tags = served(architecture, network, TEXTS)
    assert tags.sentiment.shape == (len(TEXTS), 3) and tags.topic.shape == (len(TEXTS), sizes_of(architecture).topic)
    assert tags.intent.shape == (len(TEXTS), sizes_of(architecture).intent if "intent" in architecture.tasks else 0)
    np.testing.assert_allclose(tags.sentiment.sum(1), 1, atol=1e-5)
    np.testing.assert_allclose(tags.topic.sum(1), 1, atol=1e-5)
    for at in range(len(TEXTS)):
        ids = tags.token_ids[tags.token_splits[at] : tags.token_splits[at + 1]].tolist() or [PAD_ID]
        said = text_logits(network, tf.constant([ids]), shapes_of(TEXTS[at], ids))
        sentiment, topic, intent = (tf.nn.softmax(values)[0] for values in said)
        columns = [0, 2] if not architecture.three_sentiments else [0, 1, 2]
        np.testing.assert_allclose(tags.sentiment[at, columns], sentiment, atol=1e-4)
        np.testing.assert_allclose(tags.topic[at], topic, atol=1e-4)
        if "intent" in architecture.tasks:
            np.testing.assert_allclose(tags.intent[at], intent, atol=1e-4)
    if not architecture.three_sentiments:
        assert not tags.sentiment[:, 1].any()
    if "entities" not in architecture.tasks:
        assert tags.entity_splits.tolist() == [0] * (len(TEXTS) + 1)


def shapes_of(text: str, ids: list[int]) -> tf.Tensor:
    found = PieceTokenizer(ENTRIES)(tf.constant([text])).shapes.numpy().tolist() or [PAD_SHAPE]
    assert len(found) == len(ids)
    return tf.constant([found])


@SETTINGS
def test_no_texts_and_empty_texts_are_answered(architecture: Architecture) -> None:
    network = network_of(architecture)
    assert served(architecture, network, []).sentiment.shape == (0, 3)
    tags = served(architecture, network, ["", ""])
    assert np.isfinite(tags.sentiment).all() and np.isfinite(tags.topic).all()


@SETTINGS
def test_a_copy_answers_as_its_original_and_noise_is_that_of_its_seed(architecture: Architecture) -> None:
    network, other = network_of(architecture), architecture.build(sizes_of(architecture))
    copied(network, other)
    ids, shapes = padded([[5, 2, 9, 4]], 8, PAD_ID), padded([[1, 2, 3, 1]], 8, PAD_SHAPE)
    for values, same in zip(text_logits(network, ids, shapes), text_logits(other, ids, shapes), strict=True):
        np.testing.assert_array_equal(values, same)
    noise = Noise(1)
    answers = []
    for seed in (3, 4, 3):
        noise.begin(seed)
        answers.append(text_logits(network, ids, shapes, noise)[0].numpy())
    np.testing.assert_array_equal(answers[0], answers[2])
    if architecture.name != "seed_cnn":   # which has none
        assert np.abs(answers[0] - answers[1]).max() > 0


@SETTINGS
def test_cooled_logits_are_divided_by_the_temperature(architecture: Architecture) -> None:
    network = network_of(architecture)
    ids, shapes = padded([[5, 2, 9, 4]], 8, PAD_ID), padded([[1, 2, 3, 1]], 8, PAD_SHAPE)
    before = text_logits(network, ids, shapes)
    network.cool((2.0, 4.0, 8.0))
    for values, old, by in zip(text_logits(network, ids, shapes), before, (2.0, 4.0, 8.0), strict=True):
        np.testing.assert_allclose(values, old / by, atol=1e-5)


@SETTINGS
def test_every_weight_of_a_trained_task_learns(architecture: Architecture) -> None:
    network = network_of(architecture)
    ids, shapes = padded([[5, 2, 9, 4], [7, 8]], 8, PAD_ID), padded([[1, 2, 3, 1], [0, 0]], 8, PAD_SHAPE)
    with tf.GradientTape() as tape:
        losses = [tf.reduce_sum(logits**2) for logits in text_logits(network, ids, shapes)]
        loss = tf.add_n(losses) + tf.reduce_sum(network.entity_logits(ids, shapes) ** 2)
    found = tape.gradient(loss, network.trainable_variables)
    assert all(gradient is not None for gradient in found)


def test_the_seed_network_is_exactly_the_one_that_is_described() -> None:
    network = SeedNetwork(Sizes(10_000, 2, 1, 1, 1, np.array([0], np.int32), np.zeros(10_000, np.int32)))
    shapes = [tuple(variable.shape) for variable in network.trainable_variables]
    assert shapes == [(10_000, 128), (5, 128, 128), (128,), (128, 64), (64,), (64, 1), (1,)]
    recipe = ARCHITECTURES["seed_cnn"].recipe
    assert (recipe.rate, recipe.final_share, recipe.epochs, recipe.batch) == (1e-3, 1.0, 10, 64)
    assert (recipe.smoothing, recipe.averaged) == (0.0, False)
    assert recipe.entries == 10_000


@pytest.mark.parametrize("name", [
    pytest.param(name, marks=[NEEDS_EXTRA] if name in ENCODED else []) for name in NAMES if name != "cnn"])
def test_a_model_of_every_architecture_is_trained_written_and_loaded(name: str, small_model: Callable[[str], Path]) -> None:
    folder = small_model(name)
    model, manifest = load(folder), json.loads((folder / "model.json").read_text())
    tags = model.tag(["love it", ""])
    assert tags.topic.shape == (2, len(model.topics)) and manifest["tasks"] == list(ARCHITECTURES[name].tasks)
    assert ARCHITECTURES[name].about in (folder / "card.md").read_text()
    assert not list(folder.parent.glob(".*"))   # the state of the run is gone


def test_a_task_that_is_left_out_is_not_answered(tiny_data: Path, tmp_path: Path, train_tiny: Any) -> None:
    with few_buckets():
        model = load(train_tiny(tiny_data, tmp_path / "moods", tasks=("sentiment",), epochs=1))
    tags = model.tag(["Anna met Boris", "love"])
    assert model.topics == ["other"] and tags.topic.tolist() == [[1.0], [1.0]]
    assert tags.entity_splits.tolist() == [0, 0, 0]


def test_a_folder_without_a_set_of_the_task_is_said(tmp_path: Path, train_tiny: Any) -> None:
    from models.data import DataError

    (tmp_path / "data" / "topic").mkdir(parents=True)
    for split in ("train", "dev", "test"):
        row = json.dumps({"id": "1", "text": f"足球 {split}", "label": "sports"}).encode()
        (tmp_path / "data" / "topic" / f"titles_zh.{split}.jsonl.gz").write_bytes(gzip.compress(row))
    with pytest.raises(DataError, match="holds no set for sentiment"):
        train_tiny(tmp_path / "data", tmp_path / "out", tasks=("sentiment",))
