"""A row whose licence is not permissive, and every copy of its text, is in nothing that a model learns from."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import data, vocabulary
from models.architectures.registry import ARCHITECTURES
from models.batches import encoded
from models.data import SETS, DataError, Example, bare
from models.folder import CARD, MANIFEST, Manifest, read_json
from models.licensed import learnt, permitted
from models.preparation import licences
from models.preparation.licences import CHOICES, PERMISSIVE, licence_class
from models.teachers import files
from models.teachers.parts import LONG, parts_of
from models.train import Material, gathered
from tests.models.conftest import Quiet

SET = {dataset.name: dataset for dataset in SETS}
CNN = ARCHITECTURES["cnn"]
MOODS = ("tweets_en", "tweets_rated_en", "reviews_zh")
CLAUSE = "这个手机的屏幕非常清晰，"
LONG_TEXT = CLAUSE + "电池用了两天还有电。" + "啊" * LONG

TEXTS = ("a", "A!", "b", "", "!", "c d", "cd")
rows = st.lists(st.tuples(st.sampled_from(MOODS), st.sampled_from(["ticket", "post"]), st.sampled_from(TEXTS)))


def of_sets(found: list[tuple[str, str, str]]) -> dict[data.DataSet, list[Example]]:
    return {SET[name]: [Example(text, kind=kind) for of, kind, text in found if of == name] for name in MOODS}


@given(rows)
def test_what_is_left_is_permissive_and_no_copy_of_what_is_not(found: list[tuple[str, str, str]]) -> None:
    kept, left_out = permitted(of_sets(found), PERMISSIVE)
    forbidden = {bare(text) or text for name, kind, text in found if licence_class(name, kind) != PERMISSIVE}
    assert left_out == forbidden
    texts = [(dataset.name, one.kind, one.text) for dataset, of in kept.items() for one in of]
    assert texts == [one for name in MOODS for one in found if one[0] == name and (bare(one[2]) or one[2]) not in forbidden]
    assert all(licence_class(name, kind) == PERMISSIVE for name, kind, _ in texts)


@given(rows)
def test_by_default_every_row_is_left(found: list[tuple[str, str, str]]) -> None:
    assert permitted(of_sets(found), CHOICES[0]) == (of_sets(found), set())


def test_rows_of_one_set_can_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(licences.CLASS_OF, "tweets_en", PERMISSIVE)
    before = of_sets([("tweets_en", "ticket", "late"), ("tweets_en", "post", "hi"), ("tweets_rated_en", "post", "yo")])
    after, _ = permitted(before, PERMISSIVE)
    assert [one.text for one in after[SET["tweets_en"]]] == ["hi"]
    said = learnt(before, after)
    assert said[SET["tweets_en"]] == (1, ["permissive", "non-commercial"])
    assert said[SET["tweets_rated_en"]] == (1, ["permissive"]) and said[SET["reviews_zh"]] == (0, ["unclear"])


@pytest.fixture
def folder(tmp_path: Path, write_set: Callable[..., None]) -> Path:
    """Permissive tweets and names; tickets, Chinese reviews and a news corpus that are not."""
    def names(first: str, lang: str, count: int) -> list[dict[str, Any]]:
        return [{"tokens": [first, "Anna", str(at)], "tags": ["O", "B-person", "O"], "lang": lang} for at in range(count)]

    tickets = [{"text": f"secret ticket {at}", "label": "neg", "kind": "ticket"} for at in range(3)]
    sets = {
        "sentiment/tweets_rated_en": [{"text": f"fine words number {at}", "label": "pos"} for at in range(4)]
        + [{"text": "Shared words!", "label": "neu"}, {"text": "awful words", "label": "neg"}],
        "sentiment/tweets_en": [*tickets, {"text": "secret post", "label": "pos"}, {"text": "shared words", "label": "neu"}],
        "sentiment/reviews_zh": [{"text": LONG_TEXT, "label": "pos"}, {"text": "秘密评论", "label": "neg"}],
        "topic/support_intents_en": [{"text": f"card matter {at}", "label": "card_arrival"} for at in range(30)],
        "entities/wnut17_en": names("met", "en", 30), "entities/people_daily_zh": names("秘密", "zh", 3)}
    for path, of_set in sets.items():
        task, name = path.split("/")
        write_set(tmp_path / "data" / task, name, "train", of_set)
        for split in ("dev", "test"):
            row = {"tokens": ["x", split], "tags": ["O", "O"]} if task == "entities" else {"text": f"{of_set[0]['text']} {split}"}
            write_set(tmp_path / "data" / task, name, split, [of_set[0] | row])
    return tmp_path / "data"


def teach(out: Path, data_folder: Path) -> Path:
    """A folder in which teachers speak of every training text and clause, and name the first word of each."""
    every = gathered(data_folder, CNN)
    texts = sorted({text for one in (*every.texts, *every.entities) for text in (one.text, *parts_of(one.text))})
    out.mkdir()
    files.write(out / f"some{files.SUFFIX}", texts, np.eye(len(texts), dtype=np.float32))
    files.write(out / f"sentiment{files.GUESSES_SUFFIX}", texts, np.eye(len(texts), 3, dtype=np.float32))
    files.write_names(out / files.NAMES, {text: [(0, 0, 1)] for text in texts})
    for name in files.STARTERS.values():
        files.write_pieces(out / f"{name}{files.PIECES_SUFFIX}", ["a"], np.ones((1, 4), np.float32))
    return out


def texts_of(material: Material) -> set[str]:
    return {one.text for one in (*material.texts, *material.entities)}


def forbidden(texts: Sequence[str] | set[str]) -> list[str]:
    return [text for text in texts if any(word in text.lower() for word in ("secret", "shared", "秘", "屏幕", "电池"))]


def test_labels_names_unlabelled_texts_and_words_of_left_out_rows_are_in_nothing(folder: Path, tmp_path: Path) -> None:
    teachers = teach(tmp_path / "teachers", folder)
    every, some = (gathered(folder, CNN, teachers, choice) for choice in CHOICES)
    assert len(forbidden(texts_of(every))) == 13   # 4 tweets, both copies of one, 2 reviews, 2 clauses, 3 names
    assert CLAUSE in texts_of(every) and any(one.entities and "secret" in one.text for one in every.entities)
    assert not forbidden(texts_of(some))
    assert any(one.entities and one.text.startswith("fine words") for one in some.entities)   # silver names of what is left
    assert not forbidden(set(vocabulary.learn(one.text for one in (*some.texts, *some.entities))))


def test_a_clause_of_a_permissive_text_that_is_a_left_out_text_is_no_text_of_its_own(
        folder: Path, tmp_path: Path, write_set: Callable[..., None]) -> None:
    other = "其他的话也有很多很多。"
    write_set(folder / "sentiment", "tweets_rated_en", "train", [{"text": CLAUSE + other + "好" * LONG, "label": "pos"}])
    write_set(folder / "sentiment", "reviews_zh", "train", [{"text": CLAUSE, "label": "pos"}])
    some = texts_of(gathered(folder, CNN, teach(tmp_path / "teachers", folder), PERMISSIVE))
    assert other in some and CLAUSE not in some


def test_a_teachers_vector_or_guess_of_a_left_out_text_is_never_looked_at(folder: Path, tmp_path: Path) -> None:
    teachers = teach(tmp_path / "teachers", folder)
    some = gathered(folder, CNN, teachers, PERMISSIVE)
    of_all = [*some.teachers, *some.guesses.values()]
    looked_at = encoded(some.texts, ["[PAD]", "[UNK]", "a"], of_all).teachers
    known = {files.key(text) for text in texts_of(some)}
    for vectors, column in zip(of_all, looked_at.T, strict=True):
        assert {int(vectors.keys[at]) for at in column if at >= 0} <= known
        assert (column >= 0).all()


def test_dev_rows_of_all_sets_are_still_scored(folder: Path) -> None:
    every, some = (gathered(folder, CNN, None, choice) for choice in CHOICES)
    assert some.dev == every.dev and SET["reviews_zh"] in some.dev


def test_a_task_of_which_nothing_is_left_is_named_with_what_to_do(folder: Path) -> None:
    (folder / "sentiment" / "tweets_rated_en.train.jsonl.gz").unlink()
    with pytest.raises(DataError, match=r"data: no training row of a permissive licence has a label for sentiment; leave --licences out"):
        gathered(folder, CNN, None, PERMISSIVE)
    gathered(folder, CNN, None, CHOICES[0])
    gathered(folder, replace(CNN, tasks=("topic", "entities")), None, PERMISSIVE)


def test_the_card_names_the_choice_the_rows_and_the_classes(folder: Path, tmp_path: Path, train_tiny: Callable[..., Path]) -> None:
    watcher = Quiet()
    out = train_tiny(folder, tmp_path / "m", watcher, epochs=1, licences=PERMISSIVE, tasks=("sentiment",))
    card = (out / CARD).read_text(encoding="utf-8")
    assert "--licences permissive" in card and "rows of a permissive licence alone" in card
    for row in ("| tweets_rated_en | 5 | permissive |", "| tweets_en | 0 | non-commercial, unclear |", "| reviews_zh | 0 | unclear |"):
        assert row in card
    assert "sentiment/tweets_rated_en.train.jsonl.gz" in read_json(out / MANIFEST, Manifest).training_data
    assert not forbidden((out / "vocabulary.txt").read_text(encoding="utf-8").split("\n"))
    whole = train_tiny(folder, tmp_path / "all", epochs=1, tasks=("sentiment",))
    said = (whole / CARD).read_text(encoding="utf-8")
    assert "--licences" not in said and "| tweets_en | 5 | non-commercial, unclear |" in said
