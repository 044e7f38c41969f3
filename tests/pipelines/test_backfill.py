"""A backfill in this process leaves its log as it was, and says what went wrong in one line."""
import logging

import pytest

from insights.store import Store, StoreError
from pipelines.cli import main

LINE = b'{"event_id": "a", "event_time": "2026-06-01T12:00:00Z", "text": "the parcel was late", "source": "posts"}\n'


@pytest.fixture
def backfill(tmp_path):
    """backfill(): its exit code."""
    (tmp_path / "e.jsonl").write_bytes(LINE)

    def run():
        return main(["backfill", str(tmp_path / "e.jsonl"), "--store", f"sqlite:///{tmp_path}/e.db"])

    return run


def full(*_):
    raise StoreError("sqlite:///e.db: full")


@pytest.mark.model
@pytest.mark.parametrize("fails", [False, True])
def test_what_is_logged_after_a_backfill_is_heard(backfill, monkeypatch, caplog, capfd, fails):
    if fails:
        monkeypatch.setattr(Store, "write_units", full)
    levels = logging.getLogger().level, logging.getLogger("textpulse").level
    assert backfill() == (3 if fails else 0)
    assert (logging.getLogger().level, logging.getLogger("textpulse").level) == levels
    said = capfd.readouterr().err
    assert "Traceback" not in said and ("textpulse: sqlite:///e.db: full" in said) == fails
    logging.getLogger("textpulse").error("a record waits")
    assert [record.getMessage() for record in caplog.records if record.name == "textpulse"] == ["a record waits"]
