"""textpulse produce: what it refuses, what it sends, and what it says meanwhile."""
import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest
from kafka import KafkaConsumer, TopicPartition

from pipelines.broker import Broker
from pipelines.children import free_port
from pipelines.cli import main
from pipelines.produce import Progress
from pipelines.sample import generate

Said = pytest.CaptureFixture[str]


@pytest.mark.parametrize("argv", [
    ["--bootstrap-servers", "h:1"], ["--bootstrap-servers", "h:1", "--sample", "3", "a.jsonl"], ["--sample", "3"],
    ["--bootstrap-servers", "h:1", "--sample", "3", "--topic", "a,b"], ["--sample", "-1"],
    ["--sample", "3", "--rate", "0"], ["--bootstrap-servers", "h:1", "--sample", "3", "--speed", "-1"],
    ["--sample", "3", "--speed", "inf"]], ids=" ".join)
def test_wrong_use_is_code_2(argv: list[str], capsys: Said) -> None:
    assert main(["produce", *argv]) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("name", ["none.jsonl", "*.jsonl"])
def test_a_glob_without_a_match_is_code_2_naming_it(name: str, tmp_path: Path, capsys: Said) -> None:
    assert main(["produce", str(tmp_path / name), "--bootstrap-servers", "h:1"]) == 2
    assert str(tmp_path / name) in capsys.readouterr().err


def test_a_broker_that_does_not_answer_is_code_3_naming_the_address(capsys: Said) -> None:
    address = f"127.0.0.1:{free_port()}"
    assert main(["produce", "--sample", "3", "--bootstrap-servers", address, "--connect-timeout", "300ms"]) == 3
    said = capsys.readouterr().err
    assert address in said
    assert said.count("\n") == 1


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list, dict]]:
    """What produce() would have been given."""
    got: list[tuple[list, dict]] = []

    def take(bootstrap: str, topic: str, records: Iterator, **how: object) -> Progress:
        progress = Progress(500, 1, 2.0, 0.5)
        how["report"](progress)   # type: ignore[operator]
        got.append((list(records), how))
        return progress

    monkeypatch.setattr("pipelines.produce.produce", take)
    return got


def test_the_sample_of_a_seed_is_sent_with_rate_and_time_left_on_stderr(sent: list, capsys: Said) -> None:
    assert main(["produce", "--sample", "40", "--seed", "7", "--bootstrap-servers", "h:1"]) == 0
    (records, how), = sent
    assert records == [(one.value, one.key, one.arrival_us) for one in generate(7, count=40)]
    assert how["total"] == 40
    said = capsys.readouterr()
    assert said.out == ""
    assert "500 records, 250/s, 50%, 0:02 left" in said.err


def test_a_damaged_archive_is_named_and_its_good_records_are_sent(sent: list, tmp_path: Path, capsys: Said) -> None:
    path = tmp_path / "a.jsonl.gz"
    whole = gzip.compress(b'{"event_id":"a","event_time":"2026-06-01T00:00:00Z","text":"x"}\n')
    path.write_bytes(whole + whole[:-9])
    assert main(["produce", str(path), "--bootstrap-servers", "h:1"]) == 0
    (records, _), = sent
    assert records
    said = capsys.readouterr().err
    assert "left out" in said
    assert str(path) in said


@pytest.mark.kafka
def test_an_archive_arrives_in_a_real_topic(broker: Broker, topic: str, tmp_path: Path, capsys: Said) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"event_id":"a","event_time":"2026-06-01T00:00:00Z","text":"x"}\n' * 500)
    assert main(["produce", str(path), "--bootstrap-servers", broker.bootstrap, "--topic", topic]) == 0
    assert "500 records" in capsys.readouterr().err
    consumer = KafkaConsumer(bootstrap_servers=broker.bootstrap)
    ends = consumer.end_offsets([TopicPartition(topic, number) for number in range(3)])
    consumer.close()
    assert sum(ends.values()) == 500
