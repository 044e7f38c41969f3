"""textpulse compact: what it says, what it refuses, and that a dry run writes nothing."""
import json
from pathlib import Path

import pytest
import sqlalchemy as sa

from insights.cells import Cell, Unit
from insights.store import Progress, Store, UnitKey
from insights.tables import metadata
from pipelines.cli import main

MINUTE, DAY = 60_000_000, 86_400_000_000
Said = pytest.CaptureFixture[str]


@pytest.fixture
def url(tmp_path: Path) -> str:
    """Sixty days with two windows each, all closed."""
    made = f"sqlite:///{tmp_path}/a.db"
    store = Store(made)
    store.open_job("live", "stream", MINUTE, 0)
    at = [20_000 * DAY + day * DAY + minute * MINUTE for day in range(61) for minute in (0, 7)]
    store.write_units("live", 0, [
        (UnitKey(window_us, "texts/0", "posts", ""), Unit(1, offset, {("en", "card"): Cell(1, 1)}))
        for offset, window_us in enumerate(at)], 7)
    store.save("live", 0, at[-1] + MINUTE, at[-1] + MINUTE, [Progress("texts/0", 122, 122, 0, 122, 122, 0)])
    store.close()
    return made


def contents(url: str) -> dict[str, list[str]]:
    engine = sa.create_engine(url)
    with engine.connect() as db:
        return {table.name: sorted(map(repr, db.execute(sa.select(table)).all())) for table in metadata.sorted_tables}


def test_it_merges_and_drops_and_verify_holds_and_says_so(url: str, capsys: Said) -> None:
    argv = ["compact", "--store", url, "--job", "live", "--hours-after", "20d", "--days-after", "30d", "--drop-after", "50d"]
    assert main(argv) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "merged into hours: 40 from 2024-10-04 00:00 to 2024-11-12 01:00 UTC: 80 records, units 80 -> 40, cells 80 -> 40"
    assert [line.partition(":")[0] for line in said] == ["merged into hours", "merged into days", "removed"]
    assert main(["verify", "--store", url]) == 0
    said = capsys.readouterr().out.splitlines()
    assert "dropped" in said[0] and "20" in said[1].split()
    assert main(argv) == 0
    assert capsys.readouterr().out == "nothing is old enough\n"


def test_a_dry_run_says_what_a_run_would_do_and_writes_nothing(url: str, capsys: Said) -> None:
    before = contents(url)
    argv = ["compact", "--store", url, "--job", "live", "--days-after", "40d"]
    assert main([*argv, "--dry-run", "--json"]) == 0
    dry = json.loads(capsys.readouterr().out)
    assert contents(url) == before
    assert main([*argv, "--json"]) == 0
    wet = json.loads(capsys.readouterr().out)
    assert dry["due"] == wet["due"] == wet["done"]
    assert wet["units"]["before"] > wet["units"]["after"]
    assert dry["done"] == {"hour": 0, "day": 0, "drop": 0}


@pytest.mark.parametrize("argv", [
    ["--hours-after", "2d"], ["--hours-after", "soon"], ["--days-after", "19d"], ["--drop-after", "30d"],
    ["--job", "nobody"]], ids=" ".join)
def test_what_it_refuses_is_one_line_that_names_the_option_and_writes_nothing(argv: list[str], url: str, capsys: Said) -> None:
    before = contents(url)
    assert main(["compact", "--store", url, "--job", "live", *argv]) == 2
    said = capsys.readouterr()
    assert said.out == "" and said.err.count("\n") == 1
    assert argv[0] in said.err
    assert contents(url) == before


def test_insights_of_merged_windows_have_honest_ends_and_a_note(url: str, capsys: Said) -> None:
    assert main(["compact", "--store", url, "--job", "live"]) == 0
    capsys.readouterr()
    assert main(["insights", "--store", url, "--job", "live", "--window", "5m", "--to", "2024-10-05", "--by", "", "--json"]) == 0
    said = capsys.readouterr()
    assert [(row["start"], row["end"], row["records"]) for row in json.loads(said.out)] == [
        ("2024-10-04T00:00:00Z", "2024-10-04T01:00:00Z", 2)]
    assert "hours or days" in said.err
