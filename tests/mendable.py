"""Records as they should be, each with what a careless producer may have made of it, and the command line that mends it again."""
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pipelines.sample.stream import generate

ROOT = Path(__file__).resolve().parents[1]
TEXTPULSE = (sys.executable, "-m", "pipelines.cli")
TIME_FORMAT = "%d.%m.%Y %H:%M:%S.%f"
FIXES = {
    "wrong_type": ("--time-format", TIME_FORMAT),
    "missing_field": ("--rename", "body=text"),
    "bad_encoding": ("--encoding", "gb18030")}
"""The reason that a careless record is rejected for, and the change by which `textpulse dlq fix` mends it."""


@dataclass(frozen=True, slots=True)
class Record:
    """One event. careless: the reason that its careless form is rejected for; empty where it is written as it should be."""

    row: dict[str, str]
    time_ms: int
    careless: str = ""

    @property
    def source(self) -> str:
        """Where the text comes from."""
        return self.row["source"]

    def right(self) -> bytes:
        """As JSON that every decoder takes."""
        return _json({**self.row, "event_time": self.time_ms}).encode()

    def sent(self) -> bytes:
        """As the producer writes it."""
        if self.careless == "wrong_type":
            return _json({**self.row, "event_time": datetime.fromtimestamp(self.time_ms / 1000, UTC).strftime(TIME_FORMAT)}).encode()
        if self.careless == "missing_field":
            return self.right().replace(b'"text":', b'"body":', 1)
        return self.right().decode().encode("gb18030") if self.careless == "bad_encoding" else self.right()


def rows(seed: int, count: int) -> Iterator[dict[str, str]]:
    """Events of the sample stream without a time; the end of each text is no UTF-8 when it is written in gb18030."""
    good = (json.loads(record.value) for record in generate(seed, count=2 * count) if record.kind == "good" and record.value)
    for number, row in zip(range(count), good, strict=False):
        yield {**row, "event_id": f"e{seed}-{number}", "text": f"{row['text']} 很好"}


def _json(row: dict[str, object]) -> str:
    return json.dumps(row, ensure_ascii=False)


def textpulse(*argv: str | Path, code: int = 0, timeout_s: float = 120) -> str:
    """Runs a command that must end with this code; what it said, on stdout and stderr."""
    done = subprocess.run([*TEXTPULSE, *argv], cwd=ROOT, env=environment(), capture_output=True, text=True, check=False, timeout=timeout_s)
    assert done.returncode == code, f"{argv}\n{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


def environment() -> dict[str, str]:
    """Of a process that is to run this code, wherever it starts."""
    return {**os.environ, "PYTHONPATH": str(ROOT)}
