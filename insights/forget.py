"""Takes an author out of a store: samples, dead letters, and what was told of alerts. That texts were counted stays.

The author is known by a hash (privacy/redact.py, Redactor.author_mark). First it is written down that it is forgotten: from then on no
transaction of a job writes a sample or a letter of this author (Store.write_units, Store.write_dead), so what is found afterwards is all
there is. Whoever is killed here begins again, and finds the rest.
"""
from collections.abc import Callable
from typing import Any

import msgspec
import sqlalchemy as sa

from insights.alerts.explain import Reason
from insights.cells import Cell
from insights.letters import of_letter
from insights.store import NOBODYS, Store
from insights.tables import alerts, cells, dead_letters, fixes, forgotten, messages, originals

BATCH = 500   # rows in one transaction


class Forgotten(msgspec.Struct, frozen=True):
    """What was taken out. cells: of which samples were; alerts: whose samples were; messages: likewise, of the outbox."""

    cells: int
    dead_letters: int
    alerts: int
    messages: int


def count(store: Store, author: str) -> Forgotten:
    """What would be taken out."""
    with store.snapshot() as db:
        return Forgotten(*(db.scalar(sa.select(sa.func.count()).select_from(table).where(where)) or 0 for table, where in (
            (cells, _holds(cells.c.detail, author)), (dead_letters, dead_letters.c.author == author),
            (alerts, _holds(alerts.c.reason, author)), (messages, _holds(messages.c.body, author)))))


def forget(store: Store, author: str, now_us: int) -> Forgotten:
    """Takes the author out, a batch of rows in each transaction. Doing it again changes nothing. Raises StoreError."""
    with store.transaction() as db:
        if db.scalar(sa.select(forgotten.c.at_us).where(forgotten.c.author == author)) is None:
            db.execute(forgotten.insert().values(author=author, at_us=now_us))
        for table in (originals, fixes):
            db.execute(table.delete().where(sa.exists().where(of_letter(table), dead_letters.c.author == author)))
        letters = db.execute(dead_letters.update().where(dead_letters.c.author == author).values(NOBODYS)).rowcount

    def of_cell(row: dict[str, Any]) -> dict[str, Any]:
        return {"detail": Cell.from_row(row).without({author}).to_row()["detail"]}

    def of_alert(row: dict[str, Any]) -> dict[str, Any]:
        return {"reason": msgspec.json.encode(_without(msgspec.json.decode(row["reason"]), author)).decode()}

    def of_message(row: dict[str, Any]) -> dict[str, Any]:
        body = msgspec.json.decode(row["body"])
        for alert in body["data"]["alerts"]:
            alert["reason"] = _without(alert["reason"], author)
        return {"body": msgspec.json.encode(body).decode()}

    return Forgotten(
        _each(store, cells, _holds(cells.c.detail, author), of_cell), letters,
        _each(store, alerts, _holds(alerts.c.reason, author), of_alert),
        _each(store, messages, _holds(messages.c.body, author), of_message))


def _each(store: Store, table: sa.Table, where: sa.ColumnElement[bool], change: Callable[[dict[str, Any]], dict[str, Any]]) -> int:
    """Changes the rows in the order of their keys, read and written in one transaction for each batch."""
    keys = list(table.primary_key.columns)
    query = sa.select(table).where(where).order_by(*keys).limit(BATCH).with_for_update()
    done = 0
    beyond: list[sa.ColumnElement[bool]] = []
    while True:
        with store.transaction() as db:
            rows = db.execute(query.where(*beyond)).mappings().all()
            for row in rows:
                db.execute(table.update().where(*(key == row[key.name] for key in keys)).values(change(dict(row))))
        done += len(rows)
        if len(rows) < BATCH:
            return done
        beyond = [sa.tuple_(*keys) > sa.tuple_(*(sa.literal(rows[-1][key.name], key.type) for key in keys))]


def _holds(column: sa.ColumnElement[str], author: str) -> sa.ColumnElement[bool]:
    return column.contains(f'"{author}"')


def _without(reason: dict[str, Any], author: str) -> dict[str, Any]:
    """A reason, as JSON has it, without the samples of the author."""
    found = msgspec.convert(reason, Reason)
    known = zip(found.samples, (*found.authors, *[""] * len(found.samples)), strict=False)   # older ones do not say whose they are
    kept = [(sample, name) for sample, name in known if name != author]
    left = msgspec.structs.replace(found, samples=tuple(sample for sample, _ in kept), authors=tuple(name for _, name in kept))
    built: dict[str, Any] = msgspec.to_builtins(left)
    return built
