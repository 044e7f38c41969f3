"""The real broker, started once a run, a fresh topic for each test that asks, and polling with a deadline."""
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pipelines.broker import Broker

CACHE = Path(__file__).resolve().parent.parent / ".cache" / "broker"

Eventually = Callable[..., None]


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[Broker]":
    """Apache Kafka for the whole run. A test that kills, pauses or restarts it must leave it running."""
    from pipelines.broker import find_java, kafka_at_hand, open_broker

    if find_java() is None:
        pytest.skip("the real broker needs Java 17 or later on PATH (Debian: apt install openjdk-17-jre-headless)")
    if not kafka_at_hand(CACHE):
        pytest.skip("the real broker needs Maven on PATH for its first fetch (Debian: apt install maven)")
    with open_broker(CACHE, tmp_path_factory.mktemp("broker") / "broker.log") as running:
        yield running


@pytest.fixture
def topic() -> str:
    """A topic name that no other test uses; create it with create_topic."""
    return f"test-{uuid.uuid4().hex[:12]}"


@pytest.fixture(scope="session")
def eventually() -> Eventually:
    """eventually(check, what, deadline_s=30): polls until check() is true, and fails naming `what` at the deadline."""

    def poll(check: Callable[[], bool], what: str, deadline_s: float = 30.0) -> None:
        give_up = time.monotonic() + deadline_s
        while not check():
            if time.monotonic() > give_up:
                pytest.fail(f"not within {deadline_s:.0f} s: {what}")
            time.sleep(0.02)

    return poll
