"""Tagging through RunInference, a chunk at a time, and what becomes of a text on which the model fails."""
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from apache_beam.ml.inference.base import ModelHandler

from schemas.tagging import Tagger, Tags
from transforms.elements import EventChunk, TaggedChunk

MAX_TEXTS = 2_048   # in one call of the model: faster than 512; more is no faster, and takes memory
_observers: list[Callable[[Tagger, int, float], None]] = []


def observe(observer: Callable[[Tagger, int, float], None]) -> None:
    """The observer is told (tagger, texts, seconds) of each call of a model in this process."""
    _observers.append(observer)


def tag_chunk(tagger: Tagger, chunk: EventChunk) -> TaggedChunk:
    """The chunk with its tags. A text on which the model fails is found by halving and named in `failed`."""
    failed: dict[int, str] = {}
    parts = [
        part for first in range(0, len(chunk.events), MAX_TEXTS)
        for part in _tag(tagger, [event.text for event in chunk.events[first : first + MAX_TEXTS]], first, failed)]
    tags = join(parts)
    numbers = np.isfinite(tags.sentiment).all(axis=1) & np.isfinite(tags.topic).all(axis=1)
    for row in np.flatnonzero(~numbers).tolist():
        failed.setdefault(row, "the model's probabilities are not numbers")
    unknown = (tags.entity_type < 0) | (tags.entity_type >= len(tagger.entity_types))
    if unknown.any():
        owners = np.repeat(np.arange(len(chunk.events)), np.diff(tags.entity_splits))
        for row in np.unique(owners[unknown]).tolist():
            failed.setdefault(row, f"the model names an entity type beyond its {len(tagger.entity_types)} labels")
        tags.entity_type = np.where(unknown, 0, tags.entity_type)   # of rows that count no more
    return TaggedChunk(chunk, tags, failed)


def _tag(tagger: Tagger, texts: Sequence[str], first: int, failed: dict[int, str]) -> Iterator[Tags]:
    try:
        begin = time.perf_counter()
        tags = tagger.tag(texts)
        for observer in _observers:
            observer(tagger, len(texts), time.perf_counter() - begin)
        yield tags
    except ValueError as error:
        if len(texts) == 1:
            failed[first] = str(error)[:500]
            yield nothing(tagger)
            return
        half = len(texts) // 2
        yield from _tag(tagger, texts[:half], first, failed)
        yield from _tag(tagger, texts[half:], first + half, failed)


def nothing(tagger: Tagger) -> Tags:
    """The tags of one text of which the model said nothing."""
    none, splits = np.zeros(0, np.int32), np.zeros(2, np.int64)
    sentiment, topic, intent = (np.zeros((1, classes), np.float32) for classes in (3, len(tagger.topics), len(tagger.intents)))
    return Tags(sentiment, topic, intent, none, none, none, np.zeros(0, np.float32), splits, none, splits)


def join(parts: Sequence[Tags]) -> Tags:
    """The tags of the texts of all parts, in order."""
    if len(parts) == 1:
        return parts[0]

    def column(name: str) -> Any:
        return np.concatenate([getattr(part, name) for part in parts])

    def splits(name: str) -> Any:
        ends = np.cumsum([0, *(getattr(part, name)[-1] for part in parts)])
        moved = [getattr(part, name)[1:] + end for part, end in zip(parts, ends, strict=False)]
        return np.concatenate([[0], *moved]).astype(np.int64)

    return Tags(
        column("sentiment"), column("topic"), column("intent"), column("entity_type"), column("entity_start"),
        column("entity_end"), column("entity_score"), splits("entity_splits"), column("token_ids"), splits("token_splits"))


class ChunkTagger(ModelHandler[EventChunk, TaggedChunk, Tagger]):
    """Chunks in, tagged chunks out. The loader comes from outside: transforms know no model."""

    def __init__(self, load: Callable[[], Tagger]) -> None:
        super().__init__()
        self.load = load

    def load_model(self) -> Tagger:
        """Loads once a process."""
        return self.load()

    def run_inference(
        self, batch: Sequence[EventChunk], model: Tagger, inference_args: Mapping[str, Any] | None = None
    ) -> Iterable[TaggedChunk]:
        """A batch is one chunk."""
        return [tag_chunk(model, chunk) for chunk in batch]

    def get_num_bytes(self, batch: Sequence[EventChunk]) -> int:
        """A rough figure: the default would pickle every chunk."""
        return 200 * sum(len(chunk.events) for chunk in batch)

    def batch_elements_kwargs(self) -> Mapping[str, Any]:
        """Chunks are batches already."""
        return {"min_batch_size": 1, "max_batch_size": 1}

    def get_metrics_namespace(self) -> str:
        """Where RunInference keeps its counters."""
        return "textpulse"
