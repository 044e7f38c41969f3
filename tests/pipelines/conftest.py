"""An HTTP server that takes webhooks."""
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from pipelines.children import free_port


class Receiver:
    """What was posted to it, as (headers in lower case, body). answer: called for each request; RAW when it has written all itself."""

    RAW = "answered"

    def __init__(self, port: int) -> None:
        self.port, self.url = port, f"http://127.0.0.1:{port}/hook/key-of-mine"
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.answer: Callable[[Any], Any] = lambda request: request.send_response(204)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver(free_port())

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            made.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
            if made.answer(self) is not made.RAW:
                self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: Any) -> None:
            """A client that has gone meanwhile."""

    server = Server(("127.0.0.1", made.port), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield made
    server.shutdown()
    server.server_close()
