"""How long after a commit the page shows it: python -m benchmarks.page [--commits N] [--cells N] [--range R].

A store of so many cells, a page over it, one browser; a commit every second or so. The time is from the end of the commit to the
moment at which the browser has drawn the new number, by the clock that both share.
"""
import argparse
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.support.wait import WebDriverWait

from insights.cells import Cell, Unit
from insights.store import Store, UnitKey
from pipelines.children import end
from pipelines.page import start_page

MINUTE, FIRST = 60_000_000, 29_000_000
TOPICS = [f"topic {number}" for number in range(20)]
TERMS = [f"word{number}" for number in range(2_000)]
WATCH = """
window.seen = [];
new MutationObserver(() => requestAnimationFrame(() => {
  const text = document.querySelector('.tiles .big')?.innerText;
  if (text && text !== window.last) { window.last = text; window.seen.push([text, performance.timeOrigin + performance.now()]); }
})).observe(document.body, {childList: true, subtree: true, characterData: true});
"""


def unit(lots: random.Random, records: int) -> Unit:
    """One window of one source and product: a cell for each topic."""
    cells = {}
    for topic in TOPICS:
        felt = (records, records, records)
        terms = dict.fromkeys(lots.sample(TERMS, 5), (1, 1, 1))
        cells["en", topic] = Cell(3 * records, *felt, 0, {f"brand\tB{lots.randrange(500)}": 2}, terms)
    return Unit(3 * records * len(TOPICS), 0, cells)


def fill(store: Store, cells: int) -> int:
    """Writes about so many cells; how many windows."""
    lots = random.Random(1)
    windows = max(1, cells // (5 * len(TOPICS)))
    store.open_job("bench", "stream", MINUTE, 0)
    for start in range(0, windows, 200):
        store.write_units("bench", 0, [
            (UnitKey((FIRST + window) * MINUTE, "texts/0", f"source {source}", "kettle"), unit(lots, 1))
            for window in range(start, min(start + 200, windows)) for source in range(5)], 1)
    return windows


def main() -> None:
    """Prints the times."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--commits", type=int, default=40)
    parser.add_argument("--cells", type=int, default=100_000)
    parser.add_argument("--range", default="all", help="what the page shows: 6h, 24h, all")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="textpulse-page-") as folder:
        store = Store(f"sqlite:///{folder}/bench.db")
        windows = fill(store, args.cells)
        page = start_page(store.url, "bench", 0, "", Path(folder) / "page.log")
        options = webdriver.ChromeOptions()
        options.binary_location = shutil.which("chromium") or sys.exit("this needs Chromium")
        for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"):
            options.add_argument(argument)
        chrome = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
        try:
            WebDriverWait(page, 60).until(lambda started: started.address)
            opened = time.monotonic()
            chrome.get(f"{page.address}?range={args.range}")
            WebDriverWait(chrome, 300).until(lambda shown: shown.execute_script("return !!document.querySelector('.chart svg path')"))
            loaded_s = time.monotonic() - opened
            chrome.execute_script(WATCH)
            times = [commit(store, chrome, windows, number) for number in range(args.commits)]
        finally:
            chrome.quit()
            end(page.child, 10)
            store.close()
    low, middle, high, most = np.quantile(times, (0, 0.5, 0.95, 1))
    print(f"{args.cells:,} cells, range {args.range}: shown {loaded_s:.1f} s after it was asked for; "
          f"{len(times)} commits on the screen after {low:.2f} to {most:.2f} s, median {middle:.2f} s, p95 {high:.2f} s")


def commit(store: Store, chrome: webdriver.Chrome, windows: int, number: int) -> float:
    """Seconds until a commit is seen."""
    before = chrome.execute_script("return window.seen.length")
    key = UnitKey((FIRST + windows - 1) * MINUTE, "texts/1", "source 0", "kettle")
    store.write_units("bench", 0, [(key, unit(random.Random(number), number + 2))], number + 2)
    done = time.time()
    WebDriverWait(chrome, 60, 0.05).until(lambda shown: shown.execute_script("return window.seen.length") > before)
    seen_ms = chrome.execute_script("return window.seen[arguments[0]][1]", before)
    time.sleep(random.random())
    return float(seen_ms) / 1e3 - done


if __name__ == "__main__":
    main()
