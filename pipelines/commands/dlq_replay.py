"""textpulse dlq replay: mended dead letters count in their windows, each once."""
import argparse
from collections import Counter
from typing import TYPE_CHECKING

from pipelines.commands.command import Command
from pipelines.commands.letters import MEND, SELECT, job_and_redactor, mender, selection
from pipelines.commands.models import tagger
from pipelines.commands.output import harmless, line, note, print_json, print_table
from pipelines.commands.quiet import quiet_import
from pipelines.commands.reading import open_store
from pipelines.options import CONNECT, JSON, MODEL, NO_TEXTS, SECURITY, SERVERS, SINKS, STORE, Option
from pipelines.values import count

if TYPE_CHECKING:
    from insights.mending import Letter
    from transforms.mender import Mender
    from transforms.replay import Outcome

OPTIONS = (
    STORE, *SELECT, *MEND, MODEL, NO_TEXTS, SERVERS, *(sink for sink in SINKS if sink.name != "dead-letter-topic"), CONNECT, *SECURITY,
    Option("dry-run", bool, False, "say what would count, and count nothing"),
    Option("limit", count, 20, "most of those listed that stay dead letters; 0: all"), JSON)
BATCH = 500   # letters in one transaction


def run(args: argparse.Namespace) -> int:
    """Counts the letters that can be; 1 where some of those that are meant stay dead letters, else 0."""
    chosen = selection(args)
    from insights.mending import all_letters

    with quiet_import():
        from pipelines.sinks import sinks_of
        from transforms.publish import publish_insights
        from transforms.replay import Replay
        from transforms.sinks import check_writable

    args.dead_letter_topic = ""
    sinks = sinks_of(args)
    check_writable(sinks)
    with open_store(args.store) as store:
        about, redactor = job_and_redactor(store, args)
        tools = mender(args)
        replay = None
        done, others, before = 0, 0, Counter[str]()
        stay: list[Outcome] = []
        for batch in all_letters(store, about, chosen, BATCH):
            before.update(letter.state.value for letter in batch if letter.done)
            todo = [letter for letter in batch if not letter.done]
            if todo and replay is None and not args.dry_run:
                replay = Replay(store, about, tools, tagger(args.model), redactor, sinks, not args.no_sample_texts)
            outcomes = replay.run(todo) if replay else [_tried(letter, tools) for letter in todo]
            done += sum(one.done for one in outcomes)
            others += sum(one.by_other for one in outcomes)
            stay += [one for one in outcomes if not one.done and not one.by_other]
        while sinks.insights_topic and not args.dry_run and publish_insights(store, about.job, about.run, sinks):
            continue
    if args.json:
        print_json({"replayed": done, "already": before, "by_others": others, "stay": stay, "done": not args.dry_run})
    else:
        _show(args, done, others, before, stay)
    return 1 if stay else 0


def _tried(letter: "Letter", tools: "Mender") -> "Outcome":
    """What would come of it, as far as can be told without the model and the store."""
    from transforms.mender import Stays, fix_of
    from transforms.replay import Outcome

    try:
        tools.event(letter, fix_of(letter))
    except Stays as why:
        return Outcome(*letter.place, False, str(why))
    return Outcome(*letter.place, True)


def _show(args: argparse.Namespace, done: int, others: int, before: "Counter[str]", stay: "list[Outcome]") -> None:
    if stay:
        shown = stay[:args.limit or None]
        rows = [(one.origin, str(one.offset), harmless(one.why)) for one in shown]
        print_table(("origin", "offset", "stays, for"), rows, numbers=("offset",))
        if len(shown) < len(stay):
            line(f"... and {len(stay) - len(shown):,} more (--limit 0 shows all)")
    line(f"{'would count' if args.dry_run else 'replayed'}: {done:,}" + (f"; stay dead letters: {len(stay):,}" if stay else "")
         + (f"; dealt with by another meanwhile: {others:,}" if others else "")
         + "".join(f"; already {state}, and left alone: {number:,}" for state, number in sorted(before.items())))
    if not (done or others or stay or before):
        note("no dead letter is meant; see textpulse dlq list")


COMMAND = Command(
    "replay", "count mended dead letters in their windows, each once, whatever is killed; the job may run meanwhile",
    ("dlq replay --state fixed", "dlq replay --reason late --dry-run"), OPTIONS, run)
