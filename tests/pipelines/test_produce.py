"""Replay into Kafka: every record once, in its pace, with its failures raised."""
import contextlib
import gzip
import itertools
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka import KafkaConsumer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType

from pipelines.broker import Broker, connect_admin, create_topic
from pipelines.children import free_port
from pipelines.errors import EnvironmentProblem, JobFailed, UsageProblem
from pipelines.produce import Progress, _paced, produce
from pipelines.replay import Archive, Record, event_time_us, shifted
from pipelines.sample import Plan, generate

NOW_US = 1_790_000_000_000_000
VALUES = st.none() | st.integers(-10**12, 10**12) | st.text(max_size=9)
FIELDS = st.dictionaries(st.text(max_size=5), VALUES, max_size=4)
TIMES_US = st.integers(0, 4_102_444_800_000_000)


def numbered(count: int, gap_us: int = 1000) -> list[Record]:
    return [(f'{{"n":{n}}}'.encode(), b"key", NOW_US - 10**9 + n * gap_us) for n in range(count)]


def stored(broker: Broker, topic: str) -> dict[int, list[tuple[bytes | None, bytes | None, int]]]:
    """Value, key and timestamp of every record by partition."""
    consumer = KafkaConsumer(bootstrap_servers=broker.bootstrap, auto_offset_reset="earliest")
    partitions = [TopicPartition(topic, n) for n in sorted(consumer.partitions_for_topic(topic))]
    consumer.assign(partitions)
    consumer.seek_to_beginning()
    ends = consumer.end_offsets(partitions)
    found: dict[int, list[tuple[bytes | None, bytes | None, int]]] = {p.partition: [] for p in partitions}
    while any(consumer.position(p) < ends[p] for p in partitions):
        for partition, records in consumer.poll(timeout_ms=200).items():
            found[partition.partition] += [(r.value, r.key, r.timestamp) for r in records]
    consumer.close()
    return found


def archive(path: Path, times: list[str]) -> Path:
    lines = [f'{{"event_id":"e{n}","event_time":"{time}","text":"t"}}\n' for n, time in enumerate(times)]
    path.write_bytes(gzip.compress("".join(lines).encode()))
    return path


@given(FIELDS, TIMES_US, TIMES_US)
def test_a_shift_changes_the_event_time_and_nothing_else(fields: dict[str, object], old_us: int, new_us: int) -> None:
    value = shifted(msgspec.json.encode({**fields, "event_time": "x"}), old_us)
    assert event_time_us(value) == old_us
    again = shifted(value, new_us)
    assert event_time_us(again) == new_us
    without = {key: field for key, field in msgspec.json.decode(again).items() if key != "event_time"}
    assert without == {key: field for key, field in fields.items() if key != "event_time"}


@pytest.mark.parametrize("value", [b"", b"[]", b"{", b'{"event_time":"noon"}', b'{"event_time":"2026-06-01T00:00:00"}',
                                   b'{"event_time":[1]}', b"\xff", b'{"event_time":null}'])
def test_a_time_that_cannot_be_read_is_none(value: bytes) -> None:
    assert event_time_us(value) is None


def test_the_first_record_of_a_shifted_archive_is_now_and_the_gaps_stay(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.jsonl.gz", ["2026-06-01T00:00:00.000Z", "2026-06-01T00:00:07.500Z", "bad",
                                             "2026-05-31T23:59:59.000Z"])
    records = list(Archive([str(path)], shift_to_us=NOW_US))
    assert [record[2] - NOW_US for record in records] == [0, 7_500_000, 7_500_000, -1_000_000]
    assert event_time_us(records[1][0] or b"") == NOW_US + 7_500_000
    assert b'"event_time":"bad"' in (records[2][0] or b"")


def test_an_archive_that_is_not_shifted_keeps_its_bytes(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.jsonl.gz", ["2026-06-01T00:00:00.000Z", "bad"])
    values = [value for value, _, _ in Archive([str(path)])]
    assert values == gzip.decompress(path.read_bytes()).splitlines()


def test_a_damaged_archive_gives_its_good_records_and_says_what_it_does_not(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.jsonl.gz", ["2026-06-01T00:00:00.000Z"] * 5_000)
    path.write_bytes(path.read_bytes()[:-20])
    said: list[str] = []
    assert list(Archive([str(path)], damaged=said.append))
    assert len(said) == 1
    assert str(path) in said[0]


def test_a_glob_that_matches_nothing_is_wrong_usage_at_once(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match="none-here"):
        Archive([str(tmp_path / "none-here-*.jsonl")])


@pytest.mark.parametrize("wrong", [{"speed": -1.0}, {"partitions": 0}])
def test_wrong_numbers_are_named_before_anything_is_connected(wrong: dict[str, float]) -> None:
    with pytest.raises(UsageProblem, match=f"--{next(iter(wrong))}"):
        produce("127.0.0.1:1", "t", [], **wrong)  # type: ignore[arg-type]


def test_an_unreachable_broker_is_named_within_the_time_for_connecting() -> None:
    address = f"127.0.0.1:{free_port()}"
    started = time.monotonic()
    with pytest.raises(EnvironmentProblem, match=address):
        produce(address, "t", numbered(1), connect_timeout_s=0.5)
    assert time.monotonic() - started < 10


class Clock:
    """Time that passes only while somebody waits for it."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def is_set(self) -> bool:
        return False

    def wait(self, wait_s: float) -> None:
        self.now += wait_s


def sent_at(times_s: list[float], speed: float) -> list[float]:
    clock = Clock()
    records: list[Record] = [(b"", None, round(time_s * 1e6)) for time_s in times_s]
    paced = _paced(records, speed, clock, lambda: None, clock)  # type: ignore[arg-type]
    return [clock.now for _ in paced]


@pytest.mark.parametrize("speed", [0.5, 1.0, 60.0])
def test_the_pace_is_a_multiple_of_event_time(speed: float) -> None:
    assert sent_at([100, 101, 103, 110], speed) == pytest.approx([0, 1 / speed, 3 / speed, 10 / speed])


def test_a_late_record_is_sent_at_once_and_a_wrong_clock_holds_nothing_up() -> None:
    assert sent_at([0, 5, 1, 6, 1e9, 7, 8], 1.0) == pytest.approx([0, 1, 1, 6, 7, 7, 8])


@given(st.lists(st.floats(0, 1000), min_size=1, max_size=30))
def test_no_order_of_times_loses_a_record_or_waits_beyond_the_largest(times_s: list[float]) -> None:
    found = sent_at(times_s, 1.0)
    assert len(found) == len(times_s)
    assert found[-1] <= max(times_s) - times_s[0] + 1e-3


def test_progress_knows_rate_and_time_left() -> None:
    assert Progress(3_000, 1, 2.0, 0.25).line() == "3,000 records, 1,500/s, 25%, 0:06 left"
    assert Progress(3_000, 1, 2.0).line() == "3,000 records, 1,500/s"
    assert Progress(0, 0, 0.0, 0.0).left_s is None


@pytest.mark.kafka
class TestRealBroker:
    def test_every_record_arrives_once_without_key_and_the_partitions_get_alike(
            self, broker: Broker, topic: str) -> None:
        records = numbered(25_001)
        done = produce(broker.bootstrap, topic, records, partitions=3)
        found = stored(broker, topic)
        assert done.records == 25_001
        assert {len(part) for part in found.values()} <= {8_333, 8_334}
        everything = list(itertools.chain(*found.values()))
        assert Counter(value for value, _, _ in everything) == Counter(value for value, _, _ in records)
        assert {key for _, key, _ in everything} == {None}
        assert {time_ms for _, _, time_ms in everything} == {time_us // 1000 for _, _, time_us in records}

    def test_a_key_chooses_the_partition_when_asked(self, broker: Broker, topic: str) -> None:
        produce(broker.bootstrap, topic, numbered(100), partitions=3, keyed=True)
        found = stored(broker, topic)
        assert sorted(len(part) for part in found.values()) == [0, 0, 100]
        assert {key for part in found.values() for _, key, _ in part} == {b"key"}

    def test_the_whole_sample_with_tombstones_arrives(self, broker: Broker, topic: str) -> None:
        sample = list(generate(1, count=3_000, plan=Plan(malformed=0.1, tombstones=True)))
        produce(broker.bootstrap, topic, ((r.value, r.key, r.arrival_us) for r in sample), partitions=2)
        found = Counter(value for part in stored(broker, topic).values() for value, _, _ in part)
        assert found == Counter(r.value for r in sample)

    def test_old_records_stay_because_the_topic_has_no_limit_of_age(self, broker: Broker, topic: str) -> None:
        produce(broker.bootstrap, topic, [(b"old", None, 0)])
        with contextlib.closing(connect_admin(broker.bootstrap, 10)) as admin:
            resource = ConfigResource(ConfigResourceType.TOPIC, topic)
            settings = admin.describe_configs([resource])["topic"][topic]
        assert settings["retention.ms"]["value"] == "-1"
        assert list(stored(broker, topic).values()) == [[(b"old", None, 0)]]

    def test_a_time_in_the_far_future_is_no_reason_to_refuse(self, broker: Broker, topic: str) -> None:
        future_us = int(time.time() * 1e6) + 10**15
        produce(broker.bootstrap, topic, [(b"x", None, future_us)])
        assert len(stored(broker, topic)[0]) == 1

    def test_a_record_that_the_broker_refuses_is_raised_with_its_number(self, broker: Broker, topic: str) -> None:
        create_topic(broker.bootstrap, topic, 1, max_message_bytes=1_000)
        with pytest.raises(JobFailed, match=f"topic {topic} was refused"):
            produce(broker.bootstrap, topic, [(b"x", None, NOW_US), (b"y" * 5_000, None, NOW_US)])

    def test_a_restart_of_the_broker_loses_and_doubles_nothing(self, broker: Broker, topic: str) -> None:
        create_topic(broker.bootstrap, topic, 2)

        def killing() -> Iterator[Record]:
            for n, record in enumerate(numbered(20_000)):
                if n == 12_345:
                    broker.kill()
                    broker.restart()
                yield record

        assert produce(broker.bootstrap, topic, killing()).records == 20_000
        found = Counter(value for part in stored(broker, topic).values() for value, _, _ in part)
        assert found == Counter(value for value, _, _ in numbered(20_000))

    def test_stop_ends_a_paced_run_early_with_what_was_sent_confirmed(self, broker: Broker, topic: str) -> None:
        stop = threading.Event()
        reports: list[Progress] = []

        def note(progress: Progress) -> None:
            reports.append(progress)
            stop.set()

        hour_us = 3_600_000_000
        done = produce(broker.bootstrap, topic, numbered(10, hour_us), speed=1, total=10, report=note,
                       report_every_s=0.01, stop=stop)
        assert done.records == sum(len(part) for part in stored(broker, topic).values()) < 10
        assert reports

    def test_the_report_ends_at_the_whole_archive(self, broker: Broker, topic: str, tmp_path: Path) -> None:
        source = Archive([str(archive(tmp_path / "a.jsonl.gz", ["2026-06-01T00:00:00.000Z"] * 100))])
        assert produce(broker.bootstrap, topic, source, done=source.done).done == 1.0
