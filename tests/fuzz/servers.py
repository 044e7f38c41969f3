"""Raw bytes of requests into what answers for the metrics and the page, in this process: the real parsers and guards, without a socket."""
import asyncio
import itertools
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any
from unittest import mock
from urllib.parse import unquote

import h11

from dashboards.guard import asgi
from dashboards.guard.asgi import Guarded
from dashboards.guard.credentials import Credentials
from dashboards.guard.hosts import Names
from dashboards.guard.judge import MOST_HEAD_BYTES, Guard, Policy
from dashboards.guard.limits import Buckets
from pipelines import endpoint
from pipelines.endpoint import Endpoint

TOKEN = "a-token-of-the-fuzzers-own"
MOST_BODY = 4_096
HIDDEN = b"Zx9-inside"   # what an error of the application says
STATUSES = {b"200", b"400", b"401", b"403", b"404", b"405", b"408", b"413", b"421", b"429", b"431", b"500"}
Target = Callable[[bytes], str]


class AtOnce(Executor):
    """Does what it is given before it returns."""

    def submit(self, work: Callable[..., Any], /, *args: Any, **named: Any) -> "Future[Any]":
        """Done when it comes back."""
        done: Future[Any] = Future()
        done.set_result(work(*args, **named))
        return done


class Servers:
    """Both, with and without credentials, as their processes make them. One client in a hundred asks again and again."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.policies = [Policy(Names()), Policy(Names(), Credentials(token=TOKEN))]
        self.clients = itertools.count()
        self.endpoints = [self._endpoint(policy) for policy in self.policies]

    def _client(self) -> str:
        number = next(self.clients)
        return "10.0.0.1" if number % 100 < 2 else f"10.1.{number >> 8 & 255}.{number & 255}"

    @staticmethod
    def _endpoint(policy: Policy) -> Endpoint:
        made = Endpoint(policy, lambda accept: (b"# metrics\n" + HIDDEN, "text/plain"))
        made.guard, made.renderer = Guard(policy, Buckets(endpoint.PER_SECOND, endpoint.BURST)), AtOnce()
        return made

    def metrics(self, data: bytes) -> str:
        """One connection: at most one answer, whole, with its length and headers; the metrics only to who may have them."""
        return "-".join(self._metrics(one, data) for one in self.endpoints)

    def _metrics(self, one: Endpoint, data: bytes) -> str:
        async def asked() -> bytes:
            reader = asyncio.StreamReader(limit=MOST_HEAD_BYTES)
            reader.feed_data(data)
            reader.feed_eof()
            return await one._answer(reader, self._client())

        said = self.loop.run_until_complete(asked())
        if not said:
            assert not data
            return "none"
        head, end, body = said.partition(b"\r\n\r\n")
        line, *fields = head.split(b"\r\n")
        assert end and line.startswith(b"HTTP/1.1 "), said[:80]
        status = line[9:12]
        assert status in STATUSES, line
        headers = {name.lower(): value for name, _, value in (field.partition(b": ") for field in fields)}
        assert headers[b"x-content-type-options"] == b"nosniff" and headers[b"connection"] == b"close"
        assert int(headers[b"content-length"]) == len(body) or data.startswith(b"HEAD ")
        if status == b"200":
            assert one.policy.credentials is None or TOKEN.encode() in data or b"asic" in data
        else:
            assert HIDDEN not in said and b"Traceback" not in said
        return status.decode()

    def page(self, data: bytes) -> str:
        """What a server reads out of the bytes, before the guard of the page: one whole answer to each request, and no word of an error."""
        return "-".join(self._page(policy, data) for policy in self.policies)

    def _page(self, policy: Policy, data: bytes) -> str:
        scope, body = _scope_of(data, self._client())
        if scope is None:
            return "none"
        calls = 0

        async def application(scope: Any, receive: Any, send: Any) -> None:
            nonlocal calls
            calls += 1
            if scope["path"].startswith("/fail"):
                raise ValueError(HIDDEN.decode())
            if scope["path"].startswith("/talk"):
                await receive()
            await send({"type": "http.response.start", "status": 200, "headers": [(b"server", b"x"), (b"x-echo", b"1")]})
            await send({"type": "http.response.body", "body": b"fine"})

        guard = Guard(policy, Buckets(endpoint.PER_SECOND, endpoint.BURST))
        guarded = Guarded(application, guard, "/talk", "/files", MOST_BODY, 5.0)
        chunks = [body[at:at + 1_000] for at in range(0, len(body), 1_000)] or [b""]
        sent: list[Any] = []

        async def receive() -> Any:
            return {"type": "http.request", "body": chunks.pop(0), "more_body": bool(chunks)} if chunks else {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            sent.append(message)

        with mock.patch.object(asgi.log, "disabled", True):   # it reports every error of the application, at length
            self.loop.run_until_complete(guarded(scope, receive, send))
        kinds = [message["type"] for message in sent]
        assert kinds == ["http.response.start", "http.response.body"], kinds
        status = str(sent[0]["status"]).encode()
        assert status in STATUSES, status
        headers = dict(sent[0]["headers"])
        assert headers[b"x-content-type-options"] == b"nosniff" and b"content-security-policy" in headers
        assert HIDDEN not in repr(sent).encode() and b"Traceback" not in repr(sent).encode()
        assert calls <= 1 and not any(name.startswith(b"x-forwarded-") for name, _ in scope["headers"])
        if status == b"200":
            assert calls == 1 and len(body) <= MOST_BODY
            assert policy.credentials is None or TOKEN.encode() in data or b"asic" in data
        return status.decode()


def _scope_of(data: bytes, client: str) -> tuple[dict[str, Any] | None, bytes]:
    """The first request in the bytes as an ASGI scope, and its body; None where a server would refuse it by itself."""
    reading = h11.Connection(h11.SERVER, max_incomplete_event_size=65_536)
    body = b""
    try:
        reading.receive_data(data)
        asked = reading.next_event()
        if not isinstance(asked, h11.Request):
            return None, b""
        while isinstance(part := reading.next_event(), h11.Data):
            body += bytes(part.data)
    except h11.RemoteProtocolError:
        return None, b""
    path, _, query = asked.target.partition(b"?")
    return {
        "type": "http", "method": asked.method.decode("ascii"), "path": unquote(path.decode("ascii")), "raw_path": path,
        "query_string": query, "headers": list(asked.headers), "client": (client, 1)}, body
