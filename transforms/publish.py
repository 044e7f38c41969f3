"""Insights on Kafka, published from the store's units as they change: an outbox, at least once, the last revision wins."""
import msgspec
import sqlalchemy as sa

from insights.store import Store
from insights.tables import cells, units
from transforms.sinks import Sinks, confirm, publishing

BATCH_UNITS = 200


def publish_insights(store: Store, job: str, run: int, sinks: Sinks) -> int:
    """Sends the cells of every unit that changed since it was last sent; returns how many units. Raises KafkaProblem, KafkaError."""
    of_job = (units.c.job == job, units.c.run == run, units.c.revision > units.c.published)
    with store.snapshot() as db:
        changed = db.execute(sa.select(units).where(*of_job).order_by(units.c.window_us).limit(BATCH_UNITS)).mappings().all()
        rows = db.execute(sa.select(cells).where(cells.c.unit.in_([unit["id"] for unit in changed]))).mappings().all()
    if not changed:
        return 0
    by_unit = {unit["id"]: unit for unit in changed}
    with publishing(sinks, sinks.insights_topic) as producer:
        confirm(producer, [producer.send(sinks.insights_topic, *_message(by_unit[row["unit"]], row)) for row in rows])
    with store.transaction() as db:
        for unit in changed:
            db.execute(units.update().where(units.c.id == unit["id"], units.c.published < unit["revision"]).values(
                published=unit["revision"]))
    return len(changed)


def _message(unit: sa.RowMapping, row: sa.RowMapping) -> tuple[bytes, bytes]:
    """(value, key) of one cell. Readers keep, of each key, the highest revision."""
    place = {name: unit[name] for name in ("job", "window_us", "origin", "source", "product", "epoch")}
    place |= {"lang": row["lang"], "topic": row["topic"]}
    counts = {name: row[name] for name in ("records", "negative", "neutral", "positive", "score_sum", "authors")}
    value = {**place, **counts, "revision": unit["revision"], "unit_records": unit["records"]}
    return msgspec.json.encode(value), "|".join(str(part) for part in place.values()).encode()
