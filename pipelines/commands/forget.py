"""textpulse forget: takes a person out of a store and of files of tagged events."""
import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.commands.command import Command
from pipelines.commands.output import line, print_json
from pipelines.commands.reading import open_store
from pipelines.errors import UsageProblem
from pipelines.options import JSON, POLICY, STORE, Option

if TYPE_CHECKING:
    from insights.store import Store
    from privacy.redact import Redactor

OPTIONS = (
    STORE, Option("author", str, "", "the author_id, as it came; - reads it from standard input"), POLICY,
    Option("tagged-files", str, "", "folder of tagged events: also in its files"),
    Option("dry-run", bool, False, "say what would be taken out, and take nothing"), JSON)


def run(args: argparse.Namespace) -> int:
    """Finds the author by the hash that the store has of them, and takes out samples, dead letters and tagged events."""
    from insights import forget
    from pipelines import tagged_files
    from pipelines.policy import policy_of
    from privacy.policy import Mode
    from transforms.job import redactor_of

    author = sys.stdin.readline().rstrip("\r\n") if args.author == "-" else args.author
    if not author:
        raise UsageProblem("forget: name the person with --author ID, or - to read it from standard input")
    policy = policy_of(args.policy)
    if args.tagged_files and policy.author_id is Mode.MASK:
        raise UsageProblem(f"--tagged-files {args.tagged_files}: this policy masks authors: no row says whose it is")
    with open_store(args.store) as store:
        redactor = redactor_of(policy, store)
        _check_mark(store, redactor)
        mark = redactor.author_mark(author)
        done = forget.count(store, mark) if args.dry_run else forget.forget(store, mark, time.time_ns() // 1_000)
        rows, files = (0, 0) if args.dry_run or not args.tagged_files else tagged_files.forget(
            Path(args.tagged_files), redactor.author(author))
    if args.json:
        print_json({"author": mark, "done": not args.dry_run, "store": done, "tagged_rows": rows, "tagged_files": files})
        return 0
    line(f"{'would be taken out' if args.dry_run else 'taken out'}: samples of {done.cells:,} cells, of {done.alerts:,} alerts and of "
         f"{done.messages:,} messages, {done.dead_letters:,} dead letters" + (
             f", {rows:,} tagged events in {files:,} files" if args.tagged_files and not args.dry_run else ""))
    if not args.dry_run:
        line(f"{store.name} remembers the author as {mark} (table forgotten), and keeps no sample or dead letter of theirs from now on; "
             "counts stay")
    return 0


def _check_mark(store: "Store", redactor: "Redactor") -> None:
    """Raises UsageProblem where no job of the store has hashed its authors so."""
    import sqlalchemy as sa

    from insights.tables import jobs

    with store.snapshot() as db:
        marks = set(db.scalars(sa.select(jobs.c.pseudonyms)))
    if redactor.mark not in marks:
        raise UsageProblem(
            f"no job of {store.name} has this key of pseudonyms: give the job's own --policy, or nobody would be found")


COMMAND = Command(
    "forget", "take a person out of samples, dead letters and tagged events; what was counted stays counted",
    ("forget --author u-1234 --dry-run", "forget --author u-1234 --tagged-files tagged/ --policy policy.toml"), OPTIONS, run)
