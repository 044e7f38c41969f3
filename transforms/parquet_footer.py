"""A Parquet file's footer and page headers, read before its library sees them: it ends the process on some that are wrong.

Arrow recurses into a schema of any depth, and throws where Python cannot catch it for a column's metadata that do not agree.
Format: Apache Parquet, parquet.thrift of parquet-format 2.11.
"""
from dataclasses import dataclass, field
from typing import IO

from transforms.pieces import MAX_COLUMNS, DamagedError
from transforms.thrift_compact import LIST, MAX_DEPTH, STRUCT, Compact

MAX_FOOTER_BYTES = 4 << 20
MAX_CHUNKS = 200_000
_MAGIC = b"PAR1"
_TAIL_BYTES = 8
_HEADER_BYTES = 4_096, 1 << 20   # a page header is looked for in so many bytes, then in so many
_DATA_PAGE, _DICTIONARY_PAGE, _DATA_PAGE_V2 = 5, 7, 8   # fields of PageHeader
_ENCODING = {_DATA_PAGE: 2, _DICTIONARY_PAGE: 2, _DATA_PAGE_V2: 4}


@dataclass(slots=True)
class Chunk:
    """One column of a row group. kind and codec: numbers of parquet.thrift's Type and CompressionCodec; at: positions in the file."""

    kind: int = -1
    codec: int = -1
    packed_bytes: int = 0
    data_at: int = 0
    dictionary_at: int = 0


@dataclass(slots=True)
class Group:
    """A row group: its columns in the order of the schema's leaves."""

    rows: int = 0
    chunks: list[Chunk] = field(default_factory=list)


@dataclass(slots=True)
class Footer:
    """What the whole file says of itself."""

    rows: int = 0
    groups: list[Group] = field(default_factory=list)


@dataclass(slots=True)
class Page:
    """What a page's header says of it."""

    packed_bytes: int = 0
    size_bytes: int = 0
    values: int = 0
    dictionary: bool = False
    encoding: int = 0
    data_at: int = 0


def read_footer(file: IO[bytes], size_bytes: int) -> Footer:
    """Raises DamagedError where the file's footer is none, or larger or deeper than is read."""
    file.seek(max(0, size_bytes - _TAIL_BYTES))
    tail = file.read(_TAIL_BYTES)
    footer_bytes = int.from_bytes(tail[:4], "little")
    if tail[4:] != _MAGIC or footer_bytes > size_bytes - _TAIL_BYTES:
        raise DamagedError("it does not end as a Parquet file does")
    if footer_bytes > MAX_FOOTER_BYTES:
        raise DamagedError(f"a footer of {footer_bytes} bytes, more than the {MAX_FOOTER_BYTES} allowed")
    file.seek(size_bytes - _TAIL_BYTES - footer_bytes)
    data, footer = Compact(file.read(footer_bytes)), Footer()
    for number, kind in data.fields():
        if (number, kind) == (2, LIST):
            _check_schema(data)
        elif number == 3:
            footer.rows = data.number_of(kind)
        elif (number, kind) == (4, LIST):
            footer.groups = _groups(data)
        else:
            data.skip(kind)
    file.seek(0)
    return footer


def _check_schema(footer: Compact) -> None:
    """The schema is a tree, written as a list with the number of each element's children."""
    count, kind = footer.items()
    if count > 2 * MAX_COLUMNS or kind != STRUCT:
        raise DamagedError(f"a schema of {count} elements, more than the {2 * MAX_COLUMNS} allowed")
    open_children = [1]
    for _ in range(count):
        children = 0
        for number, field_kind in footer.fields():
            if number == 5:
                children = footer.number_of(field_kind)
            else:
                footer.skip(field_kind)
        while open_children and not open_children[-1]:
            open_children.pop()
        if open_children:
            open_children[-1] -= 1
        if children > 0:
            open_children.append(children)
        if len(open_children) > MAX_DEPTH:
            raise DamagedError(f"a schema nested more than {MAX_DEPTH} deep")


def _groups(data: Compact) -> list[Group]:
    groups, chunks = [], 0
    for _ in range(_structs(data)):
        group = Group()
        for number, kind in data.fields():
            if (number, kind) == (1, LIST):
                chunks += (count := _structs(data))
                if chunks > MAX_CHUNKS:
                    raise DamagedError(f"row groups of more than {MAX_CHUNKS} columns in all")
                group.chunks = [_chunk(data) for _ in range(count)]
            elif number == 3:
                group.rows = data.number_of(kind)
            else:
                data.skip(kind)
        groups.append(group)
    return groups


def _structs(data: Compact) -> int:
    count, kind = data.items()
    if count and kind != STRUCT:
        raise DamagedError(f"a list of Thrift type {kind}, not of structs")
    return count


def _chunk(data: Compact) -> Chunk:
    chunk = Chunk()
    for number, kind in data.fields():
        if (number, kind) == (3, STRUCT):
            for inner, inner_kind in data.fields():
                if inner in _METADATA:
                    setattr(chunk, _METADATA[inner], data.number_of(inner_kind))
                else:
                    data.skip(inner_kind)
        else:
            data.skip(kind)
    return chunk


_METADATA = {1: "kind", 4: "codec", 7: "packed_bytes", 9: "data_at", 11: "dictionary_at"}   # fields of ColumnMetaData


def page_at(file: IO[bytes], start: int) -> tuple[Page, int]:
    """(the page whose header begins here, the header's length). Raises DamagedError."""
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
            page.size_bytes = header.number_of(kind)
        elif number == 3:
            page.packed_bytes = header.number_of(kind)
        elif number in _ENCODING and kind == STRUCT:
            page.dictionary = number == _DICTIONARY_PAGE
            for inner, inner_kind in header.fields():
                if inner == 1:
                    page.values = header.number_of(inner_kind)
                elif inner == _ENCODING[number]:
                    page.encoding = header.number_of(inner_kind)
                else:
                    header.skip(inner_kind)
        else:
            header.skip(kind)
    return page
