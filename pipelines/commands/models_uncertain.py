"""textpulse models uncertain: the texts that are most worth labelling."""
import argparse
import csv
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.commands.command import Command
from pipelines.commands.files import check_place, replacing
from pipelines.commands.output import line, print_json, print_table
from pipelines.commands.texts import FILES, Source, sources_of, texts_of
from pipelines.errors import UsageProblem
from pipelines.options import JSON, MODEL, TEXT_LIMIT, Option
from pipelines.values import count, one_of

if TYPE_CHECKING:
    from models.load import LoadedModel
    from models.uncertain import Doubt

TASKS = ("topic", "sentiment")
OPTIONS = (
    MODEL, Option("task", one_of(*TASKS), "topic", "about what it is in doubt: topic or sentiment"),
    Option("limit", count, 50, "texts at most"),
    Option("output", str, "", "write them into this CSV file, with an empty column to fill in for `textpulse train --labels`"),
    TEXT_LIMIT, JSON)


def run(args: argparse.Namespace) -> int:
    """Reads all texts and shows those with the least margin, the least first."""
    from models.uncertain import most_doubtful
    from pipelines.commands.models import tagger

    if not args.limit:
        raise UsageProblem("--limit 0: at least one is needed")
    if args.output:
        check_place(Path(args.output), "--output")
    sources = sources_of(args.files)
    model = tagger(args.model)
    names = _classes(model, args.task)
    found = most_doubtful(_doubts(model, sources, args.task, args.max_text_bytes), args.limit)
    if args.output:
        _write(Path(args.output), found, args.task)
        line(args.output)
        return 0
    rows = [{"text": one.text, "first": names[one.first], "first_score": one.first_share, "second": names[one.second],
             "second_score": one.second_share, "margin": one.margin} for one in found]
    if args.json:
        print_json(rows)
    else:
        print_table(("margin", "first", "second", "text"), [
            (f"{one.margin:.3f}", f"{names[one.first]} {one.first_share:.2f}", f"{names[one.second]} {one.second_share:.2f}", one.text)
            for one in found], numbers=("margin",))
    return 0


def _classes(model: "LoadedModel", task: str) -> tuple[str, ...]:
    from schemas.tagging import SENTIMENTS

    names = tuple(model.topics) if task == "topic" else SENTIMENTS
    if len(names) < 2:
        raise UsageProblem(f"--task {task}: {model.name} {model.version} knows one {task} alone, and is never in doubt")
    return names


def _doubts(model: "LoadedModel", sources: list[Source], task: str, max_text_bytes: int) -> "Iterator[Doubt]":
    from models.uncertain import doubts

    number = 0
    for texts in texts_of(sources, max_text_bytes):
        yield from doubts(texts, getattr(model.tag(texts), task), number)
        number += len(texts)


def _write(path: Path, found: "list[Doubt]", task: str) -> None:
    columns = ("text", "label") if task == "topic" else ("text", "label", "sentiment")
    with replacing(path, "--output") as new, new.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(columns)
        out.writerows((one.text, *[""] * (len(columns) - 1)) for one in found)


COMMAND = Command(
    "uncertain", "list the texts that are most worth labelling: those the model decides least about",
    ("models uncertain events.jsonl.gz", "models uncertain --model trained/tickets --limit 200 --output to-label.csv texts.txt"),
    OPTIONS, run, (FILES,))
