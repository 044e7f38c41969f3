"""What a store must say, worked out from the log's own records in plain Python; shares no code with the pipeline.

A record is known by its place (origin, offset). Of each event the copies that have no dead letter must be one, or none
when all of them are late; the one stands in the cell of its window, source and product.
"""
import json
import re
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from timing import US, Timing
from traffic import POISON

Place = tuple[str, int]
Part = tuple[int, str, str]   # window, source, product
GAP = re.compile(r"offsets (\d+) to (\d+) .*at most (\d+) records")


@dataclass(frozen=True, slots=True)
class Logged:
    """A record as the log holds it."""

    origin: str
    offset: int
    value: bytes | None

    @property
    def place(self) -> Place:
        """Where it stands."""
        return self.origin, self.offset


@dataclass(slots=True)
class Stored:
    """What a store says, by SQL of our own: records by part, (reason, first seen) by place, lost ranges by origin."""

    parts: Counter[Part] = field(default_factory=Counter)
    letters: dict[Place, tuple[str, int]] = field(default_factory=dict)
    gaps: dict[str, tuple[int, int, int]] = field(default_factory=dict)
    twice_dead: list[Place] = field(default_factory=list)

    @classmethod
    def of(cls, path: Path, job: str) -> "Stored":
        """The whole store of a job."""
        found = cls()
        db = sqlite3.connect(path)
        query = (
            "select window_us, source, product, cells.records from units join cells on cells.unit = units.id "
            "where job = ?")
        for window_us, source, product, records in db.execute(query, (job,)):
            found.parts[window_us, source, product] += records
        query = 'select origin, "offset", reason, detail, first_seen_us from dead_letters where job = ?'
        for origin, offset, reason, detail, seen_us in db.execute(query, (job,)):
            if reason == "gap":
                first, last, lost = map(int, GAP.search(detail).groups())
                found.gaps[origin] = (first, last + 1, lost)
                continue
            if (origin, offset) in found.letters:
                found.twice_dead.append((origin, offset))
            found.letters[origin, offset] = (reason, seen_us)
        db.close()
        return found


@dataclass(slots=True)
class Verdict:
    """One case. lost: records that stand in no cell and have no letter; named: such records that a gap names."""

    records: int = 0
    copies: int = 0
    dead: Counter[str] = field(default_factory=Counter)
    windows: set[int] = field(default_factory=set)
    wrong_windows: set[int] = field(default_factory=set)
    lost: int = 0
    twice: int = 0
    named: int = 0
    complaints: list[str] = field(default_factory=list)

    @property
    def right(self) -> bool:
        """Nothing to complain about."""
        return not (self.wrong_windows or self.lost or self.twice or self.complaints)


@dataclass(slots=True)
class _Event:
    part: Part
    poisoned: bool
    places: list[Place] = field(default_factory=list)


def judge(
    log: Iterable[Logged], stored: Stored, bad: Mapping[bytes | None, str], too_late: set[str], timing: Timing
) -> Verdict:
    """Compares a store with the log.

    bad: value -> the reason that its letter must give. too_late: events whose window was closed when they were sent.
    """
    verdict = Verdict(dead=Counter(reason for reason, _ in stored.letters.values()))
    verdict.complaints += [f"two dead letters at {place}" for place in stored.twice_dead[:3]]
    events: dict[str, _Event] = {}
    unaccounted = -sum(stored.parts.values()) - len(stored.letters)
    for record in log:
        verdict.records += 1
        unaccounted += 1
        if record.value in bad:
            _check_bad(record, bad[record.value], stored, verdict)
        else:
            _add(record, timing, events)
    verdict.copies = sum(len(event.places) - 1 for event in events.values())
    least, most = _expected(events, stored, too_late, timing, verdict)
    for part in least.keys() | most.keys() | stored.parts.keys():
        verdict.windows.add(part[0])
        under, over = least[part] - stored.parts[part], stored.parts[part] - most[part]
        if under > 0 or over > 0:
            verdict.wrong_windows.add(part[0])
        verdict.lost += max(0, under)
        verdict.twice += max(0, over)
        verdict.named += max(0, most[part] - stored.parts[part] - max(0, under))
    _balance(unaccounted, stored, verdict)
    return verdict


def _add(record: Logged, timing: Timing, events: dict[str, _Event]) -> None:
    row = json.loads(record.value or b"")
    when = row["event_time"]
    time_us = when * 1000 if isinstance(when, int) else round(datetime.fromisoformat(when).timestamp() * 1000) * 1000
    part = (timing.window_of(time_us), row["source"], row["product"])
    events.setdefault(row["event_id"], _Event(part, POISON in row["text"])).places.append(record.place)


def _check_bad(record: Logged, reason: str, stored: Stored, verdict: Verdict) -> None:
    found = stored.letters.get(record.place, ("none", 0))[0]
    if found == "none" and _in_gap(record.place, stored):
        verdict.named += 1
    elif found != reason:
        verdict.complaints.append(f"{record.place}: the letter should say {reason}, it says {found}")


def _in_gap(place: Place, stored: Stored) -> bool:
    first, end, _ = stored.gaps.get(place[0], (0, 0, 0))
    return first <= place[1] < end


def _expected(
    events: Mapping[str, _Event], stored: Stored, too_late: set[str], timing: Timing, verdict: Verdict
) -> tuple[Counter[Part], Counter[Part]]:
    """The least and the most that each part may hold; they differ where a gap makes it unknowable."""
    least: Counter[Part] = Counter()
    most: Counter[Part] = Counter()
    kinds: dict[str, list[str]] = defaultdict(list)
    for event_id, event in events.items():
        reasons = [stored.letters[place][0] for place in event.places if place in stored.letters]
        alive = [place for place in event.places if place not in stored.letters]
        sure = sum(not _in_gap(place, stored) for place in alive)
        least[event.part] += min(1, sure)
        most[event.part] += min(1, len(alive))
        for kind in _faults(event, event_id in too_late, reasons, alive, stored, timing):
            kinds[kind].append(event_id)
    verdict.complaints += [f"{kind}: {len(ids)} events, such as {ids[:3]}" for kind, ids in kinds.items()]
    return least, most


def _faults(
    event: _Event, too_late: bool, reasons: list[str], alive: list[Place], stored: Stored, timing: Timing
) -> Iterable[str]:
    """What is wrong with the letters of an event."""
    gapped = any(_in_gap(place, stored) for place in event.places)
    if len(alive) > 1 and not gapped:
        yield "more than one copy has no letter"
    if alive and event.poisoned and not gapped:
        yield "a poisoned record has no letter"
    if alive and too_late and not gapped:
        yield "counted in a window that had been closed"
    if "model_error" in reasons and not event.poisoned:
        yield "model_error without poison"
    if "duplicate" in reasons and not (alive or "model_error" in reasons):
        yield "all copies are duplicates or late, none is the original"
    if set(reasons) - {"late", "duplicate", "model_error"}:
        yield f"a good record has the letter {sorted(set(reasons))}"
    open_until_us = event.part[0] + (timing.window_s + timing.edge_s) * US
    seen = [stored.letters[place] for place in event.places if place in stored.letters]
    if any(reason == "late" and seen_us < open_until_us for reason, seen_us in seen):
        yield "called late before its window could expire"


def _balance(unaccounted: int, stored: Stored, verdict: Verdict) -> None:
    named = sum(lost for _, _, lost in stored.gaps.values())
    if unaccounted < 0 or unaccounted > named:
        verdict.complaints.append(f"records in no place or two: {unaccounted}, of which gaps name at most {named}")
        verdict.lost = max(verdict.lost, unaccounted - named)
        verdict.twice = max(verdict.twice, -unaccounted)
