"""Commands that read a store: what they print, what they refuse, and that they never make or change one."""
import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from insights.cells import Cell, Unit
from insights.sketch import sketch_of
from insights.store import Progress, Store, UnitKey
from insights.tables import cells, metadata
from pipelines.cli import main
from schemas.decode import event_key
from schemas.records import DeadLetter, Reason

MINUTE = 60_000_000
HOUR = 60
HEAVY = ("tensorflow", "apache_beam", "kafka", "pyarrow")
HOSTILE = "[red]\x1b[2Jacme"
Said = pytest.CaptureFixture[str]


def unit_of(event_id: str, offset: int, topic: str) -> Unit:
    """The unit of one record."""
    key = event_key(event_id)
    cell = Cell(1, 1, 0, 0, 8_000, {f"ORG\t{HOSTILE}": 1}, {"card": (1, 0, 0)}, [0] * 8 + [1, 0], sketch_of([key]),
                ((key, event_id),), {"v1": 1})
    return Unit(1, offset, {("en", topic): cell})


def fill(url: str, job: str, late: bool = False) -> None:
    """Three records in two hours, or two and a late one, and a malformed one; all closed and saved."""
    store = Store(url)
    store.open_job(job, "stream", MINUTE, 0)
    letters = [DeadLetter("texts/0", 3, Reason.MALFORMED, "no JSON", sample="{\x1b[2J", headers={"k": "v"})]
    if late:
        letters.append(DeadLetter("texts/0", 2, Reason.LATE, "", "c", HOUR * MINUTE, "posts", first_seen_us=5))
    for offset, (minute, event_id, topic) in enumerate([(0, "a", "card"), (1, "b", "bank"), (HOUR, "c", "card")]):
        if not (late and event_id == "c"):
            key = UnitKey(minute * MINUTE, "texts/0", "posts", "")
            store.write_units(job, 0, [(key, unit_of(event_id, offset, topic))], 7)
    store.write_dead(job, 0, letters, {"texts/0": 4})
    store.save(job, 0, 100 * HOUR * MINUTE, 100 * HOUR * MINUTE, [Progress("texts/0", 4, 4, 0, 4, 4, 0)])
    store.close()


@pytest.fixture
def url(tmp_path: Path) -> str:
    made = f"sqlite:///{tmp_path}/a.db"
    fill(made, "live")
    return made


def printed(said: Said) -> list[dict]:
    return json.loads(said.readouterr().out)


@pytest.mark.parametrize("argv", [
    ["insights"], ["verify"], ["dlq", "list"], ["dlq", "show", "texts/0", "1"]], ids=" ".join)
def test_a_store_that_is_not_there_is_code_3_and_is_not_made(argv: list[str], tmp_path: Path, capsys: Said) -> None:
    missing = tmp_path / "none.db"
    assert main([*argv, "--store", f"sqlite:///{missing}"]) == 3
    assert str(missing) in capsys.readouterr().err
    assert not missing.exists()


@pytest.mark.parametrize("bad", ["oracle://x", "nonsense", "sqlite:///{tmp}/junk", "sqlite:///{tmp}/other.db"])
def test_what_is_no_store_of_ours_is_code_3_in_one_line(bad: str, tmp_path: Path, capsys: Said) -> None:
    (tmp_path / "junk").write_text("junk")
    (tmp_path / "other.db").touch()
    assert main(["verify", "--store", bad.format(tmp=tmp_path)]) == 3
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("argv", [
    ["insights", "--job", "nope"], ["insights", "--job", "live", "--window", "7s"],
    ["insights", "--job", "live", "--by", "colour"], ["insights", "--from", "yesterday"],
    ["insights", "--window", "soon"], ["insights", "--json", "--csv"],
    ["verify", "--job", "nope"], ["dlq", "list", "--reason", "nope"], ["dlq", "list", "--job", "nope"],
    ["dlq", "show", "texts/0", "99"], ["dlq", "show", "texts/0", "3", "--job", "nope"]], ids=" ".join)
def test_a_question_that_cannot_be_answered_is_code_2(argv: list[str], url: str, capsys: Said) -> None:
    assert main([*argv, "--store", url]) == 2
    said = capsys.readouterr()
    assert (said.out, said.err.count("\n")) == ("", 1)


@pytest.mark.parametrize("argv", [["verify"], ["insights", "--job", "live"]], ids=" ".join)
def test_reading_imports_neither_tensorflow_nor_beam(argv: list[str], url: str) -> None:
    code = (f"import sys; from pipelines.cli import main; main({[*argv, '--store', url]!r}); "
            f"sys.exit(str([name for name in {HEAVY!r} if name in sys.modules] or ''))")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.strip() == ""
    assert done.stdout


class TestInsights:
    def test_the_table_has_a_row_for_each_group_and_no_control_characters(self, url: str, capsys: Said) -> None:
        assert main(["insights", "--store", url, "--job", "live", "--window", "1h", "--by", "topic"]) == 0
        head, *rows = capsys.readouterr().out.splitlines()
        assert "topic" in head
        assert [row.split()[5] for row in rows] == ["bank", "card", "card"]
        assert all("[red]\N{REPLACEMENT CHARACTER}[2Jacme (ORG) 1" in row for row in rows)
        assert all("\x1b" not in row for row in rows)

    def test_json_is_one_document(self, url: str, capsys: Said) -> None:
        assert main(["insights", "--store", url, "--job", "live", "--window", "1h", "--by", "", "--json"]) == 0
        assert [(row["start"], row["records"]) for row in printed(capsys)] == [
            ("1970-01-01T00:00:00Z", 2), ("1970-01-01T01:00:00Z", 1)]

    def test_csv_has_the_same_columns_in_every_row(self, url: str, capsys: Said) -> None:
        assert main(["insights", "--store", url, "--job", "live", "--by", "source,lang", "--csv"]) == 0
        rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
        assert [(row["source"], row["lang"], row["records"]) for row in rows] == [("posts", "en", "1")] * 3

    def test_a_time_without_a_zone_is_utc(self, url: str, capsys: Said) -> None:
        for start in ("1970-01-01T01:00", "1970-01-01T01:00Z", "1970-01-01T02:00+01:00"):
            assert main(["insights", "--store", url, "--job", "live", "--from", start, "--json"]) == 0
            assert len(printed(capsys)) == 1

    def test_no_window_in_this_time_is_said_and_no_error(self, url: str, capsys: Said) -> None:
        assert main(["insights", "--store", url, "--job", "live", "--from", "2020-01-01"]) == 0
        said = capsys.readouterr()
        assert said.out == ""
        assert "no windows" in said.err


class TestVerify:
    def test_a_sound_store_holds(self, url: str, capsys: Said) -> None:
        assert main(["verify", "--store", url]) == 0
        said = capsys.readouterr().out
        assert "holds" in said
        assert "malformed 1" in said

    def test_a_lost_record_is_found_and_code_1(self, url: str, capsys: Said) -> None:
        store = Store(url)
        with store.transaction() as db:
            db.execute(cells.delete().where(cells.c.topic == "bank"))
        store.close()
        assert main(["verify", "--store", url]) == 1
        assert "a unit's cells add up: expected 1, found 0" in capsys.readouterr().out
        assert main(["verify", "--store", url, "--json"]) == 1
        found = printed(capsys)
        assert found["holds"] is False
        assert found["totals"][0]["read"] == 4
        assert [one["law"] for one in found["findings"]] == ["a unit's cells add up"]


class TestDiff:
    def test_equal_stores_are_code_0(self, url: str, tmp_path: Path, capsys: Said) -> None:
        other = f"sqlite:///{tmp_path}/b.db"
        fill(other, "again")
        assert main(["diff", url, other]) == 0
        assert "equal" in capsys.readouterr().out

    def test_two_jobs_of_one_store_are_told_apart_by_name(self, url: str, capsys: Said) -> None:
        fill(url, "again")
        assert main(["diff", url, "--job-a", "live", "--job-b", "again"]) == 0
        assert main(["diff", url, "--job-a", "live"]) == 2
        assert "again, live" in capsys.readouterr().err

    def test_late_records_are_listed_apart_and_are_no_difference(self, url: str, tmp_path: Path, capsys: Said) -> None:
        other = f"sqlite:///{tmp_path}/b.db"
        fill(other, "again", late=True)
        assert main(["diff", url, other]) == 0
        said = capsys.readouterr().out
        assert "late only (no difference): 1 records" in said
        assert "again lacks 1" in said

    def test_a_difference_is_listed_and_code_1(self, url: str, tmp_path: Path, capsys: Said) -> None:
        other = f"sqlite:///{tmp_path}/b.db"
        fill(other, "again")
        store = Store(other)
        with store.transaction() as db:
            db.execute(cells.update().where(cells.c.topic == "bank").values(negative=0, positive=1))
        store.close()
        assert main(["diff", url, other]) == 1
        assert "posts/-/en/bank negative: 1 | 0" in capsys.readouterr().out
        assert main(["diff", url, other, "--json"]) == 1
        assert printed(capsys)["same"] is False
        assert main(["diff", url, other, "--no-tags"]) == 0

    def test_a_job_is_not_compared_with_itself(self, url: str, capsys: Said) -> None:
        assert main(["diff", url]) == main(["diff", url, url]) == 2
        assert "itself" in capsys.readouterr().err

    def test_an_unknown_job_is_code_2_and_a_missing_store_code_3(self, url: str, tmp_path: Path) -> None:
        assert main(["diff", url, "--job-a", "nope", "--job-b", "live"]) == 2
        assert main(["diff", url, f"sqlite:///{tmp_path}/none.db"]) == 3


class TestDeadLetters:
    @pytest.fixture
    def url(self, tmp_path: Path) -> str:
        made = f"sqlite:///{tmp_path}/a.db"
        fill(made, "live", late=True)
        return made

    def test_the_newest_come_first_and_the_limit_is_said(self, url: str, capsys: Said) -> None:
        assert main(["dlq", "list", "--store", url, "--limit", "1"]) == 0
        said = capsys.readouterr()
        assert "late" in said.out
        assert "malformed" not in said.out
        assert "1 of 2" in said.err

    @pytest.mark.parametrize(("how", "offsets"), [
        ([], [2, 3]), (["--reason", "late"], [2]), (["--origin", "texts/0", "--limit", "0"], [2, 3]),
        (["--origin", "texts/1"], []), (["--job", "live", "--reason", "malformed"], [3])], ids=str)
    def test_filters_narrow_the_list(self, how: list[str], offsets: list[int], url: str, capsys: Said) -> None:
        assert main(["dlq", "list", "--store", url, "--json", *how]) == 0
        assert [letter["offset"] for letter in printed(capsys)] == offsets

    def test_show_gives_all_that_is_known(self, url: str, capsys: Said) -> None:
        assert main(["dlq", "show", "texts/0", "3", "--store", url, "--json"]) == 0
        (letter,) = printed(capsys)
        assert (letter["reason"], letter["detail"], letter["window"]) == ("malformed", "no JSON", None)
        assert letter["headers"] == {"k": "v"}
        assert main(["dlq", "show", "texts/0", "3", "--store", url]) == 0
        assert "\x1b" not in capsys.readouterr().out

    def test_the_letters_of_an_unfinished_backfill_are_not_shown(self, url: str, capsys: Said) -> None:
        store = Store(url)
        store.open_job("june", "backfill", MINUTE, 0)
        run = store.begin_run("june", 1)
        store.write_dead("june", run, [DeadLetter("f", 0, Reason.MALFORMED)], {"f": 1})
        assert main(["dlq", "list", "--store", url, "--job", "june", "--json"]) == 0
        assert printed(capsys) == []
        store.finish_run("june", run, 2)
        store.close()
        assert main(["dlq", "list", "--store", url, "--job", "june", "--json"]) == 0
        assert len(printed(capsys)) == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_store_without_permission_to_read_is_code_3(url: str, tmp_path: Path) -> None:
    (tmp_path / "a.db").chmod(0)
    assert main(["verify", "--store", url]) == 3


def test_reading_changes_no_row(url: str) -> None:
    def everything() -> list:
        store = Store(url)
        with store.snapshot() as db:
            rows = [list(db.execute(sa.select(table))) for table in metadata.sorted_tables]
        store.close()
        return rows

    before = everything()
    for argv in (["verify"], ["insights", "--job", "live"], ["dlq", "list"]):
        main([*argv, "--store", url])
    assert everything() == before
