"""To which metrics the page says which credentials: its own leave this machine for nobody."""
import argparse
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from dashboards.guard.credentials import Credentials
from dashboards.page.health import Endpoints
from pipelines.commands.dashboard import authorizations
from pipelines.errors import EnvironmentProblem

OWN = Credentials(token="4be1a7f09c3d52e8b6401f7a")
HERE = ("http://127.0.0.1:9464/metrics", "https://localhost:9464/metrics", "http://[::1]:9/metrics")
ELSEWHERE = ("http://10.0.0.1:9464/metrics", "http://localhost.evil.example/metrics", "http://127.0.0.1@evil.example/", "http://metrics/")


def given(file: str = "") -> argparse.Namespace:
    return argparse.Namespace(metrics_token_file=file)


def test_the_pages_own_credentials_are_for_this_machine_alone() -> None:
    assert authorizations([*HERE, *ELSEWHERE], given(), OWN) == dict.fromkeys(HERE, OWN.header)
    assert authorizations(HERE, given(), None) == {}


def test_a_token_for_the_metrics_goes_to_each_of_them(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("another-1f0e2d3c4b5a69788")
    found = authorizations([*HERE, *ELSEWHERE], given(str(tmp_path / "token")), OWN)
    assert found == dict.fromkeys([*HERE, *ELSEWHERE], "Bearer another-1f0e2d3c4b5a69788")
    (tmp_path / "token").write_text("short")
    with pytest.raises(EnvironmentProblem, match="--metrics-token-file"):
        authorizations(HERE, given(str(tmp_path / "token")), OWN)


@pytest.fixture
def asked() -> Iterator[tuple[str, list[tuple[str, str | None]]]]:
    """(an address that sends on to another of its paths, what came: path and Authorization header)."""
    came: list[tuple[str, str | None]] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            came.append((self.path, self.headers.get("Authorization")))
            self.send_response(302 if self.path == "/metrics" else 200)
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *said: object) -> None:
            """Nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/metrics", came
        server.shutdown()


def test_who_sends_the_page_elsewhere_does_not_send_its_credentials_there(asked: tuple[str, list[tuple[str, str | None]]]) -> None:
    address, came = asked
    endpoints = Endpoints([address], {address: OWN.header})
    endpoints.look()
    assert came == [("/metrics", OWN.header), ("/elsewhere", None)]
    assert OWN.token not in repr(endpoints)
