"""No hostile record and no hostile archive takes more than 500 MB, ends the process, or is lost without a letter."""
import json
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
MOST_MB = 500
SECONDS = 30
EMPTY = "empty members.jsonl.gz"


def measured(kind):
    done = subprocess.run([sys.executable, HERE / "peak.py", kind], check=False, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr[-2000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


def assert_bounded(found):
    for one in found:
        assert one["above_mb"] < MOST_MB, one
        assert one["seconds"] < SECONDS, one
        assert bool(one["said"]) is not (one["name"] == EMPTY), one
        assert not one["said"].get("event"), one


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="the peak of memory is told by Linux")
def test_a_hostile_record_of_100_mb_or_at_the_limit_is_one_letter_and_takes_less_than_500_mb():
    found = measured("record")
    assert len(found) >= 24
    assert_bounded(found)
    assert [sum(one["said"].values()) for one in found] == [1] * len(found)


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="the peak of memory is told by Linux")
def test_a_hostile_archive_takes_less_than_500_mb_and_ends_in_a_letter():
    found = measured("archive")
    assert len(found) >= 35
    assert_bounded(found)
