"""The rows of one task beside the answers for them: the scores of any part of them, and the worst errors."""
from collections.abc import Sequence

import msgspec
import numpy as np

from models.data import DataSet, Example
from models.evaluation import calibration
from models.evaluation.answers import Answers
from models.evaluation.result import Named, Scores, WrongEntities, WrongLabel
from models.evaluation.rows import CLASSES, labels_of
from models.evaluation.scores import TypedSpan, label_scores, span_scores
from schemas.entity_types import PATTERN_TYPES
from schemas.tagging import SENTIMENTS

Row = tuple[DataSet, Example]


class JudgedLabels:
    """Of a classification. names: the model's classes, in the order of its probabilities; each label of the rows is among them."""

    def __init__(self, task: str, rows: Sequence[Row], answers: Answers, names: Sequence[str]) -> None:
        place = {name: at for at, name in enumerate(names)}
        self._rows, self._names = rows, names
        self._gold = np.array([place[CLASSES[task][labels_of(task, example)[0]]] for _, example in rows], np.int64)
        self._probabilities = answers.sentiment if task == "sentiment" else answers.topic
        self._said = self._probabilities.argmax(1)

    def scores(self, rows: Sequence[int]) -> Scores:
        """Of the rows with these numbers."""
        at = np.asarray(rows, np.int64)
        calibrated = calibration.of_labels(self._probabilities[at], self._gold[at])
        return msgspec.structs.replace(label_scores(self._gold[at], self._said[at], self._names), calibration=calibrated)

    def wrong(self) -> list[WrongLabel]:
        """All wrong answers, those that the model was surest of first."""
        sure = self._probabilities.max(1)
        found = [WrongLabel(dataset.name, example.id, self._names[gold], self._names[said], float(share), example.text)
                 for (dataset, example), gold, said, share in zip(self._rows, self._gold, self._said, sure, strict=True) if gold != said]
        return sorted(found, key=lambda one: -one.probability)


class JudgedEntities:
    """Of exact spans. names: the model's entity types, in the order of their ids.

    What patterns found is left out: no set has labels of it.
    """

    def __init__(self, rows: Sequence[Row], answers: Answers, names: Sequence[str]) -> None:
        kinds = CLASSES["entities"]
        self._rows = rows
        self._names = [*kinds, *(name for name in names if name not in kinds)]
        self._gold: list[list[TypedSpan]] = [
            [(kinds[kind], start, end) for kind, start, end in example.entities or ()] for _, example in rows]
        judged = [[span for span in spans if names[span[0]] not in PATTERN_TYPES] for spans in answers.entities]
        self._said: list[list[TypedSpan]] = [[(names[kind], start, end) for kind, start, end, _ in spans] for spans in judged]
        self._sure = [[score for *_, score in spans] for spans in judged]

    def scores(self, rows: Sequence[int]) -> Scores:
        """Of the rows with these numbers. Calibration is that of the entities that were found."""
        sure = [score for row in rows for score in self._sure[row]]
        right = [span in self._gold[row] for row in rows for span in self._said[row]]
        found = span_scores([self._gold[row] for row in rows], [self._said[row] for row in rows], self._names)
        return msgspec.structs.replace(found, calibration=calibration.of_spans(sure, right))

    def wrong(self) -> list[WrongEntities]:
        """All texts with a missed or spurious entity, those with the most first."""
        found = [WrongEntities(dataset.name, example.id, _only_in(gold, said), _only_in(said, gold), example.text)
                 for (dataset, example), gold, said in zip(self._rows, self._gold, self._said, strict=True) if {*gold} != {*said}]
        return sorted(found, key=lambda one: -len(one.missed) - len(one.spurious))


def judged(task: str, rows: Sequence[Row], answers: Answers, topics: Sequence[str],
           entity_types: Sequence[str]) -> JudgedLabels | JudgedEntities:
    """The rows of that task with their answers, whose labels are named as the tagger names them."""
    if task == "entities":
        return JudgedEntities(rows, answers, entity_types)
    return JudgedLabels(task, rows, answers, SENTIMENTS if task == "sentiment" else topics)


def _only_in(spans: Sequence[TypedSpan], others: Sequence[TypedSpan]) -> list[Named]:
    return [Named(*span) for span in spans if span not in others]
