"""The names that producers choose become keys in the store: the longest ones are stored, on PostgreSQL too, and longer ones are letters."""
import json
import random

import numpy as np
import pytest

from insights.cells import Cell, Unit
from insights.conservation import verify
from insights.store import Store, UnitKey
from schemas.decode import MAX_FIELD_BYTES, event_key
from schemas.json_events import JsonDecoder
from schemas.records import Reason
from transforms.job import MAX_COUNTED_SOURCES, Job, JobSettings, Raw

MINUTE_US = 60_000_000
NOON_MS = 1_780_315_200_000
TOPIC = "t" * 249   # the longest name that Kafka takes


@pytest.fixture
def job(url):
    store = Store(url)
    store.open_job("job", "stream", MINUTE_US, 0)
    made = Job(JobSettings(url, "job", "stream", 0, MINUTE_US, 0, 0), store, JsonDecoder())
    made.add(f"{TOPIC}/0")
    yield made
    store.close()


def random_text(size_bytes, seed):
    """Chinese characters, which no compression makes much shorter."""
    chosen = random.Random(seed)
    return "".join(chr(chosen.randrange(0x4E00, 0x9FA5)) for _ in range(size_bytes // 3)) + "x" * (size_bytes % 3)


def record(**fields):
    return json.dumps({"event_id": "a", "event_time": NOON_MS, "text": "x"} | fields, ensure_ascii=False).encode()


def take(job, *values):
    """One poll, stored as the pipeline stores it."""
    origin = f"{TOPIC}/0"
    start = job.ledger.origins[origin].position
    poll = job.take([Raw(origin, np.arange(start, start + len(values)), list(values), [None] * len(values))])
    job.hand_on(poll)
    units: dict[UnitKey, Unit] = {}
    counted = (poll.chunk.events, poll.chunk.offsets, poll.chunk.windows_us) if poll.chunk else ([], [], [])
    for event, offset, window_us in zip(*counted, strict=True):
        unit = units.setdefault(UnitKey(int(window_us), origin, event.source, event.product), Unit())
        cell = Cell(1, 1, confidence=[1] + [0] * 9, samples=((event_key(event.event_id), event.event_id),), versions={"v": 1})
        unit.add(Unit(1, int(offset), {(event.lang, "topic"): cell}))
    job.write(list(units.items()))
    job.save()
    return poll


def test_the_longest_names_are_stored_and_longer_ones_are_letters(job):
    longest = {name: random_text(MAX_FIELD_BYTES, name) for name in ("event_id", "source", "product", "channel", "author_id", "lang")}
    fields = [longest, *({name: random_text(3_000, name)} for name in longest)]
    poll = take(job, *(record(**names) for names in fields))
    assert [event.product for event in poll.chunk.events] == [longest["product"]]
    assert [(letter.reason, letter.detail.split(":")[0]) for letter in poll.dead] == [(Reason.TOO_LONG, name) for name in longest]
    assert verify(job.store) == []


def test_a_new_source_and_product_in_every_record_of_a_poll_are_stored_and_counted_under_a_bounded_number_of_names(job):
    poll = take(job, *(record(event_id=f"e{n}", source=f"s{n}", product=f"p{n}", lang=f"l{n}") for n in range(5_000)))
    assert len(poll.chunk.events) == 5_000
    assert len(job.counters.records) <= MAX_COUNTED_SOURCES + 1


@pytest.mark.parametrize("text", ["\u202eevil\u2066", "\ufeff", "\x1b[31mred", "'; drop table units; --", "\uffff\ufffe", "a\u0300" * 100])
def test_any_text_that_is_unicode_is_a_name_like_others(job, text):
    poll = take(job, record(source=text, product=text, lang=text, channel=text, author_id=text, event_id=text))
    assert [event.product for event in poll.chunk.events] == [text]


def test_letters_of_bytes_that_no_database_takes_are_stored(job):
    values = [b"\0" * 300, b"\xff" * 300, rb'{"text":"\ud800"}', b'{"event_id":"\x00"}', "\u202e{".encode(), b"[" * 1_000_000]
    assert len(take(job, *values).dead) == len(values)
