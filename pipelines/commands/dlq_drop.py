"""textpulse dlq drop: gives dead letters up."""
import argparse

from pipelines.commands.command import Command
from pipelines.commands.letters import SELECT, now_us, selection
from pipelines.commands.output import line, note, print_json
from pipelines.commands.reading import open_store
from pipelines.options import JSON, STORE, Option

OPTIONS = (STORE, *SELECT, Option("dry-run", bool, False, "say how many would be dropped, and drop none"), JSON)


def run(args: argparse.Namespace) -> int:
    """Gives letters up: they stay counted as dead letters, and what is kept of their records goes."""
    from insights import mending
    from insights.queries import job_row

    chosen = selection(args)
    dropped = done = 0
    with open_store(args.store) as store:
        with store.snapshot() as db:
            about = job_row(db, args.job)
        for batch in mending.all_letters(store, about, chosen):
            left = [letter.place for letter in batch if not letter.done]
            done += len(batch) - len(left)
            dropped += len(left) if args.dry_run else mending.drop(store, about, left, now_us())
    if args.json:
        print_json({"dropped": dropped, "already_dealt_with": done, "done": not args.dry_run})
        return 0
    line(f"{'would be dropped' if args.dry_run else 'dropped'}: {dropped:,}" + (f"; {done:,} are dealt with already" if done else ""))
    if not dropped and not done:
        note("no dead letter is meant; see textpulse dlq list")
    return 0


COMMAND = Command(
    "drop", "give dead letters up: they stay counted, what is kept of their records goes",
    ("dlq drop --reason duplicate --dry-run", "dlq drop --all"), OPTIONS, run)
