"""The product as its user runs it: `textpulse stream` in a process of its own, what can befall it, and its store."""
import os
import signal
import sqlite3
import sys
from pathlib import Path

from folders import ROOT
from timing import Timing

from pipelines.children import Child, end, spawn

MARK = "CHAOS_CASE"   # in the environment of everything that a case starts: finds what is left behind
JOB = "chaos"


def one_key(folder: Path) -> Path:
    """A policy with a key of its own: the stream's store and the backfill's count authors by the same hashes."""
    key, policy = folder / "key", folder / "policy.toml"
    key.write_text(os.urandom(32).hex())
    policy.write_text(f"[key]\nfile = {str(key)!r}\n")
    return policy


class Stream:
    """One job over one store. `model` is a symbolic link: what a worker finds there when it starts."""

    def __init__(self, folder: Path, store: Path, servers: str, topic: str, timing: Timing, model: Path) -> None:
        self.store, self.log = store, folder / "job.log"
        self.mark = f"{folder.name}-{os.getpid()}"
        self.child: Child | None = None
        self.policy = one_key(folder)
        self.command = [
            sys.executable, "-m", "pipelines.cli", "stream", "--bootstrap-servers", servers, "--topic", topic,
            "--job", JOB, "--store", f"sqlite:///{store}", "--model", str(model), "--window", f"{timing.window_s}s",
            "--allowed-lateness", f"{timing.lateness_s}s", "--out-of-orderness", f"{timing.disorder_s}s",
            "--idle-after", "1s", "--metrics-port", "0", "--policy", str(self.policy)]

    @property
    def pid(self) -> int:
        """The supervisor."""
        assert self.child is not None
        return self.child.pid

    def start(self) -> None:
        """Starts the supervisor, which starts the worker."""
        environment = {MARK: self.mark, "PYTHONPATH": str(ROOT)}
        self.child = spawn(self.command, env=environment, log=self.log, new_group=True)

    def kill(self, what: str) -> None:
        """kill -9 of one kind; a supervisor that was killed is started again at once."""
        worker = first(children_of(self.pid))
        prism = first(children_of(worker)) if worker else 0
        if what == "supervisor":
            self.crash()
            self.start()
            return
        for pid in {"worker": [worker], "prism": [prism], "group": [worker, prism]}[what]:
            _kill(pid, group=what == "group")

    def crash(self) -> None:
        """kill -9 of the supervisor alone: everything below must go with it."""
        assert self.child is not None
        os.kill(self.child.pid, signal.SIGKILL)
        self.child.wait()

    def stop(self) -> int:
        """SIGTERM, as a person or a service manager would; the exit code, -9 when it did not end in 20 s."""
        assert self.child is not None
        return end(self.child, grace_s=20.0)

    def left(self) -> list[str]:
        """Processes of this case that still run."""
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                if f"{MARK}={self.mark}".encode() in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(f"{entry.name} {(entry / 'comm').read_text().strip()}")
            except OSError:   # it ended meanwhile, or is none of ours
                continue
        return found


def children_of(pid: int) -> list[int]:
    """The process's living children."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            state, parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
        except OSError:
            continue
        if int(parent) == pid and state != "Z":
            found.append(int(entry.name))
    return found


def first(pids: list[int]) -> int:
    """The first of them, or 0."""
    return pids[0] if pids else 0


def _kill(pid: int, *, group: bool) -> None:
    if not pid:
        return
    try:
        (os.killpg if group else os.kill)(pid, signal.SIGKILL)
    except ProcessLookupError:   # it was just starting or ending
        return


class Look:
    """Reads a store that may be locked, full or not there yet: then it gives the default."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def ask(self, query: str, default: int = 0) -> int:
        """One number."""
        rows = self._rows(query)
        return int(rows[0][0]) if rows and rows[0][0] is not None else default

    def counted(self) -> int:
        """Records in units."""
        return self.ask("select sum(records) from units")

    def closed_us(self) -> int:
        """Windows that end at or before this are closed."""
        return self.ask("select max(closed_us) from jobs", -(10**18))

    def frontiers(self) -> dict[str, int]:
        """Origin -> offsets below were handed on when the job saved last."""
        return dict(self._rows("select origin, frontier from progress"))

    def saved(self) -> dict[str, tuple[int, int]]:
        """Origin -> (where a new process starts, everything below was decided)."""
        rows = self._rows(
            "select p.origin, p.saved, max(p.read, coalesce(max(u.last_offset) + 1, 0)) from progress p "
            "left join units u on u.origin = p.origin group by p.origin")
        return {origin: (saved, evidence) for origin, saved, evidence in rows}

    def _rows(self, query: str) -> list[tuple]:
        if not self.path.exists():
            return []
        try:
            db = sqlite3.connect(f"file:{self.path}?mode=ro", uri=True, timeout=2)
        except sqlite3.Error:
            return []
        try:
            return db.execute(query).fetchall()
        except sqlite3.Error:
            return []
        finally:
            db.close()
