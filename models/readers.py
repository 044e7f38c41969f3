"""Which reader a folder of data needs: that of published sets, or that of prepared data. Both read alike."""
from pathlib import Path
from typing import Protocol

from models import data, prepared
from models.data import DataError, DataSet, Example
from models.preparation.manifest import NAME, Manifest
from models.preparation.read import is_prepared, manifest_of


class Reader(Protocol):
    """A module that reads the rows of a folder, as models/data.py says. All raise DataError."""

    def present(self, folder: Path, /) -> list[DataSet]:
        """The sets that the folder holds."""

    def tasks(self, folder: Path, dataset: DataSet, /) -> set[str]:
        """What the training rows of a set have labels for."""

    def train(self, folder: Path, dataset: DataSet, evaluated: set[str], /) -> list[Example]:
        """The training rows of a set, without the texts that some set evaluates on."""

    def dev(self, folder: Path, dataset: DataSet, /) -> list[Example]:
        """The rows that choices are made on."""

    def test(self, folder: Path, dataset: DataSet, /) -> list[Example]:
        """The rows that are scored in the end."""

    def evaluated_texts(self, folder: Path, /) -> set[str]:
        """The bare dev and test texts of all sets."""

    def digests(self, folder: Path, sets: list[DataSet], /) -> dict[str, str]:
        """SHA-256 of the files that a model is trained and chosen on."""


def reader_of(folder: Path) -> Reader:
    """Raises DataError for a folder without sets; of one that was prepared once it says what is wrong with it."""
    if is_prepared(folder):
        return prepared
    try:
        data.present(folder)
    except DataError:
        if (folder / NAME).exists():
            manifest_of(folder)
        raise
    return data


def preparation_of(folder: Path) -> Manifest | None:
    """What `textpulse prepare` did; None of published sets."""
    return manifest_of(folder) if is_prepared(folder) else None
