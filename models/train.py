"""Trains the fast model: data in, a whole model folder out."""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from models import card, data, export, folder, spans, vocabulary
from models.batches import Encoded, batches, encoded, name_pairs
from models.data import DataSet, Example
from models.evaluation import rows
from models.evaluation.answers import answer
from models.evaluation.evaluate import evaluate
from models.evaluation.judged import judged
from models.evaluation.summary import summary
from models.load import load
from models.network import Batch, Network
from models.taxonomy import ENTITY_TYPES, TOPICS
from schemas.tagging import SENTIMENTS, Tags

NAME = "fast"
ARCHITECTURE = (
    "convolutions 2, 3, 5 x 64 and hashed bigrams over pieces, max and mean pooling, sentiment, topic and BIO heads"
)
LEARNING_RATE = 2e-3
FINAL_RATE_SHARE = 0.05
FIRST_AVERAGED = 2
"""The first epoch whose weights count in the mean; those of the very first are far off."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a training run learns from: the encoded rows of each kind, the vocabulary, and the dev examples."""

    vocabulary: list[str]
    texts: Encoded
    entities: Encoded
    dev: dict[DataSet, list[Example]]


class Adam:
    """Adam (Kingma and Ba 2015) by TensorFlow's fused operation: the two tables of millions of rows need it."""

    def __init__(self, variables: Sequence[tf.Variable]) -> None:
        self._variables = variables
        self._first = [tf.Variable(tf.zeros_like(v)) for v in variables]
        self._second = [tf.Variable(tf.zeros_like(v)) for v in variables]
        self._power1, self._power2 = tf.Variable(1.0), tf.Variable(1.0)
        self.rate = tf.Variable(LEARNING_RATE)

    def apply(self, gradients: Sequence[tf.Tensor | tf.IndexedSlices | None]) -> None:
        """One step; a variable without a gradient stays as it is."""
        self._power1.assign(self._power1 * 0.9)
        self._power2.assign(self._power2 * 0.999)
        for v, m, s, gradient in zip(self._variables, self._first, self._second, gradients, strict=True):
            if gradient is None:
                continue
            tf.raw_ops.ResourceApplyAdam(
                var=v.handle,
                m=m.handle,
                v=s.handle,
                beta1_power=self._power1,
                beta2_power=self._power2,
                lr=self.rate,
                beta1=0.9,
                beta2=0.999,
                epsilon=1e-7,
                grad=tf.convert_to_tensor(gradient),
            )


class Trainer:
    """Two kinds of step over one network: rows with text labels, rows with entity labels."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.optimizer = Adam(network.trainable_variables)

    @tf.function(reduce_retracing=True)
    def text_step(self, batch: Batch) -> tf.Tensor:
        """The loss before the step."""
        return self._step(lambda: self.network.text_loss(batch))

    @tf.function(reduce_retracing=True)
    def entity_step(self, batch: Batch) -> tf.Tensor:
        """The loss before the step."""
        return self._step(lambda: self.network.entity_loss(batch))

    def _step(self, loss_of: Callable[[], tf.Tensor]) -> tf.Tensor:
        with tf.GradientTape() as tape:
            loss = loss_of()
        self.optimizer.apply(tape.gradient(loss, self.network.trainable_variables))
        return loss

    def epoch(self, prepared: Prepared, rng: np.random.Generator, rates: NDArray[np.float64]) -> tuple[float, float]:
        """One pass over all rows, both kinds mixed. rates: the learning rates at its start and its end."""
        steps: list[tuple[bool, Batch]] = [(True, b) for b in batches(prepared.texts, rng)]
        steps += [(False, b) for b in batches(prepared.entities, rng)]
        losses: dict[bool, list[tf.Tensor]] = {True: [], False: []}
        for done, at in enumerate(rng.permutation(len(steps))):
            self.optimizer.rate.assign(np.interp(done / len(steps), [0, 1], rates))
            is_text, batch = steps[at]
            losses[is_text].append(self.text_step(batch) if is_text else self.entity_step(batch))
        return _mean(losses[True]), _mean(losses[False])


def _mean(values: Sequence[tf.Tensor | float]) -> float:
    return float(np.mean(values)) if values else 0.0


def train(
    data_folder: Path, out: Path, *, epochs: int = 8, seed: int = 7, report: Callable[[str], None] = print
) -> Path:
    """Trains on the sets of the data folder, keeps the epoch that is best on dev, and writes the model folder `out`.

    Raises data.DataError for a folder without sets, folder.ModelError when `out` is not to be replaced.
    """
    with folder.written_whole(out) as new:
        tf.keras.utils.set_random_seed(seed)
        tf.get_logger().setLevel("ERROR")  # a server a candidate is meant, not a mistake to be warned of
        prepared = prepare(data_folder)
        report(
            f"vocabulary {len(prepared.vocabulary)}; rows {len(prepared.texts.ids)} with text labels, "
            f"{len(prepared.entities.ids)} with entities"
        )
        server, history = fit(prepared, epochs, np.random.default_rng(seed), report)
        write(new, server, prepared, data_folder)
        report("scoring the test splits")
        metrics = summary(evaluate(load(new), rows.read(data_folder, "test"), report=report))
        folder.write_json(new / folder.METRICS, {"test": metrics, "dev": history})
        (new / folder.CARD).write_text(card.text(metrics, epochs, seed, data.present(data_folder)), encoding="utf-8")
        folder.sync(new)
    return out


def prepare(data_folder: Path) -> Prepared:
    """Reads the sets, learns the vocabulary and encodes the training rows."""
    evaluated = data.evaluated_texts(data_folder)
    sets = data.present(data_folder)
    rows = {dataset: data.train(data_folder, dataset, evaluated) for dataset in sets}
    entries = vocabulary.learn(example.text for examples in rows.values() for example in examples)
    repeated = {dataset: examples * dataset.repeat for dataset, examples in rows.items()}
    texts = [e for dataset, examples in repeated.items() if dataset.task != "entities" for e in examples]
    entities = [e for dataset, examples in repeated.items() if dataset.task == "entities" for e in examples]
    dev = {dataset: data.dev(data_folder, dataset) for dataset in sets}
    return Prepared(entries, encoded(texts, entries), encoded(entities, entries), dev)


def fit(
    prepared: Prepared, epochs: int, rng: np.random.Generator, report: Callable[[str], None]
) -> tuple[export.Server, list[dict[str, Any]]]:
    """The best server, and the dev scores of every candidate.

    Candidates: the weights after each epoch, and their mean over the epochs so far (Izmailov et al. 2018). Best: the
    highest mean over the dev sets of accuracy (classification) or F1 (entities).
    """
    trained, mean = _network(prepared), _network(prepared)
    trainer = Trainer(trained)
    rates = np.linspace(LEARNING_RATE, LEARNING_RATE * FINAL_RATE_SHARE, epochs + 1)
    best = export.Server(prepared.vocabulary, trained)
    history: list[dict[str, Any]] = []
    for epoch in range(1, epochs + 1):
        losses = trainer.epoch(prepared, rng, rates[epoch - 1 : epoch + 1])
        report(f"epoch {epoch}/{epochs}: losses {losses[0]:.3f} (texts), {losses[1]:.3f} (entities)")
        _take_into_mean(mean, trained, max(epoch - FIRST_AVERAGED + 1, 1))
        for weights, network in (("own", trained), ("mean", mean))[: 2 if epoch > FIRST_AVERAGED else 1]:
            server = export.Server(prepared.vocabulary, network)
            server.fold()
            scores = dev_scores(server, prepared.dev)
            history.append({"epoch": epoch, "weights": weights, "mean": _mean(list(scores.values())), "sets": scores})
            if history[-1]["mean"] >= max(h["mean"] for h in history):
                best = server
            shown = ", ".join(f"{name} {value:.3f}" for name, value in scores.items())
            report(f"epoch {epoch}/{epochs}, {weights} weights: dev {history[-1]['mean']:.4f}: {shown}")
    return best, history


def _network(prepared: Prepared) -> Network:
    classes = (len(SENTIMENTS), len(TOPICS), len(spans.labels_of(ENTITY_TYPES)))
    return Network(len(prepared.vocabulary), *classes, name_pairs(prepared.entities))


def _take_into_mean(mean: Network, trained: Network, count: int) -> None:
    """Makes `mean` the mean of count weights, the last of which are those of `trained`."""
    for average, variable in zip(mean.trainable_variables, trained.trainable_variables, strict=True):
        average.assign_add((variable - average) / count)


def dev_scores(server: export.Server, dev: dict[DataSet, list[Example]]) -> dict[str, float]:
    """Accuracy or F1 on every dev set, by the serving graph."""

    def tag(texts: Sequence[str]) -> Tags:
        out = server.serve(tf.constant(list(texts)))
        return Tags(**{name: value.numpy() for name, value in out.items()})

    scores = {}
    for dataset, examples in dev.items():
        if examples:
            answers = answer(tag, [example.text for example in examples])
            beside = judged(dataset.task, [(dataset, example) for example in examples], answers, TOPICS, ENTITY_TYPES)
            scores[dataset.name] = beside.scores(range(len(examples))).micro.f1
    return scores


def write(new: Path, server: export.Server, prepared: Prepared, data_folder: Path) -> None:
    """Writes what answers, and the manifest over it."""
    export.save(server, new / folder.SAVED_MODEL)
    vocabulary.write(new / folder.VOCABULARY, prepared.vocabulary)
    labels = folder.Labels(list(SENTIMENTS), list(TOPICS), list(ENTITY_TYPES))
    folder.write_json(new / folder.LABELS, labels)
    for placeholder in (folder.CARD, folder.METRICS):
        (new / placeholder).touch()
    created = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    version, digests = folder.content_version(new), data.digests(data_folder)
    manifest = folder.Manifest(NAME, version, ["sentiment", "topic", "entities"], ARCHITECTURE, digests, created)
    folder.write_json(new / folder.MANIFEST, manifest)
