"""uvicorn with limits that it lacks: of connections, of the time a request may take to come and an answer to be taken."""
import asyncio
import contextlib
import functools
import ssl
import sys
import time
from http import HTTPStatus
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from dashboards.guard.answers import HEADERS, plain
from dashboards.guard.asgi import App
from dashboards.guard.hosts import client_of
from dashboards.guard.judge import MOST_HEAD_BYTES
from dashboards.guard.limits import Gate

CONNECTIONS, CONNECTIONS_EACH = 256, 64
HEAD_WITHIN_S, HANDSHAKE_WITHIN_S, SWEEP_EVERY_S = 10.0, 5.0, 5.0
MOST_MESSAGE_BYTES = 65_536


class Http(H11Protocol):
    """A connection of which the gate knows. From its start and after each answer a whole head must come in HEAD_WITHIN_S."""

    def __init__(self, gate: Gate, **given: Any) -> None:
        super().__init__(**given)
        self.gate = gate
        self.late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:   # type: ignore[override]
        """Lets it in, or says that there is no room."""
        super().connection_made(transport)
        if self.gate.enter(transport, client_of(self.client[0] if self.client else "")):
            self._expect()
        else:
            self._end(503, "Too many connections.")

    def connection_lost(self, exc: Exception | None) -> None:
        """It has ended."""
        self._came()
        self.gate.leave(self.transport)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Some bytes of requests."""
        if not self.transport.is_closing():
            super().data_received(data)

    def handle_events(self) -> None:
        """What these bytes mean."""
        super().handle_events()
        if self.conn.their_state is not h11.IDLE:
            self._came()

    def on_response_complete(self) -> None:
        """Another request may come."""
        self._came()
        self._expect()
        super().on_response_complete()

    def send_400_response(self, msg: str) -> None:
        """What came is no request."""
        status = getattr(sys.exception(), "error_status_hint", 400)
        if self.conn.our_state is not h11.IDLE:   # an answer is under way
            self.transport.abort()
            return
        self._end(status, "The head of the request is too large." if status == 431 else "The request is malformed.")

    def _expect(self) -> None:
        self.late = self.loop.call_later(HEAD_WITHIN_S, self._end, 408, "The request did not come in time.")

    def _came(self) -> None:
        if self.late is not None:
            self.late.cancel()
            self.late = None

    def _end(self, status: int, text: str) -> None:
        self._came()
        self.transport.write(plain(status if status in set(HTTPStatus) else 400, text))
        self.transport.close()


class Websocket(WebSocketsSansIOProtocol):
    """A connection that was one of Http: the gate learns of its end, and what refuses a handshake has our headers."""

    def __init__(self, gate: Gate, **given: Any) -> None:
        super().__init__(**given)
        self.gate = gate
        send_response = self.conn.send_response

        def with_headers(response: Any) -> None:
            for name, value in HEADERS.items():
                if name not in response.headers:
                    response.headers[name] = value
            send_response(response)

        self.conn.send_response = with_headers   # type: ignore[method-assign]

    def connection_lost(self, exc: Exception | None) -> None:
        """It has ended."""
        self.gate.leave(self.transport)
        super().connection_lost(exc)


class Server(uvicorn.Server):
    """Sweeps connections that do not take what was sent, and waits for no slow handshake of TLS."""

    gate: Gate

    async def startup(self, sockets: Any = None) -> None:
        """Listens."""
        loop = asyncio.get_running_loop()
        if self.config.ssl is not None:
            loop.create_server = functools.partial(   # type: ignore[method-assign]
                loop.create_server, ssl_handshake_timeout=HANDSHAKE_WITHIN_S)
        self.sweeping = loop.create_task(self._sweep())
        await super().startup(sockets)

    async def shutdown(self, sockets: Any = None) -> None:
        """Ends."""
        self.sweeping.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self.sweeping
        await super().shutdown(sockets)

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_EVERY_S)
            self.gate.sweep(time.monotonic())


def server_of(app: App, tls: ssl.SSLContext | None) -> Server:
    """A server with these limits. No header of a client says who it is."""
    gate = Gate(CONNECTIONS, CONNECTIONS_EACH)
    config = uvicorn.Config(
        app, log_level="error", access_log=False, timeout_graceful_shutdown=2, loop="asyncio", proxy_headers=False, server_header=False,
        http=functools.partial(Http, gate), ws=functools.partial(Websocket, gate),   # type: ignore[arg-type]
        h11_max_incomplete_event_size=MOST_HEAD_BYTES, ws_max_size=MOST_MESSAGE_BYTES,
        ssl_context_factory=(lambda *_: tls) if tls else None)
    made = Server(config)
    made.gate = gate
    return made
