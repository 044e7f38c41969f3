"""What the page asks of a store, and the answer: plain numbers for a range of time and a filter."""
import msgspec

from insights.cells import Span

POINTS = 120           # at most so many stand on the time axis
NAMED = 15             # entities and terms are cut to so many
CHANGES = 60           # what reads them may take the first of each dimension
SHOWN = 6              # samples
LEAST_CHANGE = 8       # records more or fewer that make a change worth naming
LEAST_SCORE = 4.0      # standard deviations that make it a surprise: thousands of words are looked at


class Filters(msgspec.Struct, frozen=True):
    """Which records: the windows that start in [from_us, to_us), and of each part one value; None (of words: empty) is any.

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
    """Records, and how many have each sentiment. All three are 0 where no cell knows the feeling: of entities."""

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
    """The last eighth of the complete points against what is before it: records, and how many the rate before would have made.

    dimension: topic, product, source, entity or term. expected counts only the time from the job's first window to its last.
    """

    dimension: str
    name: str
    observed: int
    expected: float


class Shown(msgspec.Struct):
    """A sample: its event, window, source and topic; its redacted text (empty where texts are not kept), how it feels, its entities, and
    where the words stand that go with its feeling, in characters.
    """

    id: str
    window_us: int
    source: str
    topic: str
    text: str
    sentiment: str
    entities: tuple[Span, ...]
    telling: tuple[tuple[int, int], ...]


class Overview(msgspec.Struct):
    """One answer. from_us, to_us: the axis, of whole steps of step_us without gaps; the whole job where the filter names no range.
    known: so many points are complete, those after them still fill; recent: so many of the last complete ones are "of late".

    topics, entities, terms, changes: the largest first. With an entity or a term asked for, no cell says which records hold two
    words together: the others' counts are the most that may, without feelings.
    sources, products, langs: value -> records, for the filters' menus: each without its own filter. samples: at most SHOWN.
    """

    from_us: int
    to_us: int
    step_us: int
    known: int
    recent: int
    all: Feeling
    points: list[Point]
    topics: list[Slice]
    entities: list[Named]
    terms: list[Named]
    changes: list[Change]
    sources: dict[str, int]
    products: dict[str, int]
    langs: dict[str, int]
    samples: list[Shown]
