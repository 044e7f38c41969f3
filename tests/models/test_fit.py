"""Training as a run: it goes on where it was killed, stops when it no longer gets better, and chooses its rate on dev."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from models.architectures.contract import Architecture, Network, Noise, Recipe, Server, Sizes, text_logits
from models.architectures.padded import PaddedServer
from models.batches import Encoded
from models.checkpoint import Point, RunError, read, write
from models.fit import TRIAL_FACTORS, Fit, Job, choose_rate
from models.load import load
from models.pieces import PAD, PAD_ID, UNKNOWN
from tests.models.conftest import Quiet, few_buckets

ROWS = 60
SIZES = Sizes(6, 3, 2, 4, 3, np.array([0], np.int32), np.zeros(6, np.int32))
IDENTITY = {"seed": "1", "data": "x"}


class Bag(tf.Module):
    """The smallest network: the mean of embeddings."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__(name="bag")
        self.embedding = tf.Variable(tf.random.normal([sizes.vocabulary, 4]))
        self.heads = [tf.Variable(tf.random.normal([4, classes])) for classes in (*sizes.heads, sizes.entity)]

    def cool(self, temperatures: Sequence[float]) -> None:
        for head, by in zip(self.heads, temperatures, strict=False):
            head.assign(head / by)

    def hidden(self, ids: tf.Tensor, shapes: tf.Tensor, noise: Noise | None = None) -> tf.Tensor:
        inside = tf.cast(ids != PAD_ID, tf.float32)[..., None]
        mean = tf.reduce_sum(tf.gather(self.embedding, ids) * inside, 1) / tf.maximum(tf.reduce_sum(inside, 1), 1)
        return noise.dropout(mean, 0.2) if noise else mean

    def heads_of(self, hidden: tf.Tensor, noise: Noise | None = None) -> list[tf.Tensor]:
        return [tf.matmul(hidden, head) for head in self.heads[:-1]]

    def entity_logits(self, ids: tf.Tensor, shapes: tf.Tensor, noise: Noise | None = None) -> tf.Tensor:
        return tf.matmul(tf.gather(self.embedding, ids), self.heads[-1])


def server_of(vocabulary: Any, sizes: Sizes) -> Server:
    return PaddedServer(vocabulary, sizes, Bag(sizes))


def rows(seed: int) -> Encoded:
    rng = np.random.default_rng(seed)
    ids = [rng.integers(2, 6, rng.integers(1, 9)).astype(np.int32) for _ in range(ROWS)]
    first = np.array([row[0] for row in ids])
    return Encoded(ids, [np.ones_like(row) for row in ids], [(row % 3).astype(np.int32) for row in ids],
                   np.stack([first % 3, first % 2, first % 4], 1).astype(np.int32), np.zeros((ROWS, 0), np.int32))


def job(**given: Any) -> Job:
    architecture = Architecture("bag", "", ("sentiment", "topic", "entities"), Recipe(0.05, 0.1, 5, 8, True, 0.0, 6), Bag, server_of)
    settings = {"epochs": 5, "seed": 3, "rate": 0.05, "patience": 0, "class_weights": False} | given
    return Job(architecture, SIZES, [PAD, UNKNOWN, "a", "b", "c", "d"], rows(1), rows(2), **settings)


def score(server: Server) -> dict[str, float]:
    out = server.serve(tf.constant(["a b", "b", "c d", "d"]))
    return {"sure": float(tf.reduce_mean(tf.reduce_max(out["topic"], 1)))}


def weights(network: Network) -> list[np.ndarray]:
    return [variable.numpy() for variable in network.variables]


@pytest.fixture(autouse=True, scope="module")
def few() -> Iterator[None]:
    with few_buckets():
        yield


class Killed(BaseException):
    """Not an Exception: nothing may catch it, as with a kill."""


class Killing(Quiet):
    """Ends the run in the midst of an epoch."""

    def __init__(self, epoch: int, step: int) -> None:
        super().__init__()
        self.at = (epoch, step)

    def stepped(self, epoch: int, done: int, total: int) -> None:
        if (epoch, done) == self.at:
            raise Killed


def test_a_run_that_is_killed_anywhere_ends_with_the_weights_of_one_that_was_not(tmp_path: Path) -> None:
    whole = Fit(job(), tmp_path / "whole.npz", IDENTITY, score, Quiet())
    best, _, history = whole.run()
    for epoch, step in ((1, 1), (3, 4), (5, 15)):
        with pytest.raises(Killed):
            Fit(job(), tmp_path / "killed.npz", IDENTITY, score, Killing(epoch, step)).run()
    watcher = Quiet()
    again = Fit(job(), tmp_path / "killed.npz", IDENTITY, score, watcher)
    assert watcher.lines == ["goes on after epoch 4 of a run that was stopped"]
    found, _, same = again.run()
    assert same == history
    for one, other in zip(weights(found) + weights(again.trained), weights(best) + weights(whole.trained), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_state_of_another_run_is_refused_with_what_differs(tmp_path: Path) -> None:
    with pytest.raises(Killed):
        Fit(job(), tmp_path / "s.npz", IDENTITY, score, Killing(2, 1)).run()
    for other in (IDENTITY | {"seed": "2"}, {"data": "x"}):
        with pytest.raises(RunError, match=r"s\.npz: .* begun with another seed: give the same to go on, or remove the file"):
            Fit(job(), tmp_path / "s.npz", other, score, Quiet())


def test_training_ends_when_dev_no_longer_gets_better_and_keeps_the_best(tmp_path: Path) -> None:
    scores = iter([0.2, 0.5, 0.4, 0.45, 0.3, 0.4, 0.9])   # from the third epoch on there are two candidates
    watcher = Quiet()
    fit = Fit(job(patience=2, epochs=50), tmp_path / "s.npz", IDENTITY, lambda _: {"dev": next(scores)}, watcher)
    best, _, history = fit.run()
    assert [one["epoch"] for one in history] == [1, 2, 3, 3, 4, 4]
    assert not np.array_equal(weights(best)[0], weights(fit.trained)[0])


def test_the_rate_is_the_best_of_short_trials(tmp_path: Path) -> None:
    scores = iter([0.1, 0.7, 0.3, 0.2])
    watcher = Quiet()
    assert choose_rate(job(), lambda _: {"dev": next(scores)}, watcher) == 0.05 * TRIAL_FACTORS[1]
    assert len(watcher.lines) == len(TRIAL_FACTORS)


def test_class_weights_help_a_class_of_few_rows(tmp_path: Path) -> None:
    found = {}
    for weighed in (False, True):
        few = job(class_weights=weighed, epochs=15)
        labels = few.texts.labels[:, 1]
        labels[:] = np.where(np.arange(ROWS) < 6, 1, 0)   # noise alone tells them apart
        fit = Fit(few, tmp_path / f"{weighed}.npz", IDENTITY, score, Quiet())
        fit.run()
        shares = tf.nn.softmax(text_logits(fit.trained, tf.constant([[2, 3, 4, 5]]), tf.ones([1, 4], tf.int32))[1])
        found[weighed] = float(shares[0, 1])
    assert found[True] > found[False] + 0.15


def test_a_point_comes_back_as_it_was_written(tmp_path: Path) -> None:
    point = Point({"seed": "1"}, 3, [{"epoch": 1, "weights": "own", "mean": 0.5, "sets": {"a": 0.5}}], 1, 0.002)
    arrays = {"a": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.array([1], np.int32)}
    write(tmp_path / "x" / "state.npz", point, arrays)
    found = read(tmp_path / "x" / "state.npz")
    assert found is not None and found[0] == point
    assert all(np.array_equal(found[1][name], value) and found[1][name].dtype == value.dtype for name, value in arrays.items())
    assert read(tmp_path / "none") is None


def test_a_half_written_state_is_named(tmp_path: Path) -> None:
    write(tmp_path / "state.npz", Point({}, 1, [], 0, 0.1), {"a": np.zeros(1000)})
    content = (tmp_path / "state.npz").read_bytes()
    for cut in (0, 10, len(content) // 2, len(content) - 1):
        (tmp_path / "state.npz").write_bytes(content[:cut])
        with pytest.raises(RunError, match=r"state\.npz: the state of the training run cannot be read.*remove it"):
            read(tmp_path / "state.npz")


def test_the_command_goes_on_after_kill_9(tiny_data: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pipelines", "train", "--data", str(tiny_data), "--arch", "seed_cnn", "--epochs", "3", "--out",
               str(tmp_path / "m")]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]) as process:
        for line in process.stderr or ():
            if line.startswith("epoch 2/3"):   # so that the state of the first stands
                os.kill(process.pid, signal.SIGKILL)
    assert not (tmp_path / "m").exists()
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    assert "goes on after epoch" in done.stderr and "epoch 1/3" not in done.stderr
    assert load(tmp_path / "m").tag(["love it"]).sentiment.shape == (1, 3)
    assert [path.name for path in tmp_path.iterdir()] == ["m"]
