"""Pictures of the page for docs/, from the sample stream: python docs/make_screenshots.py (or make screenshots)."""
import math
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.support.wait import WebDriverWait

from pipelines.children import end
from pipelines.page import start_page
from pipelines.sample.stream import Incident, Plan, generate

DOCS = Path(__file__).parent
HOURS, RATE, SEED = 6, 1.3, 7
WIDTH, HEIGHT = 1440, 1060
MOST_BYTES = 250_000
PICTURES = (("page-light.png", "", False), ("page-dark.png", "?product=brindlepay", True), ("page-zh.png", "?lang=zh", False))
DRAWN = "return document.querySelectorAll('.chart svg path').length > 50"


def sample() -> Iterator[bytes]:
    """Some hours of the sample, with a quieter start and end, and an incident that has not ended yet."""
    end_s = HOURS * 3_600
    incident = Incident(start_s=end_s - 2_100, length_s=2_100, factor=7.0)
    lots = random.Random(SEED)
    for record in generate(SEED, rate=RATE, plan=Plan(incident=incident)):
        past_s = record.arrival_us / 1e6 - 1_780_272_000
        if past_s >= end_s:
            return
        if record.value is not None and lots.random() < 0.86 - 0.14 * math.cos(2 * math.pi * past_s / end_s):
            yield record.value


def textpulse(*words: str) -> None:
    """Runs a command. Raises CalledProcessError."""
    subprocess.run([sys.executable, "-m", "pipelines", *words], check=True, stdout=subprocess.DEVNULL)


def browser() -> Any:
    """A headless Chromium."""
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--lang=en", "--hide-scrollbars"):
        options.add_argument(argument)
    return webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))


def take(chrome: Any, address: str, dark: bool, file: Path) -> None:
    """One picture."""
    scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
    chrome.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": scheme})
    chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
        "width": WIDTH, "height": HEIGHT, "deviceScaleFactor": 1, "mobile": False})
    chrome.get(address)
    WebDriverWait(chrome, 60).until(lambda shown: shown.execute_script(DRAWN))
    chrome.save_screenshot(str(file))
    if file.stat().st_size > MOST_BYTES:
        raise SystemExit(f"{file}: {file.stat().st_size:,} bytes, more than {MOST_BYTES:,}")


def main() -> None:
    """Makes them all."""
    with tempfile.TemporaryDirectory(prefix="textpulse-screenshots-") as folder:
        archive, store = Path(folder) / "sample.jsonl", f"sqlite:///{folder}/sample.db"
        archive.write_bytes(b"".join(line + b"\n" for line in sample() if b"\n" not in line))
        textpulse("backfill", str(archive), "--store", store, "--job", "support")
        textpulse("alerts", "list", "--store", store, "--job", "support")
        textpulse("topics", "list", "--store", store, "--job", "support")
        page = start_page(store, "support", 0, "", Path(folder) / "page.log")
        chrome = browser()
        try:
            WebDriverWait(page, 60).until(lambda started: started.address)
            for name, query, dark in PICTURES:
                take(chrome, page.address + query, dark, DOCS / name)
        finally:
            chrome.quit()
            end(page.child, 10)


if __name__ == "__main__":
    main()
