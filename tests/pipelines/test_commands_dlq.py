"""textpulse dlq fix, replay and drop: what they show, keep and count, and what they say to wrong use."""
import json
import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa

from insights import tables
from insights.conservation import verify
from insights.store import Store
from pipelines.cli import main

KEY = "0123456789abcdef0123456789abcdef"
GOOD, WRONG_TIME, BODY, GBK, BROKEN, COPY = range(6)


def records():
    """A good one, one of each mistake, and a copy of the good one."""
    good = {"event_id": "g", "event_time": "2026-06-01T12:00:05Z", "source": "tickets", "text": "the parcel was late", "author_id": "u-1"}
    wrong_time = {**good, "event_id": "t", "event_time": "01.06.2026 14:00", "text": "call Eva Brandt on +49 30 901820"}
    body = {**{name: value for name, value in good.items() if name != "text"}, "event_id": "b", "body": "write to jo@example.org"}
    gbk = json.dumps({**good, "event_id": "z", "text": "快递太慢了"}, ensure_ascii=False).encode("gb18030")
    lines = [json.dumps(row).encode() for row in (good, wrong_time, body, good)]
    return [*lines[:3], gbk, b"{broken", lines[3]]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """(archive, store's file, key file): a backfill that kept its originals."""
    folder = tmp_path_factory.mktemp("dlq")
    archive, store, key = folder / "e.jsonl", folder / "e.db", folder / "key"
    archive.write_bytes(b"\n".join(records()) + b"\n")
    key.write_text(KEY)
    assert main(["backfill", str(archive), "--store", f"sqlite:///{store}", "--keep-originals", "--originals-key-file", str(key)]) == 0
    return archive, store, key


@pytest.fixture
def dlq(made, tmp_path, capsys):
    """dlq("replay", ...): (exit code, stdout, stderr) of the command on a copy of the store; dlq.rows(table), dlq.url, dlq.archive."""
    archive, store, key = made

    class Desk:
        url, key_file = f"sqlite:///{tmp_path / 'copy.db'}", str(key)
        name = str(archive)

        def __call__(self, command, *args, key=True):
            capsys.readouterr()
            keyed = ["--originals-key-file", self.key_file] if key and command in ("fix", "replay") else []
            code = main(["dlq", command, "--store", self.url, *keyed, *args])
            said = capsys.readouterr()
            return code, said.out, said.err

        def rows(self, table):
            opened = Store(self.url)
            with opened.snapshot() as db:
                found = [dict(row) for row in db.execute(sa.select(table)).mappings()]
            opened.close()
            return found

        def findings(self):
            opened = Store(self.url)
            found = verify(opened)
            opened.close()
            return found

    with sqlite3.connect(store) as whole, sqlite3.connect(tmp_path / "copy.db") as copy:
        whole.backup(copy)
    return Desk()


TIME = ("--reason", "wrong_type", "--time-format", "%d.%m.%Y %H:%M", "--time-zone", "Europe/Berlin")


def test_a_fix_shows_the_difference_and_writes_nothing_until_told(dlq):
    code, out, _ = dlq("fix", *TIME)
    assert code == 0
    assert f"{dlq.name} {WRONG_TIME}, wrong_type: an event then" in out
    assert "event_time: 01.06.2026 14:00 -> 2026-06-01T12:00:00+00:00" in out
    assert "1 would be events" in out and "nothing is written: --write keeps this fix" in out
    assert dlq.rows(tables.fixes) == []
    code, out, _ = dlq("fix", *TIME, "--write")
    assert "kept for 1" in out and [row["offset"] for row in dlq.rows(tables.fixes)] == [WRONG_TIME]
    code, out, _ = dlq("list", "--state", "fixed", "--json")
    (letter,) = json.loads(out)
    assert (letter["state"], letter["original_kept"], letter["fix"]) == (
        "fixed", True, "event_time by '%d.%m.%Y %H:%M' in Europe/Berlin")


def test_a_difference_shows_nothing_personal(dlq):
    _, out, _ = dlq("fix", "--all", "--rename", "body=text", "--limit", "0")
    assert f"{dlq.name} {BODY}, missing_field: an event then" in out
    assert "text: (absent) -> xxxxx xx xx@xxxxxxx.xxx" in out and "body: xxxxx xx xx@xxxxxxx.xxx -> (absent)" in out
    _, changed, _ = dlq("fix", *TIME[:2], "--set", "text=another")
    _, author, _ = dlq("fix", "--offset", str(WRONG_TIME), "--set", "author_id=")
    for said in (out, changed, author):
        assert not any(word in said for word in ("example.org", "901820", "Brandt", "u-1"))


def test_a_fix_tells_what_it_does_not_mend_and_is_not_kept_for_that(dlq):
    code, out, _ = dlq("fix", "--all", "--encoding", "gb18030", "--write")
    assert code == 0 and [row["offset"] for row in dlq.rows(tables.fixes)] == [GBK]
    assert "read as gb18030: 1 would be events; 1 not: wrong_type; 1 not: missing_field; 1 not: malformed; 1 not: the event that" in out


def test_several_changes_come_from_a_file(dlq, tmp_path):
    (tmp_path / "fix.toml").write_text('[rename]\nbody = "text"\n[set]\nsource = "reviews"\n')
    code, out, _ = dlq("fix", "--reason", "missing_field", "--changes", str(tmp_path / "fix.toml"), "--write", "--json")
    said = json.loads(out)
    assert (code, said["fits"], said["kept"], said["fix"]) == (0, 1, 1, "rename body to text; set source")
    dlq("replay", "--state", "fixed")
    assert {row["source"] for row in dlq.rows(tables.units)} == {"tickets", "reviews"}


def test_a_replay_counts_once_and_verify_holds(dlq, capsys):
    dlq("fix", *TIME, "--write")
    dlq("fix", "--reason", "missing_field", "--rename", "body=text", "--write")
    dlq("fix", "--reason", "bad_encoding", "--encoding", "gb18030", "--write")
    code, out, _ = dlq("replay", "--state", "fixed", "--dry-run")
    assert (code, out) == (0, "would count: 3\n") and dlq.rows(tables.outcomes) == []
    code, out, err = dlq("replay", "--state", "fixed")
    assert (code, out, err) == (0, "replayed: 3\n", "")
    units = dlq.rows(tables.units)
    code, out, _ = dlq("replay", "--offset", str(BODY))
    assert (code, out) == (0, "replayed: 0; already replayed, and left alone: 1\n")
    code, out, _ = dlq("replay", "--all")
    assert code == 1
    assert "malformed: not readable as JSON" in out and "only with another event_id" in out
    assert out.endswith("replayed: 0; stay dead letters: 2; already replayed, and left alone: 3\n")
    assert dlq.rows(tables.units) == units and dlq.findings() == []
    assert main(["verify", "--store", dlq.url]) == 0
    assert "of these replayed" in capsys.readouterr().out
    assert {row["offset"] for row in dlq.rows(tables.originals)} == {BROKEN, COPY}
    _, out, _ = dlq("list")
    assert out.count("replayed") == 3


def test_a_replay_sends_tagged_events_where_it_is_told(dlq, tmp_path):
    dlq("fix", "--reason", "missing_field", "--rename", "body=text", "--write")
    code, _, _ = dlq("replay", "--state", "fixed", "--tagged-files", str(tmp_path / "tagged"), "--files-format", "jsonl")
    (file,) = (tmp_path / "tagged").iterdir()
    row = json.loads(file.read_bytes())
    assert (code, row["offset"], row["origin"], row["text"]) == (0, BODY, dlq.name, "write to [email]")


def test_what_is_dropped_stays_counted_and_is_gone(dlq):
    assert dlq("drop", "--reason", "malformed", "--dry-run")[:2] == (0, "would be dropped: 1\n")
    assert dlq("drop", "--reason", "malformed")[:2] == (0, "dropped: 1\n")
    assert dlq("drop", "--reason", "malformed")[:2] == (0, "dropped: 0; 1 are dealt with already\n")
    assert BROKEN not in {row["offset"] for row in dlq.rows(tables.originals)} and dlq.findings() == []
    code, out, _ = dlq("replay", "--reason", "malformed")
    assert (code, out) == (0, "replayed: 0; already dropped, and left alone: 1\n")
    assert dlq("drop", "--reason", "late")[2] == "no dead letter is meant; see textpulse dlq list\n"


@pytest.mark.parametrize(("options", "offsets"), [
    (("--reason", "malformed"), [BROKEN]), (("--offset", "2"), [BODY]), (("--from", "2099-01-01"), []),
    (("--to", "2099-01-01", "--source", "tickets"), [COPY]), (("--state", "dead", "--origin", "nowhere"), [])])
def test_letters_are_narrowed(dlq, options, offsets):
    _, out, _ = dlq("list", "--json", *options)
    assert [letter["offset"] for letter in json.loads(out)] == offsets


@pytest.mark.parametrize(("args", "code", "says"), [
    (("fix", "--set", "source=x"), 2, "which dead letters?"),
    (("replay",), 2, "which dead letters?"),
    (("drop",), 2, "which dead letters?"),
    (("drop", "--state", "nope"), 2, "--state nope: no such state; choose from dead, fixed, replayed, dropped"),
    (("replay", "--reason", "nope"), 2, "--reason nope: no such reason"),
    (("replay", "--all", "--job", "nope"), 2, "nope"),
    (("fix", "--all"), 2, "which change?"),
    (("fix", "--all", "--set", "source"), 2, "--set: expected FIELD=VALUE"),
    (("fix", "--all", "--encoding", "base64"), 2, "unknown encoding of text 'base64'"),
    (("fix", "--all", "--time-format", "%Q"), 2, "time.format"),
    (("fix", "--all", "--changes", "no.toml"), 2, "--changes no.toml: No such file"),
    (("fix", "--all", "--changes", "no.toml", "--set", "a=b"), 2, "put --set into that file too"),
    (("fix", "--all", "--format", "avro", "--schema-id", "1"), 2, "--format avro needs --schemas"),
    (("replay", "--all", "--from", "yesterday"), 2, "--from yesterday: not a time in ISO 8601")])
def test_wrong_use_is_one_line(dlq, args, code, says):
    got, out, err = dlq(*args)
    assert (got, out) == (code, "")
    assert says in err and err.count("\n") == 1


def test_a_missing_weak_or_other_key_is_told(dlq, tmp_path, monkeypatch):
    monkeypatch.delenv("TEXTPULSE_ORIGINALS_KEY", raising=False)
    code, _, err = dlq("replay", "--all", key=False)
    assert code == 3 and "variable TEXTPULSE_ORIGINALS_KEY is not set" in err and err.count("\n") == 1
    (tmp_path / "key").write_text("aaaaaaaaaaaaaaaaaaaaaaaa")
    dlq.key_file = str(tmp_path / "key")
    code, _, err = dlq("replay", "--all")
    assert code == 3 and f"key file {dlq.key_file}: the key is too easy to guess" in err and "aaaa" not in err
    (tmp_path / "key").write_text("fedcba9876543210fedcba9876543210")
    code, out, _ = dlq("replay", "--all")
    assert code == 1 and out.count("sealed by another key") == 5 and "replayed: 0; stay dead letters: 5" in out


def test_another_key_of_pseudonyms_is_refused(dlq, tmp_path, monkeypatch):
    monkeypatch.setenv("A_KEY", KEY)
    (tmp_path / "policy.toml").write_text('[key]\nvariable = "A_KEY"\n')
    code, _, err = dlq("replay", "--all", "--policy", str(tmp_path / "policy.toml"))
    assert code == 2 and "give the job's own --policy" in err


def test_a_key_without_the_wish_to_keep_is_refused_before_anything_is_written(made, tmp_path, capsys):
    archive, _, key = made
    store = tmp_path / "new.db"
    code = main(["backfill", str(archive), "--store", f"sqlite:///{store}", "--originals-key-file", str(key)])
    assert code == 2 and "is for --keep-originals" in capsys.readouterr().err
    code = main(["backfill", str(archive), "--store", f"sqlite:///{store}", "--keep-originals", "--originals-key-file", "none"])
    assert code == 3 and "put the key of originals there" in capsys.readouterr().err
    assert not Path(store).exists()
