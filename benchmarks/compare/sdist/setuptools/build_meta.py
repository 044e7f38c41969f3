"""A build backend (PEP 517) in the place of setuptools', which packs a pure source distribution as it lies and runs no setup.py.

Put the folder above this one first on PYTHONPATH, and call pip with --no-build-isolation --use-pep517.
"""
import base64
import hashlib
import zipfile
from email import message_from_string
from pathlib import Path
from types import SimpleNamespace

WHEEL = "Wheel-Version: 1.0\nGenerator: textpulse\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    """Packs the folder that has the package's name, with its data, as a wheel; returns the wheel's file name (PEP 427)."""
    metadata = Path("PKG-INFO").read_text(encoding="utf-8")
    said = message_from_string(metadata)
    name, version = said["Name"].replace("-", "_"), said["Version"]
    files = {path.as_posix(): path.read_bytes() for path in sorted(Path(name).rglob("*")) if path.is_file()}
    files |= {f"{name}-{version}.dist-info/METADATA": metadata.encode(), f"{name}-{version}.dist-info/WHEEL": WHEEL.encode()}
    record = f"{name}-{version}.dist-info/RECORD"
    rows = [f"{path},sha256={_digest(content)},{len(content)}" for path, content in files.items()]
    files[record] = "\n".join([*rows, f"{record},,", ""]).encode()
    file_name = f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(Path(wheel_directory) / file_name, "w", zipfile.ZIP_DEFLATED) as wheel:
        for path, content in files.items():
            wheel.writestr(path, content)
    return file_name


def _digest(content):
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


__legacy__ = SimpleNamespace(build_wheel=build_wheel)
"""Whom pip asks where a package has no pyproject.toml."""
