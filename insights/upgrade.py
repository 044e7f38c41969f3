"""Makes a store's tables and views, and brings those of an older textpulse up to date. Nothing is dropped but what can be made anew."""
import sqlalchemy as sa

from insights.tables import SCHEMA_VERSION, alert_states, alerts, metadata, schema_version
from insights.views import drop_views, make_views


def create(db: sa.Connection) -> None:
    """What is not there yet; in one transaction of the caller. A store of a newer schema is left as it is."""
    metadata.create_all(db)
    found = db.scalar(sa.select(sa.func.max(schema_version.c.version)))
    if found is None:
        db.execute(schema_version.insert().values(version=SCHEMA_VERSION))
    elif found < SCHEMA_VERSION:
        drop_views(db)
        _upgrade(db, found)
        db.execute(schema_version.update().values(version=SCHEMA_VERSION))
    if found is None or found <= SCHEMA_VERSION:
        make_views(db)


def _upgrade(db: sa.Connection, found: int) -> None:
    """Columns of tables that are there; new tables are made by now."""
    if found < 2:
        db.exec_driver_sql("ALTER TABLE jobs ADD COLUMN holder BIGINT NOT NULL DEFAULT 0")
    if found < 4:   # what windows say is judged anew
        for table in (alerts, alert_states):
            table.drop(db)
            table.create(db)
        db.exec_driver_sql("ALTER TABLE units ADD COLUMN span_us BIGINT NOT NULL DEFAULT 0")
    if found < 6:
        db.exec_driver_sql("ALTER TABLE jobs ADD COLUMN pseudonyms TEXT NOT NULL DEFAULT ''")
        db.exec_driver_sql("ALTER TABLE dead_letters ADD COLUMN author TEXT NOT NULL DEFAULT ''")
    if found == 4:
        db.exec_driver_sql("ALTER TABLE emerging_topics ADD COLUMN merged_into TEXT")
