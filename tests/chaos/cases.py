"""The cases: what is done to a running job. Each finds the job counting and traffic coming in, and leaves both on."""
import contextlib
import os
import random
import resource
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from kafka import TopicPartition
from product import children_of
from scene import Scene
from timing import let_pass, until

from pipelines.broker import connect_admin

KILLS = 20
KINDS = ("group", "worker", "supervisor", "prism")


@dataclass(frozen=True, slots=True)
class Case:
    """play: what happens. poisonable: with the model that raises, and no other. copying: events come twice from the
    start. small_disk: the store lies on a disk of its own where that is allowed.
    """

    play: Callable[[Scene], None]
    poisonable: bool = False
    copying: bool = True
    small_disk: bool = False


def kill9(scene: Scene) -> None:
    """Kills of every kind at random moments, while counting and while starting or replaying; tags change each time."""
    chance = random.Random(scene.seed)
    kinds = [KINDS[number % len(KINDS)] for number in range(scene.kills or (3 if scene.short else KILLS))]
    chance.shuffle(kinds)
    for number, kind in enumerate(kinds):
        if number % 2 == 0:   # in full run; else wherever it is by then: importing, replaying, closing
            scene.until_counting(f"after {number} kills")
        let_pass(chance.uniform(1, 6 if scene.short else 12))
        scene.swap_model()
        scene.kill(kind)
    scene.until_counting("after the last kill")


def broker_killed(scene: Scene) -> None:
    """kill -9 of the broker; producers and the job wait until it is back."""
    scene.broker.kill()
    let_pass(6)
    scene.broker.restart()
    scene.until_counting("after the broker came back")


def broker_paused(scene: Scene) -> None:
    """SIGSTOP for longer than the allowed lateness: connections stay open, nothing is answered, the clock goes on."""
    scene.broker.pause()
    let_pass(scene.timing.lateness_s + 6)
    scene.broker.resume()
    scene.until_counting("after the broker went on")


def store_locked(scene: Scene) -> None:
    """Another program holds the store for 20 s; in the long form for 40 s too, which is longer than SQLite waits."""
    for seconds in (20,) if scene.short else (20, 40):
        db = sqlite3.connect(scene.stream.store, timeout=30, isolation_level=None)
        db.execute("begin exclusive")
        let_pass(seconds)
        db.execute("rollback")
        db.close()
        scene.until_counting(f"after a lock of {seconds} s")


def disk_full(scene: Scene) -> None:
    """No byte more can be written for a while; then there is room again."""
    with full_disk(scene):
        let_pass(12 if scene.short else 20)
    scene.until_counting("after there was room again")


def poisoned(scene: Scene) -> None:
    """Texts on which the model raises, alone and in crowds, and a kill among them."""
    scene.traffic.shares.poisoned = 0.01
    let_pass(6)
    scene.traffic.shares.poisoned = 0.3
    let_pass(2)
    scene.traffic.shares.poisoned = 0.01
    scene.kill("group")
    scene.until_counting("after a kill among poisoned records")


def partitions_added(scene: Scene) -> None:
    """The topic grows from 3 to 5 partitions while the job runs; then the job is killed."""
    with contextlib.closing(connect_admin(scene.broker.bootstrap, 30)) as admin:
        admin.create_partitions({scene.topic: 5})
    until(lambda: len(scene.traffic.producer.partitions_for(scene.topic)) == 5, "the producer knows the new partitions")
    scene.traffic.partitions = 5
    until(lambda: len(scene.look.frontiers()) == 5, "the job finds the new partitions")
    scene.until_counting("with the new partitions")
    scene.kill("group")
    scene.until_counting("after a kill with the new partitions")


def offsets_expired(scene: Scene) -> None:
    """Retention removes what the job had read but not closed, and what it had not read yet, while it is down."""
    until(lambda: scene.look.closed_us() > 0, "a first window closes")
    let_pass(2)
    scene.stream.crash()
    scene.kills_made += 1
    let_pass(6)
    saved, ends = scene.look.saved(), scene.ends()
    scene.dump()   # after its ends were asked for: the oracle must know what will be gone
    begins = {
        TopicPartition(scene.topic, 0): ends[f"{scene.topic}/0"] - 20,             # unread records go too
        TopicPartition(scene.topic, 1): sum(saved[f"{scene.topic}/1"]) // 2}       # only some that were read
    with contextlib.closing(connect_admin(scene.broker.bootstrap, 30)) as admin:
        admin.delete_records(begins)
    scene.stream.start()
    scene.until_counting("after offsets expired")
    scene.traffic.copying = True   # a copy of what is gone could not be known as one
    scene.kill("worker")           # a new epoch must be as safe as the first
    scene.until_counting("after a kill in the new epoch")


CASES = {
    "kill9": Case(kill9),
    "broker_killed": Case(broker_killed),
    "broker_paused": Case(broker_paused),
    "store_locked": Case(store_locked),
    "disk_full": Case(disk_full, small_disk=True),
    "poisoned": Case(poisoned, poisonable=True),
    "partitions_added": Case(partitions_added),
    "offsets_expired": Case(offsets_expired, copying=False),
}


@contextlib.contextmanager
def full_disk(scene: Scene) -> Iterator[None]:
    """Fills the small disk, or where none could be mounted limits the size of the job's files to what they have now."""
    folder = scene.stream.store.parent
    if not folder.is_mount():
        with limited_files(scene):
            yield
        return
    filler = folder / "filler"
    with filler.open("wb") as out, contextlib.suppress(OSError):
        while True:
            os.write(out.fileno(), b"\0" * 4096)
    yield
    filler.unlink()


@contextlib.contextmanager
def limited_files(scene: Scene) -> Iterator[None]:
    """RLIMIT_FSIZE of the supervisor, its worker, and so of every worker that it starts meanwhile."""
    files = [scene.stream.store, Path(f"{scene.stream.store}-wal"), scene.stream.log]
    largest = max(file.stat().st_size for file in files if file.exists())
    _limit([scene.stream.pid, *children_of(scene.stream.pid)], largest)
    yield
    _limit([scene.stream.pid, *children_of(scene.stream.pid)], resource.RLIM_INFINITY)


def _limit(pids: list[int], size_bytes: int) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (size_bytes, resource.RLIM_INFINITY))


@contextlib.contextmanager
def small_disk(folder: Path, size: str = "48m") -> Iterator[Path]:
    """A folder on a tmpfs of its own, or a plain one where mounting is not allowed."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "textpulse-chaos", str(folder)]
    mounted = bool(shutil.which("mount")) and subprocess.run(mount, capture_output=True, check=False).returncode == 0
    try:
        yield folder
    finally:
        if mounted:
            subprocess.run(["umount", str(folder)], check=False)


