"""The guard before an ASGI application: requests, their bodies, websockets and their messages, and errors that nobody is told."""
import asyncio
import logging
import secrets
import time
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

from dashboards.guard.answers import HEADERS, Answer, failed, page_policy
from dashboards.guard.hosts import client_of
from dashboards.guard.judge import Asked, Guard
from dashboards.guard.limits import Buckets

BODY_WITHIN_S = 10.0
MESSAGES_PER_SECOND, MESSAGES_BURST = 50.0, 200.0
FORWARDED = b"x-forwarded-"   # NiceGUI would write the prefix of one into its page, and anybody can send it
log = logging.getLogger("textpulse.page")
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]


@dataclass
class Guarded:
    """An application behind a guard. Of paths below `talks` it takes POST with a body of most_body bytes; `files` may be cached and
    cost a token, every other address costs `dear`.
    """

    app: App
    guard: Guard
    talks: str
    files: str
    most_body: int
    dear: float

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """One request, one websocket, or the life of the server."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        refused = self.refusal(scope)
        scope["headers"] = [(name, value) for name, value in scope["headers"] if not name.lower().startswith(FORWARDED)]
        scope["nonce"] = secrets.token_urlsafe(16)
        if refused is not None:
            await answered(scope, send, refused)
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        else:
            await self._request(scope, receive, send)

    def refusal(self, scope: MutableMapping[str, Any]) -> Answer | None:
        """Why it is not answered; None when it is."""
        path, query = scope.get("raw_path") or scope["path"].encode(), scope.get("query_string") or b""
        asked = Asked(
            client_of((scope.get("client") or ("",))[0]), scope.get("method", "GET"), path + (b"?" + query if query else b""),
            [(name.lower(), value) for name, value in scope["headers"]])
        talk = scope["path"].startswith(self.talks)
        cost = 1.0 if scope["path"].startswith((self.files, self.talks)) else self.dear
        methods, most = (("GET", "HEAD", "POST"), self.most_body) if talk else ((), 0)
        return self.guard.refusal(asked, time.monotonic(), cost, methods, most)

    async def _request(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["method"] == "POST":
            try:
                receive = _again(await _body(receive, self.most_body), receive)
            except (TooLarge, TimeoutError) as error:
                status, text = (413, "The body is too large.") if isinstance(error, TooLarge) else (408, "The body did not come in time.")
                await answered(scope, send, Answer(status, text, {"Connection": "close"}))
                return
            except Gone:
                return
        told = Told(scope, send, scope["path"].startswith(self.files) and not scope["path"].startswith(self.talks))
        try:
            await self.app(scope, receive, told)
        except Exception as error:
            told.error = error
            if told.started:   # half of an answer has gone out: the server cuts it off
                log.exception("an answer broke off")
                raise
        if told.wrong or not told.started:
            number = secrets.token_hex(4)
            log.error("%s: no answer to %s %s", number, scope["method"], scope["path"].encode("unicode_escape").decode(),
                      exc_info=told.error)
            await answered(scope, send, failed(number))

    async def _websocket(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Ends it when it says too much, and when something goes wrong here."""
        bucket, open_ = Buckets(MESSAGES_PER_SECOND, MESSAGES_BURST), False

        async def counted() -> Message:
            message = await receive()
            if message["type"] == "websocket.receive" and bucket.take("", time.monotonic()):
                await send({"type": "websocket.close", "code": 1008, "reason": "too many messages"})
                return {"type": "websocket.disconnect", "code": 1008}
            return message

        async def noted(message: Message) -> None:
            nonlocal open_
            open_ = open_ or message["type"] == "websocket.accept"
            await send(message)

        try:
            await self.app(scope, counted, noted)
        except Exception:
            number = secrets.token_hex(4)
            log.exception("%s: a websocket failed", number)
            if open_:
                await send({"type": "websocket.close", "code": 1011, "reason": number})
            else:
                await answered(scope, send, failed(number))


@dataclass
class Told:
    """What the application sends, with our headers; an error of its own is kept from the client."""

    scope: MutableMapping[str, Any]
    send: Send
    kept: bool   # by the browser
    started: bool = False
    wrong: bool = False
    error: Exception | None = None

    async def __call__(self, message: Message) -> None:
        """Hands on a message of the answer."""
        if message["type"] == "http.response.start":
            self.wrong = message["status"] >= 500
            self.started = not self.wrong
            ours = HEADERS | {"Content-Security-Policy": page_policy(self.scope["nonce"])}
            if self.kept and message["status"] < 400:
                del ours["Cache-Control"]
            names = {name.lower().encode() for name in ours} | {b"server", b"access-control-allow-origin"}
            theirs = [(name, value) for name, value in message.get("headers", ()) if name.lower() not in names]
            message["headers"] = [*theirs, *((name.lower().encode(), value.encode()) for name, value in ours.items())]
        if not self.wrong:
            await self.send(message)


class TooLarge(Exception):
    """A body has more bytes than it may."""


class Gone(Exception):
    """Who asked has left."""


async def _body(receive: Receive, most: int) -> bytes:
    """Raises TooLarge, Gone, TimeoutError."""
    body, more = b"", True
    async with asyncio.timeout(BODY_WITHIN_S):
        while more:
            message = await receive()
            if message["type"] != "http.request":
                raise Gone
            body += message.get("body", b"")
            if len(body) > most:
                raise TooLarge
            more = message.get("more_body", False)
    return body


def _again(body: bytes, receive: Receive) -> Receive:
    """The body, and then what else comes."""
    waiting = [body]

    async def given() -> Message:
        return {"type": "http.request", "body": waiting.pop(), "more_body": False} if waiting else await receive()

    return given


async def answered(scope: MutableMapping[str, Any], send: Send, answer: Answer) -> None:
    """Sends an answer instead of the application's."""
    kind = "http.response" if scope["type"] == "http" else "websocket.http.response"
    headers = [(name.lower().encode(), value.encode()) for name, value in answer.pairs]
    await send({"type": f"{kind}.start", "status": answer.status, "headers": headers})
    await send({"type": f"{kind}.body", "body": b"" if scope.get("method") == "HEAD" else answer.body})
