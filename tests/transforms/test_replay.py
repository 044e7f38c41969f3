"""What is rejected with its original kept, mended and replayed counts as if it had come right."""
import json

import numpy as np
import pytest
import sqlalchemy as sa

from insights import mending, tables
from insights.cells import Cell
from insights.conservation import verify
from insights.mending import Selection
from insights.queries import job_row
from insights.store import Store, UnitKey
from privacy.policy import KeySource
from schemas.avro import AvroDecoder, encode_wire, schema_text
from schemas.decode import SchemaUnavailable
from schemas.fixes import Fix, TimeFix, encode_fix, json_row
from schemas.json_events import JsonDecoder
from schemas.records import TextEvent
from transforms.aggregate import units_and_failures
from transforms.elements import TaggedChunk
from transforms.job import Job, JobSettings, Raw
from transforms.mender import Mender
from transforms.replay import Replay
from transforms.tag import tag_chunk

S = 1_000_000
MINUTE = 60 * S
START = 1_780_272_000 * S   # 2026-06-01T00:00Z
A = "texts/0"
TIME = Fix(time=TimeFix(format="%d.%m.%Y %H:%M"))
BODY = Fix(rename={"body": "text"})


def line(event_id="e", **fields):
    row = {"event_id": event_id, "event_time": "2026-06-01T00:00:05Z", "text": "good parcel", "source": "posts", **fields}
    return json.dumps({name: value for name, value in row.items() if value is not None}, ensure_ascii=False).encode()


class Desk:
    """A job that keeps originals, and who mends them."""

    def __init__(self, tagger, decoder=None, row_of=json_row):
        self.store = Store("sqlite://")
        self.store.open_job("job", "stream", MINUTE, MINUTE)
        self.now_us, self.tagger = START + 30 * S, tagger
        self.job = Job(
            JobSettings("sqlite://", "job", "stream", 0, MINUTE, MINUTE, 2 * S, 5 * MINUTE, originals=KeySource(variable="KEY_OF_TEST")),
            self.store, decoder or JsonDecoder(), clock=lambda: self.now_us / S)
        self.job.add(A, 0)
        self.mender = Mender(self.job.seal, decoder or JsonDecoder(), row_of, lambda: self.now_us, 300 * S)
        self.read = 0

    def say(self, *values, log_time_us=None):
        """Reads records and counts those that can be."""
        offsets = np.arange(self.read, self.read + len(values))
        self.read += len(values)
        poll = self.job.take([Raw(A, offsets, list(values), [log_time_us] * len(values))])
        self.job.hand_on(poll)
        if poll.chunk:
            tagged = tag_chunk(self.tagger, poll.chunk)
            units, failed = units_and_failures(tagged, self.tagger, self.job.redactor)
            self.job.reject(poll.chunk, tagged.failed | failed)
            self.job.write([(UnitKey(*key), self.job.kept_units.add(key, unit)) for key, unit, _ in units])
        self.job.save()

    @property
    def about(self):
        with self.store.snapshot() as db:
            return job_row(db, "job")

    def letters(self, **chosen):
        about = self.about
        with self.store.snapshot() as db:
            return mending.letters(db, about, Selection("job", **chosen))

    def fix(self, fix, **chosen):
        return mending.put_fix(self.store, self.about, [letter.place for letter in self.letters(**chosen)], encode_fix(fix), self.now_us)

    def replay(self, **chosen):
        """(offset, why it stays or '') of each."""
        replay = Replay(self.store, self.about, self.mender, self.tagger, self.job.redactor)
        return [(one.offset, one.why) for one in replay.run(self.letters(**chosen))]

    def cells(self):
        """(window, source, topic) -> cell, over all units."""
        with self.store.snapshot() as db:
            rows = db.execute(sa.select(tables.units.c.window_us, tables.units.c.source, tables.cells).join_from(
                tables.cells, tables.units, tables.cells.c.unit == tables.units.c.id)).mappings().all()
        found = {}
        for row in rows:
            found.setdefault((row["window_us"], row["source"], row["topic"]), Cell()).add(Cell.from_row(row))
        for cell in found.values():   # each store has a key of its own
            cell.authors, cell.texts = len(cell.authors), {name: text.text for name, text in cell.texts.items()}
        return found


@pytest.fixture
def desk(monkeypatch, tagger_class):
    monkeypatch.setenv("KEY_OF_TEST", "0123456789abcdef0123456789abcdef")
    made = []

    def start(*args, **options):
        made.append(Desk(tagger_class(), *args, **options))
        return made[-1]

    yield start
    for one in made:
        one.store.close()


def test_mended_records_count_as_if_they_had_come_right(desk):
    broken, right = desk(), desk()
    wrong = [line("a", event_time="01.06.2026 00:00", author_id="ann"), line("b", text=None, body="bad parcel", product="app"),
             line("c", text="包裹 good").decode().encode("gb18030"), line("d", source=7)]
    broken.say(line("x"), *wrong)
    right.say(line("x"), line("a", event_time="2026-06-01T00:00:00Z", author_id="ann"), line("b", text="bad parcel", product="app"),
              line("c", text="包裹 good"), line("d", source="reviews"))
    for fix, offset in ((TIME, 1), (BODY, 2), (Fix(encoding="gb18030"), 3), (Fix(set={"source": "reviews"}), 4)):
        assert broken.fix(fix, offset=offset) == 1
    assert broken.replay(state="fixed") == [(1, ""), (2, ""), (3, ""), (4, "")]
    assert broken.cells() == right.cells() != {}
    assert verify(broken.store) == []


def test_what_was_replayed_is_left_alone_and_says_so(desk):
    one = desk()
    one.say(line("a", text=None, body="good"))
    one.fix(BODY)
    assert one.replay() == [(0, "")]
    before = one.cells()
    assert one.replay() == [(0, "already replayed")]
    mending.drop(one.store, one.about, [(A, 0)], 1)
    assert one.cells() == before and verify(one.store) == []


def test_the_same_letters_in_two_hands_count_once(desk):
    """Both read them before either counts."""
    one = desk()
    one.say(line("a", text=None, body="good"), line("b", text=None, body="good"))
    one.fix(BODY)
    letters = one.letters()
    hands = [Replay(one.store, one.about, one.mender, one.tagger, one.job.redactor) for _ in range(2)]
    assert [outcome.done for outcome in hands[0].run(letters[:1])] == [True]
    assert [(outcome.done, outcome.by_other) for outcome in hands[1].run(letters)] == [(False, True), (True, False)]
    assert sum(cell.records for cell in one.cells().values()) == 2 and verify(one.store) == []


def test_who_comes_between_the_look_and_the_count_is_noticed(desk, monkeypatch):
    one = desk()
    one.say(line("a", text=None, body="good"), line("b", text=None, body="good"))
    one.fix(BODY)
    count, letters = mending.count, one.letters()

    def dropped_first(store, about, batch, made, now_us):
        monkeypatch.setattr(mending, "count", count)
        mending.drop(store, about, [(A, 0)], 5)
        return count(store, about, batch, made, now_us)

    monkeypatch.setattr(mending, "count", dropped_first)
    outcomes = Replay(one.store, one.about, one.mender, one.tagger, one.job.redactor).run(letters)
    assert [(outcome.done, outcome.by_other) for outcome in outcomes] == [(False, True), (True, False)]
    assert verify(one.store) == []


def test_a_restart_reads_a_replayed_record_again_and_leaves_it_a_letter(desk):
    one = desk()
    one.say(line("x"), line("a", text=None, body="good"), line("y"))
    one.fix(BODY)
    one.replay()
    before = one.cells()
    again = Job(one.job.settings, one.store, JsonDecoder(), clock=lambda: one.now_us / S)
    again.add(A, 0)
    poll = again.take([Raw(A, np.arange(3), [line("x"), line("a", text=None, body="good"), line("y")], [None] * 3)])
    again.hand_on(poll)
    again.save()
    assert [event.event_id for event in poll.chunk.events] == ["x", "y"]
    assert one.cells() == before and verify(one.store) == []
    with one.store.snapshot() as db:
        assert db.scalar(sa.select(sa.func.count()).select_from(tables.originals)) == 0


def test_late_records_are_replayed_as_they_came_into_windows_long_closed(desk):
    one = desk()
    one.now_us += 30 * MINUTE
    one.say(line("now", event_time="2026-06-01T00:20:00Z"))
    one.job.ledger.advance({A: one.now_us})
    one.job.save()
    one.say(line("late"))
    assert [letter.reason for letter in one.letters()] == ["late"]
    assert one.replay() == [(1, "")]
    assert one.cells()[START, "posts", "delivery"].records == 1
    assert verify(one.store) == []


def test_a_duplicate_is_replayed_with_another_id_alone(desk):
    one = desk()
    one.say(line("a"), line("a"), line("a"))
    assert one.replay(reason="duplicate") == [
        (at, "the event that it is a duplicate of is counted; only with another event_id would it be one of its own") for at in (1, 2)]
    one.fix(Fix(set={"event_id": "b"}))
    assert one.replay() == [(1, ""), (2, "duplicate: an event of this event_id and window was replayed")]


def test_a_record_on_which_the_model_failed_counts_when_another_model_takes_it(desk):
    one = desk()
    one.say(line("a", text="good poison parcel"), line("b"))
    assert [letter.reason for letter in one.letters()] == ["model_error"]
    (stays,) = one.replay()
    assert stays == (0, "model_error: poisoned")
    one.tagger.poison = "nothing"
    assert one.replay() == [(0, "")]
    assert sum(cell.records for cell in one.cells().values()) == 2 and verify(one.store) == []


def test_a_time_that_is_still_ahead_of_the_clock_stays_and_counts_later(desk):
    one = desk()
    one.say(line("a", event_time="2026-06-01T02:00:00Z"))
    ((offset, why),) = one.replay()
    assert (offset, why) == (0, "future_time: event_time is 7170 s ahead of the clock (--max-future)")
    one.now_us += 120 * MINUTE
    assert one.replay() == [(0, "")]


def test_what_cannot_be_opened_or_mended_stays_with_the_reason(desk, monkeypatch):
    one = desk()
    one.say(line("a", text=None, body="good"), None, b"{", b"x" * (17 << 20))
    assert dict(one.replay()) == {
        0: "missing_field: text: missing", 1: "its original was not kept (--keep-originals)",
        2: "malformed: not readable as JSON: Input data was truncated", 3: "its original was not kept (--keep-originals)"}
    one.fix(Fix(rename={"content": "text"}), offset=0)
    assert dict(one.replay(state="fixed")) == {0: "the fix does not fit: rename: the record has no field 'content'"}
    monkeypatch.setenv("KEY_OF_TEST", "fedcba9876543210fedcba9876543210")
    from transforms.originals import Seal

    one.mender.seal = Seal("job", KeySource(variable="KEY_OF_TEST"))
    assert dict(one.replay(offset=0)) == {0: "sealed by another key"}
    assert one.cells() == {} and verify(one.store) == []


def test_a_record_without_a_time_gets_the_logs_own(desk):
    one = desk()
    one.say(line("a", event_time=None, text=None, body="good"), log_time_us=START + 90 * S)
    one.fix(BODY)
    assert one.replay() == [(0, "")]
    assert list(one.cells()) == [(START + MINUTE, "posts", "other")]


def test_avro_is_mended_by_its_schema_id_and_by_fields(desk, tmp_path):
    (tmp_path / "1.avsc").write_text(schema_text("TextEvent"))
    (tmp_path / "2.avsc").write_text('{"type": "record", "name": "Other", "fields": [{"name": "n", "type": "long"}]}')
    decoder = AvroDecoder(tmp_path)
    one = desk(decoder, row_of=decoder.row)
    event = TextEvent("a", START + 5 * S, "good parcel", "posts")
    named = encode_wire(event, 2)
    one.say(named, encode_wire(TextEvent("", START, "good", "posts"), 1), encode_wire(TextEvent("c", START, "good", "posts"), 9))
    assert [letter.reason for letter in one.letters()] == ["malformed", "missing_field", "unknown_schema"]
    one.fix(Fix(schema_id=1), offset=0)
    one.fix(Fix(set={"event_id": "b"}), offset=1)
    assert dict(one.replay()) == {0: "", 1: "", 2: "unknown_schema: schema id 9: no file 9.avsc in the folder"}
    (tmp_path / "9.avsc").write_text(schema_text("TextEvent"))
    assert one.replay(state="dead") == [(2, "")]
    assert sum(cell.records for cell in one.cells().values()) == 3 and verify(one.store) == []


def test_while_a_registry_is_down_nothing_is_decided(desk):
    one = desk()
    one.say(b"{", b"[")

    class Down:
        def decode(self, _value, _time):
            raise SchemaUnavailable("schema id 1: registry answered 503")

    one.mender.decoder = Down()
    assert {why for _, why in one.replay()} == {"its schema cannot be had now: schema id 1: registry answered 503"}


def test_ids_and_names_lose_what_is_personal_on_a_replay_too(desk):
    one = desk()
    one.say(line("mail jo@example.org", text=None, body="good", source="+49 30 901820"))
    one.fix(BODY)
    assert one.replay() == [(0, "")]
    with one.store.snapshot() as db:
        everything = repr([db.execute(sa.select(table)).all() for table in tables.metadata.sorted_tables])
    assert "example.org" not in everything and "901820" not in everything
    assert one.replay() == [(0, "already replayed")]


def test_a_cut_that_fails_on_one_record_leaves_the_others(desk, monkeypatch):
    one = desk()
    one.say(line("a", text=None, body="good"), line("b", text=None, body="bad"))
    one.fix(BODY)
    from transforms import aggregate

    cut = aggregate.units_of

    def failing(tagged: TaggedChunk, *args):
        bad = [row for row, event in enumerate(tagged.chunk.events) if event.text == "bad" and row not in tagged.failed]
        if bad:
            raise ZeroDivisionError("odd")
        return cut(tagged, *args)

    monkeypatch.setattr(aggregate, "units_of", failing)
    assert one.replay() == [(0, ""), (1, "model_error: ZeroDivisionError: odd")]
    assert one.replay(state="fixed") == [(1, "model_error: ZeroDivisionError: odd")]
    assert verify(one.store) == []
