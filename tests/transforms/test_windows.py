"""Windows on the real Prism: what is read stands in the store at once, late panes are added up, and nothing is dropped without a word."""
import random
import threading
from collections import Counter, deque

import apache_beam as beam
import numpy as np
import pytest
import sqlalchemy as sa
from apache_beam import coders
from apache_beam.io.unbounded_source import CheckpointMark, ReadFromUnboundedSource, UnboundedReader, UnboundedSource
from apache_beam.ml.inference.base import RunInference
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.utils.timestamp import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from insights import tables
from insights.cells import Cell, Unit
from insights.conservation import audit
from insights.store import Known, Store, UnitKey
from schemas.json_events import JsonDecoder
from schemas.records import Reason
from transforms import job as jobs
from transforms.aggregate import AggregateUnits, MergeUnits, UnitCoder
from transforms.elements import PollBatch
from transforms.job import Job, JobSettings, Raw
from transforms.read import HandOn
from transforms.sinks import Sinks
from transforms.tag import ChunkTagger

S = 1_000_000
WINDOW, LATENESS = 10 * S, 30 * S
START = 1_780_272_000 * S
A, B, C = "texts/0", "texts/1", "texts/2"

RUNNING = {}   # what the job of a test reads, and its tagger: the worker's threads live in this process


def decoder():
    return JsonDecoder(65_536)


def load():
    return RUNNING["tagger"]


class Script:
    """What the reader of the job finds next: polls, each with the watermark behind it. A test writes it while the job runs."""

    def __init__(self, job, eventually):
        self.job, self.told_us, self.eventually = job, job.ledger.reported_us, eventually
        self.lines = deque()
        self.asked = 0   # how often the runner looked for more
        self.lock = threading.Lock()
        self.sent = 0

    def read(self, *records, origin=A, watermark_us=None):
        """One poll of these (time_us, source, product, text), decided with the watermark as it is."""
        values = []
        for time_us, source, product, text in records:
            values.append((f'{{"event_id": "e{self.sent}", "event_time": {time_us // 1000}, "source": "{source}", '
                           f'"product": "{product}", "text": "{text}"}}').encode())
            self.sent += 1
        first = self.job.ledger.origins[origin].position
        poll = self.job.take([Raw(origin, np.arange(first, first + len(values)), values, [None] * len(values))])
        if watermark_us is not None:
            self._advance(watermark_us)
        with self.lock:
            self.lines.append((poll, self.job.ledger.reported_us))
        return poll

    def move(self, watermark_us):
        """The watermark alone; returns when the runner has been told and came back for more, several times."""
        self._advance(watermark_us)
        with self.lock:
            self.lines.append((None, self.job.ledger.reported_us))
            asked = self.asked
        self.eventually(lambda: self.asked >= asked + 5, "the runner takes the watermark")

    def _advance(self, watermark_us):
        ledger = self.job.ledger
        ledger.watermark_us = ledger.reported_us = max(ledger.watermark_us, watermark_us)

    def next(self):
        """The next poll, if there is one; the watermark told moves with each line."""
        with self.lock:
            self.asked += 1
            while self.lines:
                poll, self.told_us = self.lines.popleft()
                if poll:
                    return poll
            return None


class ScriptMark(CheckpointMark):
    """Nothing: the script stands where it stands."""

    def finalize_checkpoint(self):
        pass


class ScriptMarkCoder(coders.Coder):
    def encode(self, value):
        return b""

    def decode(self, encoded):
        return ScriptMark()

    def is_deterministic(self):
        return True


class ScriptSource(UnboundedSource):
    def split(self, desired_num_splits, options=None):
        return [self]

    def create_reader(self, options, checkpoint_mark):
        return ScriptReader()

    def get_checkpoint_mark_coder(self):
        return ScriptMarkCoder()

    def default_output_coder(self):
        return coders.PickleCoder()


class ScriptReader(UnboundedReader):
    def __init__(self):
        self.script = RUNNING["script"]
        self.current = PollBatch(None, [], {}, 0)

    def start(self):
        return self.advance()

    def advance(self):
        poll = self.script.next()
        self.current = poll or self.current
        return poll is not None

    def get_current(self):
        return self.current

    def get_current_timestamp(self):
        return Timestamp(micros=max(self.current.earliest_us, 0))

    def get_watermark(self):
        return Timestamp(micros=max(self.script.told_us, 0))

    def get_checkpoint_mark(self):
        return ScriptMark()

    def close(self):
        pass


@pytest.fixture(params=[True, False], ids=["in the process", "in the state"])
def job(request, tmp_path, monkeypatch, tagger):
    """A job that is this process's own, over three partitions and a store in a file. It keeps units in the process, or in the runner's
    state."""
    settings = JobSettings(
        f"sqlite:///{tmp_path / 'store.db'}", "job", "stream", 0, WINDOW, LATENESS, 0, runner_keeps_nothing=request.param)
    store = Store(settings.store_url)
    store.open_job("job", "stream", WINDOW, LATENESS)
    made = Job(settings, store, decoder())
    for origin in (A, B, C):
        made.add(origin)
    made.save()
    monkeypatch.setattr(jobs, "_jobs", {settings.key: made})
    monkeypatch.setitem(RUNNING, "tagger", tagger)
    yield made
    store.close()


@pytest.fixture
def script(prism, job, monkeypatch, eventually):
    """The script of a job that runs on Prism."""
    written = Script(job, eventually)
    monkeypatch.setitem(RUNNING, "script", written)
    options = PipelineOptions([
        "--streaming", "--runner=PortableRunner", f"--job_endpoint={prism}", "--environment_type=LOOPBACK",
        "--experiments=prism_disable_sdf_split", "--job_server_timeout=315360000"])
    pipeline = beam.Pipeline(options=options)
    _ = (
        pipeline
        | ReadFromUnboundedSource(ScriptSource(), poll_interval=0.05, max_records_per_bundle=20, max_read_time_seconds=1)
        | "HandOn" >> beam.ParDo(HandOn(job.settings, decoder, Sinks()))
        | "Tag" >> RunInference(ChunkTagger(load))
        | AggregateUnits(job.settings, decoder, load, Sinks()))
    result = pipeline.run()
    yield written
    result.cancel()


def stored(job):
    """(window, origin, source, product) -> (records, negative, positive) of the store."""
    units, cells = tables.units.c, tables.cells.c
    columns = (units.window_us, units.origin, units.source, units.product)
    sums = [sa.func.sum(column) for column in (cells.records, cells.negative, cells.positive)]
    with job.store.snapshot() as db:
        rows = db.execute(sa.select(*columns, *sums).join(tables.cells, cells.unit == units.id).group_by(*columns)).all()
    return {tuple(row[:4]): tuple(int(number) for number in row[4:]) for row in rows}


def count(job):
    return sum(records for records, _, _ in stored(job).values())


def post(time_us, text="good"):
    return time_us, "posts", "", text


def in_store(job, number):
    return lambda: count(job) == number


@pytest.mark.prism
def test_a_record_stands_in_the_store_before_its_window_ends_and_later_ones_are_added(script, job, eventually):
    script.read(post(START), post(START + S), post(START + 2 * S, "bad"))
    eventually(in_store(job, 3), "the first pane is stored")
    script.read(post(START + 3 * S, "bad"), watermark_us=START + 3 * S)
    eventually(in_store(job, 4), "the second pane is added")
    assert stored(job) == {(START, A, "posts", ""): (4, 2, 2)}
    assert job.ledger.watermark_us < START + WINDOW


@pytest.mark.prism
def test_late_panes_within_the_allowed_lateness_are_added_at_once_to_what_was_stored(script, job, eventually):
    script.read(post(START), post(START + S))
    eventually(in_store(job, 2), "the first pane is stored")
    for late in range(3):
        script.move(START + WINDOW + (5 + late) * S)
        script.read(post(START + 2 * S, "bad"))
        eventually(in_store(job, 3 + late), f"late pane {late} is added")
    assert stored(job) == {(START, A, "posts", ""): (5, 3, 2)}
    job.save()
    assert job.ledger.closed_us < START   # all this while the window is open


@pytest.mark.prism
def test_a_window_of_which_the_first_record_is_late_is_stored_too(script, job, eventually):
    script.read(post(START + 3 * WINDOW))
    eventually(in_store(job, 1), "the newer window is stored")
    script.move(START + WINDOW + LATENESS - S)
    script.read(post(START))
    eventually(in_store(job, 2), "the older one is stored")


@pytest.mark.prism
def test_the_runner_drops_nothing_that_the_ledger_counts_up_to_the_last_microsecond_of_the_lateness(script, job, eventually):
    end = START + WINDOW + LATENESS
    script.read(post(START))
    eventually(in_store(job, 1), "the first is stored")
    for number, before_us in enumerate((2 * S, 1_000, 1)):
        script.move(end - before_us)
        poll = script.read(post(START + S), watermark_us=end - before_us)
        assert poll.dead == []
        eventually(in_store(job, 2 + number), f"a record that came {before_us} microseconds before the end is stored")
    # What is read as the watermark passes the end was decided before that, and counts.
    assert script.read(post(START + S), watermark_us=end + 100 * S).dead == []
    eventually(in_store(job, 5), "the last one is stored")


@pytest.mark.prism
def test_what_comes_after_the_allowed_lateness_is_a_dead_letter_and_the_books_balance(script, job, eventually):
    script.read(post(START))
    script.read(post(START + S), origin=B, watermark_us=START + WINDOW + LATENESS)
    script.read(post(START + 2 * S), post(START + 5 * WINDOW))
    eventually(in_store(job, 3), "what is in time is stored")
    eventually(job.settled, "all is stored")
    job.save()
    books = audit(job.store)
    assert (books.findings, books.totals[0].dead, books.totals[0].in_cells, books.totals[0].open) == ([], {Reason.LATE: 1}, 2, 1)
    assert stored(job)[START, A, "posts", ""] == (1, 0, 1)


@pytest.mark.prism
def test_a_unit_without_the_record_that_only_the_newer_model_fails_on_takes_the_place_of_the_older_one(script, job, eventually):
    older = Unit(3, 2, {("en", "a"): Cell(records=3, positive=3)})
    job.store.write_units("job", 0, [(UnitKey(START, A, "posts", ""), older)], 1)
    job.ledger.known[A] = Known(evidence=3)   # as a process finds it
    job.ledger.origins[A].decided = 3
    script.read(post(START), post(START, "bad"))
    eventually(lambda: job.last_write > 0, "the smaller unit is written, and does not take the place of the larger")
    assert stored(job) == {(START, A, "posts", ""): (3, 0, 3)}
    script.read(post(START, "poison"), watermark_us=START + S)
    eventually(lambda: stored(job) == {(START, A, "posts", ""): (2, 1, 1)}, "the unit is written again")
    script.read(post(START + 9 * WINDOW), watermark_us=START + 9 * WINDOW)
    eventually(lambda: not job.save() or job.ledger.closed_us > START, "its window closes")
    books = audit(job.store)
    assert (books.findings, books.totals[0].dead, books.totals[0].in_cells) == ([], {Reason.MODEL_ERROR: 1}, 2)


def traffic(seed, polls):
    """(origin, records, watermark) of each poll: event times to the edge of the lateness behind a watermark that runs on."""
    chance = random.Random(seed)
    watermark_us = START
    for _ in range(polls):
        records = [
            (watermark_us + chance.randrange(-LATENESS + 1, 2 * WINDOW), chance.choice(["posts", "tickets"]), chance.choice(["", "phone"]),
             chance.choice(["good", "bad", "a parcel"]))
            for _ in range(chance.randrange(1, 12))]
        watermark_us += chance.choice([0, 0, S, 2 * WINDOW])
        yield chance.choice([A, B, C]), [(time_us // 1000 * 1000, *rest) for time_us, *rest in records], watermark_us


def plain_count(polls):
    """The same as stored(), of the polls, in plain Python."""
    found = {}
    for origin, records, _ in polls:
        for time_us, source, product, text in records:
            entry = found.setdefault((time_us // WINDOW * WINDOW, origin, source, product), Counter())
            entry["records"] += 1
            entry[text] += 1
    return {key: (entry["records"], entry["bad"], entry["good"]) for key, entry in found.items()}


@pytest.mark.prism
def test_the_units_in_the_store_are_a_plain_count_of_the_same_events(script, job, eventually):
    polls = list(traffic(7, 120))
    for origin, records, watermark_us in polls:
        assert script.read(*records, origin=origin, watermark_us=watermark_us).dead == []
    expected = plain_count(polls)
    eventually(lambda: stored(job) == expected, "the store says what plain Python counts", 60)
    script.move(polls[-1][2] + 100 * WINDOW)
    eventually(job.settled, "all is stored")
    eventually(lambda: not job.save() or not job.ledger.open, "all windows close")
    books = audit(job.store)
    assert (books.findings, books.totals[0].in_cells, books.totals[0].open) == ([], sum(len(records) for _, records, _ in polls), 0)
    assert stored(job) == expected


def test_a_backfill_of_the_same_events_counts_the_same(tmp_path, monkeypatch, tagger, eventually):
    settings = JobSettings(f"sqlite:///{tmp_path / 'store.db'}", "job", "backfill", 1, WINDOW, LATENESS, 0)
    store = Store(settings.store_url)
    store.open_job("job", "backfill", WINDOW, LATENESS)
    assert store.begin_run("job", 0) == settings.run
    job = Job(settings, store, decoder())
    monkeypatch.setattr(jobs, "_jobs", {settings.key: job})
    monkeypatch.setitem(RUNNING, "tagger", tagger)
    for origin in (A, B, C):
        job.add(origin)
    script, polls = Script(job, eventually), list(traffic(7, 120))
    for origin, records, _ in polls:
        script.read(*records, origin=origin)
    with beam.Pipeline(options=PipelineOptions(["--runner=FnApiRunner"])) as pipeline:
        _ = (
            pipeline
            | beam.Create([poll for poll, _ in script.lines])
            | beam.ParDo(HandOn(settings, decoder, Sinks()))
            | RunInference(ChunkTagger(load))
            | AggregateUnits(settings, decoder, load, Sinks()))
    job.finish()
    store.finish_run("job", settings.run, 1)
    assert stored(job) == plain_count(polls)
    assert audit(store).findings == []
    store.close()


cells = st.builds(
    lambda topic, number, offset: Unit(number, offset, {("en", topic): Cell(number, neutral=number)}),
    st.sampled_from("ab"), st.integers(1, 5), st.integers(0, 99))


@given(st.lists(st.lists(cells, max_size=4), max_size=5))
def test_units_merge_to_the_same_whole_however_they_are_grouped(groups):
    merge = MergeUnits()
    accumulators = []
    for group in groups:
        accumulator = merge.create_accumulator()
        for unit in group:
            accumulator = merge.add_input(accumulator, UnitCoder().decode(UnitCoder().encode(unit)))
        accumulators.append(accumulator)
    whole = merge.extract_output(merge.merge_accumulators(accumulators))
    flat = merge.create_accumulator()
    for unit in (unit for group in reversed(groups) for unit in group):
        flat = merge.add_input(flat, unit)
    assert whole == flat
    assert whole.records == sum(unit.records for group in groups for unit in group)
    assert merge.create_accumulator() == Unit()   # the unit of merging is untouched
