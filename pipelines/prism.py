"""Prism, Beam's portable runner: finds its binary and runs it as a child for one job."""
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from pipelines.children import Child, await_port, free_port, spawn
from pipelines.errors import EnvironmentProblem, UsageProblem

BEAM_VERSION = "2.77.0"

REPOSITORY = Path(__file__).resolve().parent.parent
BEAM_CACHE = Path("~/.apache_beam/cache/prism/bin")
"""Where apache_beam's own PrismRunner unpacks or builds it (prism_runner.py, BIN_CACHE)."""


class PrismMissing(EnvironmentProblem):
    """No Prism binary: a streaming job is refused, since Beam would fall back to a runner that fires no window."""


def find_prism(location: str | None = None) -> Path:
    """The Prism binary: `location` (--prism_location), else TEXTPULSE_PRISM, .cache/prism below the working directory
    or the repository, PATH, or Beam's own download cache; the first that is there.

    Raises UsageProblem when a place that was named holds no program, PrismMissing when there is none anywhere.
    """
    for named, origin in ((location, "--prism_location"), (os.environ.get("TEXTPULSE_PRISM"), "TEXTPULSE_PRISM")):
        if named:
            return _named(named, origin)
    for candidate in _candidates():
        if _runs(candidate):
            return candidate
    raise PrismMissing(
        "Prism, the runner of streaming jobs, was not found (looked in .cache/prism, on PATH and in "
        f"{BEAM_CACHE}). Build it with `make prism` (needs Go; about 3 minutes), or name a binary of Beam "
        f"{BEAM_VERSION} with --prism_location=PATH or TEXTPULSE_PRISM=PATH")


def _named(path: str, origin: str) -> Path:
    binary = Path(path).expanduser().absolute()
    if not _runs(binary):
        raise UsageProblem(f"{origin}={path}: no program there that may be executed; give the path of a Prism binary, "
                           f"or leave it out and run `make prism`")
    return binary


def _candidates() -> Iterator[Path]:
    yield Path.cwd() / ".cache" / "prism" / "prism"
    yield REPOSITORY / ".cache" / "prism" / "prism"
    if on_path := shutil.which("prism"):
        yield Path(on_path)
    cache = BEAM_CACHE.expanduser()
    yield cache / "prism"
    yield from sorted(cache.glob(f"apache_beam-v{BEAM_VERSION}-prism-*"))


def _runs(binary: Path) -> bool:
    return binary.is_file() and os.access(binary, os.X_OK)


def start_prism(binary: Path, log: Path | None = None, *, log_level: str = "warn",
                deadline_s: float = 30.0) -> tuple[Child, str]:
    """Starts Prism without its web page and waits until it takes jobs: (the child, job endpoint "localhost:PORT").

    It dies with this process; end() it after the job. Hand the endpoint to Beam as --runner=PortableRunner
    --job_endpoint=ENDPOINT --environment_type=LOOPBACK. Raises EnvironmentProblem when it does not come up.
    """
    port = free_port()
    child = spawn([str(binary), f"--job_port={port}", "--serve_http=false", f"--log_level={log_level}",
                   "--log_kind=text"], log=log, new_group=True)
    await_port(child, port, name=f"Prism ({binary})", log=log, deadline_s=deadline_s)
    return child, f"localhost:{port}"
