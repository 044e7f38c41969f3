"""A change of a schema is judged from files or from the registry, with an exit code; wrong use is one line without a secret."""
import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pipelines.cli import main
from pipelines.options import REGISTRY
from pipelines.registry import check_schemas
from schemas import registry_http

if TYPE_CHECKING:
    from tests.conftest import RegistryServer

FIELDS = {"event_id": "string", "text": "string", "stars": "int"}


def schema(**changes: Any) -> str:
    """The fields, changed; None takes one away, a pair has a default."""
    fields = [{"name": name, "type": kind[0], "default": kind[1]} if isinstance(kind, tuple) else {"name": name, "type": kind}
              for name, kind in (FIELDS | changes).items() if kind]
    return json.dumps({"type": "record", "name": "Event", "fields": fields})


@pytest.fixture
def checked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    """checked(new, *options): exit code and what was printed of a change from schema() to it."""
    def check(new: str, *options: str) -> tuple[int, str]:
        (tmp_path / "old.avsc").write_text(schema())
        (tmp_path / "new.avsc").write_text(new)
        code = main(["schemas", "check", str(tmp_path / "old.avsc"), str(tmp_path / "new.avsc"), *options])
        said = capsys.readouterr()
        return code, said.out + said.err

    return check


@pytest.mark.parametrize(("new", "backward", "forward", "said"), [
    (schema(), 0, 0, "backward: readers with NEW can read what was written with OLD"),
    (schema(product="string"), 1, 0, "field product: was added without a default"), (schema(product=("string", "")), 0, 0, "can read"),
    (schema(stars=None), 0, 1, "field stars: was removed, and OLD has no default for it"),
    (schema(stars="long"), 0, 1, "field stars: long cannot be read as int"),
    (schema(stars=["null", "int"]), 0, 1, "field stars: null cannot be read as int")])
def test_each_direction_is_judged_by_itself_and_said_by_field(checked: Any, new: str, backward: int, forward: int, said: str) -> None:
    codes = [checked(new, "--level", level)[0] for level in ("backward", "forward", "full")]
    assert codes == [backward, forward, backward | forward]
    code, printed = checked(new)
    assert (code, said in printed) == (backward | forward, True)
    document = json.loads(checked(new, "--json")[1])
    assert [bool(document[name]) for name in ("backward", "forward")] == [bool(backward), bool(forward)]


def test_a_change_after_which_textpulse_cannot_read_is_one_that_breaks(checked: Any) -> None:
    for text, level in ((None, "backward"), ("bytes", "full")):
        code, said = checked(schema(text=text), "--level", level, "--json")
        document = json.loads(said)
        assert (code, document["compatible"], document["textpulse_reads_new"]) == (1, True, False)


def test_textpulse_reads_through_a_reader_schema(checked: Any, tmp_path: Path) -> None:
    new = schema(text=None, body=("string", ""))
    assert checked(new, "--level", "backward")[0] == 1
    (tmp_path / "reader.avsc").write_text(json.dumps({"type": "record", "name": "Event", "fields": [
        {"name": "event_id", "type": "string"}, {"name": "text", "type": "string", "aliases": ["body"]}]}))
    code, said = checked(new, "--level", "backward", "--reader-schema", str(tmp_path / "reader.avsc"))
    assert (code, "textpulse: can read" in said) == (0, True)


def test_versions_are_taken_from_the_registry(checked: Any, registry: "RegistryServer", tmp_path: Path,
                                              capsys: pytest.CaptureFixture[str]) -> None:
    registry.add(1, schema(), "texts-value", 1)
    registry.add(2, schema(product=("string", "")), "texts-value", 2)
    registry.authorization = "Bearer tok-1"
    (tmp_path / "token").write_text("tok-1")
    argv = ["--schemas", registry.url, "--registry-token-file", str(tmp_path / "token")]
    assert main(["schemas", "check", "texts-value:1", "texts-value:latest", *argv]) == 0
    assert main(["schemas", "check", "texts-value:1", "texts-value:7", *argv]) == 2
    assert "has no version 7 of subject 'texts-value'" in capsys.readouterr().err
    assert main(["schemas", "check", "texts-value:1", "texts-value:2", "--schemas", registry.url]) == 3
    assert "401" in capsys.readouterr().err


@pytest.mark.parametrize(("argv", "code", "said"), [
    (["nope.avsc", "nope.avsc"], 2, "nope.avsc: no such file"), (["a:1", "a:2"], 2, "--schemas"), (["a:x", "a:2"], 2, "a:x"),
    (["a:1", "a:2", "--schemas", "/tmp"], 2, "--schemas"), (["a:1", "a:2", "--schemas", "/nowhere"], 2, "/nowhere"),
    (["a:1", "a:2", "--schemas", "http://me:pw1@localhost"], 2, "--registry-password-file"),
    (["a:1", "a:2", "--schemas", "http://localhost:1"], 3, "localhost:1"), (["a:1", "a:2", "--registry-user", "me"], 2, "--registry-user"),
    (["a:1", "a:2", "--level", "sideways"], 2, "--level"), (["a:1", "a:2", "--reader-schema", "/nowhere"], 2, "/nowhere")], ids=str)
def test_what_cannot_be_checked_is_one_line(
        argv: list[str], code: int, said: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry_http, "PAUSE_S", 0.001)
    assert main(["schemas", "check", *argv]) == code
    printed = capsys.readouterr()
    assert (printed.out, printed.err.count("\n"), said in printed.err, "pw1" in printed.err) == ("", 1, True, False)


@pytest.mark.parametrize(("argv", "said"), [
    (["--schemas", "/nowhere"], "/nowhere"), (["--schemas", "http://u:pw1@h"], "--registry-user"),
    (["--schemas", "https://h", "--registry-user", "me"], "needs a password"), (["--registry-token-file", "/x"], "--registry-token-file"),
    (["--schemas", "https://h", "--registry-ca-file", "/nowhere"], "/nowhere"), (["--reader-schema", "/nowhere"], "/nowhere"),
    (["--format", "avro"], "--schemas")], ids=str)
def test_a_stream_refuses_what_is_wrong_before_it_starts_a_process(
        argv: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["stream", "--bootstrap-servers", "localhost:1", *argv]) == 2
    printed = capsys.readouterr().err
    assert (printed.count("\n"), said in printed, "pw1" in printed) == (1, True, False)


@pytest.mark.parametrize(("url", "noted"), [("http://registry.example", True), ("https://registry.example", False),
                                            ("http://localhost:1", False), ("http://127.0.0.1:1", False)])
def test_a_secret_that_would_go_unencrypted_is_noted(
        url: str, noted: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv(registry_http.PASSWORD, "pw1")
    given = {option.key: "" for option in REGISTRY} | {"schemas": url, "registry_user": "me", "reader_schema": ""}
    check_schemas(argparse.Namespace(**given))
    said = capsys.readouterr().err
    assert ("unencrypted" in said, "pw1" in said) == (noted, False)
