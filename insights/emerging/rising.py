"""Which words of a window rise: their share of all records, against the windows before, by the test that alerts are told by."""
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from insights.alerts import detect
from insights.alerts.baseline import Floats
from insights.alerts.detect import Flags, Sensitivity, Windows
from insights.alerts.words import of
from insights.emerging.columns import Names, Window

WANTED = Sensitivity(widths=(1, 3, 10), gap=10, records=6)
MOST = 200   # words that are looked at in one window: those that rise most


class Rising(NamedTuple):
    """Words that rise in a window, in the order of their names. ids int32[N]; told bool[N]: surely, else perhaps.

    excess float64[N]: records more than expected, in one window.
    """

    names: Sequence[str]
    ids: NDArray[np.int32]
    told: Flags
    excess: Floats


def rising(history: Sequence[Window], size_us: int, wanted: Sensitivity, names: Names) -> Rising:
    """Those of the last window of history, which is to hold wanted.past windows before it."""
    history = history[-wanted.past - 1:]
    last = history[-max(wanted.widths):]
    recent = np.concatenate([window.words.ids for window in last])
    ids, place = np.unique(recent, return_inverse=True)
    records = np.bincount(place, np.concatenate([window.words.records for window in last]), len(ids))
    frequent = sorted([names.words.names[number] for number in ids[records >= wanted.records].tolist()])
    numbers = names.words.numbers(frequent)
    parts = np.array([of(window.words, numbers) for window in history], np.float64).T
    whole = np.array([window.records for window in history], np.float64)
    at = np.array([window.window_us // size_us for window in history], np.int64)
    spans = Windows(at, whole > 0, len(history) - 1, size_us)
    distinct = np.full(len(history), len(ids))
    ((_, said),) = detect.shares(parts, np.broadcast_to(whole, parts.shape), spans, wanted, both=False, distinct=distinct)
    rows = np.flatnonzero(said.told | said.weak)
    if len(rows) > MOST:
        rows = np.sort(rows[np.lexsort((rows, -said.size[rows], ~said.told[rows]))][:MOST])
    excess = (said.observed - said.expected)[rows] / said.width[rows]
    return Rising([frequent[row] for row in rows.tolist()], numbers[rows], said.told[rows], excess)
