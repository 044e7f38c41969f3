"""textpulse prepare: clean, de-duplicated, split rows with a report, from a folder of data sets."""
import argparse
from pathlib import Path

from models.preparation.licences import CHOICES
from pipelines.commands.command import Command
from pipelines.commands.files import names
from pipelines.commands.output import line, note
from pipelines.commands.train import DATA
from pipelines.errors import UsageProblem
from pipelines.options import Option
from pipelines.values import count, one_of

OPTIONS = (
    DATA, Option("out", str, "", "the folder to write; prepared data there is replaced (needed)"),
    Option("seed", count, 7, "of the rows that are held out for dev"),
    Option("licences", one_of(*CHOICES), CHOICES[0], "all, or permissive: only rows whose licence class is that"),
    Option("silver", str, "", "files of labels by a teacher, JSON lines; several with spaces"))


def run(args: argparse.Namespace) -> int:
    """Prepares, notes each step on stderr, and prints the folder."""
    from models.preparation.prepare import prepare

    if not args.out:
        raise UsageProblem("--out FOLDER is needed: where the prepared data is written")
    out, silver = Path(args.out), [Path(name) for name in names(args.silver, "--silver")]
    prepare(Path(args.data), out, seed=args.seed, licences=args.licences, silver_files=silver, report=note)
    line(str(out))
    return 0


COMMAND = Command(
    "prepare", "prepare a folder of data sets for training, with a report",
    ("prepare --out prepared", "prepare --data my-data --out prepared --licences permissive --silver 'topics.jsonl moods.jsonl.gz'"),
    OPTIONS, run)
