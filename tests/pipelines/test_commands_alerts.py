"""textpulse alerts: what it prints, what it refuses, and that asking twice is asking once."""
import contextlib
import json
import re
import sqlite3
from pathlib import Path

import pytest

from insights.alerts.announce import announce
from insights.alerts.outbox import claim, failed
from insights.cells import Cell, Text, Unit
from insights.store import Store, UnitKey
from insights.tables import announced
from pipelines.cli import main

MINUTE = 60_000_000
START = 29_000_000 * MINUTE   # 2025-02-19T21:20Z
Said = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """250 windows of 20 tickets each; in two of them 60 more, on the card with the word lost."""
    made = f"sqlite:///{tmp_path_factory.mktemp('alerts')}/a.db"
    store = Store(made)
    store.open_job("textpulse", "stream", MINUTE, MINUTE)
    batch = []
    for at in range(250):
        cells = {("en", "bank"): Cell(20 + at % 3, 0, 20 + at % 3, 0)}
        if at in (240, 241):
            cells["en", "card"] = Cell(
                60, 60, 0, 0, terms={"lost": (60, 0, 0)}, entities={"organisation\t[red]\x1b[2JAcme": 9}, samples=((at, f"e{at}"),),
                texts={f"e{at}": Text("my card is lost \x1b[2J", 0)})
        batch.append((UnitKey(START + at * MINUTE, "texts/0", "tickets", ""), Unit(sum(c.records for c in cells.values()), at, cells)))
    store.write_units("textpulse", 0, batch, 7)
    store.save("textpulse", 0, START + 249 * MINUTE, START + 250 * MINUTE, [])
    store.close()
    return made


def test_an_alert_has_its_times_its_numbers_and_its_reason(url: str, capsys: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "250")
    assert main(["alerts", "list", "--store", url]) == 0
    said = capsys.readouterr()

    (spike,) = [line for line in said.out.splitlines() if " spike " in line and "source tickets" in line]
    assert "  2025-02-20 01:20:00  " in spike
    assert "critical" in spike
    assert "81 records in 1 min, 21.0 expected" in spike
    assert "topic card 60 for 0.0" in spike
    assert "\x1b" not in said.out
    assert re.search(r"\d+ alerts in 1 incidents, 0 alerts open", said.err)


def test_asking_again_says_the_same(url: str, capsys: Said) -> None:
    answers = []
    for _ in range(2):
        assert main(["alerts", "list", "--store", url, "--json"]) == 0
        answers.append(json.loads(capsys.readouterr().out))

    assert answers[0] == answers[1]
    assert {"id", "severity", "kind", "what", "why", "opened", "closed", "peak", "reason"} <= set(answers[0][0])


@pytest.mark.parametrize(("how", "any_left"), [
    ([], True), (["--severity", "critical"], True), (["--open"], False), (["--from", "2025-02-20T01:22"], True),
    (["--from", "2025-02-20T02:00"], False), (["--to", "2025-02-20T01:00"], False)])
def test_filters_narrow_the_list(how: list[str], any_left: bool, url: str, capsys: Said) -> None:
    assert main(["alerts", "list", "--store", url, "--json", *how]) == 0

    assert bool(json.loads(capsys.readouterr().out)) == any_left


@pytest.mark.parametrize(("argv", "code", "said"), [
    (["--severity", "huge"], 2, "--severity huge: no such severity; choose from warning, critical"),
    (["--from", "soon"], 2, "--from soon: not a time"), (["--job", "nobody"], 2, "--job nobody: the store has no such job")])
def test_a_question_that_cannot_be_answered_is_refused(argv: list[str], code: int, said: str, url: str, capsys: Said) -> None:
    assert main(["alerts", "list", "--store", url, *argv]) == code

    assert said in capsys.readouterr().err


def test_a_store_that_is_not_there_is_named(tmp_path: Path, capsys: Said) -> None:
    assert main(["alerts", "list", "--store", f"sqlite:///{tmp_path}/none.db"]) == 3

    assert "there is no such file" in capsys.readouterr().err


class TestAnswers:
    """Each has a store of its own, with one job and what `alerts list` finds in it."""

    @pytest.fixture
    def mine(self, url: str, tmp_path: Path) -> str:
        with contextlib.closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as db:
            db.execute(f"VACUUM INTO '{tmp_path}/copy.db'")
        return f"sqlite:///{tmp_path}/copy.db"

    def answer(self, capsys: Said, *argv: str) -> list[dict[str, object]]:
        assert main(["alerts", *argv, "--json"]) == 0
        found: list[dict[str, object]] = json.loads(capsys.readouterr().out)
        return found

    def test_an_incident_is_acknowledged_by_how_its_id_begins(self, mine: str, capsys: Said) -> None:
        incident = str(self.answer(capsys, "list", "--store", mine)[0]["incident"])
        assert main(["alerts", "ack", incident[:8], "--store", mine]) == 0
        assert f"incident {incident} is acknowledged" in capsys.readouterr().err
        assert {one["acknowledged"] for one in self.answer(capsys, "list", "--store", mine)} == {True}

    def test_an_incident_is_shown_with_what_it_came_from_and_samples(self, mine: str, capsys: Said) -> None:
        alert = next(one for one in self.answer(capsys, "list", "--store", mine) if one["kind"] == "spike")
        assert main(["alerts", "show", str(alert["id"])[:10], "--store", mine]) == 0
        shown = capsys.readouterr().out
        assert shown.startswith(f"incident {alert['incident']}: 2025-02-20 01:20:00 UTC, until 01:23:00; ")
        assert "  came from: " in shown and "topic card 60 for 0.0" in shown
        assert "negative  my card is lost" in shown and "\x1b" not in shown

    def test_an_unknown_id_says_where_to_look(self, mine: str, capsys: Said) -> None:
        assert main(["alerts", "ack", "zzz", "--store", mine]) == 2
        assert "`textpulse alerts list` names them" in capsys.readouterr().err

    def test_a_mute_is_listed_until_it_is_ended(self, mine: str, capsys: Said) -> None:
        (muted,) = self.answer(capsys, "mute", "--store", mine, "--of", "product=Acme", "--for", "2h", "--note", "works")
        assert (muted["dimension"], muted["value"], muted["note"]) == ("product", "Acme", "works")
        assert main(["alerts", "mute", "--store", mine]) == 0
        assert "product Acme" in capsys.readouterr().out
        assert self.answer(capsys, "mute", "--store", mine, "--end", str(muted["id"])) == []
        assert main(["alerts", "mute", "--store", mine, "--end", "7"]) == 2
        assert "has no such mute" in capsys.readouterr().err

    @pytest.mark.parametrize(("argv", "said"), [
        (["--kind", "boom"], "--kind boom: no such kind; choose from spike"), (["--of", "colour=red"], "--of colour=red: say all"),
        (["--of", "all", "--end", "1"], "ends a mute by its number alone")])
    def test_a_mute_of_nothing_is_refused(self, argv: list[str], said: str, mine: str, capsys: Said) -> None:
        assert main(["alerts", "mute", "--store", mine, *argv]) == 2
        assert said in capsys.readouterr().err

    def test_deliveries_show_what_has_not_arrived_and_retry_makes_it_due(self, mine: str, capsys: Said) -> None:
        assert self.answer(capsys, "deliveries", "--store", mine) == []
        self.answer(capsys, "list", "--store", mine)
        store = Store(mine)
        with store.transaction() as db:
            db.execute(announced.insert().values(job="textpulse", since_us=0))
        assert announce(store, "textpulse", ["kafka:alerts"], 5) == 2
        claimed = claim(store, "kafka:alerts", 6)
        assert claimed is not None
        failed(store, claimed, "answered \x1b[2J500", 6, 0.0)
        store.close()

        assert main(["alerts", "deliveries", "--store", mine]) == 0
        shown = capsys.readouterr().out
        assert "pending" in shown and "500" in shown and "\x1b" not in shown
        assert main(["alerts", "deliveries", "--store", mine, "--retry"]) == 0
        assert "2 messages are due now" in capsys.readouterr().err
