"""A model folder: which files it holds, its manifest, its version by content, and how it comes to stand whole."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import msgspec

from models import encoder
from models.encoder import Encoder
from models.preparation.manifest import Options

SAVED_MODEL = "saved_model"
LABELS = "labels.json"
VOCABULARY = "vocabulary.txt"
CARD = "card.md"
METRICS = "metrics.json"
MANIFEST = "model.json"
FILES = (SAVED_MODEL, LABELS, VOCABULARY, CARD, METRICS, MANIFEST)
HASHED = (SAVED_MODEL, LABELS, VOCABULARY)
VERSION_DIGITS = 12

T = TypeVar("T")


class ModelError(Exception):
    """A model folder cannot be used; the message names the file and what mends it."""

    def __init__(self, path: Path, what: str) -> None:
        super().__init__(f"{path}: {what}; train one with `textpulse train --out FOLDER` or choose another --model")
        self.path = path


class Labels(msgspec.Struct, frozen=True):
    """The classes of each head, in the order of its outputs. intent_threshold: a less likely intent is not said."""

    sentiment: list[str]
    topic: list[str]
    entity: list[str]
    intent: list[str] = []
    intent_threshold: float = 0.0


class Manifest(msgspec.Struct, frozen=True):
    """What model.json says. version: first digits of the SHA-256 over what answers (see content_version).

    tasks: those that were trained. neutral: whether it was trained to call a sentiment neutral.
    training_data: file -> SHA-256. preparation: what was asked of `textpulse prepare`, where its rows were trained on.
    encoder: the installed package that answers with it.
    """

    name: str
    version: str
    tasks: list[str]
    architecture: str
    training_data: dict[str, str]
    created: str
    neutral: bool = True
    preparation: Options | None = None
    encoder: Encoder | None = None

    @property
    def tier(self) -> str:
        """accurate: over an encoder; fast: without one."""
        return "accurate" if self.encoder else "fast"


def read_json(path: Path, kind: type[T]) -> T:
    """A JSON file of the folder as a value of that kind. Raises ModelError."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except FileNotFoundError as error:
        raise ModelError(path, "this file of the model is missing") from error
    except (OSError, msgspec.MsgspecError) as error:
        raise ModelError(path, f"this file of the model cannot be read ({error})") from error


def write_json(path: Path, value: object) -> None:
    """Writes a value as indented JSON."""
    path.write_bytes(msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n")


def check_whole(folder: Path) -> None:
    """Raises ModelError when the folder or one of its files is missing, EncoderError when a package that it needs is."""
    if not folder.is_dir():
        raise ModelError(folder, "there is no such model folder")
    for name in FILES:
        if not (folder / name).exists():
            raise ModelError(folder / name, "this file of the model is missing")
    if read_json(folder / MANIFEST, Manifest).encoder:
        encoder.installed()


def content_version(folder: Path, over: Encoder | None) -> str:
    """The version that the content has: SHA-256 over the encoder, and the paths and bytes of the SavedModel, labels and vocabulary."""
    digest = hashlib.sha256(msgspec.json.encode(over) if over else b"")
    for top in HASHED:
        path = folder / top
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file():
                content = file.read_bytes()
                digest.update(f"{file.relative_to(folder).as_posix()} {len(content)}\n".encode())
                digest.update(content)
    return digest.hexdigest()[:VERSION_DIGITS]


def verify_content(folder: Path) -> None:
    """Raises ModelError when the folder is not whole or its content is not that of the version it claims."""
    check_whole(folder)
    manifest = read_json(folder / MANIFEST, Manifest)
    found = content_version(folder, manifest.encoder)
    if manifest.version != found:
        raise ModelError(folder / MANIFEST, f"says version {manifest.version}, but the content is that of {found}")


def size_bytes(folder: Path) -> int:
    """Bytes of all files in the folder."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


@contextmanager
def written_whole(out: Path) -> Iterator[Path]:
    """A new model folder that takes the place of `out`: see replaced_whole.

    An older model at `out` is replaced; anything else there is left alone: ModelError.
    """
    check_replaceable(out)
    with replaced_whole(out) as new:
        yield new


def check_replaceable(out: Path) -> None:
    """Raises ModelError where something stands that is not a model folder."""
    if out.exists() and not (out / MANIFEST).is_file() and not is_empty(out):
        raise ModelError(out, "exists and is not a model folder, so it is not replaced")


def is_empty(folder: Path) -> bool:
    """Whether it is a folder with nothing in it."""
    return folder.is_dir() and not any(folder.iterdir())


@contextmanager
def replaced_whole(out: Path) -> Iterator[Path]:
    """A new folder beside `out` that takes its place, whatever is there, when the block ends well, and vanishes when it does not."""
    out.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    new, old = scratch / "new", scratch / "old"
    try:
        new.mkdir()
        yield new
        if out.exists():
            out.rename(old)
        new.rename(out)
    finally:
        if old.exists() and not out.exists():
            old.rename(out)
        shutil.rmtree(scratch, ignore_errors=True)


def sync(folder: Path) -> None:
    """Has the system write every file of the folder to the disk."""
    for file in folder.rglob("*"):
        if file.is_file():
            with file.open("rb") as opened:
                os.fsync(opened.fileno())
