"""textpulse topics: words that rise together in the windows of a store."""
import argparse
from typing import TYPE_CHECKING

from pipelines.commands.command import Command, Group
from pipelines.commands.judging import judge_topics
from pipelines.commands.output import harmless, note, print_json, print_table
from pipelines.commands.reading import open_store, time_us
from pipelines.options import JOB, JSON, STORE, Option

if TYPE_CHECKING:
    from insights.emerging.say import Told

SHOWN = 8   # members in a line


def list_topics(args: argparse.Namespace) -> int:
    """Judges the windows that are new since the last time, and lists topics."""
    from insights.emerging.say import told
    from insights.queries import job_row

    from_us, to_us = time_us(getattr(args, "from"), "--from"), time_us(args.to, "--to")
    with open_store(args.store) as store:
        judge_topics(store, args.job)
        with store.snapshot() as db:
            every = list(told(db, job_row(db, args.job), from_us=from_us, to_us=to_us, only_open=args.open))
    found = every if args.all else [topic for topic in every if topic.into is None]
    gone = len(every) - len(found)
    if args.json:
        print_json(found)
        return 0
    if found:
        into = ("into",) if args.all else ()
        print_table(("topic", "opened (UTC)", "until", *into, "records", "name", "words"), [_line(topic, args.all) for topic in found],
                    numbers=("records",))
    said = f"{len(found):,} topics, {sum(topic.closed is None for topic in found):,} open" if found else "no topics"
    note(said + (f"; {gone:,} that went into another one are not listed (--all)" if gone else ""))
    return 0


def _line(topic: "Told", with_into: bool) -> tuple[str | int, ...]:
    words = ", ".join(f"{member.text} {member.weight:.0f}" for member in topic.members[:SHOWN])
    return (topic.id, f"{topic.opened:%Y-%m-%d %H:%M:%S}", "open" if topic.closed is None else f"{topic.last:%H:%M:%S}",
            *((topic.into or "",) if with_into else ()), topic.records, harmless(topic.name), harmless(words))


LIST = Command(
    "list", "list topics that emerged, words that rise together, the oldest first",
    ("topics list --store sqlite:///textpulse.db --open", "topics list --from 2026-06-01T00:00Z --json"), (
        STORE, JOB,
        Option("from", str, "", "topics that were open after this event time, ISO 8601"),
        Option("to", str, "", "topics that were open before this event time, ISO 8601"),
        Option("open", bool, False, "only topics that are open"),
        Option("all", bool, False, "topics too that went into another one"), JSON), list_topics)
GROUP = Group("topics", "what people begin to talk about: words that rise together", (LIST,))
