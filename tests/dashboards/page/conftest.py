"""A store to fill, the page over it as `textpulse dashboard` serves it, and a real browser."""
import contextlib
import json
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("nicegui", reason="the page needs NiceGUI: pip install 'textpulse[page]'")

from insights.cells import Cell, Text, Unit
from insights.store import Progress, Store, UnitKey
from schemas.decode import event_key
from schemas.records import DeadLetter

MINUTE = 60_000_000
START = 1_780_272_000_000_000 // MINUTE   # 2026-06-01T00:00Z
ROOT = Path(__file__).parents[3]


@dataclass
class Shop:
    """A job of minute windows, to fill record by record."""

    url: str
    job: str = "shop"
    store: Store = field(init=False)
    units: dict[UnitKey, Unit] = field(default_factory=dict)
    counted: int = 0

    def __post_init__(self) -> None:
        self.store = Store(self.url)
        self.store.open_job(self.job, "stream", MINUTE, 10 * MINUTE)

    def hear(self, minute: int, number: int = 1, feeling: str = "negative", *, source: str = "tickets", product: str = "kettle",
             lang: str = "en", topic: str = "delivery", entity: str = "", term: str = "", at: int | None = None) -> None:
        """So many records of one kind in one minute after START."""
        key = UnitKey((START + minute) * MINUTE, "texts/0", source, product)
        unit = self.units.setdefault(key, Unit())
        for _ in range(number):
            self.counted += 1
            felt = tuple(int(name == feeling) for name in ("negative", "neutral", "positive"))
            name = f"event-{self.counted}"
            named = entity.partition("\t")[2]
            text = Text(f"{named} says {term or topic}", felt.index(1), ((0, len(named), "brand"),) if named else ())
            cell = Cell(1, *felt, 8_000, {entity: 1} if entity else {}, {term: felt} if term else {},
                        samples=((event_key(name), name),), versions={"v1": 1}, texts={name: text})
            unit.add(Unit(1, unit.last_offset + 1, {(lang, topic): cell}))
        self.store.write_units(self.job, 0, [(key, unit)], (START + minute) * MINUTE if at is None else at)

    def refuse(self, number: int, reason: str, detail: str = "", sample: str = "") -> None:
        """Dead letters, a second apart."""
        letters = [DeadLetter("texts/0", offset, reason, detail, f"dead-{offset}", None, "tickets", "kettle", sample, {},
                              START * MINUTE + offset * 1_000_000) for offset in range(number)]
        self.store.write_dead(self.job, 0, letters, {"texts/0": number})

    def save(self, minute: int) -> None:
        """Closes the windows up to there."""
        read = sum(unit.records for unit in self.units.values())
        self.store.save(self.job, 0, (START + minute) * MINUTE, (START + minute) * MINUTE,
                        [Progress("texts/0", 0, 0, 0, read, read, 0)])


def filled(url: str) -> Shop:
    """An hour of a shop: tickets, posts and reviews; in its last minutes, parcels are late and one text is hostile."""
    shop = Shop(url)
    for minute in range(60):
        shop.hear(minute, 3, "negative", topic="delivery", term="parcel")
        shop.hear(minute, 4, "positive", source="reviews", product="lamp", topic="quality", entity="brand\tAcme")
        shop.hear(minute, 2, "neutral", source="posts", lang="zh", topic="price", term="价格")
    for minute in range(50, 60):
        shop.hear(minute, 9, "negative", topic="delivery", term="parcel", entity="brand\tPostwagen")
    shop.hear(59, 1, "negative", source="<img src=x onerror=alert(1)>", entity="brand\t<b>bold</b>", topic="other")
    shop.save(60)
    return shop


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """A store of its own with an hour of records."""
    made = filled(f"sqlite:///{tmp_path / 'shop.db'}")
    yield made
    made.store.close()


@dataclass
class Served:
    """A running page."""

    address: str
    process: "subprocess.Popen[str]"
    log: list[str]


Serve = Callable[..., Served]


@contextlib.contextmanager
def serving() -> Iterator[Serve]:
    """A function (store URL, job, *options) that starts the command; all that it started end with it."""
    with contextlib.ExitStack() as running:
        def serve(url: str, job: str = "shop", *options: str) -> Served:
            command = [sys.executable, "-m", "pipelines", "dashboard", "--store", url, "--job", job, "--page-port", "0", *options]
            process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=ROOT)
            running.callback(process.wait, 20)
            running.callback(process.terminate)
            log: list[str] = []
            for text in process.stderr or ():
                log.append(text)
                if found := re.search(r"https?://\S+/", text):
                    threading.Thread(target=lambda: log.extend(process.stderr or ()), daemon=True).start()
                    return Served(found.group(), process, log)
            pytest.fail(f"the page did not start: {''.join(log)}")

        yield serve


@pytest.fixture
def serve_page() -> Iterator[Serve]:
    """See serving(), for one test."""
    with serving() as serve:
        yield serve


@pytest.fixture(scope="session")
def serve_long() -> Iterator[Serve]:
    """See serving(), until the tests end: for what several tests look at."""
    with serving() as serve:
        yield serve


@dataclass
class Tab:
    """What a test does with the browser."""

    chrome: Any
    eventually: Callable[..., None]
    asked: list[str] = field(default_factory=list)

    def open(self, address: str, *, width: int = 1280, height: int = 900, dark: bool = False) -> "Tab":
        """Opens the address and waits until something is shown."""
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.chrome.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": scheme})
        self.chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": False})
        self.chrome.get(address)
        self.eventually(lambda: self.count(".tiles, .message:not([aria-busy]) h2, .reasons") > 0, "the page shows something")
        return self

    def run(self, script: str, *values: Any) -> Any:
        """JavaScript with `return`."""
        return self.chrome.execute_script(script, *values)

    def count(self, selector: str) -> int:
        """Elements that match."""
        return int(self.run("return document.querySelectorAll(arguments[0]).length", selector))

    def text(self, selector: str) -> str:
        """The text of the first element that matches, on one line; empty without one."""
        return " ".join(self.run("return document.querySelector(arguments[0])?.innerText ?? ''", selector).split())

    def click(self, selector: str, text: str = "") -> None:
        """Clicks the first element that matches and holds the text."""
        found = "[...document.querySelectorAll(arguments[0])].find(one => one.textContent.includes(arguments[1]))"
        self.run(f"{found}.click()", selector, text)

    @property
    def address(self) -> str:
        """The query string."""
        return str(self.run("return decodeURIComponent(location.search)"))

    def shows(self, selector: str, text: str, within_s: float = 10.0) -> None:
        """Waits until the element's text holds this."""
        self.eventually(lambda: text in self.text(selector), f"{selector} shows {text!r}; it shows {self.text(selector)!r}", within_s)

    def complaints(self) -> list[str]:
        """What the console said."""
        return [entry["message"] for entry in self.chrome.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]

    def hosts(self) -> set[str]:
        """Every host that was asked since the last time."""
        events = [json.loads(entry["message"])["message"] for entry in self.chrome.get_log("performance")]
        urls = [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]
        urls += [event["params"]["url"] for event in events if event["method"] == "Network.webSocketCreated"]
        return {match.group(1) for url in urls if (match := re.match(r"(?:http|ws)s?://([^/]+)/", url))}


@pytest.fixture
def tab(chrome: Any, eventually: Callable[..., None]) -> Iterator[Tab]:
    """The browser with a clean log; what the page kept is forgotten afterwards."""
    chrome.get_log("browser"), chrome.get_log("performance")
    yield Tab(chrome, eventually)
    with contextlib.suppress(Exception):
        chrome.execute_script("localStorage.clear()")
    chrome.get("about:blank")


@pytest.fixture(scope="session")
def page(tmp_path_factory: pytest.TempPathFactory, serve_long: Serve) -> str:
    """The address of a page that only reads: an hour of a shop."""
    url = f"sqlite:///{tmp_path_factory.mktemp('page') / 'shop.db'}"
    shop = filled(url)
    shop.refuse(120, "missing_field", "no field text", "<script>alert(1)</script>")
    shop.store.close()
    return serve_long(url).address
