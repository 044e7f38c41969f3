"""One tiny model, trained in seconds, through all of its life: written, loaded, tagged with, harmed, replaced."""

import json
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models import card, data
from models.evaluation.evaluate import evaluate
from models.evaluation.rows import read
from models.evaluation.summary import summary
from models.folder import CARD, FILES, LABELS, MANIFEST, METRICS, VOCABULARY, ModelError, written_whole
from models.licensed import Learnt
from models.load import LoadedModel, load, verify_content
from models.pieces import PIECES_LIMIT
from schemas.tagging import Tags

MIXED = ["love great", "", "Anna met Boris 中国 😀", "足球 " * 40, "e\u0301 Clara", "hate " * 300, "x"]


@pytest.fixture(scope="module")
def model(tiny_model: Path) -> LoadedModel:
    return load(tiny_model)


@pytest.fixture
def copy(tiny_model: Path, tmp_path: Path) -> Iterator[Path]:
    yield Path(shutil.copytree(tiny_model, tmp_path / "copy"))


def _row(tags: Tags, row: int) -> tuple[object, ...]:
    spans = slice(*tags.entity_splits[row : row + 2])
    tokens = slice(*tags.token_splits[row : row + 2])
    exact = [tags.entity_type[spans], tags.entity_start[spans], tags.entity_end[spans], tags.token_ids[tokens]]
    near = [tags.sentiment[row], tags.topic[row], tags.entity_score[spans]]
    return [column.tolist() for column in exact], np.concatenate(near)


def test_a_trained_folder_is_whole_and_its_version_is_that_of_its_content(tiny_model: Path) -> None:
    assert sorted(path.name for path in tiny_model.iterdir()) == sorted(FILES)
    verify_content(tiny_model)
    assert not [path for path in tiny_model.parent.iterdir() if path.name.startswith(".")]


def test_training_learns_what_the_texts_plainly_say(tiny_model: Path) -> None:
    scores = json.loads((tiny_model / METRICS).read_text())["test"]
    assert scores["tweets_rated_en"]["model"]["accuracy"] > 0.95
    assert scores["titles_zh"]["model"]["accuracy"] > 0.95
    assert scores["wnut17_en"]["model"]["f1"] > 0.9


def test_scoring_a_folder_again_gives_the_figures_in_it(tiny_model: Path, tiny_data: Path) -> None:
    metrics = summary(evaluate(load(tiny_model), read(tiny_data, "test")))
    assert metrics == json.loads((tiny_model / METRICS).read_text())["test"]


def test_a_model_answers_for_no_texts(model: LoadedModel) -> None:
    tags = model.tag([])
    assert tags.sentiment.shape == (0, 3)
    assert tags.topic.shape == (0, len(model.topics))
    assert tags.entity_splits.tolist() == tags.token_splits.tolist() == [0]


def test_columns_have_the_types_that_the_contract_says(model: LoadedModel) -> None:
    tags = model.tag(MIXED)
    kinds = {name: getattr(tags, name).dtype.name for name in Tags.__dataclass_fields__}
    floats = {"sentiment", "topic", "intent", "entity_score"}
    assert all(kind == "float32" for name, kind in kinds.items() if name in floats)
    assert all(kind == "int64" for name, kind in kinds.items() if name.endswith("_splits"))
    assert all(k == "int32" for name, k in kinds.items() if name not in floats and not name.endswith("_splits"))
    assert np.allclose(tags.sentiment.sum(1), 1, atol=1e-5)
    assert np.allclose(tags.topic.sum(1), 1, atol=1e-5)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.one_of(st.sampled_from(MIXED), st.text(max_size=50)), min_size=1, max_size=20))
def test_the_answer_for_a_text_does_not_depend_on_its_neighbours(model: LoadedModel, texts: list[str]) -> None:
    together = model.tag(texts)
    for row, text in enumerate(texts):
        exact, near = _row(together, row)
        exact_alone, near_alone = _row(model.tag([text]), 0)
        assert exact == exact_alone
        np.testing.assert_allclose(near, near_alone, atol=1e-5)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=60))
def test_spans_lie_on_characters_of_any_text(model: LoadedModel, text: str) -> None:
    tags = model.tag([f"Anna met {text} Boris"])
    raw = f"Anna met {text} Boris".encode("utf-8", "replace")
    for start, end in zip(tags.entity_start, tags.entity_end, strict=True):
        assert 0 <= start < end <= len(raw)
        assert raw[start:end].decode("utf-8")


def test_names_are_found_where_they_stand_after_wide_characters(model: LoadedModel) -> None:
    text = "😀中国 é 0.5 met Anna today"
    tags = model.tag([text])
    found = {text.encode()[a:b].decode() for a, b in zip(tags.entity_start, tags.entity_end, strict=True)}
    assert "Anna" in found


def test_a_megabyte_of_text_is_answered_from_its_first_pieces(model: LoadedModel) -> None:
    tags = model.tag(["love " * 200_000, "中" * 350_000, " " * 1_000_000])
    assert np.diff(tags.token_splits).tolist() == [PIECES_LIMIT, PIECES_LIMIT, 0]


def test_a_lone_surrogate_is_read_as_a_question_mark(model: LoadedModel) -> None:
    assert _row(model.tag(["love \ud800"]), 0)[0] == _row(model.tag(["love ?"]), 0)[0]


def test_several_threads_get_the_answers_that_one_gets(model: LoadedModel) -> None:
    chunks = [MIXED[at:] + MIXED[:at] for at in range(len(MIXED))] * 4
    with ThreadPoolExecutor(4) as pool:
        at_once = list(pool.map(model.tag, chunks))
    for tags, chunk in zip(at_once, chunks, strict=True):
        np.testing.assert_allclose(tags.topic, model.tag(chunk).topic, atol=1e-6)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named_with_what_mends_it(copy: Path, name: str) -> None:
    shutil.rmtree(copy / name) if (copy / name).is_dir() else (copy / name).unlink()
    with pytest.raises(ModelError, match=rf"{name}.*textpulse train --out FOLDER.*--model"):
        load(copy)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"nowhere: there is no such model folder"):
        load(tmp_path / "nowhere")


def test_a_corrupt_saved_model_is_an_error_of_ours(copy: Path) -> None:
    (copy / "saved_model" / "saved_model.pb").write_bytes(b"\x00not a model")
    with pytest.raises(ModelError, match="cannot be loaded"):
        load(copy)


def test_cut_weights_are_an_error_of_ours(copy: Path) -> None:
    weights = next((copy / "saved_model" / "variables").glob("*.data*"))
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(ModelError, match="cannot be loaded"):
        load(copy)


def test_a_saved_model_without_the_signature_is_refused(copy: Path) -> None:
    import tensorflow as tf

    class Other(tf.Module):
        @tf.function(input_signature=[])
        def fold(self) -> tf.Tensor:
            return tf.constant(0)

    shutil.rmtree(copy / "saved_model")
    tf.saved_model.save(Other(), str(copy / "saved_model"))
    with pytest.raises(ModelError, match="no signature named serve"):
        load(copy)


@pytest.mark.parametrize("head", ["topic", "entity"])
def test_labels_that_do_not_fit_the_outputs_are_refused(copy: Path, head: str) -> None:
    labels = json.loads((copy / LABELS).read_text())
    labels[head].append("one too many")
    (copy / LABELS).write_text(json.dumps(labels))
    with pytest.raises(ModelError, match=rf"{LABELS}.*{head}"):
        load(copy)


def test_sentiments_in_another_order_are_refused(copy: Path) -> None:
    labels = json.loads((copy / LABELS).read_text())
    (copy / LABELS).write_text(json.dumps({**labels, "sentiment": labels["sentiment"][::-1]}))
    with pytest.raises(ModelError, match="sentiment labels must be negative, neutral, positive"):
        load(copy)


def test_a_vocabulary_of_another_model_is_refused(copy: Path) -> None:
    (copy / VOCABULARY).write_text("[PAD]\n[UNK]\n")
    with pytest.raises(ModelError, match=VOCABULARY):
        load(copy)


def test_a_manifest_that_is_not_json_is_named(copy: Path) -> None:
    (copy / MANIFEST).write_text("{")
    with pytest.raises(ModelError, match=rf"{MANIFEST}.*cannot be read"):
        load(copy)


def test_changed_content_no_longer_verifies(copy: Path) -> None:
    (copy / LABELS).write_text((copy / LABELS).read_text() + " ")
    with pytest.raises(ModelError, match="but the content is that of"):
        verify_content(copy)


def test_the_card_names_every_set_with_its_licence(tiny_model: Path) -> None:
    text = (tiny_model / CARD).read_text(encoding="utf-8")
    for name in ("tweets_rated_en", "titles_zh", "wnut17_en"):
        assert f"| {name} |" in text
    assert "W-NUT 2017" in text and "CC BY 4.0" in text


def test_a_card_of_all_sets_credits_all_of_them() -> None:
    subject = card.Subject("fast", "cnn", "convolutions", "topics", card.command({"seed": 1, "task": ""}), ("topic",))
    text = card.text(subject, "data", {}, {dataset: Learnt(3, ["unclear"]) for dataset in data.SETS})
    assert "    textpulse train --seed 1 --out FOLDER\n" in text
    assert all(dataset.attribution in text and dataset.licence in text for dataset in data.SETS)


def test_a_training_that_fails_leaves_no_folder_and_no_older_one_harmed(
        copy: Path, tmp_path: Path, train_tiny: Callable[..., Path]) -> None:
    with pytest.raises(data.DataError):
        train_tiny(tmp_path / "no-data", copy, epochs=1, seed=1)
    verify_content(copy)
    assert [path.name for path in tmp_path.iterdir()] == ["copy"]


def test_a_folder_that_is_no_model_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(ModelError, match="is not replaced"), written_whole(tmp_path):
        pytest.fail("nothing may be written")
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_an_older_model_is_replaced_whole(copy: Path, tmp_path: Path) -> None:
    with written_whole(copy) as new:
        (new / MANIFEST).write_text("new")
    assert [path.name for path in copy.iterdir()] == [MANIFEST]
    assert [path.name for path in tmp_path.iterdir()] == ["copy"]


def test_an_older_model_comes_back_when_the_new_one_cannot_take_its_place(copy: Path) -> None:
    with pytest.raises(FileNotFoundError), written_whole(copy) as new:
        shutil.rmtree(new)
    verify_content(copy)
