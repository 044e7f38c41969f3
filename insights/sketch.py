"""Distinct counts that merge: a K-minimum-values sketch over 64-bit hashes.

A sketch is a sorted tuple of the K smallest distinct hashes that were seen. Merging is associative, commutative and
idempotent, and the empty tuple is its unit, because "the K smallest of a union" does not ask in which order or how
often a value came.

Source: K. Beyer, P. J. Haas, B. Reinwald, Y. Sismanis, R. Gemulla, "On Synopses for Distinct-Value Estimation Under
Multiset Operations", SIGMOD 2007 (the unbiased estimator (k - 1) / U(k)); the idea: Z. Bar-Yossef, T. S. Jayram,
R. Kumar, D. Sivakumar, L. Trevisan, "Counting Distinct Elements in a Data Stream", RANDOM 2002.
"""
from collections.abc import Iterable

K = 256
SPACE = 1 << 64

Sketch = tuple[int, ...]


def sketch_of(hashes: Iterable[int]) -> Sketch:
    """The sketch of hashes in any order, with repetitions. A hash is uniform in [0, 2**64)."""
    return tuple(sorted(set(hashes))[:K])


def merge(a: Sketch, b: Sketch) -> Sketch:
    """The sketch of everything that either has seen."""
    if not b or (len(a) == K and b[0] > a[-1]):
        return a
    if not a or (len(b) == K and a[0] > b[-1]):
        return b
    return tuple(dict.fromkeys(sorted(a + b)))[:K]   # two sorted runs: faster than a set


def estimate(values: Sketch) -> int:
    """How many distinct hashes were seen: exact below K, else with a standard error of about 1/sqrt(K - 2), 6 %."""
    if len(values) < K:
        return len(values)
    return round((K - 1) * SPACE / (values[K - 1] + 1))
