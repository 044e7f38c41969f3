"""Steps and epochs of training over one network: rows with text labels and rows with entity labels, mixed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from models.architectures import TEXT_TASKS
from models.architectures.contract import Batch, Network, Noise
from models.batches import Encoded, batches
from models.distillation import Distillation, Guesses
from models.losses import balanced, cross_entropy
from models.optimizer import Adam
from models.rehearsal import Rehearsal
from models.teachers.files import Vectors

ANY_BATCH = Batch(*[tf.TensorSpec([None, None], tf.int32)] * 5)
Progress = Callable[[int, int], None]
"""Called with the steps done and the steps of the epoch."""


@dataclass(frozen=True, slots=True)
class Losses:
    """The mean over the steps of an epoch; 0 for a kind that had no rows."""

    texts: float
    entities: float


class Trainer:
    """smoothing: of text labels. class_weights: whether every class counts alike, by the rows that are given.

    teachers: whose vectors the texts bring. guesses: soft labels by task.
    kept: a network whose sentiment and entities are not to be forgotten, whatever the rows.
    """

    def __init__(
        self, network: Network, texts: Encoded, entities: Encoded, *, batch: int, smoothing: float, class_weights: bool, seed: int,
        entries: int, teachers: Sequence[Vectors] = (), guesses: Mapping[str, Vectors] | None = None, kept: Network | None = None,
    ) -> None:
        self.network = network
        width = network.hidden(tf.zeros([1, 1], tf.int32), tf.zeros([1, 1], tf.int32)).shape[1]
        self.distillation, self._guesses, self._teachers = Distillation(teachers, width), Guesses(guesses or {}), len(teachers)
        self._learning = (*network.trainable_variables, *self.distillation.projections)
        self.optimizer = Adam(self._learning)
        self._texts, self._entities, self._batch, self._smoothing, self._seed = texts, entities, batch, smoothing, seed
        self._noise = Noise(seed)
        self._class_weights = class_weights
        self._rehearsal = Rehearsal(kept, network, entries) if kept else None

    @tf.function(input_signature=[ANY_BATCH])
    def _text_step(self, batch: Batch) -> tf.Tensor:
        return self._step(batch, self._text_loss)

    @tf.function(input_signature=[ANY_BATCH])
    def _entity_step(self, batch: Batch) -> tf.Tensor:
        return self._step(batch, self._entity_loss)

    def _text_loss(self, batch: Batch) -> tf.Tensor:
        hidden = self.network.hidden(batch.ids, batch.shapes, self._noise)
        vectors, guessed = batch.teachers[:, : self._teachers], batch.teachers[:, self._teachers :]
        losses = [
            cross_entropy(values, batch.labels[:, head], self._smoothing, self._weights(self._texts.labels[:, head], values.shape[-1]),
                          self._guesses.of(TEXT_TASKS[head], guessed))
            for head, values in enumerate(self.network.heads_of(hidden, self._noise))]
        return tf.add_n([*losses, self.distillation.loss(hidden, vectors)])

    def _entity_loss(self, batch: Batch) -> tf.Tensor:
        return cross_entropy(self.network.entity_logits(batch.ids, batch.shapes, self._noise), batch.entity, 0.0)

    def _weights(self, labels: NDArray[np.int32], classes: int) -> tf.Tensor | None:
        return tf.constant(balanced(labels, classes)) if self._class_weights else None

    def _step(self, batch: Batch, loss_of: Callable[[Batch], tf.Tensor]) -> tf.Tensor:
        """The loss before the step."""
        with tf.GradientTape() as tape:
            loss = loss_of(batch)
            total = loss + self._rehearsal.loss(batch.ids, batch.shapes, self._noise) if self._rehearsal else loss
        self.optimizer.apply(tape.gradient(total, self._learning))
        return loss

    def epoch(self, number: int, rates: Sequence[float], progress: Progress, most_steps: int | None = None) -> Losses:
        """One pass over all rows, or over the first steps of it. rates: the learning rates at its start and its end.

        Order and noise hang on the seed and the number alone, so that an epoch is the same whether or not those before it ran here.
        """
        rng = np.random.default_rng([self._seed, number])
        self._noise.begin(int(rng.integers(2**62)))
        steps = [(True, b) for b in batches(self._texts, rng, self._batch)]
        steps += [(False, b) for b in batches(self._entities, rng, self._batch)]
        losses: dict[bool, list[tf.Tensor]] = {True: [], False: []}
        total = min(len(steps), most_steps or len(steps))
        for done, at in enumerate(rng.permutation(len(steps))[:total], 1):
            self.optimizer.rate.assign(np.interp((done - 1) / total, [0, 1], rates))
            is_text, batch = steps[at]
            losses[is_text].append(self._text_step(batch) if is_text else self._entity_step(batch))
            progress(done, total)
        return Losses(mean(losses[True]), mean(losses[False]))


def mean(values: Sequence[tf.Tensor | float]) -> float:
    """0 of none."""
    return float(np.mean(values)) if values else 0.0
