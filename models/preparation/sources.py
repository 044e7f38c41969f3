"""Reads the published rows of a set and maps their labels: the one place that knows how a set looks before it is prepared."""
from collections.abc import Iterator
from pathlib import Path

import msgspec

from models.data import NO_LABEL, UNSTATED, DataError, DataSet, Example, Span, file_of, lines_of
from models.preparation.cleaning import Spots
from models.taxonomy import TOPICS
from schemas.shape import shape
from schemas.tagging import SENTIMENTS

LONGEST_LABEL = 60


class Published(msgspec.Struct, frozen=True):
    """What a line says, with unified labels. lang: as the set states it, or empty. spots: entities in characters of the text."""

    id: str
    text: str
    lang: str
    kind: str
    source_label: str
    sentiment: str | None
    topic: str | None
    spots: Spots | None


class _Line(msgspec.Struct):
    id: str | int
    text: str = ""
    tokens: list[str] = []
    tags: list[str] = []
    lang: str = ""
    kind: str = UNSTATED
    label: str = ""
    domain: str = ""


def files(data: Path, dataset: DataSet) -> dict[str, Path]:
    """The split that rows are prepared for -> the file that they are published in."""
    named = {"train": "train", "test": dataset.test_split} | ({"dev": "dev"} if dataset.has_dev else {})
    return {split: file_of(data, dataset, file) for split, file in named.items()}


def published(path: Path, dataset: DataSet) -> Iterator[Published]:
    """The rows of a file. Raises DataError with file and line for one that is not of this set and for an id that comes again, and for a
    file without rows."""
    seen: dict[str, int] = {}
    for number, line in enumerate(lines_of(path), 1):
        row = _row(f"{path}:{number}", line, dataset)
        if row.id in seen:
            raise DataError(f"{path}:{number}: has the id of line {seen[row.id]}; give every row its own")
        seen[row.id] = number
        yield row
    if not seen:
        raise DataError(f"{path}: holds no rows; put the set's file there, or take the set's files away")


def _row(place: str, line: bytes, dataset: DataSet) -> Published:
    try:
        row = msgspec.json.decode(line)
        checked = msgspec.convert(row, _Line)
    except (ValueError, RecursionError) as error:   # msgspec's are ValueErrors
        raise DataError(f"{place}: not a row of {dataset.name}: {error}; mend or remove the line") from error
    try:
        return _published(str(checked.id), checked, dataset.to_example(row))
    except KeyError as error:
        raise DataError(f"{place}: {_lacking(str(error.args[0]), row)}") from error
    except ValueError as error:
        raise DataError(f"{place}: not a row of {dataset.name}: it has not a tag for each token; mend or remove the line") from error


def _lacking(name: str, row: object) -> str:
    if name in _Line.__struct_fields__ and isinstance(row, dict) and name not in row:
        return f"the row has no {name}; add it or remove the line"
    return f"label {shown(name)} is not one of this set's; mend it, or add it to models/taxonomy.py"


def shown(label: str) -> str:
    """A label as it is; what does not look like one may be a text, of which only the form is shown."""
    plain = len(label) <= LONGEST_LABEL and label.replace("-", "").replace(".", "").replace("_", "").isalnum()
    return repr(label if plain and label.isascii() else shape(label[:LONGEST_LABEL]))


def _published(row_id: str, row: _Line, example: Example) -> Published:
    spots = None if example.entities is None else _in_characters(example.text, example.entities)
    sentiment = None if example.sentiment == NO_LABEL else SENTIMENTS[example.sentiment]
    topic = None if example.topic == NO_LABEL else TOPICS[example.topic]
    return Published(row_id, example.text, row.lang, row.kind, row.label, sentiment, topic, spots)


def _in_characters(text: str, spans: tuple[Span, ...]) -> Spots:
    if text.isascii():
        return spans
    raw = text.encode()
    return tuple((kind, len(raw[:start].decode()), len(raw[:end].decode())) for kind, start, end in spans)
