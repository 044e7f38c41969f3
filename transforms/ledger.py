"""The rules of the recovery protocol, and nothing else: what is decided, counted and durable, as this process knows it.

Pure: told every fact, no clock, no I/O, no Beam. docs/architecture.md explains each rule; tests/recovery crashes this
very class at every step. Times are microseconds since 1970; an origin is "topic/partition" or an archive file.
"""
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from insights.store import Known
from insights.tables import START_US
from schemas.records import Reason
from transforms.seen import SeenIds

FOREVER_US = 1 << 62


@dataclass(slots=True)
class Batch:
    """Records of one origin in the order of their offsets.

    offsets int64[N]; keys uint64[N]: hashed event ids; times_us int64[N]; rejected: row -> the decoder's reason (the key and
    time of such a row mean nothing).
    """

    offsets: NDArray[np.int64]
    keys: NDArray[np.uint64]
    times_us: NDArray[np.int64]
    rejected: Mapping[int, Reason] = field(default_factory=dict)


@dataclass(slots=True)
class Verdict:
    """What became of the rows of a batch: counted bool[N], dead letters by row; the others were counted long ago."""

    counted: NDArray[np.bool_]
    windows_us: NDArray[np.int64]
    dead: dict[int, Reason]


@dataclass(slots=True)
class OpenCount:
    """The records of one origin in one window that is not closed."""

    first_offset: int
    records: int


@dataclass(slots=True)
class Origin:
    """One partition or file, while this process reads it."""

    position: int               # the next offset to read
    decided: int                # offsets below: decided, by a durable row or in this process
    counted: int                # offsets below stand in Ledger.open if they count
    frontier: int               # offsets below: dead letters durable, chunks handed on
    dead: dict[int, Reason]
    records: int                # records read below `read`
    read: int                   # offsets below were read by this process
    saved: int = 0              # offsets below: dead letters, or in closed windows, and forgotten here
    frozen: int = 0             # offsets below stand in units that a gap froze
    epoch: int = 0
    latest_us: int = START_US   # the largest event time seen
    opened: int = 0             # records counted by this process
    bounds: deque[tuple[int, int, int]] = field(default_factory=deque)   # (offset, records, opened) at its polls


@dataclass(frozen=True, slots=True)
class Gap:
    """The log no longer holds what `saved` named. Of [first, end) at most `lost` records may be missing: those that it lost and those
    that were read but had not reached the store."""

    origin: str
    first: int
    end: int
    lost: int


class Ledger:
    """One per job, shared by all its readers. The caller holds a lock; see transforms/job.py.

    Duplicate, late and every other rejection is decided once, when a record is first read (decide), and the answer is the same
    however often it is asked, in this process or after a crash.
    """

    def __init__(
        self, window_us: int, lateness_us: int, out_of_order_us: int, closed_us: int = START_US,
        known: Mapping[str, Known] | None = None,
    ) -> None:
        self.window_us, self.lateness_us, self.out_of_order_us = window_us, lateness_us, out_of_order_us
        self.closed_us = closed_us                       # windows that end at or before this are closed
        self.watermark_us = closed_us + lateness_us      # what decides lateness
        self.reported_us = self.watermark_us             # what the runner is told
        self.known = dict(known or {})
        self.origins: dict[str, Origin] = {}
        self.open: dict[int, dict[str, OpenCount]] = {}
        self.seen: dict[int, SeenIds] = {}

    # partitions and files

    def add(self, name: str, beginning: int = 0) -> Gap | None:
        """An origin, at start or found while running. beginning: the first offset that the log still holds.

        A new origin starts there. Returns the gap when a known one must start above where it was saved: then all that was
        decided before stands in frozen units, and what follows goes into units of a new epoch.
        """
        known = self.known.get(name, Known())
        start = beginning if known.saved is None else known.saved
        if start >= beginning:
            self.origins[name] = Origin(
                position=start, decided=max(start, known.evidence), counted=start, frontier=start, dead=dict(known.dead),
                records=known.records, read=start, saved=start, epoch=known.epoch)
            return None
        decided = max(beginning, known.evidence)
        self.origins[name] = Origin(
            position=beginning, decided=decided, counted=decided, frontier=decided, dead=dict(known.dead),
            records=known.stored, read=decided, saved=beginning, frozen=decided, epoch=known.epoch + 1)
        return Gap(name, start, decided, decided - start)

    def retire(self, name: str) -> Gap | None:
        """An origin of which records are open, and that is no longer read: what is stored stays, in frozen units. As if its log had
        expired up to where it was decided. The caller saves, then calls drop()."""
        known = self.known[name]
        return self.add(name, known.evidence) if known.evidence > (known.saved or 0) else None

    def drop(self, name: str) -> None:
        """Forgets a retired origin, which must not hold the watermark back. Should it be found again, it goes on where it was decided."""
        if origin := self.origins.pop(name, None):
            self.known[name] = Known(origin.position, origin.records, origin.decided, {}, origin.epoch, origin.records)

    def replaying(self) -> bool:
        """True while any origin has still to pass what was decided before."""
        return any(origin.position < origin.decided for origin in self.origins.values())

    def limit(self, name: str) -> int:
        """While replaying: read no further than this, so that nothing new is decided before the old is back."""
        origin = self.origins[name]
        return max(origin.position, origin.decided)

    # reading

    def window_of(self, times_us: NDArray[np.int64]) -> NDArray[np.int64]:
        """The starts of the windows that the times fall into."""
        return times_us // self.window_us * self.window_us

    def decide(self, name: str, batch: Batch) -> Verdict:
        """Decides the rows that are new, repeats the decision on the others, and moves the position behind them."""
        origin = self.origins[name]
        windows = self.window_of(batch.times_us)
        verdict = Verdict(np.zeros(len(batch.offsets), np.bool_), windows, {})
        if not len(batch.offsets):
            return verdict
        self._count_read(origin, batch.offsets)
        good = np.ones(len(batch.offsets), np.bool_)
        good[list(batch.rejected)] = False
        old = self.was_decided(origin, batch.offsets)
        if old.any():
            self._repeat(name, origin, batch, old, good, verdict)
        if not old.all():
            self._decide_new(name, origin, batch, ~old, good, verdict)
        if good.any():
            origin.latest_us = max(origin.latest_us, int(batch.times_us[good].max()))
        end = int(batch.offsets[-1]) + 1
        origin.decided = max(origin.decided, end)
        origin.counted = max(origin.counted, end)
        origin.position = end
        return verdict

    def skip_to(self, name: str, offset: int) -> None:
        """Offsets below hold no records for us (control records, compacted away)."""
        origin = self.origins[name]
        if offset <= origin.position:
            return
        if origin.frontier == origin.position:   # nothing on its way: what holds nothing is handed on
            origin.frontier = offset
        origin.position = offset

    def _count_read(self, origin: Origin, offsets: NDArray[np.int64]) -> None:
        fresh = int((offsets >= origin.read).sum())
        if fresh:
            origin.bounds.append((max(int(offsets[0]), origin.read), origin.records, origin.opened))
            origin.records += fresh
            origin.read = int(offsets[-1]) + 1

    def _repeat(
        self, name: str, origin: Origin, batch: Batch, old: NDArray[np.bool_], good: NDArray[np.bool_], verdict: Verdict
    ) -> None:
        """Below the evidence: a dead letter if its row says so, skipped if its window is closed or frozen, else counted.

        Below what was saved, where a reader comes back to when it is built again from an old mark, all is skipped.
        """
        settled = self.was_settled(origin, batch.offsets)
        good[settled] = False   # its letter is forgotten: a time from the future among them must not move the watermark now
        old = old & ~settled
        count = old & good & ~self.was_closed(verdict.windows_us)
        for row in np.flatnonzero(old).tolist():
            reason = origin.dead.get(int(batch.offsets[row])) or batch.rejected.get(row)
            if reason:
                verdict.dead[row] = reason
                count[row] = False
            if reason is Reason.FUTURE_TIME:   # the clock has moved on, its letter stands: it must not move the watermark now
                good[row] = False
        frozen = count & (batch.offsets < origin.frozen)
        verdict.counted |= count & ~frozen
        again = self.was_counted(origin, batch.offsets)
        for window in np.unique(verdict.windows_us[count]).tolist():
            rows = count & (verdict.windows_us == window)
            self.seen.setdefault(window, SeenIds()).add(batch.keys[rows])
            self._open(name, window, batch.offsets[rows & ~again & ~frozen])

    def _decide_new(
        self, name: str, origin: Origin, batch: Batch, new: NDArray[np.bool_], good: NDArray[np.bool_], verdict: Verdict
    ) -> None:
        for row, reason in batch.rejected.items():
            if new[row]:
                verdict.dead[row] = origin.dead[int(batch.offsets[row])] = reason
        fresh = new & good
        windows = verdict.windows_us
        first = int(windows[fresh][0]) if fresh.any() else 0
        if fresh.any() and bool((windows[fresh] == first).all()):   # most polls lie in one window
            self._count_new(name, origin, batch, first, np.flatnonzero(fresh), verdict)
            return
        for window in np.unique(windows[fresh]).tolist():
            self._count_new(name, origin, batch, window, np.flatnonzero(fresh & (windows == window)), verdict)

    def _count_new(
        self, name: str, origin: Origin, batch: Batch, window: int, rows: NDArray[np.int64], verdict: Verdict
    ) -> None:
        keys = batch.keys[rows]
        seen = self.seen.get(window)
        if self.expired(window):
            duplicate = seen.contains(keys) if seen else np.zeros(len(rows), np.bool_)
            count, reasons = rows[:0], [Reason.DUPLICATE if copy else Reason.LATE for copy in duplicate.tolist()]
            rejected = rows
        else:
            if seen is None:
                seen = self.seen[window] = SeenIds()
            new = seen.add(keys)
            count, rejected = rows[new], rows[~new]
            reasons = [Reason.DUPLICATE] * len(rejected)
        for row, reason in zip(rejected.tolist(), reasons, strict=True):
            verdict.dead[row] = origin.dead[int(batch.offsets[row])] = reason
        verdict.counted[count] = True
        self._open(name, window, batch.offsets[count])

    def _open(self, name: str, window: int, offsets: NDArray[np.int64]) -> None:
        if not len(offsets):
            return
        entry = self.open.setdefault(window, {}).setdefault(name, OpenCount(int(offsets[0]), 0))
        entry.first_offset = min(entry.first_offset, int(offsets[0]))
        entry.records += len(offsets)
        self.origins[name].opened += len(offsets)

    def was_decided(self, origin: Origin, offsets: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which offsets were decided before."""
        return offsets < origin.decided

    def was_settled(self, origin: Origin, offsets: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which offsets lie below what was saved: nobody will ask for them again."""
        return offsets < origin.saved

    def was_closed(self, windows_us: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which windows are closed."""
        return windows_us + self.window_us <= self.closed_us

    def was_counted(self, origin: Origin, offsets: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which offsets stand in `open` already, if they count."""
        return offsets < origin.counted

    def expired(self, window_us: int) -> bool:
        """True when what comes now for this window is late."""
        return window_us + self.window_us + self.lateness_us <= self.watermark_us

    def advance(self, idle_us: Mapping[str, int]) -> None:
        """The watermark: the slowest origin; it stands still until a replay is over.

        idle_us: origin -> the time at which the broker said that its end is where we stand: the clock moves only such an origin.
        """
        if self.replaying() or not self.origins:
            return
        times = [max(origin.latest_us, idle_us.get(name, START_US)) for name, origin in self.origins.items()]
        self.watermark_us = self.reported_us = max(self.watermark_us, min(times) - self.out_of_order_us)

    def mark(self) -> tuple[dict[str, int], int]:
        """Where the readers stand, and the watermark they told."""
        return {name: origin.position for name, origin in self.origins.items()}, self.reported_us

    def rewind(self, positions: Mapping[str, int], reported_us: int) -> None:
        """A reader is built again from a mark: the runner may have thrown a bundle away."""
        for name, origin in self.origins.items():
            saved = self.known.get(name, Known()).saved
            origin.position = positions.get(name, saved or 0)
        self.reported_us = reported_us

    # becoming durable

    def handed_on(self, positions: Mapping[str, int]) -> None:
        """The fused stage wrote the dead letters of everything read before these positions."""
        for name, offset in positions.items():
            self.origins[name].frontier = max(self.origins[name].frontier, offset)

    def decided_before(self, name: str, offset: int) -> bool:
        """True when a process before this one decided the record, and may have counted it in a unit."""
        return offset < self.known.get(name, Known()).evidence

    def failed(self, name: str, window_us: int, offsets: Iterable[int]) -> None:
        """Counted records on which the model or a transform fails: their dead letters are durable, so they count no more."""
        origin = self.origins[name]
        entry = self.open.get(window_us, {}).get(name)
        for offset in offsets:
            if offset not in origin.dead:
                origin.dead[offset] = Reason.MODEL_ERROR
                if entry:
                    entry.records -= 1

    def close(self, covered: Mapping[tuple[int, str], int]) -> list[int]:
        """Closes expired, wholly stored windows in the order of their time; returns their starts.

        covered: (window, origin) -> records in the store, of the origin's current epoch.
        """
        closed = []
        for window in sorted(self.open.keys() | self.seen.keys()):
            if not (self.expired(window) and self.complete(window, covered)):
                break
            self.open.pop(window, None)
            self.seen.pop(window, None)
            self.closed_us = max(self.closed_us, window + self.window_us)
            closed.append(window)
        return closed

    def overdue(self) -> int | None:
        """The first window that has expired and is not closed, as its records are not all stored."""
        first = min(self.open.keys() | self.seen.keys(), default=None)
        return first if first is not None and self.expired(first) else None

    def complete(self, window_us: int, covered: Mapping[tuple[int, str], int]) -> bool:
        """True when the store holds every record that was counted in the window."""
        entries = self.open.get(window_us, {})
        return all(covered.get((window_us, name), 0) >= entry.records for name, entry in entries.items())

    def safe(self, name: str) -> tuple[int, int]:
        """(offset, records below it) from which a new process must start.

        The offset is where a poll began: at or below the first record of an open window and the end of what was handed on.
        """
        origin = self.origins[name]
        firsts = [entry.first_offset for counts in self.open.values() if (entry := counts.get(name))]
        least = min([origin.frontier, *firsts])
        while len(origin.bounds) > 1 and origin.bounds[1][0] <= least:
            origin.bounds.popleft()
        if origin.bounds and origin.bounds[0][0] <= least < origin.read:
            return origin.bounds[0][:2]
        return least, self._below(origin, least)[0]

    def handed(self, name: str) -> tuple[int, int]:
        """(records read, records of these in open windows) of what was handed on."""
        origin = self.origins[name]
        records, opened = self._below(origin, origin.frontier)
        return records, self.open_records(name) - (origin.opened - opened)

    @staticmethod
    def _below(origin: Origin, offset: int) -> tuple[int, int]:
        """(records, opened) at an offset where a poll began or ended."""
        if offset >= origin.read:
            return origin.records, origin.opened
        for begin, records, opened in origin.bounds:
            if begin >= offset:
                return records, opened
        return origin.records, origin.opened

    def forget(self, name: str, saved: int) -> None:
        """Below what was saved every record is durable for good, and its dead letter is not kept in memory."""
        origin = self.origins[name]
        origin.saved = max(origin.saved, saved)
        for offset in [offset for offset in origin.dead if offset < saved]:
            del origin.dead[offset]

    def open_records(self, name: str) -> int:
        """The records of an origin that stand in windows not closed."""
        return sum(entry.records for counts in self.open.values() if (entry := counts.get(name)))

    @property
    def seen_bytes(self) -> int:
        """The memory of the seen ids."""
        return sum(seen.size_bytes for seen in self.seen.values())
