"""The model in the repository: whole, small, better than its baselines, and as it was trained."""

import gzip
import json

import numpy as np
import pytest
import tensorflow as tf

from models.architectures import TEXT_TASKS
from models.architectures.cnn import ConvolutionalNetwork
from models.architectures.contract import Sizes, text_logits
from models.data import SETS
from models.evaluation.summary import table
from models.folder import CARD, METRICS, size_bytes
from models.load import DEFAULT, LoadedModel, encoded, load, verify_content
from models.pieces import CONTINUES, PAD_ID, PAD_SHAPE, PieceTokenizer
from models.spans import decode
from models.tune import Start
from models.vocabulary import CHINESE, scripts
from schemas.records import TextEvent
from schemas.tagged import tagged_events
from schemas.tagging import SENTIMENTS
from tests.models.conftest import DATA

pytestmark = pytest.mark.model

CHUNK = 512
LARGEST_BYTES = 30_000_000


@pytest.fixture(scope="module")
def model() -> LoadedModel:
    return load()


@pytest.fixture(scope="module")
def stream() -> list[str]:
    path = DATA / "stream" / "events_en_zh.jsonl.gz"
    if not path.is_file():
        pytest.skip("needs the event stream in ../shared/data")
    texts = []
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            try:
                text = json.loads(line).get("text")
            except json.JSONDecodeError:
                continue
            if isinstance(text, str):
                texts.append(text)
    return texts


def _tag(model: LoadedModel, text: str) -> tuple[str, str, list[tuple[str, str]]]:
    (event,) = tagged_events([TextEvent("1", 0, text)], model.tag([text]), model, "test")
    return event.sentiment, event.topic, [(entity.type, entity.text) for entity in event.entities]


def test_the_shipped_folder_is_whole_and_small() -> None:
    verify_content(DEFAULT)
    assert size_bytes(DEFAULT) < LARGEST_BYTES


def test_the_card_holds_the_figures_of_the_run_that_scored_it() -> None:
    metrics = json.loads((DEFAULT / METRICS).read_text())["test"]
    assert table(metrics) in (DEFAULT / CARD).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", [dataset.name for dataset in SETS])
def test_the_shipped_model_beats_its_baselines(name: str) -> None:
    row = json.loads((DEFAULT / METRICS).read_text())["test"][name]
    figure = "f1" if row["task"] == "entities" else "accuracy"
    best = max(row[baseline][figure] for baseline in ("majority", "keyword") if baseline in row)
    assert row["model"][figure] > best


@pytest.mark.parametrize(
    ("text", "sentiment"),
    [
        ("I love this, works great!", "positive"),
        ("Worst airline ever, my flight was cancelled again", "negative"),
        ("质量很差，非常失望", "negative"),
        ("很好，非常喜欢，值得推荐", "positive"),
    ],
)
def test_plain_feelings_are_told_in_both_languages(model: LoadedModel, text: str, sentiment: str) -> None:
    assert _tag(model, text)[0] == sentiment


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("my new card has not arrived yet", "cards"),
        ("the goalie won the hockey game", "sports"),
        ("湖人主场大胜勇士", "sports"),
    ],
)
def test_plain_topics_are_told_in_both_languages(model: LoadedModel, text: str, topic: str) -> None:
    assert _tag(model, text)[1] == topic


def test_a_statesman_is_found_in_a_chinese_sentence_with_an_emoji(model: LoadedModel) -> None:
    assert ("person", "江泽民") in _tag(model, "😀国家主席江泽民在北京会见了客人")[2]


def test_the_stored_graph_answers_real_texts_as_the_network_in_training_form_does(model: LoadedModel, stream: list[str]) -> None:
    texts = list(dict.fromkeys(stream))[:400]
    network = _network(model)
    pieces = PieceTokenizer(model.vocabulary)(encoded(texts))
    ids, shapes = (tf.RaggedTensor.from_row_splits(column, pieces.splits) for column in (pieces.ids, pieces.shapes))
    ids, shapes = ids.to_tensor(PAD_ID), shapes.to_tensor(PAD_SHAPE)
    served = model.module.signatures["serve"](tf.constant(encoded(texts)))
    for task, logits in zip(TEXT_TASKS, text_logits(network, ids, shapes), strict=True):
        np.testing.assert_allclose(served[task], tf.nn.softmax(logits), atol=1e-5)
    shares = tf.boolean_mask(tf.nn.softmax(network.entity_logits(ids, shapes)), ids != PAD_ID)
    continues = np.array([entry.startswith(CONTINUES) for entry in model.vocabulary])[pieces.ids]
    spans = decode(tf.argmax(shares, 1, output_type=tf.int32), tf.reduce_max(shares, 1), tf.constant(continues), pieces)
    assert len(spans.type) > 100 and {*np.flatnonzero(network.readers(ids)[:, CHINESE])} < {*range(len(texts))}
    for name in ("type", "start", "end", "splits"):
        np.testing.assert_array_equal(served[f"entity_{name}"], getattr(spans, name))
    np.testing.assert_allclose(served["entity_score"], spans.score, atol=1e-5)


def _network(model: LoadedModel) -> ConvolutionalNetwork:
    """Made anew of what the model stores."""
    start = Start(model)
    network = ConvolutionalNetwork(Sizes(
        len(model.vocabulary), len(SENTIMENTS), len(model.topics), len(model.intents), start.entity_labels, start.name_pairs,
        scripts(model.vocabulary)))
    start(network)
    for own, stored in zip(network.text_heads, model.module._text_heads, strict=True):
        own.topic.assign(stored.topic)
        own.intent.assign(stored.intent)
    return network


def test_every_text_of_the_stream_gets_valid_tags(model: LoadedModel, stream: list[str]) -> None:
    for at in range(0, len(stream), CHUNK):
        texts = stream[at : at + CHUNK]
        events = [TextEvent(str(at), 0, text) for text in texts]
        for tagged in tagged_events(events, model.tag(texts), model, "stream"):
            assert all(tagged.text[e.start : e.end] == e.text != "" for e in tagged.entities)
