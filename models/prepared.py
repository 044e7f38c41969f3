"""Reads the rows of a folder that `textpulse prepare` wrote, as models/data.py reads those of published sets: see models/readers.py."""
from pathlib import Path

from models.data import INTENT_ID, NO_LABEL, SETS, DataError, DataSet, Example, Span, bare, digest_of
from models.preparation import read
from models.preparation.manifest import NAME
from models.preparation.read import file_name, manifest_of
from models.preparation.row import Entity, Row
from models.taxonomy import ENTITY_TYPES, TOPICS, intent_of
from schemas.tagging import SENTIMENTS


def present(folder: Path) -> list[DataSet]:
    """The sets that were prepared. Raises DataError for one that is not known here."""
    known = {dataset.name: dataset for dataset in SETS}
    names = [one.name for one in manifest_of(folder).sets]
    if unknown := [name for name in names if name not in known]:
        raise DataError(f"prepared data holds the sets {', '.join(unknown)}, which are not known here; {read.MENDS}")
    return [known[name] for name in names]


def tasks(folder: Path, dataset: DataSet) -> set[str]:
    """What training rows of a set have labels for, silver ones too."""
    found = {one.task for one in manifest_of(folder).balance if (one.set, one.split) == (dataset.name, "train")}
    return found | ({*dataset.tasks} if dataset.task in found else set())   # an intent is what the set's own label of a topic says


def train(folder: Path, dataset: DataSet, evaluated: set[str]) -> list[Example]:
    """The training rows with all their labels, silver ones too; none is an evaluated text, which prepare has seen to."""
    return [example for _, example in _rows(folder, dataset, "train") if bare(example.text) not in evaluated]


def gold(folder: Path, dataset: DataSet, split: str) -> list[Example]:
    """The rows of a split whose label of the set's task is by hand."""
    task = dataset.task
    return [example for row, example in _rows(folder, dataset, split) if row.label(task) is not None and task not in row.silver]


def dev(folder: Path, dataset: DataSet) -> list[Example]:
    """The rows that choices are made on."""
    return gold(folder, dataset, "dev")


def test(folder: Path, dataset: DataSet) -> list[Example]:
    """The rows that are scored in the end."""
    return gold(folder, dataset, "test")


def evaluated_texts(folder: Path) -> set[str]:
    """The bare texts of all dev and test rows of all sets, which no training may see."""
    splits = [(dataset, split) for dataset in present(folder) for split in ("dev", "test")]
    return {bare(row.text) for dataset, split in splits for row in read.rows(folder, dataset.name, split)} - {""}


def digests(folder: Path, sets: list[DataSet]) -> dict[str, str]:
    """SHA-256 of every training and dev file of the sets, and of the manifest, which says how they came to be."""
    written = manifest_of(folder).written
    names = [file_name(dataset.name, split) for dataset in sets for split in ("train", "dev")]
    return {NAME: digest_of(folder / NAME)} | {name: written[name] for name in names if name in written}


def _rows(folder: Path, dataset: DataSet, split: str) -> list[tuple[Row, Example]]:
    rows = read.rows(folder, dataset.name, split)
    try:
        return [(row, _example(dataset, row)) for row in rows]
    except (KeyError, ValueError) as error:
        raise DataError(f"{folder / file_name(dataset.name, split)}: has a label that is not known here ({error}); {read.MENDS}") from error


def _example(dataset: DataSet, row: Row) -> Example:
    """A prepared row as published ones are read: ids for labels, entities in bytes."""
    has_intent = dataset.task == "topic" and row.topic is not None and "topic" not in row.silver
    return Example(
        row.text, id=row.id, lang=row.lang, kind=row.kind,
        sentiment=NO_LABEL if row.sentiment is None else SENTIMENTS.index(row.sentiment),
        topic=NO_LABEL if row.topic is None else TOPICS.index(row.topic),
        intent=INTENT_ID[intent_of(dataset.name, row.source_label)] if has_intent else NO_LABEL,
        entities=None if row.entities is None else tuple(_in_bytes(row.text, entity) for entity in row.entities))


def _in_bytes(text: str, entity: Entity) -> Span:
    start, end = (len(text[:at].encode()) for at in (entity.start, entity.end))
    return ENTITY_TYPES.index(entity.type), start, end
