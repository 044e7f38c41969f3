"""textpulse alerts: what changed in the windows of a store, and why."""
import argparse
import time
from typing import TYPE_CHECKING

from pipelines.commands.command import Command, Group
from pipelines.commands.output import harmless, note, print_json, print_table
from pipelines.commands.reading import open_store, time_us
from pipelines.errors import UsageProblem
from pipelines.options import JOB, JSON, STORE, Option

if TYPE_CHECKING:
    from insights.alerts.say import Told

OPTIONS = (
    STORE, JOB,
    Option("from", str, "", "alerts that were open after this event time, ISO 8601"),
    Option("to", str, "", "alerts that were open before this event time, ISO 8601"),
    Option("severity", str, "", "only warning or critical"),
    Option("open", bool, False, "only alerts that are open"), JSON)


def run(args: argparse.Namespace) -> int:
    """Judges the windows that are new since the last time, and lists alerts."""
    from insights.alerts.detect import Sensitivity
    from insights.alerts.judge import Severity
    from insights.alerts.keep import judge
    from insights.alerts.say import told
    from insights.queries import job_row

    if args.severity and args.severity not in set(Severity):
        raise UsageProblem(f"--severity {args.severity}: no such severity; choose from {', '.join(Severity)}")
    from_us, to_us = time_us(getattr(args, "from"), "--from"), time_us(args.to, "--to")
    with open_store(args.store) as store:
        judge(store, args.job, Sensitivity(), time.time_ns() // 1_000)
        with store.snapshot() as db:
            found = list(told(
                db, job_row(db, args.job), from_us=from_us, to_us=to_us, severity=args.severity, only_open=args.open))
    if args.json:
        print_json(found)
    elif found:
        print_table(("opened (UTC)", "until", "severity", "kind", "what", "why"), [_line(alert) for alert in found])
    if not args.json:
        note(f"{len(found):,} alerts, {sum(alert.closed is None for alert in found):,} open" if found else "no alerts")
    return 0


def _line(alert: "Told") -> tuple[str, ...]:
    until = "open" if alert.closed is None else f"{alert.last:%H:%M:%S}"
    return (f"{alert.opened:%Y-%m-%d %H:%M:%S}", until, alert.severity, alert.kind, harmless(alert.what), harmless(alert.why))


LIST = Command(
    "list", "list what changed in the windows, the oldest first, each with its reason",
    ("alerts list --store sqlite:///textpulse.db --open", "alerts list --severity critical --from 2026-06-01T00:00Z --json"), OPTIONS, run)
GROUP = Group("alerts", "what changed in the windows of a store, and why", (LIST,))
