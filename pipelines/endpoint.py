"""The server of the metrics: one thread beside the job, with limits on everything that a client may do. It knows GET and HEAD alone."""
import asyncio
import contextlib
import gzip
import logging
import re
import secrets
import socket
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from dashboards.guard.answers import HEADERS, Answer, failed, plain, wire
from dashboards.guard.hosts import client_of
from dashboards.guard.judge import MOST_HEAD_BYTES, Asked, Guard, Policy
from dashboards.guard.limits import Buckets, Gate

PER_SECOND, BURST = 10.0, 40.0
CONNECTIONS, CONNECTIONS_EACH = 64, 32
HEAD_WITHIN_S, SENT_WITHIN_S, HANDSHAKE_WITHIN_S, LEFT_WITHIN_S = 5.0, 10.0, 5.0, 1.0
PATHS = (b"/", b"/metrics")
_LINE = re.compile(rb"([A-Z]{1,20}) (\S+) HTTP/1\.[01]")
_HEADER = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t\x20-\x7e\x80-\xff]*)")
log = logging.getLogger("textpulse.metrics")
Render = Callable[[str], tuple[bytes, str]]
"""The Accept header -> (the metrics, their content type)."""


class BadRequest(Exception):
    """What came is no request (RFC 9112)."""


def request_of(head: bytes, client: str) -> Asked:
    """The request with this head, which ends with an empty line. Raises BadRequest."""
    first, *lines = head.removesuffix(b"\r\n\r\n").split(b"\r\n")
    line = _LINE.fullmatch(first)
    fields = [_HEADER.fullmatch(one) for one in lines]
    if line is None or not all(fields):
        raise BadRequest
    headers = [(one[1].lower(), one[2].rstrip(b" \t")) for one in fields if one]
    return Asked(client, line[1].decode(), line[2], headers)


@dataclass
class Endpoint:
    """Answers on a socket that listens. render: called by one thread, one call at a time."""

    policy: Policy
    render: Render
    tls: ssl.SSLContext | None = None

    def start(self, where: socket.socket) -> None:
        """Serves from a thread of its own, as long as the process lives."""
        where.setblocking(False)
        threading.Thread(target=lambda: asyncio.run(self._serve(where)), name="metrics", daemon=True).start()

    async def _serve(self, where: socket.socket) -> None:
        self.guard = Guard(self.policy, Buckets(PER_SECOND, BURST))
        self.gate = Gate(CONNECTIONS, CONNECTIONS_EACH)
        self.renderer = ThreadPoolExecutor(1, "metrics")
        loop, talks = asyncio.get_running_loop(), set[asyncio.Task[None]]()
        while True:
            try:
                taken, address = await loop.sock_accept(where)
            except OSError as error:   # no more files, or who came has gone already
                log.warning("a client was not served: %s", error.strerror)
                await asyncio.sleep(0.1)
                continue
            client = client_of(address[0])
            if not self.gate.enter(taken, client):
                self._full(taken)
                continue
            talk = loop.create_task(self._talk(taken, client))
            talks.add(talk)
            talk.add_done_callback(talks.discard)

    def _full(self, taken: socket.socket) -> None:
        with taken, contextlib.suppress(OSError):
            taken.setblocking(False)
            if self.tls is None:
                taken.send(plain(503, "Too many connections."))

    async def _talk(self, taken: socket.socket, client: str) -> None:
        """One request and its answer."""
        loop, writer = asyncio.get_running_loop(), None
        try:
            reader = asyncio.StreamReader(limit=MOST_HEAD_BYTES)
            protocol = asyncio.StreamReaderProtocol(reader)
            transport, _ = await loop.connect_accepted_socket(
                lambda: protocol, taken, ssl=self.tls, ssl_handshake_timeout=HANDSHAKE_WITHIN_S if self.tls else None)
            writer = asyncio.StreamWriter(transport, protocol, reader, loop)
            said = await self._answer(reader, client)
            if said:
                writer.write(said)
                await asyncio.wait_for(writer.drain(), SENT_WITHIN_S)
                await self._part(reader, writer)
        except (OSError, TimeoutError):   # who asked has gone, or does not listen
            pass
        except Exception:
            log.exception("a request failed")
        finally:
            if writer is not None:
                writer.transport.abort()
            taken.close()
            self.gate.leave(taken)

    async def _part(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Waits until the client has what was sent: to close while it is still sending would take it away again (RFC 9112, 9.6)."""
        if writer.can_write_eof():
            writer.write_eof()
        async with asyncio.timeout(SENT_WITHIN_S):
            while writer.transport.get_write_buffer_size():
                await asyncio.sleep(0.05)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LEFT_WITHIN_S):
                while await reader.read(MOST_HEAD_BYTES):
                    pass

    async def _answer(self, reader: asyncio.StreamReader, client: str) -> bytes:
        """What is sent; nothing to who said nothing."""
        try:
            async with asyncio.timeout(HEAD_WITHIN_S):
                head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.LimitOverrunError:
            return self._plain(client, 431, "The head of the request is too large.")
        except asyncio.IncompleteReadError as left:
            return self._plain(client, 400, "The request is malformed.") if left.partial else b""
        except TimeoutError:
            return plain(408, "The request did not come in time.")
        try:
            asked = request_of(head, client)
        except BadRequest:
            return self._plain(client, 400, "The request is malformed.")
        answer = self.guard.refusal(asked, time.monotonic())
        if answer is None and asked.target.partition(b"?")[0] not in PATHS:
            answer = Answer(404, "The metrics are at /metrics.")
        return await self._metrics(asked) if answer is None else _sent(asked, answer.status, answer.pairs, answer.body)

    def _plain(self, client: str, status: int, text: str) -> bytes:
        self.guard.buckets.take(client, time.monotonic())
        return plain(status, text)

    async def _metrics(self, asked: Asked) -> bytes:
        accept, coding = (b",".join(asked.all(name)).decode("latin-1") for name in (b"accept", b"accept-encoding"))
        try:
            body, kind, coded = await asyncio.get_running_loop().run_in_executor(self.renderer, self._rendered, accept, coding)
        except Exception:
            answer = failed(number := secrets.token_hex(4))
            log.exception("%s: the metrics could not be written", number)
            return _sent(asked, answer.status, answer.pairs, answer.body)
        return _sent(asked, 200, [*(HEADERS | {"Content-Type": kind, "Vary": "Accept-Encoding"} | coded).items()], body)

    def _rendered(self, accept: str, coding: str) -> tuple[bytes, str, dict[str, str]]:
        body, kind = self.render(accept)
        if "gzip" not in coding:
            return body, kind, {}
        return gzip.compress(body, 1), kind, {"Content-Encoding": "gzip"}


def _sent(asked: Asked, status: int, headers: Sequence[tuple[str, str]], body: bytes) -> bytes:
    """An answer as it is sent: to HEAD without its body."""
    whole = wire(status, headers, body)
    return whole.removesuffix(body) if asked.method == "HEAD" else whole
