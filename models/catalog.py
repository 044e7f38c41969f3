"""Lists the model folders that lie somewhere. Imports no TensorFlow."""

from collections.abc import Iterable
from pathlib import Path

import msgspec

from models.folder import MANIFEST, Manifest, read_json, size_bytes


class Listed(msgspec.Struct, frozen=True):
    """A model as `textpulse models` shows it."""

    name: str
    version: str
    tier: str
    tasks: list[str]
    size_bytes: int
    created: str
    folder: str


def models_in(places: Iterable[Path]) -> list[Listed]:
    """The models among the places and the folders right under them, each once, newest first.

    A place that does not exist holds none; a half-written folder has no manifest in its place, so it is not listed.
    Raises ModelError for a manifest that cannot be read.
    """
    folders = {path.resolve() for place in places if place.is_dir() for path in (place, *place.iterdir())}
    found = [_listed(folder) for folder in sorted(folders) if (folder / MANIFEST).is_file()]
    return sorted(found, key=lambda listed: listed.created, reverse=True)


def _listed(folder: Path) -> Listed:
    manifest = read_json(folder / MANIFEST, Manifest)
    size = size_bytes(folder)
    return Listed(manifest.name, manifest.version, manifest.tier, manifest.tasks, size, manifest.created, str(folder))
