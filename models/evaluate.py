"""Scores a tagger on the test splits, beside two baselines that are made anew in the same run."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from models import baselines, data
from models.data import DataSet, Example, Span
from models.load import load
from models.scores import class_scores, span_scores
from schemas.tagging import Tags

CHUNK = 512

Tag = Callable[[Sequence[str]], Tags]
Answers = list[int] | list[list[Span]]
Scores = dict[str, float]


def evaluate(folder: Path, data_folder: Path, report: Callable[[str], None] = lambda line: None) -> dict[str, Any]:
    """{set: {task, rows, model, majority, keyword}} over the test splits; the last three hold the scores.

    Classification: accuracy and macro_f1. Entities: precision, recall and f1 of exact spans. The keyword baseline of
    entities is a gazetteer, and there is no majority baseline: the majority of texts name nothing.
    """
    model = load(folder)
    result: dict[str, Any] = {}
    for dataset in data.present(data_folder):
        result[dataset.name] = scored_beside_baselines(model.tag, data_folder, dataset)
        report(f"{dataset.name}: {result[dataset.name]}")
    return result


def scored_beside_baselines(tag: Tag, data_folder: Path, dataset: DataSet) -> dict[str, Any]:
    """The scores of one set's test split, of the model and the baselines."""
    train = data.train(data_folder, dataset, set())
    examples = data.test(data_folder, dataset)
    texts = [example.text for example in examples]
    row: dict[str, Any] = {"task": dataset.task, "rows": len(examples), "model": score(tag, dataset, examples)}
    if dataset.task == "entities":
        row["keyword"] = scores_of(dataset, examples, baselines.Gazetteer(train).predict(texts))
        return row
    labels = [label_of(dataset, example) for example in train]
    words = baselines.KeywordVote([example.text for example in train], labels)
    row["majority"] = scores_of(dataset, examples, [words.majority] * len(texts))
    row["keyword"] = scores_of(dataset, examples, words.predict(texts))
    return row


def score(tag: Tag, dataset: DataSet, examples: Sequence[Example]) -> Scores:
    """The scores of a tagger on examples of the set, tagged in chunks."""
    return scores_of(dataset, examples, answers(tag, dataset, [example.text for example in examples]))


def answers(tag: Tag, dataset: DataSet, texts: Sequence[str]) -> Answers:
    """Class ids or spans for each text.

    A sentiment set without neutral rows (two classes) is still answered among all three.
    """
    chunks = [tag(texts[i : i + CHUNK]) for i in range(0, len(texts), CHUNK)]
    if dataset.task == "entities":
        return [spans for tags in chunks for spans in spans_of(tags)]
    labels: list[int] = np.concatenate([getattr(tags, dataset.task).argmax(1) for tags in chunks]).tolist()
    return labels


def spans_of(tags: Tags) -> list[list[Span]]:
    """The spans of each text."""
    columns = (tags.entity_type.tolist(), tags.entity_start.tolist(), tags.entity_end.tolist())
    spans = list(zip(*columns, strict=True))
    splits = tags.entity_splits.tolist()
    return [spans[a:b] for a, b in pairwise(splits)]


def scores_of(dataset: DataSet, examples: Sequence[Example], predicted: Any) -> Scores:
    """The scores of given answers."""
    if dataset.task == "entities":
        return asdict(span_scores([example.entities or () for example in examples], predicted))
    return asdict(class_scores([label_of(dataset, example) for example in examples], predicted))


def label_of(dataset: DataSet, example: Example) -> int:
    """The class id that the set's task gives an example."""
    return example.sentiment if dataset.task == "sentiment" else example.topic


def table(metrics: dict[str, Any]) -> str:
    """The metrics as a Markdown table: accuracy / macro-F1, or F1 (precision, recall)."""
    lines = ["| set | task | test rows | model | majority | keywords or names |", "|---|---|---:|---|---|---|"]
    for name, row in metrics.items():
        cells = [_cell(row.get(column)) for column in ("model", "majority", "keyword")]
        lines.append(f"| {name} | {row['task']} | {row['rows']:,} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(scores: Scores | None) -> str:
    if scores is None:
        return "-"
    if "f1" in scores:
        return f"{scores['f1']:.3f} ({scores['precision']:.3f}, {scores['recall']:.3f})"
    return f"{scores['accuracy']:.3f} / {scores['macro_f1']:.3f}"
