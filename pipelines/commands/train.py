"""textpulse train: a model folder from a folder of data sets."""
import argparse
from pathlib import Path

from pipelines.commands.command import Command
from pipelines.commands.output import line, note
from pipelines.commands.quiet import quiet_import
from pipelines.errors import UsageProblem
from pipelines.options import Option
from pipelines.values import count

DATA = Option("data", str, "../shared/data", "folder of the data sets")
OPTIONS = (
    DATA, Option("out", str, "", "the model folder to write; a model there is replaced (needed)"),
    Option("epochs", count, 8, "passes over the training rows"), Option("seed", count, 7, "of weights and order"))


def run(args: argparse.Namespace) -> int:
    """Trains, reports each epoch on stderr, and prints the folder."""
    if not args.out:
        raise UsageProblem("--out FOLDER is needed: where the model is written")
    if not args.epochs:
        raise UsageProblem("--epochs 0: at least one is needed")
    check_data(args.data)
    with quiet_import():
        from models.train import train

    folder = train(Path(args.data), Path(args.out), epochs=args.epochs, seed=args.seed, report=note)
    line(str(folder))
    return 0


def check_data(folder: str) -> None:
    """Raises DataError for a folder without data sets, before TensorFlow is imported."""
    from models.data import present

    present(Path(folder))


COMMAND = Command(
    "train", "train a model on a folder of data sets",
    ("train --out trained/fast", "train --data my-data --out trained/mine --epochs 12 --seed 1"), OPTIONS, run)
