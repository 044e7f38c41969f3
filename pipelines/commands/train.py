"""textpulse train: a model folder from a folder of data sets, or from a file of labels."""
import argparse
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from models.architectures import ENCODED, NAMES, TASKS
from models.preparation.licences import CHOICES
from pipelines.commands.command import Command
from pipelines.commands.files import names
from pipelines.commands.models import check_model, model_folder
from pipelines.commands.output import line, note
from pipelines.commands.quiet import quiet_import
from pipelines.commands.texts import sources_of, texts_of
from pipelines.errors import UsageProblem
from pipelines.options import TEXT_LIMIT, Option
from pipelines.values import count, expecting, one_of, rate

if TYPE_CHECKING:
    from models.events import Events
    from models.labels import Labels
    from models.self_training import Unlabelled
    from models.settings import Settings

SEARCH = "search"
EVERY_S = 0.2


@expecting(f"some of {', '.join(TASKS)}, with commas")
def tasks(text: str) -> tuple[str, ...]:
    """Names of tasks, each once, in their order. Raises ValueError."""
    named = {part.strip() for part in text.split(",")} if text.strip() else set()
    if not named <= set(TASKS):
        raise ValueError("none of them")
    return tuple(task for task in TASKS if task in named)


@expecting(f"a number above 0, or {SEARCH}")
def learning_rate(text: str) -> float | None:
    """0 to search for one, None where none is given. Raises ValueError."""
    return 0.0 if text == SEARCH else rate(text) if text else None


DATA = Option("data", str, "../shared/data", "folder of the data sets, as published or as `textpulse prepare` wrote them")
OPTIONS = (
    DATA, Option("out", str, "", "the model folder to write; a model there is replaced (needed)"),
    Option("labels", str, "", "train your own topics instead: a CSV file with the columns text and label (sentiment, split)"),
    Option("unlabelled", str, "", "with --labels: files of texts without labels to learn from as well; several with spaces"),
    Option("base", str, "", "with --labels: the model to begin with; default: the model that comes with textpulse"),
    Option("teachers", str, "", "folder of what larger models say of the data, to learn beside the labels: see docs/training.md"),
    Option("licences", one_of(*CHOICES), CHOICES[0],
           "of the rows to train on: all, or permissive, without those for non-commercial use or of unclear licence"),
    Option("arch", one_of(*NAMES), "cnn", f"architecture: {', '.join(NAMES)}"),
    Option("task", tasks, "", f"what to train: {', '.join(TASKS)}, several with commas; default: all of the architecture"),
    Option("epochs", count, 0, "passes over the training rows at most; 0: as many as suit the architecture"),
    Option("patience", count, 3, "epochs without a better dev score after which it ends; 0: never"),
    Option("learning-rate", learning_rate, None, f"at the start; {SEARCH}: the best of short trials; default: the architecture's"),
    Option("class-weights", one_of("none", "balanced"), "none", "balanced: every class counts alike, however few its rows"),
    Option("seed", count, 7, "of weights, order and noise"),
    Option("tensorboard", str, "", "also write losses and dev scores into this folder, for TensorBoard"))


def run(args: argparse.Namespace) -> int:
    """Trains, reports each epoch on stderr, and prints the folder."""
    from models import encoder
    from models.teachers import files

    if not args.out:
        raise UsageProblem("--out FOLDER is needed: where the model is written")
    if args.base and not args.labels:
        raise UsageProblem("--base is for --labels FILE: a model of data sets begins anew")
    if args.unlabelled and not args.labels:
        raise UsageProblem("--unlabelled is for --labels FILE: which labels its texts could have")
    if args.teachers and args.labels:
        raise UsageProblem("--teachers is for data sets: leave it out with --labels")
    if args.licences != CHOICES[0] and args.labels:
        raise UsageProblem("--licences is for data sets: leave it out with --labels")
    if args.labels:
        return _run_labels(args)
    check_data(args.data)
    if args.arch in ENCODED:
        encoder.installed()
    if args.teachers:
        files.found(Path(args.teachers))
    with quiet_import():
        from models.load import meet_the_machine
        from models.settings import Settings
        from models.train import train

        meet_the_machine()
    if args.task and not set(args.task) <= set(Settings(args.arch).of().tasks):
        raise UsageProblem(f"--task {','.join(args.task)}: {args.arch} is trained for {', '.join(Settings(args.arch).of().tasks)} alone")
    line(str(train(Path(args.data), Path(args.out), _settings(args), _watcher(args))))
    return 0


def _run_labels(args: argparse.Namespace) -> int:
    from models.labels import read

    if args.arch != "cnn" or args.task:
        raise UsageProblem("--labels trains topics onto a model of architecture cnn: leave --arch and --task out")
    labels = read(Path(args.labels))
    check_model(args.base)
    texts = _unlabelled(args.unlabelled, labels) if args.unlabelled else None
    with quiet_import():
        from models.load import meet_the_machine
        from models.tune import tune

        meet_the_machine()
    line(str(tune(labels, args.labels, model_folder(args.base), Path(args.out), _settings(args), _watcher(args), texts)))
    return 0


def _unlabelled(given: str, labels: "Labels") -> "Unlabelled":
    from models.self_training import unlabelled

    chunks = texts_of(sources_of(names(given, "--unlabelled")), TEXT_LIMIT.default)
    return unlabelled((text for chunk in chunks for text in chunk), labels, given)


def _settings(args: argparse.Namespace) -> "Settings":
    from models.settings import Settings

    return Settings(
        args.arch, args.task or (), args.epochs or None, args.seed, args.learning_rate, args.patience, args.class_weights == "balanced",
        Path(args.teachers) if args.teachers else None, args.licences)


def _watcher(args: argparse.Namespace) -> "Watch":
    from models.events import Events

    return Watch(Events(Path(args.tensorboard)) if args.tensorboard else None)


class Watch:
    """Notes what there is to read, and draws a bar of the epoch on a terminal."""

    def __init__(self, events: "Events | None") -> None:
        self._events, self._begun, self._due, self._drawn = events, 0.0, 0.0, False

    def said(self, text: str) -> None:
        """A line of its own."""
        self._wipe()
        note(text)

    def stepped(self, epoch: int, done: int, total: int) -> None:
        """The bar, with the time that is left of this epoch."""
        now = time.monotonic()
        if done == 1:
            self._begun = now
        if now < self._due or not sys.stderr.isatty():
            return
        self._due, self._drawn = now + EVERY_S, True
        left = (now - self._begun) / max(done - 1, 1) * (total - done)
        width = min(40, max(10, shutil.get_terminal_size().columns - 50))
        full = width * done // total
        name = f"epoch {epoch}" if epoch else "learning rate"
        sys.stderr.write(f"\r{name} {'█' * full}{'░' * (width - full)} {done:,}/{total:,} steps, {left:.0f} s left  ")
        sys.stderr.flush()

    def scored(self, epoch: int, values: dict[str, float]) -> None:
        """A point of each curve."""
        if self._events:
            self._events.write(epoch, values)

    def _wipe(self) -> None:
        if self._drawn:
            sys.stderr.write("\r\x1b[K")
            self._drawn = False


def check_data(folder: str) -> None:
    """Raises DataError for a folder without data sets, and for prepared rows that were changed, before TensorFlow is imported."""
    from models.readers import preparation_of, reader_of

    reader_of(Path(folder)).present(Path(folder))
    if preparation_of(Path(folder)):
        from models.preparation.read import check_files

        check_files(Path(folder))


COMMAND = Command(
    "train", "train a model on a folder of data sets, or your own topics on a file of labels",
    ("train --labels tickets.csv --out trained/tickets", "train --data my-data --arch rnn --task sentiment,topic --out trained/mine"),
    OPTIONS, run)
