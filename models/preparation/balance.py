"""Counts rows by set, split, task, class, language, kind and teacher."""
from collections import Counter
from collections.abc import Iterable, Iterator

from models.preparation.manifest import Share
from models.preparation.row import TASKS, Row

NO_ENTITIES = "(none)"


def balance(rows: Iterable[Row]) -> list[Share]:
    """In order. Entities are counted by mention; a row without any counts once, as NO_ENTITIES."""
    counts = Counter((row.set, row.split, task, label, row.lang, row.kind, row.silver.get(task, ""))
                     for row in rows for task in TASKS for label in _classes(row, task))
    return [Share(*key, count) for key, count in sorted(counts.items())]


def _classes(row: Row, task: str) -> Iterator[str]:
    label = row.label(task)
    if isinstance(label, str):
        yield label
    elif label is not None:
        yield from (entity.type for entity in label) if label else (NO_ENTITIES,)
