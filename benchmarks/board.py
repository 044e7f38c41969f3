"""How fast the page's questions are answered over a million cells in SQLite.

python -m benchmarks.board [--cells N] [--store FILE]   (a FILE that is there is used again)

The store is made anew: about five weeks of windows of a minute, 5 sources, 8 products, 2 languages, 12 topics, a vocabulary of 30,000 words
with Zipf's frequencies, about 8 terms and 2 entities a cell. Asked is what a page asks: every range, each filter, drill-down by entity
and term. Then a stream goes on: units of the newest windows are replaced, and the page looks again.
"""
import argparse
import resource
import tempfile
import time
from pathlib import Path

import numpy as np

from insights.board import Board, Filters
from insights.cells import Cell, Unit
from insights.store import Store, UnitKey

MINUTE, START = 60_000_000, 29_000_000
WORDS, ENTITIES, TOPICS = 30_000, 3_000, 12
SPANS_MIN = (15, 60, 360, 1_440, 10_080, None)
ROUNDS, LOOKS = 12, 20


def units_of(random, minute):
    """About 20 cells of one minute."""
    for place in random.choice(40, 10, replace=False).tolist():
        cells = {}
        for topic in random.choice(TOPICS, 2, replace=False).tolist():
            felt = random.multinomial(int(random.integers(1, 12)), (0.4, 0.2, 0.4)).tolist()
            terms = {f"word{int(word) % WORDS}": tuple(random.multinomial(1, (0.4, 0.2, 0.4)).tolist()) for word in random.zipf(1.3, 8)}
            names = {f"organisation\tname {int(name) % ENTITIES}": 1 for name in random.zipf(1.3, 2)}
            number = int(random.integers(1 << 62))
            cells["zh" if place % 2 else "en", f"topic{topic}"] = Cell(sum(felt), *felt, 0, names, terms, samples=((number, f"{number}"),))
        yield (UnitKey((START + minute) * MINUTE, "texts/0", f"source{place % 5}", f"product{place // 5}"),
               Unit(sum(cell.records for cell in cells.values()), minute, cells))


def fill(store, cells):
    """How many minutes."""
    random, made, minute = np.random.default_rng(1), 0, 0
    while made < cells:
        batch = [unit for at in range(minute, minute + 50) for unit in units_of(random, at)]
        minute += 50
        store.write_units("bench", 0, batch, 1)
        made += sum(len(unit.cells) for _, unit in batch)
    store.save("bench", 0, (START + minute - 5) * MINUTE, (START + minute) * MINUTE, [])
    return minute


def questions(random, end_us):
    """One of each range and filter."""
    for span in SPANS_MIN:
        from_us = None if span is None else end_us - span * MINUTE
        for asked in (
            {}, {"source": f"source{random.integers(5)}"}, {"product": f"product{random.integers(8)}", "lang": "en"},
            {"topic": f"topic{random.integers(TOPICS)}"}, {"entity": f"organisation\tname {random.integers(1, 30)}"},
            {"term": f"word{random.integers(1, 300)}"}):
            yield Filters(from_us=from_us, **asked)


def main():
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", type=int, default=1_000_000)
    parser.add_argument("--store", default="")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(args.store or f"{folder}/board.db")
        known = file.exists()
        store = Store(f"sqlite:///{file}")
        if not known:
            store.open_job("bench", "stream", MINUTE, 10 * MINUTE)
            fill(store, args.cells)
        measure(store)
        store.close()


def measure(store):
    """The questions and the looks."""
    random, board = np.random.default_rng(2), Board(store, "bench")
    before, begun = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
    board.refresh()
    whole = board.overview(Filters())
    print(f"{whole.all.records:,} records read in {time.perf_counter() - begun:.0f} s: {board.size_bytes / 1e6:,.0f} MB of columns; "
          f"the process grew by {(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1e3:,.0f} MB at most")
    times = []
    for _ in range(ROUNDS):
        for asked in questions(random, whole.to_us):
            begun = time.perf_counter()
            board.overview(asked)
            times.append((time.perf_counter() - begun, asked))
    spent = np.array([seconds for seconds, _ in times]) * 1e3
    every = np.array([asked.from_us is None for _, asked in times])
    for name, of in (("all questions", spent), ("those over everything", spent[every])):
        print(f"{name}: {len(of)} asked, p50 {np.percentile(of, 50):.0f} ms, p95 {np.percentile(of, 95):.0f} ms, most {of.max():.0f} ms")
    minute, looks = whole.to_us // MINUTE - START, []
    for look in range(LOOKS):
        batch = [unit for at in range(3) for unit in units_of(random, minute + look + at)]
        store.write_units("bench", 0, batch, 2)
        store.save("bench", 0, (START + minute + look - 5) * MINUTE, (START + minute + look) * MINUTE, [])
        begun = time.perf_counter()
        board.refresh()
        looks.append((time.perf_counter() - begun) * 1e3)
    print(f"a look after a commit of {len(batch)} units: p50 {np.percentile(looks, 50):.0f} ms, p95 {np.percentile(looks, 95):.0f} ms")


if __name__ == "__main__":
    main()
