"""What the page shows of a store: one answer for a range of time and a filter, as plain numbers."""

import msgspec

POINTS = 120           # at most so many stand on the time axis
NAMED = 15             # entities and terms are cut to so many
CHANGES = 8
LEAST_CHANGE = 8       # records more or fewer that make a change worth naming
STEPS_S = (10, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 21_600, 43_200, 86_400)


class Filters(msgspec.Struct, frozen=True):
    """Which records: the windows that start in [from_us, to_us), and of each part one value; empty is any.

    entity is "type<TAB>text", term a word: then the cells that hold it count, with the records in them that do.
    """

    from_us: int | None = None
    to_us: int | None = None
    source: str | None = None
    product: str | None = None
    lang: str | None = None
    topic: str | None = None
    entity: str = ""
    term: str = ""


class Feeling(msgspec.Struct):
    """Records, and how many have each sentiment. Of an entity no cell knows the feeling: all three are 0."""

    records: int = 0
    negative: int = 0
    neutral: int = 0
    positive: int = 0


class Point(msgspec.Struct):
    """A step of the time axis; start_us: where it starts."""

    start_us: int
    all: Feeling


class Slice(msgspec.Struct):
    """A topic, with its records by source."""

    topic: str
    all: Feeling
    sources: dict[str, int]


class Named(msgspec.Struct):
    """An entity or a term: trend holds its records at every point of the axis."""

    name: str
    all: Feeling
    trend: list[int]


class Change(msgspec.Struct):
    """What the last `recent` of the range says against the rest of it: expected is the rest's share of the recent records."""

    dimension: str
    name: str
    observed: int
    expected: float


class Overview(msgspec.Struct):
    """One answer. from_us, to_us: the whole steps that hold the records; step_us: of the axis, which has no gaps.

    sources, products, langs: value -> records, for the filters' menus: each without its own filter. samples: event ids.
    """

    from_us: int
    to_us: int
    step_us: int
    all: Feeling
    points: list[Point]
    topics: list[Slice]
    entities: list[Named]
    terms: list[Named]
    changes: list[Change]
    sources: dict[str, int]
    products: dict[str, int]
    langs: dict[str, int]
    samples: list[str]
