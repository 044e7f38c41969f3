"""The page's server: its addresses, what every page has in its head, and what a browser may ask for."""
import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import jinja2
from fastapi import FastAPI
from nicegui import Client, client, core, ui

from dashboards.guard.asgi import Guarded
from dashboards.guard.judge import Guard, Policy
from dashboards.guard.limits import Buckets
from dashboards.page.job import JobRoom
from dashboards.page.labels import labels
from dashboards.page.live import Live
from dashboards.page.overview import OverviewRoom
from dashboards.page.refused import LettersRoom
from dashboards.page.render import HERE
from dashboards.page.room import LostRoom, Room
from dashboards.page.server import MOST_MESSAGE_BYTES, server_of

TALKS, FILES = "/_nicegui_ws/", "/_nicegui"
PER_SECOND, BURST, PAGE_COSTS = 50.0, 300.0, 10.0   # of one client: a file costs 1
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

    _tighten()
    made = FastAPI(lifespan=looking, openapi_url=None, docs_url=None, redoc_url=None)
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
    nonce = client.request.scope["nonce"]
    ui.add_head_html(f"<style>{_file('style.css')}</style>"
                     f"<script nonce={nonce!r}>document.documentElement.lang = {lang!r};{_file('theme.js')}</script>")
    await room.refresh()


def _file(name: str) -> str:
    return (Path(HERE) / name).read_text(encoding="utf-8")


def serve(live: Live, where: socket.socket, policy: Policy, tls: ssl.SSLContext | None = None) -> None:
    """Answers until SIGINT or SIGTERM."""
    guard = Guard(policy, Buckets(PER_SECOND, BURST))
    app = Guarded(make_app(live), guard, TALKS, FILES, MOST_MESSAGE_BYTES, PAGE_COSTS)
    server_of(app, tls).run(sockets=[where])


class _Nonced(jinja2.BaseLoader):
    """NiceGUI's own templates, with the request's nonce in each script of theirs, and in no other: a script that somebody smuggled in
    does not run.
    """

    def __init__(self, loader: jinja2.BaseLoader) -> None:
        self.loader = loader

    def get_source(self, environment: jinja2.Environment, template: str) -> tuple[str, str | None, Callable[[], bool] | None]:
        source, name, fresh = self.loader.get_source(environment, template)
        return source.replace("<script", '<script nonce="{{ request.scope.nonce }}"'), name, fresh


def _tighten() -> None:
    """NiceGUI asks no more of a browser than the page needs, and takes no more from one."""
    environment = client.templates.env
    if not isinstance(environment.loader, _Nonced):
        assert environment.loader is not None
        environment.loader = _Nonced(environment.loader)
    core.sio.eio.max_http_buffer_size = MOST_MESSAGE_BYTES
    core.sio.eio.cors_allowed_origins = []   # the guard has looked at the origin; no answer allows another
    core.app.exception_handlers.pop(Exception, None)   # the guard answers, and the log has it once
    core.sio.handlers["/"].pop("log", None)   # what a browser wants written into our log
