"""Records and files made to take all memory, or to end the process that reads them."""
import gzip
import io
import json
import zlib
from collections.abc import Callable
from typing import Any

import fastavro
import pyarrow as pa
import pyarrow.parquet as pq

RECORD_BYTES = 100_000_000
SYNC = b"s" * 16
BEGUN = b'{"event_id":"a","event_time":1780315200000,"text":"x"'

# --- JSON records of 100 MB ---------------------------------------------------------------------------------------------


def filled(begin: bytes, unit: bytes, end: bytes, size_bytes: int = RECORD_BYTES) -> bytes:
    """As many units as go between begin and end."""
    return begin + unit * ((size_bytes - len(begin) - len(end)) // len(unit)) + end


def many_keys(size_bytes: int) -> bytes:
    """An object of different keys."""
    return BEGUN + b"," + b",".join(b'"%07x":1' % n for n in range(size_bytes // 12)) + b"}"


RECORDS: dict[str, Callable[[int], bytes]] = {
    "one long text": lambda size: filled(b'{"event_id":"a","event_time":1780315200000,"text":"', b"x", b'"}', size),
    "an escaped text": lambda size: filled(b'{"event_id":"a","event_time":1780315200000,"text":"', rb"\u5b57", b'"}', size),
    "one emoji in a long text": lambda size: filled('{"event_id":"a","event_time":1,"text":"😀'.encode(), b"x", b'"}', size),
    "brackets": lambda size: b"[" * size,
    "an array of empty arrays": lambda size: filled(b'{"x":[', b"[],", b"1]}", size),
    "objects in objects": lambda size: filled(b'{"x":[', b'{"a":{"a":{"a":{}}}},', b"1]}", size),
    "objects cut short": lambda size: filled(BEGUN + b',"x":[', b"{},", b"1", size),
    "half a surrogate pair before objects": lambda size: filled(rb'{"text":"\ud800","x":[', b"{},", b"1]}", size),
    "many keys": many_keys,
    "a number of many digits": lambda size: filled(b'{"event_id":"a","text":"x","event_time":', b"9", b"}", size),
    "bytes that are no text": lambda size: b"\xff" * size,
    "zeros": lambda size: b"\0" * size,
}

# --- gzip ---------------------------------------------------------------------------------------------------------------


def gzip_of(unit: bytes, gigabytes: int) -> bytes:
    """So many gigabytes of a repeated unit, in members of 64 MiB."""
    return gzip.compress(unit * ((64 << 20) // len(unit)), 9) * (16 * gigabytes)


# --- Avro ---------------------------------------------------------------------------------------------------------------


def zigzag(value: int) -> bytes:
    """A long."""
    value = (value << 1) ^ (value >> 63)
    found = bytearray()
    while value > 127:
        found.append(value & 127 | 128)
        value >>= 7
    return bytes([*found, value])


def record_of(*types: Any, name: str = "R") -> dict[str, Any]:
    """A schema with fields f0, f1 and so on."""
    return {"type": "record", "name": name, "fields": [{"name": f"f{at}", "type": kind} for at, kind in enumerate(types)]}


def array_of(items: Any) -> dict[str, Any]:
    """A schema."""
    return {"type": "array", "items": items}


def container(schema: Any, count: int, body: bytes, codec: str = "null", said_bytes: int | None = None) -> bytes:
    """A file of one block. said_bytes: what the block says of its length."""
    head = io.BytesIO()
    metadata = {"avro.schema": json.dumps(schema).encode(), "avro.codec": codec.encode()}
    fastavro.schemaless_writer(head, {"type": "map", "values": "bytes"}, metadata)
    size = zigzag(len(body) if said_bytes is None else said_bytes)
    return b"Obj\x01" + head.getvalue() + SYNC + zigzag(count) + size + body + SYNC


def deflated(body: bytes) -> bytes:
    """As a block holds it."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(body) + packer.flush()


TEXT = record_of("string")
SMALL = record_of("boolean", name="Small")
WIDE = record_of(*["null"] * 1_000, "boolean", name="Wide")
ITSELF = {"type": "record", "name": "L", "fields": [{"name": "next", "type": ["null", "L"]}]}
AVRO: dict[str, Callable[[], bytes]] = {
    "a block of a gigabyte": lambda: container(TEXT, 1, deflated(zigzag(10**9) + b"x" * 10**9), "deflate"),
    "a block of 2^40 records": lambda: container(TEXT, 1 << 40, b"\0" * 100),
    "records without a byte": lambda: container(record_of(), 1 << 40, b""),
    "a negative number of records": lambda: container(TEXT, -5, b"\0" * 100),
    "a string of 2^60 bytes": lambda: container(TEXT, 1, zigzag(1 << 60) + b"x"),
    "a string of 2^33 bytes": lambda: container(TEXT, 1, zigzag(1 << 33) + b"x"),
    "a string of -1 bytes": lambda: container(TEXT, 1, zigzag(-1) + b"x"),
    "a block of 2^60 bytes": lambda: container(TEXT, 1, b"\2x", said_bytes=1 << 60),
    "a block of 2^33 bytes": lambda: container(TEXT, 1, b"\2x", said_bytes=1 << 33),
    "a block of -1 bytes": lambda: container(TEXT, 1, b"\2x", said_bytes=-1),
    "an array of 2^60 numbers": lambda: container(record_of(array_of("long")), 1, zigzag(1 << 60) + b"\0"),
    "an array of -2^62 numbers": lambda: container(record_of(array_of("long")), 1, zigzag(-1 << 62) + b"\0"),
    "a map of 2^60 entries": lambda: container(record_of({"type": "map", "values": "long"}), 1, zigzag(1 << 60) + b"\0"),
    "an array of 2^60 nulls": lambda: container(record_of(array_of("null")), 1, zigzag(1 << 60) + b"\0"),
    "a schema that holds itself": lambda: container(ITSELF, 1, b"\2" * 1_000_000 + b"\0"),
    "a schema that is itself": lambda: container({"type": "record", "name": "L", "fields": [{"name": "next", "type": "L"}]}, 1, b"x"),
    "a schema of 100,000 fields": lambda: container(record_of(*["null"] * 100_000), 1_000, b""),
    "a schema nested 5,000 deep": lambda: deep_schema(5_000),
    "records of one byte": lambda: container(record_of(array_of(SMALL)), 1, zigzag(30 << 20) + b"\1" * (30 << 20) + b"\0"),
    "wide records of one byte": lambda: container(record_of(array_of(WIDE)), 1, zigzag(1 << 20) + b"\1" * (1 << 20) + b"\0"),
    "a block of the smallest rows": lambda: container(record_of("boolean"), 1 << 20, b"\1" * (1 << 20)),
    "100 MB of blocks, each of one long text": lambda: many_blocks(container(TEXT, 1, zigzag(15 << 20) + b"x" * (15 << 20)), 7),
    "packed blocks, each of one long text": lambda: many_blocks(
        container(TEXT, 1, deflated(zigzag(15 << 20) + b"x" * (15 << 20)), "deflate"), 1_000),
    "a header of 100 MB": lambda: b"Obj\x01" + zigzag(1) + zigzag(1) + b"a" + zigzag(10**8) + b"x" * 10**8 + b"\0" + SYNC,
}


def deep_schema(depth: int) -> bytes:
    """Arrays in arrays."""
    written = '{"type":"array","items":' * depth + '"long"' + "}" * depth
    data = container("MARK", 1, b"\0")
    schema = b'{"type":"record","name":"R","fields":[{"name":"a","type":' + written.encode() + b"}]}"
    return data.replace(zigzag(6) + b'"MARK"', zigzag(len(schema)) + schema)


def many_blocks(one: bytes, times: int) -> bytes:
    """The block of a file over and over."""
    at = one.index(SYNC) + len(SYNC)
    return one[:at] + one[at:] * times


# --- Parquet ------------------------------------------------------------------------------------------------------------


def table_file(table: pa.Table, **options: Any) -> bytes:
    """One row group."""
    file = io.BytesIO()
    pq.write_table(table, file, **{"compression": "zstd", "row_group_size": 1 << 30, **options})
    return file.getvalue()


def element(name: bytes, children: int | None = None) -> bytes:
    """A SchemaElement of parquet.thrift, in Thrift's compact protocol: a group, or an optional INT32."""
    kind = b"\x15\x02\x25\x02" if children is None else b"\x35\x02"
    more = b"" if children is None else b"\x15" + zigzag(children)
    return kind + b"\x18" + bytes([len(name)]) + name + more + b"\0"


def footer_file(elements: list[bytes], rows: int = 0) -> bytes:
    """A file that is a footer alone."""
    count, size = len(elements), bytearray()
    while count > 127:
        size.append(count & 127 | 128)
        count >>= 7
    schema = b"\x19\xfc" + bytes([*size, count]) + b"".join(elements)
    footer = b"\x15\x02" + schema + b"\x16" + zigzag(rows) + b"\x19\x0c\0"
    return b"PAR1" + footer + len(footer).to_bytes(4, "little") + b"PAR1"


def repeated(value: str, rows: int, **options: Any) -> bytes:
    """One value in many rows, by its number in a dictionary."""
    strings = pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int8()), pa.array([value]))
    return table_file(pa.table({"event_id": strings, "text": strings}), dictionary_pagesize_limit=1 << 30, **options)


PARQUET: dict[str, Callable[[], bytes]] = {
    "a schema 400,000 deep": lambda: footer_file([element(b"a", 1)] * 400_000 + [element(b"x")]),
    "a schema 1,000 deep": lambda: footer_file([element(b"a", 1)] * 1_000 + [element(b"x")]),
    "100,000 columns": lambda: footer_file([element(b"r", 100_000)] + [element(b"x")] * 100_000),
    "2^31 children": lambda: footer_file([element(b"r", (1 << 31) - 1), element(b"x")]),
    "10^12 rows in a footer": lambda: footer_file([element(b"r", 1), element(b"x")], 10**12),
    "10^8 rows of nothing": lambda: table_file(pa.table({"text": pa.nulls(10**8, pa.string())})),
    "10^7 rows of one value": lambda: repeated("v" * 100, 10**7),
    "10^5 rows of one value of 20 MB": lambda: repeated("v" * 20_000_000, 10**5, store_schema=False),
    "10^5 rows of one value of 20 MB, kept as a dictionary": lambda: repeated("v" * 20_000_000, 10**5),
    "rows of one value of 2 MB, by what they share": lambda: table_file(
        pa.table({"text": pa.array(["v" * 2_000_000] * 200)}), use_dictionary=False, column_encoding={"text": "DELTA_BYTE_ARRAY"}),
    "10^7 numbers in one row": lambda: table_file(pa.table({"text": pa.array([[0] * 10**7])})),
    "values of 30 MB": lambda: table_file(pa.table({"text": pa.array(["x" * 30_000_000] * 20)}), use_dictionary=False, data_page_size=1),
    "a page of 500 MB": lambda: table_file(
        pa.table({"text": pa.array(["x" * 1_000_000] * 500)}), use_dictionary=False, data_page_size=1 << 30),
}

ARCHIVES: dict[str, Callable[[], bytes]] = {
    "one line of 100 MB.jsonl": lambda: b'{"text":"' + b"x" * RECORD_BYTES + b'"}\n',
    "lines of 15 MB.jsonl": lambda: (b"[" + b"[]," * (5 << 20) + b"1]\n") * 7,
    "an endless line of 10 GB.jsonl.gz": lambda: gzip_of(b"\0", 10),
    "endless lines of 10 GB.jsonl.gz": lambda: gzip_of(b'{"event_id":1}\n', 10),
    "empty members.jsonl.gz": lambda: gzip.compress(b"") * 100_000,
    **{f"{name}.avro": make for name, make in AVRO.items()},
    **{f"{name}.parquet": make for name, make in PARQUET.items()},
}
