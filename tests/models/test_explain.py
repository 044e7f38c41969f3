"""Why a text was tagged so: the account adds up to what the graph decided, and the words named do carry it."""

import random
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from models import data
from models.architectures.heads import HIDDEN, readers, scripts_of, view_of
from models.attribution import HEADS
from models.explain import MOST, Explainer, Words, named
from models.folder import ModelError
from models.load import LoadedModel, encoded, load
from models.pieces import PieceTokenizer
from models.vocabulary import scripts
from schemas.tagging import Tags
from tests.models.conftest import DATA
from tests.models.other_model import written

pytestmark = pytest.mark.model

TOLERANCE = 1e-4
TEXTS = (
    "", "hello", "I love this, works great!", "质量很差，非常失望", "😀😡 ok 👍🏽", "Ünïcödé café", "no\x00thing \u200b", "\ud800 half",
    "[PAD] ##s [UNK]", "!!!", "a" * 5_000, "word " * 1_000, "差" * 5_000, "awful awful awful", "   ", "Mixed 中文 and English 2024",
)
OWN = {
    "sentiment": (
        "I love this phone, the screen is beautiful", "What a wonderful evening, thank you all",
        "The delivery was late and the box was broken", "Worst service ever, I am so angry",
        "The staff was rude and the room smelled terrible", "Great food and a lovely place to sit",
        "I hate waiting on hold for an hour", "This update is awful, everything crashes now",
        "So happy with the new bike, it rides well", "They lost my bag and nobody answers",
        "An excellent book, I enjoyed every page", "The movie was boring and far too long",
        "质量很差，用了两天就坏了", "很好，非常喜欢，值得推荐", "服务态度太差了，再也不会来", "房间干净，早餐也不错",
        "屏幕有划痕，非常失望", "这本书写得很精彩",
    ),
    "topic": (
        "my new card has not arrived yet", "how do I change the pin of my card",
        "what is the exchange rate for euros today", "the goalie won the hockey game last night",
        "please book a flight to Paris for Monday", "what is the weather like in Boston tomorrow",
        "play the next song on my list", "I was charged a fee for the transfer",
        "how many calories are in an apple", "the doctor said the medicine helps patients",
        "the shuttle reached its orbit around the moon", "remind me to call the bank at noon",
        "国足世界杯预选赛名单公布", "股市大跌，投资者观望", "高考录取分数线公布", "新款手机屏幕评测",
        "这款网络游戏今日公测", "二手房价格继续上涨",
    ),
}


@pytest.fixture(scope="module")
def model() -> LoadedModel:
    return load()


@pytest.fixture(scope="module")
def explainer(model: LoadedModel) -> Explainer:
    return Explainer(model)


def chosen_of(tags: Tags) -> NDArray[np.int64]:
    return np.stack([getattr(tags, head).argmax(1) for head in HEADS])


def odd_texts(count: int) -> list[str]:
    rng = random.Random(7)
    alphabet = "abc ehilnorst  .,!?'#@0189é中国很好差ß😀\n"
    return ["".join(rng.choices(alphabet, k=rng.randrange(120))) for _ in range(count)]


def test_the_sums_made_anew_give_the_probabilities_of_the_graph(model: LoadedModel, explainer: Explainer) -> None:
    for texts in ([*TEXTS, *odd_texts(200)], ["one"], []):
        tags, found = model.tag(texts), explainer.probabilities(texts)
        for head in HEADS:
            np.testing.assert_allclose(found[head], getattr(tags, head), atol=TOLERANCE)


def ahead(probabilities: NDArray[np.float32], others: NDArray[np.float64], classes: NDArray[np.int64]) -> NDArray[np.float64]:
    """The logit of each row's class less the mean of the others, weighed; what probabilities lose of logits cancels out."""
    logits = np.log(probabilities.astype(np.float64))
    result: NDArray[np.float64] = logits[np.arange(len(logits)), classes] - (logits * others).sum(1)
    return result


def nothing(model: LoadedModel, texts: Sequence[str], head: str) -> NDArray[np.float32]:
    """float32[N, classes]: of the empty text, by the heads that read each text."""
    pieces = PieceTokenizer(model.vocabulary)(encoded(texts))
    each = tf.RaggedTensor.from_row_splits(scripts_of(tf.gather(scripts(model.vocabulary), pieces.ids)), pieces.splits)
    read = tf.cast(readers(tf.reduce_sum(each, 1)), tf.float32)
    view = slice(HIDDEN * view_of(head), HIDDEN * (view_of(head) + 1))
    empty = [tf.nn.relu(heads.dense_bias)[None, view] @ getattr(heads, head) for heads in model.module._text_heads]
    result: NDArray[np.float32] = tf.nn.softmax(read @ tf.concat(empty, 0)).numpy()
    return result


def test_the_words_of_a_text_add_up_to_what_it_puts_its_class_ahead_of_the_empty_text(model: LoadedModel, explainer: Explainer) -> None:
    texts = [*TEXTS, *odd_texts(200)]
    tags = model.tag(texts)
    words = explainer.words(texts, chosen_of(tags))
    for head, classes, weights, margins in zip(HEADS, chosen_of(tags), words.weights, words.margins, strict=True):
        others = getattr(tags, head).astype(np.float64)
        others[np.arange(len(texts)), classes] = 0
        others /= others.sum(1, keepdims=True)
        owed = ahead(getattr(tags, head), others, classes) - ahead(nothing(model, texts, head), others, classes)
        added = [weights[start:end].sum() for start, end in pairwise(words.splits.tolist())]
        np.testing.assert_allclose(margins, added, atol=TOLERANCE)
        np.testing.assert_allclose(added, owed, atol=2e-3)   # the logarithm of a small probability is rounded


def test_a_text_is_explained_alike_whatever_stands_beside_it(model: LoadedModel, explainer: Explainer) -> None:
    texts = [*TEXTS, *odd_texts(60)]
    together = explainer.explain(texts, model.tag(texts))
    for text, why in zip(texts, together, strict=True):
        (alone,) = explainer.explain([text], model.tag([text]))
        for head in HEADS:
            both = [sorted((word.start, word.weight) for word in getattr(one, head) if word.weight > 0.01) for one in (alone, why)]
            assert both[0] == [(start, pytest.approx(weight, abs=1e-3)) for start, weight in both[1]]


@settings(max_examples=60, deadline=None)
@given(texts=st.lists(st.text(max_size=80), max_size=4), most=st.integers(1, 7))
def test_named_words_are_the_texts_own_apart_and_the_heaviest_come_first(
        model: LoadedModel, explainer: Explainer, texts: list[str], most: int) -> None:
    whys = explainer.explain(texts, model.tag(texts), most)
    assert len(whys) == len(texts)
    for text, why in zip(texts, whys, strict=True):
        for words in (why.sentiment, why.topic):
            assert len(words) <= most
            assert all(text[word.start:word.end] == word.text != "" for word in words)
            assert [word.weight for word in words] == sorted((word.weight for word in words), reverse=True)
            assert all(word.weight > 0 for word in words)
            spans = sorted((word.start, word.end) for word in words)
            assert all(before[1] <= after[0] for before, after in pairwise(spans))


def test_another_sentiment_than_the_one_decided_is_explained_when_it_is_asked_for(model: LoadedModel, explainer: Explainer) -> None:
    text = "I love this phone, but the delivery was awful"
    tags = model.tag([text] * 3)
    against, _, for_it = explainer.explain([text] * 3, tags, sentiments=[0, 1, 2])
    assert (against.sentiment[0].text, for_it.sentiment[0].text) == ("awful", "love")
    assert "love" not in {word.text for word in against.sentiment}
    decided = int(tags.sentiment[0].argmax())
    assert (against, _, for_it)[decided] == explainer.explain([text], model.tag([text]))[0]
    assert against.topic == for_it.topic


def spoken(weights: Sequence[float], joins: Sequence[bool], most: int = MOST) -> list[tuple[int, int]]:
    """What is named of one text whose words are of one byte each; the same stands once more in a text after it."""
    at, count = np.tile(np.arange(len(weights), dtype=np.int32), 2), len(weights)
    row = np.tile(np.array(weights, np.float32), 2)
    words = Words(at, at + 1, np.tile(np.array(joins, bool), 2), np.array([0, count, 2 * count]), row[None], np.zeros((1, 2), np.float32))
    first, second = named(words, row, most)
    assert first == second
    return [(start, end) for start, end, _ in first]


def test_chinese_characters_that_touch_and_both_speak_for_the_class_are_one_word() -> None:
    assert spoken([1, 2, 4], [True, True, False]) == [(1, 3), (0, 1)]
    assert spoken([1, -2, 4], [True, True, False]) == [(2, 3), (0, 1)]
    assert spoken([1, 2], [False, False]) == [(1, 2), (0, 1)]
    assert spoken([1, 2, 4, 3], [True] * 3 + [False], most=1) == [(2, 4)]


def test_only_characters_of_one_text_that_touch_are_one_word(explainer: Explainer) -> None:
    joins = explainer.words(["好", "   好", "很好 好，好a", "", "很好"], np.zeros((2, 5), np.int64)).joins
    assert joins.tolist() == [False, False, True, False, False, False, False, False, True, False]


def test_nothing_that_speaks_against_the_class_is_named() -> None:
    assert spoken([-1, 0, -3], [True, True, False]) == []
    assert spoken([], []) == []


@pytest.mark.parametrize(("text", "head", "word"), [
    ("Worst airline ever, my flight was on time though", "sentiment", "Worst"),
    ("I love this phone", "sentiment", "love"),
    ("质量太差", "sentiment", "太差"),
    ("they won the hockey game", "topic", "hockey"),
])
def test_the_first_word_named_is_the_one_that_anyone_would_name(
        model: LoadedModel, explainer: Explainer, text: str, head: str, word: str) -> None:
    (why,) = explainer.explain([text], model.tag([text]))
    assert getattr(why, head)[0].text == word


def without(text: str, spans: Sequence[tuple[int, int]]) -> str:
    """The text without these bytes of it; a space keeps their neighbours apart."""
    raw = bytearray(encoded([text])[0])
    for start, end in sorted(spans, reverse=True):
        raw[start:end] = b" "
    return raw.decode("utf-8", "replace")


def drops(model: LoadedModel, explainer: Explainer, head: str, texts: Sequence[str], words: int) -> tuple[float, float]:
    """How much the decided class's probability falls on average without the heaviest words, and without as many random ones."""
    tags = model.tag(texts)
    chosen = chosen_of(tags)
    found = explainer.words(texts, chosen)
    weights, classes = found.weights[HEADS.index(head)], chosen[HEADS.index(head)]
    spans = list(zip(found.starts.tolist(), found.ends.tolist(), strict=True))
    rng, rows = random.Random(3), np.arange(len(texts))
    named_gone, random_gone = [], []
    for text, (start, end) in zip(texts, pairwise(found.splits.tolist()), strict=True):
        heaviest = sorted(range(start, end), key=lambda word: -weights[word])[:words]
        named_gone.append(without(text, [spans[word] for word in heaviest]))
        random_gone.append(without(text, [spans[word] for word in rng.sample(range(start, end), len(heaviest))]))
    before, *after = (getattr(model.tag(those), head)[rows, classes] for those in (texts, named_gone, random_gone))
    return float((before - after[0]).mean()), float((before - after[1]).mean())


@pytest.mark.parametrize("words", [1, 3])
@pytest.mark.parametrize("head", HEADS)
def test_deleting_named_words_moves_the_score_more_than_deleting_random_ones(
        model: LoadedModel, explainer: Explainer, head: str, words: int) -> None:
    named_drop, random_drop = drops(model, explainer, head, OWN[head], words)
    assert named_drop > max(2 * random_drop, 0.1)


@pytest.mark.parametrize("name", ["tweets_en", "reviews_zh", "support_intents_en", "titles_zh"])
def test_on_the_dev_splits_too_named_words_move_the_score_more(model: LoadedModel, explainer: Explainer, name: str) -> None:
    dataset = next(dataset for dataset in data.SETS if dataset.name == name)
    if not data.file_of(DATA, dataset, "train").is_file():
        pytest.skip("needs the sets in ../shared/data")
    texts = [example.text for example in data.dev(DATA, dataset)[:100]]
    named_drop, random_drop = drops(model, explainer, dataset.task, texts, 1)
    assert named_drop > 3 * random_drop


def test_a_model_that_is_built_in_another_way_tags_and_is_not_explained(model: LoadedModel, tmp_path: Path) -> None:
    loaded = load(written(model, tmp_path / "other"))
    assert len(loaded.tag(["a", "b"]).sentiment) == 2
    with pytest.raises(ModelError, match=r"other/saved_model: cannot explain its tags.*choose another --model"):
        Explainer(loaded)


def test_a_model_that_answers_otherwise_than_its_weights_say_is_not_explained() -> None:
    loaded, other = load(), load()
    other.module._text_heads[0].dense_bias.assign_add(tf.ones_like(other.module._text_heads[0].dense_bias))
    loaded.module = other.module   # and not its graph
    with pytest.raises(ModelError, match="cannot explain its tags"):
        Explainer(loaded)
