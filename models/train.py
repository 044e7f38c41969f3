"""Trains a model: data in, a whole model folder out."""

import datetime as dt
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from models import card, data, folder, spans, vocabulary
from models.architectures.contract import Architecture, Network, Server, Sizes
from models.batches import encoded, name_pairs
from models.data import DataSet, Example
from models.evaluation import fair, rows
from models.evaluation.answers import Answers, answer
from models.evaluation.evaluate import evaluate
from models.evaluation.scores import span_scores
from models.evaluation.summary import summary
from models.fit import Fit, Job, Watcher
from models.load import load
from models.settings import Settings, state_of
from models.taxonomy import ENTITY_TYPES, TOPICS
from models.temperature import temperature
from schemas.tagging import SENTIMENTS, Tags

NOT_TRAINED = ("other",)
"""The topics of a model that was not trained on any."""


@dataclass(frozen=True, slots=True)
class Material:
    """What a model learns from. topics, kinds: the names of its classes, of texts and of entities. dev: what choices are made on."""

    texts: list[Example]
    entities: list[Example]
    dev: dict[DataSet, list[Example]]
    topics: Sequence[str]
    kinds: Sequence[str]
    digests: dict[str, str]


def train(data_folder: Path, out: Path, settings: Settings, watcher: Watcher) -> Path:
    """Trains on the sets of the data folder, keeps what is best on dev, and writes the model folder `out`.

    A run that was stopped, at any moment, goes on from its last epoch when it is begun again. Raises data.DataError for a folder without
    sets of these tasks, folder.ModelError when `out` is not to be replaced, checkpoint.RunError when another run was begun for it.
    """
    tf.get_logger().setLevel("ERROR")   # of graphs that are traced again: each trial of a learning rate has its own
    architecture, state = settings.of(), state_of(out)
    folder.check_replaceable(out)
    material, published = gathered(data_folder, architecture), rows.read(data_folder, "test")
    identity = settings.identity | {"data": _digest(material.digests)}
    entries = vocabulary.learn((example.text for example in (*material.texts, *material.entities)), architecture.recipe.entries)
    server, history, temperatures = fitted(architecture, settings, material, entries, state, identity, watcher)
    with folder.written_whole(out) as new:
        manifest = write(new, out.name, server, architecture, material, entries)
        watcher.said("scoring the test splits")
        metrics = summary(evaluate(load(new), fair.answerable(published, manifest), report=watcher.said))
        folder.write_json(new / folder.METRICS, {"test": metrics, "dev": history, "temperature": temperatures})
        about = subject(out.name, architecture, settings, material, data_folder)
        (new / folder.CARD).write_text(card.text(about, str(data_folder), metrics, list(material.dev)), encoding="utf-8")
        folder.sync(new)
    state.unlink(missing_ok=True)
    return out


def gathered(data_folder: Path, architecture: Architecture) -> Material:
    """The rows of the sets whose task is trained."""
    evaluated = data.evaluated_texts(data_folder)
    sets = [dataset for dataset in data.present(data_folder) if dataset.task in architecture.tasks]
    if not sets:
        raise data.DataError(f"{data_folder}: holds no set for {', '.join(architecture.tasks)}")
    keep = list if architecture.three_sentiments else _binary
    of_sets = {dataset: keep(data.train(data_folder, dataset, evaluated)) for dataset in sets}
    return Material(
        [e for dataset, examples in of_sets.items() if dataset.task != "entities" for e in examples * dataset.repeat],
        [e for dataset, examples in of_sets.items() if dataset.task == "entities" for e in examples * dataset.repeat],
        {dataset: keep(data.dev(data_folder, dataset)) for dataset in sets},
        TOPICS if "topic" in architecture.tasks else NOT_TRAINED,
        ENTITY_TYPES if "entities" in architecture.tasks else (), data.digests(data_folder, sets))


def _binary(examples: list[Example]) -> list[Example]:
    """Without neutral rows; of the two classes that are left positive is the second."""
    return [replace(e, sentiment=min(e.sentiment, 1)) for e in examples if e.sentiment != SENTIMENTS.index("neutral")]


def fitted(
    architecture: Architecture, settings: Settings, material: Material, entries: Sequence[str], state: Path, identity: dict[str, str],
    watcher: Watcher,
) -> tuple[Server, list[dict[str, Any]], dict[str, float]]:
    """See Fit.run and calibrate."""
    texts, entities = encoded(material.texts, entries), encoded(material.entities, entries)
    watcher.said(f"vocabulary {len(entries)}; rows {len(texts.ids)} with text labels, {len(entities.ids)} with entities")
    sentiments = len(SENTIMENTS) if architecture.three_sentiments else 2
    sizes = Sizes(
        len(entries), sentiments if "sentiment" in architecture.tasks else 1, len(material.topics),
        len(spans.labels_of(material.kinds)), name_pairs(entities))
    rate = None if settings.rate == 0 else architecture.recipe.rate
    job = Job(architecture, sizes, entries, texts, entities, architecture.recipe.epochs, settings.seed, rate, settings.patience,
              settings.class_weights)
    network, server, history = Fit(job, state, identity, scorer(material.dev, architecture.three_sentiments), watcher).run()
    return server, history, calibrate(network, server, architecture, material.dev)


def scorer(dev: Mapping[DataSet, list[Example]], three_sentiments: bool) -> Callable[[Server], dict[str, float]]:
    """Accuracy or F1 on every dev set, by the serving graph."""

    def score(server: Server) -> dict[str, float]:
        tag = tagger(server, three_sentiments)
        return {dataset.name: share_right(dataset.task, examples, answer(tag, [example.text for example in examples]))
                for dataset, examples in dev.items() if examples}

    return score


def share_right(task: str, examples: Sequence[Example], answers: Answers) -> float:
    """Accuracy of a classification, F1 of exact spans."""
    if task == "entities":
        gold, said = ([[(str(kind), start, end) for kind, start, end, *_ in spans] for spans in texts]
                      for texts in ([example.entities or () for example in examples], answers.entities))
        return span_scores(gold, said, [str(kind) for kind in range(len(ENTITY_TYPES))]).micro.f1
    return float(np.mean(getattr(answers, task).argmax(1) == [getattr(example, task) for example in examples]))


def tagger(server: Server, three_sentiments: bool) -> Callable[[Sequence[str]], Tags]:
    """What a server says of texts; of two sentiments the columns of these alone."""

    def tag(texts: Sequence[str]) -> Tags:
        tags = Tags(**{name: value.numpy() for name, value in server.serve(tf.constant(list(texts), tf.string)).items()})
        return tags if three_sentiments else replace(tags, sentiment=tags.sentiment[:, ::2])

    return tag


def calibrate(network: Network, server: Server, architecture: Architecture, dev: Mapping[DataSet, list[Example]]) -> dict[str, float]:
    """Divides the logits of the network and its server by the temperatures of the dev rows, by task, which are returned: 1 without rows."""
    tag = tagger(server, architecture.three_sentiments)
    found = {"sentiment": 1.0, "topic": 1.0}
    for task in found:
        if examples := [example for dataset, of_set in dev.items() if dataset.task == task for example in of_set]:
            shares = getattr(answer(tag, [example.text for example in examples]), task)
            found[task] = temperature(shares, np.array([getattr(example, task) for example in examples]))
    network.cool(**found)
    server.take(network)
    return found


def write(
    new: Path, name: str, server: Server, architecture: Architecture, material: Material, entries: Sequence[str],
) -> folder.Manifest:
    """Writes what answers, and the manifest over it, which is returned."""
    server.release()
    tf.saved_model.save(server, str(new / folder.SAVED_MODEL), signatures={"serve": server.serve})
    vocabulary.write(new / folder.VOCABULARY, entries)
    folder.write_json(new / folder.LABELS, folder.Labels(list(SENTIMENTS), list(material.topics), list(material.kinds)))
    for placeholder in (folder.CARD, folder.METRICS):
        (new / placeholder).touch()
    created = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    version = folder.content_version(new)
    manifest = folder.Manifest(
        name, version, list(architecture.tasks), architecture.about, material.digests, created, architecture.three_sentiments)
    folder.write_json(new / folder.MANIFEST, manifest)
    return manifest


def subject(name: str, architecture: Architecture, settings: Settings, material: Material, data_folder: Path) -> card.Subject:
    """What the card says of the model and how it came to be."""
    said = {
        "sentiment": f"a sentiment ({', '.join(SENTIMENTS if architecture.three_sentiments else SENTIMENTS[::2])})",
        "topic": f"one of {len(material.topics)} topics",
        "entities": f"named spans ({', '.join(ENTITY_TYPES)})"}
    chosen = {"arch": settings.architecture, "task": ",".join(settings.tasks), "data": data_folder}
    command = card.command(chosen | settings.options(architecture))
    return card.Subject(name, settings.architecture, architecture.about, " and ".join(said[task] for task in architecture.tasks), command,
                        architecture.tasks)


def _digest(digests: Mapping[str, str]) -> str:
    return hashlib.sha256(repr(sorted(digests.items())).encode()).hexdigest()
