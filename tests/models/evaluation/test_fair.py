"""When a model is not scored, or its figures are doubted: it lacks labels, or may have learnt from the rows."""
import json
from pathlib import Path

import msgspec
import pytest

from models import data
from models.data import DataError
from models.evaluation import fair
from models.evaluation.rows import SPLITS, read
from models.folder import LABELS, MANIFEST, Manifest, ModelError
from models.preparation.read import manifest_of
from models.taxonomy import ENTITY_TYPES, TOPICS
from schemas.tagging import SENTIMENTS


def labels(folder: Path, **changed: list[str]) -> Path:
    whole = {"sentiment": [*SENTIMENTS], "topic": [*TOPICS], "entity": [*ENTITY_TYPES]}
    (folder / LABELS).write_text(json.dumps(whole | changed))
    return folder


def test_a_model_that_knows_the_labels_of_all_rows_can_be_scored(published: Path, tmp_path: Path) -> None:
    split = read(published, "test")
    fair.check_labels(labels(tmp_path), split)
    fair.check_labels(labels(tmp_path, topic=["games", "more", "sports", "education"], entity=["person"]), split)


@pytest.mark.parametrize(("changed", "said"), [
    ({"topic": ["sports"]}, r"titles_zh have \(topic: education, games\)"),
    ({"entity": ["location"]}, r"wnut17_en have \(entities: person\)"),
    ({"sentiment": ["positive"]}, r"tweets_rated_en have \(sentiment: negative, neutral\)")])
def test_a_model_that_lacks_a_label_of_a_row_is_refused(
        published: Path, tmp_path: Path, changed: dict[str, list[str]], said: str) -> None:
    with pytest.raises(ModelError, match=rf"{LABELS}: lacks labels that the rows of {said}; train one with"):
        fair.check_labels(labels(tmp_path, **changed), read(published, "test"))


def trained(folder: Path, files: dict[str, str]) -> Path:
    manifest = {"name": "a", "version": "b", "tasks": [], "architecture": "", "created": "", "training_data": files}
    (folder / MANIFEST).write_text(json.dumps(manifest))
    return folder


def test_dev_rows_that_are_held_out_of_other_training_rows_may_have_been_learnt(published: Path, prepared: Path, tmp_path: Path) -> None:
    on_published = trained(tmp_path, data.digests(published, data.present(published)))
    assert fair.perhaps_seen(on_published, read(published, "dev")) == []
    assert fair.perhaps_seen(on_published, read(prepared, "dev")) == ["wnut17_en"]   # the others have dev files
    on_prepared = trained(tmp_path, manifest_of(prepared).written)
    assert fair.perhaps_seen(on_prepared, read(prepared, "dev")) == []
    assert fair.perhaps_seen(on_prepared, read(published, "dev")) == ["wnut17_en"]


def test_test_rows_are_held_out_of_every_training(prepared: Path, tmp_path: Path) -> None:
    assert fair.perhaps_seen(trained(tmp_path, {}), read(prepared, "test")) == []
    assert SPLITS == ("test", "dev")


def test_a_model_is_scored_on_what_it_was_trained_to_answer(published: Path) -> None:
    split = read(published, "test")
    model = Manifest("m", "1", ["sentiment"], "", {}, "", neutral=False)
    found = fair.answerable(split, model)
    assert {dataset.task for dataset in found.rows} == {"sentiment"}
    said = {example.sentiment for examples in found.rows.values() for example in examples}
    assert said and SENTIMENTS.index("neutral") not in said
    assert fair.answerable(split, msgspec.structs.replace(model, tasks=["sentiment", "topic", "entities"], neutral=True)).rows == split.rows


def test_a_model_of_no_task_of_the_data_is_told(published: Path) -> None:
    with pytest.raises(DataError, match="no set has rows for intents, which m was trained for"):
        fair.answerable(read(published, "test"), Manifest("m", "1", ["intents"], "", {}, ""))
