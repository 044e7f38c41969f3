"""The page's server: its addresses, what every page has in its head, and what a browser may ask for."""
import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import uvicorn
from fastapi import FastAPI, Request, Response
from nicegui import Client, ui
from starlette.middleware.trustedhost import TrustedHostMiddleware

from dashboards.page.job import JobRoom
from dashboards.page.labels import labels
from dashboards.page.live import Live
from dashboards.page.overview import OverviewRoom
from dashboards.page.refused import LettersRoom
from dashboards.page.render import HERE
from dashboards.page.room import LostRoom, Room

HEADERS = {   # all that the page needs comes from its own server
    "Content-Security-Policy": "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
                               "img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer"}
ICON = ("<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 24 24' fill='none' stroke='#0b6bcb' stroke-width='2.4' "
        "stroke-linecap='round' stroke-linejoin='round'><path d='M2 13h4l3-8 5 15 3-7h5'/></svg>")
PAGES: tuple[type[Room], ...] = (OverviewRoom, JobRoom, LettersRoom)


def make_app(live: Live) -> FastAPI:
    """The web application; it looks at the store as long as it runs."""
    @contextlib.asynccontextmanager
    async def looking(_: FastAPI) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(look) for look in (live.watch(), live.watch_metrics(), live.watch_books())]
        yield
        for task in tasks:
            task.cancel()

    made = FastAPI(lifespan=looking, openapi_url=None, docs_url=None, redoc_url=None)
    made.add_middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost", "[::1]"])

    @made.middleware("http")
    async def guarded(request: Request, go_on: Callable[[Request], Awaitable[Response]]) -> Response:
        response = await go_on(request)
        response.headers.update(HEADERS)
        return response

    for room in PAGES:
        _serve(room, live)

    async def lost(client: Client) -> None:
        client.status_code = 404
        await _fill(LostRoom, live, client)

    ui.run_with(made, root=lost, title="textpulse", favicon=ICON, dark=None, tailwind=False, show_welcome_message=False)
    return made


def _serve(kind: type[Room], live: Live) -> None:
    @ui.page(kind.here, response_timeout=30)
    async def page(client: Client) -> None:
        await _fill(kind, live, client)


async def _fill(kind: type[Room], live: Live, client: Client) -> None:
    room = kind(live, client)
    ui.page_title(f"{labels(room.lang)(room.name)} · {live.job} · textpulse")
    lang = "zh-CN" if room.lang == "zh" else "en"
    ui.add_head_html(f"<style>{_file('style.css')}</style><script>document.documentElement.lang = {lang!r};{_file('theme.js')}</script>")
    await room.refresh()


def _file(name: str) -> str:
    return (Path(HERE) / name).read_text(encoding="utf-8")


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens there. port 0: any that is free. Raises OSError."""
    made = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((host, port))
        made.listen()   # who asks from now on waits until the page answers
    except OSError:
        made.close()
        raise
    return made


def serve(live: Live, where: socket.socket) -> None:
    """Answers until SIGINT or SIGTERM."""
    config = uvicorn.Config(make_app(live), log_level="warning", access_log=False, timeout_graceful_shutdown=2, ws="websockets-sansio")
    uvicorn.Server(config).run(sockets=[where])


