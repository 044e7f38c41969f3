"""Opens a store to read from it, without making one, and finds a job in it; and says which store no job can use."""
import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.errors import EnvironmentProblem, UsageProblem

if TYPE_CHECKING:
    from insights.store import Store


@contextmanager
def open_store(url: str, named: str = "--store") -> "Iterator[Store]":
    """The store, which must be there. named: what the user calls it. Raises EnvironmentProblem or StoreError naming it."""
    from insights.store import Store

    store = Store(check_there(url, named), create=False)
    try:
        yield store
    finally:
        store.close()


def check_there(url: str, named: str = "--store") -> str:
    """The URL, if it names no file or one that is there: SQLite would make an empty one. Raises EnvironmentProblem."""
    file = sqlite_file(url)
    if file is not None and not file.is_file():
        raise EnvironmentProblem(f"{named} {url}: there is no such file; `textpulse stream` or `backfill` makes one")
    return url


def sqlite_file(url: str) -> Path | None:
    """The file of an SQLite URL; None for what has no file of its own."""
    dialect, _, rest = url.partition(":///")
    path = rest.partition("?")[0]
    return None if dialect != "sqlite" or path in ("", ":memory:") or path.startswith("file:") else Path(path)


def check_durable(url: str) -> None:
    """Raises UsageProblem for a store in memory: each thread and process of a job would write to one of its own."""
    if url.startswith("sqlite") and url.partition(":///")[2].partition("?")[0] in ("", ":memory:"):
        raise UsageProblem(f"--store {url}: a job needs a store that stays, such as sqlite:///textpulse.db")


def jobs_of(store: "Store") -> list[str]:
    """The names of its jobs."""
    import sqlalchemy as sa

    from insights.tables import jobs

    with store.snapshot() as db:
        return list(db.scalars(sa.select(jobs.c.job).order_by(jobs.c.job)))


def check_job(store: "Store", job: str) -> None:
    """Raises QueryError when the store has no such job."""
    from insights.queries import job_row

    with store.snapshot() as db:
        job_row(db, job)


def time_us(text: str, option: str) -> int | None:
    """Microseconds since 1970 of a time in ISO 8601, UTC where it names no zone; None for an empty text."""
    from schemas.records import to_us

    if not text:
        return None
    try:
        time = dt.datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageProblem(f"{option} {text}: not a time in ISO 8601, such as 2026-06-01T12:00Z") from error
    return to_us(time if time.tzinfo else time.replace(tzinfo=dt.UTC))
