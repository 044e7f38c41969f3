"""textpulse report: a file that is whole or not written at all, and one clear line for what cannot be."""
import json
import shutil
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import sqlalchemy as sa

from insights.cells import Cell, Text, Unit
from insights.store import Store, UnitKey
from pipelines.cli import main
from pipelines.commands.files import replacing
from pipelines.commands.models import model_folder
from pipelines.errors import EnvironmentProblem

MINUTE = 60_000_000
START = 29_000_000 * MINUTE   # 2025-02-19T21:20Z
Said = pytest.CaptureFixture[str]
COMPLAINT = "[person] says the card is lost, awful service 😡 质量太差"


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """250 windows of 20 records; in two of them 60 more. And a job without records."""
    made = f"sqlite:///{tmp_path_factory.mktemp('report')}/a.db"
    store = Store(made)
    store.open_job("empty", "stream", MINUTE, MINUTE)
    store.open_job("textpulse", "stream", MINUTE, MINUTE)
    batch = []
    for at in range(250):
        cells = {("en", "bank"): Cell(20 + at % 3, 0, 20 + at % 3, 0)}
        if at in (240, 241):
            cells["en", "card"] = Cell(60, 60, 0, 0, terms={"lost": (60, 0, 0)}, samples=((at, f"e{at}"),),
                                       texts={f"e{at}": Text(COMPLAINT if at % 2 else "I love it, great card", 0)})
        batch.append((UnitKey(START + at * MINUTE, "texts/0", "tickets", ""), Unit(sum(c.records for c in cells.values()), at, cells)))
    store.write_units("textpulse", 0, batch, 7)
    store.save("textpulse", 0, START + 249 * MINUTE, START + 250 * MINUTE, [])
    store.close()
    return made


def test_it_judges_and_writes_the_file_and_asked_again_writes_the_same(url: str, tmp_path: Path, capsys: Said) -> None:
    path, texts = tmp_path / "r.html", []
    for _ in range(2):
        assert main(["report", "--store", url, "--output", str(path)]) == 0
        texts.append(path.read_text(encoding="utf-8").rpartition("<p>Made at")[0])

    assert texts[0] == texts[1]
    assert list(tmp_path.iterdir()) == [path]
    assert ElementTree.fromstring(path.read_bytes()).find("body/main//article") is not None
    said = capsys.readouterr()
    assert said.out == ""
    assert "r.html: 5,369 records, 1 incidents" in said.err


def test_the_page_says_which_command_made_it_without_a_password(url: str, tmp_path: Path) -> None:
    path = tmp_path / "r.html"
    assert main(["report", "--store", url, "--from", "2025-02-20T01:00", "--output", str(path), "--lang", "zh"]) == 0

    root = ElementTree.fromstring(path.read_bytes())
    assert root.get("lang") == "zh"
    assert root.findtext("body/main/footer/p/code") == (
        f"textpulse report --store {url} --job textpulse --from 2025-02-20T01:00 --lang zh")


def quotes(path: Path) -> list[ElementTree.Element]:
    root = ElementTree.fromstring(path.read_bytes())
    return [quote for part in root.iter("ul") if part.get("class") == "quotes" for quote in part]


def told(quote: ElementTree.Element) -> str:
    return "".join(quote.itertext())


@pytest.mark.model
def test_explained_it_marks_the_words_that_carried_the_sentiment_and_says_where_the_model_says_another(
        url: str, tmp_path: Path, capsys: Said) -> None:
    plain, explained = tmp_path / "plain.html", tmp_path / "explained.html"
    assert main(["report", "--store", url, "--output", str(plain)]) == 0
    assert main(["report", "--store", url, "--output", str(explained), "--explain"]) == 0

    assert capsys.readouterr().err.count("\n") == 2
    assert b"<strong>" not in plain.read_bytes() and b"by model" not in plain.read_bytes()
    shown = quotes(explained)
    assert {told(quote) for quote in shown} == {f"{COMPLAINT} Negative", "I love it, great card Negative (by this model Positive)"}
    bold = {told(quote).partition(" ")[0]: [part.text for part in quote.iter("strong")] for quote in shown}
    assert {"awful", "太差"} <= {*bold["[person]"]} and "person" not in bold["[person]"]
    root = ElementTree.fromstring(explained.read_bytes())
    assert root.findtext("body/main/footer/p/code") == f"textpulse report --store {url} --job textpulse --lang en --explain"


@pytest.mark.parametrize(("harm", "said"), [
    (lambda folder: folder.rename(folder.with_name("gone")), "there is no such model folder"),
    (lambda folder: (folder / "labels.json").unlink(), "labels.json: this file of the model is missing"),
    (lambda folder: (folder / "model.json").write_text(json.dumps(
        json.loads((folder / "model.json").read_text()) | {"tasks": ["topic"]})), "was not trained for sentiment")])
@pytest.mark.parametrize("command", ["report", "dashboard"])
def test_a_model_that_carries_no_sentiment_is_named_before_anything_is_read(
        command: str, harm: Any, said: str, url: str, tmp_path: Path, capsys: Said) -> None:
    pytest.importorskip("nicegui")
    folder = tmp_path / "model"
    shutil.copytree(model_folder(""), folder)
    harm(folder)
    assert main([command, "--store", url, "--explain", "--model", str(folder)]) == 3

    err = capsys.readouterr().err
    assert said in err and str(folder) in err
    assert err.count("\n") == 1


@pytest.mark.model
def test_a_model_that_cannot_be_explained_writes_no_report(url: str, tmp_path: Path, capsys: Said) -> None:
    from models.load import load
    from tests.models.other_model import written

    folder = written(load(), tmp_path / "other")
    assert main(["report", "--store", url, "--output", str(tmp_path / "r.html"), "--explain", "--model", str(folder)]) == 3

    err = capsys.readouterr().err
    assert "cannot explain its tags" in err and err.count("\n") == 1
    assert not (tmp_path / "r.html").exists()


@pytest.mark.parametrize(("argv", "code", "said"), [
    (["--from", "2025-02-20", "--to", "2025-02-19"], 2, "--from 2025-02-20: is not before --to 2025-02-19"),
    (["--from", "2025-02-20", "--to", "2025-02-20"], 2, "--from 2025-02-20: is not before --to"),
    (["--from", "soon"], 2, "--from soon: not a time"),
    (["--from", "2026-01-01"], 2, "no records in this time: its records are from 2025-02-19T21:20:00Z to 2025-02-20T01:30:00Z"),
    (["--job", "empty"], 2, "job 'empty' has no records yet"), (["--job", "nobody"], 2, "the store has no such job"),
    (["--lang", "fr"], 2, "one of en, zh"), (["--output", "{}/no/r.html"], 3, "there is no folder"),
    (["--output", "{}"], 2, "is a folder"), (["--output", "/dev/null"], 2, "is not a plain file")])
def test_what_cannot_be_is_one_line_and_writes_nothing(
        argv: list[str], code: int, said: str, url: str, tmp_path: Path, capsys: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["report", "--store", url, *(word.format(tmp_path) for word in argv)]) == code

    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_may_not_be_written_to_is_named(
        url: str, tmp_path: Path, capsys: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.access", lambda *_: False)   # the tests may run as root, who may write anywhere
    assert main(["report", "--store", url, "--output", str(tmp_path / "r.html")]) == 3

    assert f"folder {tmp_path} may not be written to" in capsys.readouterr().err


def test_a_store_that_is_not_there_is_named(tmp_path: Path, capsys: Said) -> None:
    assert main(["report", "--store", f"sqlite:///{tmp_path}/none.db"]) == 3

    assert "there is no such file" in capsys.readouterr().err


@pytest.mark.postgres
def test_a_store_that_may_only_be_read_is_told_as_it_is(postgres: str, tmp_path: Path, capsys: Said) -> None:
    server = sa.make_url(postgres)
    admin = sa.create_engine(server, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with admin.connect() as db:
        db.exec_driver_sql("create database read_only")
    url = server.set(database="read_only").render_as_string(hide_password=False)
    store = Store(url)
    store.open_job("textpulse", "stream", MINUTE, MINUTE)
    units = [(UnitKey(START + at * MINUTE, "texts/0", "", ""), Unit(1, at, {("en", "bank"): Cell(1, 1)})) for at in range(40)]
    store.write_units("textpulse", 0, units, 7)
    store.save("textpulse", 0, START + 40 * MINUTE, START + 40 * MINUTE, [])
    store.close()
    with admin.connect() as db:
        db.exec_driver_sql("alter database read_only set default_transaction_read_only = on")
    assert main(["report", "--store", url, "--output", str(tmp_path / "r.html")]) == 0

    said = capsys.readouterr().err
    assert "alerts and topics are those that were known before" in said
    assert "r.html: 40 records" in said


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "r.html"
    path.write_text("old")
    said = r"--output .*r.html: No space left; choose another place"
    with pytest.raises(EnvironmentProblem, match=said), replacing(path, "--output") as new:
        new.write_text("half")
        raise OSError(28, "No space left")

    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("r.html", "old")]


def test_a_file_may_be_read_by_whom_other_files_may(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("x")
    with replacing(tmp_path / "made", "--output") as new:
        new.write_text("x")

    assert (tmp_path / "made").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_link_stays_one_and_the_file_that_it_leads_to_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "there").write_text("old")
    (tmp_path / "link").symlink_to("there")
    with replacing(tmp_path / "link", "--output") as new:
        new.write_text("new")

    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "there").read_text() == "new"
