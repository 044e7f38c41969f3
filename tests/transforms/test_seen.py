"""Laws of the seen ids: a set of 64-bit keys, however they are packed."""
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from transforms.seen import RECENT, SeenIds

numbers = st.integers(0, 30) | st.sampled_from([2**63 - 1, 2**63, 2**64 - 1])
batches = st.lists(st.lists(numbers, max_size=12), max_size=12)


def keys(*values):
    return np.array(values, np.uint64)


def filled(count):
    seen = SeenIds()
    for first in range(0, count, 100):
        seen.add(np.arange(first, min(first + 100, count), dtype=np.uint64))
    return seen


@given(batches, st.booleans())
def test_each_key_is_new_once_in_any_cut_and_packing(parts, packed):
    seen, held = SeenIds(), set()
    for part in parts:
        expected = []
        for key in part:
            expected.append(key not in held)
            held.add(key)
        assert seen.add(keys(*part)).tolist() == expected
        if packed:
            seen._pack()
        assert len(seen) == len(held)
    asked = sorted({*range(32), 2**63 - 1, 2**63, 2**64 - 1})
    assert seen.contains(keys(*asked)).tolist() == [key in held for key in asked]


def test_asking_adds_nothing():
    seen = SeenIds()
    assert not seen.contains(keys(1)).any()
    assert len(seen) == 0
    assert seen.add(keys(1)).all()


def test_keys_are_found_after_they_were_packed():
    seen = filled(10 * RECENT)
    assert len(seen) == 10 * RECENT
    assert len(seen.packed) > 8 * RECENT
    assert not seen.add(np.arange(10 * RECENT, dtype=np.uint64)).any()
    assert not seen.contains(keys(10 * RECENT, 2**64 - 1)).any()


def test_many_keys_cost_little_more_than_eight_bytes_each():
    seen = filled(40_000)
    assert len(seen.recent) <= max(RECENT, len(seen.packed) // 4)
    assert seen.size_bytes == 8 * len(seen.packed) + 80 * len(seen.recent)
    fresh = SeenIds()
    fresh.add(np.arange(40_000, dtype=np.uint64))
    assert fresh.size_bytes == 8 * 40_000
