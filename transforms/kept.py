"""The units of open windows in this process, on a runner that keeps nothing."""
import threading
from collections import defaultdict

from insights.cells import Unit

Key = tuple[int, str, str, str, int]   # window's start, origin, source, product, epoch


class KeptUnits:
    """What every pane so far adds up to, as MessagePack: in Python objects they would be much larger. Safe to use from several
    threads."""

    def __init__(self) -> None:
        self._windows: defaultdict[int, dict[Key, bytes]] = defaultdict(dict)
        self._lock = threading.Lock()

    def add(self, key: Key, pane: Unit) -> Unit:
        """The whole unit, the pane among it; it is the caller's own."""
        with self._lock:
            units = self._windows[key[0]]
            before = units.get(key)
            whole = Unit() if before is None else Unit.decode(before)
            whole.add(pane)
            units[key] = whole.encode()
            return whole

    def drop(self, until_us: int) -> None:
        """Forgets the windows that start before this: they are closed, nothing more comes for them."""
        with self._lock:
            for window in [window for window in self._windows if window < until_us]:
                del self._windows[window]
