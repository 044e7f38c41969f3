"""Copies of what stands in the runner's state, to be spared the way there and back."""
import threading
from collections import OrderedDict
from collections.abc import Hashable

MOST = 1_000   # of some 50 kB at most: what is written over and over; an older unit that a late record changes is asked for


class KeptUnits:
    """The encoded units last written into the runner's state, the latest of them. Asking the runner for one takes some milliseconds
    each, one after the other, and a bundle brings a hundred. Safe to use from several threads."""

    def __init__(self, most: int = MOST) -> None:
        self.most = most
        self._units: OrderedDict[Hashable, bytes] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> bytes | None:
        """The unit, if it is still here."""
        with self._lock:
            return self._units.get(key)

    def put(self, key: Hashable, unit: bytes) -> None:
        """Keeps the unit, in the place of the one that was written longest ago."""
        with self._lock:
            self._units[key] = unit
            self._units.move_to_end(key)
            if len(self._units) > self.most:
                self._units.popitem(last=False)
