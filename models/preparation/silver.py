"""Silver labels: what a teacher (a larger model, a rule) says of rows that nobody has labelled by hand. Each stays marked as such."""
import gzip
import zlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

import msgspec

from models.data import DataError
from models.preparation.cleaning import clean
from models.preparation.manifest import SilverCounts, Unused
from models.preparation.row import Entity, Row
from models.preparation.sources import shown
from models.taxonomy import ENTITY_TYPES, TOPICS
from schemas.tagging import SENTIMENTS

CLASSES = {"sentiment": SENTIMENTS, "topic": TOPICS, "entities": ENTITY_TYPES}
GZIP = b"\x1f\x8b"

Label = str | tuple[Entity, ...]


class _Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    task: Literal["sentiment", "topic", "entities"]
    label: Label
    teacher: Annotated[str, msgspec.Meta(min_length=1, max_length=100, pattern=r"^[\w./:@+ -]+$")]
    score: Annotated[float, msgspec.Meta(ge=0, le=1)]
    id: str | None = None
    text: str | None = None


class Silver(NamedTuple):
    """A label, the row or the cleaned text that it is for, and where it stood."""

    place: str
    id: str | None
    text: str | None
    task: str
    label: Label
    teacher: str
    score: float


def read(path: Path) -> list[Silver]:
    """The labels of a file of JSON lines, gzip'd or not. Raises DataError with file and line for what is not a silver label."""
    try:
        raw = path.read_bytes()
        lines = (gzip.decompress(raw) if raw.startswith(GZIP) else raw).splitlines()
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}; name a file of silver labels") from error
    found = [_silver(f"{path}:{number}", line) for number, line in enumerate(lines, 1)]
    if not found:
        raise DataError(f"{path}: holds no silver labels; leave it out")
    return found


def _silver(place: str, line: bytes) -> Silver:
    try:
        said = msgspec.json.decode(line, type=_Line)
    except (ValueError, RecursionError) as error:   # msgspec's are ValueErrors
        raise DataError(f"{place}: not a silver label: {error}") from error
    if (said.id is None) == (said.text is None):
        raise DataError(f"{place}: not a silver label: it needs an id or a text, and not both")
    _check_label(place, said.task, said.label)
    text, label = said.text, said.label
    if text is not None:
        cleaned = clean(text, () if isinstance(label, str) else _spots(place, text, label))
        text = cleaned.text
        if not isinstance(label, str):
            label = tuple(Entity(ENTITY_TYPES[kind], start, end) for kind, start, end in cleaned.spots)
    return Silver(place, said.id, text, said.task, label, said.teacher, said.score)


def _check_label(place: str, task: str, label: Label) -> None:
    if isinstance(label, str) != (task != "entities"):
        raise DataError(f"{place}: the label of {task} is {'a name' if task != 'entities' else 'a list of [type, start, end]'}")
    for name in (label,) if isinstance(label, str) else [entity.type for entity in label]:
        if name not in CLASSES[task]:
            raise DataError(f"{place}: {shown(name)} is no label of {task}; known: {', '.join(CLASSES[task])}")


def _spots(place: str, text: str, label: Sequence[Entity]) -> tuple[tuple[int, int, int], ...]:
    """Raises DataError for entities that are not in order, apart and within the text."""
    ends = [0, *(at for one in label for at in (one.start, one.end)), len(text)]
    if any(before > after for before, after in pairwise(ends)) or any(one.start == one.end for one in label):
        raise DataError(f"{place}: entities must be in order, apart, and within the {len(text)} characters of the text")
    return tuple((ENTITY_TYPES.index(one.type), one.start, one.end) for one in label)


def join(rows: Sequence[Row], files: Iterable[tuple[str, Sequence[Silver]]]) -> tuple[list[Row], list[SilverCounts]]:
    """The rows with the labels of (name of the file, what is in it), and what became of those.

    A text may be in several sets: all its rows get the label. Raises DataError for a label that is given twice, and for entities
    that are not within the text of the row that is named.
    """
    by_id, by_text = _places(row.id for row in rows), _places(row.text for row in rows)
    given: dict[int, dict[str, Silver]] = defaultdict(dict)
    seen: dict[tuple[str | None, str | None, str], Silver] = {}
    counts = []
    for name, labels in files:
        count = SilverCounts(file=name, read=len(labels))
        for silver in labels:
            _once(seen.setdefault((silver.id, silver.text, silver.task), silver), silver)
            places = by_id.get(silver.id or "", []) if silver.text is None else by_text.get(silver.text, [])
            usable = [at for at in places if rows[at].split == "train" and rows[at].label(silver.task) is None]
            for at in usable:
                _once(given[at].setdefault(silver.task, silver), silver)
                if not isinstance(silver.label, str):
                    _spots(silver.place, rows[at].text, silver.label)
            count.rows += len(usable)
            if usable:
                count.used[silver.teacher] = count.used.get(silver.teacher, 0) + 1
            else:
                why = _why_unused([rows[at] for at in places])
                count.unused[why] = count.unused.get(why, 0) + 1
        counts.append(count)
    return [_labelled(row, given[at]) if at in given else row for at, row in enumerate(rows)], counts


def _places(values: Iterable[str]) -> dict[str, list[int]]:
    places: dict[str, list[int]] = defaultdict(list)
    for at, value in enumerate(values):
        places[value].append(at)
    return dict(places)


def _once(first: Silver, silver: Silver) -> None:
    if first is not silver:
        raise DataError(f"{silver.place}: gives the {silver.task} label that {first.place} gave already; keep one of them")


def _why_unused(rows: Sequence[Row]) -> Unused:
    if not rows:
        return Unused.NO_ROW
    return Unused.GOLD if any(row.split == "train" for row in rows) else Unused.EVALUATED


def _labelled(row: Row, given: dict[str, Silver]) -> Row:
    labels = {task: silver.label for task, silver in given.items()}
    return msgspec.structs.replace(
        row, **labels, silver={task: one.teacher for task, one in given.items()},
        silver_score={task: one.score for task, one in given.items()})
