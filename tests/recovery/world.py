"""A simulated log and runner around the product's own ledger, job and store: a random schedule of small steps, crashed at will.

What must hold at the end: every record stands in exactly one place (a unit or a dead letter), and the conservation law.
"""
import contextlib
import copy
import dataclasses
import random
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import sqlalchemy as sa

from insights import mending, tables
from insights.cells import Cell, Unit
from insights.letters import State
from insights.mending import Counted, Dealt, Selection
from insights.queries import job_row
from insights.store import Store, TakenOver, UnitKey
from insights.tables import START_US
from schemas.records import Reason, Rejected, TextEvent
from transforms.elements import EventChunk
from transforms.job import Job, JobSettings, Raw
from transforms.kafka_client import KafkaSettings
from transforms.kept import KeptUnits
from transforms.ledger import Ledger
from transforms.read_ahead import AHEAD, ReadAhead

S = 1_000_000
WINDOW, LATENESS, OUT_OF_ORDER, MAX_FUTURE = 10 * S, 15 * S, 3 * S, 8 * S
SETTINGS = JobSettings("sqlite://", "job", "stream", 0, WINDOW, LATENESS, OUT_OF_ORDER, MAX_FUTURE)
AHEAD_S = (4, 9, 12, 86_400)   # what the clocks of some producers say too much: within --max-future, just beyond, and far beyond
MODELS = "abc"


class Crash(Exception):
    """The process ends here."""


class ThrownAway(Exception):
    """The runner throws the bundle away, and builds the reader again from its last mark."""


@dataclass
class Faults:
    """How often a transaction fails."""

    rng: random.Random = field(default_factory=lambda: random.Random(0))
    rate: float = 0.0


class FailingStore(Store):
    """The real store, in memory, whose transactions fail when the schedule says so: half of them after the commit."""

    def __init__(self, url):
        self.faults = Faults()
        super().__init__(url)

    def transaction(self):
        fails = self.faults.rng.random() < self.faults.rate
        return _Failing(super().transaction(), fails, fails and self.faults.rng.random() < 0.5)

    def of_process(self):
        """The same database, opened by another process."""
        opened = copy.copy(self)
        opened.tokens = {}
        return opened


class _Failing:
    def __init__(self, inner, fails, after_commit):
        self.inner, self.fails, self.after_commit = inner, fails, after_commit

    def __enter__(self):
        return self.inner.__enter__()

    def __exit__(self, *error):
        if self.fails and error[0] is None:
            crash = Crash("the store failed")
            self.inner.__exit__(*((None, None, None) if self.after_commit else (Crash, crash, None)))
            raise crash
        return self.inner.__exit__(*error)


@dataclass(frozen=True)
class Record:
    """One line of the simulated log."""

    event_id: int
    time_us: int
    bad: bool = False      # the decoder rejects it
    poison: str = ""       # the models that fail on it
    control: bool = False  # a transaction's marker: it takes an offset and holds nothing


@dataclass
class Log:
    """One partition: all records ever, of which those below `begin` have expired.

    unheard: those below had expired before the job heard of the partition: nobody could read them or miss them.
    """

    records: list[Record] = field(default_factory=list)
    begin: int = 0
    unheard: int = 0


class Decode:
    """Values are positions in a list of records."""

    def __init__(self, logs):
        self.logs = logs

    def decode(self, value, _time):
        origin, offset = value
        record = self.logs[origin].records[offset]
        if record.bad:
            return Rejected(Reason.MALFORMED, "")
        return TextEvent(str(record.event_id), record.time_us, "", source=str(record.event_id % 2))

    def attributes(self, _value):
        return {}


class Client:
    """What the reading asks of Kafka beside records."""

    settings = KafkaSettings("", (), "", max_poll_records=6)

    def __init__(self, runner):
        self.runner = runner

    def lag(self, _positions):
        return {}

    def positions(self):
        """Control records are passed over."""
        passed = {}
        for name, log in self.runner.world.subscribed.items():
            at = self.runner.job.ledger.origins[name].position
            while at < len(log.records) and log.records[at].control:
                at += 1
            passed[name] = at
        return passed

    def idle(self, positions):
        world = self.runner.world
        return {name: world.now for name, log in world.subscribed.items() if positions[name] == len(log.records)}


class Runner:
    """One process: readers and a Beam runner that keeps all in memory. The order of its work is the schedule's."""

    def __init__(self, world):
        self.world, self.rng = world, world.rng
        self.model = world.model   # of this process, to its end
        store = world.store.of_process()
        self.job = world.parts.job(SETTINGS, store, Decode(world.logs), clock=lambda: world.now / S, ledger=world.parts.ledger)
        self.job.kept_units = world.parts.kept()
        world.haunt()
        self.job.take_over()
        world.haunt()
        self.pending, self.writes = [], []             # chunks before the grouping; whole units before the store
        self.news = defaultdict(Unit)                  # panes that have not fired
        self.state = defaultdict(Unit)                 # the unit kept in state, a pane added at a time
        self.source_watermark = self.watermark = START_US
        self.add_origins()
        self.job.retire()
        self.reading = world.parts.reading(self.job, Client(self))   # its thread is the schedule
        self.mark = self.reading.handed

    def add_origins(self):
        new = [name for name in self.world.subscribed if name not in self.job.ledger.origins]
        for name in new:
            log = self.world.logs[name]
            if name not in self.job.ledger.known and self.job.store.holds("job"):   # one thought dead may be the first to hear of it
                log.unheard = log.begin
            self.job.add(name, log.begin)
        if new:
            self.job.save()   # a gap is durable before anything is read

    def read_bundle(self):
        chunks = []
        try:
            for _ in range(self.rng.randint(1, 4)):
                if self.rng.random() < 0.05:
                    self.save()   # the reader saves when it is time, in the middle of a bundle too
                for _ in range(self.rng.randint(0, AHEAD - len(self.reading.ready))):
                    self.poll()
                    self.world.maybe_crash()
                if poll := self.reading.next():
                    self.maybe_throw_away()   # decided, and not handed on
                    self.job.hand_on(poll)
                    chunks += [poll.chunk] if poll.chunk else []
                self.world.maybe_crash()
                self.maybe_throw_away()
        except ThrownAway:
            self.reading.rewind(*self.mark)
            return
        self.source_watermark = max(self.source_watermark, self.reading.handed[1])
        self.pending += chunks
        self.mark = self.reading.handed

    def maybe_throw_away(self):
        if self.rng.random() < self.world.discard_rate:
            self.world.trace.append("throw_away")
            raise ThrownAway

    def poll(self):
        self.add_origins()
        ledger, polled, left = self.job.ledger, [], self.rng.randint(0, 6)
        replaying = ledger.replaying()
        if any(ledger.origins[name].position < log.begin for name, log in self.world.subscribed.items()):
            raise Crash("the log no longer holds what is to be read next")
        for name in self.rng.sample(list(ledger.origins), len(ledger.origins)):
            start, take = ledger.origins[name].position, self.rng.randint(0, left)
            end = min(start + take, len(self.world.logs[name].records), ledger.limit(name) if replaying else 10**9)
            held = [at for at in range(start, end) if not self.world.logs[name].records[at].control]
            if held:
                polled.append(Raw(name, np.array(held), [(name, at) for at in held], [None] * len(held)))
                left -= len(held)
        self.reading.take(polled)
        assert ledger.watermark_us <= self.world.now + MAX_FUTURE - OUT_OF_ORDER, "a record from the future moved the watermark"

    def process(self):
        chunk: EventChunk = self.pending.pop(self.rng.randrange(len(self.pending)))
        assert chunk.windows_us.min() + WINDOW + LATENESS > self.watermark, "the runner dropped a chunk that was counted"
        rows = list(zip(chunk.origin.tolist(), chunk.offsets.tolist(), chunk.windows_us.tolist(), chunk.events, strict=True))
        failed = {row: "poison" for row, (at, offset, _, _) in enumerate(rows)
                  if self.model in self.world.logs[chunk.origins[at][0]].records[offset].poison}
        if failed:
            _, outdated = self.job.reject(chunk, failed)
            for key in outdated.values():
                self.news[key].add(Unit())
            self.world.maybe_crash()
            if self.rng.random() < self.world.retry_rate:   # the bundle fails further down, and is processed again
                self.pending.append(chunk)
                return
        for row, (at, offset, window_us, event) in enumerate(rows):
            if row not in failed:
                origin, epoch = chunk.origins[at]
                self.news[UnitKey(window_us, origin, event.source, "", epoch)].add(self.tag(offset))

    def tag(self, offset):
        """Another model says another topic, and the same one may in another batch (a near tie)."""
        topic = self.model if self.rng.random() < 0.9 else self.rng.choice(MODELS)
        cell = Cell(records=1, neutral=1, entities={f"offset\t{offset}": 1})
        return Unit(records=1, last_offset=offset, cells={("en", topic): cell})

    def fire(self):
        earliest = [int(chunk.times_us.min()) for chunk in self.pending]
        self.watermark = max(self.watermark, min([self.source_watermark, *earliest]))
        for key in list(self.news):
            if self.rng.random() < 0.7 or key.window_us + WINDOW + LATENESS <= self.watermark:
                self.writes.append((key, self.keep(key, self.news.pop(key))))
        for key in [key for key in self.state if key.window_us + WINDOW + LATENESS <= self.watermark and key not in self.news]:
            del self.state[key]

    def keep(self, key, pane):
        """The whole unit: kept in the process on a runner that keeps nothing, else in the runner's state."""
        if self.world.runner_keeps_nothing:
            return self.job.kept_units.add(dataclasses.astuple(key), pane)
        self.state[key].add(pane)
        return Unit.decode(self.state[key].encode())

    def write(self):
        some = [self.writes.pop(self.rng.randrange(len(self.writes))) for _ in range(self.rng.randint(1, len(self.writes)))]
        self.job.write(some)
        if self.rng.random() < self.world.retry_rate:   # written, and the answer is lost
            self.writes += some

    def save(self):
        self.job.save()


@dataclass(frozen=True)
class Parts:
    """What of the product a world is made of; a mutant takes the place of one."""

    ledger: type[Ledger] = Ledger
    store: type[FailingStore] = FailingStore
    reading: type[ReadAhead] = ReadAhead
    kept: type[KeptUnits] = KeptUnits
    job: type[Job] = Job
    count: Callable[..., None] = mending.count


class World:
    """A schedule. The same seed gives the same one."""

    def __init__(self, seed, store, parts, steps):
        self.rng, self.store, self.parts, self.steps = random.Random(seed), store, parts, steps
        store.faults.rng, store.faults.rate = self.rng, 0.0
        self.logs = {f"t/{part}": Log() for part in range(self.rng.randint(1, 3))}
        self.now, self.restarts, self.next_id, self.gaps = 1_000_000 * S, 0, 0, False
        self.crash_rate, self.discard_rate = self.rng.choice([0, 0.002, 0.02]), self.rng.choice([0, 0.02, 0.1])
        self.expire_rate, self.poison_rate = self.rng.choice([0, 0, 0, 0.3]), self.rng.choice([0.02, 0.02, 0.2])
        self.control_rate, self.ahead_rate = self.rng.choice([0, 0.1]), self.rng.choice([0, 0.05])
        self.burst_rate, self.retry_rate = self.rng.choice([0, 0.1]), self.rng.choice([0, 0.1])
        self.retire_rate, self.zombie_rate = self.rng.choice([0, 0, 0, 0.2]), self.rng.choice([0, 0.3])
        self.mend_rate = self.rng.choice([0, 0.1])
        self.runner_keeps_nothing = self.rng.choice([False, True])
        self.replays = []   # batches of letters that somebody is about to count
        self.absent, self.zombie = set(), None   # partitions of topics that the job reads no more; a process thought dead
        self.model, self.trace = MODELS[0], []   # trace: what was done
        _clear(store)
        store.open_job("job", "stream", WINDOW, LATENESS)
        self.start()
        store.faults.rate = self.crash_rate / 4

    @property
    def subscribed(self):
        """The partitions that the job reads."""
        return {name: log for name, log in self.logs.items() if name not in self.absent}

    def choose_topics(self):
        """The job is started with other topics: one more, or one less."""
        if self.rng.random() < self.retire_rate:
            self.absent ^= {self.rng.choice(list(self.logs))}
            self.gaps = True

    def haunt(self):
        """A process that was thought dead goes on: what it has in hand must not reach the store."""
        zombie = self.zombie
        if zombie is None:
            return
        steps = [zombie.save, zombie.read_bundle] + [zombie.write] * bool(zombie.writes) + [zombie.process] * bool(zombie.pending)
        try:
            self.rng.choice(steps)()
        except TakenOver:
            self.trace.append("taken over")
        except Crash:
            self.zombie = None

    def start(self):
        try:
            self.runner = Runner(self)
        except Crash:
            self.restarts += 1
            self.start()

    def maybe_crash(self):
        if self.rng.random() < self.crash_rate:
            raise Crash("killed")

    def add_partition(self):
        if len(self.logs) < 4:
            self.logs[f"t/{len(self.logs)}"] = Log()

    def reappear(self):
        """A broker that lagged behind tells of all partitions again."""
        self.absent.clear()

    def swap_model(self):
        self.model = self.rng.choice(MODELS)

    def produce(self):
        burst = self.rng.random() < self.burst_rate   # then the readers lag, each partition by its own time
        for _ in range(self.rng.randint(20, 40) if burst else self.rng.randint(1, 5)):
            self.next_id += 1
            time_us = self.now - self.rng.choice([0, 0, 1, 2, 5, 10, 20, 40]) * S
            if self.rng.random() < self.ahead_rate:
                time_us = self.now + self.rng.choice(AHEAD_S) * S
            if burst and self.rng.random() < 0.2:
                self.tick()
            kind = self.rng.random()
            poison = self.rng.choice(("a", "bc", MODELS)) if 0.03 <= kind < 0.03 + self.poison_rate else ""
            record = Record(self.next_id, time_us, bad=kind < 0.03, poison=poison)
            for _ in range(2 if self.rng.random() < 0.1 else 1):   # one in ten comes twice
                self.append(record)
            if self.rng.random() < self.control_rate:
                self.append(Record(0, 0, control=True))

    def append(self, record):
        self.logs[self.rng.choice(list(self.logs))].records.append(record)

    def open_letters(self):
        """Somebody looks for dead letters that can be mended, and may be slow to go on."""
        with self.store.snapshot() as db:
            found = mending.letters(db, job_row(db, "job"), Selection("job"), size=10_000)
        left = [letter for letter in found if letter.state is State.DEAD and letter.reason is not Reason.DUPLICATE]
        if left:
            self.replays.append(self.rng.sample(left, self.rng.randint(1, min(5, len(left)))))

    def replay_letters(self):
        """They count them, all or none; killed on the way, before the commit or after it, they do not know, and try again."""
        batch = self.rng.choice(self.replays)
        counted, made = [], {}
        for letter in batch:
            record = self.logs[letter.origin].records[letter.offset]
            window_us = record.time_us // WINDOW * WINDOW
            counted.append(Counted(letter.origin, letter.offset, window_us, record.event_id))
            key = UnitKey(window_us, letter.origin, str(record.event_id % 2), "", -1)
            made.setdefault(key, Unit()).add(self.runner.tag(letter.offset))
        try:
            with self.store.snapshot() as db:
                about = job_row(db, "job")
            if len({(one.window_us, one.event_key) for one in counted}) == len(counted):
                self.parts.count(self.store, about, counted, made.items(), self.now)
        except Dealt:
            self.trace.append("dealt with")
        except Crash:
            self.trace.append("replay killed")
            return
        if self.rng.random() < 0.8:   # else it comes a second time
            self.replays.remove(batch)

    def drop_letters(self):
        """Somebody gives letters up that another may be about to count."""
        batch = self.rng.choice(self.replays)
        try:
            with self.store.snapshot() as db:
                about = job_row(db, "job")
            mending.drop(self.store, about, [letter.place for letter in batch[:1]], self.now)
        except Crash:
            self.trace.append("drop killed")

    def tick(self):
        self.now += self.rng.randint(1, 6) * S

    def step(self, producing):
        runner = self.runner
        steps = [runner.read_bundle, runner.read_bundle, runner.fire, runner.save, self.tick]
        steps += [runner.process] * 2 if runner.pending else []
        steps += [runner.write] if runner.writes else []
        steps += [self.produce] if producing else []
        steps += [self.haunt] if self.zombie else []
        if self.rng.random() < self.mend_rate:
            steps = [self.open_letters, *([self.replay_letters] * 2 + [self.drop_letters] if self.replays else [])]
        if producing and self.rng.random() < 0.02:
            steps = [self.add_partition, self.expire, self.swap_model, self.reappear]
        step = self.rng.choice(steps)
        self.trace.append(step.__name__)
        try:
            step()
            self.maybe_crash()
        except Crash as crash:
            self.restarts += 1
            self.trace.append(f"crash: {crash}")
            self.zombie = self.runner if self.rng.random() < self.zombie_rate else None
            if self.zombie:   # what it was doing failed: its runner takes the bundle back
                with contextlib.suppress(Crash):
                    self.zombie.reading.rewind(*self.zombie.mark)
            self.expire()
            self.choose_topics()
            self.start()

    def expire(self):
        """The oldest records of a partition run out of their retention, read or not."""
        for name, log in self.logs.items():
            if self.rng.random() < self.expire_rate:
                log.begin = max(log.begin, self.rng.randint(0, len(log.records)))
                self.gaps = self.gaps or name in self.runner.job.ledger.origins

    def drained(self):
        runner = self.runner
        ledger = runner.job.ledger
        at_end = all(
            name in ledger.origins and ledger.origins[name].position == len(log.records) for name, log in self.subscribed.items())
        return at_end and not (ledger.open or runner.reading.ready or runner.pending or runner.news or runner.writes)

    def run(self):
        """Steps, then drains, then checks. Raises AssertionError when a record is lost or counted twice."""
        for _ in range(self.steps):
            self.step(producing=True)
        self.crash_rate = self.store.faults.rate = self.expire_rate = self.retire_rate = 0
        for _ in range(1500):
            if self.drained():
                break
            self.step(producing=False)
        self.runner.save()
        self.check()

    @property
    def records(self):
        return sum(not record.control for log in self.logs.values() for record in log.records)

    def check(self):
        places, counted, dead = self.placed()
        self.check_replays()
        twice = [at for at, n in places.items() if n > 1]
        lost = [(name, at) for name, log in self.logs.items() for at in range(log.unheard, self.end_of(name))
                if not (places[name, at] or log.records[at].control)]
        lost = [at for at in lost if not self.named(at, dead)]
        assert not lost and not twice, f"lost {lost[:3]} twice {twice[:3]}"
        assert self.drained(), f"windows that never closed: {sorted(self.runner.job.ledger.open)[:3]}"
        if not self.gaps:
            assert max(counted.values(), default=1) == 1, "an event was counted twice in one window"
            self.check_duplicates(dead, counted)
        self.check_conservation()

    def end_of(self, name):
        """Offsets below must stand somewhere: all of a partition that is read, and what was decided of one that no longer is."""
        if name not in self.absent:
            return len(self.logs[name].records)
        with self.store.snapshot() as db:
            return db.scalar(sa.select(tables.progress.c.saved).where(tables.progress.c.origin == name)) or 0

    def placed(self):
        """(origin, offset) -> places; (window, event id) -> times counted; dead letters. Replays are left out: a letter stays one."""
        with self.store.snapshot() as db:
            dead = db.execute(sa.select(tables.dead_letters)).all()
        places, counted = self.counted(tables.units.c.epoch >= 0)
        for letter in dead:
            if letter.reason != Reason.GAP:
                places[letter.origin, letter.offset] += 1
        return places, counted, dead

    def counted(self, where):
        """(origin, offset) -> times; (window, event id) -> times, in the units that are meant."""
        with self.store.snapshot() as db:
            units = db.execute(sa.select(tables.units.c.window_us, tables.units.c.origin, tables.cells).join_from(
                tables.cells, tables.units, tables.cells.c.unit == tables.units.c.id).where(where)).mappings().all()
        places, counted = Counter(), Counter()
        for row in units:
            for name, times in Cell.from_row(row).entities.items():
                offset = int(name.split("\t")[1])
                record = self.logs[row["origin"]].records[offset]
                assert row["window_us"] <= record.time_us < row["window_us"] + WINDOW, "a record in a wrong window"
                places[row["origin"], offset] += times
                counted[row["window_us"], record.event_id] += times
        return places, counted

    @staticmethod
    def named(at, dead):
        """A lost record that a gap names."""
        origin, offset = at
        spans = [letter.detail.split(" ") for letter in dead if letter.reason == Reason.GAP and letter.origin == origin]
        return any(int(words[1]) <= offset <= int(words[3]) for words in spans)

    def check_replays(self):
        """What was replayed counts once, and nothing else counts beside the job's own units; each is a letter."""
        places, counted = self.counted(tables.units.c.epoch < 0)
        with self.store.snapshot() as db:
            outcomes = db.execute(sa.select(tables.outcomes).where(tables.outcomes.c.outcome == State.REPLAYED)).all()
            letters = {(row.origin, row.offset) for row in db.execute(sa.select(tables.dead_letters))}
        replayed = {(row.origin, row.offset): 1 for row in outcomes}
        assert places == replayed, f"replayed {sorted(replayed)[:3]}, counted {sorted(places)[:3]}"
        assert max(counted.values(), default=1) == 1, "an event was replayed twice into one window"
        assert replayed.keys() <= letters, "what was replayed is no dead letter any more"

    def check_duplicates(self, dead, counted):
        poisoned = {letter.event_id for letter in dead if letter.reason == Reason.MODEL_ERROR}
        for letter in dead:
            if letter.reason == Reason.DUPLICATE and letter.event_id not in poisoned:
                assert counted[letter.window_us, int(letter.event_id)], "a duplicate with no original"

    def check_conservation(self):
        with self.store.snapshot() as db:
            for row in db.execute(sa.select(tables.progress)).all():
                of_origin = (tables.units.c.origin == row.origin, tables.units.c.epoch >= 0)
                inside = db.scalar(sa.select(sa.func.coalesce(sa.func.sum(tables.units.c.records), 0)).where(*of_origin))
                outside = db.scalar(sa.select(sa.func.count()).select_from(tables.dead_letters).where(
                    tables.dead_letters.c.origin == row.origin, tables.dead_letters.c.reason != "gap"))
                assert row.open_records == 0 or row.origin in self.absent, "open records after everything closed"
                closed = row.read_records - row.open_records
                assert closed == inside + outside, f"{row.origin}: {closed} read and not open, {inside} + {outside} stored"


def _clear(store):
    with store.engine.begin() as db:
        for table in reversed(tables.metadata.sorted_tables):
            if table.name != "schema_version":
                db.execute(table.delete())
