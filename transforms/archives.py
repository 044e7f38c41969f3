"""Archives, read in batches of raw records: JSON lines (plain or gzip), Avro object containers and Parquet. No Beam.

A damaged archive keeps its good records: what cannot be read any more is one Rejected that names the file and place.
"""
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any

import fsspec

from schemas.decode import MAX_RECORD_BYTES
from schemas.records import Reason, Rejected
from transforms.avro_files import avro_pieces
from transforms.json_lines import blocks, gunzip, lines
from transforms.parquet_files import parquet_pieces
from transforms.pieces import ArchiveError, DamagedError, Piece, Raw, said

__all__ = ["ArchiveError", "RawBatch", "expand", "read_records"]

BATCH = 2_000
BATCH_BYTES = 16 << 20
BLOCK_BYTES = 1 << 20

_GLOB = frozenset("*?[")
_JSON_LINES = (".jsonl", ".ndjson", ".json")
_SUPPORTED = ".jsonl, .ndjson or .json (also with .gz), .avro, .parquet"


@dataclass(slots=True)
class RawBatch:
    """Consecutive records of one archive.

    first: the record number, from 0, of values[0]; in JSON lines it is the line number - 1.
    bytes_read of size_bytes: how far into the file (as stored, so compressed) the reader is, for progress.
    """

    first: int
    values: list[Raw]
    bytes_read: int
    size_bytes: int


def expand(patterns: Iterable[str]) -> list[str]:
    """The archives that paths, globs and fsspec URLs name: sorted, each once, local ones as absolute paths.

    Raises ArchiveError for a glob without a match, a path that does not exist and a folder.
    """
    return sorted({path for pattern in patterns for path in _matches(pattern)})


def read_records(
    path: str, batch: int = BATCH, max_record_bytes: int = MAX_RECORD_BYTES, block_bytes: int = BLOCK_BYTES
) -> Iterator[RawBatch]:
    """The records of one archive in file order, `batch` at a time or fewer where these are large; memory is bounded by a few blocks.

    Every line of JSON lines is a record, an empty one too (the decoder calls it malformed); a newline at the end is
    none. A line longer than max_record_bytes is Rejected without being held (too_long). Avro and Parquet give rows by field name.
    Raises ArchiveError when the file cannot be opened or read, or when its name has no known ending.
    """
    name = path.lower()
    with _opened(path) as (file, size_bytes):
        if size_bytes == 0:
            return
        if name.endswith(".avro"):
            pieces = avro_pieces(file, batch)
        elif name.endswith((".parquet", ".pq")):
            pieces = parquet_pieces(file, size_bytes, batch)
        elif name.removesuffix(".gz").endswith(_JSON_LINES):
            read = gunzip if name.endswith(".gz") else blocks
            pieces = lines(read(file, block_bytes), max_record_bytes)
        else:
            raise ArchiveError(f"{path}: unknown kind of archive; the name must end in {_SUPPORTED}")
        yield from _batches(path, pieces, batch, size_bytes)


def _batches(path: str, pieces: Iterator[Piece], batch: int, size_bytes: int) -> Iterator[RawBatch]:
    first = position = held_bytes = 0
    held: list[Raw] = []
    try:
        for piece in pieces:
            position = min(piece.position, size_bytes)
            held += piece.values
            held_bytes += piece.size_bytes
            while len(held) >= batch or (held and held_bytes > BATCH_BYTES):
                whole, held = held[:batch], held[batch:]
                held_bytes = min(held_bytes, piece.size_bytes) if held else 0
                yield RawBatch(first, whole, position, size_bytes)
                first += len(whole)
    except DamagedError as damage:
        detail = f"{path}: {damage}; everything from record {first + len(held)} on is lost"
        held.append(Rejected(Reason.MALFORMED, detail))
    if held:
        yield RawBatch(first, held, position, size_bytes)


def _matches(pattern: str) -> list[str]:
    fs, path = _located(pattern)
    try:
        if fs.isfile(path):
            return [_named(fs, path)]
        if not _GLOB & set(path):
            kind = "is a folder: name its files, such as" if fs.isdir(path) else "does not exist; a glob looks like"
            raise ArchiveError(f"{pattern}: {kind} {path.rstrip('/')}/*.jsonl.gz")
        found = [name for name in fs.glob(path) if fs.isfile(name)]
    except (OSError, ValueError) as error:
        raise ArchiveError(f"{pattern}: cannot be listed: {said(error)}") from error
    if not found:
        raise ArchiveError(f"{pattern}: the glob matches no file")
    return [_named(fs, name) for name in found]


def _located(url: str) -> tuple[Any, str]:
    try:
        fs, path = fsspec.core.url_to_fs(url)
    except (ImportError, ValueError, OSError) as error:
        raise ArchiveError(f"{url}: no way to read it: {said(error)}") from error
    return fs, path


def _named(fs: Any, path: str) -> str:
    local = "file" in ((fs.protocol,) if isinstance(fs.protocol, str) else fs.protocol)
    return path if local else str(fs.unstrip_protocol(path))


@contextmanager
def _opened(path: str) -> Iterator[tuple[IO[bytes], int]]:
    fs, name = _located(path)
    try:
        size_bytes = int(fs.size(name) or 0)
        with fs.open(name, "rb") as file:
            yield file, size_bytes
    except OSError as error:
        raise ArchiveError(f"{path}: cannot be read: {error.strerror or said(error)}") from error
