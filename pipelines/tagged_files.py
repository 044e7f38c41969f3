"""Takes an author out of the files that --tagged-files wrote."""
from pathlib import Path
from typing import Any

from pipelines.errors import EnvironmentProblem

EMPTY = {"event_id": "", "author_id": "", "text": "", "entities": []}   # what is left of a row are its tags


def forget(folder: Path, author: str) -> tuple[int, int]:
    """(rows, files) that were changed. author: as the files have it. A file is whole at any moment. Raises EnvironmentProblem."""
    from transforms.sinks import FILE_FORMATS

    if not folder.is_dir():
        raise EnvironmentProblem(f"--tagged-files {folder}: no such folder")
    rows = files = 0
    for path in sorted(path for path in folder.iterdir() if path.suffix[1:] in FILE_FORMATS and not path.name.startswith(".")):
        changed = _forget_in(path, author)
        rows, files = rows + changed, files + bool(changed)
    return rows, files


def _forget_in(path: Path, author: str) -> int:
    from transforms.sinks import write_rows

    try:
        rows = _read(path)
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise EnvironmentProblem(f"{path}: cannot be read as tagged events: {error}; take it out of the folder, or mend it") from error
    mine = [row for row in rows if row["author_id"] == author]
    for row in mine:
        row.update(EMPTY)
    if mine:
        part = path.with_name(f".{path.name}.part")
        with part.open("wb") as out:
            write_rows(rows, out, path.suffix[1:])
        part.replace(path)
    return len(mine)


def _read(path: Path) -> list[dict[str, Any]]:
    if path.suffix == ".parquet":
        import pyarrow.parquet as pq

        found: list[dict[str, Any]] = pq.read_table(path).to_pylist()
        return found
    if path.suffix == ".avro":
        import fastavro

        with path.open("rb") as file:
            return [dict(row) for row in fastavro.reader(file)]
    import msgspec

    return [msgspec.json.decode(line) for line in path.read_bytes().splitlines()]
