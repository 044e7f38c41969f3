"""Parquet files, by batches of rows. A column of lists or structs is not read: one row of it may be of any size."""
from collections.abc import Iterator
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.records import FIELDS
from transforms.parquet_footer import read_footer
from transforms.parquet_limits import check_rows, rows_at_once
from transforms.pieces import MAX_COLUMNS, DamagedError, Piece, Raw, check_inflation, raise_if_unread, said

BUFFER_BYTES = 1 << 20
ROOM_BYTES = 32 << 20
MAX_FIXED_BYTES = 1_024
"""Of a value of fixed length: it may be repeated for nothing."""


_VALUE_ERRORS = ValueError, OverflowError, ArithmeticError, LookupError, TypeError, ImportError, pa.ArrowException


class ValueOutOfRange:
    """Stands for a value that Python cannot hold, such as a time after the year 9999."""


def parquet_pieces(file: IO[bytes], size_bytes: int, batch: int) -> Iterator[Piece]:
    """The rows, at most `batch` in a piece. Raises DamagedError after the last row that can be read."""
    done = total = unpacked_bytes = 0
    try:
        footer = read_footer(file, size_bytes)
        table = pq.ParquetFile(file, buffer_size=BUFFER_BYTES)
        columns = _flat(table)
        dictionaries = {field.name for field in table.schema_arrow if pa.types.is_dictionary(field.type)}
        total = footer.rows
        check_rows(total, size_bytes)
        nested: dict[str, Any] = {name: [] for name in FIELDS if name in table.schema_arrow.names and name not in columns.values()}
        for number, group in enumerate(footer.groups):
            if group.rows <= 0:
                continue
            most = min(batch, rows_at_once(file, group, columns, dictionaries, ROOM_BYTES))
            for rows in table.iter_batches(batch_size=most, row_groups=[number], columns=list(columns.values())):
                columns_of = [_plain(column) for column in rows.columns]
                held_bytes = sum(column.nbytes for column in columns_of)
                unpacked_bytes += held_bytes
                check_inflation(unpacked_bytes, size_bytes)
                done += rows.num_rows
                check_rows(done, size_bytes)
                values = _rows(rows.schema.names, columns_of, rows.num_rows, nested)
                yield Piece(values, size_bytes * min(done, total) // max(total, 1), held_bytes)
        if done != total:
            raise DamagedError(f"it says that it holds {total} rows")
    except (*_VALUE_ERRORS, OSError, MemoryError, DamagedError) as error:
        raise_if_unread(error)
        where = f"after row {done} of {total}" if total else "in its footer"
        raise DamagedError(f"Parquet damaged {where} ({error if isinstance(error, DamagedError) else said(error)})") from None


def _flat(table: pq.ParquetFile) -> dict[int, str]:
    """The columns to read, by number."""
    if len(table.schema) > MAX_COLUMNS:
        raise DamagedError(f"{len(table.schema)} columns, more than the {MAX_COLUMNS} allowed")
    return {
        number: column.path for number, column in enumerate(table.schema)
        if column.path == column.name and not column.max_repetition_level and column.length <= MAX_FIXED_BYTES}


def _plain(column: pa.Array) -> pa.Array:
    """Where values come by their number in a dictionary, the values."""
    return column.dictionary.take(column.indices) if pa.types.is_dictionary(column.type) else column


def _rows(names: list[str], columns: list[pa.Array], count: int, nested: dict[str, Any]) -> list[Raw]:
    values = [_python_values(column) for column in columns]
    if not values:
        return [dict(nested) for _ in range(count)]
    return [dict(zip(names, row, strict=True), **nested) for row in zip(*values, strict=True)]


def _python_values(column: pa.Array) -> list[Any]:
    if pa.types.is_timestamp(column.type) and column.type.unit == "ns":
        column = column.cast(pa.timestamp("us", column.type.tz), safe=False)  # datetime holds microseconds
    try:
        values: list[Any] = column.to_pylist()
    except _VALUE_ERRORS:
        return [_one(value) for value in column]
    return values


def _one(value: pa.Scalar) -> Any:
    """Of a column in which Python cannot hold each value. Bytes that are no UTF-8 become surrogates: the decoder names the field."""
    try:
        return value.as_py()
    except UnicodeDecodeError:
        return value.cast(pa.binary()).as_py().decode("utf-8", "surrogateescape")
    except _VALUE_ERRORS:
        return ValueOutOfRange()
