"""Own labels and texts without any: the texts are learnt from, the card says so, and a killed run ends as one that was not."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from models.architectures import TEXT_TASKS
from models.checkpoint import RunError
from models.data import NO_LABEL
from models.folder import CARD, MANIFEST, METRICS, Manifest, read_json
from models.labels import Labels, read
from models.load import load
from models.self_training import Pseudo, Unlabelled, unlabelled
from models.settings import Settings
from models.tune import material_of, tune, with_pseudo
from tests.models.conftest import Quiet, few_buckets
from tests.models.test_labels import write

SETTINGS = Settings(epochs=2, seed=1, rate=3e-3, patience=0)
WORDS = {"money": "refund", "parcel": "late"}
SHARES = (0.5, 1.0)


@pytest.fixture(autouse=True, scope="module")
def few() -> Iterator[None]:
    """Few steps and rounds: a run is a matter of seconds."""
    with few_buckets(), pytest.MonkeyPatch.context() as patch:
        patch.setattr("models.tune.EPOCH_ROWS", 400)
        for module in ("tune", "self_training"):
            patch.setattr(f"models.{module}.SHARES", SHARES)
        yield


@pytest.fixture(scope="module")
def labels(tmp_path_factory: pytest.TempPathFactory) -> Labels:
    rows = [[f"{word} {at} {at * 7 % 31}", label, split] for label, word in WORDS.items()
            for at, split in enumerate(["train"] * 40 + ["dev"] * 4)]
    return read(write(tmp_path_factory.mktemp("labels") / "tickets.csv", rows, "text,label,split"))


@pytest.fixture(scope="module")
def texts(labels: Labels) -> Unlabelled:
    return unlabelled((f"{word} {at * 11 % 97} so {at}" for word in WORDS.values() for at in range(100)), labels, "more events.txt")


def tuned(labels: Labels, base: Path, out: Path, texts: Unlabelled | None, watcher: Quiet | None = None) -> Path:
    return tune(labels, "tickets.csv", base, out, SETTINGS, watcher or Quiet(), texts)


@pytest.fixture(scope="module")
def with_texts(labels: Labels, texts: Unlabelled, tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tuned(labels, tiny_model, tmp_path_factory.mktemp("tuned") / "tickets", texts)


def test_the_texts_are_learnt_from_and_without_them_nothing_speaks_of_rounds(
        with_texts: Path, labels: Labels, tiny_model: Path, tmp_path: Path) -> None:
    without = tuned(labels, tiny_model, tmp_path / "tickets", None)
    manifests = [read_json(out / MANIFEST, Manifest) for out in (with_texts, without)]
    assert manifests[0].version != manifests[1].version and "unlabelled" not in manifests[1].training_data
    assert "rounds" not in json.loads((without / METRICS).read_text()) and "without labels" not in (without / CARD).read_text()


def test_rows_with_pseudo_labels_stand_beside_those_of_the_file_and_their_targets_are_soft(labels: Labels, tiny_model: Path) -> None:
    base = load(tiny_model)
    material = material_of(labels, "tickets.csv", base)
    shares = np.array([[0.25, 0.75], [0.625, 0.375]], np.float32)
    pseudo = [Pseudo("late so", 1, 0.75, shares[0]), Pseudo("refund so", 0, 0.625, shares[1])]
    rows, guesses = with_pseudo(material, base.vocabulary, pseudo)
    named = [row.label for row in labels.of("train")]
    assert len(rows.ids) % len(named) == len(pseudo) and len(rows.ids) >= 400
    topics = rows.labels[:, TEXT_TASKS.index("topic")]
    assert [labels.names[at] for at in topics[: len(named)]] == named and topics[-2:].tolist() == [1, 0]
    assert (rows.labels[-2:, TEXT_TASKS.index("sentiment")] == NO_LABEL).all()
    assert (rows.teachers[:-2] == -1).all()
    np.testing.assert_allclose(guesses.values[rows.teachers[-2:, 0]], shares)


def test_the_card_tells_of_each_round_and_of_what_was_used(with_texts: Path, texts: Unlabelled) -> None:
    card, rounds = (with_texts / CARD).read_text(), json.loads((with_texts / METRICS).read_text())["rounds"]
    assert "--labels tickets.csv --unlabelled 'more events.txt'" in card and "200 texts without labels (more events.txt)" in card
    assert [one["round"] for one in rounds] == list(range(len(SHARES) + 1)) and rounds[0]["pseudo_labels"] == 0
    best = max(rounds, key=lambda one: (one["dev"], one["round"]))
    assert f"one with {best['pseudo_labels']:,} pseudo-labels, each of confidence {best['least_confidence']:.2f} or more" in card
    assert all(f"| {one['round']} | {one['pseudo_labels']:,} | {one['least_confidence']:.2f} |" in card for one in rounds)
    assert read_json(with_texts / MANIFEST, Manifest).training_data["unlabelled"] == texts.sha256


class Killed(BaseException):
    """Not an Exception: nothing may catch it, as with a kill."""


class Killing(Quiet):
    """Ends the run in the midst of an epoch of a round."""

    def __init__(self, rounds: int, epoch: int) -> None:
        super().__init__()
        self._rounds, self._epoch = rounds, epoch

    def stepped(self, epoch: int, done: int, total: int) -> None:
        if epoch == self._epoch and sum(line.startswith("round ") for line in self.lines) == self._rounds:
            raise Killed


def test_a_run_that_is_killed_in_any_round_ends_as_one_that_was_not(
        with_texts: Path, labels: Labels, texts: Unlabelled, tiny_model: Path, tmp_path: Path) -> None:
    out = tmp_path / "tickets"
    for rounds, epoch in ((0, 2), (1, 1), (2, 2)):
        with pytest.raises(Killed):
            tuned(labels, tiny_model, out, texts, Killing(rounds, epoch))
        assert not out.exists()
    with pytest.raises(RunError, match=r"begun with another unlabelled: give the same to go on"):
        tuned(labels, tiny_model, out, None)
    watcher = Quiet()
    tuned(labels, tiny_model, out, texts, watcher)
    assert sum(line.startswith("goes on after epoch 2 ") for line in watcher.lines) == 2   # rounds 0 and 1 were done
    assert json.loads((out / METRICS).read_text()) == json.loads((with_texts / METRICS).read_text())
    said = [load(folder).tag(["refund", "late 大学", "足球"]).topic for folder in (out, with_texts)]
    np.testing.assert_array_equal(*said)
    assert [path.name for path in tmp_path.iterdir()] == ["tickets"]
