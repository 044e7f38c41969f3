"""What travels between the steps: polls and chunks, never single events (an element costs Beam about 70 microseconds)."""
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from insights.cells import Unit
from insights.store import Place, UnitKey
from schemas.records import DeadLetter, TextEvent
from schemas.tagging import Tags


@dataclass(slots=True)
class EventChunk:
    """The counted events of one poll, of all its origins and base windows: what the model tags in one pass.

    keys uint64[N]: hashed event ids; offsets, windows_us int64[N]; times_us int64[N]; origin int64[N]: index into origins, which
    holds names and epochs.
    """

    events: list[TextEvent]
    keys: NDArray[np.uint64]
    offsets: NDArray[np.int64]
    times_us: NDArray[np.int64]
    windows_us: NDArray[np.int64]
    origin: NDArray[np.int64]
    origins: list[tuple[str, int]]


@dataclass(slots=True)
class PollBatch:
    """One reader poll, atomic: what was counted, dead letters, and the position of every origin behind it.

    earliest_us stamps it: a timestamp may not move backwards past it. count: records polled. reported_us: the watermark behind it.
    sealed: originals of the dead letters, where they are kept (transforms/originals.py).
    """

    chunk: EventChunk | None
    dead: list[DeadLetter]
    positions: dict[str, int]
    earliest_us: int
    count: int = 0
    reported_us: int = 0
    sealed: dict[Place, bytes] = field(default_factory=dict)


@dataclass(slots=True)
class TaggedChunk:
    """A chunk with its tags; failed: row -> what the model said when it failed on that text (its tags mean nothing)."""

    chunk: EventChunk
    tags: Tags
    failed: dict[int, str] = field(default_factory=dict)


KeyedUnit = tuple[UnitKey, Unit]
Message = tuple[bytes | None, int | None, Any]   # value, log time in microseconds, headers
