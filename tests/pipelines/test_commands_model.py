"""tag, models, train and evaluate: one line for each text, and clear words for a model or data that cannot be used."""
import gzip
import io
import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from pipelines.cli import main
from pipelines.commands.models import model_folder
from schemas.tagging import Tags

Said = pytest.CaptureFixture[str]


class Upper:
    """A tagger that is sure of everything."""

    name, version, topics, entity_types, vocabulary = "stub", "v1", ("card",), ("ORG",), ("a",)
    intents, is_intent, intent_threshold = (), (), 0.0

    def tag(self, texts: Sequence[str]) -> Tags:
        count = len(texts)
        none = np.zeros(0, np.int32)
        splits = np.zeros(count + 1, np.int64)
        sentiment = np.tile(np.array([[0.0, 0.0, 1.0]], np.float32), (count, 1))
        topic, scores = np.ones((count, 1), np.float32), none.astype(np.float32)
        return Tags(sentiment, topic, topic[:, :0], none, none, none, scores, splits, none, splits)


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.commands.models.tagger", lambda folder: Upper())


def typed(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(data)))


@pytest.mark.usefixtures("stub")
class TestTag:
    def test_every_line_of_stdin_gives_one_line_in_its_order(
            self, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
        typed("hello\r\n\n\xff\n银行\nlast".encode("latin-1", "replace").replace(b"??", "银行".encode()), monkeypatch)
        assert main(["tag"]) == 0
        rows = [json.loads(line) for line in capfdbinary.readouterr().out.splitlines()]
        assert [row.get("text", row.get("rejected")) for row in rows] == [
            "hello", "empty_text", "bad_encoding", "银行", "last"]
        assert [row["offset"] for row in rows] == [0, 1, 2, 3, 4]

    def test_no_line_is_lost_or_torn_at_a_block_or_a_chunk(
            self, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
        texts = [f"text {number} 银" * (number % 7 + 1) for number in range(5_000)]
        typed("\n".join(texts).encode(), monkeypatch)
        assert main(["tag"]) == 0
        rows = [json.loads(line) for line in capfdbinary.readouterr().out.splitlines()]
        assert [row["text"] for row in rows] == texts
        assert [row["offset"] for row in rows] == list(range(5_000))

    def test_an_archive_gives_its_events_and_why_others_are_none(
            self, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
        path = tmp_path / "a.jsonl.gz"
        path.write_bytes(gzip.compress(
            b'{"event_id":"e","event_time":"2026-06-01T00:00:00Z","source":"posts","text":"hi"}\nnonsense\n'))
        assert main(["tag", str(path)]) == 0
        event, rejected = [json.loads(line) for line in capfdbinary.readouterr().out.splitlines()]
        said = (event["event_id"], event["source"], event["sentiment"], event["topic"])
        assert said == ("e", "posts", "positive", "card")
        assert (rejected["rejected"], rejected["offset"]) == ("malformed", 1)

    def test_a_text_above_the_limit_is_not_tagged(
            self, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
        typed(b"12345\n123456\n", monkeypatch)
        assert main(["tag", "--max-text-bytes", "5"]) == 0
        rows = [json.loads(line) for line in capfdbinary.readouterr().out.splitlines()]
        assert [row.get("rejected") for row in rows] == [None, "too_long"]

    @pytest.mark.parametrize("name", ["none.txt", "*.jsonl", "https://[x"])
    def test_a_file_that_is_not_there_is_code_2_and_named(self, name: str, tmp_path: Path, capsys: Said) -> None:
        pattern = name if "://" in name else str(tmp_path / name)
        assert main(["tag", pattern]) == 2
        assert pattern in capsys.readouterr().err


@pytest.mark.parametrize("argv", [["tag", "--model"], ["evaluate"], ["evaluate", "--model"]], ids=" ".join)
def test_a_missing_model_is_code_3_naming_it_and_the_cure(argv: list[str], tmp_path: Path, capsys: Said) -> None:
    assert main([*argv, str(tmp_path / "none")]) == 3
    said = capsys.readouterr().err
    assert str(tmp_path / "none") in said
    assert "textpulse train" in said


def test_a_missing_model_or_file_is_told_before_tensorflow_is_imported(tmp_path: Path) -> None:
    code = (f"import sys; from pipelines.cli import main; main(['tag', '--model', {str(tmp_path)!r}]); "
            f"main(['train', '--out', 'x', '--data', {str(tmp_path)!r}]); sys.exit('tensorflow' in sys.modules)")
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("argv", [
    ["train"], ["train", "--out", "x", "--epochs", "-1"], ["train", "--out", "x", "--data", "/nope"],
    ["train", "--out", "x", "--base", "y"], ["train", "--out", "x", "--arch", "gru"], ["train", "--out", "x", "--task", "moods"],
    ["train", "--out", "x", "--learning-rate", "0"], ["train", "--out", "x", "--labels", "/nope.csv"],
    ["train", "--out", "x", "--labels", "x.csv", "--arch", "rnn"], ["train", "--out", "x", "--class-weights", "some"],
    ["train", "--out", "x", "--labels", "x.csv", "--teachers", "y"],
    ["train", "--out", "x", "--labels", "x.csv", "--licences", "permissive"], ["train", "--out", "x", "--licences", "free"],
    ["train", "--out", "x", "--unlabelled", "a.txt"], ["train", "--out", "x", "--data", "d", "--unlabelled", "a.txt"],
    ["evaluate", "--data", "/nope"], ["evaluate", "a", "--model", "b"],
    ["models", "--folder", "/nope"]], ids=" ".join)
def test_wrong_use_is_code_2(argv: list[str], capsys: Said) -> None:
    assert main(argv) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize(("texts", "said"), [
    ("", "it holds no text"), (" \n\n", "it holds no text"), ("Money no 1!\nmoney NO 2\n", "each of them is in the file of labels already"),
    (None, "more.txt")])
def test_texts_without_labels_that_teach_nothing_are_code_2_before_tensorflow_is_imported(
        texts: str | None, said: str, tmp_path: Path) -> None:
    rows = [f"{word} no {at},{word}" for word in ("money", "late") for at in range(5)]
    (tmp_path / "labels.csv").write_text("\n".join(["text,label", *rows]))
    if texts is not None:
        (tmp_path / "more.txt").write_text(texts)
    argv = ["train", "--out", "x", "--labels", str(tmp_path / "labels.csv"), "--unlabelled", str(tmp_path / "more.txt")]
    code = f"import sys; from pipelines.cli import main; code = main({argv!r}); sys.exit(code if 'tensorflow' not in sys.modules else 9)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2 and said in done.stderr.splitlines()[-1]


def test_models_lists_the_one_that_comes_along_with_and_without_the_word_list(capsys: Said) -> None:
    assert main(["models", "--json"]) == 0
    without = json.loads(capsys.readouterr().out)
    assert main(["models", "list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == without
    assert [model["name"] for model in without] == ["fast"]


def test_models_leaves_out_one_that_is_not_whole_and_says_which_file_is_missing(tmp_path: Path, capsys: Said) -> None:
    shutil.copytree(model_folder(""), tmp_path / "torn")
    (tmp_path / "torn" / "labels.json").unlink()
    assert main(["models", "--folder", str(tmp_path), "--json"]) == 0
    said = capsys.readouterr()
    assert len(json.loads(said.out)) == 1
    assert "torn/labels.json" in said.err


@pytest.mark.model
def test_tag_with_the_model_that_comes_along_says_nothing_else_and_needs_no_beam() -> None:
    code = ("import sys; from pipelines.cli import main; code = main(['tag']); "
            "sys.exit(code or [name for name in ('apache_beam', 'kafka') if name in sys.modules] or 0)")
    done = subprocess.run([sys.executable, "-c", code], input=b"Worst service ever, I am very angry!\n", capture_output=True,
                          check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert json.loads(done.stdout)["sentiment"] == "negative"


@pytest.mark.model
def test_tag_explains_each_text_by_its_own_words_and_says_nothing_of_it_unasked(
        tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    texts, events = tmp_path / "texts.txt", tmp_path / "events.jsonl"
    texts.write_bytes("I love this phone\n\n质量很差，非常失望\n".encode())
    events.write_bytes(b'{"event_id":"e","event_time":"2026-06-01T00:00:00Z","source":"posts","text":"the goalie won the hockey game"}\n')
    assert main(["tag", str(texts), str(events)]) == 0
    plain = capfdbinary.readouterr()
    assert main(["tag", "--explain", str(texts), str(events)]) == 0
    explained = capfdbinary.readouterr()
    assert explained.err == b""
    rows = [json.loads(line) for line in explained.out.splitlines()]
    whys = [row.pop("why", None) for row in rows]
    assert rows == [json.loads(line) for line in plain.out.splitlines()]
    assert [why is None for why in whys] == [False, False, True, False]
    for row, why in zip(rows, whys, strict=True):
        for words in (why or {}).values():
            assert words
            assert all(row["text"][word["start"]:word["end"]] == word["text"] and word["weight"] > 0 for word in words)
    heaviest = [(why["sentiment"][0]["text"], why["topic"][0]["text"]) for why in whys if why]
    assert (heaviest[0][1], heaviest[1][0], heaviest[2][0]) == ("hockey", "love", "失望")


@pytest.mark.model
def test_the_default_folder_is_that_of_the_loader() -> None:
    from models.load import DEFAULT

    assert model_folder("").resolve() == DEFAULT.resolve()


TEXTS = ["Anna flies to Paris", "anna flies to paris!", "the parcel was late", "", "we won the football match"]


@pytest.mark.model
def test_the_most_doubtful_texts_are_listed_once_each_the_least_margin_first(tmp_path: Path, capsys: Said) -> None:
    (tmp_path / "texts.txt").write_text("\n".join(TEXTS))
    assert main(["models", "uncertain", str(tmp_path / "texts.txt"), "--json"]) == 0
    said = capsys.readouterr()
    rows = json.loads(said.out)
    assert {row["text"] for row in rows} == {TEXTS[0], TEXTS[2], TEXTS[4]}
    assert [row["margin"] for row in rows] == sorted(row["margin"] for row in rows)
    assert all(row["margin"] == pytest.approx(row["first_score"] - row["second_score"]) for row in rows)
    assert "left out: 1 that are no texts" in said.err


@pytest.mark.model
def test_doubtful_texts_are_a_file_of_labels_once_they_are_filled_in(tmp_path: Path, capsys: Said) -> None:
    from models.data import DataError
    from models.labels import read

    (tmp_path / "texts.txt").write_text("\n".join(TEXTS))
    out = tmp_path / "to-label.csv"
    assert main(["models", "uncertain", str(tmp_path / "texts.txt"), "--limit", "2", "--output", str(out)]) == 0
    assert out.read_text().count("\n") == 3
    with pytest.raises(DataError, match="the label is empty"):
        read(out)


@pytest.mark.parametrize("argv", [["--limit", "0"], ["/nope.txt"], ["--task", "entities"]], ids=" ".join)
def test_wrong_use_of_uncertain_is_code_2(argv: list[str], capsys: Said) -> None:
    assert main(["models", "uncertain", *argv]) == 2
    assert capsys.readouterr().err.count("\n") == 1
