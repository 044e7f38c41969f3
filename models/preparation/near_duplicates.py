"""Texts that are nearly those that are evaluated on: shingles, MinHash to find the pairs (Broder 1997), and Jaccard to be sure."""
from collections import defaultdict
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

SHINGLE = 5
"""Characters of the key in a shingle."""
SHORTEST = 40
"""Characters of a key below which nothing is near: two short requests that differ in a word may mean different things."""
LEAST_JACCARD = 0.8
BANDS, HASHES_PER_BAND = 8, 4
"""A pair is looked at when one band is equal: 98.5 % of the pairs at a Jaccard index of 0.8, 99.98 % at 0.9."""
BLOCK = 4_096
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_RANDOM = np.random.Generator(np.random.PCG64(1997))
_FACTORS = _RANDOM.integers(0, 1 << 63, (BANDS * HASHES_PER_BAND, 1), np.uint64) * np.uint64(2) + np.uint64(1)
_OFFSETS = _RANDOM.integers(0, 1 << 63, (BANDS * HASHES_PER_BAND, 1), np.uint64)

Hashes = NDArray[np.uint64]


def near(keys: Iterable[str], evaluated: Iterable[str]) -> set[str]:
    """The keys that are long enough and share LEAST_JACCARD of their shingles with an evaluated one."""
    long = [key for key in evaluated if len(key) >= SHORTEST]
    places: dict[tuple[int, bytes], list[int]] = defaultdict(list)
    for at, key in enumerate(long):
        for place in _places(shingles(key)):
            places[place].append(at)

    def is_near(key: str) -> bool:
        if len(key) < SHORTEST:
            return False
        own = shingles(key)
        others = dict.fromkeys(at for place in _places(own) for at in places.get(place, ()))
        return any(jaccard(own, shingles(long[at])) >= LEAST_JACCARD for at in others)

    return {key for key in keys if is_near(key)}


def shingles(key: str) -> Hashes:
    """The hashes of all runs of SHINGLE characters, sorted, each once. The key has at least so many."""
    codes = np.frombuffer(key.encode("utf-32-le"), np.uint32).astype(np.uint64)
    count = len(codes) - SHINGLE + 1
    hashes = np.zeros(count, np.uint64)
    for at in range(SHINGLE):
        hashes = (hashes ^ codes[at:at + count]) * _MULTIPLIER
        hashes ^= hashes >> np.uint64(29)
    return np.unique(hashes)


def jaccard(first: Hashes, second: Hashes) -> float:
    """Size of the intersection over that of the union, 0 to 1."""
    shared = len(np.intersect1d(first, second, assume_unique=True))
    return shared / (len(first) + len(second) - shared)


def _places(hashes: Hashes) -> Iterator[tuple[int, bytes]]:
    """The bands of its signature."""
    smallest = np.full(BANDS * HASHES_PER_BAND, np.iinfo(np.uint64).max, np.uint64)
    for start in range(0, len(hashes), BLOCK):   # a book would otherwise take a gigabyte
        smallest = np.minimum(smallest, (_FACTORS * hashes[start:start + BLOCK] + _OFFSETS).min(axis=1))
    for band, part in enumerate(smallest.reshape(BANDS, HASHES_PER_BAND)):
        yield band, part.tobytes()
