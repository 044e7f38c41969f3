"""What the battery found in replays, held down: origins that wait for others, and events from the future."""
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np
import pytest
from kafka import KafkaProducer

from insights.store import Known
from pipelines.broker import create_topic
from schemas.records import Reason
from transforms.kafka_client import KafkaClient, KafkaSettings
from transforms.ledger import Batch, Ledger

if TYPE_CHECKING:
    from pipelines.broker import Broker

RECORDS = 600


@pytest.fixture
def client(broker: "Broker", topic: str) -> Iterator[KafkaClient]:
    create_topic(broker.bootstrap, topic, 3)
    producer = KafkaProducer(bootstrap_servers=broker.bootstrap)
    for number in range(3 * RECORDS):
        producer.send(topic, str(number).encode(), partition=number % 3)
    producer.flush()
    producer.close()
    opened = KafkaClient(KafkaSettings(broker.bootstrap, (topic,), topic, max_poll_records=100))
    yield opened
    opened.close()


@pytest.mark.kafka
def test_an_origin_that_waited_at_its_limit_is_read_on(
    client: KafkaClient, topic: str, eventually: Callable[..., None]
) -> None:
    names = [f"{topic}/{number}" for number in range(3)]
    client.assign(dict.fromkeys(names, 0))
    read: dict[str, list[int]] = {name: [] for name in names}
    limits = {names[0]: 150, names[1]: 250, names[2]: RECORDS - 50}

    def poll(until: dict[str, int], limits: dict[str, int]) -> bool:
        for raw in client.poll(limits):
            read[raw.origin] += raw.offsets.tolist()
        return all(len(read[name]) >= count for name, count in until.items())

    eventually(lambda: poll(limits, limits), "each is read to its limit")
    assert {name: len(offsets) for name, offsets in read.items()} == limits
    assert client.positions() == limits
    eventually(lambda: poll(dict.fromkeys(names, RECORDS), {}), "all are read to their ends")
    assert read == {name: [*range(RECORDS)] for name in names}


def test_an_event_from_the_future_moves_no_watermark_on_a_replay_either() -> None:
    known = {"t/0": Known(saved=0, evidence=2, dead={1: Reason.FUTURE_TIME})}
    ledger = Ledger(10, 20, 5, 1_000, known)
    ledger.add("t/0")
    verdict = ledger.decide("t/0", Batch(np.arange(2), np.arange(2, dtype=np.uint64), np.array([1_020, 9_000])))
    ledger.advance({})
    assert verdict.dead == {1: Reason.FUTURE_TIME}
    assert ledger.watermark_us == 1_020   # closed + allowed lateness; the future one would make it 8,995
