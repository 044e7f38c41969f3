"""textpulse verify: the conservation law on a store."""
import argparse
from typing import TYPE_CHECKING

from pipelines.commands.command import Command
from pipelines.commands.output import harmless, line, note, print_json, print_table
from pipelines.commands.reading import check_job, open_store
from pipelines.options import JSON, STORE, Option

if TYPE_CHECKING:
    from insights.conservation import Audit

OPTIONS = (STORE, Option("job", str, "", "only this job; default: all"), JSON)


def run(args: argparse.Namespace) -> int:
    """Prints the totals and what breaks a law; 0 when nothing does, else 1."""
    from insights.conservation import audit

    with open_store(args.store) as store:
        if args.job:
            check_job(store, args.job)
        found = audit(store, args.job or None)
    if args.json:
        print_json({"holds": not found.findings, "totals": found.totals, "findings": found.findings})
    else:
        _show(found)
    return 1 if found.findings else 0


def _show(found: "Audit") -> None:
    if not found.totals:
        note("the store holds no records yet")
    else:
        some_dropped = any(total.dropped for total in found.totals)
        some_replayed = any(total.replayed for total in found.totals)
        numbers = ("run", "read", "in cells", *(["dropped"] if some_dropped else []), "open", "dead letters",
                   *(["of these replayed"] if some_replayed else []))
        print_table(("job", *numbers, "by reason"), [
            (total.job, total.run, total.read, total.in_cells, *([total.dropped] if some_dropped else []), total.open,
             sum(total.dead.values()), *([total.replayed] if some_replayed else []),
             ", ".join(f"{reason} {letters:,}" for reason, letters in sorted(total.dead.items())))
            for total in found.totals], numbers=numbers)
    for finding in found.findings:
        line(harmless(str(finding)))
    line(f"broken: {len(found.findings):,} findings" if found.findings
         else "holds: records read = in cells + dead letters + open")


COMMAND = Command(
    "verify", "check that no record was lost or counted twice: read = in cells + dead letters + open",
    ("verify --store sqlite:///textpulse.db", "verify --job june --json"), OPTIONS, run)
