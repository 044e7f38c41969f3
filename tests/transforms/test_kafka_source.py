"""The reader on the real broker, a process at a time: what it reads, what it passes over, where it starts again, what it commits."""
import contextlib
import json
import time
from collections import Counter

import pytest
import sqlalchemy as sa
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType

from insights import tables
from insights.cells import Unit
from insights.conservation import audit
from insights.redact import MASKS
from insights.store import Store, TakenOver, UnitKey
from pipelines.broker import connect_admin, create_topic
from schemas.json_events import JsonDecoder
from schemas.records import Reason
from transforms import job as jobs
from transforms import kafka_source as sources
from transforms.aggregate import units_of
from transforms.job import JobSettings
from transforms.kafka_client import KafkaProblem, KafkaSettings, LogExpired
from transforms.kafka_source import KafkaMark, KafkaMarkCoder, KafkaSource
from transforms.tag import tag_chunk

S = 1_000_000
HOUR = 3_600 * S
QUICK = {"window_us": S // 5, "lateness_us": 2 * S, "out_of_order_us": 0}   # windows close while a test looks on

pytestmark = pytest.mark.kafka


def decoder():
    return JsonDecoder(65_536)


class Process:
    """One process of the job: asks the reader for polls, as a runner does, hands them on, and stores them if told to."""

    def __init__(self, kafka, settings, tagger, storing):
        self.source = KafkaSource(kafka, settings, decoder)
        self.reader = self.source.create_reader(None, None)
        self.job, self.client = self.reader.reading.job, self.reader.reading.client
        self.tagger, self.storing = tagger, storing
        self.units, self.polls = {}, []
        self.open = True

    def step(self):
        """One element of the runner."""
        if not self.reader.advance():
            return
        poll = self.reader.get_current()
        self.polls.append(poll)
        self.job.hand_on(poll)
        if poll.chunk and self.storing:
            self.store(poll.chunk)

    def store(self, chunk):
        for key, unit, _ in units_of(tag_chunk(self.tagger, chunk), self.tagger, MASKS):
            whole = self.units.setdefault(UnitKey(*key), Unit())
            whole.add(unit)
            self.job.write([(UnitKey(*key), whole)])

    @property
    def read(self):
        """Origin -> the offsets of what was counted, in the order in which it was read."""
        found = {}
        for poll in self.polls:
            for row, at in enumerate(poll.chunk.origin.tolist() if poll.chunk else ()):
                found.setdefault(poll.chunk.origins[at][0], []).append(int(poll.chunk.offsets[row]))
        return found

    @property
    def event_ids(self):
        return [event.event_id for poll in self.polls for event in (poll.chunk.events if poll.chunk else ())]

    @property
    def dead(self):
        return Counter(letter.reason for poll in self.polls for letter in poll.dead)

    @property
    def positions(self):
        return self.job.ledger.mark()[0]

    def saved(self):
        """Origin -> where a process would start now."""
        with self.job.store.snapshot() as db:
            return dict(db.execute(sa.select(tables.progress.c.origin, tables.progress.c.saved)).all())

    def stored(self):
        """Records in the units of the store."""
        with self.job.store.snapshot() as db:
            return int(db.scalar(sa.select(sa.func.coalesce(sa.func.sum(tables.units.c.records), 0))))

    def end(self):
        """kill -9, as far as the store and Kafka can tell."""
        if self.open:
            self.reader.reading.close()
            self.client.close()
            self.job.store.close()
        self.open = False


@pytest.fixture
def start(broker, topic, tmp_path, monkeypatch, tagger):
    """start(**changes): a new process of the job over `topic`; the one before is dead then."""
    made = []

    def started(*topics, storing=True, poll=2_000, discover_every_s=3_600.0, **changes):
        if made:
            made[-1].end()
        chosen = {"window_us": HOUR, "lateness_us": HOUR, "out_of_order_us": 2 * S} | changes
        url = f"sqlite:///{tmp_path / 'store.db'}"
        store = Store(url)
        store.open_job("job", "stream", chosen["window_us"], chosen["lateness_us"])
        store.close()
        monkeypatch.setattr(jobs, "_jobs", {})
        monkeypatch.setattr(sources, "_readings", {})
        kafka = KafkaSettings(
            broker.bootstrap, topics or (topic,), topic, watch_every_s=0.05, discover_every_s=discover_every_s,
            max_poll_records=poll, idle_after_s=0.2)
        made.append(Process(kafka, JobSettings(url, "job", "stream", 0, save_every_s=0.05, **chosen), tagger, storing))
        return made[-1]

    yield started
    for process in made:
        process.end()


@pytest.fixture
def until(eventually):
    """until(process, check, what): lets the process read until check() is true."""

    def read(process, check, what, deadline_s=30.0):
        def looked():
            process.step()
            return check()

        eventually(looked, what, deadline_s)

    return read


def event(event_id, time_us=None):
    when = time_us if time_us is not None else int(time.time() * S)
    return json.dumps({"event_id": event_id, "event_time": when // 1000, "text": "a good parcel", "source": "posts"}).encode()


@pytest.fixture
def send(producer, topic):
    """send(partition, *event ids): these as the partition's next records."""

    def sent(partition, *event_ids, **options):
        for event_id in event_ids:
            producer.send(topic, event(event_id), partition=partition, **options)
        producer.flush()

    return sent


@pytest.fixture
def transactions(broker, topic):
    """transactions(*(event ids, committed)): each a transaction on partition 0, in order."""
    made = KafkaProducer(bootstrap_servers=broker.bootstrap, transactional_id=topic)
    made.init_transactions()

    def sent(*wanted):
        for event_ids, committed in wanted:
            made.begin_transaction()
            for event_id in event_ids:
                made.send(topic, event(event_id), partition=0)
            made.flush()
            (made.commit_transaction if committed else made.abort_transaction)()

    yield sent
    made.close()


@contextlib.contextmanager
def admin_of(broker):
    with contextlib.closing(connect_admin(broker.bootstrap, 30)) as admin:
        yield admin


def log_of(broker, topic):
    """The offsets of partition 0 that still hold a record, and its end."""
    with contextlib.closing(KafkaConsumer(bootstrap_servers=broker.bootstrap, enable_auto_commit=False)) as consumer:
        part = TopicPartition(topic, 0)
        consumer.assign([part])
        consumer.seek_to_beginning(part)
        end, found = consumer.end_offsets([part])[part], []
        while consumer.position(part) < end:
            found += [record.offset for record in consumer.poll(timeout_ms=200).get(part, ())]
    return found, end


def books_of(process):
    return audit(process.job.store)


# what is read


def test_each_record_of_every_partition_is_read_once_and_in_the_order_of_its_log(broker, topic, start, send, until):
    create_topic(broker.bootstrap, topic, 3, retention_ms=-1)
    for partition in range(3):
        send(partition, *(f"{partition}-{number}" for number in range(400)))
    process = start(poll=90)
    until(process, lambda: len(process.event_ids) >= 700, "more than half is read")
    for partition in range(3):
        send(partition, *(f"{partition}-{number}" for number in range(400, 450)))
    until(process, lambda: len(process.event_ids) >= 1_350, "all is read")
    until(process, lambda: not any(process.client.lag(process.positions).values()), "nothing is left")
    assert process.read == {f"{topic}/{partition}": list(range(450)) for partition in range(3)}
    assert max(Counter(process.event_ids).values()) == 1
    assert max(len(poll.chunk.events) for poll in process.polls if poll.chunk) <= 90
    process.job.save()
    assert (books_of(process).findings, process.stored()) == ([], 1_350)


def test_two_topics_are_read_by_one_source(broker, topic, producer, start, send, until):
    other = f"{topic}-other"
    for name in (topic, other):
        create_topic(broker.bootstrap, name, 1, retention_ms=-1)
    send(0, "one")
    producer.send(other, event("two"), partition=0).get(10)
    process = start(topic, other)
    until(process, lambda: len(process.event_ids) >= 2, "both are read")
    assert process.read == {f"{topic}/0": [0], f"{other}/0": [0]}
    assert list(process.source.split(20)) == [process.source]


def test_a_record_that_is_no_event_is_a_letter_with_its_place_and_headers(broker, topic, producer, start, until):
    create_topic(broker.bootstrap, topic, 1, retention_ms=-1)
    producer.send(topic, b"{", partition=0, headers=[("trace", b"7")])
    producer.send(topic, None, key=b"tombstone", partition=0)
    producer.flush()
    process = start()
    until(process, lambda: process.dead.total() >= 2, "both letters come")
    letters = [letter for poll in process.polls for letter in poll.dead]
    assert [(letter.origin, letter.offset, letter.reason, letter.headers) for letter in letters] == [
        (f"{topic}/0", 0, Reason.MALFORMED, {"trace": "7"}), (f"{topic}/0", 1, Reason.MISSING_FIELD, {})]


def test_only_committed_records_are_read_and_what_takes_offsets_without_one_is_passed_over(
        broker, topic, start, transactions, until):
    create_topic(broker.bootstrap, topic, 1, retention_ms=-1)
    process = start(**QUICK)
    transactions((["a", "b"], True), (["x"], False), (["c"], True), (["y", "z"], False), (["v"], False))
    until(process, lambda: len(process.event_ids) == 3, "what was committed is read")
    _, end = log_of(broker, topic)
    assert end == 7 + 5   # each transaction ends with a control record
    until(process, lambda: process.saved()[f"{topic}/0"] == end, "what was saved passes over the aborted tail")
    assert process.event_ids == ["a", "b", "c"]
    assert process.client.lag(process.positions) == {f"{topic}/0": 0}
    books = books_of(process)
    assert (books.findings, books.totals[0].read, books.totals[0].in_cells) == ([], 3, 3)


def test_a_log_of_aborted_records_alone_is_passed_over_and_leaves_no_lag(broker, topic, start, transactions, until):
    create_topic(broker.bootstrap, topic, 1, retention_ms=-1)
    transactions((["x", "y", "z"], False))
    process = start()
    until(process, lambda: process.saved()[f"{topic}/0"] == 4, "what was saved reaches the end")
    again = start()
    assert (process.event_ids, again.positions) == ([], {f"{topic}/0": 4})


def test_what_follows_an_aborted_tail_is_read_by_the_next_process(broker, topic, start, transactions, until):
    create_topic(broker.bootstrap, topic, 1, retention_ms=-1)
    transactions((["a"], True), (["x"], False))
    process = start()
    until(process, lambda: process.positions == {f"{topic}/0": 4}, "all is passed")
    transactions((["b"], True))
    again = start()
    until(again, lambda: len(again.event_ids) == 2, "the replay and what is new are read")
    assert again.read == {f"{topic}/0": [0, 4]}
    until(again, lambda: again.positions == {f"{topic}/0": 6}, "the position passes the last control record")
    again.job.save()
    assert (books_of(again).findings, again.stored()) == ([], 2)


def test_the_records_of_an_open_transaction_are_read_when_it_is_committed(broker, topic, start, send, until):
    create_topic(broker.bootstrap, topic, 1, retention_ms=-1)
    process = start()
    with contextlib.closing(KafkaProducer(bootstrap_servers=broker.bootstrap, transactional_id=topic)) as open_one:
        open_one.init_transactions()
        open_one.begin_transaction()
        open_one.send(topic, event("slow"), partition=0)
        open_one.flush()
        send(0, "quick")   # behind it in the log
        asked_us = process.client.ends.asked_us
        until(process, lambda: process.client.ends.asked_us > asked_us + S // 2, "the broker was asked again")
        assert (process.event_ids, process.positions) == ([], {f"{topic}/0": 0})
        open_one.commit_transaction()
    until(process, lambda: len(process.event_ids) == 2, "both are read")
    assert process.event_ids == ["slow", "quick"]


def test_a_compacted_log_is_read_on_over_its_holes(broker, topic, producer, start, eventually, until):
    create_topic(
        broker.bootstrap, topic, 1, cleanup_policy="compact", segment_ms=100, min_cleanable_dirty_ratio=0.001, retention_ms=-1)
    with admin_of(broker) as admin:   # it looks for what to clean every 15 s by default
        admin.alter_configs([ConfigResource(ConfigResourceType.BROKER, "1", {"log.cleaner.backoff.ms": "100"})])
    sent = 0

    def more(key):
        nonlocal sent
        producer.send(topic, event(f"e{sent}"), key=key, partition=0).get(10)
        sent += 1

    for number in range(60):
        more(b"k%d" % (number % 7) if number % 10 else b"lasting%d" % number)

    def cleaned():
        more(b"roll")   # a segment is closed by the record after it
        offsets, end = log_of(broker, topic)
        return len(offsets) < end - 30

    eventually(cleaned, "compaction makes holes", 60)
    process = start(poll=3)
    until(process, lambda: process.event_ids[-1:] == [f"e{sent - 1}"], "the last record is read")
    assert process.read[f"{topic}/0"] == [int(name[1:]) for name in process.event_ids]   # nothing twice, nothing moved
    assert {f"e{number}" for number in range(0, 60, 10)} <= set(process.event_ids)
    until(process, lambda: not any(process.client.lag(process.positions).values()), "no lag is left")
    process.job.save()
    books = books_of(process)
    assert (books.findings, books.totals[0].read, process.stored()) == ([], len(process.event_ids), len(process.event_ids))


def test_a_log_without_its_head_is_read_from_where_it_begins(broker, topic, start, send, until):
    create_topic(broker.bootstrap, topic, 1, retention_ms=-1)
    send(0, *map(str, range(10)))
    with admin_of(broker) as admin:
        admin.delete_records({TopicPartition(topic, 0): 7})
    process = start()
    until(process, lambda: len(process.event_ids) == 3, "the rest is read")
    assert (process.read, process.dead) == ({f"{topic}/0": [7, 8, 9]}, {})
    process.job.save()
    assert books_of(process).findings == []


def test_what_is_deleted_before_it_is_read_ends_the_process_and_the_next_names_the_gap(broker, topic, start, send, until):
    create_topic(broker.bootstrap, topic, 1, retention_ms=-1)
    send(0, *map(str, range(10)))
    process = start(poll=4)
    until(process, lambda: len(process.event_ids) >= 4, "a part is read")
    process.end()
    send(0, *map(str, range(10, 20)))
    with admin_of(broker) as admin:
        admin.delete_records({TopicPartition(topic, 0): 15})
    again = start()
    until(again, lambda: len(again.event_ids) == 5, "what is left is read")
    again.job.save()
    assert again.read == {f"{topic}/0": [15, 16, 17, 18, 19]}
    books = books_of(again)
    assert (books.findings, books.totals[0].dead) == ([], {"gap": 1})


def test_a_process_from_under_which_the_log_expires_says_so(broker, topic, start, send, until):
    create_topic(broker.bootstrap, topic, 1, retention_ms=-1)
    send(0, *map(str, range(10)))
    process = start()
    until(process, lambda: len(process.event_ids) == 10, "all is read")
    mark = KafkaMark({f"{topic}/0": 2}, process.job.ledger.reported_us)
    with admin_of(broker) as admin:
        admin.delete_records({TopicPartition(topic, 0): 6})
    process.source.create_reader(None, mark)
    with pytest.raises(LogExpired, match=topic):
        until(process, lambda: False, "the error comes")


def test_a_topic_that_was_made_anew_is_refused_by_name_and_nothing_is_mixed(broker, topic, start, send, until):
    create_topic(broker.bootstrap, topic, 1)
    send(0, *(f"e{number}" for number in range(10)))
    process = start()
    until(process, lambda: process.stored() == 10, "the records are stored")
    with contextlib.closing(connect_admin(broker.bootstrap, 30)) as admin:
        admin.delete_topics([topic])
    create_topic(broker.bootstrap, topic, 1)
    send(0, "another")

    with pytest.raises(KafkaProblem, match=rf"{topic}/0 .* ends at offset 1, .* up to 10: the topic was deleted and made anew"):
        start()


def test_partitions_that_are_added_while_it_runs_are_read_from_their_beginning(broker, topic, start, send, until):
    create_topic(broker.bootstrap, topic, 1, retention_ms=-1)
    send(0, "old")
    process = start(discover_every_s=0.1)
    until(process, lambda: process.event_ids == ["old"], "the first partition is read")
    with admin_of(broker) as admin:
        admin.create_partitions({topic: 3})
    until(process, lambda: len(process.positions) == 3, "the new partitions are known")
    with contextlib.closing(KafkaProducer(bootstrap_servers=broker.bootstrap)) as aware:   # of the new partitions
        for partition in range(3):
            aware.send(topic, event(f"new{partition}"), partition=partition).get(10)
    until(process, lambda: len(process.event_ids) == 4, "all partitions are read")
    assert process.read == {f"{topic}/0": [0, 1], f"{topic}/1": [0], f"{topic}/2": [0]}
    assert set(start().positions) == {f"{topic}/0", f"{topic}/1", f"{topic}/2"}


# where it starts again


@pytest.mark.parametrize("read_before", [0, 1, 2])
def test_a_reader_built_from_a_mark_reads_on_from_there_and_counts_nothing_twice(broker, topic, start, send, until, read_before):
    create_topic(broker.bootstrap, topic, 2, retention_ms=-1)
    for partition in range(2):
        send(partition, *(f"{partition}-{number}" for number in range(30)))
    process = start(poll=10, storing=False)
    until(process, lambda: len(process.polls) > read_before, "the first polls are read")
    mark = KafkaMarkCoder().decode(KafkaMarkCoder().encode(process.reader.get_checkpoint_mark()))
    assert sum(mark.positions.values()) == len(process.event_ids)
    until(process, lambda: len(process.event_ids) == 60, "all is read")
    process.reader = process.source.create_reader(None, mark)   # what came after the mark is thrown away by the runner
    before, process.polls = process.polls, []
    left = 60 - sum(mark.positions.values())
    until(process, lambda: len(process.event_ids) == left, "what came after the mark is read again")
    assert process.read == {
        name: list(range(offset, 30)) for name, offset in mark.positions.items() if offset < 30}
    assert process.dead == {}
    assert sum(process.job.ledger.open_records(name) for name in mark.positions) == 60
    for poll in before[:read_before + 1] + process.polls:
        process.store(poll.chunk)
    process.job.save()
    books = books_of(process)
    assert (books.findings, books.totals[0].read, process.stored()) == ([], 60, 60)


def test_a_reader_built_from_the_mark_of_the_last_poll_disturbs_nothing(broker, topic, start, send, until):
    create_topic(broker.bootstrap, topic, 1, retention_ms=-1)
    send(0, *map(str, range(100)))
    process = start(poll=5)
    for count in range(10, 101, 10):
        until(process, lambda count=count: len(process.event_ids) >= count, "some polls are read")
        process.reader = process.source.create_reader(None, process.reader.get_checkpoint_mark())
    until(process, lambda: len(process.event_ids) >= 100, "all is read")
    assert process.read == {f"{topic}/0": list(range(100))}
    assert process.reader.reading.rewinds == 0


def test_equal_marks_have_equal_bytes():
    coder = KafkaMarkCoder()
    assert coder.encode(KafkaMark({"a/0": 1, "a/1": 2}, 3)) == coder.encode(KafkaMark({"a/1": 2, "a/0": 1}, 3))
    assert coder.is_deterministic()


def test_nothing_new_is_decided_until_all_that_was_decided_before_is_read_again(broker, topic, start, send, until):
    create_topic(broker.bootstrap, topic, 2, retention_ms=-1)
    send(0, *(f"a{number}" for number in range(50)))
    process = start()
    until(process, lambda: len(process.event_ids) == 50, "the first partition is read and stored")
    process.end()
    send(1, *(f"b{number}" for number in range(50)))
    send(0, "a50", "b7")   # the second is a copy of what has a smaller offset, but comes later
    again = start(poll=5)
    watermark_us = again.reader.get_watermark()
    until(again, lambda: len(again.event_ids) == 50, "the replay is over")
    assert again.read == {f"{topic}/0": list(range(50))}
    assert again.reader.get_watermark() == watermark_us
    until(again, lambda: len(again.event_ids) + again.dead.total() == 102, "what is new is read")
    assert again.dead == {Reason.DUPLICATE: 1}
    assert sorted(again.event_ids) == sorted([*(f"a{number}" for number in range(51)), *(f"b{number}" for number in range(50))])
    again.job.save()
    assert (books_of(again).findings, again.stored()) == ([], 101)


def test_a_process_that_was_replaced_can_write_nothing_any_more(broker, topic, start, send, until):
    create_topic(broker.bootstrap, topic, 1, retention_ms=-1)
    process = start()
    store = Store(process.job.settings.store_url)
    store.take_over("job")
    with pytest.raises(TakenOver, match="another process runs job 'job'"):
        until(process, lambda: False, "the error comes")
    store.close()


# what it commits, and when windows close


def test_the_group_is_told_what_is_saved_and_never_more(broker, topic, start, send, until):
    create_topic(broker.bootstrap, topic, 1, retention_ms=-1)
    send(0, *map(str, range(20)))
    process = start(storing=False, **QUICK)
    told, part = [], TopicPartition(topic, 0)
    with admin_of(broker) as admin:

        def committed():
            found = admin.list_group_offsets(topic)[topic].get(part)
            saved = process.saved()[f"{topic}/0"]   # read after it: saved only grows
            if found:
                told.append(found.offset)
                assert found.offset <= saved
            return found.offset if found else -1

        until(process, lambda: len(process.event_ids) == 20, "all is read")
        until(process, lambda: process.job.ledger.overdue() is not None, "the windows expire")
        until(process, lambda: committed() == 0 and len(told) > 5, "commits come")
        assert set(told) == {0}   # nothing is stored
        for poll in process.polls:
            process.store(poll.chunk)
        until(process, lambda: committed() == 20, "the commit follows what is stored")


def test_partitions_without_records_do_not_hold_the_watermark_back(broker, topic, start, send, until):
    create_topic(broker.bootstrap, topic, 3, retention_ms=-1)
    send(0, "a")
    process = start(**QUICK)
    until(process, lambda: process.saved()[f"{topic}/0"] == 1, "the window of the only record closes")
    assert process.job.ledger.closed_us > 0
    before_us = process.reader.get_watermark()
    until(process, lambda: process.reader.get_watermark() > before_us, "the clock moves the watermark on")


def test_a_partition_with_more_to_read_holds_the_watermark_back(broker, topic, producer, start, send, until):
    create_topic(broker.bootstrap, topic, 2, retention_ms=-1)
    old_us = int(time.time() * S) - 100 * S
    for number in range(300):
        producer.send(topic, event(f"old{number}", old_us + number * 1000), partition=1)
    producer.flush()
    send(0, "new")
    process = start(poll=3)
    until(process, lambda: process.job.ledger.origins[f"{topic}/0"].latest_us > old_us + 50 * S, "the new record is decided")
    until(process, lambda: len(process.event_ids) == 301, "all is read")
    assert process.dead == {}
    seen = [poll.reported_us for poll in process.polls if poll.positions[f"{topic}/1"] < 300]
    assert seen
    assert max(seen) < old_us + S


def test_the_watermark_stands_still_while_the_broker_is_silent_and_reading_goes_on_when_it_is_back(
        broker, topic, start, send, until):
    create_topic(broker.bootstrap, topic, 1, retention_ms=-1)
    send(0, "before")
    process = start()
    until(process, lambda: process.event_ids == ["before"], "the first is read")
    before_us = process.reader.get_watermark()
    until(process, lambda: process.reader.get_watermark() > before_us, "the clock moves the watermark")
    broker.pause()
    try:
        until(process, lambda: process.client.failed_since is not None, "the silence is noticed")
        silent_us = process.reader.get_watermark()
        asked_us = process.client.ends.asked_us
        assert silent_us.micros <= asked_us
        since = time.monotonic()
        until(process, lambda: time.monotonic() > since + 1, "more of the clock passes")
        assert process.reader.get_watermark() == silent_us
    finally:
        broker.resume()
    send(0, "after")
    until(process, lambda: process.event_ids == ["before", "after"], "the record after the silence is read", 60)
    until(process, lambda: process.reader.get_watermark() > silent_us, "the watermark moves again")
    assert process.client.failed_since is None
