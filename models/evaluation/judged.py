"""The rows of one task beside the answers for them: the scores of any part of them, and the worst errors."""
from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.data import DataSet, Example
from models.evaluation import calibration
from models.evaluation.answers import Answers, learnt
from models.evaluation.result import Named, Scope, Scores, WrongEntities, WrongLabel
from models.evaluation.rows import CLASSES, labels_of
from models.evaluation.scores import TypedSpan, label_scores, span_scores
from models.intents import decided, within
from models.taxonomy import OUT_OF_SCOPE, intents_of
from schemas.tagging import SENTIMENTS, Tagger

Row = tuple[DataSet, Example]


class JudgedLabels:
    """Of a classification. names: the model's classes, in the order of its probabilities; each label of the rows is among them."""

    def __init__(self, task: str, rows: Sequence[Row], probabilities: NDArray[np.float32], names: Sequence[str]) -> None:
        place = {name: at for at, name in enumerate(names)}
        self._rows, self._names = rows, names
        self._gold = np.array([place[CLASSES[task][labels_of(task, example)[0]]] for _, example in rows], np.int64)
        self._probabilities = probabilities
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


class JudgedIntents(JudgedLabels):
    """Of intents: of each row the likeliest among those of its set, as who tags its texts would know that they are tickets of that kind."""

    def __init__(self, rows: Sequence[Row], probabilities: NDArray[np.float32], names: Sequence[str], threshold: float) -> None:
        among = np.zeros_like(probabilities)
        for one in dict.fromkeys(dataset for dataset, _ in rows):
            at = [number for number, (dataset, _) in enumerate(rows) if dataset == one]
            among[at] = within(probabilities[at], names, intents_of(one.name))
        super().__init__("intent", rows, among, names)
        self._decided = decided(among, names, threshold)
        self._wanting = self._gold != names.index(OUT_OF_SCOPE)

    def scores(self, rows: Sequence[int]) -> Scores:
        """Of the rows with these numbers. There is no confusion: it would be of hundreds of classes."""
        at = np.asarray(rows, np.int64)
        wanting, right = self._wanting[at], self._decided[at] == self._gold[at]
        scope = None if wanting.all() else Scope(float(right[wanting].mean()) if wanting.any() else 0.0, float(right[~wanting].mean()))
        return msgspec.structs.replace(super().scores(rows), confusion=None, scope=scope)


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
        judged = learnt(answers.entities, names)
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


def judged(task: str, rows: Sequence[Row], answers: Answers, tagger: Tagger) -> JudgedLabels | JudgedEntities:
    """The rows of that task with their answers, whose labels are named as the tagger names them."""
    if task == "entities":
        return JudgedEntities(rows, answers, tagger.entity_types)
    if task == "intent":
        return JudgedIntents(rows, answers.intent, tagger.intents, tagger.intent_threshold)
    if task == "sentiment":
        return JudgedLabels(task, rows, answers.sentiment, SENTIMENTS)
    return JudgedLabels(task, rows, answers.topic, tagger.topics)


def _only_in(spans: Sequence[TypedSpan], others: Sequence[TypedSpan]) -> list[Named]:
    return [Named(*span) for span in spans if span not in others]
