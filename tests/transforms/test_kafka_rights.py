"""What a user may do on a broker that asks: the least that is needed, what is said where it is missing, and where it is taken away."""
import contextlib
import time

import pytest

from pipelines.broker import create_topic
from pipelines.errors import EnvironmentProblem
from pipelines.produce import produce
from pipelines.targets import AlertTopic, NotDelivered
from schemas.records import DeadLetter, Reason
from transforms import sinks as module
from transforms.kafka_client import KafkaClient, KafkaSettings
from transforms.kafka_security import KafkaProblem, Security
from transforms.sinks import Sinks, check_writable, publish_dead

pytestmark = pytest.mark.kafka


@pytest.fixture
def user(topic):
    """A user of this test alone."""
    return f"user-{topic}"


@pytest.fixture
def security(secured, user, tmp_path):
    secured.add_user(user, "first-password")
    (tmp_path / "password").write_text("first-password")
    return Security("SASL_SSL", str(secured.certificates.authority), mechanism="SCRAM-SHA-256", username=user,
                    password_file=str(tmp_path / "password"))


@pytest.fixture
def address(secured):
    """Of the listener that asks for the password again every few seconds (connections.max.reauth.ms)."""
    return secured.addresses["SCRAM256"]


@pytest.fixture
def client(address, topic, security):
    made = []

    def make(**settings):
        made.append(KafkaClient(KafkaSettings(address, (topic,), f"job-{topic}", security=security, **settings)))
        return made[-1]

    yield make
    for one in made:
        one.close()


RECORDS = [(b"1", None, 0), (b"2", None, 0)]


class TestReading:
    def test_read_on_the_topic_and_on_the_group_is_enough(self, secured, topic, user, client, eventually):
        create_topic(secured.plain, topic)
        produce(secured.plain, topic, RECORDS)
        secured.allow(user, topic, "READ")
        secured.allow(user, f"job-{topic}", "READ", kind="GROUP")
        one = client()
        one.check_access()
        one.assign({f"{topic}/0": 0})
        read = []
        eventually(lambda: read.extend(value for raw in one.poll({}, 0.1) for value in raw.values) or len(read) == 2, "both are read")
        one.commit({f"{topic}/0": 2})
        for _ in range(3):
            one.poll({}, 0.1)

    @pytest.mark.parametrize(("topic_right", "group_right", "said"), [
        ("DESCRIBE", "READ", "grant READ on the topics .* and on the group"),
        ("READ", None, "grant READ on the topics .* and on the group"),
        (None, "READ", "does not exist at .*, or this user may not see it")])
    def test_what_is_missing_is_named(self, secured, topic, user, client, topic_right, group_right, said):
        create_topic(secured.plain, topic)
        for name, right, kind in ((topic, topic_right, "TOPIC"), (f"job-{topic}", group_right, "GROUP")):
            if right:
                secured.allow(user, name, right, kind=kind)
        with pytest.raises(KafkaProblem, match=said):
            client().check_access()

    def test_a_group_that_may_only_be_described_is_named_once_the_job_commits(self, secured, topic, user, client):
        create_topic(secured.plain, topic)
        secured.allow(user, topic, "READ")
        secured.allow(user, f"job-{topic}", "DESCRIBE", kind="GROUP")
        one = client()
        one.assign({f"{topic}/0": 0})
        one.commit({f"{topic}/0": 0})
        with pytest.raises(KafkaProblem, match=r"grant READ on the topics .* and on the group"):
            poll_until_it_raises(one)

    def test_a_job_whose_password_is_asked_for_again_goes_on(self, secured, topic, user, client, eventually):
        create_topic(secured.plain, topic)
        secured.allow(user, topic, "READ")
        secured.allow(user, f"job-{topic}", "READ", kind="GROUP")
        one = client(watch_every_s=0.05)
        one.assign({f"{topic}/0": 0})
        until = time.monotonic() + 3 * secured.reauthentication_s
        eventually(lambda: one.poll({}, 0.1) == [] and time.monotonic() > until, "the time of three sessions is over")
        asked_us = one.ends.asked_us
        eventually(lambda: one.ends.asked_us > asked_us, "the watcher too is answered still")
        assert one.failed_since is None

    def test_a_user_that_is_taken_away_while_the_job_reads_is_a_problem_that_it_names(self, secured, topic, user, client, address):
        create_topic(secured.plain, topic)
        secured.allow(user, topic, "READ")
        secured.allow(user, f"job-{topic}", "READ", kind="GROUP")
        one = client(watch_every_s=0.05)
        one.assign({f"{topic}/0": 0})
        secured.remove_user(user)
        with pytest.raises(KafkaProblem, match=f"{address} cannot be used .*'{user}'.*refuses the user or the password") as caught:
            poll_until_it_raises(one)
        assert "first-password" not in str(caught.value)


def poll_until_it_raises(client):
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        client.poll({}, 0.1)


class TestWriting:
    def test_write_is_enough_for_a_topic_that_is_there(self, secured, topic, user, security, address):
        create_topic(secured.plain, topic)
        secured.allow(user, topic, "WRITE")
        assert produce(address, topic, RECORDS, security=security).records == 2

    def test_create_and_write_are_enough_for_one_that_is_not(self, secured, topic, user, security, address):
        secured.allow(user, topic, "CREATE", "WRITE")
        assert produce(address, topic, RECORDS, security=security, partitions=2).records == 2

    def test_a_topic_that_cannot_be_made_is_named(self, topic, security, address):
        with pytest.raises(EnvironmentProblem, match=f"topic {topic} is not there, and {address} refuses .*grant CREATE"):
            produce(address, topic, RECORDS, security=security)

    @pytest.mark.parametrize("right", ["DESCRIBE", "READ"])
    def test_who_may_not_write_is_told_so(self, secured, topic, user, security, address, right):
        create_topic(secured.plain, topic)
        secured.allow(user, topic, right)
        with pytest.raises(EnvironmentProblem, match=rf"topic {topic} was refused by the Kafka broker at {address}.*grant this user WRITE"):
            produce(address, topic, RECORDS, security=security)


@pytest.fixture
def own_producers(monkeypatch):
    made = {}
    monkeypatch.setattr(module, "_producers", made)
    yield
    for one in made.values():
        one.close(timeout=1)


@pytest.mark.usefixtures("own_producers")
class TestSinks:
    LETTERS = (DeadLetter("texts/0", 7, Reason.MALFORMED, "why"),)

    def test_write_is_enough(self, secured, topic, user, security, address):
        create_topic(secured.plain, topic)
        secured.allow(user, topic, "WRITE")
        sinks = Sinks(address, dead_letter_topic=topic, security=security)
        check_writable(sinks)
        publish_dead(sinks, self.LETTERS)

    @pytest.mark.parametrize("right", ["DESCRIBE", "READ", None])
    def test_what_may_not_be_written_is_named_at_the_start_and_when_it_is_written(self, secured, topic, user, security, address, right):
        create_topic(secured.plain, topic)
        if right:
            secured.allow(user, topic, right)
        sinks = Sinks(address, dead_letter_topic=topic, security=security)
        for refused in (lambda: check_writable(sinks), lambda: publish_dead(sinks, self.LETTERS)):
            with pytest.raises(KafkaProblem, match=f"{address} refuses to let this user write to topic '{topic}'.*: grant WRITE on it"):
                refused()

    def test_who_is_taken_away_while_the_job_writes_is_told_why(self, secured, topic, user, security, address, eventually):
        create_topic(secured.plain, topic)
        secured.allow(user, topic, "WRITE")
        sinks = Sinks(address, dead_letter_topic=topic, security=security)
        publish_dead(sinks, self.LETTERS)
        secured.remove_user(user)
        said = []

        def refused():
            try:
                publish_dead(sinks, self.LETTERS)
            except KafkaProblem as problem:
                said.append(str(problem))
            return bool(said)

        eventually(refused, "the broker asks for the password again")
        assert f"{address} cannot be used" in said[0]

    def test_without_topics_nobody_is_asked(self):
        check_writable(Sinks("no-such-host.invalid:1"))


def test_alerts_wait_for_the_right_password(secured, topic, user, security, address, tmp_path):
    create_topic(secured.plain, topic)
    secured.allow(user, topic, "WRITE")
    (tmp_path / "password").write_text("second-password")
    target = AlertTopic(address, topic, security)
    with pytest.raises(NotDelivered, match=f"{address} cannot be used .*refuses the user or the password") as caught:
        target.send("m-1", "incident", "{}", 1)
    assert "second-password" not in str(caught.value)
    secured.add_user(user, "second-password")
    target.send("m-1", "incident", "{}", 1)
    with contextlib.closing(target._producer):
        pass
