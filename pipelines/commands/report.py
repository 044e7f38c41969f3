"""textpulse report: one HTML file to mail."""
import argparse
import shlex
import time
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.commands.command import Command
from pipelines.commands.files import check_place, replacing
from pipelines.commands.judging import judge_alerts, judge_topics
from pipelines.commands.models import carrier, check_carrier
from pipelines.commands.output import note
from pipelines.commands.reading import open_store, time_us
from pipelines.errors import UsageProblem
from pipelines.options import EXPLAIN, JOB, MODEL, STORE, Option
from pipelines.values import name, one_of

if TYPE_CHECKING:
    from insights.store import Store

OPTIONS = (
    STORE, JOB,
    Option("from", str, "", "first event time, ISO 8601; default: a day before the end"),
    Option("to", str, "", "event time to end before, ISO 8601; default: the end of the last window"),
    Option("output", name, "report.html", "the file to write", "report"),
    Option("lang", one_of("en", "zh"), "en", "language of the report: en or zh"),
    EXPLAIN, MODEL)


def run(args: argparse.Namespace) -> int:
    """Judges the windows that are new since the last time, gathers, and writes the file."""
    from dashboards.report.page import page
    from dashboards.report.words import LANGUAGES
    from insights.report import report

    from_us, to_us = time_us(getattr(args, "from"), "--from"), time_us(args.to, "--to")
    if from_us is not None and to_us is not None and from_us >= to_us:
        raise UsageProblem(f"--from {getattr(args, 'from')}: is not before --to {args.to}")
    path = Path(args.output)
    check_place(path, "--output")
    if args.explain:
        check_carrier(args.model)
    now_us = time.time_ns() // 1_000
    with open_store(args.store) as store:
        _judge(store, args.job)
        found = report(store, args.job, from_us, to_us)
        command = _command(args, store.name)
    made = page(found, command, now_us, LANGUAGES[args.lang], carrier(args.model) if args.explain else None)
    with replacing(path, "--output") as new:
        new.write_text(made, encoding="utf-8")
    note(f"{path}: {found.all.records:,} records, {len(found.incidents):,} incidents, {path.stat().st_size / 1024:,.0f} KiB")
    return 0


def _judge(store: "Store", job: str) -> None:
    from insights.store import StoreError

    try:
        judge_alerts(store, job)
        judge_topics(store, job)
    except StoreError as error:   # such as one that may only be read: what it holds is told
        note(f"alerts and topics are those that were known before: {error}")


def _command(args: argparse.Namespace, store: str) -> str:
    """The command line that makes this report; a password in the store's address is hidden."""
    said = {"store": store, "job": args.job, "from": getattr(args, "from"), "to": args.to, "lang": args.lang}
    if args.explain:
        said["model"] = args.model
    words = [word for key, value in said.items() if value for word in (f"--{key}", value)]
    return shlex.join(["textpulse", "report", *words, *(["--explain"] if args.explain else [])])


COMMAND = Command(
    "report", "write one HTML file to mail: what customers talked about, how they felt, what changed and why",
    ("report --store sqlite:///textpulse.db", "report --from 2026-06-01T00:00Z --to 2026-06-02T00:00Z --output june-1.html --lang zh"),
    OPTIONS, run)
