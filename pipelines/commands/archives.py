"""The files that a command is to read or write: looked at before anything else is begun."""
import tempfile
from collections.abc import Sequence
from pathlib import Path

from pipelines.errors import EnvironmentProblem, UsageProblem

ENDINGS = (".jsonl", ".ndjson", ".json", ".jsonl.gz", ".ndjson.gz", ".json.gz", ".avro", ".parquet", ".pq")


def is_archive(path: str) -> bool:
    """Whether the name says that it holds events."""
    return path.lower().endswith(ENDINGS)


def files_of(patterns: Sequence[str]) -> list[str]:
    """The files that paths, globs and URLs name. Raises UsageProblem naming what is not there."""
    from transforms.archives import ArchiveError, expand  # late: it loads pyarrow

    try:
        return expand(patterns)
    except ArchiveError as error:
        raise UsageProblem(str(error)) from error


def check_archives(patterns: Sequence[str]) -> None:
    """Raises UsageProblem naming a file that is not there, or the first one of an unknown kind."""
    strange = [path for path in files_of(patterns) if not is_archive(path)]
    if strange:
        more = f" (and {len(strange) - 1:,} more)" if len(strange) > 1 else ""
        raise UsageProblem(f"{strange[0]}{more}: unknown kind of archive; the name must end in {', '.join(ENDINGS)}")


def check_output(folder: str) -> None:
    """Makes the folder of --tagged-files; empty: none, and what has a URL is left alone. Raises EnvironmentProblem."""
    if not folder or "://" in folder:
        return
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise EnvironmentProblem(f"--tagged-files {folder}: no files can be written there: {error.strerror}") from error
