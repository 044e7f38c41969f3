"""Which words of a window belong together."""
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from insights.alerts.detect import Sensitivity
from insights.emerging.columns import Names, Window, profiles
from insights.emerging.rising import WANTED, Rising, rising
from insights.emerging.together import groups
from insights.emerging.topics import Group

TOGETHER_WINDOWS = 30   # in which words are to stand in the same records
LEAST_WORDS = 2


def find(history: Sequence[Window], size_us: int, names: Names, wanted: Sensitivity = WANTED) -> list[Group]:
    """The groups of words that rise together in the last window of history, which is to hold wanted.past windows before it."""
    return grouped(history, rising(history, size_us, wanted, names), names)


def grouped(history: Sequence[Window], found: Rising, names: Names) -> list[Group]:
    """The rising words of the last window, in groups of two or more; words that go with no other are left out."""
    if len(found.ids) < LEAST_WORDS:
        return []
    last = history[-TOGETHER_WINDOWS:]
    of_word = groups(*profiles(last, found.ids, names), sum(window.records for window in last))
    made = [_group(found, of_word == number) for number in range(int(of_word.max()) + 1)]
    return [group for group in made if len(group.words) >= LEAST_WORDS]


def _group(found: Rising, members: NDArray[np.bool_]) -> Group:
    rows = np.flatnonzero(members & (found.excess > 0)).tolist()
    return Group({found.names[row]: float(found.excess[row]) for row in rows}, int(found.told[rows].sum()))
