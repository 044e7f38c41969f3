"""From the signals of one window after the other to alerts that open, last and close."""
from collections.abc import Iterable
from enum import StrEnum
from hashlib import blake2b

import msgspec

QUIET_WINDOWS = 3      # so many without a signal close an alert
COOLING_WINDOWS = 10   # a signal so soon after it closed opens the same alert again
TOGETHER_WINDOWS = 5   # an alert that opens so soon after another one belongs to the same incident
CRITICAL_SIZE = 4.0    # of a change: from 3 times a count, or 60 points of a share


class Kind(StrEnum):
    """What changed."""

    SPIKE = "spike"        # more records
    SILENCE = "silence"    # fewer
    WORSE = "worse"        # a larger share of them negative
    BETTER = "better"      # a smaller one
    TOPIC = "topic"        # a topic's share of all
    ENTITY = "entity"      # an entity's
    TERM = "term"          # a term's


MOODS = (Kind.WORSE, Kind.BETTER)
WORDS = (Kind.ENTITY, Kind.TERM)


class Severity(StrEnum):
    """How large the change was at its largest."""

    WARNING = "warning"
    CRITICAL = "critical"


class Series(msgspec.Struct, frozen=True, order=True):
    """Whose records: all, or those of one value of a dimension."""

    dimension: str = "all"
    value: str = ""


ALL = Series()


class Signal(msgspec.Struct, frozen=True):
    """A change of one series, as one window shows it. told: surprising enough to open an alert, else only to keep one open.

    observed, expected: records in the `width` windows that end with this one. whole: of how many, for a share, else 0.
    p: probability of a change as large where nothing happened. size: of the change, 1 is the smallest that is told.
    """

    kind: Kind
    series: Series
    told: bool
    width: int
    observed: int
    expected: float
    whole: int
    p: float
    size: float


class Alert(msgspec.Struct, frozen=True):
    """A change that lasted from window `opened_us` to window `last_us`. Times are starts of windows, microseconds since 1970.

    incident: the alerts that opened together: the id of the first of them. closed_us: the window that closed it, none while it is open.
    peak: its largest signal, of window peak_us.
    """

    id: str
    incident: str
    kind: Kind
    series: Series
    opened_us: int
    last_us: int
    closed_us: int | None
    peak_us: int
    peak: Signal

    @property
    def severity(self) -> Severity:
        """By the peak."""
        return Severity.CRITICAL if self.peak.size >= CRITICAL_SIZE else Severity.WARNING


class Watched(msgspec.Struct, frozen=True):
    """What the next window is judged with: the alerts that are open or cooling, in the order of their names.

    incident: the newest, to which the last alert was added in window joined_us.
    """

    alerts: tuple[Alert, ...] = ()
    incident: str = ""
    joined_us: int = 0


def step(watched: Watched, job: str, window_us: int, size_us: int, signals: Iterable[Signal]) -> tuple[Watched, list[Alert]]:
    """After one more window: what is watched from now on, and the alerts that it opened, changed or closed.

    window_us: its start. size_us: its length. Weak signals of a series that is not watched are of no account.
    """
    found = {(signal.kind, signal.series): signal for signal in signals}
    kept: list[Alert] = []
    changed: list[Alert] = []
    for alert in watched.alerts:
        signal = found.pop((alert.kind, alert.series), None)
        after = _go_on(alert, window_us, size_us, signal)
        if after != alert:
            changed.append(after)
        if after.closed_us is None or window_us - after.closed_us < COOLING_WINDOWS * size_us:
            kept.append(after)
    joined = watched.incident if watched.joined_us + TOGETHER_WINDOWS * size_us >= window_us else ""
    opened: list[Alert] = []
    for signal in sorted(found.values(), key=lambda signal: (signal.kind, signal.series)):
        if signal.told:
            opened.append(_open(job, window_us, size_us, signal, joined))
            joined = opened[0].incident
    everything = sorted([*kept, *opened], key=lambda alert: (alert.kind, alert.series))
    then = Watched(tuple(everything), *((joined, window_us) if opened else (watched.incident, watched.joined_us)))
    return then, sorted([*changed, *opened], key=lambda alert: (alert.kind, alert.series))


def _go_on(alert: Alert, window_us: int, size_us: int, signal: Signal | None) -> Alert:
    if signal and (signal.told or alert.closed_us is None):
        larger = signal.size > alert.peak.size
        return msgspec.structs.replace(
            alert, last_us=window_us, closed_us=None, peak=signal if larger else alert.peak,
            peak_us=window_us if larger else alert.peak_us)
    if alert.closed_us is None and window_us - alert.last_us >= QUIET_WINDOWS * size_us:
        return msgspec.structs.replace(alert, closed_us=window_us)
    return alert


def _open(job: str, window_us: int, size_us: int, signal: Signal, incident: str) -> Alert:
    began = window_us - (signal.width - 1) * size_us
    name = "\0".join((job, signal.kind, signal.series.dimension, signal.series.value, str(began)))
    number = blake2b(name.encode(), digest_size=8).hexdigest()
    return Alert(number, incident or number, signal.kind, signal.series, began, window_us, None, window_us, signal)
