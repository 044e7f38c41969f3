"""evaluate: a table or JSON on stdout, a report where one is asked for, and one clear line for what cannot be scored or written."""
import gzip
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from models.preparation import prepare
from pipelines.cli import main
from pipelines.commands.models import model_folder
from tests.models.conftest import write_data

Said = pytest.CaptureFixture[str]
NAMES = ["tweets_rated_en", "titles_zh", "wnut17_en"]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with data, and things that are none."""
    write_data(tmp_path / "data", rows=20)
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("mine")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.model
def test_the_table_is_printed_and_the_report_is_written_beside_it(place: Path, capsys: Said) -> None:
    assert main(["evaluate", "--data", "data", "--split", "dev", "--report", "out"]) == 0
    said = capsys.readouterr()
    assert said.out.startswith("| set | task | dev rows | model | majority | keywords or names |\n")
    assert all(f"| {name} |" in said.out and f"{name} scored" in said.err for name in NAMES)
    assert "wnut17_en: the model may have learnt from these rows" in said.err
    assert "out: the report, with texts of the data in it" in said.err
    assert sorted(path.name for path in Path("out").iterdir()) == ["report.html", "report.md", "scores.json"]
    assert json.loads(Path("out/scores.json").read_bytes())["split"] == "dev"


@pytest.mark.model
def test_json_is_one_document_of_published_and_of_prepared_rows(place: Path, capsys: Said) -> None:
    prepare.prepare(place / "data", place / "prepared", report=lambda line: None)
    (place / "data" / "topic" / "titles_zh.test.jsonl.gz").write_bytes(gzip.compress(b""))
    assert main(["evaluate", "--data", "data", "--json"]) == 0
    said = capsys.readouterr()
    assert [*json.loads(said.out)] == ["tweets_rated_en", "wnut17_en"]
    assert "titles_zh: has no rows in the test split, left out" in said.err
    assert main(["evaluate", "--data", "prepared", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [*found] == ["tweets_rated_en", "titles_zh", "titles_zh intent", "wnut17_en"]
    assert {*found["titles_zh"]} == {"task", "rows", "model", "majority", "keyword"}


@pytest.mark.parametrize(("options", "said"), [
    (["--data", "none"], "none: no training set found"),
    (["--data", "empty"], "empty: no training set found"),
    (["--data", "data", "--split", "train"], "--split: 'train' is not valid: expected one of test, dev"),
    (["--data", "data", "--report", "mine"], "mine: exists and holds something else than a report"),
    (["--data", "data", "--report", "file"], "file: exists and holds something else than a report"),
    (["--data", "data", "--report", "data"], "data: exists and holds something else than a report"),
    (["--data", "data", "--report", "file/out"], "file is a file, and no folder; choose another place"),
    (["a", "--model", "b"], "the model is named twice"),
])
def test_what_cannot_be_scored_or_written_is_said_in_one_line(place: Path, capsys: Said, options: list[str], said: str) -> None:
    assert main(["evaluate", *options]) == 2
    told = capsys.readouterr()
    assert said in told.err
    assert told.err.count("\n") == 1
    assert not told.out
    assert (place / "mine" / "thesis.txt").read_text() == "years of work"


def test_the_folder_that_one_works_in_is_not_replaced(place: Path, monkeypatch: pytest.MonkeyPatch, capsys: Said) -> None:
    monkeypatch.chdir(place / "empty")
    assert main(["evaluate", "--data", "../data", "--report", "."]) == 2
    assert "is the folder that this runs in; name another" in capsys.readouterr().err


@pytest.fixture
def lacking(place: Path) -> Path:
    """A model whose labels are fewer than those of the data."""
    copy = shutil.copytree(model_folder(""), place / "model")
    labels = json.loads((copy / "labels.json").read_text())
    (copy / "labels.json").write_text(json.dumps(labels | {"topic": ["sports", "games"]}))
    return copy


def test_a_model_that_lacks_labels_is_code_3_and_names_them(lacking: Path, capsys: Said) -> None:
    assert main(["evaluate", "model", "--data", "data"]) == 3
    assert "model/labels.json: lacks labels that the rows of titles_zh have (topic: education)" in capsys.readouterr().err


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_place_that_may_not_be_written_to_is_code_3(place: Path, capsys: Said) -> None:
    (place / "empty").chmod(0o500)
    assert main(["evaluate", "--data", "data", "--report", "empty/out"]) == 3
    assert "may not be written to; choose another place" in capsys.readouterr().err


@pytest.mark.usefixtures("lacking")
def test_bad_input_is_told_before_tensorflow_is_imported(place: Path) -> None:
    wrong = [["model", "--data", "data"], ["--data", "none"], ["--data", "data", "--report", "mine"], ["none"]]
    code = (f"import sys; from pipelines.cli import main; codes = [main(['evaluate', *options]) for options in {wrong!r}]; "
            "sys.exit(codes != [3, 2, 2, 3] or 'tensorflow' in sys.modules)")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
