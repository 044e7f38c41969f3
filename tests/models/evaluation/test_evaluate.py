"""A whole evaluation: the figures of each part are those of its rows, and the worst errors are the worst."""
from collections.abc import Callable
from pathlib import Path

import pytest

from models.data import SETS
from models.evaluation import evaluate as room
from models.evaluation.answers import CHUNK, answer
from models.evaluation.evaluate import evaluate
from models.evaluation.result import Evaluation, Named, Scores, TaskResult, WrongEntities, WrongLabel
from models.evaluation.rows import CLASSES, read
from models.evaluation.summary import summary, table
from models.load import load
from models.preparation import prepare
from tests.models.evaluation.known import TOPICS, Answer, Known, known

WriteSet = Callable[..., None]
PERSON, GROUP = 5, 0   # ids of the known tagger, whose types are in reverse


def moods(text: str) -> Answer:
    """Sure of what the second word says, as sure as the third."""
    _, said, sure, *_ = f"{text} 1".split()
    rest = (1 - float(sure)) / 2
    shares = [rest, rest, rest]
    shares[("negative", "neutral", "positive").index(said)] = float(sure)
    return Answer(sentiment=(shares[0], shares[1], shares[2]))


def rows(*texts: str, lang: str = "en", kind: str = "post") -> list[dict[str, str]]:
    """Rows whose first word is their label."""
    return [{"text": text, "label": text.split()[0], "lang": lang, "kind": kind} for text in texts]


@pytest.fixture
def sentiments(tmp_path: Path, write_set: WriteSet) -> Path:
    """Two sets: posts and tickets in English, reviews in Chinese."""
    for split in ("train", "dev", "test"):
        write_set(tmp_path / "sentiment", "tweets_en", split, [
            *rows("pos positive 0.9", "pos neutral 0.6", "neg negative 0.8", "neu positive 0.5"),
            *rows("neg negative 0.7", "neg positive 0.95", kind="ticket")])
        write_set(tmp_path / "sentiment", "reviews_zh", split, rows("pos positive 0.9", "pos positive 0.8", lang="zh", kind="review"))
    return tmp_path


def of(found: Evaluation, task: str = "sentiment") -> TaskResult:
    return next(one for one in found.tasks if one.task == task)


def scores(found: Evaluation, by: str, name: str, task: str = "sentiment") -> Scores:
    return next(group.scores for group in of(found, task).groups if (group.by, group.name) == (by, name))


def test_every_part_is_scored_on_its_rows_and_the_whole_on_all(sentiments: Path) -> None:
    found = known(sentiments, moods)
    assert [(group.by, group.name, group.scores.rows) for group in of(found).groups] == [
        ("all", "all", 8), ("set", "tweets_en", 6), ("set", "reviews_zh", 2), ("language", "en", 6), ("language", "zh", 2),
        ("kind", "post", 4), ("kind", "review", 2), ("kind", "ticket", 2)]
    accuracies = {(group.by, group.name): group.scores.micro.f1 for group in of(found).groups}
    assert accuracies == {
        ("all", "all"): 5 / 8, ("set", "tweets_en"): 3 / 6, ("set", "reviews_zh"): 1, ("language", "en"): 3 / 6, ("language", "zh"): 1,
        ("kind", "post"): 2 / 4, ("kind", "review"): 1, ("kind", "ticket"): 1 / 2}
    confused = scores(found, "kind", "post").confusion
    assert confused is not None
    assert (confused.classes, confused.counts) == (["negative", "neutral", "positive"], [[1, 0, 0], [0, 0, 1], [0, 1, 1]])


def test_calibration_is_that_of_the_answers(sentiments: Path) -> None:
    calibrated = scores(known(sentiments, moods), "kind", "ticket").calibration
    assert calibrated is not None
    assert [(one.count, one.accuracy) for one in calibrated.bins if one.count] == [(1, 1), (1, 0)]
    assert calibrated.ece == pytest.approx((0.3 + 0.95) / 2)
    assert calibrated.brier == pytest.approx((0.3**2 + 2 * 0.15**2 + 0.95**2 + 0.975**2 + 0.025**2) / 2)


def test_the_worst_errors_are_the_wrong_answers_of_which_the_model_was_surest(
        sentiments: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = of(known(sentiments, moods))
    wrong = [one for one in found.worst if isinstance(one, WrongLabel)]
    assert found.wrong == len(wrong) == 3
    assert [(one.set, one.id, one.gold, one.said, one.text) for one in wrong] == [
        ("tweets_en", "tweets_en-test-5", "negative", "positive", "neg positive 0.95"),
        ("tweets_en", "tweets_en-test-1", "positive", "neutral", "pos neutral 0.6"),
        ("tweets_en", "tweets_en-test-3", "neutral", "positive", "neu positive 0.5")]
    assert [one.probability for one in wrong] == pytest.approx([0.95, 0.6, 0.5])
    monkeypatch.setattr(room, "WORST", 2)
    few = of(known(sentiments, moods))
    assert (few.wrong, few.worst) == (3, wrong[:2])


def test_labels_are_compared_by_name_whatever_their_order_in_the_model(tmp_path: Path, write_set: WriteSet) -> None:
    texts = {"sports": "sports", "game": "games", "education": "education"}
    for split in ("train", "dev", "test"):
        write_set(tmp_path / "topic", "titles_zh", split, [{"text": f"{name} {split}", "label": label} for label, name in texts.items()])

    def right(text: str) -> Answer:
        return Answer(topic=tuple(float(name == text.split(maxsplit=1)[0]) for name in TOPICS))

    assert scores(known(tmp_path, right), "all", "all", "topic").micro.f1 == 1
    extra = scores(known(tmp_path, lambda text: Answer(topic=(0, 0, 0, 1.0))), "all", "all", "topic")
    assert (extra.micro.f1, extra.macro.support, [*extra.classes]) == (0, 3, ["sports", "games", "education", "extra"])


@pytest.fixture
def names(tmp_path: Path, write_set: WriteSet) -> Path:
    tags = ["B-person", "O", "B-person"]
    for split in ("train", "dev"):
        write_set(tmp_path / "entities", "wnut17_en", split, [
            {"tokens": ["Anna", "met", "Boris"], "tags": tags, "lang": "en", "kind": "post"},
            {"tokens": ["nobody", "met", split], "tags": ["O"] * 3, "lang": "en", "kind": "post"}])
    return tmp_path


def test_entities_are_right_by_type_and_bytes_and_errors_are_named(names: Path) -> None:
    def said(text: str) -> Answer:
        return Answer(entities=((PERSON, 0, 4, 0.9), (GROUP, 9, 14, 0.6)) if text.startswith("Anna") else ())

    found = known(names, said)
    whole = scores(found, "all", "all", "entities")
    assert (whole.micro.precision, whole.micro.recall, whole.rows) == (0.5, 0.5, 2)
    assert whole.classes["person"].support == 2 and whole.classes["group"].support == 0
    assert whole.confusion is None and whole.calibration is not None
    assert whole.calibration.ece == pytest.approx((0.1 + 0.6) / 2)
    assert of(found, "entities").worst == [WrongEntities(
        "wnut17_en", "wnut17_en-dev-0", [Named("person", 9, 14)], [Named("group", 9, 14)], "Anna met Boris")]


def test_what_patterns_find_is_no_error_of_sets_without_labels_for_it(names: Path) -> None:
    hashtag = Known.entity_types.index("hashtag")
    found = known(names, lambda text: Answer(entities=((PERSON, 0, 4, 0.9), (hashtag, 5, 8, 1.0), (PERSON, 9, 14, 0.9))))
    whole = scores(found, "all", "all", "entities")
    assert [*whole.classes] == ["person"] and whole.micro.recall == 1
    assert all(one.type == "person" for row in of(found, "entities").worst if isinstance(row, WrongEntities) for one in row.spurious)


def test_texts_with_the_most_missed_and_spurious_entities_are_the_worst(names: Path) -> None:
    found = of(known(names, lambda text: Answer(entities=tuple((PERSON, at, at + 1, 0.5) for at in range(3)))), "entities")
    assert [(len(one.missed), len(one.spurious)) for one in found.worst if isinstance(one, WrongEntities)] == [(2, 3), (0, 3)]


def test_baselines_stand_beside_each_set(sentiments: Path, names: Path) -> None:
    found = known(sentiments, lambda text: Answer())
    beside = of(found).baselines
    assert [(name, [*of_set]) for name, of_set in beside.items()] == [
        ("tweets_en", ["majority", "keyword"]), ("reviews_zh", ["majority", "keyword"])]
    assert beside["tweets_en"]["majority"].micro.f1 == 3 / 6   # negative, three of six
    assert beside["reviews_zh"]["majority"].calibration is None
    by_name = of(found, "entities").baselines["wnut17_en"]
    assert {name: one.micro.f1 for name, one in by_name.items()} == {"keyword": 1.0}


def test_a_set_that_has_nothing_to_learn_from_is_scored_without_baselines(sentiments: Path, write_set: WriteSet) -> None:
    write_set(sentiments / "sentiment", "reviews_zh", "train", [])
    found = known(sentiments, moods)
    assert of(found).baselines["reviews_zh"] == {}
    assert "| reviews_zh | sentiment | 2 | 1.000 / 1.000 | - | - |" in table(summary(found))


def test_speed_is_of_all_texts_after_one_chunk_to_warm_up(sentiments: Path, write_set: WriteSet) -> None:
    write_set(sentiments / "sentiment", "reviews_zh", "test", rows(*["pos positive 0.9"] * CHUNK, lang="zh"))
    tagger, clock = Known(moods), iter([10.0, 14.0])
    found = evaluate(tagger, read(sentiments, "test"), clock=lambda: next(clock), threads=(3, 5)).speed
    assert (found.texts, found.seconds, found.chunk) == (CHUNK + 6, 4.0, CHUNK)
    assert (found.threads_within, found.threads_between) == (3, 5)
    assert tagger.chunks == [CHUNK, CHUNK, 6]


def test_the_dev_split_is_another_than_the_test_split(sentiments: Path, write_set: WriteSet) -> None:
    write_set(sentiments / "sentiment", "reviews_zh", "dev", rows("pos negative 0.9"))
    dev, test = known(sentiments, moods, "dev"), known(sentiments, moods)
    assert (dev.split, scores(dev, "set", "reviews_zh").rows, test.split, scores(test, "set", "reviews_zh").rows) == ("dev", 1, "test", 2)
    assert "| set | task | dev rows |" in table(summary(dev), "dev")


def test_answers_are_in_the_order_of_the_texts_over_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.evaluation.answers.CHUNK", 2)
    texts = [f"a {name} 0.{at}" for at, name in enumerate(("negative", "neutral", "positive", "neutral", "positive"), 4)]
    said = answer(Known(lambda text: moods(text)._replace(entities=((0, 0, int(text[-1]), 0.5),))).tag, texts)
    assert said.sentiment.argmax(1).tolist() == [0, 1, 2, 1, 2]
    assert [end for [(_, _, end, _)] in said.entities] == [4, 5, 6, 7, 8]
    some = said.take([3, 0])
    assert some.sentiment.argmax(1).tolist() == [1, 0]
    assert [end for [(_, _, end, _)] in some.entities] == [7, 4]


def test_a_trained_model_is_as_good_on_prepared_rows_as_on_published_ones(tiny_model: Path, tiny_data: Path, tmp_path: Path) -> None:
    prepare.prepare(tiny_data, tmp_path / "out", report=lambda line: None)
    model = load(tiny_model)
    published, prepared = (evaluate(model, read(folder, "test")) for folder in (tiny_data, tmp_path / "out"))
    assert (published.is_prepared, prepared.is_prepared) == (False, True)
    assert [one.task for one in prepared.tasks] == [one.task for one in published.tasks] == [*CLASSES]
    for task in CLASSES:
        assert scores(prepared, "all", "all", task).micro.f1 > 0.9
        assert scores(published, "all", "all", task).rows == scores(prepared, "all", "all", task).rows
    assert {f"{dataset.name}{of}" for dataset in SETS for of in ("", " intent")} > {*summary(prepared)}
