"""The model in the repository: whole, small, better than its baselines, and quick."""

import gzip
import json
import time

import pytest

from models.data import SETS
from models.evaluation.summary import table
from models.folder import CARD, METRICS, size_bytes
from models.load import DEFAULT, LoadedModel, load, verify_content
from schemas.records import TextEvent
from schemas.tagged import tagged_events
from tests.models.conftest import DATA

pytestmark = pytest.mark.model

CHUNK = 512
LARGEST_BYTES = 15_000_000
FASTER_THAN_ONE_BY_ONE = 5


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
        ("国足世界杯预选赛", "sports"),
    ],
)
def test_plain_topics_are_told_in_both_languages(model: LoadedModel, text: str, topic: str) -> None:
    assert _tag(model, text)[1] == topic


def test_a_statesman_is_found_in_a_chinese_sentence_with_an_emoji(model: LoadedModel) -> None:
    assert ("person", "江泽民") in _tag(model, "😀国家主席江泽民在北京会见了客人")[2]


def test_chunks_are_tagged_far_faster_than_single_texts(model: LoadedModel, stream: list[str]) -> None:
    chunks = [stream[at : at + CHUNK] for at in range(0, 8 * CHUNK, CHUNK)]
    model.tag(chunks[0])
    start = time.perf_counter()
    for chunk in chunks:
        model.tag(chunk)
    in_chunks = 8 * CHUNK / (time.perf_counter() - start)
    start = time.perf_counter()
    for text in chunks[0][:100]:
        model.tag([text])
    assert in_chunks > FASTER_THAN_ONE_BY_ONE * 100 / (time.perf_counter() - start)


def test_every_text_of_the_stream_gets_valid_tags(model: LoadedModel, stream: list[str]) -> None:
    for at in range(0, len(stream), CHUNK):
        texts = stream[at : at + CHUNK]
        events = [TextEvent(str(at), 0, text) for text in texts]
        for tagged in tagged_events(events, model.tag(texts), model, "stream"):
            assert all(tagged.text[e.start : e.end] == e.text != "" for e in tagged.entities)
