"""The rows that a model is scored on, and those that its baselines learn from: of published sets, or of prepared data."""
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from models import data
from models.data import NO_LABEL, SETS, DataError, DataSet, Example, Span
from models.preparation import read as prepared
from models.preparation.manifest import NAME, Manifest
from models.preparation.row import Entity, Row
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
    is_prepared = prepared.is_prepared(folder)
    sets = _prepared_sets(prepared.manifest_of(folder)) if is_prepared else _published_sets(folder)
    published = {"test": data.test, "dev": data.dev}[split]
    rows = {one: _prepared(folder, one, split) if is_prepared else published(folder, one) for one in sets}
    found = Split(folder, split, is_prepared, {one: of for one, of in rows.items() if of}, [one.name for one, of in rows.items() if not of])
    if not found.rows:
        raise DataError(f"{folder}: no set has a row in the {split} split; choose another --split or --data")
    return found


def training_rows(split: Split, dataset: DataSet) -> list[Example]:
    """The rows with labels by hand that a set is learnt from; none of them is in its dev or test split."""
    return _prepared(split.folder, dataset, "train") if split.is_prepared else data.train(split.folder, dataset, set())


def digests(split: Split) -> dict[str, str]:
    """SHA-256 of each file that rows to be scored were read from."""
    files = [split.folder / prepared.file_name(one.name, split.name) if split.is_prepared else _published_file(split, one)
             for one in split.rows]
    return {path.relative_to(split.folder).as_posix(): digest(path) for path in files}


def digest(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def training_file(split: Split, dataset: DataSet) -> Path:
    """Where the training rows of a set lie."""
    return split.folder / prepared.file_name(dataset.name, "train") if split.is_prepared else data.file_of(split.folder, dataset, "train")


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


def _published_sets(folder: Path) -> list[DataSet]:
    try:
        return data.present(folder)
    except DataError:
        if (folder / NAME).exists():   # prepared once: what is wrong with it says more
            prepared.manifest_of(folder)
        raise


def _prepared_sets(manifest: Manifest) -> list[DataSet]:
    known = {dataset.name: dataset for dataset in SETS}
    if unknown := [one.name for one in manifest.sets if one.name not in known]:
        raise DataError(f"prepared data holds the sets {', '.join(unknown)}, which are not known here; {prepared.MENDS}")
    return [known[one.name] for one in manifest.sets]


def _prepared(folder: Path, dataset: DataSet, split: str) -> list[Example]:
    rows = prepared.rows(folder, dataset.name, split)
    try:
        return [_example(row) for row in rows if row.label(dataset.task) is not None and dataset.task not in row.silver]
    except ValueError as error:
        raise DataError(f"{folder / prepared.file_name(dataset.name, split)}: has a label that is not known here ({error}); "
                        f"{prepared.MENDS}") from error


def _example(row: Row) -> Example:
    """A prepared row as published ones are read: ids for labels, entities in bytes."""
    return Example(
        row.text, id=row.id, lang=row.lang, kind=row.kind,
        sentiment=NO_LABEL if row.sentiment is None else SENTIMENTS.index(row.sentiment),
        topic=NO_LABEL if row.topic is None else TOPICS.index(row.topic),
        entities=None if row.entities is None else tuple(_in_bytes(row.text, entity) for entity in row.entities))


def _in_bytes(text: str, entity: Entity) -> Span:
    start, end = (len(text[:at].encode()) for at in (entity.start, entity.end))
    return ENTITY_TYPES.index(entity.type), start, end
