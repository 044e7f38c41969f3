"""What the readers of archives hand on, how they say that a file is damaged, and what no file may ask of memory."""
from dataclasses import dataclass
from typing import Any

from schemas.decode import MAX_RECORD_BYTES
from schemas.records import Rejected

MAX_BLOCK_BYTES = 2 * MAX_RECORD_BYTES
"""Of a block of Avro or a page of Parquet, packed and unpacked."""
MAX_COLUMNS = 1_000
MAX_INFLATION = 250
"""Times that packed data may grow. Texts grow 3 to 30 times; a bomb 1,000 times."""
INFLATION_FREE_BYTES = 16 << 20
"""So much may come of any file."""

Raw = bytes | dict[str, Any] | Rejected
"""A line's bytes, a row by field name, or what stands for a record that cannot be read."""


class ArchiveError(Exception):
    """An archive that cannot be opened, or a pattern that names none: wrong use, not bad data."""


class DamagedError(Exception):
    """Inner signal: the archive cannot be read on from here. Becomes the file's last Rejected."""


@dataclass(slots=True)
class Piece:
    """Some records, how far into the file the reader is after them, and about how many bytes they hold."""

    values: list[Raw]
    position: int
    size_bytes: int


def check_inflation(unpacked_bytes: int, packed_bytes: int) -> None:
    """Raises DamagedError where so little data became so much."""
    if unpacked_bytes > max(INFLATION_FREE_BYTES, MAX_INFLATION * packed_bytes):
        raise DamagedError(f"the data become more than {MAX_INFLATION} times as long by byte {packed_bytes}: a bomb")


def raise_if_unread(error: Exception) -> None:
    """Raises the error when the disk or the network failed: bytes that did not come say nothing about the archive."""
    if isinstance(error, OSError) and (error.errno or isinstance(error, ConnectionError | TimeoutError)):
        raise error


def said(error: Exception) -> str:
    """The error in at most 200 characters."""
    return f"{type(error).__name__}: {error}"[:200]
