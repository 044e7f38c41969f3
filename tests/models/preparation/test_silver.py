import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from models.data import DataError
from models.preparation.manifest import Unused
from models.preparation.row import Entity, Row
from models.preparation.silver import join, read

GOOD: dict[str, Any] = {"text": "Anna called @bob", "task": "topic", "label": "games", "teacher": "large-1", "score": 0.5}


def write(path: Path, *rows: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def row(row_id: str, text: str, **fields: Any) -> Row:
    return Row(**{"id": row_id, "set": "s", "split": "train", "text": text, "lang": "en", "kind": "post", "licence": "unclear", **fields})


@pytest.mark.parametrize(("change", "said"), [
    ({"label": "nonsense"}, "'nonsense' is no label of topic; known: account"),
    ({"task": "mood"}, "Invalid enum value"),
    ({"task": "entities"}, "a list of"),
    ({"label": [["person", 0, 4]]}, "is a name"),
    ({"task": "entities", "label": [["planet", 0, 4]]}, "'planet' is no label of entities"),
    ({"task": "entities", "label": [["person", 3, 2]]}, "in order, apart"),
    ({"task": "entities", "label": [["person", 0, 99]]}, "within the 16 characters"),
    ({"task": "entities", "label": [["person", 0, 4], ["person", 3, 6]]}, "in order, apart"),
    ({"id": "1"}, "an id or a text, and not both"),
    ({"text": None}, "an id or a text"),
    ({"colour": 1}, "unknown field `colour`"),
    ({"teacher": ""}, "teacher"),
    ({"teacher": "a\u0007"}, "teacher"),
    ({"score": 2}, "score"),
    ({"score": "high"}, "score"),
])
def test_a_line_that_is_no_silver_label_is_named_by_file_and_line(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    path = write(tmp_path / "silver.jsonl", GOOD, GOOD | change)
    with pytest.raises(DataError, match=r"silver\.jsonl:2: ") as failed:
        read(path)
    assert said in str(failed.value)
    assert "Anna" not in str(failed.value)


@pytest.mark.parametrize("content", [b"{", b"[]", b"\xff", b"\n", b"", b"\x1f\x8bnonsense"])
def test_a_file_that_is_none_of_labels_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "silver").write_bytes(content)
    with pytest.raises(DataError, match="silver"):
        read(tmp_path / "silver")
    with pytest.raises(DataError, match="No such file"):
        read(tmp_path / "none")


def test_a_packed_file_says_the_same(tmp_path: Path) -> None:
    plain = write(tmp_path / "plain", GOOD)
    (tmp_path / "packed").write_bytes(gzip.compress(plain.read_bytes()))
    assert [one._replace(place="") for one in read(plain)] == [one._replace(place="") for one in read(tmp_path / "packed")]


def test_labels_are_joined_to_rows_without_gold_in_train_alone_and_all_are_accounted_for(tmp_path: Path) -> None:
    rows = [row("1", "Anna called <user>", sentiment="positive"), row("2", "Anna called <user>", set="t"),
            row("3", "gold", topic="food"), row("4", "held", split="dev"), row("5", "plain")]
    labels = read(write(
        tmp_path / "s", GOOD, GOOD | {"text": "gold"}, GOOD | {"text": "held"}, GOOD | {"text": "nobody"},
        {"id": "5", "task": "sentiment", "label": "neutral", "teacher": "rule", "score": 1}))
    joined, [count] = join(rows, [("s", labels)])
    assert [one.topic for one in joined] == ["games", "games", "food", None, None]
    assert [one.silver for one in joined] == [{"topic": "large-1"}, {"topic": "large-1"}, {}, {}, {"sentiment": "rule"}]
    assert joined[0].sentiment == "positive"
    assert joined[0].silver_score == {"topic": 0.5}
    assert (count.read, count.used, count.rows) == (5, {"large-1": 1, "rule": 1}, 3)
    assert count.unused == {Unused.GOLD: 1, Unused.EVALUATED: 1, Unused.NO_ROW: 1}


def test_silver_entities_move_with_the_text_that_they_were_given_for(tmp_path: Path) -> None:
    line = GOOD | {"text": "soooooo Anna", "task": "entities", "label": [["person", 8, 12]]}
    joined, _ = join([row("1", "sooo Anna")], [("s", read(write(tmp_path / "s", line)))])
    assert joined[0].entities == (Entity("person", 5, 9),)


def test_silver_entities_outside_the_text_of_their_row_are_refused(tmp_path: Path) -> None:
    line = {"id": "1", "task": "entities", "label": [["person", 5, 10]], "teacher": "t", "score": 1}
    with pytest.raises(DataError, match=r"s:1: .*within the 9 characters"):
        join([row("1", "sooo Anna")], [("s", read(write(tmp_path / "s", line)))])


@pytest.mark.parametrize("again", [GOOD, GOOD | {"text": "Anna called @carl"}, GOOD | {"label": "food"},
                                   {"id": "1", "task": "topic", "label": "games", "teacher": "t", "score": 1}])
def test_a_label_that_is_given_twice_is_refused_also_across_files(tmp_path: Path, again: dict[str, Any]) -> None:
    rows = [row("1", "Anna called <user>")]
    first, second = read(write(tmp_path / "a", GOOD)), read(write(tmp_path / "b", again))
    with pytest.raises(DataError, match=r"b:1: gives the topic label that .*a:1 gave already"):
        join(rows, [("a", first), ("b", second)])
    with pytest.raises(DataError, match="gave already"):
        join(rows, [("a", [*first, *second])])


def test_a_label_that_is_given_twice_to_no_row_is_refused_too(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="gave already"):
        join([], [("a", read(write(tmp_path / "a", GOOD, GOOD)))])
