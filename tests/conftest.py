"""The real broker and the real PostgreSQL, each started once a run, and polling with a deadline."""
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pipelines.broker import Broker

CACHE = Path(__file__).resolve().parent.parent / ".cache" / "broker"

Eventually = Callable[..., None]


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[Broker]":
    """Apache Kafka for the whole run. A test that kills, pauses or restarts it must leave it running."""
    from pipelines.broker import find_java, kafka_at_hand, open_broker

    if find_java() is None:
        pytest.skip("the real broker needs Java 17 or later on PATH (Debian: apt install openjdk-17-jre-headless)")
    if not kafka_at_hand(CACHE):
        pytest.skip("the real broker needs Maven on PATH for its first fetch (Debian: apt install maven)")
    with open_broker(CACHE, tmp_path_factory.mktemp("broker") / "broker.log") as running:
        yield running


@pytest.fixture
def topic() -> str:
    """A topic name that no other test uses; create it with create_topic."""
    return f"test-{uuid.uuid4().hex[:12]}"


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The SQLAlchemy URL of a server of its own; its databases are the tests' to make. It listens on a socket file only."""
    programs = _postgres_programs()
    if programs is None:
        pytest.skip("needs PostgreSQL's server programs (Debian: apt install postgresql), on PATH or in /usr/lib/postgresql")
    folder = Path(tempfile.mkdtemp(prefix="textpulse-postgres-"))   # a short path: it holds the socket
    as_user = _no_root(folder)
    log = (folder / "log").open("wb")
    data = str(folder / "data")
    try:
        subprocess.run([programs / "initdb", "-D", data, "-U", "textpulse", "--auth=trust", "-E", "UTF8", "--locale=C", "--no-sync"],
                       check=True, stdout=log, stderr=log, cwd=folder, **as_user)
        server = subprocess.Popen(
            [programs / "postgres", "-D", data, "-k", str(folder), "-c", "listen_addresses=", "-c", "fsync=off"],
            stdout=log, stderr=log, cwd=folder, **as_user)
        try:
            _await_socket(server, folder)
            yield f"postgresql+psycopg://textpulse@/postgres?host={folder}"
        finally:
            server.send_signal(signal.SIGINT)   # its fast shutdown
            server.wait(30)
    finally:
        log.close()
        shutil.rmtree(folder, ignore_errors=True)


def _postgres_programs() -> Path | None:
    """The folder of initdb and postgres: of PATH, else the newest that Debian has installed."""
    on_path = shutil.which("initdb")
    found = [Path(on_path).resolve().parent] if on_path else []
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name), reverse=True)
    return next((folder for folder in found if (folder / "initdb").is_file() and (folder / "postgres").is_file()), None)


def _no_root(folder: Path) -> dict[str, Any]:
    """initdb refuses root: then another user owns the folder and runs the server."""
    if os.geteuid():
        return {}
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    user = names.get("postgres") or names.get("nobody")
    if user is None:
        pytest.skip("PostgreSQL does not run as root, and there is no user postgres or nobody")
    os.chown(folder, user.pw_uid, user.pw_gid)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _await_socket(server: "subprocess.Popen[bytes]", folder: Path) -> None:
    give_up = time.monotonic() + 60
    ready = "is ready to accept connections"
    while ready not in (folder / "log").read_text(errors="replace"):
        if server.poll() is not None or time.monotonic() > give_up:
            pytest.fail(f"PostgreSQL did not start:\n{(folder / 'log').read_text(errors='replace')[-2000:]}")
        time.sleep(0.05)


@pytest.fixture(scope="session")
def eventually() -> Eventually:
    """eventually(check, what, deadline_s=30): polls until check() is true, and fails naming `what` at the deadline."""

    def poll(check: Callable[[], bool], what: str, deadline_s: float = 30.0) -> None:
        give_up = time.monotonic() + deadline_s
        while not check():
            if time.monotonic() > give_up:
                pytest.fail(f"not within {deadline_s:.0f} s: {what}")
            time.sleep(0.02)

    return poll
