"""Which rising words belong to one topic.

Cells do not say which words stand in one text. But how many records of a cell hold two words goes up and down together only as far as
the same records hold both: for records that come as they like (Poisson), the covariance of the two counts is the expected number of
records with both. It is estimated from the changes of the counts from window to window within each group of cells, so that a common
level, a common rise or a common day do not count, and given as a share of the records of both (Ochiai's coefficient, a cosine).
"""
import numpy as np
from numpy.typing import NDArray
from scipy.cluster import hierarchy
from scipy.spatial.distance import squareform

from insights.alerts.baseline import Floats

LIKE = 0.25   # mean share of common records, from which two groups of words are one


def likeness(counts: Floats) -> Floats:
    """float64[words, words], 1 for the same; from counts by word, group of cells and window, float64[words, groups, windows]."""
    changes = np.diff(counts, axis=2, prepend=0.0, append=0.0).reshape(len(counts), -1)
    common = changes @ changes.T
    own = np.sqrt(np.maximum(np.diag(common), 1e-12))
    return np.asarray(common / own / own[:, None])


def groups(alike: Floats, threshold: float = LIKE) -> NDArray[np.int64]:
    """The number of each word's group, int64[words]: average linkage up to a mean likeness of `threshold`."""
    if len(alike) < 2:
        return np.zeros(len(alike), np.int64)
    apart = np.maximum(1 - (alike + alike.T) / 2, 0)
    np.fill_diagonal(apart, 0)
    tree = hierarchy.linkage(squareform(apart, checks=False), "average")
    return np.asarray(hierarchy.fcluster(tree, 1 - threshold, "distance") - 1, np.int64)
