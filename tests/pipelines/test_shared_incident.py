"""The incident in the shared stream: backfilled with the model, it is one incident and one topic, in its time, and nothing else is told."""
import datetime as dt
import json
from pathlib import Path

import pytest

from pipelines.cli import main

STREAM = Path(__file__).parents[3] / "shared" / "data" / "stream"


@pytest.mark.model
@pytest.mark.skipif(not STREAM.is_dir(), reason="the shared sample stream is not here")
def test_the_incident_of_the_shared_stream_is_told_once_and_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    burst = json.loads((STREAM / "truth.json").read_text())["burst"]
    store = f"sqlite:///{tmp_path}/a.db"
    assert main(["backfill", str(STREAM / "events_en_zh.jsonl.gz"), "--store", store]) == 0
    capsys.readouterr()
    assert main(["alerts", "list", "--store", store, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)

    assert len({alert["incident"] for alert in found}) == 1
    assert burst["start"][:16] == min(alert["opened"] for alert in found)[:16]
    last, end = (dt.datetime.fromisoformat(time) for time in (max(alert["last"] for alert in found), burst["end"]))
    assert end <= last + dt.timedelta(minutes=1) and last <= end + dt.timedelta(minutes=2)   # windows are of a minute
    assert {"spike", "term"} <= {alert["kind"] for alert in found}
    samples = [sample for alert in found for sample in alert["reason"]["samples"]]
    assert samples and all(sample["text"] for sample in samples)

    assert main(["topics", "list", "--store", store, "--json"]) == 0
    topic, *others = json.loads(capsys.readouterr().out)
    assert burst["start"][:15] == topic["opened"][:15]   # to ten minutes
    assert len(others) <= 1   # people call the same delays by words that hardly share a record
    assert all(burst["start"] <= other["opened"] <= burst["end"] for other in others)
    assert {"flight", "cancelled"} <= {member["text"] for member in topic["members"]}
