"""What a Parquet file would ask of memory: Arrow unpacks a page into as many bytes as its header says."""
import os
from collections.abc import Collection, Iterator, Mapping
from typing import IO

import pyarrow as pa

from transforms.parquet_footer import Chunk, Group, Page, page_at
from transforms.pieces import MAX_BLOCK_BYTES, DamagedError

MAX_PAGE_VALUES = 16_000_000
PAGES_BYTES = 128 << 20
"""Of one page of each column, unpacked."""
ROWS_FREE, ROWS_A_BYTE = 1_000_000, 16
"""So many rows may be in any file, and so many for each of its bytes: events differ in their ids."""
_BYTE_ARRAY, _UNCOMPRESSED = 6, 0
_CODECS = {1: "snappy", 2: "gzip", 4: "brotli", 6: "zstd", 7: "lz4_raw"}
_BY_DICTIONARY = 2, 8
_SMALL_DICTIONARY_BYTES = 4_096
_DELTA_BYTE_ARRAY = 7   # values share their beginnings: each may be as long as the page


def check_rows(rows: int, size_bytes: int) -> None:
    """Raises DamagedError where so many rows cannot be events."""
    if not 0 <= rows <= max(ROWS_FREE, ROWS_A_BYTE * size_bytes):
        raise DamagedError(f"it says that it holds {rows} rows in {size_bytes} bytes")


def rows_at_once(file: IO[bytes], group: Group, columns: Mapping[int, str], kept_whole: Collection[str], room_bytes: int) -> int:
    """How many rows of a row group, columns by number and name, hold about room_bytes. Raises DamagedError where a page is too large.

    kept_whole: columns that come as dictionaries, for which the library holds every value of the group.
    """
    if len(group.chunks) <= max(columns, default=-1):
        raise DamagedError(f"a row group of {len(group.chunks)} columns")
    asked = [_asked(file, group.chunks[number], name, name in kept_whole) for number, name in columns.items()]
    pages_bytes = sum(pages for pages, _ in asked)
    if pages_bytes > PAGES_BYTES:
        raise DamagedError(f"pages of {pages_bytes} bytes side by side, more than the {PAGES_BYTES} allowed")
    return max(1, int(room_bytes / max(sum(row for _, row in asked), 1.0)))


def _asked(file: IO[bytes], chunk: Chunk, name: str, kept_whole: bool) -> tuple[int, float]:
    """(bytes of the pages that are held at one time, bytes that a row has where it has most)."""
    largest = dictionary = longest = plain = 0
    widest = 0.0
    for page in _pages(file, chunk, name):
        if page.dictionary:
            dictionary = max(dictionary, page.size_bytes)
            longest = max(longest, _longest_value(file, chunk, page))
            continue
        largest = max(largest, page.size_bytes)
        if page.encoding in _BY_DICTIONARY:
            width: float = longest
        else:
            width = page.size_bytes if page.encoding == _DELTA_BYTE_ARRAY else page.size_bytes / max(page.values, 1)
            plain += page.size_bytes
        widest = max(widest, width)
    return largest + dictionary + plain * kept_whole, widest


def _longest_value(file: IO[bytes], chunk: Chunk, page: Page) -> int:
    """Of a dictionary of strings, each with its length before it: what one row may have of it. At most the whole page."""
    if chunk.kind != _BYTE_ARRAY:
        return 0
    if page.size_bytes <= _SMALL_DICTIONARY_BYTES:
        return page.size_bytes
    file.seek(page.data_at)
    data = file.read(page.packed_bytes)
    try:
        if chunk.codec != _UNCOMPRESSED:
            data = pa.Codec(_CODECS[chunk.codec]).decompress(data, decompressed_size=page.size_bytes, asbytes=True)
    except (pa.ArrowException, OSError, ValueError, KeyError):
        return page.size_bytes
    at = longest = 0
    while at + 4 <= len(data):
        size_bytes = int.from_bytes(data[at : at + 4], "little")
        longest = max(longest, size_bytes)
        at += 4 + size_bytes
    return min(longest, page.size_bytes)


def _pages(file: IO[bytes], chunk: Chunk, name: str) -> Iterator[Page]:
    start = chunk.dictionary_at if 0 < chunk.dictionary_at < chunk.data_at else chunk.data_at
    end = start + chunk.packed_bytes
    if start < 0 or end > file.seek(0, os.SEEK_END):
        raise DamagedError(f"column {name:.40}: it stands outside of the file")
    while start < end:
        page, header_bytes = page_at(file, start)
        if not (0 <= page.size_bytes <= MAX_BLOCK_BYTES and 0 <= page.packed_bytes <= MAX_BLOCK_BYTES):
            raise DamagedError(f"column {name:.40}: a page of {page.size_bytes} bytes, more than the {MAX_BLOCK_BYTES} allowed")
        if not 0 <= page.values <= MAX_PAGE_VALUES:
            raise DamagedError(f"column {name:.40}: a page of {page.values} values, more than the {MAX_PAGE_VALUES} allowed")
        page.data_at = start + header_bytes
        yield page
        start += header_bytes + page.packed_bytes
