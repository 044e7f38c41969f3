"""What a Parquet file would ask of memory, read from its footer and page headers before its library sees them.

Arrow unpacks a page into as many bytes as its header says, and ends the process on a schema that is nested too deeply.
Format: Apache Parquet, parquet.thrift and README.md of parquet-format 2.11.
"""
import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Any

import pyarrow as pa

from transforms.pieces import MAX_BLOCK_BYTES, MAX_COLUMNS, DamagedError
from transforms.thrift_compact import LIST, MAX_DEPTH, STRUCT, Compact

MAX_FOOTER_BYTES = 4 << 20
MAX_PAGE_VALUES = 16_000_000
PAGES_BYTES = 128 << 20
"""Of one page of each column, unpacked."""
ROWS_FREE, ROWS_A_BYTE = 1_000_000, 16
"""So many rows may be in any file, and so many for each of its bytes: events differ in their ids."""
_MAGIC = b"PAR1"
_TAIL_BYTES = 8
_HEADER_BYTES = 4_096, 1 << 20   # a page header is looked for in so many bytes, then in so many
_DATA_PAGE, _DICTIONARY_PAGE, _DATA_PAGE_V2 = 5, 7, 8   # fields of PageHeader
_ENCODING = {_DATA_PAGE: 2, _DICTIONARY_PAGE: 2, _DATA_PAGE_V2: 4}
_BY_DICTIONARY = 2, 8
_SMALL_DICTIONARY_BYTES = 4_096
_DELTA_BYTE_ARRAY = 7   # values share their beginnings: each may be as long as the page


@dataclass(slots=True)
class Page:
    """What a page's header says of it."""

    packed_bytes: int = 0
    size_bytes: int = 0
    values: int = 0
    dictionary: bool = False
    encoding: int = 0
    data_at: int = 0


def check_footer(file: IO[bytes], size_bytes: int) -> None:
    """Raises DamagedError where the file's footer is none, or its schema is larger or deeper than is read."""
    file.seek(max(0, size_bytes - _TAIL_BYTES))
    tail = file.read(_TAIL_BYTES)
    footer_bytes = int.from_bytes(tail[:4], "little")
    if tail[4:] != _MAGIC or footer_bytes > size_bytes - _TAIL_BYTES:
        raise DamagedError("it does not end as a Parquet file does")
    if footer_bytes > MAX_FOOTER_BYTES:
        raise DamagedError(f"a footer of {footer_bytes} bytes, more than the {MAX_FOOTER_BYTES} allowed")
    file.seek(size_bytes - _TAIL_BYTES - footer_bytes)
    footer = Compact(file.read(footer_bytes))
    for number, kind in footer.fields():
        if number == 2 and kind == LIST:
            _check_schema(footer)
        else:
            footer.skip(kind)
    file.seek(0)


def _check_schema(footer: Compact) -> None:
    """The schema is a tree, written as a list with the number of each element's children."""
    count, kind = footer.items()
    if count > 2 * MAX_COLUMNS or kind != STRUCT:
        raise DamagedError(f"a schema of {count} elements, more than the {2 * MAX_COLUMNS} allowed")
    open_children = [1]
    for _ in range(count):
        children = 0
        for number, field in footer.fields():
            if number == 5:
                children = footer.number()
            else:
                footer.skip(field)
        while open_children and not open_children[-1]:
            open_children.pop()
        if open_children:
            open_children[-1] -= 1
        if children > 0:
            open_children.append(children)
        if len(open_children) > MAX_DEPTH:
            raise DamagedError(f"a schema nested more than {MAX_DEPTH} deep")


def check_rows(rows: int, size_bytes: int) -> None:
    """Raises DamagedError where so many rows cannot be events."""
    if not 0 <= rows <= max(ROWS_FREE, ROWS_A_BYTE * size_bytes):
        raise DamagedError(f"it says that it holds {rows} rows in {size_bytes} bytes")


def rows_at_once(file: IO[bytes], group: Any, columns: Mapping[int, str], kept_whole: Collection[str], room_bytes: int) -> int:
    """How many rows of a row group, columns by number and name, hold about room_bytes. Raises DamagedError where a page is too large.

    kept_whole: columns that come as dictionaries, for which the library holds every value of the group.
    """
    asked = [_asked(file, group.column(number), name, name in kept_whole) for number, name in columns.items()]
    pages_bytes = sum(pages for pages, _ in asked)
    if pages_bytes > PAGES_BYTES:
        raise DamagedError(f"pages of {pages_bytes} bytes side by side, more than the {PAGES_BYTES} allowed")
    return max(1, int(room_bytes / max(sum(row for _, row in asked), 1.0)))


def _asked(file: IO[bytes], chunk: Any, name: str, kept_whole: bool) -> tuple[int, float]:
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


def _longest_value(file: IO[bytes], chunk: Any, page: Page) -> int:
    """Of a dictionary of strings, each with its length before it: what one row may have of it. At most the whole page."""
    if chunk.physical_type != "BYTE_ARRAY":
        return 0
    if page.size_bytes <= _SMALL_DICTIONARY_BYTES:
        return page.size_bytes
    file.seek(page.data_at)
    data = file.read(page.packed_bytes)
    try:
        if chunk.compression != "UNCOMPRESSED":
            data = pa.Codec(chunk.compression.lower()).decompress(data, decompressed_size=page.size_bytes, asbytes=True)
    except (pa.ArrowException, OSError, ValueError):
        return page.size_bytes
    at = longest = 0
    while at + 4 <= len(data):
        size_bytes = int.from_bytes(data[at : at + 4], "little")
        longest = max(longest, size_bytes)
        at += 4 + size_bytes
    return min(longest, page.size_bytes)


def _pages(file: IO[bytes], chunk: Any, name: str) -> Iterator[Page]:
    start = chunk.data_page_offset
    if chunk.has_dictionary_page and 0 < chunk.dictionary_page_offset < start:
        start = chunk.dictionary_page_offset
    end = start + chunk.total_compressed_size
    if start < 0 or end > file.seek(0, os.SEEK_END):
        raise DamagedError(f"column {name:.40}: it stands outside of the file")
    while start < end:
        page, header_bytes = _page_at(file, start)
        if not (0 <= page.size_bytes <= MAX_BLOCK_BYTES and 0 <= page.packed_bytes <= MAX_BLOCK_BYTES):
            raise DamagedError(f"column {name:.40}: a page of {page.size_bytes} bytes, more than the {MAX_BLOCK_BYTES} allowed")
        if not 0 <= page.values <= MAX_PAGE_VALUES:
            raise DamagedError(f"column {name:.40}: a page of {page.values} values, more than the {MAX_PAGE_VALUES} allowed")
        page.data_at = start + header_bytes
        yield page
        start += header_bytes + page.packed_bytes


def _page_at(file: IO[bytes], start: int) -> tuple[Page, int]:
    for size_bytes in _HEADER_BYTES:
        file.seek(start)
        header = Compact(file.read(size_bytes))
        try:
            return _page(header), header.at
        except DamagedError:
            if size_bytes == _HEADER_BYTES[-1] or len(header.data) < size_bytes:
                raise
    raise AssertionError("the last size returns or raises")


def _page(header: Compact) -> Page:
    page = Page()
    for number, kind in header.fields():
        if number == 2:
            page.size_bytes = header.number()
        elif number == 3:
            page.packed_bytes = header.number()
        elif number in _ENCODING and kind == STRUCT:
            page.dictionary = number == _DICTIONARY_PAGE
            for inner, inner_kind in header.fields():
                if inner == 1:
                    page.values = header.number()
                elif inner == _ENCODING[number]:
                    page.encoding = header.number()
                else:
                    header.skip(inner_kind)
        else:
            header.skip(kind)
    return page
