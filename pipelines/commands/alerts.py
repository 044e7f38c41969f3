"""textpulse alerts: what changed in the windows of a store, and why; who looks after it, and who was told."""
import argparse
import time
from typing import TYPE_CHECKING

from pipelines.commands.command import Command, Group, Positional
from pipelines.commands.judging import judge_alerts
from pipelines.commands.output import harmless, line, note, print_json, print_table
from pipelines.commands.reading import open_store, time_us
from pipelines.errors import UsageProblem
from pipelines.options import JOB, JSON, STORE, Option
from pipelines.values import count, positive_s

if TYPE_CHECKING:
    from insights.alerts.say import Told

NOTE = Option("note", str, "", "a word to those who come after you")


def list_alerts(args: argparse.Namespace) -> int:
    """Judges the windows that are new since the last time, and lists alerts."""
    from insights.alerts.judge import Severity
    from insights.alerts.say import told
    from insights.queries import job_row

    if args.severity and args.severity not in set(Severity):
        raise UsageProblem(f"--severity {args.severity}: no such severity; choose from {', '.join(Severity)}")
    from_us, to_us = time_us(getattr(args, "from"), "--from"), time_us(args.to, "--to")
    with open_store(args.store) as store:
        judge_alerts(store, args.job)
        with store.snapshot() as db:
            found = list(told(
                db, job_row(db, args.job), from_us=from_us, to_us=to_us, severity=args.severity, only_open=args.open))
    if args.json:
        print_json(found)
        return 0
    if found:
        print_table(("incident", "opened (UTC)", "until", "severity", "kind", "what", "why"), [_line(alert) for alert in found])
    incidents = len({alert.incident for alert in found})
    note(f"{len(found):,} alerts in {incidents:,} incidents, {sum(alert.closed is None for alert in found):,} alerts open"
         if found else "no alerts")
    return 0


def _line(alert: "Told") -> tuple[str, ...]:
    until = "open" if alert.closed is None else f"{alert.last:%H:%M:%S}"
    return (alert.incident, f"{alert.opened:%Y-%m-%d %H:%M:%S}", until + (", acknowledged" if alert.acknowledged else ""),
            alert.severity, alert.kind, harmless(alert.what), harmless(alert.why))


def show(args: argparse.Namespace) -> int:
    """All that is known of one incident."""
    from insights.alerts.answer import incident_of
    from insights.alerts.say import headline, told
    from insights.queries import job_row

    with open_store(args.store) as store, store.snapshot() as db:
        about = job_row(db, args.job)
        found = list(told(db, about, incident=incident_of(db, about, args.id)))
    if args.json:
        print_json(found)
        return 0
    first = headline(found)
    until = "open" if any(alert.closed is None for alert in found) else f"until {max(alert.last for alert in found):%H:%M:%S}"
    line(harmless(f"incident {first.incident}: {min(alert.opened for alert in found):%Y-%m-%d %H:%M:%S} UTC, {until}"
                  f"{', acknowledged' if first.acknowledged else ''}; {first.what}"))
    for alert in found:
        line("")
        line(harmless(f"{alert.severity} {alert.kind}, {alert.opened:%H:%M:%S} to {alert.last:%H:%M:%S}: {alert.what}"))
        if alert.why:
            line(harmless(f"  came from: {alert.why}"))
        for sample in alert.reason.samples:
            line(harmless(f"  {sample.sentiment or 'sample':8}  {sample.text or sample.id}"))
    return 0


def acknowledge(args: argparse.Namespace) -> int:
    """Somebody looks after an incident."""
    from insights.alerts import answer

    with open_store(args.store) as store:
        incident = answer.acknowledge(store, args.job, args.id, args.note, _now_us())
    note(f"incident {incident} is acknowledged: only its end will be told")
    return 0


def mute(args: argparse.Namespace) -> int:
    """Makes a mute, ends one, or lists those that there are."""
    from insights.alerts import answer
    from insights.alerts.judge import Kind

    if args.kind and args.kind not in set(Kind):
        raise UsageProblem(f"--kind {args.kind}: no such kind; choose from {', '.join(Kind)}")
    dimension, _, value = args.of.partition("=")
    if args.of and dimension not in ("all", "source", "product", "topic", "entity", "term"):
        raise UsageProblem(f"--of {args.of}: say all, or source, product, topic, entity or term with its value, such as product=Acme")
    asked = bool(args.kind or args.of)
    if asked and args.end:
        raise UsageProblem(f"--end {args.end}: ends a mute by its number alone; leave --kind and --of out")
    with open_store(args.store) as store:
        if args.end:
            answer.unmute(store, args.job, args.end)
        elif asked:
            until_us = _now_us() + round(getattr(args, "for") * 1e6)
            number = answer.mute(store, args.job, args.kind, dimension, value.replace("\\t", "\t"), until_us, args.note)
            note(f"mute {number} is set")
        found = answer.muted(store, args.job, _now_us())
    if args.json:
        print_json(found)
    elif found:
        print_table(("mute", "kind", "of", "until (UTC)", "note"), [
            (one.id, one.kind or "any", harmless(f"{one.dimension} {one.value}".strip() or "any"), f"{one.until:%Y-%m-%d %H:%M:%S}",
             harmless(one.note)) for one in found], numbers=("mute",))
    else:
        note("nothing is muted")
    return 0


def deliveries(args: argparse.Namespace) -> int:
    """What was sent where, and what came of it."""
    from insights.alerts.answer import sent
    from insights.alerts.outbox import try_again

    with open_store(args.store) as store:
        if args.retry:
            note(f"{try_again(store, args.job, _now_us()):,} messages are due now; a running stream sends them")
        found = sent(store, args.job, args.last)
    if args.json:
        print_json(found)
    elif found:
        print_table(("message", "made (UTC)", "type", "target", "state", "attempts", "error"), [
            (one.message, f"{one.made:%Y-%m-%d %H:%M:%S}", one.type, one.target, one.state, one.attempts, harmless(one.error))
            for one in found], numbers=("attempts",))
    else:
        note("no messages")
    return 0


def _now_us() -> int:
    return time.time_ns() // 1_000


LIST = Command(
    "list", "list what changed in the windows, the oldest first, each with its reason",
    ("alerts list --store sqlite:///textpulse.db --open", "alerts list --severity critical --from 2026-06-01T00:00Z --json"), (
        STORE, JOB,
        Option("from", str, "", "alerts that were open after this event time, ISO 8601"),
        Option("to", str, "", "alerts that were open before this event time, ISO 8601"),
        Option("severity", str, "", "only warning or critical"),
        Option("open", bool, False, "only alerts that are open"), JSON), list_alerts)
SHOW = Command(
    "show", "show one incident: its alerts, what they came from, and sample texts", ("alerts show 96b60e79",), (STORE, JOB, JSON), show,
    (Positional("id", "of an incident or of one of its alerts, or how it begins"),))
ACK = Command(
    "ack", "say that an incident is looked after: only its end will be told",
    ("alerts ack 96b60e79", 'alerts ack 96b60e79 --note "the airline knows"'), (STORE, JOB, NOTE), acknowledge,
    (Positional("id", "of an incident or of one of its alerts, or how it begins"),))
MUTE = Command(
    "mute", "make no messages of some alerts for a while; they are listed all the same. Without options: what is muted",
    ("alerts mute --of product=Acme --for 2h --note maintenance", "alerts mute --end 3"), (
        STORE, JOB,
        Option("kind", str, "", "only spike, silence, worse, better, topic, entity or term"),
        Option("of", str, "", "only of these: all, or source, product, topic, entity or term with its value, such as product=Acme"),
        Option("for", positive_s, 3600.0, "for how long, such as 30m or 2h"),
        Option("end", count, 0, "the number of a mute to end"), NOTE, JSON), mute)
DELIVERIES = Command(
    "deliveries", "list the messages that were made of incidents, and whether they have arrived",
    ("alerts deliveries --store sqlite:///textpulse.db", "alerts deliveries --retry"), (
        STORE, JOB, Option("last", count, 50, "so many of the last"),
        Option("retry", bool, False, "make all that has not arrived due now, what was given up too"), JSON), deliveries)
GROUP = Group("alerts", "what changed in the windows of a store, and why; and who is told", (LIST, SHOW, ACK, MUTE, DELIVERIES))
