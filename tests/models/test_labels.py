"""A file of labels is read as it stands, or refused with the lines that have to be mended."""

import csv
import io
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.data import DataError, bare
from models.labels import LEAST_ROWS, read

LABELS = ("billing", "delivery, late", 'a "quoted" one', "退款")

texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(lambda text: text.strip())


def write(path: Path, rows: list[list[str]], head: str = "text,label") -> Path:
    out = io.StringIO(newline="")
    csv.writer(out).writerows([head.split(","), *rows])
    path.write_bytes(out.getvalue().encode())
    return path


def many(n: int = LEAST_ROWS, labels: tuple[str, ...] = LABELS) -> list[list[str]]:
    return [[f"text {label} no {at}", label] for label in labels for at in range(n)]


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(texts, st.sampled_from(LABELS)), unique_by=lambda row: bare(row[0]) or row[0].strip(), max_size=20))
def test_what_a_csv_writer_writes_is_read_back(tmp_path: Path, rows: list[tuple[str, str]]) -> None:
    given_rows = [[text, label] for text, label in rows if not bare(text).startswith("text")] + many()
    if any("\0" in text for text, _ in given_rows):
        return   # csv refuses it, as the next test has it
    found = read(write(tmp_path / "labels.csv", given_rows))
    assert [(row.text, row.label) for row in found.rows] == [(text.strip(), label) for text, label in given_rows]
    assert list(found.names) == sorted(LABELS)


def test_one_in_ten_of_each_label_is_held_out_and_always_the_same(tmp_path: Path) -> None:
    rows = [*many(40, LABELS[:2]), *many(5, LABELS[2:3])]
    found = read(write(tmp_path / "a.csv", rows))
    again = read(write(tmp_path / "b.csv", rows[::-1]))
    assert [sum(row.label == label for row in found.of("dev")) for label in LABELS[:3]] == [4, 4, 1]
    assert {row.text for row in found.of("dev")} == {row.text for row in again.of("dev")}
    assert len(found.of("train")) + len(found.of("dev")) == len(rows)


def test_columns_may_stand_in_any_order_and_splits_be_given(tmp_path: Path) -> None:
    rows = [[label, split, f"text {label} {split} {at}", "negative"]
            for label in LABELS for split in ("train", "dev", "test") for at in range(3)]
    found = read(write(tmp_path / "a.csv", rows, "Label,split, text ,sentiment"))
    assert len(found.of("train")) == len(found.of("dev")) == len(found.of("test")) == 12
    assert {row.sentiment for row in found.rows} == {"negative"}


def test_a_byte_order_mark_and_blank_lines_do_no_harm(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", many())
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\r\n", b"\n\n"))
    assert len(read(path).rows) == len(many())


@pytest.mark.parametrize(("content", "said"), [
    (b"", r"a\.csv: is empty; its first line names the columns"),
    (b"text,topic\n", r"a\.csv:1: unknown column topic; known are text, label, sentiment, split"),
    (b"text,text,label\n", r"a\.csv:1: the column text is there twice"),
    (b"text,split\n", r"a\.csv:1: the column label is missing"),
    (b"text,label\na,b\nhello, world,b\n", r"a\.csv:3: has 3 cells, but there are 2 columns; a text with a comma needs quotes"),
    (b"text,label\na,b\n,b\n", r"a\.csv:3: the text is empty"),
    (b'text,label\n"a\nb",\n', r"a\.csv:2: the label is empty"),
    (b'text,label\n"a\nb",x\nc,\n', r"a\.csv:4: the label is empty"),
    (b'text,label\na,"b\n', r"a\.csv:2: not CSV"),
    (b"text,label\na,\xe4\n", r"a\.csv:2: not UTF-8; store the file as UTF-8"),
    (b"text,label\na," + b"x" * 101, r"a\.csv:2: a label is one line of at most 100 characters"),
    (b"text,label,sentiment\na,b,good\n", r"a\.csv:2: sentiment 'good' is none of negative, neutral, positive"),
    (b"text,label,split\na,b,eval\n", r"a\.csv:2: split 'eval' is none of train, dev, test"),
    (b"text,label,split\na,b,\n", r"a\.csv:2: the split is empty"),
    (b"text,label\na,b\nc,d\nA!,d\n", r"a\.csv: the same text with two labels: lines 4 'd' and 2 'b'; decide for one"),
    (b"text,label\na,b\nc,d\nA!,b\n", r"a\.csv: the same text twice: lines 4 \(as 2\); remove one"),
    (b"text,label\n", r"a\.csv: has 0 labels; at least two"),
    (b"text,label\na,b\nc,b\n", r"a\.csv: has 1 label; at least two"),
    (b"text,label\na,b\nc,d\n", r"a\.csv: labels with fewer than 5 rows: 'b' \(1\), 'd' \(1\); add rows, or join labels"),
])
def test_what_cannot_be_trained_on_is_said_with_its_line(content: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(DataError, match=said):
        read(tmp_path / "a.csv")


def test_many_problems_are_counted_and_some_named(tmp_path: Path) -> None:
    rows = many(9, ("a", "b")) + [[f"{text}.", label] for text, label in many(9, ("a", "b"))]
    with pytest.raises(DataError, match=r"20 \(as 2\), .* and 13 more; remove one"):
        read(write(tmp_path / "a.csv", rows))


@pytest.mark.parametrize("splits", [("train", "test"), ("dev", "test")])
def test_splits_have_to_hold_what_training_needs(splits: tuple[str, str], tmp_path: Path) -> None:
    rows = [[*row, splits[at % 2]] for at, row in enumerate(many())]
    with pytest.raises(DataError, match="no row as train or none as dev"):
        read(write(tmp_path / "a.csv", rows, "text,label,split"))


def test_a_label_that_is_never_trained_is_named(tmp_path: Path) -> None:
    rows = [[text, label, "dev" if label == "billing" else "train"] for text, label in many()]
    with pytest.raises(DataError, match="no row of billing is in the split train"):
        read(write(tmp_path / "a.csv", rows, "text,label,split"))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.csv: No such file"):
        read(tmp_path / "none.csv")
