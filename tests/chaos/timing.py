"""How long windows are in a battery, and the one way to wait: for a state, with a deadline."""
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

US = 1_000_000
_never = threading.Event()


@dataclass(frozen=True, slots=True)
class Timing:
    """What the job is told. edge_s: an event of the last moment of a window may come so long after it."""

    window_s: int = 10
    lateness_s: int = 15
    disorder_s: int = 3

    @property
    def edge_s(self) -> int:
        """Older events may be late."""
        return self.lateness_s + self.disorder_s

    def window_of(self, time_us: int) -> int:
        """Where the event's window starts."""
        return time_us - time_us % (self.window_s * US)


LONG = Timing()
SHORT = Timing(window_s=5, lateness_s=8, disorder_s=2)


class TooLate(Exception):
    """A state that did not come in time."""


def until(check: Callable[[], object], what: str, deadline_s: float = 240.0) -> float:
    """Polls until check() is true and returns the seconds that it took. Raises TooLate naming what was awaited."""
    begun = time.monotonic()
    while not check():
        if time.monotonic() - begun > deadline_s:
            raise TooLate(f"not within {deadline_s:.0f} s: {what}")
        _never.wait(0.1)
    return time.monotonic() - begun


def let_pass(seconds: float) -> None:
    """The length of a fault, or of undisturbed traffic."""
    _never.wait(seconds)
