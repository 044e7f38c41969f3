"""Insights in Parquet are the insights: every column of its own type, read back with nothing lost."""
import datetime as dt
import io

import msgspec
import pyarrow as pa
import pytest
from pyarrow import parquet

from insights.arrow import arrow_schema, arrow_table
from insights.cells import Sample
from insights.queries import insights

MINUTE = 60_000_000


@pytest.fixture
def found(books):
    """Two windows, two sources; the second without entities and terms."""
    book = books()
    book.count(0, "a", terms=["card", "lost"], entities=["ORG\tacme", "ORG\t<b>"], sentiment="positive")
    book.count(0, "b", terms=["card"], source="tickets")
    book.count(3, "c")
    book.save(1, 2)
    return insights(book.store, "job", by=["source", "lang"], top=100)


def read_back(table: pa.Table) -> pa.Table:
    file = io.BytesIO()
    parquet.write_table(table, file)
    return parquet.read_table(io.BytesIO(file.getvalue()))


def test_every_value_is_read_back(found):
    rows = read_back(arrow_table(found, ["source", "lang"], "job")).to_pylist()

    assert len(rows) == len(found)
    for row, one in zip(rows, found, strict=True):
        assert {"source": row["source"], "lang": row["lang"]} == one.group
        for name in ("start", "end", "state", "records", "negative", "neutral", "positive", "score", "authors", "confidence"):
            assert row[name] == getattr(one, name), name
        assert msgspec.convert(row["samples"], list[Sample]) == one.samples
        assert dict(row["versions"]) == one.versions
        assert [(entity["type"], entity["text"], entity["records"]) for entity in row["entities"]] == [
            (entity.type, entity.text, entity.records) for entity in one.entities]
        assert [tuple(term.values()) for term in row["terms"]] == [
            (term.term, term.records, term.negative, term.neutral, term.positive) for term in one.terms]


def test_times_are_utc_and_lists_are_of_structs(found):
    table = read_back(arrow_table(found, ["source", "lang"], "job"))

    assert table.schema.field("start").type == pa.timestamp("us", tz="UTC")
    assert table["start"][0].as_py() == dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    assert pa.types.is_struct(table.schema.field("entities").type.value_type)
    assert table.schema.field("score").type == pa.float64()
    assert not any(field.nullable for field in table.schema)
    assert table.schema.metadata[b"textpulse.job"] == b"job"


def test_nothing_found_is_a_table_with_the_same_columns(found):
    assert read_back(arrow_table([], ["source", "lang"], "job")).schema == read_back(arrow_table(found, ["source", "lang"], "job")).schema


def test_a_dimension_asked_for_twice_is_one_column():
    assert arrow_schema(["topic", "topic"], "job").names.count("topic") == 1
