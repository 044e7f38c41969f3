"""textpulse evaluate: a model's scores on the test splits, beside two baselines."""
import argparse
from pathlib import Path

from pipelines.commands.command import Command, Positional
from pipelines.commands.models import model_folder
from pipelines.commands.output import line, note, print_json
from pipelines.commands.quiet import quiet_import
from pipelines.commands.train import DATA, check_data
from pipelines.errors import UsageProblem
from pipelines.options import JSON, MODEL

OPTIONS = (MODEL, DATA, JSON)


def run(args: argparse.Namespace) -> int:
    """Prints the scores as a table."""
    from models.folder import check_whole

    if args.folder and args.model:
        raise UsageProblem("the model is named twice, as MODEL and as --model: leave one out")
    folder = model_folder(args.folder or args.model)
    check_whole(folder)
    check_data(args.data)
    with quiet_import():
        from models.evaluate import evaluate, table

    found = evaluate(folder, Path(args.data), report=lambda said: note(said.partition(":")[0] + " scored"))
    if args.json:
        print_json(found)
    else:
        line(table(found))
    return 0


COMMAND = Command(
    "evaluate", "score a model on the test splits of the data sets, beside two baselines",
    ("evaluate", "evaluate trained/mine --data my-data --json"), OPTIONS, run,
    (Positional("folder", "model folder; default: the model that comes with textpulse", "?"),))
