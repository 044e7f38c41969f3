"""The baselines of a set, made anew from its training rows: majority and keywords, or a list of names."""
from collections.abc import Sequence

from models import baselines
from models.data import Example, Span
from models.evaluation.result import Scores
from models.evaluation.rows import CLASSES, labels_of
from models.evaluation.scores import TypedSpan, label_scores, span_scores


def baseline_scores(task: str, examples: Sequence[Example], trained: Sequence[Example]) -> dict[str, Scores]:
    """majority and keyword -> their scores; of entities keyword alone, a gazetteer, for the majority of texts names nothing.

    None where there is no row to learn from.
    """
    if not trained:
        return {}
    names, texts = CLASSES[task], [example.text for example in examples]
    if task == "entities":
        found = baselines.Gazetteer(trained).predict(texts)
        gold = [example.entities or () for example in examples]
        return {"keyword": span_scores(_typed(gold, names), _typed(found, names), names)}
    labels, wanted = ([labels_of(task, example)[0] for example in rows] for rows in (trained, examples))
    words = baselines.KeywordVote([example.text for example in trained], labels)
    said = {"majority": [words.majority] * len(texts), "keyword": words.predict(texts)}
    return {name: label_scores(wanted, answers, names) for name, answers in said.items()}


def _typed(texts: Sequence[Sequence[Span]], names: Sequence[str]) -> list[list[TypedSpan]]:
    return [[(names[kind], start, end) for kind, start, end in spans] for spans in texts]
