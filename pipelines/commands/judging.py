"""Alerts and topics brought up to date for a command that is asked of them: long archives take a while, which is said."""
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from pipelines.commands.output import note

if TYPE_CHECKING:
    from insights.store import Store

TOLD_EVERY_S = 5.0


def judge_alerts(store: "Store", job: str) -> None:
    """Judges the windows that are new since the last time. Raises QueryError, StoreError."""
    from insights.alerts.detect import Sensitivity
    from insights.alerts.keep import judge

    judge(store, job, Sensitivity(), time.time_ns() // 1_000, told=_progress("alerts"))


def judge_topics(store: "Store", job: str) -> None:
    """Looks for topics in the windows that are new since the last time. Raises QueryError, StoreError."""
    from insights.emerging import keep

    keep.judge_topics(store, job, time.time_ns() // 1_000, told=_progress("topics"))


def _progress(what: str) -> Callable[[int], None]:
    """Says every few seconds how far it is."""
    from schemas.records import time_of

    due = time.monotonic() + TOLD_EVERY_S

    def told(end_us: int) -> None:
        nonlocal due
        if time.monotonic() >= due:
            note(f"{what} are judged up to {time_of(end_us):%Y-%m-%d %H:%M} UTC; who stops this goes on from there")
            due = time.monotonic() + TOLD_EVERY_S

    return told
