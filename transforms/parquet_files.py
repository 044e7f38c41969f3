"""Parquet files, by batches of rows. A column of lists or structs is not read: one row of it may be of any size."""
from collections.abc import Iterator
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.decode import FIELDS
from transforms.parquet_limits import check_footer, check_rows, rows_at_once
from transforms.pieces import MAX_COLUMNS, DamagedError, Piece, Raw, raise_if_unread, said

BUFFER_BYTES = 1 << 20
ROOM_BYTES = 32 << 20
MAX_FIXED_BYTES = 1_024
"""Of a value of fixed length: it may be repeated for nothing."""


def parquet_pieces(file: IO[bytes], size_bytes: int, batch: int) -> Iterator[Piece]:
    """The rows, at most `batch` in a piece. Raises DamagedError after the last row that can be read."""
    done = total = 0
    try:
        check_footer(file, size_bytes)
        table = pq.ParquetFile(file, buffer_size=BUFFER_BYTES)
        columns = _flat(table)
        dictionaries = {field.name for field in table.schema_arrow if pa.types.is_dictionary(field.type)}
        total = table.metadata.num_rows
        check_rows(total, size_bytes)
        nested: dict[str, Any] = {name: [] for name in FIELDS if name in table.schema_arrow.names and name not in columns.values()}
        for number in range(table.num_row_groups):
            group = table.metadata.row_group(number)
            if group.num_rows <= 0:
                continue
            most = min(batch, rows_at_once(file, group, columns, dictionaries, ROOM_BYTES))
            for rows in table.iter_batches(batch_size=most, row_groups=[number], columns=list(columns.values())):
                done += rows.num_rows
                check_rows(done, size_bytes)
                yield Piece(_rows(rows, nested), size_bytes * min(done, total) // max(total, 1), rows.nbytes)
        if done != total:
            raise DamagedError(f"it says that it holds {total} rows")
    except (pa.ArrowException, OSError, DamagedError) as error:
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


def _rows(rows: pa.RecordBatch, nested: dict[str, Any]) -> list[Raw]:
    names, columns = rows.schema.names, [_python_values(column) for column in rows.columns]
    if not columns:
        return [dict(nested) for _ in range(rows.num_rows)]
    return [dict(zip(names, values, strict=True), **nested) for values in zip(*columns, strict=True)]


def _python_values(column: pa.Array) -> list[Any]:
    if pa.types.is_dictionary(column.type):
        column = column.dictionary.take(column.indices)
    if pa.types.is_timestamp(column.type) and column.type.unit == "ns":
        column = column.cast(pa.timestamp("us", column.type.tz), safe=False)  # datetime holds microseconds
    try:
        values: list[Any] = column.to_pylist()
    except UnicodeDecodeError:
        # Escaped surrogates instead of an error: the decoder then names the field, and the file goes on.
        return [value if value is None else value.decode("utf-8", "surrogateescape") for value in column.cast(pa.binary()).to_pylist()]
    return values
