"""Laws of the job: what a poll, a failed record and a save make durable, and what a new process makes of it."""
import itertools
import json

import numpy as np
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from insights import tables
from insights.cells import Cell, Unit
from insights.conservation import audit, verify
from insights.retention import compact
from insights.rollup import Ages
from insights.store import Store, StoreError, UnitKey
from privacy.policy import parse_policy
from schemas.json_events import JsonDecoder
from schemas.records import Reason
from transforms.elements import EventChunk
from transforms.job import MAX_COUNTED_SOURCES, Job, JobSettings, Raw, job_of, join_chunks, running_jobs

S = 1_000_000
MINUTE = 60 * S
START = 1_780_272_000 * S   # a whole minute
A, B = "texts/0", "texts/1"


class Clock:
    """Stands where a test puts it."""

    def __init__(self):
        self.now_s = START / S

    def __call__(self):
        return self.now_s


class BrokenStore(Store):
    """Takes nothing any more once it is broken."""

    broken = False

    def transaction(self):
        if self.broken:
            raise StoreError("full")
        return super().transaction()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def store():
    made = BrokenStore("sqlite://")
    made.open_job("job", "stream", MINUTE, MINUTE)
    yield made
    made.close()


@pytest.fixture
def start(store, clock):
    """start(): a process of the job, as if the one before had died."""

    def started(*origins, beginning=0, max_future_us=5 * MINUTE):
        chosen = JobSettings("sqlite://", "job", "stream", 0, MINUTE, MINUTE, 2 * S, max_future_us)
        job = Job(chosen, store, JsonDecoder(65_536), clock=clock)
        for origin in origins or (A,):
            job.add(origin, beginning)
        job.save()
        return job

    return started


def event(event_id, seconds=0, source="posts"):
    return f'{{"event_id": "{event_id}", "event_time": {START // 1000 + seconds * 1000}, "text": "hi", "source": "{source}"}}'.encode()


def raw(job, *values, origin=A, headers=()):
    """These values as the next records of the log."""
    first = job.ledger.origins[origin].position
    return Raw(origin, np.arange(first, first + len(values)), values, [None] * len(values), headers)


def read(job, *values, origin=A):
    """One poll, handed on."""
    poll = job.take([raw(job, *values, origin=origin)])
    job.hand_on(poll)
    return poll


def units_of(chunk):
    """Whole units, as the grouping makes them of one chunk."""
    units = {}
    for at, offset, window_us, told in zip(chunk.origin.tolist(), chunk.offsets.tolist(), chunk.windows_us.tolist(), chunk.events,
                                           strict=True):
        origin, epoch = chunk.origins[at]
        unit = units.setdefault(UnitKey(window_us, origin, told.source, told.product, epoch), Unit())
        unit.add(Unit(1, offset, {("en", "a"): Cell(records=1, neutral=1)}))
    return list(units.items())


def reasons(poll):
    return [letter.reason for letter in poll.dead]


def rows(store, table):
    with store.snapshot() as db:
        return db.execute(sa.select(table)).all()


def read_to(store):
    return {row.origin: row.read for row in rows(store, tables.progress)}


# a poll


def test_a_poll_is_one_chunk_of_what_counts_and_a_letter_for_everything_else(start):
    job = start(A, B)
    poll = job.take([raw(job, event(1), b"{", event(1), event(2, 70)), raw(job, event(3, -90), event(2, 71), origin=B)])
    assert [told.event_id for told in poll.chunk.events] == ["1", "2", "3"]
    assert [poll.chunk.origins[at] for at in poll.chunk.origin] == [(A, 0), (A, 0), (B, 0)]
    assert poll.chunk.offsets.tolist() == [0, 3, 0]
    assert poll.chunk.windows_us.tolist() == [START, START + MINUTE, START - 2 * MINUTE]
    assert [(letter.origin, letter.offset, letter.reason, letter.window_us) for letter in poll.dead] == [
        (A, 1, Reason.MALFORMED, None), (A, 2, Reason.DUPLICATE, START), (B, 1, Reason.DUPLICATE, START + MINUTE)]
    assert (poll.positions, poll.count, poll.earliest_us) == ({A: 4, B: 2}, 6, START - 90 * S)


def test_a_poll_without_a_chunk_is_stamped_with_the_reported_watermark(start):
    job = start()
    poll = job.take([raw(job, b"{")])
    assert (poll.chunk, poll.earliest_us) == (None, job.ledger.reported_us)


def test_a_letter_shows_what_came_and_keeps_its_headers(start, clock):
    job = start()
    letter, = job.take([raw(job, b"\xff\0" + b"x" * 999, headers=[{"trace": "7"}])]).dead
    assert letter.sample.startswith("\N{REPLACEMENT CHARACTER}\\x00x")
    assert (letter.headers, letter.first_seen_us) == ({"trace": "7"}, START)


PERSONAL = "jo@example.org"


def test_a_letter_of_a_record_that_cannot_be_read_shows_its_shape_alone(start):
    job = start()
    values = [f'{{"event_id": "{PERSONAL}", "author_id": "Jo", "text": "酒 mine'.encode(), b'{"event_id": "Jo 5", "text": 5}']
    first, second = job.take([raw(job, *values, headers=[{PERSONAL: PERSONAL}, {}])]).dead
    assert first.sample == '{"event_id": "xx@xxxxxxx.xxx", "author_id": "Xx", "text": "字 xxxx'
    assert second.sample == '{"event_id": "Xx 9", "text": 9}'
    assert first.headers == {"[email]": "[email]"}


@pytest.mark.parametrize(("policy", "shown"), [
    ("", "xxxxx xx xx@xxxxxxx.xxx xx xxxx +99 99 9999 9999 xx"),
    ('[kinds]\nperson = "keep"', "write to [email] or call [phone] or call [phone]")])
def test_a_letter_of_an_event_shows_its_shape_and_where_persons_may_be_kept_its_text_with_masks(store, clock, policy, shown):
    settings = JobSettings("sqlite://", "job", "stream", 0, MINUTE, MINUTE, 2 * S, policy=parse_policy(policy))
    job = Job(settings, store, JsonDecoder(65_536), clock=clock)
    job.add(A)
    said = f"write to {PERSONAL} " + "or call +44 20 7946 0958 " * 20
    line = json.dumps({"event_id": "1", "event_time": START // 1000, "text": said}).encode()
    letter, = job.take([raw(job, line, line)]).dead
    assert letter.reason is Reason.DUPLICATE and letter.sample.startswith(shown) and len(letter.sample) == 200


def test_ids_and_names_keep_nothing_personal_and_stay_apart_and_the_same(start):
    job = start()
    values = [json.dumps({"event_id": f"{PERSONAL}-{number}", "event_time": START // 1000, "text": "hi", "source": "posts",
                          "product": f"phone of a{number % 2}@x.org", "lang": "4111 1111 1111 1111"}).encode() for number in range(4)]
    chunk = job.take([raw(job, *values)]).chunk
    products = [item.product for item in chunk.events]
    assert products == products[:2] * 2 and products[0] != products[1] and all(said.startswith("phone of [email:") for said in products)
    assert len({item.event_id for item in chunk.events}) == 4 and not any(PERSONAL in item.event_id for item in chunk.events)
    assert chunk.events[0].lang.startswith("[card:")
    again = start()
    assert again.take([raw(again, *values)]).chunk.events == chunk.events


def test_a_policy_that_keeps_all_keeps_all(store, clock):
    keeps = parse_policy('default = "keep"\nauthor_id = "keep"\nfields = "keep"')
    job = Job(JobSettings("sqlite://", "job", "stream", 0, MINUTE, MINUTE, 2 * S, policy=keeps), store, JsonDecoder(65_536), clock=clock)
    job.add(A)
    line = json.dumps({"event_id": PERSONAL, "event_time": START // 1000, "text": PERSONAL}).encode()
    poll = job.take([raw(job, line, line, b"{" + PERSONAL.encode())])
    assert (poll.chunk.events[0].event_id, [letter.sample for letter in poll.dead]) == (PERSONAL, [PERSONAL, "{" + PERSONAL])


@pytest.mark.parametrize(("max_future_us", "said"), [(5 * MINUTE, [Reason.FUTURE_TIME]), (None, [])])
def test_only_a_job_with_a_clock_rejects_the_future_and_only_beyond_its_limit(start, max_future_us, said):
    job = start(max_future_us=max_future_us)
    poll = read(job, event(1, 300), event(2, 301))
    assert reasons(poll) == said
    job.ledger.advance({})
    assert job.ledger.watermark_us == START + (300 if said else 301) * S - 2 * S


def test_a_record_that_was_from_the_future_stays_so_when_the_clock_has_moved_on(start, clock):
    read(start(), event(1, 400), event(2))
    clock.now_s += 3600
    again = start()
    assert reasons(read(again, event(1, 400), event(2))) == [Reason.FUTURE_TIME]
    again.ledger.advance({})
    assert again.ledger.watermark_us == START - 2 * S


# durable


def test_dead_letters_are_durable_together_with_every_position_when_a_poll_is_handed_on(start, store):
    job = start(A, B)
    job.hand_on(job.take([raw(job, event(1), event(2)), raw(job, b"{", origin=B)]))
    assert read_to(store) == {A: 2, B: 1}
    assert [(row.origin, row.offset) for row in rows(store, tables.dead_letters)] == [(B, 0)]


def test_a_poll_that_the_store_did_not_take_is_not_handed_on(start, store):
    job = start()
    poll = job.take([raw(job, b"{", event(1))])
    store.broken = True
    with pytest.raises(StoreError):
        job.hand_on(poll)
    assert job.ledger.origins[A].frontier == 0
    assert job.counters.dead == job.counters.records == {}


def test_what_is_handed_on_is_counted_for_the_metrics(start):
    job = start()
    read(job, event(1), event(2, source="reviews"), event(1), b"{", event(3))
    assert job.counters.records == {
        ("posts", "counted"): 2, ("reviews", "counted"): 1, ("posts", "duplicate"): 1, ("unknown", "malformed"): 1}
    assert job.counters.dead == {Reason.DUPLICATE: 1, Reason.MALFORMED: 1}


def test_the_metrics_name_no_more_sources_than_their_limit(start):
    job = start()
    read(job, *[event(number, source=f"s{number}") for number in range(MAX_COUNTED_SOURCES + 2)])
    assert len(job.counters.records) == MAX_COUNTED_SOURCES + 1
    assert job.counters.records["other", "counted"] == 2


def test_a_rejected_record_is_a_letter_and_its_window_closes_without_it(start, store):
    job = start()
    chunk = read(job, event(1), event(2)).chunk
    (letter,), outdated = job.reject(chunk, {1: "too odd"})
    assert outdated == {}
    assert (letter.offset, letter.reason, letter.detail, letter.event_id, letter.window_us) == (
        1, Reason.MODEL_ERROR, "too odd", "2", START)
    assert job.ledger.open_records(A) == 1
    assert job.counters.dead == {Reason.MODEL_ERROR: 1}
    assert [row.reason for row in rows(store, tables.dead_letters)] == ["model_error"]


def test_what_an_older_model_counted_and_a_newer_one_fails_on_is_taken_out_of_its_unit(start, store):
    older = start()
    chunk = read(older, event(1), event(2)).chunk
    older.write(units_of(chunk))
    newer = start()
    chunk = read(newer, event(1), event(2), event(3, source="reviews")).chunk
    _, outdated = newer.reject(chunk, {1: "too odd", 2: "too odd"})
    key = UnitKey(START, A, "posts", "")
    assert outdated == {1: key}, "the third record was never decided before"
    assert ([row.records for row in rows(store, tables.units)], rows(store, tables.cells)) == ([0], [])
    newer.ledger.advance({A: START + 10 * MINUTE})
    assert newer.save() == {A: 0}, "the window waits for its unit"
    newer.write([(key, Unit(1, 0, {("en", "a"): Cell(records=1, neutral=1)}))])
    assert newer.save() == {A: 3}


def test_a_record_of_a_closed_window_stays_where_an_older_model_counted_it(start, store):
    older = start()
    older.write(units_of(read(older, event(1), event(2)).chunk))
    newer = start()
    chunk = read(newer, event(1), event(2)).chunk
    newer.ledger.advance({A: START + 10 * MINUTE})
    newer.save()
    assert newer.reject(chunk, {1: "too odd"}) == ([], {})
    assert (rows(store, tables.units)[0].records, rows(store, tables.dead_letters)) == (2, [])


def test_a_letter_that_the_store_did_not_take_still_counts_as_a_record(start, store):
    job = start()
    chunk = read(job, event(1)).chunk
    store.broken = True
    with pytest.raises(StoreError):
        job.reject(chunk, {0: "too odd"})
    assert job.ledger.open_records(A) == 1


def test_a_window_closes_only_when_the_store_holds_it_and_the_log_is_read_from_its_first_record_until_then(start, store):
    job = start()
    chunk = read(job, event(1), event(2)).chunk
    job.ledger.advance({A: START + 10 * MINUTE})
    assert job.save() == {A: 0}
    assert not job.settled()
    job.write(units_of(chunk))
    assert job.settled()
    assert job.save() == {A: 2}
    row, = rows(store, tables.progress)
    assert (row.saved, row.saved_records, row.read_records, row.open_records) == (2, 2, 2, 0)
    assert job.ledger.closed_us == rows(store, tables.jobs)[0].closed_us == START + MINUTE


def test_a_save_that_fails_leaves_the_start_of_a_new_process_where_it_was(start, store):
    job = start()
    chunk = read(job, event(1)).chunk
    job.write(units_of(chunk))
    job.ledger.advance({A: START + 10 * MINUTE})
    store.broken = True
    with pytest.raises(StoreError):
        job.save()
    store.broken = False
    assert start().ledger.mark()[0] == {A: 0}


def test_a_job_is_stuck_for_as_long_as_the_same_expired_window_waits_for_the_store(start, clock):
    job = start()
    chunk = read(job, event(1)).chunk
    job.ledger.advance({A: START + 10 * MINUTE})
    job.save()
    clock.now_s += 7
    job.save()
    assert job.stuck_s() == 7
    job.write(units_of(chunk))
    job.save()
    assert job.stuck_s() == 0


def test_finish_saves_how_many_records_the_files_held(start, store):
    job = start()
    job.take([raw(job, event(1), b"{", event(2))])
    job.finish()
    row, = rows(store, tables.progress)
    assert (row.frontier, row.read_records, row.open_records) == (3, 3, 2)


def test_a_gap_is_durable_with_the_new_epoch_when_it_is_saved(start, store):
    job = start()
    job.write(units_of(read(job, event(1), event(2), event(3)).chunk))
    again = start(beginning=2)
    letter, = rows(store, tables.dead_letters)
    assert (letter.reason, letter.offset, letter.detail[:15]) == ("gap", 0, "offsets 0 to 2 ")
    assert rows(store, tables.progress)[0].epoch == 1
    chunk = again.take([raw(again, event(3), event(4))]).chunk
    assert (chunk.origins, chunk.offsets.tolist()) == ([(A, 1)], [3])   # the other stands in the frozen unit
    again.save()
    assert len(rows(store, tables.dead_letters)) == 1


log = st.lists(
    st.tuples(st.integers(0, 5), st.integers(-60, 200)).map(lambda told: event(*told)) | st.just(b"{"), min_size=1, max_size=12)


@given(log, st.lists(st.integers(1, 5), min_size=12, max_size=12), st.integers(0, 12), st.booleans())
def test_a_crash_between_polls_changes_no_decision(values, sizes, crash_at, stored):
    with_store = BrokenStore("sqlite://")
    with_store.open_job("job", "stream", MINUTE, MINUTE)
    chosen = JobSettings("sqlite://", "job", "stream", 0, MINUTE, MINUTE, 2 * S)

    def process():
        job = Job(chosen, with_store, JsonDecoder(65_536), clock=lambda: 0.0)
        job.add(A)
        return job

    job, found, durable = process(), {}, 0
    for size in sizes:
        first = job.ledger.origins[A].position
        if first >= min(crash_at, len(values)):
            break
        poll = read(job, *values[first:first + size])
        found |= {letter.offset: letter.reason for letter in poll.dead}
        if poll.chunk:
            found |= dict.fromkeys(poll.chunk.offsets.tolist(), "counted")
            if stored:
                job.write(units_of(poll.chunk))
        durable = job.ledger.origins[A].position if stored or poll.dead else durable
        job.ledger.advance({})
    again = process()
    repeated = read(again, *values[:durable])
    with_store.close()
    told = {letter.offset: letter.reason for letter in repeated.dead}
    told |= dict.fromkeys(repeated.chunk.offsets.tolist() if repeated.chunk else [], "counted")
    assert told == {offset: what for offset, what in found.items() if offset < durable}


# in one process


def test_a_job_of_the_same_settings_is_the_same_job(tmp_path):
    url = f"sqlite:///{tmp_path / 'store.db'}"
    one, other = (JobSettings(url, name, "stream", 0, MINUTE, MINUTE, 2 * S) for name in ("one", "other"))
    made = job_of(one, lambda: JsonDecoder(65_536))
    assert job_of(one, lambda: pytest.fail("a second decoder")) is made
    assert job_of(other, lambda: JsonDecoder(65_536)) is not made
    assert made in running_jobs()


def chunk_of(origin, *offsets):
    column = np.array(offsets, np.int64)
    return EventChunk([f"{origin}{at}" for at in offsets], column.astype(np.uint64), column, column, column, column * 0, [(origin, 0)])


def test_joined_chunks_keep_their_order_and_each_row_its_origin():
    joined = join_chunks([chunk_of(A, 3, 4), chunk_of(B, 9)])
    assert joined.events == [f"{A}3", f"{A}4", f"{B}9"]
    assert [joined.origins[at][0] for at in joined.origin] == [A, A, B]
    assert joined.offsets.tolist() == joined.times_us.tolist() == joined.windows_us.tolist() == joined.keys.tolist() == [3, 4, 9]
    assert join_chunks([]) is None


# roll-ups


DAY = 1_440 * MINUTE
AGES = Ages(20 * DAY, 40 * DAY, 50 * DAY)


def contents(store):
    with store.snapshot() as db:
        return {table.name: sorted(map(repr, db.execute(sa.select(table)).all())) for table in tables.metadata.sorted_tables}


@pytest.fixture
def of_months(start, store):
    """A job that has read sixty days of events, two a day; the last two are in open windows."""
    job = start(max_future_us=None)
    for day in range(61):
        chunk = read(job, event(f"{day}a", day * 86_400), event(f"{day}b", day * 86_400 + 30), event(f"{day}b", day * 86_400 + 31)).chunk
        job.write(units_of(chunk))
        job.ledger.advance({})
        job.save()
    return job


@pytest.mark.parametrize("steps", [1, 30, 45, 1_000])
def test_a_restart_after_a_roll_up_knows_and_stores_what_it_would_have_without(steps, of_months, start, store):
    known = store.load("job", 0)
    assert len(list(itertools.islice(compact(store, "job", AGES), steps))) == min(steps, 39 + 19 + 9)
    assert store.load("job", 0) == known
    assert verify(store) == []

    again = start(max_future_us=None)
    chunk = read(again, event("60a", 60 * 86_400), event("60b", 60 * 86_400 + 30), event("new", 60 * 86_400 + 59)).chunk
    again.write(units_of(chunk))
    again.ledger.advance({A: START + 70 * DAY})
    again.save()
    assert verify(store) == []
    (total,) = audit(store).totals
    assert (total.read, total.in_cells + total.dropped, total.open, total.dead) == (61 * 3, 61 * 2, 0, {"duplicate": 61})


def test_a_log_that_is_read_from_its_beginning_after_a_roll_up_changes_nothing(of_months, start, store):
    """As if nothing had been saved: what is closed is skipped wherever a replay begins."""
    list(compact(store, "job", AGES))
    before = contents(store)
    again = start(max_future_us=None)
    again.ledger.origins[A].position = 0
    again.ledger.origins[A].saved = 0
    for day in range(60):
        poll = read(again, event(f"{day}a", day * 86_400), event(f"{day}b", day * 86_400 + 30), event(f"{day}b", day * 86_400 + 31))
        assert poll.chunk is None or not poll.chunk.events
    assert contents(store)["units"] == before["units"]
    assert verify(store) == []


def test_a_pane_that_a_runner_fires_again_after_a_roll_up_changes_nothing(start, store):
    job = start(max_future_us=None)
    first = units_of(read(job, event("a"), event("b", 30)).chunk)
    job.write(first)
    job.write(units_of(read(job, event("c", 60 * 86_400)).chunk))
    job.ledger.advance({A: START + 70 * DAY})
    job.save()
    assert len(list(compact(store, "job", AGES))) == 3
    before = contents(store)
    job.write(first)
    assert contents(store) == before
    assert verify(store) == []


def test_the_reader_stays_the_holder_through_a_roll_up(of_months, store):
    of_months.store.take_over("job")
    list(compact(store, "job", AGES))
    assert store.holds("job")


def test_a_log_that_expired_after_a_roll_up_is_a_gap_and_all_records_are_still_counted(of_months, start, store):
    list(compact(store, "job", AGES))
    again = start(beginning=183, max_future_us=None)
    assert again.ledger.origins[A].epoch == 1
    assert verify(store) == []
    list(compact(store, "job", AGES))
    assert verify(store) == []
