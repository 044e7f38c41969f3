"""The views for SQL users: the tables as they are meant to be read, of each job's current run alone. docs/sql.md explains them.

A column may be added at the end of a view, and none may change or go: PostgreSQL replaces a view only so, and others build on it.
"""
import hashlib
from collections.abc import Mapping
from typing import NamedTuple

import sqlalchemy as sa

LOCK = 7_411_902   # PostgreSQL's advisory lock of who makes views
SUMS = """cast(sum(c.records) as bigint) as records, cast(sum(c.negative) as bigint) as negative,
    cast(sum(c.neutral) as bigint) as neutral, cast(sum(c.positive) as bigint) as positive"""
CELLS = """jobs j join units u on u.job = j.job and u.run = j.current_run join cells c on c.unit = u.id"""
LENGTH = "coalesce(nullif(u.span_us, 0), j.window_us)"   # of an hour or a day, where windows are merged
GROUP = "u.source, u.product, c.lang, c.topic"
OF_LETTER = '{0}.job = d.job and {0}.run = d.run and {0}.origin = d.origin and {0}."offset" = d."offset"'
DETAIL = r"replace(c.detail, '\u0000', '\ufffd')"   # PostgreSQL has no text with a NUL in it


class Dialect(NamedTuple):
    """What the two databases say each in its own way. {} takes an SQL expression."""

    time: str        # of microseconds since 1970, in UTC; null for one that stands for no time
    pairs: str       # joins `each`, the (key, value) pairs of the JSON object of that name in a cell
    item: str        # a number of the JSON array each.value
    member: str      # a number of a JSON object: column, name
    before_tab: str
    after_tab: str


DIALECTS: Mapping[str, Dialect] = {
    "sqlite": Dialect(
        "datetime({} / 1000000.0, 'unixepoch')", "join json_each(" + DETAIL + ", '$.{}') each", "json_extract(each.value, '$[{}]')",
        "json_extract({}, '$.{}')", "substr({0}, 1, instr({0} || char(9), char(9)) - 1)",
        "substr({0}, instr({0} || char(9), char(9)) + 1)"),
    "postgresql": Dialect(
        "case when abs({0}) < 100000000000000000 then timestamp 'epoch' + {0} * interval '1 microsecond' end",
        "cross join lateral jsonb_each(" + DETAIL + "::jsonb -> '{}') each", "cast(each.value ->> {} as bigint)",
        "cast(cast({} as jsonb) ->> '{}' as double precision)", "split_part({}, chr(9), 1)",
        "substr({0}, strpos({0} || chr(9), chr(9)) + 1)")}


def queries(dialect: str) -> dict[str, str]:
    """Name of a view -> its query."""
    say = DIALECTS[dialect]

    def time(us: str) -> str:
        return say.time.format(us)

    end = f"(u.window_us + {LENGTH})"
    window = f"""j.job, u.window_us, {time('u.window_us')} as window_start, {time(end)} as window_end,
    case when {end} <= j.closed_us then 'closed' when {end} <= j.watermark_us then 'complete' else 'live' end as state"""
    of_window = "j.job, j.window_us, j.closed_us, j.watermark_us, u.window_us, u.span_us"
    felt = ", ".join(f"cast(sum({say.item.format(at)}) as bigint) as {name}" for at, name in enumerate(("negative", "neutral", "positive")))
    held = " + ".join(say.item.format(at) for at in range(3))
    columns_and_source = {
        "insight_jobs": (f"""j.job, j.kind, j.window_us / 1000000.0 as window_seconds, j.lateness_us / 1000000.0 as lateness_seconds,
    {time('j.closed_us')} as closed_until, {time('j.watermark_us')} as watermark, j.closed_us, j.watermark_us, j.current_run as run""",
            "jobs j"),
        "insight_windows": (f"{window}, {SUMS}, {time('max(u.updated_us)')} as updated", f"{CELLS} group by {of_window}"),
        "insight_topics": (f"""{window}, {GROUP}, {SUMS},
    cast(sum(c.score_sum) as double precision) / (10000 * nullif(sum(c.records), 0)) as score""",
            f"{CELLS} group by {of_window}, {GROUP}"),
        "insight_entities": (f"""{window}, {GROUP}, {say.before_tab.format('each.key')} as type,
    {say.after_tab.format('each.key')} as entity, cast(sum(cast(cast(each.value as text) as bigint)) as bigint) as records""",
            f"{CELLS} {say.pairs.format('entities')} group by {of_window}, {GROUP}, each.key"),
        "insight_terms": (f"{window}, {GROUP}, each.key as term, cast(sum({held}) as bigint) as records, {felt}",
            f"{CELLS} {say.pairs.format('terms')} group by {of_window}, {GROUP}, each.key"),
        "insight_alerts": (f"""j.job, a.incident, a.id, a.kind, a.dimension, a.value, a.severity, {time('a.opened_us')} as opened,
    {time('(a.last_us + j.window_us)')} as last, {time('(a.closed_us + j.window_us)')} as closed, {time('k.at_us')} as acknowledged,
    {say.member.format('a.peak', 'observed')} as observed, {say.member.format('a.peak', 'expected')} as expected,
    {say.member.format('a.peak', 'whole')} as whole, a.opened_us, a.reason""",
            """jobs j join alerts a on a.job = j.job and a.run = j.current_run
    left join acknowledgements k on k.job = a.job and k.incident = a.incident"""),
        "insight_dead_letters": (f"""j.job, d.origin, d."offset" as log_offset, d.reason, d.detail, d.event_id, d.window_us,
    {time('d.window_us')} as window_start, d.source, d.product, d.sample, d.headers, {time('d.first_seen_us')} as first_seen,
    case when d.reason = 'gap' then 'dead' when o.outcome is not null then o.outcome when f.fix is not null then 'fixed' else 'dead' end
    as state""",
            f"""jobs j join dead_letters d on d.job = j.job and d.run = j.current_run
    left join outcomes o on {OF_LETTER.format('o')} left join fixes f on {OF_LETTER.format('f')}""")}
    return {name: " ".join(("select", columns, "from", source)) for name, (columns, source) in columns_and_source.items()}


def make_views(db: sa.Connection) -> None:
    """Makes those that are not there, and replaces those that were made by another textpulse. Who may not make views leaves them be."""
    if db.dialect.name == "sqlite":
        for name, query in _outdated(db).items():
            db.exec_driver_sql(f"drop view if exists {name}")
            db.exec_driver_sql(_created(name, query))
    elif _outdated(db) and db.scalar(sa.text("select has_schema_privilege(current_schema(), 'create')")):
        db.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK)))   # of two who start together one waits
        for name, query in _outdated(db).items():
            db.exec_driver_sql(f"create or replace view {name} as {query}")
            db.exec_driver_sql(f"comment on view {name} is '{_mark(query)}'")


def drop_views(db: sa.Connection) -> None:
    """Drops them: a table may not change below its views."""
    for name in queries(db.dialect.name):
        db.exec_driver_sql(f"drop view if exists {name}")


def _outdated(db: sa.Connection) -> dict[str, str]:
    """The views that are not as they should be; without those of another user."""
    wanted = queries(db.dialect.name)
    if db.dialect.name == "sqlite":
        made = {row.name: row.sql for row in db.execute(sa.text("select name, sql from sqlite_master where type = 'view'"))}
        return {name: query for name, query in wanted.items() if made.get(name) != _created(name, query)}
    views = {row.relname: row for row in db.execute(sa.text("""
        select relname, obj_description(oid, 'pg_class') as mark, pg_has_role(relowner, 'usage') as ours
        from pg_class where relkind = 'v' and pg_table_is_visible(oid)"""))}
    return {name: query for name, query in wanted.items()
            if name not in views or (views[name].ours and views[name].mark != _mark(query))}


def _created(name: str, query: str) -> str:
    return f"CREATE VIEW {name} as {query}"   # as SQLite keeps it


def _mark(query: str) -> str:
    return f"textpulse {hashlib.sha256(query.encode()).hexdigest()[:16]}"
