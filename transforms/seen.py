"""The event ids of a window, eight bytes each: the ledger's largest memory (rate x (window + lateness))."""
import numpy as np
from numpy.typing import NDArray

Keys = NDArray[np.uint64]
RECENT = 512   # ids kept in a set before they are packed: a set costs about 80 bytes an id, the array 8


class SeenIds:
    """A set of 64-bit keys: a sorted array for most, a small set for the newest.

    Two ids collide with probability n^2 / 2^65: one in ten thousand million for 60,000 ids.
    """

    __slots__ = ("packed", "recent")

    def __init__(self) -> None:
        self.packed: Keys = np.empty(0, np.uint64)
        self.recent: set[int] = set()

    def __len__(self) -> int:
        return len(self.packed) + len(self.recent)

    @property
    def size_bytes(self) -> int:
        """About what it costs in memory."""
        return self.packed.nbytes + 80 * len(self.recent)

    def contains(self, keys: Keys) -> NDArray[np.bool_]:
        """bool[N]: which of the keys were added before."""
        found = np.fromiter(map(self.recent.__contains__, keys.tolist()), np.bool_, len(keys))
        if len(self.packed):
            at = np.searchsorted(self.packed, keys)
            at[at == len(self.packed)] = 0
            found |= self.packed[at] == keys
        return found

    def add(self, keys: Keys) -> NDArray[np.bool_]:
        """Adds the keys; bool[N]: which were new, the first of equal ones counting as new."""
        old = self.contains(keys)
        listed = keys.tolist()
        before = len(self.recent)
        self.recent.update(listed if not old.any() else keys[~old].tolist())
        if len(self.recent) - before < len(listed) - int(old.sum()):   # equal keys among the new ones
            old |= ~_first_of_equals(keys)
        if len(self.recent) > max(RECENT, len(self.packed) // 4):
            self._pack()
        return ~old

    def _pack(self) -> None:
        newest = np.fromiter(self.recent, np.uint64, len(self.recent))
        self.packed = np.sort(np.concatenate([self.packed, newest]))
        self.recent = set()


def _first_of_equals(keys: Keys) -> NDArray[np.bool_]:
    first = np.zeros(len(keys), np.bool_)
    first[np.unique(keys, return_index=True)[1]] = True
    return first
