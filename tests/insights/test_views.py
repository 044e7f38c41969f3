"""The views say what the queries say, on both databases, and are found by the planner's indexes."""
import datetime as dt
import re
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import insights.views as made_views
from insights.alerts.answer import acknowledge
from insights.alerts.detect import Sensitivity
from insights.alerts.keep import judge
from insights.alerts.say import told
from insights.cells import Cell, Unit
from insights.queries import DIMENSIONS, insights, job_row, windows
from insights.store import Progress, Store, UnitKey
from insights.tables import metadata
from insights.views import DIALECTS, queries
from schemas.records import DeadLetter, Reason, to_us

MINUTE = 60_000_000
START = 29_000_000 * MINUTE
PAGE = Path(__file__).parents[2] / "docs" / "sql.md"
EVERYTHING = {"from_us": START, "top": 10_000}


@pytest.fixture
def store(url):
    """Job textpulse: 60 windows of two origins and epochs, an incident, dead letters; job june: a backfill with an unfinished run."""
    opened = Store(url)
    opened.open_job("textpulse", "stream", MINUTE, 10 * MINUTE)
    batch = []
    for at in range(60):
        usual = Cell(21, 1, 20, 0, 189_000, {"brand\tAcme": 2}, {"card": (1, 4, 0)}, versions={"v1": 21})
        cells = {("en", "bank"): usual, ("zh", "card"): Cell(1, 0, 0, 1, 9_000, {"no tab": 1, "a\tb\tc": 1}, {"不错": (0, 0, 1)})}
        if at in (50, 51):
            cells["en", "card"] = Cell(60, 60, 0, 0, 500_000, {"brand\tAcme": 9}, {"lost": (60, 0, 0), "it's": (1, 1, 1)})
        for origin, epoch in (("texts/0", 0), ("texts/1", 0), ("texts/1", 1)):
            key = UnitKey(START + at * MINUTE, origin, ("tickets", "posts")[at % 2], "app", epoch)
            batch.append((key, Unit(sum(cell.records for cell in cells.values()), at, cells)))
    opened.write_units("textpulse", 0, batch, START)
    opened.write_dead("textpulse", 0, [
        DeadLetter("texts/0", 100, Reason.LATE, "", "e1", START, "tickets", "app", first_seen_us=START),
        DeadLetter("texts/0", 101, Reason.MALFORMED, "no JSON", sample="{\0", headers={"k": "v"}, first_seen_us=START)], {"texts/0": 102})
    opened.save("textpulse", 0, START + 55 * MINUTE, START + 58 * MINUTE, [Progress("texts/0", 0, 0, 0, 0, 0, 0)])
    judge(opened, "textpulse", Sensitivity(), START)
    opened.open_job("june", "backfill", MINUTE, 0)
    for finished in (True, False):
        run = opened.begin_run("june", 1)
        opened.write_units("june", run, [(UnitKey(START, "f", "a", ""), Unit(1, 0, {("en", "x"): Cell(1, 1, 0, 0)}))], 1)
        if finished:
            opened.finish_run("june", run, 2)
    yield opened
    opened.close()


def asked(store, query):
    with store.snapshot() as db:
        return db.execute(sa.text(query)).mappings().all()


def moment(value):
    """A time of either database, as UTC."""
    return (dt.datetime.fromisoformat(value) if isinstance(value, str) else value).replace(tzinfo=dt.UTC)


def test_windows_are_those_of_the_queries(store):
    rows = asked(store, "select * from insight_windows where job = 'textpulse' order by window_us")
    found = windows(store, "textpulse", 1_000)

    assert [(row["window_us"], moment(row["window_start"]), moment(row["window_end"]), row["state"], row["records"], row["negative"],
             row["neutral"], row["positive"], moment(row["updated"])) for row in rows] == [
        (to_us(one.start), one.start, one.end, one.state, one.records, one.negative, one.neutral, one.positive, one.updated)
        for one in found]
    assert {row["state"] for row in rows} == {"closed", "complete", "live"}


def test_topics_are_the_merged_cells(store):
    rows = asked(store, "select * from insight_topics where job = 'textpulse'")
    found = insights(store, "textpulse", by=DIMENSIONS, **EVERYTHING)

    assert {(row["window_us"], *(row[name] for name in DIMENSIONS)): (
        row["records"], row["negative"], row["neutral"], row["positive"], round(row["score"], 4)) for row in rows} == {
        (to_us(one.start), *one.group.values()): (one.records, one.negative, one.neutral, one.positive, one.score) for one in found}
    assert len(rows) == len(found)


def test_entities_and_terms_are_those_of_the_cells(store):
    found = insights(store, "textpulse", by=DIMENSIONS, **EVERYTHING)
    entities = asked(store, "select * from insight_entities where job = 'textpulse'")
    terms = asked(store, "select * from insight_terms where job = 'textpulse'")

    def place(row):
        return row["window_us"], *(row[name] for name in DIMENSIONS)

    assert sorted((*place(row), row["type"], row["entity"], row["records"]) for row in entities) == sorted(
        (to_us(one.start), *one.group.values(), entity.type, entity.text, entity.records) for one in found for entity in one.entities)
    assert sorted((*place(row), row["term"], row["records"], row["negative"], row["neutral"], row["positive"]) for row in terms) == sorted(
        (to_us(one.start), *one.group.values(), term.term, term.records, term.negative, term.neutral, term.positive)
        for one in found for term in one.terms)


def test_alerts_are_those_that_are_told(store):
    with store.snapshot() as db:
        found = list(told(db, job_row(db, "textpulse")))
    acknowledge(store, "textpulse", found[0].incident, "", START)
    rows = asked(store, "select * from insight_alerts where job = 'textpulse' order by opened_us, id")

    assert found
    assert [(row["id"], row["incident"], row["severity"], row["kind"], row["dimension"], row["value"], moment(row["opened"]),
             moment(row["last"]), row["closed"] and moment(row["closed"]), row["observed"], row["expected"], row["whole"])
            for row in rows] == [
        (one.id, one.incident, one.severity, one.kind, one.series.dimension, one.series.value, one.opened, one.last, one.closed,
         one.peak.observed, one.peak.expected, one.peak.whole) for one in found]
    assert {moment(row["acknowledged"]) for row in rows if row["incident"] == found[0].incident} == {moment("2025-02-19 21:20:00")}


def test_dead_letters_and_jobs_are_readable(store):
    letters = asked(store, "select * from insight_dead_letters where job = 'textpulse' order by log_offset")
    assert [(row["origin"], row["log_offset"], row["reason"], row["window_start"] and moment(row["window_start"])) for row in letters] == [
        ("texts/0", 100, "late", moment("2025-02-19 21:20:00")), ("texts/0", 101, "malformed", None)]

    june, live = asked(store, "select * from insight_jobs order by job")
    assert (june["kind"], june["closed_until"], june["watermark"]) == ("backfill", None, None)   # all of it
    assert (live["window_seconds"], live["lateness_seconds"], moment(live["closed_until"])) == (60, 600, moment("2025-02-19 22:15:00"))


def test_only_the_current_run_is_seen(store):
    assert [row["records"] for row in asked(store, "select * from insight_windows where job = 'june'")] == [1]
    assert [row["state"] for row in asked(store, "select * from insight_topics where job = 'june'")] == ["closed"]


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.text(max_size=12), st.integers(1, 10**9), max_size=6))
def test_any_name_is_counted(store, names):
    """NUL, quotes, backslashes: PostgreSQL has no text with a NUL, so it stands as the replacement character."""
    with store.transaction() as db:
        for table in ("cells", "units"):
            db.exec_driver_sql(f"delete from {table}")
    cell = Cell(1, 1, entities=names, terms={name: (number, 1, 2) for name, number in names.items()})
    store.write_units("textpulse", 0, [(UnitKey(START, "o", "s", "p"), Unit(1, 0, {("en", "t"): cell}))], 1)

    def shown(name):
        return name.replace("\0", "\ufffd")

    merged = {}
    for name, number in names.items():
        merged[shown(name)] = merged.get(shown(name), 0) + number
    entities = asked(store, "select type, entity, records from insight_entities")
    assert sorted((row["type"], row["entity"], row["records"]) for row in entities) == sorted(
        (*map(shown, (name.partition("\t")[0], name.partition("\t")[2])), number) for name, number in merged.items())
    assert sum(row["negative"] for row in asked(store, "select * from insight_terms")) == sum(names.values())


@pytest.mark.parametrize("view", ["insight_windows", "insight_topics", "insight_entities", "insight_terms"])
def test_a_filter_on_job_and_window_reaches_the_index(view, store):
    query = f"select * from {view} where job = 'textpulse' and window_us >= {START} and window_us < {START + MINUTE}"
    with store.engine.connect() as db:
        if db.dialect.name == "sqlite":
            plan = " ".join(row.detail for row in db.exec_driver_sql(f"explain query plan {query}"))
            assert re.search(r"SEARCH u USING (COVERING )?INDEX \S+ \(job=\? AND run=\? AND window_us>\? AND window_us<\?\)", plan), plan
            assert "SCAN u" not in plan and "SCAN c" not in plan
        else:
            db.exec_driver_sql("set enable_seqscan = off")   # a small table is read whole for good reason
            plan = " ".join(row[0] for row in db.exec_driver_sql(f"explain {query}"))
            assert re.search(r"units_key on units .*?Index Cond: \(\(job = 'textpulse'.*?window_us >= .*?window_us < ", plan), plan
            assert "Seq Scan on cells" not in plan


def test_a_store_that_is_opened_again_keeps_its_views_and_replaces_those_of_another_textpulse(store, monkeypatch):
    def made():   # changes with every view that is made
        return asked(store, "pragma schema_version" if store.engine.dialect.name == "sqlite" else
                     "select oid, cast(xmin as text) from pg_class where relkind = 'v' and relname like 'insight%' order by oid")

    before = made()
    Store(store.url).close()
    assert made() == before

    other = {name: query.replace(" from jobs j", ", 1 as more from jobs j") for name, query in queries(store.engine.dialect.name).items()}
    monkeypatch.setattr(made_views, "queries", lambda dialect: other)
    Store(store.url).close()
    assert [row["more"] for row in asked(store, "select * from insight_jobs where job = 'june'")] == [1]


def test_a_store_of_before_gets_its_views_when_it_is_opened_to_write_and_not_to_read(store):
    with store.transaction() as db:
        made_views.drop_views(db)
    Store(store.url, create=False).close()
    with store.engine.connect() as db:
        assert not sa.inspect(db).get_view_names()
    Store(store.url).close()
    with store.engine.connect() as db:
        assert set(sa.inspect(db).get_view_names()) == set(queries(db.dialect.name))


def test_a_user_who_may_not_make_views_writes_all_the_same(store, monkeypatch):
    if store.engine.dialect.name == "sqlite":
        pytest.skip("SQLite has no users")
    with store.transaction() as db:
        for statement in ("create role limited login", "grant select, insert, update, delete on all tables in schema public to limited",
                          "grant usage on all sequences in schema public to limited", "drop view insight_terms"):
            db.exec_driver_sql(statement)
    monkeypatch.setattr(made_views, "queries", lambda dialect: dict.fromkeys(queries(dialect), "select 1 as other"))
    try:
        Store(sa.make_url(store.url).set(username="limited").render_as_string(hide_password=False)).close()
        with store.engine.connect() as db:
            assert "insight_terms" not in sa.inspect(db).get_view_names()
            assert [column["name"] for column in sa.inspect(db).get_columns("insight_jobs")] != ["other"]
    finally:
        with store.transaction() as db:
            db.exec_driver_sql("drop owned by limited")
            db.exec_driver_sql("drop role limited")


def test_no_view_has_the_name_of_a_table():
    assert all(not queries(dialect).keys() & metadata.tables.keys() for dialect in DIALECTS)


@pytest.fixture
def page():
    return PAGE.read_text(encoding="utf-8")


def test_the_page_has_every_view_with_its_columns_in_their_order(page, store):
    described = {
        name: re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)
        for name, table in re.findall(r"^## (insight_\w+)\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)}
    with store.engine.connect() as db:
        columns = {name: [column["name"] for column in sa.inspect(db).get_columns(name)] for name in queries(db.dialect.name)}
    assert described == columns


def test_every_example_of_the_page_runs_and_finds_something(page, store):
    examples = re.findall(r"^```sql\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert len(examples) >= 6
    for example in examples:
        only = re.match(r"-- (SQLite|PostgreSQL)\n", example)
        if only is None or only[1].lower() == store.engine.dialect.name:
            assert asked(store, example.strip().removesuffix(";")), example
