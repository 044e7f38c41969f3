"""make compare as it runs, without a network: what is missing is named, and the rest is compared."""
import importlib.util
import json
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

from benchmarks.compare import __main__ as program
from benchmarks.compare import install
from benchmarks.compare.measure import work_of
from benchmarks.compare.peers import PEERS
from models.evaluation import rows
from tests.models.conftest import write_data

VADER = PEERS[0]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_data(tmp_path_factory.mktemp("data"), 20)


@pytest.fixture
def offline(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and a pip that has nowhere to look."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    cache = tmp_path_factory.mktemp("cache")
    monkeypatch.setattr(program, "CACHE", cache)
    return cache


def test_a_peer_that_cannot_be_installed_is_named_and_left_out_and_so_is_one_that_fails(
        data: Path, offline: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--data", str(data), "--peer", "vader", "--rounds", "1", "--json"]

    assert program.main(words) == 3
    told = capsys.readouterr()
    found = json.loads(told.out)
    assert "left out: VADER: cannot be installed" in told.err
    assert [one["name"] for one in found["systems"]] == ["fast"]
    assert [(line["set"], line["rows"], len(line["per_s"])) for line in found["lines"]] == [
        ("tweets_rated_en", 20, 2), ("titles_zh", 20, 2), ("wnut17_en", 2, 2)]   # rounds before and after the peers
    assert [" ".join(one.split()[:4]) for one in found["notes"]] == ["fast: may have learnt", "left out: VADER: cannot"]

    stamp = install.environment(offline) / f".{VADER.key}"
    stamp.write_text(install.digest())   # as if it were there

    assert program.main(words) == 1
    assert "left out: VADER: its process ended with 1: ModuleNotFoundError" in capsys.readouterr().err


@pytest.mark.parametrize(("words", "code", "said"), [
    (["--data", "nowhere"], 2, "nowhere: no training set found"),
    (["--set", "nothing"], 2, "--set nothing: no such set"),
    (["--rounds", "0"], 2, "--rounds 0: must be 1 or more"),
    (["--model", str(program.SHIPPED), "--model", str(program.SHIPPED)], 2, "is given twice"),
    (["--model", "nowhere"], 3, "nowhere: there is no such model folder"),
    (["--report", "nowhere/found.md"], 3, "--report nowhere/found.md: there is no folder nowhere")])
def test_what_cannot_be_is_said_in_one_line_before_anything_runs(
        words: list[str], code: int, said: str, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert program.main([*([] if "--data" in words else ["--data", str(data)]), *words]) == code
    told = capsys.readouterr().err
    assert said in told
    assert told.count("\n") == 1


@pytest.mark.parametrize("name", rows.SPLITS)
def test_what_a_peer_learns_from_is_never_a_test_row(name: str, data: Path) -> None:
    split = rows.read(data, name)
    asked = work_of(split, [one for one in split.rows if one.task != "entities"], 1, 0, learns=True)["sets"]

    assert [of_set["name"] for of_set in asked] == ["tweets_rated_en", "titles_zh"]
    for of_set in asked:   # each text of these sets names its split
        assert [{part for part in ("train", "dev", "test") if part in text} for text in of_set["texts"]] == [{name}] * 20
        for learnt in ("train", "dev"):
            assert len(of_set[learnt]) == 20
            assert all(learnt in text.split() for text, _ in of_set[learnt])


def backend() -> ModuleType:
    """The build backend, by its file: its name is that of setuptools'."""
    spec = importlib.util.spec_from_file_location("backend", install.SDIST / "setuptools" / "build_meta.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_source_distribution_is_packed_as_it_lies_and_its_setup_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "lexicon" / "data").mkdir(parents=True)
    (tmp_path / "lexicon" / "__init__.py").write_text("WORDS = 1\n")
    (tmp_path / "lexicon" / "data" / "words.txt").write_text("好\n", encoding="utf-8")
    (tmp_path / "setup.py").write_text("raise SystemExit('was run')\n")
    (tmp_path / "PKG-INFO").write_text("Metadata-Version: 1.1\nName: lexicon\nVersion: 1.2\n")
    monkeypatch.chdir(tmp_path)

    name = backend().build_wheel(str(tmp_path))

    with zipfile.ZipFile(tmp_path / name) as wheel:
        held = set(wheel.namelist())
        recorded = {line.partition(",")[0] for line in wheel.read("lexicon-1.2.dist-info/RECORD").decode().splitlines()}
    assert name == "lexicon-1.2-py3-none-any.whl"
    assert held == recorded
    assert held >= {"lexicon/__init__.py", "lexicon/data/words.txt", "lexicon-1.2.dist-info/METADATA", "lexicon-1.2.dist-info/WHEEL"}
    assert not any("setup" in one for one in held)
