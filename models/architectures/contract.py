"""What every architecture keeps to, so that one trainer, one signature and one suite of tests serve them all."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from models.encoder import Encoder
from models.vocabulary import learn


class Batch(NamedTuple):
    """Padded rows. ids, shapes int32[B, L]; labels int32[B, len(TEXT_TASKS)] and entity int32[B, L] (-1: none).

    teachers: int32[B, T], for each teacher the row of its vectors, then for each table of soft labels its row there (-1: none).
    """

    ids: tf.Tensor
    shapes: tf.Tensor
    labels: tf.Tensor
    entity: tf.Tensor
    teachers: tf.Tensor


@dataclass(frozen=True, slots=True)
class Sizes:
    """What a network is built for: the entries of its vocabulary, and the classes of each head.

    A head of one class has nothing to learn: its task is not trained. Two classes of sentiment are negative and positive.
    name_pairs: neighbouring pieces that stand in names (models.batches.name_pairs), int32[M] in order. scripts: of the entries of the
    vocabulary, int32[vocabulary] (models.vocabulary.scripts).
    """

    vocabulary: int
    sentiment: int
    topic: int
    intent: int
    entity: int
    name_pairs: NDArray[np.int32]
    scripts: NDArray[np.int32]

    @property
    def heads(self) -> tuple[int, int, int]:
        """The classes of each of TEXT_TASKS."""
        return self.sentiment, self.topic, self.intent


class Noise:
    """The random numbers of training."""

    def __init__(self, seed: int) -> None:
        self._generator = tf.random.Generator.from_seed(seed)

    def begin(self, seed: int) -> None:
        """From here on they are those of the seed."""
        self._generator.reset_from_seed(seed)

    def hides(self, like: tf.Tensor, share: float) -> tf.Tensor:
        """bool of the shape of `like`, true for that share of places."""
        return self._generator.uniform(tf.shape(like)) < share

    def integers(self, shape: Sequence[int], least: int, end: int) -> tf.Tensor:
        """int32 of that shape, each from least on and below end."""
        return self._generator.uniform(shape, least, end, tf.int32)

    def dropout(self, values: tf.Tensor, share: float) -> tf.Tensor:
        """Dropout (Srivastava et al. 2014): that share of values is zero, the others are as much larger."""
        return tf.where(self.hides(values, share), 0.0, values / (1.0 - share))


class Network(Protocol):
    """A network in training form. Its answers for a row do not depend on the other rows, nor on the padding.

    noise: given in training only.
    """

    @property
    def variables(self) -> Sequence[tf.Variable]:
        """All weights, in an order that two networks of the same sizes share."""
        ...

    @property
    def trainable_variables(self) -> Sequence[tf.Variable]:
        """Those that training changes."""
        ...

    def cool(self, temperatures: Sequence[float]) -> None:
        """Divides the logits of each of TEXT_TASKS by that much from now on."""
        ...

    def hidden(self, ids: tf.Tensor, shapes: tf.Tensor, noise: Noise | None = None) -> tf.Tensor:
        """float32[B, H] of int32[B, L]: what the heads of texts look at."""
        ...

    def heads_of(self, hidden: tf.Tensor, noise: Noise | None = None) -> list[tf.Tensor]:
        """The logits of each of TEXT_TASKS, float32[B, classes]."""
        ...

    def entity_logits(self, ids: tf.Tensor, shapes: tf.Tensor, noise: Noise | None = None) -> tf.Tensor:
        """float32[B, L, entity] of int32[B, L]."""
        ...


class Server(Protocol):
    """What is stored and loaded: serve() by the contract of models.load, fold() once before it."""

    def take(self, network: Network) -> None:
        """Answers as that network does from here on."""
        ...

    def fold(self) -> tf.Tensor:
        """Makes what serving needs beyond what is stored. Returns any tensor."""
        ...

    def release(self) -> None:
        """Drops what fold() made, before it is stored."""
        ...

    def serve(self, texts: tf.Tensor) -> dict[str, tf.Tensor]:
        """The columns of schemas.tagging.Tags."""
        ...


@dataclass(frozen=True, slots=True)
class Recipe:
    """How an architecture is trained by default.

    rate: Adam's, falling in a line to final_share of it. averaged: the mean of the epochs' weights is a candidate too. smoothing: of
    labels. entries: the size of the vocabulary. widened: whether the words that a teacher knows are added to it.
    """

    rate: float
    final_share: float
    epochs: int
    batch: int
    averaged: bool
    smoothing: float
    entries: int
    widened: bool = False


@dataclass(frozen=True, slots=True)
class Architecture:
    """An entry of the registry.

    about: what it is, in the words of the card. tasks: those that it can be trained for. three_sentiments: whether it knows a neutral one.
    build: the network, with weights by TensorFlow's seed. server: what answers for networks of these sizes
    and this vocabulary, and is stored. vocabulary: the entries for texts, about that many. encoder: what the network is trained over and
    what is stored does not hold, if any; raises EncoderError.
    """

    name: str
    about: str
    tasks: tuple[str, ...]
    recipe: Recipe
    build: Callable[[Sizes], Network]
    server: Callable[[Sequence[str], Sizes], Server]
    three_sentiments: bool = True
    vocabulary: Callable[[Iterable[str], int], list[str]] = learn
    encoder: Callable[[], Encoder | None] = lambda: None


def text_logits(network: Network, ids: tf.Tensor, shapes: tf.Tensor, noise: Noise | None = None) -> list[tf.Tensor]:
    """The logits of each of TEXT_TASKS, float32[B, classes] of int32[B, L]."""
    return network.heads_of(network.hidden(ids, shapes, noise), noise)


def divide(by: float, *variables: tf.Variable) -> None:
    """Divides all of them: of a head its weights and its bias, so that its logits are."""
    for variable in variables:
        variable.assign(variable / by)


def copied(source: Network, target: Network) -> None:
    """Gives one network the weights of another of the same sizes."""
    for own, other in zip(target.variables, source.variables, strict=True):
        own.assign(other)
