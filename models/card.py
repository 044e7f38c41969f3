"""Writes the card of a model: what it is, how it was made, from what, how good it is and where it ends."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from models.data import DataSet
from models.evaluation.summary import table
from models.licensed import Learnt
from models.pieces import PIECES_LIMIT
from models.preparation.licences import CHOICES, PERMISSIVE
from models.preparation.manifest import Manifest
from models.teachers.files import LICENCES

_TEMPLATE = """# {name}

Tags short texts in English and Chinese (support tickets, reviews, posts, headlines) with {answers}.

Architecture `{architecture}`: {about}. The pieces are WordPiece (lower case, Chinese by character), at most {most}, made in the graph.

## Training

    {command}

All tasks together, Adam, the best epoch by the mean over the dev splits. Where a set has no dev split, one in ten training rows is held
out. Training rows whose text is in a dev or test split of any set were left out, and training chooses nothing on a test split. The SHA-256
of every file read is in model.json.

## Test figures

    textpulse evaluate --model FOLDER --data {data}

Accuracy / macro-F1 for sentiment, topic and intent (of intents among those of the set; in brackets, with the model's threshold: the share
of texts with an intent that got it, and of those without one that got none); F1 (precision, recall) of exact spans for entities. Majority:
always the most frequent class of the training rows. Keywords: each class's 100 words of highest log-odds vote. Names: all names of the
training rows are looked up, the longest match first. wnut17_en is scored on its dev file, since its test file is not among the data;
training chooses nothing on it.

{table}

## Limits

{limits}

## Data

Each set was mapped to the common labels; the texts themselves are not in the model or beside it. {terms}

| set | training rows | class | licence | attribution |
|---|---:|---|---|---|
{licences}
{prepared}{teachers}"""

_PREPARED = """
## Preparation

The rows, of dev and test too, are those that `textpulse prepare` wrote, with seed {seed} and licences: {licences}. The SHA-256 of its
manifest.json, which tells every step, is in model.json. Labels of the training rows (of entities mentions, and texts without any):

| task | by hand | silver | by teacher |
|---|---:|---:|---|
{rows}
"""

_TEACHERS = """
## Teachers

Larger models that were asked about the training texts, offline. Nothing of them is needed to use this one.

| teacher | what it gave | licence | attribution |
|---|---|---|---|
{rows}
"""

_TERMS = {
    "all": """Some rows are for non-commercial use or of
unclear licence, as marked; their terms may bear on what the model may be used for.""",
    PERMISSIVE: """The model was
trained on rows of a permissive licence alone: other rows, and copies of their texts, were left out, with all that teachers say of them. Dev
rows of all sets chose the epoch, a temperature for each task and the threshold of intents."""}
_PREPARED_TERMS = "All rows, of dev and test too, have a permissive licence."
_LIMITS = {
    "sentiment": "reviews_zh has no neutral rows, so neutral is rarely said of Chinese reviews.",
    "topic": "Every text gets a topic. `other` was learnt from few examples, so unusual texts often land in a wrong topic instead.",
    "intent": "Intents are those of customers of a bank and of a voice assistant, in English. "
              "An intent is said where it is likely enough, by dev rows; other texts have none.",
    "entities": "Names in social posts are found poorly, most of all in English: read such entities as hints.",
}
_OF_ALL = (
    f"Only the first {PIECES_LIMIT} pieces of a text are read. Other languages get an answer without worth.",
    "Probabilities of sentiment, topic and intent are scaled by one temperature each, chosen on dev; those of entities are not.")


@dataclass(frozen=True, slots=True)
class Subject:
    """What the card is of. answers: what its tags are, in words. command: what trained it. tasks: those that were trained.

    taught: by all teachers. licences: of the rows that were trained on. prepared: what `textpulse prepare` did to the rows.
    """

    name: str
    architecture: str
    about: str
    answers: str
    command: str
    tasks: Sequence[str]
    taught: bool = False
    licences: str = CHOICES[0]
    prepared: Manifest | None = None


def _terms(subject: Subject) -> str:
    permissive = subject.prepared is not None and subject.prepared.options.licences == PERMISSIVE
    return _PREPARED_TERMS if permissive else _TERMS[subject.licences]


def _prepared(manifest: Manifest, tasks: Sequence[str]) -> str:
    """The section on prepared rows. A silver label stands under the name of the teacher who gave it."""
    counts: dict[str, Counter[str]] = {task: Counter() for task in tasks}
    for share in manifest.balance:
        if share.split == "train" and share.task in counts:
            counts[share.task][share.teacher] += share.count
    rows = []
    for task, by_teacher in counts.items():
        if total := by_teacher.total():
            hand = by_teacher.pop("", 0)
            teachers = ", ".join(f"{name} {count:,}" for name, count in sorted(by_teacher.items())) or "-"
            rows.append(f"| {task} | {hand:,} | {total - hand:,} ({1 - hand / total:.1%}) | {teachers} |")
    return _PREPARED.format(seed=manifest.options.seed, licences=manifest.options.licences, rows="\n".join(rows))


def command(options: Mapping[str, Any]) -> str:
    """The command line that trains the model again. options: by name; an empty one is left out."""
    return " ".join(["textpulse train", *(f"--{name} {value}" for name, value in options.items() if value != ""), "--out FOLDER"])


def text(subject: Subject, data: str, metrics: dict[str, Any], sets: Mapping[DataSet, Learnt]) -> str:
    """The card in Markdown. data: the folder, as it was named. sets: that were trained or chosen on."""
    rows = [f"| {dataset.name} | {of.rows:,} | {', '.join(of.classes)} | {dataset.licence} | {dataset.attribution} |"
            for dataset, of in sets.items()]
    limits = [*(_LIMITS[task] for task in subject.tasks), *_OF_ALL]
    taught = "\n".join(f"| {' | '.join(row)} |" for row in LICENCES.values())
    return _TEMPLATE.format(
        prepared=_prepared(subject.prepared, subject.tasks) if subject.prepared else "",
        teachers=_TEACHERS.format(rows=taught) if subject.taught else "", terms=_terms(subject),
        most=PIECES_LIMIT,
        name=subject.name, architecture=subject.architecture, about=subject.about, answers=subject.answers, command=subject.command,
        data=data, table=table(metrics), limits="\n".join(f"- {limit}" for limit in limits), licences="\n".join(rows))
