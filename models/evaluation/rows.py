"""The rows that a model is scored on, and those that its baselines learn from: of published sets, or of prepared data."""
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from models import data, prepared
from models.data import NO_LABEL, DataError, DataSet, Example, digest_of
from models.preparation.read import file_name
from models.readers import reader_of
from models.taxonomy import ENTITY_TYPES, INTENTS, TOPICS
from schemas.tagging import SENTIMENTS

SPLITS = ("test", "dev")
CLASSES = {"sentiment": SENTIMENTS, "topic": TOPICS, "intent": INTENTS, "entities": ENTITY_TYPES}
"""What the ids in examples stand for, by task."""


class Split(NamedTuple):
    """One split of the sets of a folder. rows: of the sets that have any; empty: names of those that have none in this split."""

    folder: Path
    name: str
    is_prepared: bool
    rows: dict[DataSet, list[Example]]
    empty: list[str]


def read(folder: Path, split: str) -> Split:
    """The rows of that split, test or dev. Raises DataError for a folder without sets, a row that is none, and a split without rows.

    A published set without a dev file holds one in ten of its training rows out, as training does.
    """
    reader = reader_of(folder)
    read_split = {"test": reader.test, "dev": reader.dev}[split]
    rows = {one: read_split(folder, one) for one in reader.present(folder)}
    empty = [one.name for one, of in rows.items() if not of]
    found = Split(folder, split, reader is prepared, {one: of for one, of in rows.items() if of}, empty)
    if not found.rows:
        raise DataError(f"{folder}: no set has a row in the {split} split; choose another --split or --data")
    return found


def training_rows(split: Split, dataset: DataSet) -> list[Example]:
    """The rows with labels by hand that a set is learnt from; none of them is in its dev or test split."""
    return prepared.gold(split.folder, dataset, "train") if split.is_prepared else data.train(split.folder, dataset, set())


def digests(split: Split) -> dict[str, str]:
    """SHA-256 of each file that rows to be scored were read from."""
    files = [split.folder / file_name(one.name, split.name) if split.is_prepared else _published_file(split, one)
             for one in split.rows]
    return {path.relative_to(split.folder).as_posix(): digest_of(path) for path in files}


def training_file(split: Split, dataset: DataSet) -> Path:
    """Where the training rows of a set lie."""
    return split.folder / file_name(dataset.name, "train") if split.is_prepared else data.file_of(split.folder, dataset, "train")


def labels_of(task: str, example: Example) -> Sequence[int]:
    """The class ids that an example has: one, or those of its entities."""
    if task == "entities":
        return [kind for kind, _, _ in example.entities or ()]
    label = example.label(task)
    return [] if label == NO_LABEL else [label]


def has_labels(dataset: DataSet, task: str, example: Example) -> bool:
    """Whether a row is scored in a task: one of its set, for which it has a label."""
    return task in dataset.tasks and (task == "entities" or example.label(task) != NO_LABEL)


def _published_file(split: Split, dataset: DataSet) -> Path:
    held_out = split.name == "dev" and not dataset.has_dev
    return data.file_of(split.folder, dataset, "train" if held_out else dataset.test_split if split.name == "test" else "dev")
