"""What a teacher said of texts, as a file: vectors found by their text."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.data import Span

SUFFIX = ".vectors.npz"
LICENCES = {
    "bge": ("bge-small-zh-v1.5", "vectors and pieces of Chinese", "MIT", "S. Xiao et al., C-Pack, SIGIR 2024"),
    "minilm": ("all-MiniLM-L6-v2", "vectors and pieces of English", "Apache 2.0", "N. Reimers, I. Gurevych, EMNLP 2019"),
    "use": ("Universal Sentence Encoder, multilingual", "vectors", "Apache 2.0", "Y. Yang et al., ACL 2020"),
    "spacy": ("spaCy en_core_web_md", "names in English posts and tickets", "MIT", "Explosion; trained on OntoNotes 5"),
}
"""Of each teacher: its name, what it gives, its licence, and whose it is."""
STARTERS = {"zh": "bge", "en": "minilm"}
"""Whose pieces a network begins with."""
GUESSES_SUFFIX = ".guesses.npz"
NAMES = "names.json"
PIECES_SUFFIX = ".pieces.npz"


class TeachersError(Exception):
    """A folder does not hold what the teachers said; the message says what mends it."""


class Vectors(NamedTuple):
    """keys uint64[M], in order; values float16[M, D]: vectors of length 1, or probabilities of classes."""

    keys: NDArray[np.uint64]
    values: NDArray[np.float16]


def key(text: str) -> int:
    """The first 64 bits of a text's BLAKE2b digest."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


def found(folder: Path) -> dict[str, Path]:
    """The vectors in a folder, by the names of their teachers, in order. Raises TeachersError where a file of what they said is missing."""
    paths = {path.name.removesuffix(SUFFIX): path for path in sorted(folder.glob(f"*{SUFFIX}"))}
    wanted = [NAMES, *(f"{name}{PIECES_SUFFIX}" for name in STARTERS.values())]
    missing = [name for name in wanted if not (folder / name).is_file()] + ([] if paths else [f"*{SUFFIX}"])
    if missing:
        raise TeachersError(f"{folder}: holds no {', no '.join(missing)}; write them with `make teachers`")
    return paths


def guessed(folder: Path) -> dict[str, Path]:
    """The files of soft labels, by their tasks: a sentiment of each text, an intent."""
    return {path.name.removesuffix(GUESSES_SUFFIX): path for path in sorted(folder.glob(f"*{GUESSES_SUFFIX}"))}


@contextmanager
def _whole(path: Path) -> Iterator[Path]:
    """A file beside it to write to, which takes its place when the block ends well: a file that is there is taken for done."""
    scratch = path.with_name(f".{path.name}")
    yield scratch
    scratch.rename(path)


def write(path: Path, texts: Sequence[str], values: NDArray[np.float32]) -> None:
    """texts: each once. values float32[M, D]."""
    keys = np.array([key(text) for text in texts], np.uint64)
    order = np.argsort(keys)
    with _whole(path) as scratch, scratch.open("wb") as out:
        np.savez(out, keys=keys[order], values=values[order].astype(np.float16))


def read(path: Path) -> Vectors:
    """What write() wrote."""
    with np.load(path) as found:
        return Vectors(found["keys"], found["values"])


def rows_of(vectors: Vectors, texts: Sequence[str]) -> NDArray[np.int32]:
    """int32[N]: where the vector of each text is; -1 for one that the teacher has not seen."""
    keys = np.array([key(text) for text in texts], np.uint64)
    if not len(vectors.keys):
        return np.full(len(texts), -1, np.int32)
    at = np.minimum(np.searchsorted(vectors.keys, keys), len(vectors.keys) - 1)
    return np.where(vectors.keys[at] == keys, at, -1).astype(np.int32)


def write_pieces(path: Path, entries: Sequence[str], table: NDArray[np.float32]) -> None:
    """entries: a vocabulary; table float32[entries, D]."""
    with _whole(path) as scratch, scratch.open("wb") as out:
        np.savez(out, entries=np.array(entries), table=table.astype(np.float16))


def read_pieces(path: Path) -> tuple[dict[str, int], NDArray[np.float32]]:
    """Entry -> its row, and the rows."""
    with np.load(path) as found:
        return {entry: at for at, entry in enumerate(found["entries"].tolist())}, found["table"].astype(np.float32)


def write_names(path: Path, texts: Mapping[str, Sequence[Span]]) -> None:
    """The entities of each text, by its key: the file holds no text."""
    with _whole(path) as scratch:
        scratch.write_bytes(msgspec.json.encode({f"{key(text):016x}": spans for text, spans in texts.items()}))


def read_names(path: Path) -> dict[int, tuple[Span, ...]]:
    """Key of a text -> its entities."""
    found = msgspec.json.decode(path.read_bytes(), type=dict[str, tuple[Span, ...]])
    return {int(name, 16): spans for name, spans in found.items()}
