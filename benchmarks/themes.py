"""Streams of cells with planted themes, from a seed: what benchmarks/emerging.py judges.

Every stream has windows of a minute: records of three sources and their products, in two languages, whose numbers follow a day of
their own, with over-dispersion; their words are Zipf's, partly those of all records of the language, partly those of the product. Over
it come themes, record by record: a theme has words of its own (new ones, and some that are said now and then anyway), each in a part
of its records, products where it is told, a size, a span and a shape. And distractors: common words that rise alone, everywhere.
"""
from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from insights.cells import Cell
from insights.queries import CellKey

WINDOW_US, DAY = 60_000_000, 1440
FIRST = 29_000_000 // DAY * DAY                      # a midnight, in windows since 1970
BEFORE, AFTER = 220, 60                              # windows before the first theme can begin, and after the last has ended
PLACES = [("posts", "", "en"), *(("reviews", product, "en") for product in ("film", "phones", "books")), ("reviews", "shop", "zh"),
          *(("tickets", product, "en") for product in ("bank", "airline", "hotel", "parcels")), ("tickets", "bank", "zh")]
TOPICS = ("service", "payments", "delivery", "quality")
WORDS, OWN, LENGTH = 4000, 400, 9                     # of a language; of a place; of a record
SIZES, SPANS = (4.0, 8.0, 16.0), (20, 45, 90)         # records a window; windows


@dataclass(frozen=True)
class Theme:
    """words: word -> in which part of its records. rates float64[T]: records of each window, expected. places: place -> part."""

    words: dict[str, float]
    places: dict[int, float]
    rates: np.ndarray
    size: float
    start: int
    end: int
    topic: int


@dataclass(frozen=True)
class Stream:
    """The windows' cells, in order. pairs: numbers of themes that come at the same time. alone: distractors, (word, start, end)."""

    rows: list
    windows: int
    themes: list = field(default_factory=list)
    pairs: list = field(default_factory=list)
    alone: list = field(default_factory=list)


def word(language, rank):
    """The word of that rank."""
    return f"w{rank}" if language == "en" else f"字{rank}"


def theme(random, number, windows, start, span, size, places, like=None):
    """With 4 to 7 words: the first in most records, the others in an eighth to a half; every third was said now and then before."""
    language = PLACES[places[0]][2]
    many = int(random.integers(4, 8))
    said = random.choice(np.arange(300, 1500), many, replace=False)
    words = {(f"n{number}x{place}" if language == "en" else f"新{number}x{place}") if place % 3 != 2 else word(language, int(said[place])):
             float(random.uniform(0.5, 0.9) if place == 0 else random.uniform(0.12, 0.5)) for place in range(many)}
    rates = np.zeros(windows)
    up = max(1, int(span * random.choice([0.05, 0.3])))
    rates[start:start + span] = size * np.minimum(1, np.arange(1, span + 1) / up)
    weights = random.dirichlet(np.full(len(places), 4.0))
    topic = int(random.integers(len(TOPICS))) if like is None else like.topic
    return Theme(words, dict(zip(places, weights.tolist(), strict=True)), rates, size, start, start + span, topic)


def themed(seed):
    """A stream with two themes at the same time (of even seeds in the same places, of odd ones in others), one alone, and distractors."""
    random = np.random.default_rng([seed, 0])
    windows = BEFORE + 300 + AFTER
    english = [at for at, place in enumerate(PLACES) if place[2] == "en"]
    order = random.permutation(english).tolist()
    size, span = (random.choice(values) for values in (SIZES, SPANS))
    first = theme(random, 0, windows, BEFORE + int(random.integers(10, 60)), int(span), float(size), order[:int(random.integers(1, 4))])
    where = list(first.places) if seed % 2 == 0 else order[len(first.places):len(first.places) + int(random.integers(1, 4))]
    shift = int(random.integers(0, 6))
    second = theme(random, 1, windows, first.start + shift, int(random.choice(SPANS)), float(random.choice(SIZES)), where,
                   first if seed % 2 == 0 else None)
    chinese = [at for at in range(len(PLACES)) if at not in english]
    places = chinese if random.random() < 0.3 else random.permutation(english)[:int(random.integers(1, 4))].tolist()
    later = BEFORE + int(random.integers(190, 210))
    third = theme(random, 2, windows, later, int(random.choice(SPANS)), float(random.choice(SIZES)), places)
    alone = distractors(random, windows, 4)
    return Stream(draw(random, windows, [first, second, third], alone), windows, [first, second, third], [(0, 1)], alone)


def quiet(seed, windows, each=0.0):
    """A stream without themes; each: distractors a hundred windows."""
    random = np.random.default_rng([seed, 1])
    alone = distractors(random, windows, round(each * windows / 100))
    return Stream(draw(random, windows, [], alone), windows, alone=alone)


def distractors(random, windows, many):
    """Common words whose share becomes 3 times as large for a while; one in three comes together with the one before."""
    made = []
    for number in range(many):
        start = made[-1][1] if number % 3 == 2 else int(random.integers(BEFORE, max(BEFORE + 1, windows - 70)))
        made.append((word("en", int(random.integers(15, 200))), start, start + int(random.integers(15, 60))))
    return made


def draw(random, windows, themes, alone, level=100.0):
    """The rows of cells. level: records a window."""
    at = (FIRST + np.arange(windows)) / DAY
    weights = random.dirichlet(np.full(len(PLACES), 3.0))
    shapes = 1 + random.uniform(0.1, 0.6, (len(PLACES), 1)) * np.sin(2 * np.pi * (at + random.uniform(0, 1, (len(PLACES), 1))))
    expected = level * weights[:, None] * shapes
    records = random.negative_binomial(expected / 0.3, 1 / 1.3)
    zipf = 1 / (np.arange(WORDS) + 2.7)
    own = [random.permutation(WORDS)[:OWN] for _ in PLACES]
    of_topic = random.dirichlet(np.full(len(TOPICS), 2.0), len(PLACES))
    common, of_place = np.cumsum(zipf) / zipf.sum(), np.cumsum(zipf[:OWN]) / zipf[:OWN].sum()
    rows = []
    for t in range(windows):
        cells = {}
        for place in range(len(PLACES)):
            language = PLACES[place][2]
            for _ in range(int(records[place, t])):
                topic = int(np.searchsorted(np.cumsum(of_topic[place]), random.random()))
                said = ordinary(random, common, of_place, own[place], language)
                for name, start, end in alone:
                    if start <= t < end and language == "en":
                        share = 2 * LENGTH * 0.7 * zipf[int(name[1:])] / zipf.sum()
                        if random.random() < share:
                            said.add(name)
                put(cells, place, topic, said)
        for one in themes:
            places = list(one.places)
            for place in random.choice(places, random.poisson(one.rates[t]), p=list(one.places.values())).tolist():
                said = ordinary(random, common, of_place, own[place], PLACES[place][2], LENGTH - 3)
                said |= {name for name, part in one.words.items() if random.random() < part}
                topic = one.topic if random.random() < 0.7 else int(random.integers(len(TOPICS)))
                put(cells, place, topic, said)
        rows += [(CellKey((FIRST + t) * WINDOW_US, *PLACES[place], TOPICS[topic]),
                  Cell(number, number, 0, 0, terms={name: (count, 0, 0) for name, count in words.items()}))
                 for (place, topic), (number, words) in sorted(cells.items())]
    return rows


def ordinary(random, common, of_place, own, language, length=LENGTH):
    """The words of a record: three in ten are of its place."""
    mine = random.binomial(length, 0.3)
    ranks = [*np.searchsorted(common, random.random(length - mine)).tolist(), *own[np.searchsorted(of_place, random.random(mine))].tolist()]
    return {word(language, rank) for rank in ranks}


def put(cells, place, topic, said):
    """Counts a record."""
    number, words = cells.get((place, topic), (0, Counter()))
    words.update(said)
    cells[place, topic] = number + 1, words
