"""Training on prepared rows: the same labels as published ones, silver ones beside them, and only the files that were written."""
import gzip
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from models import data, prepared
from models.architectures.registry import ARCHITECTURES
from models.card import Subject
from models.card import text as card_text
from models.data import NO_LABEL, SETS, DataError, Example, digest_of
from models.folder import CARD, MANIFEST, Manifest, read_json
from models.preparation.manifest import NAME, Options
from models.preparation.prepare import prepare
from models.preparation.read import check_files, file_name, manifest_of
from models.readers import preparation_of, reader_of
from models.taxonomy import ENTITY_TYPES, INTENTS, TOPICS
from models.train import Material, gathered
from pipelines.cli import main
from tests.models.conftest import few_buckets, write_data

SET = {dataset.name: dataset for dataset in SETS}
CNN = ARCHITECTURES["cnn"]
Said = pytest.CaptureFixture[str]
SILVER = [
    {"id": "tweets_rated_en-train-0", "task": "topic", "label": "sports", "teacher": "large-1", "score": 0.9},
    {"id": "tweets_rated_en-train-1", "task": "entities", "label": [["person", 0, 5]], "teacher": "large-2", "score": 0.8},
    {"id": "wnut17_en-train-0", "task": "sentiment", "label": "positive", "teacher": "large-1", "score": 0.7}]


def make(published: Path, out: Path, **options: Any) -> Path:
    prepare(published, out, report=lambda line: None, **options)
    return out


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny sets, and intents; the first rows of train are in no other split."""
    folder = write_data(tmp_path_factory.mktemp("published") / "data", rows=60)
    rows = {"train": [("how long does it take", "card_arrival"), ("shared with test", "card_arrival"), ("a blocked pin", "pin_blocked")],
            "test": [("Shared, with test!", "card_arrival")]}
    rows["train"] += [(f"card number {at}", "card_arrival") for at in range(20)]
    for split, texts in rows.items():
        with gzip.open(folder / "topic" / f"support_intents_en.{split}.jsonl.gz", "wt") as file:
            for at, (text, label) in enumerate(texts):
                file.write(json.dumps({"id": f"s-{split}-{at}", "text": text, "label": label}) + "\n")
    return folder


@pytest.fixture(scope="module")
def silver(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of silver labels of rows that stay in train."""
    path = tmp_path_factory.mktemp("silver") / "silver.jsonl"
    out = make(published, path.parent / "trial")
    held_out = {row.id for row in prepared.dev(out, SET["wnut17_en"])}
    first = next(at for at in range(60) if f"wnut17_en-train-{at}" not in held_out)
    path.write_text("\n".join(json.dumps(line) for line in [*SILVER[:2], SILVER[2] | {"id": f"wnut17_en-train-{first}"}]))
    return path


@pytest.fixture(scope="module")
def folder(published: Path, silver: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(published, tmp_path_factory.mktemp("prepared") / "out", silver_files=[silver])


@pytest.fixture(scope="module")
def material(folder: Path) -> Material:
    return gathered(folder, CNN)


def labels(example: Example) -> tuple[object, ...]:
    return example.sentiment, example.topic, example.intent, example.entities


def test_prepared_rows_have_the_labels_that_the_published_ones_have(published: Path, tmp_path: Path) -> None:
    out = make(published, tmp_path / "out")
    for dataset in prepared.present(out):
        whole = replace(dataset, has_dev=True)   # so that nothing is held out of train
        splits = [data.train(published, whole, set()), data.test(published, dataset), data.dev(published, dataset)]
        wanted = {example.id: labels(example) for examples in splits for example in examples}
        for found in (prepared.train(out, dataset, set()), prepared.dev(out, dataset), prepared.test(out, dataset)):
            assert found
            assert {example.id: labels(example) for example in found} == {example.id: wanted[example.id] for example in found}


def test_prepared_twice_gives_the_same_rows_to_learn_from(published: Path, silver: Path, material: Material, tmp_path: Path) -> None:
    again = gathered(make(published, tmp_path / "again", silver_files=[silver]), CNN)
    assert again == material
    assert len(again.texts) > 100 and len(again.entities) > 100
    assert gathered(make(published, tmp_path / "other", silver_files=[silver], seed=8), CNN).digests != material.digests


def test_a_text_that_is_evaluated_never_trains(folder: Path, material: Material) -> None:
    splits = [read(folder, dataset) for dataset in prepared.present(folder) for read in (prepared.dev, prepared.test)]
    evaluated = {data.bare(example.text) for examples in splits for example in examples}
    assert "sharedwithtest" in evaluated
    assert evaluated == reader_of(folder).evaluated_texts(folder)
    assert not evaluated & {data.bare(e.text) for e in (*material.texts, *material.entities)}
    one = material.texts[0]
    dataset = SET["tweets_rated_en"]
    assert one.text not in {e.text for e in prepared.train(folder, dataset, {data.bare(one.text)})}


def test_silver_labels_are_learnt_beside_those_by_hand_and_never_chosen_on(material: Material) -> None:
    both = [e for e in material.texts if e.id == "tweets_rated_en-train-0"]
    assert [(e.topic, e.intent) for e in both] == [(TOPICS.index("sports"), NO_LABEL)]
    assert both[0].sentiment != NO_LABEL
    named = [e for e in material.entities if e.id == "tweets_rated_en-train-1"]
    assert [e.entities for e in named] == [((ENTITY_TYPES.index("person"), 0, 5),)]
    assert [e.sentiment for e in material.texts if e.id.startswith("wnut17_en")] == [2] * SET["wnut17_en"].repeat
    chosen_on = {dataset.name: examples for dataset, examples in material.dev.items()}
    assert all(e.topic == NO_LABEL and e.entities is None for e in chosen_on["tweets_rated_en"])
    assert all(e.sentiment == NO_LABEL for e in chosen_on["wnut17_en"])


def test_a_task_takes_its_labels_from_every_set_and_chooses_by_those_by_hand(folder: Path) -> None:
    topics = gathered(folder, replace(CNN, tasks=("topic",)))
    assert {e.id.partition("-train")[0] for e in topics.texts} == {"s", "titles_zh", "tweets_rated_en"}
    assert sum(e.id.startswith("tweets") for e in topics.texts) == 1
    assert all(e.sentiment == e.intent == NO_LABEL and e.entities is None for e in topics.texts) and not topics.entities
    assert {dataset.name for dataset, examples in topics.dev.items() if examples} == {"support_intents_en", "titles_zh"}
    assert {dataset.name for dataset in topics.dev} == {"support_intents_en", "titles_zh", "tweets_rated_en"}


def test_a_task_with_silver_labels_alone_is_refused(tmp_path: Path) -> None:
    write_data(tmp_path / "data", rows=20)
    for path in (tmp_path / "data" / "topic").iterdir():
        path.unlink()
    (tmp_path / "s.jsonl").write_text(json.dumps(SILVER[0]))
    out = make(tmp_path / "data", tmp_path / "out", silver_files=[tmp_path / "s.jsonl"])
    assert prepared.tasks(out, SET["tweets_rated_en"]) == {"sentiment", "topic"}
    with pytest.raises(DataError, match="out: holds no set for topic"):
        gathered(out, replace(CNN, tasks=("topic",)))


def test_an_intent_is_what_the_set_s_own_label_says(folder: Path) -> None:
    [example] = prepared.test(folder, SET["support_intents_en"])
    assert (INTENTS[example.intent], TOPICS[example.topic]) == ("banking77/card_arrival", "cards")


@pytest.mark.parametrize("name", ["tweets_rated_en.train", "titles_zh.test", "wnut17_en.dev"])
@pytest.mark.parametrize("harm", ["changed", "gone", "swapped"])
def test_a_file_that_is_not_as_it_was_written_is_refused_by_its_name_before_tensorflow_is_there(
        published: Path, tmp_path: Path, name: str, harm: str) -> None:
    out = make(published, tmp_path / "out")
    path = out / f"{name}.jsonl.gz"
    if harm == "gone":
        path.unlink()
    elif harm == "swapped":
        path.write_bytes((out / "titles_zh.train.jsonl.gz").read_bytes())
    else:
        path.write_bytes(path.read_bytes()[:-1] + b"!")
    with pytest.raises(DataError, match=rf"{name}\.jsonl\.gz: (is not as it was written|cannot be read: No such file)"):
        check_files(out)


def test_the_command_refuses_a_tampered_folder_in_one_line(published: Path, tmp_path: Path) -> None:
    out = make(published, tmp_path / "out")
    path = out / "titles_zh.test.jsonl.gz"
    path.write_bytes(path.read_bytes() + b"!")
    argv = ["train", "--data", str(out), "--out", str(tmp_path / "m")]
    code = f"import sys; from pipelines.cli import main; code = main({argv!r}); sys.exit(code + 100 * ('tensorflow' in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "titles_zh.test.jsonl.gz: is not as it was written; prepare it again" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "m").exists()


def test_a_report_that_somebody_wrote_in_is_no_reason_to_refuse(published: Path, tmp_path: Path) -> None:
    out = make(published, tmp_path / "out")
    (out / "report.md").write_text("mine")
    assert manifest_of(out).written["report.md"] != digest_of(out / "report.md")
    check_files(out)
    assert preparation_of(out) == manifest_of(out)


def test_the_model_says_which_preparation_it_comes_from(folder: Path, train_tiny: Callable[..., Path], tmp_path: Path) -> None:
    with few_buckets():
        model = train_tiny(folder, tmp_path / "model", epochs=1, seed=1)
    manifest, written = read_json(model / MANIFEST, Manifest), manifest_of(folder).written
    assert manifest.preparation == Options(7, "all")
    sets = ("tweets_rated_en", "support_intents_en", "titles_zh", "wnut17_en")
    files = [file_name(name, split) for name in sets for split in ("train", "dev")]
    assert manifest.training_data == {NAME: digest_of(folder / NAME)} | {name: written[name] for name in files}
    card = (model / CARD).read_text()
    assert "with seed 7 and licences: all" in card
    assert "| topic | " in card and "| 1 (" in card and "large-1 1 |" in card and "large-2 1 |" in card
    assert f"--data {folder}" in card
    assert main(["evaluate", "--model", str(model), "--data", str(folder)]) == 0


def test_the_card_counts_silver_labels_by_teacher(folder: Path) -> None:
    preparation = preparation_of(folder)
    assert preparation is not None
    rows = {share.task: 0 for share in preparation.balance}
    for share in preparation.balance:
        rows[share.task] += share.count * (share.split == "train")
    subject = Subject("a", "cnn", "", "", "", ("sentiment", "entities"), prepared=preparation)
    card = card_text(subject, "x", {}, {})
    assert f"| sentiment | {rows['sentiment'] - 1} | 1 ({1 / rows['sentiment']:.1%}) | large-1 1 |" in card
    assert f"| entities | {rows['entities'] - 1} | 1 ({1 / rows['entities']:.1%}) | large-2 1 |" in card
    assert "| topic |" not in card
    assert "Preparation" not in card_text(replace(subject, prepared=None), "x", {}, {})
    assert preparation_of(folder.parent) is None
