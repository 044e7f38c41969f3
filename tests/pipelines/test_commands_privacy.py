"""textpulse privacy and forget, and policies that cannot be used: one line, the file and its line, and no secret."""
import io
import json
from pathlib import Path

import pytest
import sqlalchemy as sa

from insights import tables
from insights.cells import Cell, Text, Unit
from insights.store import Store, UnitKey
from pipelines.cli import main
from pipelines.policy import policy_of
from privacy.policy import Policy, PolicyError
from privacy.redact import Redactor
from schemas.decode import event_key
from schemas.records import Entity, TaggedEvent, time_of
from transforms.sinks import FILE_FORMATS, write_tagged

GOOD = """
[patterns.order]
pattern = 'order (\\d{6})'

[key]
variable = "A_KEY"

[[examples]]
text = "mail jo@x.org about order 123456"
becomes = "mail [email] about order [order]"
"""
KEY = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def policy(tmp_path, monkeypatch):
    """policy(text): a file; the variable that GOOD names holds a key."""
    monkeypatch.setenv("A_KEY", KEY)

    def written(text):
        path = tmp_path / "policy.toml"
        path.write_text(text)
        return str(path)

    return written


def test_a_policy_is_checked_by_its_examples(policy, capsys):
    assert main(["privacy", "check", "--policy", policy(GOOD)]) == 0
    assert "1 of 1 examples" in capsys.readouterr().err
    assert main(["privacy", "check", "--policy", policy(GOOD.replace("[order]\"", "123456\""))]) == 1
    said = capsys.readouterr()
    assert "'mail [email] about order [order]', not 'mail [email] about order 123456'" in said.out and "0 of 1" in said.err


def test_pseudonyms_in_examples_are_stars(policy):
    text = GOOD + '[kinds]\nemail = "pseudonym"\n'
    with pytest.raises(PolicyError, match="mail \\[email:\\*\\] about"):
        policy_of(policy(text))
    assert policy_of(policy(text.replace("mail [email]", "mail [email:*]"))).kinds


@pytest.mark.parametrize(("text", "says"), [
    ("[kinds]\nemial = \"mask\"", "line 2: unknown kind 'emial'"), ("[kinds]\nemail = \"hide\"", "line 2: email = 'hide'"),
    ("[patterns.a]\npattern = '('", "line 1: [patterns.a]: '(' is no pattern"), ("x = [", "policy.toml: "),
    ("fields = \"mask\"", "line 1: fields"),
    ("[key]\nvariable = \"NOT_SET\"", "variable NOT_SET is not set"), ("[key]\nfile = \"/no/such\"", "key file /no/such"),
    (GOOD.replace("becomes = \"mail", "becomes = \"post"), "example 1")])
@pytest.mark.parametrize("command", [
    ("stream", "--bootstrap-servers", "localhost:1"), ("backfill", "{folder}/a.jsonl", "--store", "sqlite:///{folder}/a.db")])
def test_a_policy_that_cannot_be_used_stops_a_job_before_it_leaves_a_trace(policy, tmp_path, capsys, command, text, says):
    (tmp_path / "a.jsonl").write_text("{}\n")
    assert main([part.format(folder=tmp_path) for part in command] + ["--policy", policy(text)]) == 3
    said = capsys.readouterr().err
    assert says in said and said.count("\n") == 1 and "policy.toml" in said
    assert KEY not in said and not (tmp_path / "a.db").exists()


@pytest.mark.parametrize("key", ["short", "a" * 64])
def test_a_weak_key_is_refused_and_not_shown(policy, monkeypatch, capsys, key):
    monkeypatch.setenv("A_KEY", key)
    assert main(["privacy", "check", "--policy", policy(GOOD)]) == 3
    said = capsys.readouterr().err
    assert "too easy to guess" in said and key not in said


def test_lines_are_redacted(policy, monkeypatch, capsys):
    monkeypatch.setattr("sys.stdin", io.StringIO("order 123456 of jo@x.org\nnothing\n"))
    assert main(["privacy", "redact", "--policy", policy(GOOD)]) == 0
    assert capsys.readouterr().out == "order [order] of [email]\nnothing\n"


@pytest.fixture
def shop(tmp_path):
    """A store with a sample of ann's and one of bob's, and the redactor of its job."""
    url = f"sqlite:///{tmp_path}/shop.db"
    store = Store(url)
    redactor = Redactor(Policy(), store.pseudonym_key())
    store.open_job("shop", "stream", 60_000_000, 0, redactor.mark)
    unit = Unit()
    for name in ("ann", "bob"):
        mark = redactor.author_mark(name)
        cell = Cell(1, 1, samples=((event_key(name), f"by-{name}"),), texts={f"by-{name}": Text("x", 0, (), mark)})
        unit.add(Unit(1, 0, {("en", "x"): cell}))
    store.write_units("shop", 0, [(UnitKey(0, "texts/0", "posts", ""), unit)], 1)
    yield url, redactor
    store.close()


def details(url):
    store = Store(url)
    with store.snapshot() as db:
        found = " ".join(db.scalars(sa.select(tables.cells.c.detail)))
    store.close()
    return found


@pytest.mark.parametrize("file_format", FILE_FORMATS)
def test_a_person_is_taken_out_of_the_store_and_of_files(shop, tmp_path, capsys, file_format):
    url, redactor = shop
    rows = [TaggedEvent(
        event_id=f"by-{name}", event_time=time_of(1), origin="texts/0", offset=number, source="posts", product="", channel="",
        author_id=redactor.author(name), lang="en", text=f"{name} wrote", sentiment="negative", sentiment_score=1.0,
        sentiment_probabilities={"negative": 1.0, "neutral": 0.0, "positive": 0.0}, topic="x", topic_score=1.0,
        entities=[Entity("work", name, 0, 3, 1.0)], model="m", model_version="1") for number, name in enumerate(["ann", "bob", "ann"])]
    path = Path(write_tagged(rows, str(tmp_path / "tagged"), file_format))
    before = path.read_bytes()
    given = ["forget", "--author", "ann", "--store", url, "--tagged-files", str(path.parent)]

    assert main([*given, "--dry-run"]) == 0
    assert "would be taken out: samples of 1 cells" in capsys.readouterr().out
    assert "by-ann" in details(url) and path.read_bytes() == before

    assert main([*given, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["store"]["cells"], said["tagged_rows"], said["tagged_files"]) == (1, 2, 1)
    assert "by-ann" not in details(url) and "by-bob" in details(url)
    from pipelines.tagged_files import _read
    left = _read(path)
    assert [(row["event_id"], row["text"], row["sentiment"]) for row in left] == [
        ("", "", "negative"), ("by-bob", "bob wrote", "negative"), ("", "", "negative")]
    assert [name.name for name in path.parent.iterdir()] == [path.name]

    assert main(given) == 0
    assert "samples of 0 cells" in capsys.readouterr().out


def test_a_person_is_looked_for_by_the_jobs_own_key_alone(shop, policy, tmp_path, capsys, monkeypatch):
    url, _ = shop
    assert main(["forget", "--store", url]) == 2
    assert "--author" in capsys.readouterr().err
    assert main(["forget", "--author", "ann", "--store", url, "--policy", policy(GOOD)]) == 2
    assert "this key of pseudonyms" in capsys.readouterr().err
    assert main(["forget", "--author", "ann", "--store", url, "--tagged-files", str(tmp_path / "none")]) == 3
    monkeypatch.setattr("sys.stdin", io.StringIO("bob\n"))
    assert main(["forget", "--author", "-", "--store", url]) == 0
    assert "by-bob" not in details(url)
    (tmp_path / "x.parquet").write_bytes(b"no parquet")
    assert main(["forget", "--author", "ann", "--store", url, "--tagged-files", str(tmp_path)]) == 3
    assert "x.parquet: cannot be read as tagged events" in capsys.readouterr().err
