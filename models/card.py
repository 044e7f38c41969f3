"""Writes the card of a model: what it is, how it was made, from what, how good it is and where it ends."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from models.data import DataSet
from models.evaluation.summary import table
from models.pieces import PIECES_LIMIT
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

Each set was mapped to the common labels; the texts themselves are not in the model or beside it. Some rows are for non-commercial use or of
unclear licence, as marked; their terms may bear on what the model may be used for.

| set | licence | attribution |
|---|---|---|
{licences}
{teachers}"""

_TEACHERS = """
## Teachers

Larger models that were asked about the training texts, offline. Nothing of them is needed to use this one.

| teacher | what it gave | licence | attribution |
|---|---|---|---|
{rows}
"""

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

    taught: by all teachers.
    """

    name: str
    architecture: str
    about: str
    answers: str
    command: str
    tasks: Sequence[str]
    taught: bool = False


def command(options: Mapping[str, Any]) -> str:
    """The command line that trains the model again. options: by name; an empty one is left out."""
    return " ".join(["textpulse train", *(f"--{name} {value}" for name, value in options.items() if value != ""), "--out FOLDER"])


def text(subject: Subject, data: str, metrics: dict[str, Any], sets: Sequence[DataSet]) -> str:
    """The card in Markdown. data: the folder, as it was named."""
    rows = [f"| {dataset.name} | {dataset.licence} | {dataset.attribution} |" for dataset in sets]
    limits = [*(_LIMITS[task] for task in subject.tasks), *_OF_ALL]
    taught = "\n".join(f"| {' | '.join(row)} |" for row in LICENCES.values())
    return _TEMPLATE.format(
        teachers=_TEACHERS.format(rows=taught) if subject.taught else "",
        most=PIECES_LIMIT,
        name=subject.name, architecture=subject.architecture, about=subject.about, answers=subject.answers, command=subject.command,
        data=data, table=table(metrics), limits="\n".join(f"- {limit}" for limit in limits), licences="\n".join(rows))
