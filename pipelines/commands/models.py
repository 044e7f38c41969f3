"""textpulse models: the models that are at hand."""
import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.commands import models_uncertain
from pipelines.commands.command import Command, Group
from pipelines.commands.output import note, print_json, print_table
from pipelines.commands.quiet import quiet_import
from pipelines.errors import UsageProblem
from pipelines.options import JSON, Option

if TYPE_CHECKING:
    from insights.carried import Carrier, Said, Text
    from models.explain import Explainer
    from models.load import LoadedModel

OPTIONS = (Option("folder", str, "", "also list the models in this folder"), JSON)


def run(args: argparse.Namespace) -> int:
    """Lists the model that comes with textpulse and those in the folder, the newest first."""
    from models.catalog import models_in

    if args.folder and not Path(args.folder).is_dir():
        raise UsageProblem(f"--folder {args.folder}: no such folder")
    found = [model for model in models_in([model_folder(""), *([Path(args.folder)] if args.folder else [])]) if _whole(model.folder)]
    if args.json:
        print_json(found)
        return 0
    print_table(("name", "version", "tier", "tasks", "MB", "created", "folder"),
                [(model.name, model.version, model.tier, ", ".join(model.tasks), f"{model.size_bytes / 1e6:.1f}", model.created,
                  model.folder) for model in found], numbers=("MB",))
    if not found:
        note("no model at hand; `textpulse train --out FOLDER` makes one")
    return 0


def _whole(folder: str) -> bool:
    """Whether it can be loaded as far as its files say; why not is noted."""
    from models.encoder import EncoderError
    from models.folder import ModelError

    try:
        check_model(folder)
    except (EncoderError, ModelError) as error:
        note(f"left out: {error}")
        return False
    return True


def model_folder(named: str) -> Path:
    """The folder of --model, by default that of the model that comes with textpulse (models.load.DEFAULT)."""
    import models

    return Path(named) if named else Path(next(iter(models.__path__))) / "fast"


def tagger(named: str) -> "LoadedModel":
    """The loaded model of --model. Raises ModelError, for what is missing before TensorFlow is imported."""
    check_model(named)
    with quiet_import():
        from models.load import load

        return load(model_folder(named))


def explainer(model: "LoadedModel") -> "Explainer":
    """What explains the model's tags. Raises ModelError for a model that it cannot explain."""
    with quiet_import():
        from models.explain import Explainer

        return Explainer(model)


def check_carrier(named: str) -> None:
    """Raises ModelError for a model that is not there, or was not trained for sentiment, before TensorFlow is imported."""
    from models.folder import MANIFEST, Manifest, ModelError, read_json

    check_model(named)
    path = model_folder(named) / MANIFEST
    if "sentiment" not in read_json(path, Manifest).tasks:
        raise ModelError(path, "was not trained for sentiment, so no word carried one")


def carrier(named: str) -> "Carrier":
    """What says which words of shown texts carried their sentiment, by the model of --model. Raises ModelError, as explainer does."""
    from insights.carried import Carrier, Said
    from schemas.tagging import SENTIMENTS

    check_carrier(named)
    model = tagger(named)
    explain = explainer(model).explain

    def ask(shown: "Sequence[Text]") -> "list[Said]":
        texts = [text for text, _ in shown]
        tags = model.tag(texts)
        whys = explain(texts, tags, sentiments=[SENTIMENTS.index(sentiment) for _, sentiment in shown])
        return [Said(SENTIMENTS[at], [(word.start, word.end, word.weight) for word in why.sentiment])
                for at, why in zip(tags.sentiment.argmax(1).tolist(), whys, strict=True)]

    return Carrier(f"{model.name} {model.version}", ask)


def check_model(named: str) -> None:
    """Raises ModelError for a folder that is not there or not whole, before TensorFlow is imported."""
    from models.folder import check_whole

    check_whole(model_folder(named))


LIST = Command("list", "list the models at hand, the newest first", ("models", "models list --folder trained --json"),
               OPTIONS, run)
GROUP = Group("models", "the models at hand, and what they are in doubt about", (LIST, models_uncertain.COMMAND), default="list")
