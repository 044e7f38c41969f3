"""How fast the page is answered from a store of a million cells: python -m benchmarks.board [--cells N] [--store FILE]

Without --store, or where FILE is not there yet, the store is made first: four weeks of windows, 5 sources, 8 products, 2 languages,
12 topics, and in each cell about 8 terms and 2 entities of a Zipf vocabulary of 30,000.
"""
import argparse
import multiprocessing
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
import sqlalchemy as sa

from insights.board import Board, Filters
from insights.cells import Cell, Unit
from insights.store import Store, UnitKey
from insights.tables import cells, units

WINDOW_US, DAY_US, DAYS = 60_000_000, 86_400_000_000, 28
START_US = 1_760_054_400_000_000
SOURCES, PRODUCTS, LANGS, TOPICS = (
    [f"{name}-{number}" for number in range(count)] for name, count in (("source", 5), ("product", 8), ("lang", 2), ("topic", 12)))
TERMS, ENTITIES = 27_000, 3_000
UNITS, SAID = 6, 4.2   # units a window; cells a unit
CHANGED = 300          # units of a commit


def make(path, count):
    """A store with job `big` of about `count` cells."""
    store, random = Store(f"sqlite:///{path}"), np.random.default_rng(1)
    store.open_job("big", "stream", WINDOW_US, 10 * WINDOW_US)
    windows = min(DAYS * 1440, round(count / UNITS / SAID))
    each = count / windows
    number = 0
    for first in range(0, windows, 2_000):
        starts = np.arange(first, min(first + 2_000, windows)) * (DAYS * 1440 // windows) * WINDOW_US + START_US
        made, held = window_rows(random, starts, round(each / SAID), number)
        number += len(made)
        with store.transaction() as db:
            db.execute(units.insert(), made)
            db.execute(cells.insert(), held)
    store.save("big", 0, int(starts[-10]), int(starts[-1]), [])
    store.close()


def window_rows(random, starts, each, number):
    """(rows of units, rows of cells) of these windows, `each` units in a window."""
    pairs = (random.gumbel(size=(len(starts), 40)) - np.log1p(np.arange(40))).argsort(axis=1)[:, -each:].ravel()
    windows = starts.repeat(each)
    spread = np.log(np.outer([0.8, 0.2], 1 / np.arange(1, 13)).ravel())
    combinations = (random.gumbel(size=(len(pairs), 24)) + spread).argsort(axis=1)[:, ::-1]
    lengths = random.integers(2, 7, len(pairs)) + (random.random(len(pairs)) < 0.2)
    made, held = [], []
    total = int(lengths.sum())
    records = random.geometric(0.25, total)
    bad, good = random.binomial(records, 0.3), random.binomial(records, 0.2)
    bad = np.minimum(bad, records - good)
    words, names = draw(random, TERMS, 8, total), draw(random, ENTITIES, 2, total)
    hashes = random.integers(0, 1 << 63, (total, 3)).tolist()
    at = 0
    for unit, (window, pair, length, chosen) in enumerate(zip(windows.tolist(), pairs.tolist(), lengths.tolist(), combinations.tolist(),
                                                              strict=True), number + 1):
        source, product = SOURCES[pair % 5], PRODUCTS[pair // 5]
        counted = 0
        for combination in chosen[:length]:
            all_, negative, positive = int(records[at]), int(bad[at]), int(good[at])
            felt = "[1,0,0]" if negative > positive else "[0,1,0]" if positive == 0 else "[0,0,1]"
            samples = ",".join(f'[{key},"{key:016x}"]' for key in hashes[at][:all_])
            detail = (
                '{"entities":{' + ",".join(f'"ORG\\tentity {name}":1' for name in names[at]) + '},"terms":{'
                + ",".join(f'"word{word}":{felt}' for word in words[at]) + '},"confidence":[0,0,0,0,0,0,0,1,0,0],"authors":"","samples":['
                + samples + '],"versions":{"v1":1}}')
            held.append({
                "unit": unit, "lang": LANGS[combination // 12], "topic": TOPICS[combination % 12], "records": all_, "negative": negative,
                "neutral": all_ - negative - positive, "positive": positive, "score_sum": 8_000 * all_, "authors": 1, "detail": detail})
            counted, at = counted + all_, at + 1
        made.append({
            "id": unit, "job": "big", "run": 0, "window_us": window, "origin": f"texts/{pair % 4}", "source": source, "product": product,
            "epoch": 0, "records": counted, "last_offset": unit, "revision": 1, "updated_us": window})
    return made, held


def draw(random, vocabulary, mean, count):
    """For each of `count` cells some different words, about `mean` of them."""
    weights = np.cumsum(1 / np.arange(1, vocabulary + 1))
    lengths = random.poisson(mean, count)
    drawn = np.searchsorted(weights, random.random(int(lengths.sum())) * weights[-1]).tolist()
    ends = np.cumsum(lengths).tolist()
    return [set(drawn[end - length:end]) for end, length in zip(ends, lengths.tolist(), strict=True)]


def questions(random, board, count):
    """(kind, filters): ranges that end with the job, each with and without filters and words."""
    whole = board.overview(Filters())
    entities, terms = [one.name for one in whole.entities], [one.name for one in whole.terms]
    spans = {"all": None, "7 days": 7 * DAY_US, "a day": DAY_US, "an hour": 3_600_000_000}
    kinds = {
        "no filter": dict,
        "source": lambda: {"source": str(random.choice(SOURCES))},
        "product": lambda: {"product": str(random.choice(PRODUCTS))},
        "language": lambda: {"lang": str(random.choice(LANGS))},
        "topic": lambda: {"topic": str(random.choice(TOPICS))},
        "two": lambda: {"lang": str(random.choice(LANGS)), "source": str(random.choice(SOURCES))},
        "entity": lambda: {"entity": str(random.choice(entities))},
        "term": lambda: {"term": str(random.choice(terms))},
        "rare term": lambda: {"term": f"word{random.integers(1_000, TERMS)}"},
        "term, language": lambda: {"term": str(random.choice(terms)), "lang": str(random.choice(LANGS))},
    }
    for number in range(count):
        name, span = list(spans.items())[number % 4]
        kind, pick = list(kinds.items())[number // 4 % len(kinds)]
        yield f"{name}, {kind}", Filters(from_us=span and whole.to_us - span, **pick())


def commit(store, keys, turn):
    """One commit of a live stream: these units, each with more records than before."""
    made = []
    for number, key in enumerate(keys):
        unit = Unit()
        for topic in TOPICS[:4]:
            samples = ((number, f"live {number}"),)
            cell = Cell(100 + turn, 100 + turn, 0, 0, 800_000, {"ORG\tentity 1": 1}, {f"word{number}": (1, 0, 0)}, samples=samples)
            unit.add(Unit(cell.records, turn, {(LANGS[0], topic): cell}))
        made.append((key, unit))
    store.write_units("big", 0, made, turn)


def timed(call, *arguments):
    """(seconds, result)."""
    start = time.perf_counter()
    result = call(*arguments)
    return time.perf_counter() - start, result


def measure(store, count):
    """Loads, asks, commits and refreshes, and prints how long it took."""
    with store.snapshot() as db:
        held = db.scalar(sa.select(sa.func.count()).select_from(cells))
        last = db.scalar(sa.select(sa.func.max(units.c.window_us)))
        of_units = db.scalar(sa.select(sa.func.count()).select_from(units))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    board = Board(store, "big")
    load_s, _ = timed(board.refresh)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(f"{held:,} cells of {of_units:,} units: first load {load_s:.1f} s; {board.size_bytes / 2**20:.0f} MiB, {grown:.0f} at its peak")
    random = np.random.default_rng(2)
    taken = [(timed(board.overview, filters)[0] * 1e3, kind) for kind, filters in questions(random, board, count)]
    for what, times in ((f"{count} questions", [ms for ms, _ in taken]),
                        ("those of the whole range", [ms for ms, kind in taken if kind.startswith("all")])):
        print(f"{what}: p50 {np.percentile(times, 50):.0f} ms, p95 {np.percentile(times, 95):.0f} ms, max {max(times):.0f} ms")
    print("slowest: " + "; ".join(f"{kind} {ms:.0f} ms" for ms, kind in sorted(taken, reverse=True)[:3]))
    keys = [UnitKey(last - number // 30 * WINDOW_US, f"live/{number % 6}", SOURCES[number % 5], "live") for number in range(CHANGED)]
    refreshed = []
    for turn in range(20):
        commit(store, keys, turn)
        refreshed.append(timed(board.refresh)[0] * 1e3)
    idle = [timed(board.refresh)[0] * 1e3 for _ in range(5)]
    print(f"refresh after a commit of {CHANGED} units: p50 {np.percentile(refreshed, 50):.0f} ms, "
          f"p95 {np.percentile(refreshed, 95):.0f} ms; with nothing new {np.median(idle):.0f} ms")


def main():
    """Makes the store if need be, and measures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", type=int, default=1_000_000)
    parser.add_argument("--questions", type=int, default=400)
    parser.add_argument("--store", type=Path, help="SQLite file to make, or to use again")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = (options.store or Path(folder) / "big.db").absolute()
        if not path.exists():
            maker = multiprocessing.get_context("spawn").Process(target=make, args=(path, options.cells))   # its memory is not ours
            make_s, _ = timed(lambda: (maker.start(), maker.join()))
            print(f"made in {make_s:.0f} s: {path.stat().st_size / 2**20:,.0f} MiB")
        store = Store(f"sqlite:///{path}")
        measure(store, options.questions)
        store.close()


if __name__ == "__main__":
    main()
