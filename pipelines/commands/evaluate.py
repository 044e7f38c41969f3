"""textpulse evaluate: a model's scores on a split of the data sets, beside baselines, and a report of them."""
import argparse
from pathlib import Path

from pipelines.commands.command import Command, Positional
from pipelines.commands.files import check_new_folder
from pipelines.commands.models import model_folder, tagger
from pipelines.commands.output import line, note, print_json
from pipelines.commands.quiet import quiet_import
from pipelines.commands.train import DATA
from pipelines.errors import EnvironmentProblem, UsageProblem
from pipelines.options import JSON, MODEL, Option
from pipelines.values import one_of

OPTIONS = (
    MODEL, DATA, Option("split", one_of("test", "dev"), "test", "the rows that are scored: test or dev"),
    Option("report", str, "", "folder to write a report to, which holds texts of the data; a report there is replaced"), JSON)


def run(args: argparse.Namespace) -> int:
    """Prints the scores as a table, and writes the report."""
    from models.evaluation import fair, rows, write
    from models.folder import MANIFEST, Manifest, check_whole, read_json

    if args.folder and args.model:
        raise UsageProblem("the model is named twice, as MODEL and as --model: leave one out")
    named, out = args.folder or args.model, Path(args.report) if args.report else None
    folder = model_folder(named)
    check_whole(folder)
    if out:
        write.check_place(out)
        check_new_folder(out, "--report")
    split = fair.answerable(rows.read(Path(args.data), args.split), read_json(folder / MANIFEST, Manifest))
    fair.check_labels(folder, split)
    seen = fair.perhaps_seen(folder, split)
    for name in split.empty:
        note(f"{name}: has no rows in the {args.split} split, left out")
    for name in seen:
        note(f"{name}: the model may have learnt from these rows: they are held out of training rows here, and it was trained on others")
    with quiet_import():
        from models.evaluation.evaluate import evaluate
        from models.evaluation.summary import summary, table
        from models.load import threads

    model = tagger(named)
    found = evaluate(model, split, report=lambda said: note(said.partition(":")[0] + " scored"), threads=threads(), perhaps_seen=seen)
    if args.json:
        print_json(summary(found))
    else:
        line(table(summary(found), args.split))
    if out:
        try:
            write.write(found, out)
        except OSError as error:
            raise EnvironmentProblem(f"--report {out}: {error.strerror or error}; choose another place") from error
        note(f"{out}: the report, with texts of the data in it")
    return 0


COMMAND = Command(
    "evaluate", "score a model on the test or dev splits of the data sets, beside two baselines",
    ("evaluate --report report", "evaluate trained/mine --data my-data --split dev --json"), OPTIONS, run,
    (Positional("folder", "model folder; default: the model that comes with textpulse", "?"),))
