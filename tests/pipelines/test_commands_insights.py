"""textpulse insights: four formats with the same numbers, on the screen or in a file that is whole."""
import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest
from pyarrow import parquet

from insights.cells import Cell, Unit
from insights.store import Store, UnitKey
from pipelines.cli import main

MINUTE = 60_000_000
START = 29_000_000 * MINUTE
Said = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Three windows."""
    made = f"sqlite:///{tmp_path_factory.mktemp('insights')}/a.db"
    store = Store(made)
    store.open_job("textpulse", "stream", MINUTE, MINUTE)
    cells = {("en", "bank"): Cell(3, 1, 2, 0, terms={"card": (1, 2, 0)}, entities={"brand\tAcme\x1b": 2}), ("zh", "card"): Cell(1, 0, 0, 1)}
    store.write_units("textpulse", 0, [
        (UnitKey(START + at * MINUTE, "texts/0", "posts", ""), Unit(4, at, cells)) for at in range(3)], 7)
    store.close()
    return made


def asked(url: str, *more: str) -> list[str]:
    return ["insights", "--store", url, "--by", "topic", *more]


def test_every_format_has_the_same_numbers(url: str, tmp_path: Path, capsys: Said) -> None:
    for form in ("json", "csv", "parquet", "table"):
        assert main(asked(url, "--format", form, "--output", str(tmp_path / form))) == 0
    assert capsys.readouterr().out == ""

    documents = json.loads((tmp_path / "json").read_text())
    rows = list(csv.DictReader((tmp_path / "csv").read_text().splitlines()))
    arrows = parquet.read_table(tmp_path / "parquet").to_pylist()
    assert [one["records"] for one in documents] == [int(row["records"]) for row in rows] == [3, 1] * 3
    assert [row["records"] for row in arrows] == [3, 1] * 3
    assert [one["group"]["topic"] for one in documents] == [row["topic"] for row in rows] == [row["topic"] for row in arrows]
    assert [one["start"] for one in documents] == [row["start"].isoformat().replace("+00:00", "Z") for row in arrows]
    assert len((tmp_path / "table").read_text().splitlines()) == 7
    assert sorted(path.name for path in tmp_path.iterdir()) == ["csv", "json", "parquet", "table"]


@pytest.mark.parametrize("form", ["json", "csv"])
def test_a_flag_is_short_for_its_format(form: str, url: str, capsys: Said) -> None:
    answers = []
    for how in ([f"--{form}"], ["--format", form], [f"--{form}", "--format", form]):
        assert main(asked(url, *how)) == 0
        answers.append(capsys.readouterr().out)

    assert answers[0]
    assert len(set(answers)) == 1


def test_the_format_of_a_stream_is_another_thing(url: str, capsys: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEXTPULSE_FORMAT", "avro")
    monkeypatch.setenv("TEXTPULSE_INSIGHTS_FORMAT", "json")
    assert main(asked(url)) == 0

    assert len(json.loads(capsys.readouterr().out)) == 6


def test_parquet_goes_into_a_pipe(url: str, tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-m", "pipelines", *asked(url, "--format", "parquet")], capture_output=True, check=True)
    (tmp_path / "piped").write_bytes(done.stdout)

    assert parquet.read_table(tmp_path / "piped").num_rows == 6


def test_parquet_is_not_for_a_terminal(url: str, capsys: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert main(asked(url, "--format", "parquet")) == 2

    assert "--format parquet: is not for a terminal; name a file with --output" in capsys.readouterr().err


@pytest.mark.parametrize(("argv", "code", "said"), [
    (["--json", "--csv"], 2, "--csv and --json: choose one"),
    (["--csv", "--format", "parquet"], 2, "--csv and --format parquet: choose one"),
    (["--format", "xml"], 2, "--format"), (["--output", "/nowhere/a.csv", "--csv"], 3, "there is no folder")])
def test_what_cannot_be_is_one_line(argv: list[str], code: int, said: str, url: str, capsys: Said) -> None:
    assert main(asked(url, *argv)) == code

    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1


def test_no_windows_are_a_file_without_rows(url: str, tmp_path: Path, capsys: Said) -> None:
    assert main(asked(url, "--format", "parquet", "--to", "2020-01-01", "--output", str(tmp_path / "p"))) == 0

    assert parquet.read_table(tmp_path / "p").num_rows == 0
    assert "0 rows" in capsys.readouterr().err
