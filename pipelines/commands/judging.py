"""Alerts brought up to date for a command that is asked of them: long archives take a while, which is said."""
import time
from typing import TYPE_CHECKING

from pipelines.commands.output import note

if TYPE_CHECKING:
    from insights.store import Store

TOLD_EVERY_S = 5.0


def judge_all(store: "Store", job: str) -> None:
    """Judges the windows that are new since the last time. Raises QueryError, StoreError."""
    from insights.alerts.detect import Sensitivity
    from insights.alerts.keep import judge
    from schemas.records import time_of

    due = time.monotonic() + TOLD_EVERY_S

    def told(end_us: int) -> None:
        nonlocal due
        if time.monotonic() >= due:
            note(f"alerts are judged up to {time_of(end_us):%Y-%m-%d %H:%M} UTC; who stops this goes on from there")
            due = time.monotonic() + TOLD_EVERY_S

    judge(store, job, Sensitivity(), time.time_ns() // 1_000, told=told)
