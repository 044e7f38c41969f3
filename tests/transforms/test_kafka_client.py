"""The Kafka client on the real broker: what it says when it cannot begin, where it stops, whom it calls idle, what it hands over."""
import contextlib
import time
from types import SimpleNamespace

import numpy as np
import pytest
from kafka import KafkaProducer, TopicPartition
from kafka.admin import ACL, ACLOperation, ACLPermissionType, ResourcePattern, ResourceType
from kafka.structs import OffsetAndMetadata

from pipelines.broker import broker_cache, connect_admin, create_topic, open_broker
from pipelines.children import free_port
from transforms import kafka_client as module
from transforms.kafka_client import KafkaClient, KafkaProblem, KafkaSettings, LogExpired, name_of, partition_of


@pytest.mark.parametrize("name", ["texts/0", "a.b-c_d/12"])
def test_an_origin_names_its_partition_and_back(name):
    assert name_of(partition_of(name)) == name


def test_an_unreachable_broker_is_named_within_the_connect_timeout():
    address = f"127.0.0.1:{free_port()}"
    began = time.monotonic()
    with pytest.raises(KafkaProblem, match=rf"{address} within 1 s .*--bootstrap-servers.*--connect-timeout"):
        KafkaClient(KafkaSettings(address, ("texts",), "job", connect_timeout_s=1.0))
    assert 0.5 < time.monotonic() - began < 10


def test_a_record_without_a_timestamp_or_headers_is_one_all_the_same():
    record = SimpleNamespace(offset=7, value=b"x", timestamp=-1, headers=[])
    raw = module._raw(TopicPartition("texts", 3), [record])
    assert (raw.origin, raw.offsets.tolist(), raw.values, raw.times_us, raw.headers) == ("texts/3", [7], [b"x"], [None], ())


@pytest.fixture
def client(broker, topic):
    """client(**settings): one over `topic`, made with 2 partitions."""
    create_topic(broker.bootstrap, topic, 2, retention_ms=-1)
    made = []

    def make(*topics, **settings):
        chosen = {"watch_every_s": 0.05, "idle_after_s": 0.0} | settings
        made.append(KafkaClient(KafkaSettings(broker.bootstrap, topics or (topic,), topic, **chosen)))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture(scope="module")
def guarded(broker, tmp_path_factory):
    """A broker that asks who may: everyone, but `seen` may only be described, `hidden` not even that, and no group `barred` be used."""
    settings = {"authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
                "allow.everyone.if.no.acl.found": "true", "super.users": "User:admin"}
    with open_broker(broker_cache(), tmp_path_factory.mktemp("guarded") / "log", settings=settings) as running:
        admin = connect_admin(running.bootstrap, 30.0)
        for name in ("seen", "hidden", "open"):
            create_topic(running.bootstrap, name)
        admin.create_acls([
            ACL("User:ANONYMOUS", "*", operation, permission, ResourcePattern(kind, name))
            for kind, name, operation, permission in (
                (ResourceType.TOPIC, "seen", ACLOperation.DESCRIBE, ACLPermissionType.ALLOW),
                (ResourceType.TOPIC, "hidden", ACLOperation.ALL, ACLPermissionType.DENY),
                (ResourceType.GROUP, "barred", ACLOperation.ALL, ACLPermissionType.DENY))])
        admin.close()
        yield running.bootstrap


@pytest.mark.parametrize(("topic", "group", "what"), [
    ("seen", "job", r"refuses .*seen.*grant READ on the topics \(seen\) and on the group 'job'"),
    ("open", "barred", r"refuses .*barred.*grant READ on the topics \(open\) and on the group 'barred'"),
    ("hidden", "job", r"'hidden' does not exist at .*, or this user may not see it; topics there: open"),
    ("open", "job", "")])
def test_what_this_user_may_not_do_is_named_at_the_start(guarded, topic, group, what):
    said = pytest.raises(KafkaProblem, match=what) if what else contextlib.nullcontext()
    with said, contextlib.closing(KafkaClient(KafkaSettings(guarded, (topic,), group))) as client:
        client.check_access()
    if topic == "seen":   # and where it is found only later
        with contextlib.closing(KafkaClient(KafkaSettings(guarded, (topic,), group))) as client:
            client.assign({"seen/0": 0})
            with pytest.raises(KafkaProblem, match="refuses"):
                poll_until_it_raises(client)


def poll_until_it_raises(client):
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        client.poll({}, 0.1)


@pytest.fixture
def send(producer, topic):
    """send(partition, count): so many more records, numbered within their partition."""
    sent = {}

    def more(partition, count, **options):
        for _ in range(count):
            number = sent.get(partition, 0)
            producer.send(topic, str(number).encode(), partition=partition, **options)
            sent[partition] = number + 1
        producer.flush()

    return more


class Reading:
    """Polls with limits until a test has seen enough."""

    def __init__(self, client, limits=None):
        self.client, self.limits, self.offsets = client, limits or {}, {}

    def __call__(self):
        for raw in self.client.poll(self.limits, 0.05):
            self.offsets.setdefault(raw.origin, []).extend(raw.offsets.tolist())
        return self.offsets


@pytest.mark.kafka
class TestRealBroker:
    def test_an_open_transaction_is_no_idle_end(self, broker, topic, client, eventually):
        one = client()
        origin, other = f"{topic}/0", f"{topic}/1"
        with contextlib.closing(KafkaProducer(bootstrap_servers=broker.bootstrap, transactional_id=topic)) as transactions:
            transactions.init_transactions()
            transactions.begin_transaction()
            transactions.send(topic, b"1", partition=0).get(10)
            eventually(lambda: origin in one.ends.open, "the open transaction is seen")
            assert one.idle({origin: 0, other: 0}).keys() == {other}
            transactions.commit_transaction()
            eventually(lambda: one.ends.ends.get(origin, 0) > 0, "its record is there to be read")
            assert not one.ends.open
            assert one.idle({origin: one.ends.ends[origin], other: 0}).keys() == {origin, other}

    def test_a_missing_topic_is_named_with_those_that_are_there(self, broker, client, topic):
        with pytest.raises(KafkaProblem, match=rf"'{topic}-gone' does not exist at {broker.bootstrap}.*; topics there: .*{topic}") as said:
            client(f"{topic}-gone")
        assert "__" not in str(said.value)

    def test_each_record_comes_with_its_offset_its_log_time_and_its_headers(self, client, topic, send, eventually):
        send(0, 2, timestamp_ms=1_780_272_000_123, headers=[("trace", b"7"), ("raw", b"\xff")])
        one = client()
        one.assign({f"{topic}/0": 0})
        raws = []
        eventually(lambda: raws.extend(one.poll({}, 0.05)) or bool(raws), "the records come")
        raw, = raws
        assert (raw.origin, raw.offsets.dtype, raw.offsets.tolist()) == (f"{topic}/0", np.int64, [0, 1])
        assert raw.values == [b"0", b"1"]
        assert raw.times_us == [1_780_272_000_123_000] * 2
        assert raw.headers == [{"trace": "7", "raw": "\ufffd"}] * 2

    def test_an_origin_is_read_up_to_its_limit_and_goes_on_where_it_stopped_when_the_limit_is_lifted(
            self, client, topic, send, eventually):
        send(0, 500)
        send(1, 500)
        one = client(max_poll_records=70)
        one.assign({f"{topic}/0": 0, f"{topic}/1": 0})
        read = Reading(one, {f"{topic}/0": 130, f"{topic}/1": 311})
        eventually(lambda: read() == {f"{topic}/0": list(range(130)), f"{topic}/1": list(range(311))}, "both limits are reached")
        for _ in range(20):
            assert one.poll(read.limits) == []
        assert one.positions() == {f"{topic}/0": 130, f"{topic}/1": 311}
        read.limits = {}
        eventually(lambda: sum(map(len, read().values())) == 1000, "the rest is read")
        assert read.offsets == {f"{topic}/0": list(range(500)), f"{topic}/1": list(range(500))}

    def test_an_origin_that_waits_at_its_limit_may_wait_from_the_start(self, client, topic, send, eventually):
        send(0, 50)
        send(1, 50)
        one = client()
        one.assign({f"{topic}/0": 0, f"{topic}/1": 20})
        read = Reading(one, {f"{topic}/0": 50, f"{topic}/1": 20})
        eventually(lambda: len(read().get(f"{topic}/0", ())) == 50, "the first is read")
        assert f"{topic}/1" not in read.offsets
        read.limits = {}
        eventually(lambda: len(read().get(f"{topic}/1", ())) == 30, "the second is read")
        assert read.offsets[f"{topic}/1"] == list(range(20, 50))

    def test_an_origin_is_idle_only_where_the_broker_said_that_it_ends_and_no_sooner_than_it_was_asked(
            self, client, topic, send, eventually):
        send(0, 10)
        one = client()
        one.assign({f"{topic}/0": 0, f"{topic}/1": 0})
        eventually(lambda: one.lag({f"{topic}/0": 4}) == {f"{topic}/0": 6, f"{topic}/1": 0}, "the broker says where the logs end")
        assert f"{topic}/0" not in one.idle({f"{topic}/0": 9, f"{topic}/1": 0})
        idle = one.idle({f"{topic}/0": 10, f"{topic}/1": 0})
        assert set(idle) == {f"{topic}/0", f"{topic}/1"}
        assert max(idle.values()) <= time.time() * 1_000_000
        send(0, 1)
        eventually(lambda: one.lag({f"{topic}/0": 10})[f"{topic}/0"] == 1, "the broker tells of the next record")
        assert f"{topic}/0" not in one.idle({f"{topic}/0": 10})

    def test_an_origin_is_not_idle_so_soon_after_a_record(self, client, topic, send, eventually):
        send(0, 1)
        one = client(idle_after_s=3_600.0)
        one.assign({f"{topic}/0": 0, f"{topic}/1": 0})
        read = Reading(one)
        eventually(lambda: bool(read()), "the record comes")
        asked_us = one.ends.asked_us
        eventually(lambda: one.ends.asked_us > asked_us, "the broker is asked again")
        assert set(one.idle(one.positions())) == {f"{topic}/1"}

    def test_what_the_log_no_longer_holds_is_an_error_and_never_skipped(self, broker, client, topic, send, eventually):
        send(0, 10)
        with contextlib.closing(connect_admin(broker.bootstrap, 30)) as admin:
            admin.delete_records({TopicPartition(topic, 0): 6})
        one = client()
        assert one.beginnings([TopicPartition(topic, 0), TopicPartition(topic, 1)]) == {
            TopicPartition(topic, 0): 6, TopicPartition(topic, 1): 0}
        one.assign({f"{topic}/0": 5})

        def expired():
            try:
                return bool(one.poll({}, 0.05)) and pytest.fail("something was read")
            except LogExpired as error:
                return topic in str(error)

        eventually(expired, "the error comes")

    def test_partitions_that_are_added_are_found_once(self, broker, client, topic, eventually):
        one = client(discover_every_s=0.1)
        with contextlib.closing(connect_admin(broker.bootstrap, 30)) as admin:
            admin.create_partitions({topic: 4})
        found = []
        eventually(lambda: found.extend(one.take_found()) or len(found) >= 2, "the new partitions are found")
        assert found == [TopicPartition(topic, 2), TopicPartition(topic, 3)]
        asked_us = one.ends.asked_us
        eventually(lambda: one.ends.asked_us > asked_us and f"{topic}/3" in one.ends.ends, "the watcher asks for them too")
        assert one.take_found() == []

    def test_a_commit_names_the_offsets_to_the_group(self, broker, client, topic, eventually):
        one = client()
        one.assign({f"{topic}/0": 0, f"{topic}/1": 0})
        one.commit({f"{topic}/0": 5, f"{topic}/1": 0})

        def committed():
            one.poll({})   # sends what was asked for
            with contextlib.closing(connect_admin(broker.bootstrap, 30)) as admin:
                return admin.list_group_offsets(topic)[topic]

        eventually(lambda: {part.partition: told.offset for part, told in committed().items()} == {0: 5, 1: 0}, "it is committed")
        assert all(isinstance(told, OffsetAndMetadata) for told in committed().values())

    def test_a_closed_client_leaves_no_thread(self, client):
        one = client()
        one.close()
        assert not one.watcher.is_alive()


def test_a_header_without_a_value_is_an_empty_one():
    record = SimpleNamespace(offset=7, value=b"x", timestamp=-1, headers=[("trace", None), ("by", "né".encode())])

    assert module._raw(TopicPartition("texts", 3), [record]).headers == [{"trace": "", "by": "né"}]
