"""Many words of many windows in little memory: each word has a number, and a window holds two columns."""
from collections.abc import Hashable, Iterable, Mapping
from typing import Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray


class Words(NamedTuple):
    """How many records have each word. ids int32[N], rising; records int32[N]."""

    ids: NDArray[np.int32]
    records: NDArray[np.int32]


NONE = Words(np.zeros(0, np.int32), np.zeros(0, np.int32))


Name = TypeVar("Name", bound=Hashable)


class Vocabulary(Generic[Name]):
    """The numbers of words, or of whatever else has counts, in the order of their coming."""

    def __init__(self) -> None:
        self.names: list[Name] = []
        self._ids: dict[Name, int] = {}

    def pack(self, words: Mapping[Name, int]) -> Words:
        """word -> records, in columns."""
        ids = np.fromiter(map(self._id, words), np.int32, len(words))
        order = np.argsort(ids)
        return Words(ids[order], np.fromiter(words.values(), np.int32, len(words))[order])

    def unpack(self, words: Words) -> dict[Name, int]:
        """The opposite."""
        return dict(zip([self.names[number] for number in words.ids.tolist()], words.records.tolist(), strict=True))

    def numbers(self, names: Iterable[Name]) -> NDArray[np.int32]:
        """Of words that have one."""
        return np.array([self._ids[name] for name in names], np.int32)

    def _id(self, name: Name) -> int:
        number = self._ids.setdefault(name, len(self.names))
        if number == len(self.names):
            self.names.append(name)
        return number


def together(first: Words, second: Words) -> Words:
    """The words of both, with the records of both."""
    ids, place = np.unique(np.concatenate([first.ids, second.ids]), return_inverse=True)
    summed = np.bincount(place, np.concatenate([first.records, second.records]), len(ids))
    return Words(ids, summed.astype(np.int32))


def of(words: Words, ids: NDArray[np.int32]) -> NDArray[np.int32]:
    """The records of those words; 0 for one that is not there."""
    if not len(words.ids):
        return np.zeros(len(ids), np.int32)
    place = np.minimum(np.searchsorted(words.ids, ids), len(words.ids) - 1)
    return np.asarray(np.where(words.ids[place] == ids, words.records[place], 0).astype(np.int32))
