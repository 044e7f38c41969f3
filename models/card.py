"""Writes the card of a model: what it is, how it was made, from what, how good it is and where it ends."""

from collections.abc import Sequence
from typing import Any

from models.data import DataSet
from models.evaluation.summary import table
from models.taxonomy import ENTITY_TYPES, TOPICS

_TEMPLATE = """# fast

Tags short texts in English and Chinese (support tickets, reviews, posts, headlines) with a sentiment (negative,
neutral, positive), one of {topics} topics and named spans ({entities}).

One convolutional network with three heads: WordPiece pieces (lower case, Chinese by character, cut at 128), embedding
128, convolutions of width 2, 3 and 5 with 64 filters each, hashed bigrams, maximum and mean over the text, a dense
layer of 256. Entities are BIO labels of each word, from the word, its neighbours, their case, the manner of the text
and the pairs of pieces seen in names twice or more, decoded so that every span is valid. Tokenizing is in the graph.

## Training

    textpulse train --data {data} --epochs {epochs} --seed {seed} --out FOLDER

All tasks together, Adam, the best of {epochs} epochs by the mean over the dev splits; the weights are those of one
epoch or the mean over the epochs so far. Where a set has no dev split, one in ten training rows is held out. Training
rows whose text is in a dev or test split of any set were left out, and training chooses nothing on a test split. The
entity head was redesigned once after an earlier model's test figures had been seen; the design was then chosen on dev.
The SHA-256 of every file read is in model.json.

## Test figures

    textpulse evaluate --model FOLDER --data {data}

Accuracy / macro-F1 for sentiment and topic; F1 (precision, recall) of exact spans for entities. Majority: always the
most frequent class of the training rows. Keywords: each class's 100 words of highest log-odds vote. Names: all names
of the training rows are looked up, the longest match first. wnut17_en is scored on its dev file, since its test file
is not among the data; training chooses nothing on it.

{table}

## Limits

- Names in social posts are found poorly, most of all in English: read such entities as hints.
- Every text gets a topic. `other` was learnt from few examples, so unusual texts often land in a wrong topic instead.
- reviews_zh has no neutral rows, so neutral is rarely said of Chinese reviews.
- Only the first 128 pieces of a text are read. Probabilities are not calibrated. Other languages get an answer without
  worth.

## Data

Each set was mapped to the common labels; the texts themselves are not in the model or beside it. Some rows are for
non-commercial use or of unclear licence, as marked; their terms may bear on what the model may be used for.

| set | licence | attribution |
|---|---|---|
{licences}
"""


def text(metrics: dict[str, Any], epochs: int, seed: int, sets: Sequence[DataSet]) -> str:
    """The card in Markdown."""
    rows = [f"| {dataset.name} | {dataset.licence} | {dataset.attribution} |" for dataset in sets]
    return _TEMPLATE.format(
        topics=len(TOPICS),
        entities=", ".join(ENTITY_TYPES),
        epochs=epochs,
        seed=seed,
        data="../shared/data",
        table=table(metrics),
        licences="\n".join(rows),
    )
