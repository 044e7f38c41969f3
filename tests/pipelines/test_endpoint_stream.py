"""The metrics of a real stream under a flood: the job reads on, is never started anew, and says its token to nobody."""
import secrets
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pipelines.children import Child, end, free_port, spawn
from pipelines.errors import EnvironmentProblem
from pipelines.prism import find_prism

if TYPE_CHECKING:
    from pipelines.broker import Broker

READY_S = 120.0


class Stream:
    """A stream whose metrics demand a token."""

    def __init__(self, child: Child, port: int, token: str, folder: Path) -> None:
        self.child, self.port, self.token, self.folder = child, port, token, folder

    def scraped(self) -> dict[str, float]:
        """Empty while it does not answer."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/metrics", headers={"Authorization": f"Bearer {self.token}"})
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                lines = answer.read().decode().splitlines()
        except OSError:
            return {}
        return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if not line.startswith("#"))}

    def records(self) -> float:
        return sum(value for name, value in self.scraped().items() if name.startswith("textpulse_records_total"))


@pytest.fixture(scope="module")
def stream(broker: "Broker", eventually: Callable[..., None], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stream]:
    try:
        find_prism()
    except EnvironmentProblem as missing:
        pytest.skip(str(missing))
    folder = tmp_path_factory.mktemp("flooded")
    token, port = secrets.token_hex(32), free_port()
    (folder / "token").write_text(token)
    command, reach = [sys.executable, "-m", "pipelines"], ["--bootstrap-servers", broker.bootstrap, "--topic", folder.name]
    started = [
        spawn([*command, "produce", "--sample", "60000", "--rate", "200", "--speed", "1", "--shift-to-now", *reach],
              log=folder / "produce.log", new_group=True),
        spawn([*command, "stream", "--store", f"sqlite:///{folder}/a.db", "--metrics-port", str(port), "--window", "5s",
               "--http-token-file", str(folder / "token"), *reach], log=folder / "stream.log", new_group=True)]
    made = Stream(started[1], port, token, folder)
    try:
        eventually(lambda: made.records() > 0, "the stream counts records", READY_S)
        yield made
    finally:
        for child in reversed(started):
            child.send_signal(signal.SIGTERM)
            end(child, 10.0)


@pytest.mark.kafka
@pytest.mark.prism
@pytest.mark.model
class TestFlooded:
    def test_a_flood_of_requests_and_of_idle_connections_leaves_the_job_alone(
            self, stream: Stream, eventually: Callable[..., None]) -> None:
        before = stream.records()
        statuses: list[int] = []
        with ExitStack() as held:
            for at in range(200):
                with socket.socket() as unbound:
                    unbound.bind((f"127.0.9.{1 + at % 200}", 0))
                    unbound.connect(("127.0.0.1", stream.port))
                    held.enter_context(socket.socket(fileno=unbound.detach()))
            for at in range(10_000):
                try:
                    with socket.create_connection(("127.0.0.1", stream.port), 10, (f"127.0.8.{1 + at % 2}", 0)) as talk:
                        talk.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
                        statuses.append(int(talk.recv(64).split(b" ")[1]))
                except ConnectionResetError:
                    statuses.append(0)
        assert len(statuses) == 10_000 and not {200, 500} & {*statuses}
        eventually(lambda: stream.records() > before + 200, "it reads on")
        said = stream.scraped()
        assert all(said[f'textpulse_restarts_total{{cause="{cause}"}}'] == 0 for cause in ("failure", "environment", "recycle"))
        assert said["textpulse_oldest_open_window_age_seconds"] < 60
        assert stream.child.poll() is None

    def test_without_the_token_nobody_is_told_anything(self, stream: Stream, eventually: Callable[..., None]) -> None:
        def refused() -> int:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{stream.port}/metrics", timeout=10)
            except urllib.error.HTTPError as error:
                return error.code
            return 200

        eventually(lambda: refused() != 429, "the flood is over")
        assert refused() == 401

    def test_the_token_is_in_no_argument_no_log_and_no_metric(self, stream: Stream) -> None:
        listed = subprocess.run(["ps", "-eww", "-o", "args"], capture_output=True, text=True, check=True).stdout
        assert str(stream.folder) in listed and stream.token not in listed
        assert stream.token not in (stream.folder / "stream.log").read_text(errors="replace")
        assert stream.token not in str(stream.scraped())
