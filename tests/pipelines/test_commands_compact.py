"""textpulse compact: what it says of what is due and done, and what it refuses."""
import json
from pathlib import Path

import pytest

from insights.cells import Cell, Unit
from insights.store import Progress, Store, UnitKey
from pipelines.cli import main

WINDOW, DAY = 600_000_000, 86_400_000_000
FIRST = 20_000 * DAY   # 2024-10-04
Said = pytest.CaptureFixture[str]


@pytest.fixture
def url(tmp_path: Path) -> str:
    """60 days of two windows of two records each, all closed."""
    made = f"sqlite:///{tmp_path}/a.db"
    store = Store(made)
    store.open_job("textpulse", "stream", WINDOW, 0)
    starts = [FIRST + day * DAY + at * WINDOW for day in range(60) for at in (0, 1)]
    store.write_units("textpulse", 0, [
        (UnitKey(start, "t/0", "posts", ""), Unit(2, at, {("en", "cards"): Cell(2, 1, 0, 1)})) for at, start in enumerate(starts)], 1)
    store.save("textpulse", 0, FIRST + 60 * DAY, FIRST + 60 * DAY, [Progress("t/0", 0, 0, 0, 120, 240, 0)])
    store.close()
    return made


def test_a_dry_run_says_what_is_due_and_does_nothing(url: str, capsys: Said) -> None:
    assert main(["compact", "--store", url, "--days-after", "30d", "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert "would be merged into hours: 39 from 2024-10-04 00:00" in said and "would be merged into days: 29 from" in said
    assert main(["compact", "--store", url, "--days-after", "30d", "--dry-run"]) == 0
    assert capsys.readouterr().out == said


def test_what_was_done_is_said_once_and_the_law_holds(url: str, capsys: Said) -> None:
    assert main(["compact", "--store", url, "--days-after", "30d", "--drop-after", "50d", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["done"] == {"hour": 39, "day": 29, "drop": 9} and said["dropped_records"] == 36 and said["waits"] == ""
    assert main(["verify", "--store", url]) == 0
    assert "dropped" in capsys.readouterr().out
    assert main(["compact", "--store", url, "--days-after", "30d", "--drop-after", "50d"]) == 0
    assert capsys.readouterr().out == "nothing is old enough\n"


@pytest.mark.parametrize(("argv", "said"), [
    (["--hours-after", "1d"], "--hours-after 1d: alerts rest on the windows before"), (["--hours-after", "soon"], "a length of time"),
    (["--job", "nobody"], "no such job"), (["--days-after", "17d"], "each must be as long as the one before")])
def test_what_makes_no_sense_is_refused(argv: list[str], said: str, url: str, capsys: Said) -> None:
    assert main(["compact", "--store", url, *argv]) == 2
    assert said in capsys.readouterr().err
