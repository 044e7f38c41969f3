"""textpulse insights: what a store says of its windows."""
import argparse
import csv
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.commands.command import Command
from pipelines.commands.files import check_place, replacing
from pipelines.commands.output import harmless, note, print_json, print_table
from pipelines.commands.reading import open_store, time_us
from pipelines.errors import UsageProblem
from pipelines.options import INSIGHTS
from pipelines.values import positive_s

if TYPE_CHECKING:
    from insights.queries import Insight

OPTIONS = INSIGHTS
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")


def run(args: argparse.Namespace) -> int:
    """Prints the insights asked for, or writes them to a file, which is whole or not written at all."""
    from insights.queries import insights

    form = _format(args)
    from_us, to_us = time_us(getattr(args, "from"), "--from"), time_us(args.to, "--to")
    by = [name.strip() for name in args.by.split(",") if name.strip()]
    path = Path(args.output) if args.output else None
    if path:
        check_place(path, "--output")
    elif form == "parquet" and sys.stdout.isatty():
        raise UsageProblem("--format parquet: is not for a terminal; name a file with --output")
    with open_store(args.store) as store:
        found = insights(store, args.job, from_us=from_us, to_us=to_us, size_us=_size_us(args.window), by=by,
                         top=args.top)
    lengths = {insight.end - insight.start for insight in found}
    if len(lengths) > 1 or (args.window and any(length.total_seconds() > positive_s(args.window) for length in lengths)):
        note("older windows are merged into hours or days: `start` and `end` say which (docs/retention.md)")
    if path is None:
        _write(found, by, args.job, form)
        return 0
    with replacing(path, "--output") as new, new.open("w", encoding="utf-8", newline="") as file, redirect_stdout(file):
        _write(found, by, args.job, form)
    note(f"{path}: {len(found):,} rows")
    return 0


def _format(args: argparse.Namespace) -> str:
    """The one format that was asked for."""
    asked = {name: f"--{name}" for name in ("csv", "json") if getattr(args, name)}
    if args.format != "table":
        asked.setdefault(args.format, f"--format {args.format}")
    if len(asked) > 1:
        raise UsageProblem(f"{' and '.join(asked.values())}: choose one")
    return next(iter(asked), "table")


def _write(found: "Sequence[Insight]", by: Sequence[str], job: str, form: str) -> None:
    """To stdout."""
    if form == "json":
        print_json(found)
    elif form == "csv":
        _print_csv(found, by)
    elif form == "parquet":
        _write_parquet(found, by, job)
    else:
        _print_table(found, by, job)


def _write_parquet(found: "Sequence[Insight]", by: Sequence[str], job: str) -> None:
    from pyarrow import parquet

    from insights.arrow import arrow_table

    parquet.write_table(arrow_table(found, by, job), sys.stdout.buffer, compression="zstd")


def _size_us(window: str) -> int | None:
    if not window:
        return None
    try:
        return round(positive_s(window) * 1_000_000)
    except ValueError as error:
        raise UsageProblem(f"--window {window}: not a length of time, such as 10m or 1h") from error


def _print_table(found: "Sequence[Insight]", by: Sequence[str], job: str) -> None:
    if not found:
        note(f"no windows of job {job} in this time")
        return
    numbers = ("records", "neg", "neu", "pos", "score", "authors")
    columns = ["window (UTC)", "state", *by, *numbers, "entities", "terms"]
    print_table(columns, [
        [_span(insight), insight.state.value, *insight.group.values(), insight.records, *_shares(insight),
         f"{insight.score:.2f}", insight.authors, ", ".join(_entities(insight)), ", ".join(_terms(insight))]
        for insight in found], numbers=numbers)


def _print_csv(found: "Sequence[Insight]", by: Sequence[str]) -> None:
    """RFC 4180 but for the line ends; entities and terms in one column each, with ; between them.

    What a spreadsheet would take for a formula has an apostrophe before it: names come from strangers.
    """
    writer = csv.writer(sys.stdout, lineterminator="\n")
    numbers = ("records", "negative", "neutral", "positive", "score", "authors")
    writer.writerow(["start", "end", "state", *by, *numbers, "entities", "terms"])
    for insight in found:
        writer.writerow([
            insight.start.isoformat(), insight.end.isoformat(), insight.state.value, *map(_no_formula, insight.group.values()),
            *(getattr(insight, name) for name in numbers), _no_formula("; ".join(_entities(insight))),
            _no_formula("; ".join(_terms(insight)))])


def _no_formula(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text


def _span(insight: "Insight") -> str:
    same_day = insight.end.date() == insight.start.date()
    end = f"{insight.end:%H:%M:%S}" if same_day else f"{insight.end:%Y-%m-%d %H:%M:%S}"
    return f"{insight.start:%Y-%m-%d %H:%M:%S} - {end}"


def _shares(insight: "Insight") -> list[str]:
    return [f"{part / insight.records:.0%}" if insight.records else "-"
            for part in (insight.negative, insight.neutral, insight.positive)]


def _entities(insight: "Insight") -> list[str]:
    return [f"{harmless(entity.text)} ({entity.type}) {entity.records}" for entity in insight.entities]


def _terms(insight: "Insight") -> list[str]:
    return [f"{harmless(term.term)} {term.records}" for term in insight.terms]


COMMAND = Command(
    "insights", "show what a store says: records, sentiment, entities and terms by window and group",
    ("insights --store sqlite:///textpulse.db --window 1h --by topic,source",
     "insights --from 2026-06-01T00:00Z --to 2026-06-02T00:00Z --by product --format parquet --output june-1.parquet"),
    OPTIONS, run)
