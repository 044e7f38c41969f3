"""A user's own labels: a CSV file (RFC 4180) of texts and what each is about, checked before anything is trained on it."""

import csv
import hashlib
import io
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from models.data import DataError, key_of
from schemas.tagging import SENTIMENTS

COLUMNS = ("text", "label", "sentiment", "split")
NEEDED = ("text", "label")
SPLITS = ("train", "dev", "test")
LEAST_ROWS = 5
"""Of a label: one in ten, and at least one, is held out."""
DEV_ONE_IN = 10
SHOWN = 5
LONGEST_LABEL = 100
NOT_APART = "case, marks and spaces do not tell texts apart"


@dataclass(frozen=True, slots=True)
class Labelled:
    """A row. line: where it begins in the file. sentiment: empty for none. split: train, dev or test."""

    line: int
    text: str
    label: str
    sentiment: str
    split: str


@dataclass(frozen=True, slots=True)
class Labels:
    """The rows of a file, and the labels in the order of the alphabet. sha256: of the file."""

    rows: Sequence[Labelled]
    names: Sequence[str]
    sha256: str

    def of(self, split: str) -> list[Labelled]:
        """The rows of a split."""
        return [row for row in self.rows if row.split == split]


def read(path: Path) -> Labels:
    """The rows with a split each: as the column says, else one in ten of each label is dev, chosen by the text.

    Raises DataError, with the file and the lines, for: a column that is missing or unknown, a row that is short, empty or of an unknown
    sentiment or split, a text that is there twice, with one label or with two, fewer than two labels, and a label of fewer than LEAST_ROWS.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}") from error
    rows = list(_rows(path, content))
    _check_repeats(path, rows)
    _check_labels(path, rows)
    if not any(row.split for row in rows):
        rows = _split(rows)
    elif not {"train", "dev"} <= {row.split for row in rows}:
        raise DataError(f"{path}: the column split names no row as train or none as dev; both are needed, or leave the column out")
    names = sorted({row.label for row in rows})
    lacking = [name for name in names if not any(row.label == name and row.split == "train" for row in rows)]
    if lacking:
        raise DataError(f"{path}: no row of {_some(lacking)} is in the split train")
    return Labels(rows, names, hashlib.sha256(content).hexdigest())


def _rows(path: Path, content: bytes) -> Iterator[Labelled]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DataError(f"{path}:{line}: not UTF-8; store the file as UTF-8, such as `iconv -f GB18030 -t UTF-8`") from None
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    columns: list[str] = []
    begun = 1
    try:
        for cells in reader:
            line, begun = begun, reader.line_num + 1
            if not columns:
                columns = _columns(path, cells)
            elif cells:
                yield _row(f"{path}:{line}", line, columns, cells)
    except csv.Error as error:
        raise DataError(f"{path}:{begun}: not CSV: {error}") from error
    if not columns:
        raise DataError(f"{path}: is empty; its first line names the columns: {', '.join(NEEDED)}")


def _columns(path: Path, cells: list[str]) -> list[str]:
    columns = [cell.strip().lower() for cell in cells]
    unknown = [name for name in columns if name not in COLUMNS]
    if unknown:
        raise DataError(f"{path}:1: unknown column {_some(unknown)}; known are {', '.join(COLUMNS)}")
    repeated = [name for name, n in Counter(columns).items() if n > 1]
    missing = [name for name in NEEDED if name not in columns]
    if repeated or missing:
        what = f"the column {_some(repeated)} is there twice" if repeated else f"the column {_some(missing)} is missing"
        raise DataError(f"{path}:1: {what}; the first line names the columns, such as {','.join(NEEDED)}")
    return columns


def _row(place: str, line: int, columns: Sequence[str], cells: Sequence[str]) -> Labelled:
    if len(cells) != len(columns):
        raise DataError(f"{place}: has {len(cells)} cells, but there are {len(columns)} columns; a text with a comma needs quotes")
    row = dict(zip(columns, (cell.strip() for cell in cells), strict=True))
    for name in NEEDED:
        if not row[name]:
            raise DataError(f"{place}: the {name} is empty; fill it in or remove the row")
    if len(row["label"]) > LONGEST_LABEL or not row["label"].isprintable():
        raise DataError(f"{place}: a label is one line of at most {LONGEST_LABEL} characters; are text and label in the right columns?")
    for name, known in (("sentiment", SENTIMENTS), ("split", SPLITS)):
        if (value := row.get(name, "")) and value not in known:
            raise DataError(f"{place}: {name} {value[:30]!r} is none of {', '.join(known)}")
    if "split" in row and not row["split"]:
        raise DataError(f"{place}: the split is empty: write train, dev or test, or leave the column out")
    return Labelled(line, row["text"], row["label"], row.get("sentiment", ""), row.get("split", ""))


def _check_repeats(path: Path, rows: Sequence[Labelled]) -> None:
    first: dict[str, Labelled] = {}
    same: list[str] = []
    other: list[str] = []
    for row in rows:
        before = first.setdefault(key_of(row.text), row)
        if before is row:
            continue
        if before.label == row.label:
            same.append(f"{row.line} (as {before.line})")
        else:
            other.append(f"{row.line} {row.label!r} and {before.line} {before.label!r}")
    if other:
        raise DataError(f"{path}: the same text with two labels: lines {_some(other)}; decide for one ({NOT_APART})")
    if same:
        raise DataError(f"{path}: the same text twice: lines {_some(same)}; remove one ({NOT_APART})")


def _check_labels(path: Path, rows: Sequence[Labelled]) -> None:
    counts = Counter(row.label for row in rows)
    if len(counts) < 2:
        raise DataError(f"{path}: has {len(counts)} label{'' if len(counts) == 1 else 's'}; at least two are needed to tell them apart")
    few = [f"{name!r} ({n})" for name, n in sorted(counts.items()) if n < LEAST_ROWS]
    if few:
        raise DataError(f"{path}: labels with fewer than {LEAST_ROWS} rows: {_some(few)}; add rows, or join labels")


def _split(rows: Sequence[Labelled]) -> list[Labelled]:
    by_label: defaultdict[str, list[Labelled]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: hashlib.sha256(row.text.encode()).digest()):
        by_label[row.label].append(row)
    dev = {row.line for of_label in by_label.values() for row in of_label[: max(len(of_label) // DEV_ONE_IN, 1)]}
    return [Labelled(row.line, row.text, row.label, row.sentiment, "dev" if row.line in dev else "train") for row in rows]


def _some(items: Sequence[str]) -> str:
    more = len(items) - SHOWN
    return ", ".join(items[:SHOWN]) + (f" and {more} more" if more > 0 else "")
