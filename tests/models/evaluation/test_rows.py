"""Which rows are scored: of published sets and of prepared data, with their labels, and what cannot be scored."""
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from models import data
from models.data import SETS, DataError
from models.evaluation import rows
from models.preparation import prepare, read
from models.preparation.manifest import NAME
from models.taxonomy import ENTITY_TYPES

WriteSet = Callable[..., None]
SET = {dataset.name: dataset for dataset in SETS}


@pytest.mark.parametrize("split", rows.SPLITS)
def test_published_sets_are_read_as_training_reads_them(published: Path, split: str) -> None:
    found = rows.read(published, split)
    reader = {"test": data.test, "dev": data.dev}[split]
    assert not found.is_prepared
    assert found.rows == {dataset: reader(published, dataset) for dataset in data.present(published)}
    for dataset, examples in found.rows.items():
        assert not {e.text for e in examples} & {e.text for e in rows.training_rows(found, dataset)}


@pytest.mark.parametrize("split", rows.SPLITS)
def test_prepared_rows_are_read_with_the_same_labels(prepared: Path, split: str) -> None:
    found = rows.read(prepared, split)
    assert found.is_prepared
    assert [dataset.name for dataset in found.rows] == ["tweets_rated_en", "titles_zh", "wnut17_en"]
    for dataset, examples in found.rows.items():
        wanted = read.rows(prepared, dataset.name, split)
        assert [(e.id, e.text, e.lang, e.kind) for e in examples] == [(row.id, row.text, row.lang, row.kind) for row in wanted]
        for example, row in zip(examples, wanted, strict=True):
            if dataset.task == "entities":
                words = [(ENTITY_TYPES[kind], example.text.encode()[a:b].decode()) for kind, a, b in example.entities or ()]
                assert words == [(entity.type, row.text[entity.start:entity.end]) for entity in row.entities or ()] != []
            else:
                assert rows.CLASSES[dataset.task][rows.labels_of(dataset.task, example)[0]] == row.label(dataset.task)
        assert len(rows.training_rows(found, dataset)) == len(read.rows(prepared, dataset.name, "train"))


def test_prepared_entities_lie_on_the_bytes_of_their_words(tmp_path: Path, write_set: WriteSet) -> None:
    for split in ("train", "dev"):
        tokens = ["中", "文", "😀", split, "Anna"]
        write_set(tmp_path / "data" / "entities", "wnut17_en", split, [{"tokens": tokens, "tags": ["O"] * 4 + ["B-person"], "lang": "en"}])
    prepare.prepare(tmp_path / "data", tmp_path / "out", report=lambda line: None)
    [example] = rows.read(tmp_path / "out", "test").rows[SET["wnut17_en"]]
    [(_, start, end)] = example.entities or ()
    assert example.text.encode()[start:end] == b"Anna"


def test_silver_labels_are_never_learnt_from(published: Path, tmp_path: Path, write_set: WriteSet) -> None:
    silver = tmp_path / "silver.jsonl"
    lines = [{"id": f"tweets_rated_en-train-{at}", "task": "topic", "label": "food", "teacher": "large", "score": 1} for at in range(40)]
    silver.write_text("\n".join(map(json.dumps, lines)))
    prepare.prepare(published, tmp_path / "out", silver_files=[silver], report=lambda line: None)
    found = rows.read(tmp_path / "out", "test")
    assert len(rows.training_rows(found, SET["tweets_rated_en"])) == 40
    as_topics = data.replace(SET["tweets_rated_en"], task="topic")
    assert any(row.silver for row in read.rows(tmp_path / "out", "tweets_rated_en", "train"))
    assert rows.training_rows(found, as_topics) == []


def test_language_and_kind_are_those_that_the_set_states(tmp_path: Path, write_set: WriteSet) -> None:
    for split in ("train", "dev", "test"):
        write_set(tmp_path / "topic", "titles_zh", split, [
            {"text": "a", "label": "game", "lang": "zh", "kind": "news"}, {"text": "b", "label": "game"}])
    [examples] = rows.read(tmp_path, "test").rows.values()
    assert [(e.id, e.lang, e.kind) for e in examples] == [
        ("titles_zh-test-0", "zh", "news"), ("titles_zh-test-1", data.UNSTATED, data.UNSTATED)]


def test_a_set_without_rows_in_the_split_is_left_out_and_named(published: Path, write_set: WriteSet) -> None:
    write_set(published / "topic", "titles_zh", "test", [])
    found = rows.read(published, "test")
    assert found.empty == ["titles_zh"]
    assert SET["titles_zh"] not in found.rows
    assert rows.read(published, "dev").empty == []


def test_a_split_without_any_row_is_refused(tmp_path: Path, write_set: WriteSet) -> None:
    for split in ("train", "dev", "test"):
        write_set(tmp_path / "topic", "titles_zh", split, [])
    with pytest.raises(DataError, match="no set has a row in the test split; choose another --split or --data"):
        rows.read(tmp_path, "test")


@pytest.mark.parametrize("folder", ["none", "data/topic"])
def test_a_folder_without_sets_is_refused(published: Path, tmp_path: Path, folder: str) -> None:
    with pytest.raises(DataError, match=f"{folder}: no training set found"):
        rows.read(tmp_path / folder, "test")


def test_a_missing_file_of_the_split_is_named(published: Path) -> None:
    (published / "topic" / "titles_zh.test.jsonl.gz").unlink()
    with pytest.raises(DataError, match=r"titles_zh\.test\.jsonl\.gz: cannot be read"):
        rows.read(published, "test")


@pytest.mark.parametrize("row", [{"text": 5, "label": "game"}, {"text": None, "label": "game"}, {"label": "game"}, {"text": "a"}])
def test_a_row_without_a_text_or_label_is_named_by_file_and_line(published: Path, write_set: WriteSet, row: dict[str, object]) -> None:
    write_set(published / "topic", "titles_zh", "test", [{"text": "a", "label": "game"}, row])
    with pytest.raises(DataError, match=r"titles_zh\.test\.jsonl\.gz:2: not a row of this set"):
        rows.read(published, "test")


def test_prepared_data_of_another_taxonomy_is_refused(prepared: Path) -> None:
    text = (prepared / NAME).read_text().replace('"name": "titles_zh"', '"name": "titles_xx"')
    (prepared / NAME).write_text(text)
    with pytest.raises(DataError, match="the sets titles_xx, which are not known here; prepare it again"):
        rows.read(prepared, "test")


def test_prepared_data_whose_manifest_is_damaged_is_refused(prepared: Path) -> None:
    (prepared / NAME).write_text("{")
    with pytest.raises(DataError, match=r"manifest\.json: not the manifest of prepared data .*; prepare it again"):
        rows.read(prepared, "test")


def test_a_prepared_label_that_is_not_known_is_refused(prepared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.prepared.TOPICS", ("other",))
    with pytest.raises(DataError, match=r"titles_zh\.test\.jsonl\.gz: has a label that is not known here"):
        rows.read(prepared, "test")


@pytest.mark.parametrize("split", rows.SPLITS)
def test_the_files_that_were_read_are_named_with_their_digests(published: Path, prepared: Path, split: str) -> None:
    of_published, of_prepared = rows.digests(rows.read(published, split)), rows.digests(rows.read(prepared, split))
    third = "dev" if split == "test" else "train"   # of wnut17_en, whose dev file is its test, and which holds training rows out
    assert [*of_published] == [
        f"sentiment/tweets_rated_en.{split}.jsonl.gz", f"topic/titles_zh.{split}.jsonl.gz", f"entities/wnut17_en.{third}.jsonl.gz"]
    written = read.manifest_of(prepared).written
    assert of_prepared == {name: written[name] for name in (f"{one}.{split}.jsonl.gz" for one in (
        "tweets_rated_en", "titles_zh", "wnut17_en"))}
