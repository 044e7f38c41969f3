"""The state of a training run between two epochs, in one file that is there whole or not at all."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import msgspec
import numpy as np
from numpy.typing import NDArray

META = "meta"


class RunError(Exception):
    """A training run cannot go on from the state that is there; names the file."""


class Point(msgspec.Struct, frozen=True):
    """Where a run stands. identity: all that decides its course; a run goes on only from a point of its own.

    history: the dev scores of every candidate so far. waited: epochs since the best. rate: the learning rate that it was begun with.
    """

    identity: dict[str, str]
    epoch: int
    history: list[dict[str, Any]]
    waited: int
    rate: float


def write(path: Path, point: Point, arrays: Mapping[str, NDArray[np.generic]]) -> None:
    """Replaces an older one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".part")
    with unfinished.open("wb") as file:
        np.savez(file, allow_pickle=False, **{META: np.frombuffer(msgspec.json.encode(point), np.uint8)}, **arrays)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)


def read(path: Path) -> tuple[Point, dict[str, NDArray[np.generic]]] | None:
    """None where there is none. Raises RunError for a file that cannot be read."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        return msgspec.json.decode(arrays.pop(META).tobytes(), type=Point), arrays
    except FileNotFoundError:
        return None
    except (OSError, EOFError, ValueError, KeyError, BadZipFile, msgspec.MsgspecError) as error:
        raise RunError(f"{path}: the state of the training run cannot be read ({error}): remove it to begin anew") from error
