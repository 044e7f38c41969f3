"""Which rising words belong to one topic.

Cells do not say which words stand in one text. But how many records of a group of cells hold two words goes up and down together only
as far as the same records hold both: for records that come as they like (Poisson), the covariance of the two counts is the expected
number of records with both. It is estimated from the changes of the counts from window to window, so that a common level or a common
day does not count; and from what is left of them once a word's usual share of its group's records is taken away, so that a group with
more records does not bring all of its words together. What that took, the records with both words that such shares make by chance, is
added again.

First, words that mostly stand in the same records are a group. Then groups join that share records more often than chance would have it:
the sides of one large event, each of which is said in a small part of its records.
"""
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.cluster import hierarchy
from scipy.spatial.distance import squareform

from insights.alerts.baseline import Floats

LIKE = 0.3    # mean share of common records, from which two groups of words are one
LIFT = 2.0    # common records of two groups, as a multiple of those expected by chance, from which they join
SURE = 2.5    # those common records, in standard errors


class Parts(NamedTuple):
    """What common records are reckoned from: the product of two words' rows, summed over both arrays, is how many they share.

    changes float64[words, G * (T - 1)], usual float64[words, G], for G groups of cells and T windows. Rows may be added up.
    """

    changes: Floats
    usual: Floats

    def with_row(self, row: int) -> Floats:
        """Records that each row shares with that one, float64[rows]."""
        return np.asarray(self.changes @ self.changes[row] + self.usual @ self.usual[row])


def groups(counts: Floats, volumes: Floats, records: float) -> NDArray[np.int64]:
    """The number of each word's group, int64[words].

    counts: records that hold the word, by word, group of cells and window, float64[words, G, T]. volumes: all records of these groups,
    float64[G, T]. records: of all groups and windows.
    """
    if len(counts) < 2:
        return np.zeros(len(counts), np.int64)
    apart = parts(counts, volumes)
    of_word = alike(apart)
    members = np.eye(int(of_word.max()) + 1)[:, of_word]
    shared = Parts(members @ apart.changes, members @ apart.usual)
    return joined(shared, members @ counts.sum((1, 2)), members.sum(axis=1), records)[of_word]


def parts(counts: Floats, volumes: Floats) -> Parts:
    """Of words; counts and volumes as groups() takes them."""
    whole = volumes.sum(axis=1)
    shares = counts.sum(axis=2) / np.maximum(whole, 1)
    changes = np.diff(counts - shares[:, :, None] * volumes, axis=2) / np.sqrt(2)   # a record appears and goes: it counts twice
    return Parts(changes.reshape(len(counts), -1), shares * np.sqrt(whole))


def alike(apart: Parts) -> NDArray[np.int64]:
    """The group of each word: average linkage up to a mean likeness of LIKE.

    Two words are alike by their common records as a share of the records of each (Ochiai's coefficient, a cosine).
    """
    common = apart.changes @ apart.changes.T + apart.usual @ apart.usual.T
    own = np.sqrt(np.maximum(np.diag(common), 1e-12))
    distance = np.maximum(1 - common / own / own[:, None], 0)
    np.fill_diagonal(distance, 0)
    tree = hierarchy.linkage(squareform(distance, checks=False), "average")
    return np.asarray(hierarchy.fcluster(tree, 1 - LIKE, "distance") - 1, np.int64)


def joined(shared: Parts, counts: Floats, words: Floats, records: float) -> NDArray[np.int64]:
    """The group that each group ends in, int64[groups]: the two that most surely share records join, again and again.

    shared: sums of their words' rows. counts float64[groups]: sums of their words' counts. words float64[groups]: how many. records: all.
    One of two that join has two words or more: single words found no likeness, and among so many pairs of them some seem to share records.
    """
    shared, counts, words = Parts(*(part.copy() for part in shared)), counts.copy(), words.copy()
    ends = np.arange(len(counts))
    surely = np.array([_surely(shared, counts, words, records, one) for one in range(len(counts))])
    while surely.max() >= SURE:
        one, other = sorted(divmod(int(np.argmax(surely)), len(surely)))
        ends[ends == other] = one
        for of_group in (*shared, counts, words):
            of_group[one] += of_group[other]
            of_group[other] = 0
        surely[one] = surely[:, one] = _surely(shared, counts, words, records, one)
        surely[other] = surely[:, other] = 0
    return np.unique(ends, return_inverse=True)[1].astype(np.int64)


def _surely(shared: Parts, counts: Floats, words: Floats, records: float, one: int) -> Floats:
    """In how many standard errors the group shares records with each other one, float64[groups]; 0 where they are not to join.

    The error of a sum of products is the root of the sum of their squares: such a ratio is near normal without anything in common,
    whatever the products' sizes (a self-normalized sum; Efron 1969). The multiple of chance is the lift of association rules.
    """
    common = shared.with_row(one)
    errors = np.sqrt(shared.changes ** 2 @ shared.changes[one] ** 2)
    may = (common >= LIFT * counts * counts[one] / max(records, 1.0)) & (np.maximum(words, words[one]) >= 2) & (errors > 0)
    may[one] = False
    return np.asarray(np.divide(common, errors, out=np.zeros(len(common)), where=may))
