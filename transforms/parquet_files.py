"""Parquet files, by batches of rows."""
from collections.abc import Iterator
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.records import Reason, Rejected
from transforms.pieces import DamagedError, Piece, Raw, raise_if_unread, said


def parquet_pieces(file: IO[bytes], size_bytes: int, batch: int) -> Iterator[Piece]:
    done, total = 0, 0
    try:
        table = pq.ParquetFile(file)
        total = table.metadata.num_rows
        for rows in table.iter_batches(batch_size=batch):
            done += rows.num_rows
            yield Piece(_rows(rows), size_bytes * done // total, rows.nbytes)
    except (pa.ArrowException, OSError) as error:
        raise_if_unread(error)
        where = f"after row {done} of {total}" if total else "in its footer"
        raise DamagedError(f"Parquet damaged {where} ({said(error)})") from None


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


