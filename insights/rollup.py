"""Roll-ups: how far a job's windows are merged into hours and days (UTC), and what spans they have then. Transactions: retention.py."""
import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import NamedTuple

from insights.cells import Unit
from insights.store import UnitKey
from insights.tables import START_US

HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US


class Marks(NamedTuple):
    """How far a run is rolled up, in microseconds since 1970; a start before all time for what was never done.

    Windows that start before days_us are days, others before merged_us hours; before dropped_us there are none any more.
    dropped_us <= days_us <= merged_us, and each stands where a span of its kind ends.
    """

    merged_us: int = START_US
    days_us: int = START_US
    dropped_us: int = START_US

    def span_of(self, window_us: int, base_us: int) -> int:
        """How long the stored window is in which the base window lies that starts then."""
        if window_us < self.days_us:
            return DAY_US
        return HOUR_US if window_us < self.merged_us else base_us

    def span_start(self, window_us: int, base_us: int) -> int:
        """Where that starts."""
        span_us = self.span_of(window_us, base_us)
        return window_us // span_us * span_us

    def together(self, other: "Marks") -> "Marks":
        """Where both runs can be merged to: of each mark the later one."""
        return Marks(*map(max, self, other))

    def widened(self, from_us: int | None, to_us: int | None, size_us: int) -> tuple[int | None, int | None]:
        """The range, so wide that it cuts neither a window of size_us nor a stored one that lies in it in part."""
        first = None if from_us is None else from_us // size_us * size_us
        end = None if to_us is None else -(-to_us // size_us) * size_us
        for before_us, span_us in ((self.merged_us, HOUR_US), (self.days_us, DAY_US)):
            step_us = math.lcm(size_us, span_us)
            first = first // step_us * step_us if first is not None and first < before_us else first
            end = -(-end // step_us) * step_us if end is not None and end < before_us else end
        return first, end


NEVER = Marks()


@dataclass(frozen=True, slots=True)
class Ages:
    """When windows are merged: so long before the end of the job's last closed window they must have ended, in event time.

    drop_us: when days are removed; none: never.
    """

    hours_us: int
    days_us: int
    drop_us: int | None = None


def spans_of(base_us: int) -> tuple[int, ...]:
    """What base windows of this length are merged into, the shortest first; nothing, where they do not fill it."""
    return tuple(span_us for span_us in (HOUR_US, DAY_US) if base_us < span_us and span_us % base_us == 0)


def merged(parts: Iterable[tuple[UnitKey, Unit]], start_us: int) -> dict[UnitKey, Unit]:
    """The units of one span from the units of the windows in it: what is not the window's own stays apart."""
    whole: dict[UnitKey, Unit] = {}
    for key, unit in parts:
        whole.setdefault(replace(key, window_us=start_us), Unit()).add(unit)
    return whole
