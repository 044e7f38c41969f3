"""Trains a model: data in, a whole model folder out."""

import datetime as dt
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from models import card, data, folder, intents, spans, vocabulary
from models.architectures import TEXT_TASKS
from models.architectures.cnn import EMBEDDING, ENTITY_EMBEDDING
from models.architectures.contract import Architecture, Network, Server, Sizes
from models.batches import encoded, name_pairs
from models.data import NO_LABEL, DataSet, Example
from models.evaluation import fair, rows
from models.evaluation.answers import Answers, answer
from models.evaluation.evaluate import evaluate
from models.evaluation.scores import span_scores
from models.evaluation.summary import summary
from models.fit import Fit, Job, Watcher
from models.licensed import Learnt, OfSets, check_tasks, learnt, permitted
from models.load import load
from models.preparation.licences import CHOICES
from models.preparation.manifest import Manifest as Prepared
from models.readers import preparation_of, reader_of
from models.settings import Settings, state_of
from models.start import start, widened
from models.taxonomy import ENTITY_TYPES, INTENTS, SCOPES, TOPICS, intents_of, scope_of
from models.teachers import files
from models.teachers.files import Vectors
from models.teachers.parts import parts_of_all
from models.teachers.variants import varied
from models.temperature import temperature
from schemas.tagging import SENTIMENTS, Tags

TRUSTED = ("person", "location")
"""The kinds of entities that a teacher tells well. What it takes for others, learnt, costs more names in posts than it brings."""
NOT_TRAINED = ("other",)
"""The topics of a model that was not trained on any."""


@dataclass(frozen=True, slots=True)
class Material:
    """What a model learns from. topics, intents, kinds: the names of its classes. dev: what choices are made on.

    variants: texts like those of a set, which bring what teachers say of them alone, and do not count in the vocabulary.
    teachers: larger models' vectors of the texts. guesses: soft labels by task. learnt: from what sets.
    prepared: what `textpulse prepare` did to the rows.
    """

    texts: list[Example]
    entities: list[Example]
    dev: dict[DataSet, list[Example]]
    topics: Sequence[str]
    intents: Sequence[str]
    kinds: Sequence[str]
    digests: dict[str, str]
    variants: Sequence[Example] = ()
    teachers: Sequence[Vectors] = ()
    guesses: Mapping[str, Vectors] = field(default_factory=dict)
    learnt: Mapping[DataSet, Learnt] = field(default_factory=dict)
    prepared: Prepared | None = None


def train(data_folder: Path, out: Path, settings: Settings, watcher: Watcher) -> Path:
    """Trains on the sets of the data folder, keeps what is best on dev, and writes the model folder `out`.

    A run that was stopped, at any moment, goes on from its last epoch when it is begun again. Raises data.DataError for a folder without
    sets of these tasks, folder.ModelError when `out` is not to be replaced, checkpoint.RunError when another run was begun for it.
    """
    tf.get_logger().setLevel("ERROR")   # of graphs that are traced again: each trial of a learning rate has its own
    architecture, state = settings.of(), state_of(out)
    folder.check_replaceable(out)
    material, published = gathered(data_folder, architecture, settings.teachers, settings.licences), rows.read(data_folder, "test")
    identity = settings.identity | {"data": _digest(material.digests)}
    entries = architecture.vocabulary((example.text for example in (*material.texts, *material.entities)), architecture.recipe.entries)
    if settings.teachers and architecture.recipe.widened:
        entries = widened(entries, settings.teachers)
    server, history, temperatures = fitted(architecture, settings, material, entries, state, identity, watcher)
    with folder.written_whole(out) as new:
        manifest = write(new, out.name, server, architecture, material, entries, abstains(server, material))
        watcher.said("scoring the test splits")
        metrics = summary(evaluate(load(new), fair.answerable(published, manifest), report=watcher.said))
        folder.write_json(new / folder.METRICS, {"test": metrics, "dev": history, "temperature": temperatures})
        about = subject(out.name, architecture, settings, material, data_folder)
        (new / folder.CARD).write_text(card.text(about, str(data_folder), metrics, material.learnt), encoding="utf-8")
        folder.sync(new)
    state.unlink(missing_ok=True)
    return out


def gathered(data_folder: Path, architecture: Architecture, teachers: Path | None = None, licences: str = CHOICES[0]) -> Material:
    """The rows of the sets whose task is trained. teachers: a folder of vectors. licences: of the training rows."""
    reader = reader_of(data_folder)
    evaluated, trained = reader.evaluated_texts(data_folder), {*architecture.tasks}
    sets = [dataset for dataset in reader.present(data_folder) if reader.tasks(data_folder, dataset) & trained]
    if not any({*dataset.tasks} & trained for dataset in sets):
        raise data.DataError(f"{data_folder}: holds no set for {', '.join(architecture.tasks)}")
    keep = partial(_asked, architecture)
    every = {dataset: keep(reader.train(data_folder, dataset, evaluated)) for dataset in sets}
    of_sets, left_out = permitted(every, licences)
    check_tasks(data_folder, architecture.tasks, every, of_sets)
    repeated = [e for dataset, examples in of_sets.items() for e in examples * dataset.repeat]
    texts = [e for e in repeated if any(e.label(task) != NO_LABEL for task in TEXT_TASKS)]   # silver labels are in sets of any task
    entities = [e for e in repeated if e.entities is not None]
    if teachers and "entities" in architecture.tasks:
        entities += silver(teachers, [e for e in texts if e.entities is None])
    found, guesses = (files.found(teachers), files.guessed(teachers)) if teachers else ({}, {})
    return Material(
        texts + (without_labels(texts, entities, evaluated | left_out) if found else []),
        entities,
        {dataset: keep(reader.dev(data_folder, dataset)) if {*dataset.tasks} & trained else [] for dataset in sets},
        TOPICS if "topic" in architecture.tasks else NOT_TRAINED, INTENTS if "intent" in architecture.tasks else (),
        ENTITY_TYPES if "entities" in architecture.tasks else (),
        reader.digests(data_folder, sets)
        | {f"teachers/{path.name}": data.digest_of(path) for path in (*found.values(), *guesses.values())},
        variants(teachers, every, evaluated, left_out) if teachers else (),
        [files.read(path) for path in found.values()],
        {task: files.read(path) for task, path in guesses.items() if task in architecture.tasks}, learnt(every, of_sets),
        preparation_of(data_folder))


def silver(teachers: Path, texts: Sequence[Example]) -> list[Example]:
    """The texts in which a teacher looked for names, with those that it found; those alone in which all are TRUSTED."""
    names = files.read_names(teachers / files.NAMES)
    keys = {example.text: files.key(example.text) for example in texts}
    found = {text: names[key] for text, key in keys.items() if key in names}
    return [Example(text, entities=spans) for text, spans in found.items() if all(ENTITY_TYPES[kind] in TRUSTED for kind, *_ in spans)]


def variants(teachers: Path, of_sets: OfSets, evaluated: set[str], left_out: set[str]) -> list[Example]:
    """What is made of the training rows of all licences, as when the teachers were asked, but for that of texts that are left out."""
    made = (of_set for of_set in varied(of_sets, teachers, evaluated).values())
    return [Example(text) for of_set in made for text, sources in of_set.items() if left_out.isdisjoint(map(data.key_of, sources))]


def without_labels(texts: Sequence[Example], entities: Sequence[Example], evaluated: set[str]) -> list[Example]:
    """Texts that bring what teachers say of them alone: those with entities, and clauses of all."""
    known = {example.text for example in texts}
    named = {example.text for example in entities}
    return [Example(text) for text in sorted((named | parts_of_all(known | named, evaluated)) - known)]


def _asked(architecture: Architecture, examples: list[Example]) -> list[Example]:
    """The rows with the labels of the tasks that are trained."""
    others: dict[str, Any] = {task: NO_LABEL for task in TEXT_TASKS if task not in architecture.tasks}
    if "entities" not in architecture.tasks:
        others["entities"] = None
    known = [replace(one, **others) for one in examples] if others else examples
    return known if architecture.three_sentiments else _binary(known)


def _binary(examples: list[Example]) -> list[Example]:
    """Without neutral rows; of the two classes that are left positive is the second."""
    return [replace(e, sentiment=min(e.sentiment, 1)) for e in examples if e.sentiment != SENTIMENTS.index("neutral")]


def fitted(
    architecture: Architecture, settings: Settings, material: Material, entries: Sequence[str], state: Path, identity: dict[str, str],
    watcher: Watcher,
) -> tuple[Server, list[dict[str, Any]], dict[str, float]]:
    """See Fit.run and calibrate."""
    texts = encoded((*material.texts, *material.variants), entries, (*material.teachers, *material.guesses.values()))
    entities = encoded(material.entities, entries)
    watcher.said(f"vocabulary {len(entries)}; rows {len(texts.ids)} with text labels, {len(entities.ids)} with entities")
    sentiments = len(SENTIMENTS) if architecture.three_sentiments else 2
    sizes = Sizes(
        len(entries), sentiments if "sentiment" in architecture.tasks else 1, len(material.topics),
        max(len(material.intents), 1), len(spans.labels_of(material.kinds)), name_pairs(entities), vocabulary.scripts(entries))
    rate = None if settings.rate == 0 else architecture.recipe.rate
    job = Job(architecture, sizes, entries, texts, entities, architecture.recipe.epochs, settings.seed, rate, settings.patience,
              settings.class_weights, material.teachers, material.guesses, begin(settings, entries))
    network, server, history = Fit(job, state, identity, scorer(material.dev, architecture.three_sentiments), watcher).run()
    return server, history, calibrate(network, server, architecture, material.dev)


def begin(settings: Settings, entries: Sequence[str]) -> Callable[[Network], None]:
    """Gives a network the teachers' values for its pieces, where there are teachers and it has an embedding."""
    if settings.teachers is None:
        return lambda network: None
    rng = np.random.default_rng(settings.seed)
    tables = {"embedding": start(entries, settings.teachers, EMBEDDING, rng),
              "entity_embedding": start(entries, settings.teachers, ENTITY_EMBEDDING, rng)}

    def give(network: Network) -> None:
        for name, table in tables.items():
            if hasattr(network, name):
                getattr(network, name).assign(table)

    return give


def scorer(dev: Mapping[DataSet, list[Example]], three_sentiments: bool) -> Callable[[Server], dict[str, float]]:
    """Accuracy or F1 on every dev set, by the serving graph."""

    def score(server: Server) -> dict[str, float]:
        tag = tagger(server, three_sentiments)
        found = {}
        for dataset, examples in dev.items():
            if examples:
                answers = answer(tag, [example.text for example in examples])
                for task in asked(dataset, examples):
                    found[dataset.title(task)] = share_right(dataset, task, examples, answers)
        return found

    return score


def asked(dataset: DataSet, examples: Sequence[Example]) -> list[str]:
    """The tasks that the rows have labels for."""
    return [task for task in dataset.tasks if task == "entities" or any(example.label(task) != NO_LABEL for example in examples)]


def share_right(dataset: DataSet, task: str, examples: Sequence[Example], answers: Answers) -> float:
    """Accuracy of a classification (of intents among those of the set), F1 of exact spans."""
    if task == "entities":
        wanted, said = ([[(str(kind), start, end) for kind, start, end, *_ in spans] for spans in texts]
                      for texts in ([example.entities or () for example in examples], answers.entities))
        return span_scores(wanted, said, [str(kind) for kind in range(len(ENTITY_TYPES))]).micro.f1
    shares, gold = getattr(answers, task), np.array([example.label(task) for example in examples])
    if task == "intent":
        shares = intents.within(shares, INTENTS, intents_of(dataset.name))
    return float(np.mean(shares.argmax(1) == gold))


def tagger(server: Server, three_sentiments: bool) -> Callable[[Sequence[str]], Tags]:
    """What a server says of texts; of two sentiments the columns of these alone."""

    def tag(texts: Sequence[str]) -> Tags:
        tags = Tags(**{name: value.numpy() for name, value in server.serve(tf.constant(list(texts), tf.string)).items()})
        return tags if three_sentiments else replace(tags, sentiment=tags.sentiment[:, ::2])

    return tag


def calibrate(network: Network, server: Server, architecture: Architecture, dev: Mapping[DataSet, list[Example]]) -> dict[str, float]:
    """Divides the logits of the network and its server by the temperatures of the dev rows, by task, which are returned: 1 without rows."""
    found = {}
    for task in TEXT_TASKS:
        shares, labels = answered(server, task, dev, architecture.three_sentiments)
        found[task] = temperature(shares, labels)
    network.cool(list(found.values()))
    server.take(network)
    return found


def answered(
    server: Server, task: str, dev: Mapping[DataSet, list[Example]], three_sentiments: bool = True,
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """The probabilities float32[N, C] of the dev rows that have a label of a task, and the labels int32[N]."""
    examples = [example for of_set in dev.values() for example in of_set if example.label(task) != NO_LABEL]
    labels = np.array([example.label(task) for example in examples], np.int32)
    if not examples:
        return np.zeros((0, 1), np.float32), labels
    shares = getattr(answer(tagger(server, three_sentiments), [example.text for example in examples]), task)
    return shares, labels


def abstains(server: Server, material: Material) -> float:
    """See intents.threshold_of, by the dev rows; 0 where no intent is known."""
    shares, labels = answered(server, "intent", material.dev)
    return intents.threshold_of(shares, material.intents, labels) if material.intents and len(labels) else 0.0


def write(
    new: Path, name: str, server: Server, architecture: Architecture, material: Material, entries: Sequence[str],
    threshold: float = 0.0,
) -> folder.Manifest:
    """Writes what answers, and the manifest over it, which is returned. threshold: below which no intent is said."""
    server.release()
    tf.saved_model.save(server, str(new / folder.SAVED_MODEL), signatures={"serve": server.serve})
    vocabulary.write(new / folder.VOCABULARY, entries)
    labels = folder.Labels(list(SENTIMENTS), list(material.topics), list(material.kinds), list(material.intents), round(threshold, 3))
    folder.write_json(new / folder.LABELS, labels)
    for placeholder in (folder.CARD, folder.METRICS):
        (new / placeholder).touch()
    created = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    over = architecture.encoder()
    version = folder.content_version(new, over)
    manifest = folder.Manifest(
        name, version, list(architecture.tasks), architecture.about, material.digests, created, architecture.three_sentiments,
        material.prepared.options if material.prepared else None, over)
    folder.write_json(new / folder.MANIFEST, manifest)
    return manifest


def subject(name: str, architecture: Architecture, settings: Settings, material: Material, data_folder: Path) -> card.Subject:
    """What the card says of the model and how it came to be."""
    said = {
        "sentiment": f"a sentiment ({', '.join(SENTIMENTS if architecture.three_sentiments else SENTIMENTS[::2])})",
        "topic": f"one of {len(material.topics)} topics",
        "intent": f"one of {sum(scope_of(name) in SCOPES for name in material.intents)} intents or none",
        "entities": f"named spans ({', '.join(ENTITY_TYPES)})"}
    chosen = {"arch": settings.architecture, "task": ",".join(settings.tasks), "data": data_folder, "teachers": settings.teachers or ""}
    command = card.command(chosen | settings.options(architecture))
    answers = ", ".join(said[task] for task in architecture.tasks)
    return card.Subject(name, settings.architecture, architecture.about, answers, command,
                        architecture.tasks, settings.teachers is not None, settings.licences, material.prepared)


def _digest(digests: Mapping[str, str]) -> str:
    return hashlib.sha256(repr(sorted(digests.items())).encode()).hexdigest()
