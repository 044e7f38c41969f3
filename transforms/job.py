"""One job in this process: its ledger and its store, and the steps that make a poll durable. No Beam, no Kafka.

Runners rebuild readers and DoFns at will and call them from several threads; they all reach the one Job here by its key.
"""
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from insights.store import Place, Progress, Store, UnitKey
from privacy.policy import KeySource, Policy, read_key
from privacy.redact import Redactor
from schemas.decode import Decoder, event_keys
from schemas.records import DeadLetter, Reason, Rejected, TextEvent
from transforms.elements import EventChunk, KeyedUnit, PollBatch
from transforms.kept import KeptUnits
from transforms.ledger import Batch, Ledger
from transforms.letters import UNREAD, Letters
from transforms.originals import Seal, original_of, original_of_event

MASKED = Policy()
MAX_COUNTED_SOURCES = 1_000
NAMES = ("source", "product", "channel", "lang")


@dataclass(frozen=True, slots=True)
class JobSettings:
    """What a job is, in the same words on every worker.

    max_future_us: None in a backfill, which has no clock. runner_keeps_nothing: its state would end with this process, and a bundle that
    fails ends both (Prism): then open windows are kept in the process itself. sample_texts: whether cells keep the redacted texts of
    their samples. policy: what becomes of what is personal. originals: where the key is under which rejected records are kept; None: they
    are not.
    """

    store_url: str = field(repr=False)   # it may hold a password
    job: str
    kind: str
    run: int
    window_us: int
    lateness_us: int
    out_of_order_us: int
    max_future_us: int | None = None
    save_every_s: float = 0.5
    runner_keeps_nothing: bool = False
    sample_texts: bool = True
    policy: Policy = MASKED
    originals: KeySource | None = None

    @property
    def key(self) -> tuple[str, str, int]:
        """What names the job in this process."""
        return self.store_url, self.job, self.run


@dataclass(slots=True)
class Decoded:
    """What one origin's records say: events by row, a placeholder where one is rejected, with their times and hashed ids."""

    events: list[TextEvent]
    rejected: dict[int, Rejected]
    times_us: NDArray[np.int64]
    keys: NDArray[np.uint64]


@dataclass(slots=True)
class Raw:
    """Records of one origin: values, offsets int64[N], log timestamps in microseconds (or none) and headers; decoded: see Job.decode."""

    origin: str
    offsets: NDArray[np.int64]
    values: Sequence[Any]
    times_us: Sequence[int | None]
    headers: Sequence[Mapping[str, str]] = ()
    decoded: Decoded | None = None


@dataclass(slots=True)
class Counters:
    """What the metrics show of a job in this process."""

    dead: dict[Reason, int] = field(default_factory=dict)
    records: dict[tuple[str, str], int] = field(default_factory=dict)   # (source, outcome)

    def count(self, poll: PollBatch) -> None:
        """Adds a poll that was handed on."""
        for letter in poll.dead:
            self.count_dead(letter)
        for source, number in Counter(event.source for event in (poll.chunk.events if poll.chunk else ())).items():
            self._add(source, "counted", number)

    def count_dead(self, letter: DeadLetter) -> None:
        """Adds a dead letter; a gap is no record."""
        self.dead[letter.reason] = self.dead.get(letter.reason, 0) + 1
        if letter.reason is not Reason.GAP:
            self._add(letter.source, letter.reason.value, 1)

    def _add(self, source: str, outcome: str, number: int) -> None:
        key = (source, outcome)
        if key not in self.records and len(self.records) >= MAX_COUNTED_SOURCES:
            key = ("other", outcome)   # a hostile producer names a new source in every record
        self.records[key] = self.records.get(key, 0) + number


class Job:
    """The ledger of one job and the store that it writes. Methods hold the job's lock."""

    def __init__(
        self, settings: JobSettings, store: Store, decoder: Decoder, clock: Callable[[], float] = time.time,
        ledger: type[Ledger] = Ledger,
    ) -> None:
        self.settings, self.store, self.decoder, self.clock = settings, store, decoder, clock
        self.redactor = redactor_of(settings.policy, store)
        self.letters = Letters(self.redactor, self.now_us)
        self.seal = Seal(settings.job, settings.originals) if settings.originals else None
        self.lock = threading.RLock()
        self.kept_units = KeptUnits()
        self.counters = Counters()
        self.gaps: list[DeadLetter] = []     # to be saved
        self.untold: list[DeadLetter] = []   # saved gaps, for the next poll to carry to the other sinks
        self.save_due = 0.0
        self.overdue: tuple[int | None, float] = (None, 0.0)   # the first window that should be closed, and since when
        self.waits_since = 0.0   # by the clock, since when records wait for a schema that is not to be had; 0: none do
        self.stopping = False
        self.taken: deque[PollBatch] = deque()   # polls that were decided and not handed on, without their chunks
        self.on_stored: list[Callable[[float], object]] = []   # told the seconds from event time to the store, by poll
        self.first_read = self.last_write = 0.0                # by the clock: what a benchmark calls the pipeline's time
        self.unstored: list[int] = []                          # mean event times of polls handed on and not yet written
        self.ledger_class = ledger
        self._load()

    def _load(self) -> None:
        settings = self.settings
        closed_us, known = self.store.load(settings.job, settings.run)
        self.ledger = self.ledger_class(
            settings.window_us, settings.lateness_us, settings.out_of_order_us, closed_us, known)

    def take_over(self) -> None:
        """Before the first origin is added: this process reads for the job from now on, from what the store says now. Another one
        that is not as dead as it seemed writes nothing after this is loaded."""
        with self.lock:
            self.store.take_over(self.settings.job)
            self._load()

    def add(self, origin: str, beginning: int = 0) -> None:
        """An origin to read, whose log begins at an offset."""
        with self.lock:
            gap = self.ledger.add(origin, beginning)
            if gap:
                self.gaps.append(self.letters.of_gap(gap))

    def retire(self) -> None:
        """Ends the origins that the store knows and that were not added; a gap says what may be missing of them."""
        with self.lock:
            gone = self.ledger.known.keys() - self.ledger.origins.keys()
            gaps = [gap for name in gone if (gap := self.ledger.retire(name))]
            if gaps:
                self.gaps += [self.letters.of_gap(gap) for gap in gaps]
                self.save()
            for gap in gaps:
                self.ledger.drop(gap.origin)

    def decode(self, polled: Sequence[Raw]) -> None:
        """Decodes them, which needs no lock: the fused stage need not wait for it. Ids and names lose what is personal in them here, for
        they go everywhere; texts are the model's to read, and lose it on their way out. Raises SchemaUnavailable."""
        decode = self.decoder.decode
        for raw in polled:
            records = [decode(value, time_us) for value, time_us in zip(raw.values, raw.times_us, strict=True)]
            rejected = {row: record for row, record in enumerate(records) if isinstance(record, Rejected)}
            events = [UNREAD if isinstance(record, Rejected) else record for record in records]
            times = np.fromiter((event.time_us for event in events), np.int64, len(events))
            keys = event_keys([event.event_id for event in events])
            redact_fields(events, self.redactor)
            raw.decoded = Decoded(events, rejected, times, keys)

    def take(self, polled: Sequence[Raw]) -> PollBatch:
        """Decodes what is not decoded yet, decides one poll, and moves the positions behind it."""
        self.decode([raw for raw in polled if raw.decoded is None])
        with self.lock:
            self.first_read = self.first_read or (self.clock() if polled else 0.0)
            dead, self.untold = self.untold, []
            sealed: dict[Place, bytes] = {}
            placed = [self._place(raw, dead, sealed) for raw in polled]
            chunk = join_chunks([part for part in placed if part.events])
            earliest_us = int(chunk.times_us.min()) if chunk else self.ledger.reported_us
            count = sum(len(raw.values) for raw in polled)
            poll = PollBatch(chunk, dead, self.ledger.mark()[0], earliest_us, count, sealed=sealed)
            self.taken.append(replace(poll, chunk=None))
            return poll

    def hand_on(self, poll: PollBatch) -> None:
        """The fused stage: dead letters and positions in one transaction, then the ledger knows that the poll is out."""
        with self.lock:
            if poll.dead:
                self.store.write_dead(self.settings.job, self.settings.run, poll.dead, poll.positions, sealed=poll.sealed)
            self.ledger.handed_on(poll.positions)
            while self.taken and all(offset <= poll.positions.get(name, -1) for name, offset in self.taken[0].positions.items()):
                self.taken.popleft()
            self.counters.count(poll)
            if poll.chunk and self.on_stored:
                self.unstored.append(int(poll.chunk.times_us.mean()))

    def settle(self) -> None:
        """Before records are read again: what was decided is durable, and is evidence. They may come in another order then, and a copy
        must not be durable before there is evidence of its original."""
        with self.lock:
            dead = [letter for poll in self.taken for letter in poll.dead]
            sealed = {place: kept for poll in self.taken for place, kept in poll.sealed.items()}
            decided = {name: origin.decided for name, origin in self.ledger.origins.items()}
            self.store.write_dead(self.settings.job, self.settings.run, dead, decided, sealed=sealed)
            self.taken.clear()

    def reject(self, chunk: EventChunk, failed: Mapping[int, str]) -> tuple[list[DeadLetter], dict[int, UnitKey]]:
        """Counted records on which the model or a transform fails become dead letters, and count no more.

        Returns these, and by row the units that were emptied as a process before this one, with another model, may have counted the
        record in them: the caller has them written again. Where such a window is closed its unit holds the record, and it stays so.
        """
        letters, outdated, sealed = [], {}, dict[Place, bytes]()
        with self.lock:
            closed = self.ledger.was_closed(chunk.windows_us)
            for row, detail in failed.items():
                if closed[row]:
                    continue
                (origin, epoch), event = chunk.origins[chunk.origin[row]], chunk.events[row]
                offset, window_us = int(chunk.offsets[row]), int(chunk.windows_us[row])
                letters.append(self.letters.of_event(origin, offset, Reason.MODEL_ERROR, detail, event, window_us))
                if self.seal and (kept := self.seal.seal(original_of_event(event), (origin, offset))):
                    sealed[origin, offset] = kept
                if self.ledger.decided_before(origin, offset):
                    outdated[row] = UnitKey(window_us, origin, event.source, event.product, epoch)
            self.store.write_dead(self.settings.job, self.settings.run, letters, {}, set(outdated.values()), sealed)
            for letter in letters:
                self.ledger.failed(letter.origin, letter.window_us or 0, [letter.offset])
                self.counters.count_dead(letter)
        return letters, outdated

    def write(self, batch: Sequence[KeyedUnit]) -> None:
        """Whole units, in one transaction."""
        waiting, self.unstored = self.unstored, []
        self.store.write_units(self.settings.job, self.settings.run, batch, self.now_us())
        self.last_write = self.clock()
        for time_us in waiting:
            for told in self.on_stored:
                told((self.now_us() - time_us) / 1e6)

    def save(self) -> dict[str, int]:
        """Closes what can be closed and saves where to start again; returns these offsets."""
        with self.lock:
            ledger, settings = self.ledger, self.settings
            covered = self.store.covered(settings.job, settings.run, ledger.closed_us - settings.window_us)
            ledger.close(covered)
            self.kept_units.drop(ledger.closed_us)
            rows = [self._progress(name) for name in ledger.origins]
            self.store.save(settings.job, settings.run, ledger.closed_us, ledger.watermark_us, rows, self.gaps)
            self.untold += self.gaps
            self.gaps = []
            overdue = ledger.overdue()
            if overdue is None or overdue != self.overdue[0]:
                self.overdue = overdue, self.clock()
            for row in rows:
                ledger.forget(row.origin, row.saved)
            self.save_due = self.clock() + settings.save_every_s
            return {row.origin: row.saved for row in rows}

    def finish(self) -> None:
        """A backfill has read all of its files: saves how many records they held."""
        with self.lock:
            for name, origin in self.ledger.origins.items():
                self.ledger.handed_on({name: origin.position})
            rows = [self._progress(name) for name in self.ledger.origins]
            self.store.save(self.settings.job, self.settings.run, self.ledger.closed_us, self.ledger.closed_us, rows)

    def stuck_s(self) -> float:
        """For how long the same expired window has waited for records that were handed on and never reached the store."""
        window, since = self.overdue
        return 0.0 if window is None else self.clock() - since

    def settled(self) -> bool:
        """True when everything that was read is in the store."""
        with self.lock:
            covered = self.store.covered(self.settings.job, self.settings.run, self.ledger.closed_us - self.settings.window_us)
            handed = all(origin.position <= origin.frontier for origin in self.ledger.origins.values())
            return handed and all(self.ledger.complete(window, covered) for window in self.ledger.open)

    def now_us(self) -> int:
        """The clock, in microseconds since 1970."""
        return int(self.clock() * 1_000_000)

    def _progress(self, name: str) -> Progress:
        origin = self.ledger.origins[name]
        saved, records = self.ledger.safe(name)
        read_records, open_records = self.ledger.handed(name)
        return Progress(name, saved, records, origin.epoch, origin.frontier, read_records, open_records)

    def _place(self, raw: Raw, dead: list[DeadLetter], sealed: dict[Place, bytes]) -> EventChunk:
        """Decides one origin's records: dead letters are added to `dead`, what they were to `sealed`, the counted ones returned."""
        assert raw.decoded
        events, rejected, times, keys = raw.decoded.events, raw.decoded.rejected, raw.decoded.times_us, raw.decoded.keys
        self._reject_future(raw, times, rejected)
        batch = Batch(raw.offsets, keys, times, {row: record.reason for row, record in rejected.items()})
        verdict = self.ledger.decide(raw.origin, batch)
        for row, reason in sorted(verdict.dead.items()):
            place, why = (raw.origin, int(raw.offsets[row])), rejected.get(row)
            event = None if events[row] is UNREAD else events[row]
            headers = raw.headers[row] if raw.headers else {}
            dead.append(self.letters.of_record(
                place, reason, why.detail if why else "", raw.values[row], event, int(verdict.windows_us[row]), headers))
            if self.seal and (kept := self.seal.seal(original_of(raw.values[row], raw.times_us[row]), place)):
                sealed[place] = kept
        epoch = self.ledger.origins[raw.origin].epoch
        rows = np.flatnonzero(verdict.counted)
        chosen = events if len(rows) == len(events) else [events[row] for row in rows.tolist()]
        return EventChunk(
            chosen, keys[rows], raw.offsets[rows], times[rows], verdict.windows_us[rows], np.zeros(len(rows), np.int64),
            [(raw.origin, epoch)])

    def _reject_future(self, raw: Raw, times: NDArray[np.int64], rejected: dict[int, Rejected]) -> None:
        """One bad clock must not make everything else late. Only what is new is judged: what was decided stays so."""
        if self.settings.max_future_us is None:
            return
        limit = self.now_us() + self.settings.max_future_us
        ahead = (times > limit) & (raw.offsets >= self.ledger.origins[raw.origin].decided)
        for row in np.flatnonzero(ahead).tolist():
            seconds = (int(times[row]) - limit + self.settings.max_future_us) / 1e6
            rejected[row] = Rejected(Reason.FUTURE_TIME, f"event_time is {seconds:.0f} s ahead of the clock (--max-future)")


def join_chunks(parts: Sequence[EventChunk]) -> EventChunk | None:
    """One chunk of all parts, in order."""
    if len(parts) <= 1:
        return parts[0] if parts else None
    return EventChunk(
        [event for part in parts for event in part.events],
        np.concatenate([part.keys for part in parts]), np.concatenate([part.offsets for part in parts]),
        np.concatenate([part.times_us for part in parts]), np.concatenate([part.windows_us for part in parts]),
        np.repeat(np.arange(len(parts)), [len(part.events) for part in parts]), [part.origins[0] for part in parts])


def redactor_of(policy: Policy, store: Store) -> Redactor:
    """The policy with its key, or the store's. Raises PolicyError."""
    return Redactor(policy, read_key(policy.key) or store.pseudonym_key())


def redactor_of_job(settings: JobSettings, decoder: Callable[[], Decoder]) -> Redactor:
    """Of the process's one Job of these settings."""
    return job_of(settings, decoder).redactor


def redact_fields(events: Sequence[TextEvent], redactor: Redactor) -> None:
    """Takes what is personal out of ids and names."""
    changed_ids = redactor.ids([event.event_id for event in events])
    for event in events if changed_ids else ():
        event.event_id = changed_ids.get(event.event_id, event.event_id)
    changed = redactor.names({getattr(event, name) for name in NAMES for event in events})
    for event in events if changed else ():
        for name in NAMES:
            if (value := getattr(event, name)) in changed:
                setattr(event, name, changed[value])


_jobs: dict[tuple[str, str, int], Job] = {}
_jobs_lock = threading.Lock()


def job_of(settings: JobSettings, decoder: Callable[[], Decoder]) -> Job:
    """The process's one Job of these settings, made when first asked for."""
    with _jobs_lock:
        if settings.key not in _jobs:
            store = Store(settings.store_url)
            _jobs[settings.key] = Job(settings, store, decoder())
        return _jobs[settings.key]


def running_jobs() -> list[Job]:
    """The jobs of this process."""
    with _jobs_lock:
        return list(_jobs.values())
