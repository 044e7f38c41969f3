"""The shared sample stream: every line that its truth calls malformed is rejected for that, and no other line is."""
import gzip
import json
from pathlib import Path

import pytest

from schemas.json_events import JsonDecoder
from schemas.records import Reason, Rejected

STREAM = Path(__file__).parents[3] / "shared" / "data" / "stream"
REASONS = {
    "invalid_json": Reason.MALFORMED,
    "missing_text": Reason.MISSING_FIELD,
    "wrong_type": Reason.WRONG_TYPE,
    "bad_event_time": Reason.WRONG_TYPE,
    "oversize_text": Reason.TOO_LONG,
}


@pytest.mark.skipif(not STREAM.is_dir(), reason="the shared sample stream is not here")
def test_the_dead_letters_of_the_sample_stream_are_those_of_its_truth():
    lines = gzip.decompress((STREAM / "events_en_zh.jsonl.gz").read_bytes()).split(b"\n")[:-1]
    truth = json.loads((STREAM / "truth.json").read_text())["malformed"]["lines"]
    decoder = JsonDecoder()
    rejected = {
        number: result
        for number, line in enumerate(lines, 1)
        if isinstance(result := decoder.decode(line, None), Rejected)
    }
    assert rejected.keys() == {entry["line"] for entry in truth}
    for entry in truth:
        result = rejected[entry["line"]]
        expected = REASONS[entry["kind"]]
        if json_null_text(entry, lines):
            expected = Reason.MISSING_FIELD  # the truth counts a null text among the wrong types
        assert result.reason is expected, (entry, result)
        assert expected is Reason.MALFORMED or entry["field"] in result.detail


def json_null_text(entry, lines):
    return entry["kind"] == "wrong_type" and json.loads(lines[entry["line"] - 1]).get("text", "") is None
