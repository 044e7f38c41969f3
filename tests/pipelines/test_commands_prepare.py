"""prepare: a folder on stdout, steps on stderr, and one clear line with its exit code for what cannot be prepared."""
import json
import subprocess
import sys
from pathlib import Path

import pytest

from models.preparation.read import manifest_of, rows
from pipelines.cli import main
from tests.models.conftest import write_data

Said = pytest.CaptureFixture[str]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_data(tmp_path / "data", rows=20)


def test_the_folder_is_printed_and_the_steps_are_noted(data: Path, tmp_path: Path, capsys: Said) -> None:
    assert main(["prepare", "--data", str(data), "--out", str(tmp_path / "out"), "--seed", "3", "--licences", "permissive"]) == 0
    said = capsys.readouterr()
    assert said.out == f"{tmp_path / 'out'}\n"
    assert "tweets_rated_en: 60 rows read and cleaned" in said.err
    assert manifest_of(tmp_path / "out").options.seed == 3
    assert rows(tmp_path / "out", "tweets_rated_en", "train")


def test_several_files_of_silver_labels_are_read(data: Path, tmp_path: Path, capsys: Said) -> None:
    for name, row_id in (("a b.jsonl", "tweets_rated_en-train-0"), ("c.jsonl", "titles_zh-train-1")):
        task, label = ("topic", "food") if row_id.startswith("tweets") else ("sentiment", "neutral")
        line = {"id": row_id, "task": task, "label": label, "teacher": "rule", "score": 1}
        (tmp_path / name).write_text(json.dumps(line))
    names = f"'{tmp_path / 'a b.jsonl'}' {tmp_path / 'c.jsonl'}"
    assert main(["prepare", "--data", str(data), "--out", str(tmp_path / "out"), "--silver", names]) == 0
    assert [file.used for file in manifest_of(tmp_path / "out").silver] == [{"rule": 1}, {"rule": 1}]


@pytest.mark.parametrize(("options", "said"), [
    (["--data", "none", "--out", "out"], "none: no training set found"),
    (["--data", "empty", "--out", "out"], "empty: no training set found"),
    (["--data", "data"], "--out FOLDER is needed"),
    (["--data", "data", "--out", "data"], "data: exists and holds something else than prepared data"),
    (["--data", "data", "--out", "file"], "file: exists and holds something else"),
    (["--data", "data", "--out", "out", "--silver", "none.jsonl"], "none.jsonl: cannot be read: No such file"),
    (["--data", "data", "--out", "out", "--silver", "file"], "file:1: not a silver label"),
    (["--data", "data", "--out", "out", "--silver", "'file"], "a quotation mark is not closed"),
    (["--data", "data", "--out", "out", "--licences", "free"], "expected one of all, permissive"),
    (["--data", "data", "--out", "out", "--seed", "x"], "expected a whole number"),
])
@pytest.mark.usefixtures("data")
def test_what_cannot_be_prepared_is_said_in_one_line(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Said, options: list[str], said: str) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("mine")
    assert main(["prepare", *options]) == 2
    told = capsys.readouterr()
    assert said in told.err
    assert told.err.count("\n") == 1
    assert not told.out
    assert not (tmp_path / "out").exists()
    assert (tmp_path / "file").read_text() == "mine"


def test_nothing_heavy_is_loaded(data: Path, tmp_path: Path) -> None:
    command = ["prepare", "--data", str(data), "--out", str(tmp_path / "out")]
    code = (f"import sys; from pipelines.cli import main; code = main({command!r}); "
            "sys.exit(code or [name for name in ('tensorflow', 'apache_beam', 'kafka') if name in sys.modules] or 0)")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
