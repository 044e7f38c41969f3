"""What one browser tab shows: its panels, its address, and how they follow the store."""
import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from nicegui import Client, run
from nicegui.element import Element
from nicegui.events import GenericEventArguments

from dashboards.page.address import BadAddress, View, language_of, parse, query, without
from dashboards.page.labels import labels
from dashboards.page.live import Live, Watcher
from dashboards.page.render import Label, html
from insights.store import StoreError

KEEP = ("range", "from", "to", "source", "product", "language", "lang")   # what a link to another page hands on


class Panel(Element, component="panel.js"):
    """A piece of HTML; nothing is sent while it stays the same."""

    def __init__(self, classes: str = "", *, watches: bool = False) -> None:
        super().__init__()
        self.classes(classes)
        self._props["content"] = ""
        self._props["watches"] = watches
        self._props["address"] = ""

    def show(self, content: str) -> None:
        """Shows this."""
        if content != self._props["content"]:
            self._props["content"] = content
            self.update()

    def know(self, address: str) -> None:
        """Tells the browser what address is being shown."""
        if self._props["address"] != address.removeprefix("?"):
            self._props["address"] = address.removeprefix("?")
            self.update()


class Room(ABC):
    """One tab. Its panels are made by `furnish`, and filled by what `render` finds, which runs off the event loop."""

    here: str
    name: str   # key of labels.py
    rest_s = 0.0   # a page that reads much from the store follows it more slowly

    def __init__(self, live: Live, client: Client) -> None:
        self.live, self.client = live, client
        self.accepted = client.request.headers.get("accept-language", "")
        self.raw, self.view, self.wrong = "", View(), BadAddress("", "", "")
        self.bad = False
        self.read_address(f"?{client.request.url.query}")
        self._turn, self._again = asyncio.Lock(), False
        self._due, self._shown_s, self._filled = False, 0.0, False
        with client.layout:
            self.header = Panel("header", watches=True)
            self.header.props("role=banner").move(target_index=0)
        client.content.props("id=content tabindex=-1")
        self.message = Panel()
        self.panels = dict(self.furnish())
        for panel in (self.header, self.message, *self.panels.values()):
            panel.on("go", self.went)
        for watchers in self.follows():
            watchers.add(self.follow)
        client.on_delete(self.leave)

    @abstractmethod
    def furnish(self) -> Mapping[str, Panel]:
        """Makes the panels, in their places."""

    @abstractmethod
    def render(self, t: Label) -> Mapping[str, str]:
        """Panel -> its content; what is left out is empty. Raises StoreError."""

    def settle(self, shown: Mapping[str, str]) -> None:   # noqa: B027 - most pages have nothing else
        """What else is to be done once this is shown."""

    def follows(self) -> Sequence[set[Watcher]]:
        """Who tells it that something has changed."""
        return [self.live.watchers]

    def leave(self) -> None:
        """Nobody looks any more."""
        for watchers in self.follows():
            watchers.discard(self.follow)

    async def follow(self) -> None:
        """Refreshes, at most once in `rest_s`."""
        if self._due:
            return
        wait_s = self._shown_s + self.rest_s - time.monotonic()
        if wait_s > 0:
            self._due = True
            await asyncio.sleep(wait_s)
            self._due = False
        await self.refresh()

    @property
    def lang(self) -> str:
        """en or zh."""
        return language_of(self.view, self.accepted)

    def read_address(self, text: str) -> None:
        """Takes the view from a query string, or remembers what is wrong with it."""
        self.raw = text
        try:
            self.view, self.bad = parse(text), False
        except BadAddress as wrong:
            self.wrong, self.bad = wrong, True
            lang = {"lang=en": "en", "lang=zh": "zh"}
            self.view = View(lang=next((value for part, value in lang.items() if part in text.lstrip("?").split("&")), ""))

    async def went(self, event: GenericEventArguments) -> None:
        """The browser has another address by now."""
        self.read_address(str(event.args))
        self._filled = False
        await self.refresh()

    async def refresh(self) -> None:
        """Shows what holds now; asked while it does so, it does it once more."""
        if self._turn.locked():
            self._again = True
            return
        async with self._turn:
            self._again = True
            while self._again and not self.client.is_deleted:
                self._again = False
                self._shown_s = time.monotonic()
                shown = await run.io_bound(self.rendered)
                if shown is None:   # the server is going down
                    return
                with self.client:
                    self.header.know(self.raw)
                    self.header.show(shown["header"])
                    self.message.show(shown.get("message", ""))
                    if self._filled and self.live.problem:   # what was there stays
                        continue
                    for name, panel in self.panels.items():
                        panel.show(shown.get(name, ""))
                    self.settle(shown)
                    self._filled = bool(self.panels.keys() & shown.keys())

    def rendered(self) -> Mapping[str, str]:
        """Every panel's content."""
        t = labels(self.lang)
        head = {"header": self.heading(t)}
        if self.bad:
            return head | {"message": self.complaint(t)}
        live = self.live
        if live.problem:
            return head | {"message": message(t("stale" if self._filled else "problem"), [live.problem, t("problem_hint")])}
        if live.now is None:
            return head | {"message": message(t("loading"), [], busy=True)}
        try:
            return {**head, **self.render(t)}
        except StoreError as error:
            return head | {"message": message(t("problem"), [str(error), t("problem_hint")])}

    def heading(self, t: Label) -> str:
        """The bar on top."""
        def link(**changes: Any) -> str:
            if self.bad:
                return query(View(**changes))
            return query(self.view.but(**changes))

        keep = "" if self.bad else query(self.view, KEEP)
        return html("header", t=t, job=self.live.job, here=self.here, name=self.name, keep=keep if len(keep) > 1 else "", link=link,
                    other="zh" if self.lang == "en" else "en")

    def complaint(self, t: Label) -> str:
        """What is wrong with the address, and a way out."""
        wrong = self.wrong
        return message(
            t("bad_address"), [t("bad_part", parameter=wrong.parameter, value=f"“{wrong.value}”") + " " + t(wrong.expected)],
            without(self.raw, wrong.parameter), t("bad_link", parameter=wrong.parameter), go=True)


class LostRoom(Room):
    """Any other address."""

    here, name = "", "not_found"

    def furnish(self) -> Mapping[str, Panel]:
        """Nothing but the message."""
        return {}

    def render(self, t: Label) -> Mapping[str, str]:
        """The way back."""
        return {"message": message(t("not_found"), [], "/", t("to_overview"))}


def message(title: str, lines: list[str], href: str = "", link_text: str = "", *, go: bool = False, busy: bool = False) -> str:
    """A message in place of what cannot be shown."""
    return html("message", title=title, lines=lines, href=href, link_text=link_text, go=go, busy=busy)


