"""Whether it is fair to score a model on a split: it knows the labels, and has not learnt from the rows."""
from pathlib import Path

from models.data import DataError, digest_of
from models.evaluation.rows import CLASSES, Split, labels_of, training_file
from models.folder import LABELS, MANIFEST, Labels, Manifest, ModelError, read_json
from schemas.tagging import SENTIMENTS


def answerable(split: Split, model: Manifest) -> Split:
    """What a model was trained to answer: the sets of its tasks, without neutral rows where it knows none. Raises DataError for nothing."""
    neutral = SENTIMENTS.index("neutral")
    rows = {one: [e for e in of if one.task != "sentiment" or model.neutral or e.sentiment != neutral]
            for one, of in split.rows.items() if one.task in model.tasks}
    if not any(rows.values()):
        raise DataError(f"{split.folder}: no set has rows for {', '.join(model.tasks)}, which {model.name} was trained for")
    return split._replace(rows={one: of for one, of in rows.items() if of})


def check_labels(model: Path, split: Split) -> None:
    """Raises ModelError for a model that lacks a label which some row has: it could never be right there."""
    labels = read_json(model / LABELS, Labels)
    known = {"sentiment": labels.sentiment, "topic": labels.topic, "entities": labels.entity}
    for dataset, examples in split.rows.items():
        used = {CLASSES[dataset.task][label] for example in examples for label in labels_of(dataset.task, example)}
        if missing := sorted(used - {*known[dataset.task]}):
            raise ModelError(model / LABELS, f"lacks labels that the rows of {dataset.name} have ({dataset.task}: {', '.join(missing)})")


def perhaps_seen(model: Path, split: Split) -> list[str]:
    """The sets whose rows the model may have learnt from: their dev rows are held out of the training rows, and it was not trained
    on the file of the others, but on one that may hold these too (as published against prepared). Raises ModelError."""
    if split.name != "dev":
        return []
    learnt = {*read_json(model / MANIFEST, Manifest).training_data.values()}
    files = {dataset.name: training_file(split, dataset) for dataset in split.rows if not dataset.has_dev}
    return [name for name, path in files.items() if not path.is_file() or digest_of(path) not in learnt]
