"""Reads a prepared folder back: its manifest, and the rows of a set and split."""
from pathlib import Path

import msgspec

from models.data import DataError, digest_of, lines_of
from models.preparation.manifest import FORMAT, NAME, Manifest
from models.preparation.row import Row

ROWS = ".jsonl.gz"
MENDS = "prepare it again with `textpulse prepare --out FOLDER`"


def file_name(name: str, split: str) -> str:
    """The file of a set's split within the folder."""
    return f"{name}.{split}{ROWS}"


def is_prepared(folder: Path) -> bool:
    """Whether it is a folder that `textpulse prepare` wrote."""
    try:
        manifest_of(folder)
    except DataError:
        return False
    return True


def manifest_of(folder: Path) -> Manifest:
    """What was done. Raises DataError for a folder that is not prepared data."""
    path = folder / NAME
    try:
        found = msgspec.json.decode(path.read_bytes(), type=Manifest)
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}: this is no folder of prepared data; {MENDS}") from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: not the manifest of prepared data ({error}); {MENDS}") from error
    if found.format != FORMAT:
        raise DataError(f"{path}: is of another format than {FORMAT!r}; {MENDS}")
    return found


def check_files(folder: Path) -> None:
    """Raises DataError for the first file of rows that is missing or is not the one that was written."""
    for name, digest in manifest_of(folder).written.items():
        if name.endswith(ROWS):
            _check(folder / name, digest)


def _check(path: Path, digest: str) -> None:
    try:
        found = digest_of(path)
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}; {MENDS}") from error
    if found != digest:
        raise DataError(f"{path}: is not as it was written; {MENDS}")


def rows(folder: Path, name: str, split: str) -> list[Row]:
    """The rows of a set in that split: train, dev or test; none where no row of it is left.

    Raises DataError for a set that was not prepared, and for a file that is not the one that was written.
    """
    manifest = manifest_of(folder)
    if name not in (one.name for one in manifest.sets):
        raise DataError(f"{folder}: holds no set {name}; there are {', '.join(one.name for one in manifest.sets)}")
    path = folder / file_name(name, split)
    if path.name not in manifest.written:
        return []
    _check(path, manifest.written[path.name])
    decoder = msgspec.json.Decoder(Row)
    return [decoder.decode(line) for line in lines_of(path)]
