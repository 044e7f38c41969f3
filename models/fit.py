"""Fits a network: epochs, candidates judged on dev, early stopping, and a state from which a run that was killed goes on."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from models import checkpoint
from models.architectures.contract import Architecture, Network, Recipe, Server, Sizes, copied
from models.batches import Encoded
from models.checkpoint import Point, RunError
from models.teachers.files import Vectors
from models.trainer import Losses, Trainer, mean

FIRST_AVERAGED = 2
"""The first epoch whose weights count in the mean; those of the very first are far off."""
TRIAL_STEPS = 200
TRIAL_FACTORS = (0.25, 0.5, 1.0, 2.0)

Score = Callable[[Server], dict[str, float]]
"""Accuracy or F1 of a server on every dev set, by name."""


class Watcher(Protocol):
    """Who is told how training goes."""

    def said(self, line: str) -> None:
        """Something to read."""

    def stepped(self, epoch: int, done: int, total: int) -> None:
        """After each step. epoch: 0 in a trial of a learning rate."""

    def scored(self, epoch: int, values: dict[str, float]) -> None:
        """After each epoch: losses, learning rate and dev scores by name."""


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be fitted. rate: None chooses it by short trials. patience: epochs without a better dev score after which it ends.

    teachers: whose vectors the texts bring. guesses: soft labels by task.
    start: gives a new network the weights that it begins with, where they are not random.
    keeps: what these say of sentiment and entities is not to be forgotten.
    """

    architecture: Architecture
    sizes: Sizes
    vocabulary: Sequence[str]
    texts: Encoded
    entities: Encoded
    epochs: int
    seed: int
    rate: float | None
    patience: int
    class_weights: bool
    teachers: Sequence[Vectors] = ()
    guesses: Mapping[str, Vectors] = field(default_factory=dict)
    start: Callable[[Network], None] = lambda network: None
    keeps: bool = False

    def network(self) -> Network:
        """A new one: the same each time."""
        tf.keras.utils.set_random_seed(self.seed)
        network = self.architecture.build(self.sizes)
        self.start(network)
        return network

    def trainer(self, network: Network) -> Trainer:
        """Of these rows."""
        recipe = self.architecture.recipe
        return Trainer(network, self.texts, self.entities, batch=recipe.batch, smoothing=recipe.smoothing, class_weights=self.class_weights,
                       seed=self.seed, entries=self.sizes.vocabulary, teachers=self.teachers, guesses=self.guesses,
                       kept=self.network() if self.keeps else None)

    def server(self) -> Server:
        """What is scored and stored; it takes the weights of one network after the other."""
        return self.architecture.server(self.vocabulary, self.sizes)


class Fit:
    """One run. The weights of three networks: as trained, their mean, and the best so far."""

    def __init__(self, job: Job, state: Path, identity: dict[str, str], score: Score, watcher: Watcher) -> None:
        """state: the file that the run goes on from. Raises RunError for one of another run."""
        self._job, self._state, self._identity, self._score, self._watcher = job, state, identity, score, watcher
        self.trained, self.mean, self.best = job.network(), job.network(), job.network()
        self._trainer = job.trainer(self.trained)
        self._server = job.server()
        self._point = Point(identity, 0, [], 0, 0.0)
        self._go_on()

    def run(self) -> tuple[Network, Server, list[dict[str, Any]]]:
        """The best network, a server of it, and the dev scores of every candidate.

        Candidates: the weights after each epoch, and their mean over the epochs so far (Izmailov et al. 2018). Best: the highest mean of
        the dev scores.
        """
        job, recipe = self._job, self._job.architecture.recipe
        if not self._point.epoch:
            rate = job.rate or choose_rate(job, self._score, self._watcher)
            self._point = Point(self._identity, 0, [], 0, rate)
        rates = _falling(self._point.rate, recipe, job.epochs)
        while self._point.epoch < job.epochs and not (job.patience and self._point.waited >= job.patience):
            epoch = self._point.epoch + 1
            losses = self._trainer.epoch(epoch, rates[epoch - 1 : epoch + 1], partial(self._watcher.stepped, epoch))
            _take_into_mean(self.mean, self.trained, max(epoch - FIRST_AVERAGED + 1, 1))
            self._judge(epoch, losses, rates[epoch])
            checkpoint.write(self._state, self._point, self._arrays())
        self._server.take(self.best)
        return self.best, self._server, list(self._point.history)

    def _judge(self, epoch: int, losses: Losses, rate: float) -> None:
        history = list(self._point.history)
        before = max((one["mean"] for one in history), default=-1.0)
        candidates = [("own", self.trained)]
        if self._job.architecture.recipe.averaged and epoch > FIRST_AVERAGED:
            candidates.append(("mean", self.mean))
        best = before
        for weights, network in candidates:
            self._server.take(network)
            sets = self._score(self._server)
            found = mean(list(sets.values()))
            history.append({"epoch": epoch, "weights": weights, "mean": found, "sets": sets})
            shown = ", ".join(f"{name} {value:.3f}" for name, value in sets.items())
            self._watcher.said(f"epoch {epoch}/{self._job.epochs}, {weights} weights: dev {found:.4f}: {shown}")
            self._watcher.scored(epoch, {"loss/texts": losses.texts, "loss/entities": losses.entities, "rate": rate} | {
                f"dev_{weights}/{name}": value for name, value in sets.items()})
            if found >= best:   # of equals the later: it has learnt more, and few dev rows tie soon
                best = found
                copied(network, self.best)
        self._point = Point(self._identity, epoch, history, 0 if best > before else self._point.waited + 1, self._point.rate)

    def _parts(self) -> dict[str, Sequence[tf.Variable]]:
        adam = self._trainer.optimizer
        return {"trained": self.trained.variables, "guesses": self._trainer.distillation.projections,
                "mean": self.mean.variables, "best": self.best.variables,
                "first": adam.first, "second": adam.second, "powers": (adam.power_1, adam.power_2)}

    def _arrays(self) -> dict[str, NDArray[np.generic]]:
        return {f"{part}_{at}": variable.numpy() for part, variables in self._parts().items() for at, variable in enumerate(variables)}

    def _go_on(self) -> None:
        found = checkpoint.read(self._state)
        if found is None:
            return
        point, arrays = found
        differ = [name for name, value in (self._identity | point.identity).items()
                  if self._identity.get(name) != value or point.identity.get(name) != value]
        if differ:
            raise RunError(f"{self._state}: a training run for this folder was begun with another {', '.join(differ)}: give the same to "
                           "go on, or remove the file to begin anew")
        for part, variables in self._parts().items():
            for at, variable in enumerate(variables):
                variable.assign(arrays[f"{part}_{at}"])
        self._point = point
        self._watcher.said(f"goes on after epoch {point.epoch} of a run that was stopped")


def choose_rate(job: Job, score: Score, watcher: Watcher) -> float:
    """The learning rate, among some about the recipe's, that is best on dev after TRIAL_STEPS steps."""
    found: dict[float, float] = {}
    server = job.server()
    for factor in TRIAL_FACTORS:
        rate, network = job.architecture.recipe.rate * factor, job.network()
        falling = (rate, rate * job.architecture.recipe.final_share)
        job.trainer(network).epoch(1, falling, partial(watcher.stepped, 0), TRIAL_STEPS)
        server.take(network)
        found[rate] = mean(list(score(server).values()))
        watcher.said(f"learning rate {rate:g}: dev {found[rate]:.4f} after {TRIAL_STEPS} steps")
    return max(found, key=lambda rate: found[rate])


def _falling(rate: float, recipe: Recipe, epochs: int) -> list[float]:
    return [float(value) for value in np.linspace(rate, rate * recipe.final_share, epochs + 1)]


def _take_into_mean(average: Network, trained: Network, count: int) -> None:
    """Makes `average` the mean of count weights, the last of which are those of `trained`."""
    for own, variable in zip(average.trainable_variables, trained.trainable_variables, strict=True):
        own.assign_add((variable - own) / count)
