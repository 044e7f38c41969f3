"""textpulse compact: old windows of a store become hours, then days, and go."""
import argparse
import time
from typing import TYPE_CHECKING

from pipelines.commands.command import Command
from pipelines.commands.judging import judge_alerts, judge_topics
from pipelines.commands.output import line, note, print_json
from pipelines.commands.reading import open_store
from pipelines.options import JOB, JSON, STORE, Option
from pipelines.values import duration_s, expecting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from insights.retention import Done, Plan, Step
    from insights.rollup import Ages
    from insights.store import Store

TOLD_EVERY_S = 5.0


@expecting("a length of time, such as 48h or 30d")
def age(text: str) -> str:
    """A length of time as it is written. Raises ValueError."""
    duration_s(text)
    return text.strip()


def run(args: argparse.Namespace) -> int:
    """Judges alerts and topics up to now, for which windows are needed, then merges and removes what is old enough."""
    from insights.retention import plan

    ages = _ages(args)
    with open_store(args.store) as store:
        with store.snapshot() as db:
            due = plan(db, args.job, ages, unsent=args.unsent, judged=True)   # refuses before anything is written
        done: list[Done] = []
        if not args.dry_run:
            judge_alerts(store, args.job)
            judge_topics(store, args.job)
            with store.snapshot() as db:
                due = plan(db, args.job, ages, unsent=args.unsent)
            done = list(_do(store, args.job, ages, len(due.steps), args.unsent))
    if args.json:
        print_json(_summary(due, done))
    else:
        _show(due, done, args.dry_run)
    return 0


def _ages(args: argparse.Namespace) -> "Ages":
    from insights.rollup import Ages

    hours_us, days_us, drop_us = (round(duration_s(text) * 1e6) if text else None
                                  for text in (args.hours_after, args.days_after, args.drop_after))
    return Ages(hours_us or 0, days_us or 0, drop_us)


def _do(store: "Store", job: str, ages: "Ages", steps: int, unsent: bool) -> "Iterator[Done]":
    """Rests after each step for as long as it took: half of the time is a running stream's."""
    from insights.retention import compact

    began = told = time.monotonic()
    for number, done in enumerate(compact(store, job, ages, unsent=unsent), 1):
        yield done
        now = time.monotonic()
        if now - told >= TOLD_EVERY_S:
            note(f"{number:,} of {steps:,} hours and days")
            told = now
        time.sleep(now - began)
        began = time.monotonic()


def _summary(due: "Plan", done: "list[Done]") -> dict[str, object]:
    from insights.retention import Action

    return {
        "due": {action.value: sum(step.action is action for step in due.steps) for action in Action},
        "done": {action.value: sum(one.step.action is action for one in done) for action in Action},
        "units": {"before": sum(one.units[0] for one in done), "after": sum(one.units[1] for one in done)},
        "cells": {"before": sum(one.cells[0] for one in done), "after": sum(one.cells[1] for one in done)},
        "dropped_records": sum(one.records for one in done if one.step.action is Action.DROP), "waits": due.waits}


def _show(due: "Plan", done: "list[Done]", dry_run: bool) -> None:
    from insights.retention import Action

    for action, said in ((Action.HOUR, "merged into hours"), (Action.DAY, "merged into days"), (Action.DROP, "removed")):
        of_action = [one for one in done if one.step.action is action]
        steps = [step for step in due.steps if step.action is action] if dry_run else [one.step for one in of_action]
        if steps:
            rows = "" if dry_run else f": {_rows(of_action)}"
            line(f"{'would be ' if dry_run else ''}{said}: {_span(steps)}{rows}")
    if not (due.steps if dry_run else done):
        line("nothing is old enough")
    if due.waits:
        note(f"older windows are kept as they are: {due.waits}")


def _span(steps: "list[Step]") -> str:
    from schemas.records import time_of

    return f"{len(steps):,} from {time_of(steps[0].start_us):%Y-%m-%d %H:%M} to {time_of(steps[-1].end_us):%Y-%m-%d %H:%M} UTC"


def _rows(done: "list[Done]") -> str:
    units, cells = ([sum(getattr(one, name)[at] for one in done) for at in (0, 1)] for name in ("units", "cells"))
    return (f"{sum(one.records for one in done):,} records, units {units[0]:,} -> {units[1]:,}, cells {cells[0]:,} -> {cells[1]:,}")


COMMAND = Command(
    "compact", "merge old windows of a store into hours and days, and remove the oldest days on request",
    ("compact --store sqlite:///textpulse.db --dry-run", "compact --hours-after 30d --days-after 120d --drop-after 730d"),
    (STORE, JOB,
     Option("hours-after", age, "20d", "windows that ended so long before the last closed one become hours"),
     Option("days-after", age, "90d", "hours that ended so long before become days"),
     Option("drop-after", age, "", "days that ended so long before are removed; default: none"),
     Option("unsent", bool, False, "also windows that are not in the insights topic yet"),
     Option("dry-run", bool, False, "say what is due, and do nothing"), JSON), run)
