"""What a model answers for all texts of a split, and how long it takes."""
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.architectures import TEXT_TASKS
from schemas.entity_types import PATTERN_TYPES
from schemas.tagged import Span, spans_of
from schemas.tagging import Tags

CHUNK = 2_000

Tag = Callable[[Sequence[str]], Tags]


class Answers(NamedTuple):
    """Of N texts. sentiment float32[N, 3], topic float32[N, T], intent float32[N, I]: probabilities.

    entities: (type id, first byte, end byte, score).
    """

    sentiment: NDArray[np.float32]
    topic: NDArray[np.float32]
    intent: NDArray[np.float32]
    entities: list[list[Span]]

    def take(self, rows: Sequence[int]) -> "Answers":
        """Those of some of the texts."""
        at = np.asarray(rows, np.int64)
        return Answers(self.sentiment[at], self.topic[at], self.intent[at], [self.entities[row] for row in rows])


def answer(tag: Tag, texts: Sequence[str]) -> Answers:
    """Tags the texts, one at least, in chunks. No answer depends on the others in its chunk."""
    said = [tag(texts[at:at + CHUNK]) for at in range(0, len(texts), CHUNK)]
    sentiment, topic, intent = (np.concatenate([getattr(tags, task) for tags in said]) for task in TEXT_TASKS)
    return Answers(sentiment, topic, intent, [spans for tags in said for spans in spans_of(tags)])


def learnt(entities: Sequence[Sequence[Span]], names: Sequence[str]) -> list[list[Span]]:
    """The entities of texts without those that patterns found, of which no set has labels. names: of their types, by id."""
    return [[span for span in spans if names[span[0]] not in PATTERN_TYPES] for spans in entities]


def timed(tag: Tag, texts: Sequence[str], clock: Callable[[], float]) -> tuple[Answers, float]:
    """The answers, and the seconds that they took after a first chunk to warm up. clock: seconds, as of time.perf_counter."""
    tag(texts[:CHUNK])
    start = clock()
    answers = answer(tag, texts)
    return answers, clock() - start
