"""Archives, read in batches of raw records: JSON lines (plain or gzip), Avro object containers and Parquet. No Beam.

A damaged archive keeps its good records: what cannot be read any more is one Rejected that names the file and place.
"""
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any

import fastavro
import fsspec
import pyarrow as pa
import pyarrow.parquet as pq

from schemas.avro import CORRUPT
from schemas.records import Reason, Rejected

BATCH = 2_000
BLOCK_BYTES = 1 << 20
MAX_RECORD_BYTES = 16 << 20

Raw = bytes | dict[str, Any] | Rejected
"""A line's bytes, a row by field name, or what stands for a record that cannot be read."""
_GLOB = frozenset("*?[")
_JSON_LINES = (".jsonl", ".ndjson", ".json")
_SUPPORTED = ".jsonl, .ndjson or .json (also with .gz), .avro, .parquet"


class ArchiveError(Exception):
    """An archive that cannot be opened, or a pattern that names none: wrong use, not bad data."""


class DamagedError(Exception):
    """Inner signal: the archive cannot be read on from here. Becomes the file's last Rejected."""


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
    """The records of one archive, at most `batch` at a time, in file order; memory is bounded by a few blocks.

    Every line of JSON lines is a record, an empty one too (the decoder calls it malformed); a newline at the end is
    none. A line longer than max_record_bytes is Rejected without being held. Avro and Parquet give rows by field name.
    Raises ArchiveError when the file cannot be opened or read, or when its name has no known ending.
    """
    name = path.lower()
    with _opened(path) as (file, size_bytes):
        if size_bytes == 0:
            return
        if name.endswith(".avro"):
            pieces = _avro(file, batch)
        elif name.endswith((".parquet", ".pq")):
            pieces = _parquet(file, size_bytes, batch)
        elif name.removesuffix(".gz").endswith(_JSON_LINES):
            blocks = _gunzip(file, block_bytes) if name.endswith(".gz") else _blocks(file, block_bytes)
            pieces = _lines(blocks, max_record_bytes)
        else:
            raise ArchiveError(f"{path}: unknown kind of archive; the name must end in {_SUPPORTED}")
        yield from _batches(path, pieces, batch, size_bytes)


Piece = tuple[list[Raw], int]
"""Some records and the position in the file after them."""


def _batches(path: str, pieces: Iterator[Piece], batch: int, size_bytes: int) -> Iterator[RawBatch]:
    first, position = 0, 0
    held: list[Raw] = []
    try:
        for values, position in pieces:
            held += values
            at = 0
            for at in range(batch, len(held) + 1, batch):
                yield RawBatch(first, held[at - batch : at], position, size_bytes)
                first += batch
            del held[:at]
    except DamagedError as damage:
        detail = f"{path}: {damage}; everything from record {first + len(held)} on is lost"
        held.append(Rejected(Reason.MALFORMED, detail))
    if held:
        yield RawBatch(first, held, position, size_bytes)


def _lines(blocks: Iterator[tuple[bytes, int]], max_record_bytes: int) -> Iterator[Piece]:
    tail = _Tail(max_record_bytes)
    position = 0
    for block, position in blocks:
        head, newline, rest = block.partition(b"\n")
        if not newline:
            tail.add(block)
            continue
        tail.add(head)
        lines: list[Raw] = [tail.take()]
        body = rest.split(b"\n")
        tail.add(body.pop())
        if body and len(max(body, key=len)) > max_record_bytes:
            lines += [_bounded(line, max_record_bytes) for line in body]
        else:
            lines += body
        yield lines, position
    if tail.size_bytes:
        yield [tail.take()], position


class _Tail:
    """The line that a block cut in two, or the length of one that is too long to hold."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.parts: list[bytes] = []
        self.size_bytes = 0

    def add(self, part: bytes) -> None:
        self.size_bytes += len(part)
        if self.size_bytes > self.max_bytes:
            self.parts.clear()
        else:
            self.parts.append(part)

    def take(self) -> bytes | Rejected:
        too_long = self.size_bytes > self.max_bytes
        line = _too_long(self.size_bytes, self.max_bytes) if too_long else b"".join(self.parts)
        self.parts, self.size_bytes = [], 0
        return line


def _bounded(line: bytes, max_bytes: int) -> bytes | Rejected:
    return line if len(line) <= max_bytes else _too_long(len(line), max_bytes)


def _too_long(size_bytes: int, max_bytes: int) -> Rejected:
    return Rejected(Reason.MALFORMED, f"a line of {size_bytes} bytes, more than the {max_bytes} allowed")


def _blocks(file: IO[bytes], block_bytes: int) -> Iterator[tuple[bytes, int]]:
    position = 0
    while block := file.read(block_bytes):
        position += len(block)
        yield block, position


def _gunzip(file: IO[bytes], block_bytes: int) -> Iterator[tuple[bytes, int]]:
    """The inflated blocks of a gzip file (RFC 1952: any number of members, zeros after the last one allowed).

    Raises DamagedError after the last byte that could be inflated: the caller's unfinished line belongs to the rest.
    """
    member, members = zlib.decompressobj(31), 0
    begun = False
    for packed, end in _blocks(file, max(1, block_bytes // 4)):
        left = packed
        while left or begun:
            if not begun and members and not (left := left.lstrip(b"\0")):
                break
            begun = True
            saved = member.copy()
            try:
                block = member.decompress(left, block_bytes)
            except zlib.error as error:
                good, used = _salvage(saved, left)
                yield good, end
                raise DamagedError(f"gzip data damaged at byte {end - len(left) + used} ({error})") from None
            left = member.unconsumed_tail or member.unused_data
            yield block, end
            if member.eof:
                member, members, begun = zlib.decompressobj(31), members + 1, False
            elif not left and len(block) < block_bytes:
                break
    if begun:
        raise DamagedError(f"gzip data cut short at byte {end}")


def _salvage(member: "zlib._Decompress", packed: bytes) -> tuple[bytes, int]:
    """What can be inflated before the damage, and from how many bytes.

    zlib gives nothing of the call that fails, so this goes byte by byte.
    """
    good: list[bytes] = []
    try:
        for at in range(len(packed)):
            good.append(member.decompress(packed[at : at + 1]))
    except zlib.error:
        pass  # this is the damage that the caller reports
    return b"".join(good), len(good)


def _avro(file: IO[bytes], batch: int) -> Iterator[Piece]:
    rows: list[Raw] = []
    try:
        # Escaped surrogates instead of an error: the decoder then names the field, and the file goes on.
        for row in fastavro.reader(file, handle_unicode_errors="surrogateescape"):
            rows.append(row if isinstance(row, dict) else _no_record(row))
            if len(rows) == batch:
                yield rows, file.tell()
                rows = []
    except CORRUPT as error:
        _raise_if_unread(error)
        if "need to install" in str(error):
            raise ArchiveError(f"Avro codec not available: {error}") from error
        yield rows, file.tell()
        raise DamagedError(f"Avro container damaged before byte {file.tell()} ({_said(error)})") from None
    yield rows, file.tell()


def _no_record(value: object) -> Rejected:
    return Rejected(Reason.MALFORMED, f"expected an Avro record, got {type(value).__name__}")


def _parquet(file: IO[bytes], size_bytes: int, batch: int) -> Iterator[Piece]:
    done, total = 0, 0
    try:
        table = pq.ParquetFile(file)
        total = table.metadata.num_rows
        for rows in table.iter_batches(batch_size=batch):
            done += rows.num_rows
            yield _rows(rows), size_bytes * done // total
    except (pa.ArrowException, OSError) as error:
        _raise_if_unread(error)
        where = f"after row {done} of {total}" if total else "in its footer"
        raise DamagedError(f"Parquet damaged {where} ({_said(error)})") from None


def _rows(rows: pa.RecordBatch) -> list[Raw]:
    names, columns = rows.schema.names, [_python_values(column) for column in rows.columns]
    if all(column is not None for column in columns):
        return [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]
    return [_row(rows.slice(at, 1)) for at in range(rows.num_rows)]


def _row(one: pa.RecordBatch) -> Raw:
    row = {}
    for name, column in zip(one.schema.names, one.columns, strict=True):
        values = _python_values(column)
        if values is None:
            return Rejected(Reason.BAD_ENCODING, f"{name}: not valid UTF-8")
        row[name] = values[0]
    return row


def _python_values(column: pa.Array) -> list[Any] | None:
    """The column as Python values, or None when one of its strings is not UTF-8."""
    if pa.types.is_timestamp(column.type) and column.type.unit == "ns":
        column = column.cast(pa.timestamp("us", column.type.tz), safe=False)  # datetime holds microseconds
    try:
        values: list[Any] = column.to_pylist()
    except UnicodeDecodeError:
        return None
    return values


def _raise_if_unread(error: Exception) -> None:
    """Raises the error when the disk or the network failed: bytes that did not come say nothing about the archive."""
    if isinstance(error, OSError) and (error.errno or isinstance(error, ConnectionError | TimeoutError)):
        raise error


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:200]


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
        raise ArchiveError(f"{pattern}: cannot be listed: {_said(error)}") from error
    if not found:
        raise ArchiveError(f"{pattern}: the glob matches no file")
    return [_named(fs, name) for name in found]


def _located(url: str) -> tuple[Any, str]:
    try:
        fs, path = fsspec.core.url_to_fs(url)
    except (ImportError, ValueError, OSError) as error:
        raise ArchiveError(f"{url}: no way to read it: {_said(error)}") from error
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
        raise ArchiveError(f"{path}: cannot be read: {error.strerror or _said(error)}") from error
