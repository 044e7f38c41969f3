"""A tiny data folder made of invented texts, and a model trained on it once a run."""

import functools
import gzip
import json
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.models import tiny_encoder

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"

NAMES = ["Anna", "Boris", "Clara", "Dmitri"]
GOOD, BAD, FLAT = ["love", "great", "好"], ["hate", "awful", "差"], ["table", "report", "文件"]


def _write(folder: Path, name: str, split: str, rows: list[dict[str, Any]]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    lines = (json.dumps({"id": f"{name}-{split}-{i}", **row}, ensure_ascii=False) for i, row in enumerate(rows))
    with gzip.open(folder / f"{name}.{split}.jsonl.gz", "wt", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in lines)


def _sentiment(rng: random.Random, split: str) -> dict[str, Any]:
    label, words = rng.choice([("pos", GOOD), ("neg", BAD), ("neu", FLAT)])
    return {"text": f"{split} {rng.random():.9f} {rng.choice(words)} {rng.choice(words)}", "label": label}


def _topic(rng: random.Random, split: str) -> dict[str, Any]:
    label, word = rng.choice([("sports", "足球"), ("education", "大学"), ("game", "游戏")])
    return {"text": f"{word} {split} {rng.random():.9f}", "label": label}


def _entity(rng: random.Random, split: str) -> dict[str, Any]:
    tokens = [split, str(rng.random()), "met", rng.choice(NAMES), "today"]
    return {"tokens": tokens, "tags": ["O", "O", "O", "B-person", "O"], "lang": "en"}


def write_data(folder: Path, rows: int = 200) -> Path:
    """A data folder with one set of each task."""
    rng = random.Random(3)
    for split in ("train", "dev", "test"):
        _write(folder / "sentiment", "tweets_rated_en", split, [_sentiment(rng, split) for _ in range(rows)])
        _write(folder / "topic", "titles_zh", split, [_topic(rng, split) for _ in range(rows)])
    for split in ("train", "dev"):
        _write(folder / "entities", "wnut17_en", split, [_entity(rng, split) for _ in range(rows)])
    return folder


@pytest.fixture(scope="session", autouse=True)
def small_encoder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What is trained over an encoder is trained over a small one."""
    if tiny_encoder.MISSING:
        yield
        return
    folder = tiny_encoder.write(tmp_path_factory.mktemp("encoder"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("models.encoder.installed", lambda: folder)
        patch.setattr("models.encoder.version", lambda: "0")
        yield


@pytest.fixture(scope="session")
def tiny_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_data(tmp_path_factory.mktemp("data"))


class Quiet:
    """Watches a training run without a word; remembers what it saw."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.points: list[tuple[int, dict[str, float]]] = []

    def said(self, line: str) -> None:
        self.lines.append(line)

    def stepped(self, epoch: int, done: int, total: int) -> None:
        pass

    def scored(self, epoch: int, values: dict[str, float]) -> None:
        self.points.append((epoch, values))


def train_quietly(data: Path, out: Path, watcher: Quiet | None = None, **settings: Any) -> Path:
    from models.train import Settings, train

    return train(data, out, Settings(**settings), watcher or Quiet())


@pytest.fixture(scope="session")
def train_tiny() -> Callable[..., Path]:
    return train_quietly


@pytest.fixture(scope="session")
def tiny_model(tiny_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder trained for a few seconds. Tests copy it before they harm it."""
    return train_quietly(tiny_data, tmp_path_factory.mktemp("models") / "tiny", epochs=14, seed=1)


@pytest.fixture(scope="session")
def small_model(tiny_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A model folder of an architecture, trained for one epoch, once a run. Tests only read it."""

    @functools.cache
    def of(name: str) -> Path:
        with few_buckets():
            return train_quietly(tiny_data, tmp_path_factory.mktemp("small") / name, architecture=name, epochs=1)

    return of


@contextmanager
def few_buckets() -> Iterator[None]:
    """Serving graphs that are traced meanwhile have two branches, not eight: to trace them is most of a short training."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("models.architectures.buckets.BOUNDS", (0, 32, 64))
        yield


@pytest.fixture
def write_set() -> Callable[..., None]:
    return _write
