"""textpulse dlq: the dead letters of a store."""
import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pipelines.commands.command import Command, Group, Positional
from pipelines.commands.output import harmless, line, note, print_json, print_table
from pipelines.commands.reading import check_job, open_store
from pipelines.errors import UsageProblem
from pipelines.options import JSON, STORE, Option
from pipelines.values import count

if TYPE_CHECKING:
    import sqlalchemy as sa

    from insights.store import Store

JOB = Option("job", str, "", "only this job; default: all")
OPTIONS = (
    STORE, JOB, Option("reason", str, "", "only this reason, such as late or malformed"),
    Option("origin", str, "", "only this origin: topic/partition or a file"),
    Option("limit", count, 100, "most dead letters listed, the newest first; 0: all"), JSON)
SHOW_OPTIONS = (STORE, JOB, JSON)


def run(args: argparse.Namespace) -> int:
    """Lists dead letters."""
    from insights.tables import dead_letters
    from schemas.records import Reason

    if args.reason and args.reason not in set(Reason):
        raise UsageProblem(f"--reason {args.reason}: no such reason; choose from {', '.join(Reason)}")
    wanted = {"job": args.job, "reason": args.reason, "origin": args.origin}
    where = [dead_letters.c[name] == value for name, value in wanted.items() if value]
    with open_store(args.store) as store:
        if args.job:
            check_job(store, args.job)
        letters = read_letters(store, where, args.limit)
        total = count_letters(store, where)
    if args.json:
        print_json(letters)
        return 0
    if letters:
        print_table(("first seen (UTC)", "job", "origin", "offset", "reason", "detail", "sample"),
                    [(letter["first_seen"][:19], letter["job"], letter["origin"], str(letter["offset"]),
                      letter["reason"], letter["detail"], letter["sample"][:60]) for letter in letters],
                    numbers=("offset",))
    note(f"{len(letters):,} of {total:,} dead letters" if total else "no dead letters")
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
    """The letters, the newest first, with times in ISO 8601 and headers as a mapping. limit: 0 for all."""
    import sqlalchemy as sa

    from insights.letters import plain, readable
    from insights.tables import dead_letters

    columns = dead_letters.c
    query = readable(sa.select(dead_letters), where).order_by(
        columns.first_seen_us.desc(), columns.job, columns.origin, columns.offset.desc())
    with store.snapshot() as db:
        return [plain(dict(row)) for row in db.execute(query.limit(limit or None)).mappings()]


def count_letters(store: "Store", where: "Sequence[sa.ColumnElement[bool]]") -> int:
    """How many there are."""
    import sqlalchemy as sa

    from insights.letters import readable
    from insights.tables import dead_letters

    with store.snapshot() as db:
        return db.scalar(readable(sa.select(sa.func.count()).select_from(dead_letters), where)) or 0


LIST = Command(
    "list", "list dead letters, the newest first",
    ("dlq list --reason late", "dlq list --origin texts/0 --limit 0 --json"), OPTIONS, run)
SHOW = Command(
    "show", "show all that is known of one dead letter", ("dlq show texts/0 1234",), SHOW_OPTIONS, show,
    (Positional("origin", "topic/partition or a file"),
     Positional("offset", "offset, or record number in the file", parse=int)))
GROUP = Group("dlq", "look at the dead letters of a store", (LIST, SHOW))
