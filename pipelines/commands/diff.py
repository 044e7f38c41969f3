"""textpulse diff: two jobs, cell by cell."""
import argparse
from contextlib import ExitStack
from typing import TYPE_CHECKING

from pipelines.commands.command import Command, Positional
from pipelines.commands.output import harmless, line, print_json
from pipelines.commands.reading import jobs_of, open_store
from pipelines.errors import UsageProblem
from pipelines.options import JSON, Option
from pipelines.values import count

if TYPE_CHECKING:
    from insights.difference import CellDifference, Difference, LatePart
    from insights.store import Store

OPTIONS = (
    Option("job-a", str, "", "job of STORE_A; needed where it has several"),
    Option("job-b", str, "", "job of STORE_B; needed where it has several"),
    Option("no-tags", bool, False, "compare only what no model can change: records, authors and samples"),
    Option("limit", count, 50, "most differences shown; 0: all"), JSON)


def run(args: argparse.Namespace) -> int:
    """Prints where two jobs differ; 0 when they are equal but for late records, else 1."""
    from insights.difference import difference

    with ExitStack() as stack:
        store_a = stack.enter_context(open_store(args.store_a, "STORE_A"))
        same_store = args.store_b in (None, args.store_a)
        store_b = store_a if same_store else stack.enter_context(open_store(args.store_b, "STORE_B"))
        job_a, job_b = _job(store_a, args.job_a, "--job-a"), _job(store_b, args.job_b, "--job-b")
        if same_store and job_a == job_b:
            raise UsageProblem(
                f"job {job_a} of {store_a.name} cannot be compared with itself: name a second store or --job-b")
        found = difference(store_a, job_a, store_b, job_b, tags=not args.no_tags)
    if args.json:
        print_json({"same": found.same, "difference": found})
    else:
        _show(found, args.limit)
    return 0 if found.same else 1


def _job(store: "Store", named: str, option: str) -> str:
    """The job named, else the store's only one."""
    if named:
        return named
    jobs = jobs_of(store)
    if len(jobs) != 1:
        raise UsageProblem(f"{option}: {store.name} has {len(jobs)} jobs ({', '.join(jobs) or 'none'}); name one")
    return jobs[0]


def _show(found: "Difference", limit: int) -> None:
    line(f"{found.job_a} | {found.job_b}: {'equal' if found.same else 'different'}")
    line(f"cells equal: {found.equal:,}")
    if found.since_us is not None:
        line(f"compared from {_window(found.since_us)} on: what was before is dropped for its age")
    if not found.authors:
        line("authors are not compared: the jobs have other keys of pseudonyms (a policy's [key], or one store, makes them the same)")
    for job, records in ((found.job_a, found.replayed_a), (found.job_b, found.replayed_b)):
        if records and found.replayed_a != found.replayed_b:
            line(f"{job} counts {records:,} records that were mended and replayed (textpulse dlq list --state replayed)")
    if found.not_closed:
        line(f"windows that may still change: {found.not_closed:,}")
    shown = limit or None
    if found.late:
        records = sum(part.missing for part in found.late)
        line(f"late only (no difference): {records:,} records in {len(found.late):,} parts")
        _list([_late(part, found) for part in found.late], shown)
    if found.differing:
        line(f"differences: {len(found.differing):,}")
        _list([_differing(one) for one in found.differing], shown)


def _list(lines: list[str], shown: int | None) -> None:
    for text in lines[:shown]:
        line(f"  {harmless(text)}")
    if left := len(lines) - len(lines[:shown]):
        line(f"  ... and {left:,} more (--limit 0 shows all)")


def _late(part: "LatePart", found: "Difference") -> str:
    lacks = found.job_a if part.lacks == "a" else found.job_b
    return f"{_window(part.window_us)} {_named(part.source, part.product)}: {lacks} lacks {part.missing:,}"


def _differing(one: "CellDifference") -> str:
    key = one.key
    where = f"{_window(key.window_us)} {_named(key.source, key.product, key.lang, key.topic)}"
    return f"{where} {one.figure}: {one.a} | {one.b}"


def _window(window_us: int) -> str:
    from schemas.records import time_of

    return f"{time_of(window_us):%Y-%m-%dT%H:%M:%SZ}"


def _named(*parts: str) -> str:
    return "/".join(part or "-" for part in parts)


COMMAND = Command(
    "diff", "compare two jobs cell by cell: a stream with the backfill of the same records",
    ("diff sqlite:///stream.db sqlite:///backfill.db",
     "diff sqlite:///textpulse.db --job-a live --job-b june --no-tags"),
    OPTIONS, run,
    (Positional("store_a", "a store, such as sqlite:///FILE"),
     Positional("store_b", "the other; default: the same", "?")))
