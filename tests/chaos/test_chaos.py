"""The short battery as a test, and the oracle's own: it must see each kind of mistake."""
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from oracle import Logged, Stored, judge
from timing import SHORT, US

HERE = Path(__file__).resolve().parent
START_US = 1_780_000_000 * US // (SHORT.window_s * US) * (SHORT.window_s * US)


def event(number: int, offset: int, age_s: float = 0.0) -> Logged:
    time_ms = (START_US + US) // 1000 - int(age_s * 1000)
    row = {"event_id": f"e{number}", "event_time": time_ms, "source": "posts", "product": "p", "text": "good"}
    return Logged("t/0", offset, json.dumps(row).encode())


LOG = [event(1, 0), event(2, 1), event(1, 2), Logged("t/0", 3, b"{")]
BAD = {b"{": "malformed"}
PART = (START_US, "posts", "p")


def stored(records: int = 2, **letters: tuple[str, int]) -> Stored:
    found = Stored(Counter({PART: records}))
    found.letters = {("t/0", 2): ("duplicate", 0), ("t/0", 3): ("malformed", 0)}
    found.letters |= {("t/0", int(name.removeprefix("at"))): letter for name, letter in letters.items()}
    return found


def test_a_store_that_says_what_the_log_says_is_right() -> None:
    verdict = judge(LOG, stored(), BAD, set(), SHORT)
    assert verdict.right
    assert (verdict.records, verdict.copies, len(verdict.windows)) == (4, 1, 1)


@pytest.mark.parametrize(("records", "lost", "twice"), [(1, 1, 0), (3, 0, 1)])
def test_a_lost_and_a_doubled_record_are_seen(records: int, lost: int, twice: int) -> None:
    verdict = judge(LOG, stored(records), BAD, set(), SHORT)
    assert (verdict.lost, verdict.twice, verdict.wrong_windows) == (lost, twice, {START_US})


@pytest.mark.parametrize(("store", "words"), [
    (stored(at3=("wrong_type", 0)), "should say malformed"),
    (stored(1, at1=("late", START_US)), "before its window could expire"),
    (stored(1, at0=("duplicate", 0)), "none is the original"),
    (stored(1, at1=("model_error", 0)), "without poison")])
def test_a_wrong_reason_is_seen(store: Stored, words: str) -> None:
    assert words in " ".join(judge(LOG, store, BAD, set(), SHORT).complaints)


def test_an_event_counted_in_a_closed_window_is_seen() -> None:
    assert "had been closed" in " ".join(judge(LOG, stored(), BAD, {"e2"}, SHORT).complaints)


def test_a_gap_excuses_what_it_names_and_no_more() -> None:
    store = stored(1)
    store.gaps = {"t/0": (0, 2, 1)}
    verdict = judge(LOG, store, BAD, set(), SHORT)
    assert (verdict.right, verdict.named) == (True, 1)
    store.parts[PART] = 0
    assert not judge(LOG, store, BAD, set(), SHORT).right


@pytest.mark.kafka
@pytest.mark.prism
def test_the_short_battery_finds_nothing_wrong(tmp_path: Path) -> None:
    from pipelines.broker import broker_cache, find_java, kafka_at_hand
    from pipelines.errors import EnvironmentProblem
    from pipelines.prism import find_prism

    if find_java() is None or not kafka_at_hand(broker_cache()):
        pytest.skip("the battery needs Apache Kafka: Java 17 or later and Maven on PATH")
    try:
        find_prism()
    except EnvironmentProblem as missing:
        pytest.skip(str(missing))
    command = [sys.executable, str(HERE / "battery.py"), "--short", "--keep", str(tmp_path / "kept")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1_800, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
