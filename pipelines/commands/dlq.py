"""textpulse dlq: the dead letters of a store, listed and shown."""
import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pipelines.commands import dlq_drop, dlq_fix, dlq_replay
from pipelines.commands.command import Command, Group, Positional
from pipelines.commands.letters import FILTERS, selection
from pipelines.commands.output import harmless, line, note, print_json, print_table
from pipelines.commands.reading import check_job, open_store
from pipelines.errors import UsageProblem
from pipelines.options import JSON, STORE, Option
from pipelines.values import count

if TYPE_CHECKING:
    import sqlalchemy as sa

    from insights.store import Store

ONE_JOB = Option("job", str, "", "only this job; default: all")
OPTIONS = (STORE, ONE_JOB, *FILTERS, Option("limit", count, 100, "most dead letters listed, the newest first; 0: all"), JSON)
SHOW_OPTIONS = (STORE, ONE_JOB, JSON)


def run(args: argparse.Namespace) -> int:
    """Lists dead letters."""
    from insights.mending import by_state

    where = selection(args, whole=True).where()
    with open_store(args.store) as store:
        if args.job:
            check_job(store, args.job)
        letters = read_letters(store, where, args.limit)
        with store.snapshot() as db:
            states = by_state(db, where)
    if args.json:
        print_json(letters)
        return 0
    if letters:
        print_table(("first seen (UTC)", "job", "origin", "offset", "reason", "state", "detail", "sample"),
                    [(letter["first_seen"][:19], letter["job"], letter["origin"], str(letter["offset"]),
                      letter["reason"], letter["state"], letter["detail"], letter["sample"][:60]) for letter in letters],
                    numbers=("offset",))
    total = sum(states.values())
    told = ", ".join(f"{state} {number:,}" for state, number in sorted(states.items()))
    note(f"{len(letters):,} of {total:,} dead letters ({told})" if total else "no dead letters")
    return 0


def show(args: argparse.Namespace) -> int:
    """Shows all of one record's dead letters."""
    from insights.tables import dead_letters

    where = [dead_letters.c.origin == args.origin, dead_letters.c.offset == args.offset]
    with open_store(args.store) as store:
        if args.job:
            check_job(store, args.job)
            where.append(dead_letters.c.job == args.job)
        letters = read_letters(store, where, 0)
    if not letters:
        raise UsageProblem(f"{args.origin} {args.offset}: no such dead letter; see textpulse dlq list")
    if args.json:
        print_json(letters)
        return 0
    for letter in letters:
        for name, value in letter.items():
            line(f"{name + ':':<12} {harmless(str(value))}")
        line()
    return 0


def read_letters(store: "Store", where: "Sequence[sa.ColumnElement[bool]]", limit: int) -> list[dict[str, Any]]:
    """The letters, the newest first, with times in ISO 8601, headers as a mapping, their state, whether their original is kept, and in
    words the fix that is. limit: 0 for all."""
    import sqlalchemy as sa

    from insights.letters import beside, plain, readable, state_of
    from insights.tables import dead_letters, fixes, originals
    from schemas.fixes import decode_fix, summary

    columns = dead_letters.c
    kept = beside(sa.func.length(originals.c.sealed), originals).is_not(None).label("original_kept")
    query = readable(sa.select(dead_letters, state_of.label("state"), kept, beside(fixes.c.fix, fixes).label("fix")), where).order_by(
        columns.first_seen_us.desc(), columns.job, columns.origin, columns.offset.desc())
    with store.snapshot() as db:
        rows = [dict(row) for row in db.execute(query.limit(limit or None)).mappings()]
    return [plain({**row, "original_kept": bool(row["original_kept"]), "fix": summary(decode_fix(row["fix"])) if row["fix"] else ""})
            for row in rows]


LIST = Command(
    "list", "list dead letters, the newest first",
    ("dlq list --reason late", "dlq list --origin texts/0 --limit 0 --json"), OPTIONS, run)
SHOW = Command(
    "show", "show all that is known of one dead letter", ("dlq show texts/0 1234",), SHOW_OPTIONS, show,
    (Positional("origin", "topic/partition or a file"),
     Positional("offset", "offset, or record number in the file", parse=int)))
GROUP = Group(
    "dlq", "look at the dead letters of a store, mend them, and count them",
    (LIST, SHOW, dlq_fix.COMMAND, dlq_replay.COMMAND, dlq_drop.COMMAND))
