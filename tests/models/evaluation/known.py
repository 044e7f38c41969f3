"""A tagger whose answers are known, and an evaluation made with it."""
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from models.architectures import TEXT_TASKS
from models.evaluation.evaluate import evaluate
from models.evaluation.result import Evaluation
from models.evaluation.rows import read
from models.taxonomy import ENTITY_TYPES, INTENTS, SCOPES, scope_of
from schemas.entity_types import PATTERN_TYPES
from schemas.tagging import Tags

TOPICS = ("sports", "games", "education", "extra")   # not the order of the taxonomy, and not all of it


class Answer(NamedTuple):
    """What is said of a text. entities: (type id, first byte, end byte, score)."""

    sentiment: tuple[float, float, float] = (1.0, 0.0, 0.0)
    topic: tuple[float, ...] = (1.0, 0.0, 0.0, 0.0)
    intent: tuple[float, ...] = (1.0, *[0.0] * (len(INTENTS) - 1))
    entities: tuple[tuple[int, int, int, float], ...] = ()


class Known:
    """Says of each text what it was given."""

    name, version, topics, entity_types, vocabulary = "known", "v1", TOPICS, ENTITY_TYPES[::-1], ("a",)
    intents, is_intent, intent_threshold = INTENTS, [scope_of(name) in SCOPES for name in INTENTS], 0.5
    name, version, topics, entity_types, vocabulary = "known", "v1", TOPICS, (*ENTITY_TYPES[::-1], *PATTERN_TYPES), ("a",)

    def __init__(self, answers: Callable[[str], Answer]) -> None:
        self.answers, self.chunks = answers, list[int]()

    def tag(self, texts: Sequence[str]) -> Tags:
        self.chunks.append(len(texts))
        said = [self.answers(text) for text in texts]
        spans = [span for one in said for span in one.entities]
        columns = [np.array([span[at] for span in spans], kind) for at, kind in enumerate((np.int32, np.int32, np.int32, np.float32))]
        splits = np.cumsum([0, *(len(one.entities) for one in said)])
        none = np.zeros(0, np.int32)
        sentiment, topic, intent = (
            np.array([getattr(one, task) for one in said], np.float32).reshape(len(said), -1) for task in TEXT_TASKS)
        return Tags(sentiment, topic, intent, *columns, splits, none, np.zeros(len(texts) + 1, np.int64))


def ticks(step: float) -> Callable[[], float]:
    """A clock that goes on by so many seconds each time it is looked at."""
    times: Iterator[float] = iter(step * number for number in range(1_000_000))
    return lambda: next(times)


def known(folder: Path, answers: Callable[[str], Answer], split: str = "test") -> Evaluation:
    """The evaluation of such a tagger on a folder of sets."""
    return evaluate(Known(answers), read(folder, split), clock=ticks(2.0), threads=(3, 5))
