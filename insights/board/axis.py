"""The time axis of a page: whole steps of a length that reads well, never more than POINTS of them."""
from dataclasses import dataclass

from insights.board.types import POINTS

STEPS_S = (10, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 21_600, 43_200, 86_400)


@dataclass(frozen=True, slots=True)
class Axis:
    """points steps of step_us from start_us on. The first `known` are complete; the last `recent` of these are held against the others."""

    start_us: int
    step_us: int
    points: int
    known: int

    @property
    def end_us(self) -> int:
        """Where the last step ends."""
        return self.start_us + self.points * self.step_us

    @property
    def recent(self) -> int:
        """An eighth of the complete steps, at least one; none where there is nothing to hold it against."""
        return max(1, self.known // 8) if self.known > 1 else 0

    @property
    def recent_us(self) -> int:
        """Where the recent steps start."""
        return self.start_us + (self.known - self.recent) * self.step_us

    @property
    def known_us(self) -> int:
        """Where the recent steps end, and those begin that still fill."""
        return self.start_us + self.known * self.step_us

    def edges(self) -> list[int]:
        """Where each step starts, and where the last ends."""
        return [self.start_us + point * self.step_us for point in range(self.points + 1)]


def axis_of(from_us: int, to_us: int, window_us: int, known_us: int) -> Axis:
    """The axis that holds [from_us, to_us): of the job's windows or the shortest of STEPS_S that are whole windows; else the
    smallest multiple of the longest of these. No points when to_us <= from_us. known_us: what ends then is complete.
    """
    steps = [window_us, *(step for step in (1_000_000 * seconds for seconds in STEPS_S) if step > window_us and step % window_us == 0)]
    for step in steps:
        axis = _axis(from_us, to_us, step, known_us)
        if axis.points <= POINTS:
            return axis
    times = (to_us - from_us) // (POINTS * steps[-1]) or 1
    while (axis := _axis(from_us, to_us, times * steps[-1], known_us)).points > POINTS:
        times += 1
    return axis


def _axis(from_us: int, to_us: int, step_us: int, known_us: int) -> Axis:
    start = from_us // step_us * step_us
    points = -(-(to_us - start) // step_us) if to_us > from_us else 0
    return Axis(start, step_us, points, max(0, min(points, (known_us - start) // step_us)))
