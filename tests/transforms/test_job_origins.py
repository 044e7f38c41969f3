"""A topic that is taken away from a job: what was stored stays, what may be missing is named, and the rest goes on."""
import numpy as np
import pytest
import sqlalchemy as sa

from insights import tables
from insights.cells import Cell, Unit
from insights.conservation import audit
from insights.store import Store, UnitKey
from schemas.json_events import JsonDecoder
from schemas.records import Reason
from transforms.job import Job, JobSettings, Raw

S = 1_000_000
MINUTE = 60 * S
START = 1_780_272_000 * S


@pytest.fixture
def url(tmp_path):
    made = f"sqlite:///{tmp_path / 'store.db'}"
    store = Store(made)
    store.open_job("job", "stream", MINUTE, MINUTE)
    store.close()
    return made


def started(url, *origins):
    job = Job(JobSettings(url, "job", "stream", 0, MINUTE, MINUTE, 2 * S), Store(url), JsonDecoder(65_536), clock=lambda: 0.0)
    for origin in origins:
        job.add(origin)
    job.retire()
    job.save()
    return job


def event(number, time_us):
    return f'{{"event_id": "{number}", "event_time": {time_us // 1000}, "text": "hello"}}'.encode()


def read(job, origin, times_us, *, store=True):
    """Reads these as the origin's next records, and stores what is counted."""
    first = job.ledger.origins[origin].position
    values = [event(f"{origin}{first + row}", time_us) for row, time_us in enumerate(times_us)]
    poll = job.take([Raw(origin, np.arange(first, first + len(values)), values, [None] * len(values))])
    job.hand_on(poll)
    if store and poll.chunk:
        for window_us in np.unique(poll.chunk.windows_us).tolist():
            rows = poll.chunk.windows_us == window_us
            records = int(rows.sum())
            whole = Unit(records, int(poll.chunk.offsets[rows][-1]), {("en", "a"): Cell(records=records, neutral=records)})
            job.write([(UnitKey(window_us, origin, "", "", job.ledger.origins[origin].epoch), whole)])
    return poll


def letters(url):
    with Store(url).snapshot() as db:
        return db.execute(sa.select(tables.dead_letters.c.origin, tables.dead_letters.c.offset, tables.dead_letters.c.reason)).all()


def close_windows(job, origin):
    read(job, origin, [START + 10 * MINUTE])
    job.ledger.advance({})
    job.save()


@pytest.mark.parametrize("stored", [True, False])
def test_the_books_balance_when_a_topic_with_open_windows_is_taken_away(url, stored):
    job = started(url, "a/0", "b/0")
    read(job, "a/0", [START, START])
    read(job, "b/0", [START, START, START], store=stored)
    job.save()

    again = started(url, "a/0")
    read(again, "a/0", [START, START], store=True)
    close_windows(again, "a/0")
    found = audit(Store(url))

    assert found.findings == []
    assert letters(url) == ([("b/0", 0, Reason.GAP)] if stored else [])   # what left no trace is read when the topic comes back
    assert found.totals[0].in_cells == (5 if stored else 2)


def test_a_topic_that_is_taken_away_does_not_hold_the_watermark_back(url):
    job = started(url, "a/0", "b/0")
    read(job, "b/0", [START])
    job.save()

    again = started(url, "a/0")
    close_windows(again, "a/0")

    assert again.ledger.watermark_us == START + 10 * MINUTE - 2 * S


def test_a_topic_whose_records_all_stand_in_closed_windows_leaves_without_a_word(url):
    job = started(url, "a/0", "b/0")
    read(job, "b/0", [START])
    job.ledger.advance({"a/0": START + 10 * MINUTE, "b/0": START + 10 * MINUTE})
    job.save()

    again = started(url, "a/0")

    assert letters(url) == []
    assert audit(Store(url)).findings == []
    assert list(again.ledger.origins) == ["a/0"]


def test_a_topic_that_comes_back_goes_on_where_it_was_left(url):
    job = started(url, "a/0", "b/0")
    read(job, "b/0", [START, START, START])
    job.save()
    started(url, "a/0")

    back = started(url, "a/0", "b/0")
    poll = read(back, "b/0", [START, START])
    close_windows(back, "a/0")
    close_windows(back, "b/0")

    assert poll.chunk.offsets.tolist() == [3, 4]
    assert audit(Store(url)).findings == []


def test_a_gap_is_told_to_the_other_sinks_with_the_next_poll(url):
    job = started(url, "a/0", "b/0")
    read(job, "b/0", [START])
    job.save()

    again = started(url, "a/0")

    assert [letter.reason for letter in read(again, "a/0", [START]).dead] == [Reason.GAP]
    assert read(again, "a/0", [START]).dead == []
