"""Own labels on a model that is there: the topics are new, what it knew of moods and names stays."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from models.folder import ModelError, verify_content
from models.labels import Labels, read
from models.load import load
from models.settings import Settings
from models.tune import Start, tune
from models.vocabulary import scripts
from schemas.tagged import spans_of
from tests.models.conftest import Quiet
from tests.models.test_labels import write

MOODS = ["love great", "hate awful", "love it", "Anna met Boris today"]


@pytest.fixture(scope="module")
def labels(tmp_path_factory: pytest.TempPathFactory) -> Labels:
    words = {"money": "refund invoice", "parcel": "late box", "other": "hello there"}
    rows = [[f"{word} {at} {at * 7 % 31}", label, split] for label, of_label in words.items() for word in of_label.split()
            for at, split in enumerate(["train"] * 30 + ["dev"] * 5 + ["test"] * 5)]
    return read(write(tmp_path_factory.mktemp("labels") / "tickets.csv", rows, "text,label,split"))


@pytest.fixture(scope="module")
def tuned(labels: Labels, tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    settings = Settings(epochs=2, seed=1, rate=3e-3)
    return tune(labels, "my/tickets.csv", tiny_model, tmp_path_factory.mktemp("tuned") / "tickets", settings, Quiet())


def test_the_new_topics_are_learnt_and_named(tuned: Path, labels: Labels) -> None:
    model = load(tuned)
    assert list(model.topics) == list(labels.names) == ["money", "other", "parcel"]
    metrics = json.loads((tuned / "metrics.json").read_text())["test"]
    assert metrics["test"]["rows"] == 30 and metrics["test"]["accuracy"] > 0.9
    verify_content(tuned)


def test_it_is_another_version_that_says_where_it_comes_from(tuned: Path, tiny_model: Path, labels: Labels) -> None:
    base, manifest = load(tiny_model), json.loads((tuned / "model.json").read_text())
    assert manifest["name"] == "tickets" and manifest["version"] != base.version
    assert manifest["training_data"] == {"tickets.csv": labels.sha256, "base": base.version}
    card = (tuned / "card.md").read_text()
    assert base.version in card and "--labels my/tickets.csv" in card and "W-NUT 2017" in card   # the licences of what the base learnt


def test_what_the_base_knew_of_moods_and_names_stays(tuned: Path, tiny_model: Path) -> None:
    before, after = load(tiny_model).tag(MOODS), load(tuned).tag(MOODS)
    assert after.sentiment.argmax(1).tolist() == before.sentiment.argmax(1).tolist()
    known, still = ({span[:3] for span in spans_of(tags)[-1]} for tags in (before, after))
    assert known and known <= still   # what it nearly found may be found now


def test_it_begins_with_the_weights_of_the_base(tiny_model: Path) -> None:
    from models.architectures.cnn import ConvolutionalNetwork
    from models.architectures.contract import Sizes, text_logits

    base = load(tiny_model)
    start = Start(base)
    network = ConvolutionalNetwork(Sizes(len(base.vocabulary), 3, 2, 1, start.entity_labels, start.name_pairs, scripts(base.vocabulary)))
    start(network)
    tags = base.tag(["love great"])
    logits, *_ = text_logits(network, tf.constant([tags.token_ids]), tf.zeros_like([tags.token_ids]))
    np.testing.assert_allclose(tf.nn.softmax(logits), tags.sentiment, atol=1e-4)


def test_a_base_of_another_architecture_is_refused(small_model: Callable[[str], Path], labels: Labels, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="is of another architecture"):
        tune(labels, "tickets.csv", small_model("seed_cnn"), tmp_path / "out", Settings(), Quiet())
    assert not (tmp_path / "out").exists()


def test_an_older_model_is_kept_when_training_fails(tuned: Path, labels: Labels, tmp_path: Path) -> None:
    kept = Path(shutil.copytree(tuned, tmp_path / "kept"))
    with pytest.raises(ModelError):
        tune(labels, "tickets.csv", tmp_path / "nowhere", kept, Settings(), Quiet())
    verify_content(kept)
