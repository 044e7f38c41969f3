"""Avro object container files, block by block: a block is measured before it is unpacked, and its schema before it is read.

Format: Apache Avro 1.11 specification, object container files.
"""
import bz2
import io
import json
import lzma
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

import fastavro
import pyarrow as pa

from schemas.avro import CORRUPT
from schemas.expansion import UnboundedError, most_bytes
from schemas.records import Reason, Rejected
from transforms.pieces import MAX_BLOCK_BYTES, DamagedError, Piece, Raw, check_inflation, raise_if_unread, said

MAX_HEADER_BYTES = 1 << 20
SYNC_BYTES = 16
_MAGIC = b"Obj\x01"
_METADATA = fastavro.parse_schema({"type": "map", "values": "bytes"})
_EXPANDED_BYTES = 64 << 20   # of memory for xz's dictionary


@dataclass(frozen=True, slots=True)
class _Header:
    schema: Any
    plain: Any   # without logical types
    codec: str
    sync: bytes
    most_bytes: int


def avro_pieces(file: IO[bytes], batch: int) -> Iterator[Piece]:
    """The rows of a container, at most `batch` in a piece. Raises DamagedError after the last row that can be read."""
    try:
        header = _read_header(file)
        unpacked_bytes = 0
        while (count := _count(file)) is not None:
            body = _read_block(file, header, count)
            unpacked_bytes += len(body)
            check_inflation(unpacked_bytes, file.tell())
            yield from _rows(body, count, header, batch, file)
            if file.read(SYNC_BYTES) != header.sync:
                raise DamagedError("a block does not end in the file's sync marker")
    except (*CORRUPT, pa.ArrowException, DamagedError) as error:
        raise_if_unread(error)
        why = str(error) if isinstance(error, DamagedError) else said(error)
        raise DamagedError(f"Avro container damaged before byte {file.tell()} ({why})") from None


def _read_header(file: IO[bytes]) -> _Header:
    head = io.BytesIO(file.read(MAX_HEADER_BYTES))
    if head.read(len(_MAGIC)) != _MAGIC:
        raise DamagedError("it does not begin as an Avro file does")
    try:
        metadata: Any = fastavro.schemaless_reader(head, _METADATA, None)
    except EOFError as error:
        raise DamagedError(f"its header is cut short, or longer than {MAX_HEADER_BYTES} bytes") from error
    sync = head.read(SYNC_BYTES)
    file.seek(head.tell())
    codec = metadata.get("avro.codec", b"null").decode()
    if codec not in _UNPACK:
        raise DamagedError(f"its codec is {codec[:40]!r}; there are {', '.join(_UNPACK)}")
    try:
        written = json.loads(metadata["avro.schema"])
        most_bytes(written)   # before the library looks at it
        schema = fastavro.parse_schema(written)
        plain = fastavro.parse_schema(_without_logical_types(written))
        return _Header(schema, plain, codec, sync, min(most_bytes(schema), MAX_BLOCK_BYTES))
    except UnboundedError as error:
        raise DamagedError(f"its schema is not read by: {error}") from error


def _count(file: IO[bytes]) -> int | None:
    """The number of records in the next block; None at the end of the file."""
    first = file.read(1)
    return _long(file, first) if first else None


def _long(file: IO[bytes], first: bytes = b"") -> int:
    """A zigzag number of at most 10 bytes."""
    value = 0
    for at in range(10):
        byte = first or file.read(1)
        first = b""
        if not byte:
            raise DamagedError("it is cut short")
        value |= (byte[0] & 0x7F) << 7 * at
        if byte[0] < 0x80:
            return (value >> 1) ^ -(value & 1)
    raise DamagedError("a number of more than 10 bytes")


def _read_block(file: IO[bytes], header: _Header, count: int) -> bytes:
    size_bytes = _long(file)
    if not 0 <= size_bytes <= MAX_BLOCK_BYTES:
        raise DamagedError(f"a block says that it has {size_bytes} bytes; at most {MAX_BLOCK_BYTES} are allowed")
    packed = file.read(size_bytes)
    if len(packed) < size_bytes:
        raise DamagedError(f"its last block has {len(packed)} of {size_bytes} bytes")
    body: bytes = _UNPACK[header.codec](packed, header.most_bytes)
    if len(body) > header.most_bytes:
        raise DamagedError(f"a block becomes more than the {header.most_bytes} bytes allowed of its schema")
    if not 0 <= count <= len(body):
        raise DamagedError(f"a block of {len(body)} bytes says that it holds {count} records")
    return body


def _rows(body: bytes, count: int, header: _Header, batch: int, file: IO[bytes]) -> Iterator[Piece]:
    data, position, begun = io.BytesIO(body), file.tell() + SYNC_BYTES, 0
    rows: list[Raw] = []
    try:
        for _ in range(count):
            rows.append(_row(data, header))
            if len(rows) == batch:
                yield Piece(rows, position, data.tell() - begun)
                rows, begun = [], data.tell()
        if left := len(body) - data.tell():
            raise DamagedError(f"{left} bytes too many after the {count} records of a block")
    except Exception:
        yield Piece(rows, position, data.tell() - begun)
        raise
    yield Piece(rows, position, data.tell() - begun)


def _row(data: IO[bytes], header: _Header) -> Raw:
    begin = data.tell()
    try:
        # Escaped surrogates instead of an error: the decoder then names the field, and the file goes on.
        row = fastavro.schemaless_reader(data, header.schema, None, handle_unicode_errors="surrogateescape")
    except (OverflowError, ValueError) as error:
        data.seek(begin)
        fastavro.schemaless_reader(data, header.plain, None, handle_unicode_errors="surrogateescape")   # raises for other damage
        return Rejected(Reason.WRONG_TYPE, f"a time or number that its type cannot hold ({said(error)})")
    return row if isinstance(row, dict) else _no_record(row)


def _without_logical_types(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_without_logical_types(branch) for branch in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: _without_logical_types(value) if key in ("type", "items", "values", "fields") else value
        for key, value in schema.items() if key not in ("logicalType", "default")}


def _no_record(value: object) -> Rejected:
    return Rejected(Reason.MALFORMED, f"expected an Avro record, got {type(value).__name__}")


def _deflate(packed: bytes, most: int) -> bytes:
    return zlib.decompressobj(-15).decompress(packed, most + 1)


def _bzip2(packed: bytes, most: int) -> bytes:
    return bz2.BZ2Decompressor().decompress(packed, most + 1)


def _xz(packed: bytes, most: int) -> bytes:
    return lzma.LZMADecompressor(memlimit=_EXPANDED_BYTES).decompress(packed, most + 1)


def _snappy(packed: bytes, most: int) -> bytes:
    """A block says first how long it becomes; after it is a checksum of 4 bytes."""
    said_bytes = 0
    for at, byte in enumerate(packed[:5]):
        said_bytes |= (byte & 0x7F) << 7 * at
        if byte < 0x80:
            break
    return _arrow("snappy", packed[:-4], said_bytes, most)


def _lz4(packed: bytes, most: int) -> bytes:
    """A block says first how long it becomes, in 4 bytes."""
    return _arrow("lz4_raw", packed[4:], int.from_bytes(packed[:4], "little"), most)


def _arrow(codec: str, packed: bytes, said_bytes: int, most: int) -> bytes:
    if said_bytes > most:
        return b"\0" * (most + 1)
    unpacked: bytes = pa.Codec(codec).decompress(packed, decompressed_size=said_bytes, asbytes=True)
    return unpacked


def _zstandard(packed: bytes, most: int) -> bytes:
    unpacked: bytes = pa.CompressedInputStream(pa.BufferReader(packed), "zstd").read(most + 1)
    return unpacked


_UNPACK = {
    "null": lambda packed, _: packed, "deflate": _deflate, "bzip2": _bzip2, "xz": _xz, "snappy": _snappy, "zstandard": _zstandard,
    "lz4": _lz4,
}  # fmt: skip
