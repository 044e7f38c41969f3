"""Trains a user's own topics onto a model that is there: what it knows of moods and names is kept, and no data set is needed."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from models import card, folder, self_training
from models.architectures import TASKS
from models.architectures.cnn import ConvolutionalNetwork
from models.architectures.contract import Architecture, Network, Server, Sizes
from models.architectures.registry import ARCHITECTURES
from models.architectures.stored import value_of
from models.batches import Encoded, encoded
from models.data import NO_LABEL, DataSet, Example
from models.evaluation.answers import answer
from models.evaluation.scores import label_scores
from models.evaluation.summary import figures
from models.fit import Fit, Job, Watcher
from models.labels import Labels
from models.load import LoadedModel, load
from models.self_training import SHARES, Pseudo, Shares, Unlabelled, best_round, soft
from models.settings import Settings, state_of
from models.teachers.files import Vectors
from models.train import Material, calibrate, scorer, tagger, write
from models.vocabulary import scripts
from schemas.tagging import SENTIMENTS

ARCHITECTURE = "cnn"
EPOCHS = 12
RATE = 2e-3
"""Lower than that of a network which begins anew."""
EPOCH_ROWS = 7_680
"""Of an epoch, at least: it reads a small file several times, or there would be too few steps to learn anything."""
TABLES = ("embedding", "entity_embedding", "kernel", "entity_kernel", "bias", "bigrams", "pairs", "names")
PARTS = ("text_heads", "entity_heads")


def tune(
    labels: Labels, source: str, base_folder: Path, out: Path, settings: Settings, watcher: Watcher, unlabelled: Unlabelled | None = None,
) -> Path:
    """Writes the model folder `out`, whose topics are the labels. unlabelled: texts to learn from as well (see self_training.py).

    All weights learn, beginning with the base's; what these say of sentiment and entities, of the texts and of random ones, is learnt
    beside the labels, so that it is not forgotten (see rehearsal.py). source: the file, as it was named. Raises folder.ModelError for a
    base that cannot be begun with, and as models.train.train does.
    """
    tf.get_logger().setLevel("ERROR")
    base = load(base_folder)
    folder.check_replaceable(out)
    architecture = _architecture(settings, folder.read_json(base_folder / folder.MANIFEST, folder.Manifest).tasks)
    start = Start(base)
    material = material_of(labels, source, base, unlabelled)
    identity = settings.identity | {"labels": labels.sha256, "base": base.version}
    identity |= {"unlabelled": unlabelled.sha256} if unlabelled else {}
    texts, entities = encoded(material.texts, base.vocabulary), encoded(material.entities, base.vocabulary)
    sizes = Sizes(
        len(base.vocabulary), len(SENTIMENTS), len(material.topics), 1, start.entity_labels, start.name_pairs, scripts(base.vocabulary))
    watcher.said(f"begins with {base.name} {base.version}; {len(labels.of('train')):,} rows, {len(labels.names)} labels")
    job = Job(architecture, sizes, base.vocabulary, texts, entities, architecture.recipe.epochs, settings.seed,
              None if settings.rate == 0 else architecture.recipe.rate, settings.patience, settings.class_weights, start=start, keeps=True)
    states = states_of(out)
    if not states[0].exists():   # begun anew: what others left counts no more
        _remove(states)

    def trained(number: int, pseudo: list[Pseudo]) -> Trained:
        of_round = job
        if pseudo:
            rows, guesses = with_pseudo(material, base.vocabulary, pseudo)
            of_round = replace(job, texts=rows, guesses={"topic": guesses})
        network, server, history = Fit(of_round, states[number], identity, scorer(material.dev, three_sentiments=True), watcher).run()
        shares = answer(tagger(server, three_sentiments=True), unlabelled.texts).topic if unlabelled else np.zeros((0, 0), np.float32)
        return Trained(pseudo, shares, server, history, calibrate(network, server, architecture, material.dev))

    best, rounds = best_round(trained, unlabelled.texts, watcher.said) if unlabelled else (trained(0, []), [])
    with folder.written_whole(out) as new:
        write(new, out.name, best.server, architecture, material, base.vocabulary)
        metrics = scored(load(new), labels, watcher)
        found = {"test": metrics, "dev": best.history, "temperature": best.temperatures}
        folder.write_json(new / folder.METRICS, found | ({"rounds": rounds} if rounds else {}))
        said = self_training.told(unlabelled, best, rounds) if unlabelled else ""
        options = {"labels": source, "unlabelled": shlex.quote(unlabelled.source) if unlabelled else ""} | settings.options(architecture)
        (new / folder.CARD).write_text(_card(out.name, card.command(options), labels, base, metrics, said), encoding="utf-8")
        folder.sync(new)
    _remove(states)
    return out


@dataclass(frozen=True, slots=True)
class Trained:
    """What was fitted on the labels and some pseudo-labels, at its best epoch.

    shares: of the texts without labels, before calibration, for which a few dev rows are no measure. history: the dev scores of its epochs.
    """

    pseudo: Sequence[Pseudo]
    shares: Shares
    server: Server
    history: list[dict[str, Any]]
    temperatures: dict[str, float]

    @property
    def dev(self) -> float:
        """The share of dev rows that is right."""
        return max(float(one["mean"]) for one in self.history)


def states_of(out: Path) -> list[Path]:
    """The state of each round: one that is finished stands until all are, so that a run that was killed is at once where it was."""
    first = state_of(out)
    return [first, *(first.with_suffix(f".{number}{first.suffix}") for number in range(1, len(SHARES) + 1))]


def _remove(states: Sequence[Path]) -> None:
    for state in states:
        state.unlink(missing_ok=True)


def with_pseudo(material: Material, vocabulary: Sequence[str], pseudo: Sequence[Pseudo]) -> tuple[Encoded, Vectors]:
    """The rows of the file and some more, and the soft labels of these."""
    guesses = soft(pseudo)
    rows = [*material.texts, *(Example(one.text, topic=one.label) for one in pseudo)]
    return encoded(rows, vocabulary, (guesses,)), guesses


def _architecture(settings: Settings, tasks: Sequence[str]) -> Architecture:
    found = replace(ARCHITECTURES[ARCHITECTURE], tasks=tuple(task for task in TASKS if task in tasks or task == "topic"))
    return replace(found, recipe=replace(found.recipe, epochs=settings.epochs or EPOCHS, rate=settings.rate or RATE))


class Start:
    """Gives a network the weights of a loaded model, but for those of the topics. Raises ModelError for another architecture."""

    def __init__(self, base: LoadedModel) -> None:
        self._module = base.module
        if base.tier != "fast" or not all(hasattr(self._module, f"_{name}") for name in (*TABLES, *PARTS, "name_pairs")):
            raise folder.ModelError(base.folder, "is of another architecture: own labels are trained onto a model of architecture cnn")
        self.name_pairs = self._module._name_pairs.numpy()
        self.entity_labels = int(self._module.entity_labels.numpy())

    def __call__(self, network: Network) -> None:
        assert isinstance(network, ConvolutionalNetwork)
        for name in TABLES:
            stored = getattr(self._module, f"_{name}")
            getattr(network, name).assign(value_of(stored) if hasattr(stored, "scales") else stored)
        for part in PARTS:
            for own, theirs in zip(getattr(network, part), getattr(self._module, f"_{part}"), strict=True):
                for name, variable in vars(own).items():
                    if isinstance(variable, tf.Variable) and name not in ("topic", "intent"):
                        variable.assign(getattr(theirs, name))


def material_of(labels: Labels, source: str, base: LoadedModel, unlabelled: Unlabelled | None = None) -> Material:
    """The rows of the file, as often as an epoch reads them, and the digests of all that is learnt from."""
    texts = [Example(row.text, SENTIMENTS.index(row.sentiment) if row.sentiment else NO_LABEL, labels.names.index(row.label))
             for row in labels.of("train")]
    dataset = DataSet(Path(source).name, "topic", "", lambda row: Example(""), "", "")
    digests = {Path(source).name: labels.sha256, "base": base.version} | ({"unlabelled": unlabelled.sha256} if unlabelled else {})
    texts *= -(-EPOCH_ROWS // len(texts))
    return Material(texts, [], {dataset: _examples(labels, "dev")}, labels.names, (), base.learnt_types, digests)


def _examples(labels: Labels, split: str) -> list[Example]:
    return [Example(row.text, topic=labels.names.index(row.label)) for row in labels.of(split)]


def scored(model: LoadedModel, labels: Labels, watcher: Watcher) -> dict[str, Any]:
    """Split -> rows, accuracy and macro_f1, of dev and of test where there is one."""
    found: dict[str, Any] = {}
    for split in ("dev", "test"):
        if examples := _examples(labels, split):
            said = answer(model.tag, [example.text for example in examples]).topic.argmax(1)
            scores = label_scores([example.topic for example in examples], said, labels.names)
            found[split] = {"rows": len(examples), **figures("topic", scores)}
            shown = f"accuracy {found[split]['accuracy']:.3f}, macro-F1 {found[split]['macro_f1']:.3f}"
            watcher.said(f"{split}: {shown} of {len(examples):,} rows")
    return found


_CARD = """# {name}

Tags texts with one of {count} topics of its own: {names}. Sentiment and entities are as the base says them: {base} {version}.

## Training

    {command}

Began with the weights of the base, and learnt {rows:,} rows. The base's own sentiment and entities, of these texts and of random ones,
were learnt beside the labels, so that they are not forgotten. The best epoch by accuracy on the dev rows is kept: their figure flatters.
{self_training}
## Figures

| split | rows | accuracy | macro-F1 |
|---|---:|---:|---:|
{figures}

{base_data}"""


def _card(name: str, command: str, labels: Labels, base: LoadedModel, metrics: dict[str, Any], self_training: str) -> str:
    figures = "\n".join(
        f"| {split} | {found['rows']:,} | {found['accuracy']:.3f} | {found['macro_f1']:.3f} |" for split, found in metrics.items())
    _, heading, data = (base.folder / folder.CARD).read_text(encoding="utf-8").partition("## Data")
    return _CARD.format(
        name=name, count=len(labels.names), names=", ".join(labels.names), base=base.name, version=base.version, command=command,
        self_training=self_training, rows=len(labels.of("train")), figures=figures,
        base_data=f"{heading} of the base{data}" if heading else "")
