"""The web page beside a job, in a process of its own: what it cannot do is no reason for the job to stop."""
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pipelines.children import Child, spawn
from pipelines.options import STORE


@dataclass
class Page:
    """A page that was started. log: what it said."""

    child: Child
    log: Path
    told: bool = False

    @property
    def address(self) -> str:
        """Where it is; empty before it is there and after it has ended."""
        if self.child.poll() is not None:
            return ""
        found = re.search(r"http://\S+", self.log.read_text(errors="replace"))
        return found.group() if found else ""

    def problem(self) -> str:
        """Why there is no page, in one line, once; else empty."""
        if self.told or self.child.poll() is None:
            return ""
        self.told = True
        said = self.log.read_text(errors="replace").strip().splitlines() or [f"it ended with code {self.child.returncode}"]
        return f"no page: {said[-1].removeprefix('textpulse: ')}"


def start_page(store_url: str, job: str, port: int, metrics: str, log: Path, options: Sequence[str] = ()) -> Page:
    """The same `textpulse dashboard` that anybody runs. metrics: the job's address; empty for none. options: more of its options."""
    command = [sys.executable, "-m", "pipelines", "dashboard", "--job", job, "--page-port", str(port), "--metrics", metrics,
               *options]
    return Page(spawn(command, env={STORE.variable: store_url}, log=log, new_group=True), log)   # it may hold a password
