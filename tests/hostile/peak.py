"""Reads hostile records and archives, each in a process of its own, and prints what came of it and how much memory that took.

    python tests/hostile/peak.py record|archive [NAME...]

A record goes through a job with a store, as one that comes from Kafka does. A line of JSON for each; exit: a signal that ended it, or 0.
"""
import functools
import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
from bombs import ARCHIVES, RECORD_BYTES, RECORDS

from insights.store import Store
from schemas.archived import ArchiveDecoder
from schemas.decode import MAX_RECORD_BYTES
from schemas.json_events import JsonDecoder
from schemas.records import Rejected
from transforms.archives import read_records
from transforms.job import Job, JobSettings, Raw

MINUTE_US = 60_000_000


def memory_mb(which: str) -> float:
    """VmRSS: of now; VmHWM: the most since it was reset."""
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith(which))


def of_archive(path: str, said: Counter[str]) -> str:
    """Reads and decodes all of it; returns the last detail."""
    decoder, detail = ArchiveDecoder(), ""
    for batch in read_records(path):
        for value in batch.values:
            found = decoder.decode(value, None)
            said[found.reason.value if isinstance(found, Rejected) else "event"] += 1
            detail = found.detail if isinstance(found, Rejected) else detail
    return detail


def of_record(path: str, said: Counter[str]) -> str:
    """Takes it through a job; returns the last detail."""
    store = Store(f"sqlite:///{path}.db")
    store.open_job("job", "stream", MINUTE_US, 0)
    job = Job(JobSettings("", "job", "stream", 0, MINUTE_US, 0, 0), store, JsonDecoder())
    job.add("texts/0")
    poll = job.take([Raw("texts/0", np.array([0]), [Path(path).read_bytes()], [None])])
    job.hand_on(poll)
    said["event"] += len(poll.chunk.events) if poll.chunk else 0
    said.update(letter.reason.value for letter in poll.dead)
    return poll.dead[-1].detail if poll.dead else ""


def measured(read: Callable[[str, Counter[str]], str], path: str, name: str) -> None:
    """Prints one line."""
    Path("/proc/self/clear_refs").write_text("5")
    base_mb, begun = memory_mb("VmRSS"), time.monotonic()
    said: Counter[str] = Counter()
    detail = read(path, said)
    print(json.dumps({
        "name": name, "above_mb": round(memory_mb("VmHWM") - base_mb), "seconds": round(time.monotonic() - begun, 1), "said": said,
        "detail": detail}), flush=True)


def in_child(work: Callable[[], object]) -> int:
    """Does it in a process of its own; returns its exit status."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    try:
        work()
    except BaseException as error:   # noqa: BLE001 - the child ends here
        print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
        os._exit(1)
    os._exit(0)


def makers(kind: str) -> dict[str, Callable[[], bytes]]:
    """What there is, by name."""
    if kind == "archive":
        return ARCHIVES
    sizes = {"100 MB": RECORD_BYTES, "the limit": MAX_RECORD_BYTES}
    return {
        f"{name}, {title}.json": functools.partial(lambda make, size: make(size)[:size], make, size)
        for name, make in RECORDS.items() for title, size in sizes.items()}


def main() -> None:
    """Each in turn."""
    kind, *names = sys.argv[1:]
    made, read = makers(kind), of_record if kind == "record" else of_archive
    with tempfile.TemporaryDirectory() as folder:
        for name in names or made:
            path = f"{folder}/bomb.{name.split('.', 1)[1]}"
            worked = in_child(lambda path=path, name=name: Path(path).write_bytes(made[name]()))
            ended = worked or in_child(lambda path=path, name=name: measured(read, path, name))
            if ended:
                sys.exit(f"{name}: ended by {ended}")
            for left in Path(folder).iterdir():
                left.unlink()


if __name__ == "__main__":
    main()
