"""Laws of the distinct-count sketch."""
import random

from hypothesis import given
from hypothesis import strategies as st

from insights.sketch import K, estimate, merge, sketch_of


def random_sketch(seed, size):
    """The sketch of so many random hashes; equal seeds share their first ones."""
    source = random.Random(seed)
    return sketch_of(source.getrandbits(64) for _ in range(size))


sketches = st.builds(random_sketch, st.integers(0, 9), st.sampled_from([0, 1, 3, K - 1, K, K + 1, 700]))


@given(sketches, sketches, sketches)
def test_merging_is_associative(a, b, c):
    assert merge(merge(a, b), c) == merge(a, merge(b, c))


@given(sketches, sketches)
def test_merging_is_commutative_and_idempotent_and_the_empty_sketch_is_its_unit(a, b):
    assert merge(a, b) == merge(b, a)
    assert merge(merge(a, b), b) == merge(a, b)
    assert merge(a, a) == a
    assert merge(a, ()) == merge((), a) == a


@given(st.lists(st.integers(0, 2**64 - 1)), st.lists(st.integers(0, 2**64 - 1)))
def test_a_merged_sketch_is_the_sketch_of_everything(a, b):
    assert merge(sketch_of(a), sketch_of(b)) == sketch_of([*a, *b]) == tuple(sorted({*a, *b})[:K])


@given(sketches)
def test_a_sketch_below_k_counts_exactly(a):
    assert len(a) <= K
    if len(a) < K:
        assert estimate(a) == len(a)


def test_the_estimate_stays_within_four_standard_errors():
    for seed in range(20):
        for true in (K, 1_000, 20_000):
            hashes = random.Random(seed * 7 + true)
            found = estimate(sketch_of(hashes.getrandbits(64) for _ in range(true)))
            assert abs(found - true) / true < 4 / (K - 2) ** 0.5
