"""Files that a command is given, and one that it writes: whole or not at all, so that who reads it meanwhile, or after a failure, has
the old one."""
import os
import shlex
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipelines.errors import EnvironmentProblem, UsageProblem


def names(given: str, option: str) -> list[str]:
    """What an option names, with spaces between. Raises UsageProblem."""
    try:
        return shlex.split(given)
    except ValueError as error:
        raise UsageProblem(f"{option} {given}: a quotation mark is not closed") from error


def check_place(path: Path, option: str) -> None:
    """Raises UsageProblem or EnvironmentProblem where no file can be written; says so before the work is done."""
    place = path.resolve()
    if place.is_dir():
        raise UsageProblem(f"{option} {path}: is a folder; name a file in it")
    if place.exists() and not place.is_file():   # such as /dev/null, which must not be replaced
        raise UsageProblem(f"{option} {path}: is not a plain file; choose another place")
    if not place.parent.is_dir():
        raise EnvironmentProblem(f"{option} {path}: there is no folder {path.parent}; make it, or choose another place")
    if not os.access(place.parent, os.W_OK | os.X_OK):
        raise EnvironmentProblem(f"{option} {path}: folder {path.parent} may not be written to; choose another place")


def check_new_folder(path: Path, option: str) -> None:
    """Raises UsageProblem or EnvironmentProblem where no folder can be made; says so before the work is done."""
    if path.resolve() == Path.cwd():   # whoever works in a folder that is replaced works in one that is gone
        raise UsageProblem(f"{option} {path}: is the folder that this runs in; name another")
    above = next(place for place in path.resolve().parents if place.exists())
    if not above.is_dir():
        raise UsageProblem(f"{option} {path}: {above} is a file, and no folder; choose another place")
    if not os.access(above, os.W_OK | os.X_OK):
        raise EnvironmentProblem(f"{option} {path}: folder {above} may not be written to; choose another place")


@contextmanager
def replacing(path: Path, option: str) -> Iterator[Path]:
    """A file beside it to be written, which takes its place at the end. Raises EnvironmentProblem when the disk does not take it."""
    place = path.resolve()   # where a link leads to: the link stays
    try:
        number, name = tempfile.mkstemp(prefix=f".{place.name[:50]}.", dir=place.parent)
        os.close(number)
        new = Path(name)
        try:
            yield new
            mask = os.umask(0)
            os.umask(mask)
            new.chmod(0o666 & ~mask)   # as any other file; a temporary one is for its owner alone
            new.replace(place)
        finally:
            new.unlink(missing_ok=True)
    except OSError as error:
        raise EnvironmentProblem(f"{option} {path}: {error.strerror or error}; choose another place") from error
