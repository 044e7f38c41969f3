"""Insights as an Arrow table, for Parquet: each column with its own type, times in UTC."""
from collections.abc import Sequence
from typing import Any

import msgspec
import pyarrow as pa

from insights.queries import Insight

TIME = pa.timestamp("us", tz="UTC")
ENTITY = pa.struct([pa.field(name, kind, nullable=False) for name, kind in (
    ("type", pa.string()), ("text", pa.string()), ("records", pa.int64()))])
TERM = pa.struct([pa.field(name, kind, nullable=False) for name, kind in (
    ("term", pa.string()), ("records", pa.int64()), ("negative", pa.int64()), ("neutral", pa.int64()), ("positive", pa.int64()))])
SPAN = pa.struct([pa.field(name, kind, nullable=False) for name, kind in (
    ("start", pa.int64()), ("end", pa.int64()), ("type", pa.string()))])
SAMPLE = pa.struct([pa.field(name, kind, nullable=False) for name, kind in (
    ("id", pa.string()), ("text", pa.string()), ("sentiment", pa.string()), ("entities", pa.list_(SPAN)))])
LEADING = (("start", TIME), ("end", TIME), ("state", pa.string()))
FOLLOWING = (
    ("records", pa.int64()), ("negative", pa.int64()), ("neutral", pa.int64()), ("positive", pa.int64()), ("score", pa.float64()),
    ("authors", pa.int64()), ("entities", pa.list_(ENTITY)), ("terms", pa.list_(TERM)), ("confidence", pa.list_(pa.int64())),
    ("samples", pa.list_(SAMPLE)), ("versions", pa.map_(pa.string(), pa.int64())))


def arrow_schema(by: Sequence[str], job: str) -> pa.Schema:
    """The columns of insights, with one for each dimension of `by`. No value is missing. The job's name is metadata."""
    columns = (*LEADING, *((name, pa.string()) for name in dict.fromkeys(by)), *FOLLOWING)
    return pa.schema([pa.field(name, kind, nullable=False) for name, kind in columns], {"textpulse.job": job})


def arrow_table(found: Sequence[Insight], by: Sequence[str], job: str) -> pa.Table:
    """One row for each insight, in their order. by: the dimensions that they were asked for."""
    return pa.Table.from_pylist([_row(one) for one in found], arrow_schema(by, job))


def _row(one: Insight) -> dict[str, Any]:
    row = msgspec.structs.asdict(one)
    row |= one.group
    row["entities"] = [msgspec.structs.asdict(entity) for entity in one.entities]
    row["terms"] = [msgspec.structs.asdict(term) for term in one.terms]
    row["samples"] = msgspec.to_builtins(one.samples)
    row["versions"] = list(one.versions.items())
    row["state"] = one.state.value
    return row
