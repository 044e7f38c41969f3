"""From a chunk of tagged texts to the units that they add up to, in columns.

Whatever is done once a text or once a token is done by NumPy on whole columns; Python objects are made once a cell, and
once a term of a cell.
"""
import itertools
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from insights.cells import CONFIDENCE_BINS, SAMPLES, SCORE_SCALE, Cell, Counts, Text, Unit
from insights.redact import redacted
from insights.sketch import Sketch, sketch_of
from schemas.decode import event_key
from schemas.records import TextEvent
from schemas.tagging import SENTIMENTS, Tagger, Tags

NO_LANG = "und"   # "undetermined" in ISO 639-3
MAX_EVENTS = 1 << 15   # cell, term and row share 63 bits
COUNT_BITS = 16
COUNT_MASK = (1 << COUNT_BITS) - 1
MAX_PIECES = 4
MIN_LETTERS = 3
MAX_REMEMBERED = 500_000

_STOP_WORDS = """
about above after again against ain all also although always and another any anyone anything are aren because been
before being below between both but can cannot could couldn did didn does doesn doing don done down during each
either else enough etc even ever every everyone everything few for from further get gets getting got had hadn has
hasn have haven having her here hers herself him himself his how however into isn its itself just let lot made make
makes many may maybe might mine more most much must mustn myself need neither never nobody none nor not nothing now
off often once one only onto other others our ours ourselves out over own per perhaps quite rather really same say
says several shall shan she should shouldn since some someone something still such than that the their theirs them
themselves then there these they thing things this those though through thus till too toward towards two under
until unto upon use used very via was wasn way well went were weren what whatever when whenever where wherever
whether which while who whoever whole whom whose why will with within without won would wouldn yet you your yours
yourself yourselves
"""
STOP_WORDS = frozenset(_STOP_WORDS.split())
"""English function words of three or more letters, and what is left of their short forms (don't: don)."""
PARTICLES = frozenset("的了吗呢吧啊呀嘛我你您他她它们这那")
"""Chinese particles and pronouns: a pair with one of them says little."""

Ids = NDArray[np.int64]
Mask = NDArray[np.bool_]
Group = tuple[int, str, str, str]   # group, source, product, lang


class _Words(dict[int, int]):
    """Composite key of a word's pieces -> its term, or -1 for no term. Put together when first asked for."""

    def __init__(self, lexicon: "Lexicon") -> None:
        super().__init__()
        self.lexicon = lexicon

    def __missing__(self, key: int) -> int:
        term = self[key] = self.lexicon.compose(key)
        return term


class _Names(dict[int, str]):
    """Term -> its string. Pairs of Chinese characters are put together when first asked for."""

    def __init__(self, lexicon: "Lexicon") -> None:
        super().__init__()
        self.lexicon = lexicon

    def __missing__(self, term: int) -> str:
        left, right = divmod(term - self.lexicon.pairs, len(self.lexicon.characters))
        name = self[term] = self.lexicon.characters[left] + self.lexicon.characters[right]
        return name


class _Triples(dict[int, Counts]):
    """Three counts of 16 bits in one integer -> a tuple of them; nearly all are the same few."""

    def __missing__(self, packed: int) -> Counts:
        triple = self[packed] = (packed & COUNT_MASK, packed >> COUNT_BITS & COUNT_MASK, packed >> 2 * COUNT_BITS)
        return triple


class Lexicon:
    """What the entries of one vocabulary mean as terms, and what was put together from them so far.

    Terms are integers: the entry itself for a word of one piece; from `composed` on, words of several pieces in the
    order of their coming; from `pairs` on, left * characters + right for two neighbouring Chinese characters. Words of
    the same letters are the same term. Safe to use from several threads.
    """

    def __init__(self, vocabulary: Sequence[str]) -> None:
        self.vocabulary = vocabulary
        self.bits = (len(vocabulary) + 1).bit_length()
        self.pieces = min(MAX_PIECES, 63 // self.bits)
        self.continues = np.array([entry.startswith("##") for entry in vocabulary], np.bool_)
        self.characters = [entry for entry in vocabulary if is_chinese(entry) and entry not in PARTICLES]
        places = {entry: place for place, entry in enumerate(self.characters)}
        self.place = np.array([places.get(entry, -1) for entry in vocabulary], np.int64)
        self.names, self.words, self.triples = _Names(self), _Words(self), _Triples()
        self.term_of: dict[str, int] = {}
        words = [entry.removeprefix("##") for entry in vocabulary]
        self.alone = np.array([self._term(word, number) for number, word in enumerate(words)], np.int64)
        self.composed = itertools.count(len(vocabulary))
        self.pairs = len(vocabulary) + (1 << 24)
        self.entities: dict[tuple[int, str], str] = {}
        self._lock = threading.Lock()

    @property
    def remembered(self) -> int:
        """How much was put together so far."""
        return len(self.words) + len(self.names) + len(self.entities) + len(self.triples)

    def compose(self, key: int) -> int:
        """The term of a word of several pieces, -1 for none."""
        mask = (1 << self.bits) - 1
        numbers = [key >> self.bits * step & mask for step in range(self.pieces)]
        word = "".join(self.vocabulary[number - 1].removeprefix("##") for number in numbers if number)
        with self._lock:
            return self._term(word, next(self.composed))

    def _term(self, entry: str, number: int) -> int:
        word = entry.casefold()
        if not is_term(word):
            return -1
        term = self.term_of.setdefault(word, number)
        self.names[term] = word
        return term


@dataclass(slots=True)
class _Layout:
    """The counted rows, sorted by cell and in a cell by hashed event id; cell c owns order[starts[c]:starts[c + 1]]."""

    order: Ids
    cell: Ids                                  # of each row in `order`
    starts: Ids                                # int64[cells + 1]
    names: list[tuple[int, str, str, str, str]]   # group, source, product, lang, topic of each cell


def tabulate(
    events: Sequence[TextEvent], tags: Tags, tagger: Tagger, keys: NDArray[np.uint64], offsets: NDArray[np.int64],
    groups: Ids, good: Mask | None = None, *, texts: bool = True,
) -> dict[tuple[int, str, str], Unit]:
    """(group, source, product) -> the unit of the events and their tags.

    events: at most 32,768, in a group of different ids. keys uint64[N]: their hashed ids. offsets int64[N]. groups
    int64[N]: what else keeps units apart (window and origin), as the caller numbers it. good bool[N]: rows to count,
    all by default; the others add nothing. Topic and sentiment are those of the highest probability, the first of equal
    ones. A term or an entity counts once a text. Terms are words of 3 letters or more that are no stop words, of at
    most 4 pieces, and pairs of neighbouring Chinese characters. tagger.vocabulary must be one lasting object: what is
    remembered of it hangs on that. texts: whether the redacted texts of samples are kept. Raises ValueError for too many
    events, or a probability that is no number.
    """
    if len(events) > MAX_EVENTS:
        raise ValueError(f"{len(events)} events in a chunk: at most {MAX_EVENTS} can be tabulated at once")
    rows = np.arange(len(events)) if good is None else np.flatnonzero(good)
    if not len(rows):
        return {}
    lexicon = lexicon_of(tagger.vocabulary)
    layout = _lay_out(_groups_of(events, groups), tags, tagger.topics, keys, rows)
    sentiment, cells = _cells(tags, layout, tagger.version)
    _count_terms(cells, layout, sentiment, tags, lexicon)
    _count_entities(cells, layout, events, tags, tagger)
    _name_some(cells, layout, events, keys)
    if texts:
        _show_some(cells, layout, events, sentiment, tags, tagger)
    return _units(cells, layout, offsets)


def is_chinese(entry: str) -> bool:
    """True for one character of the CJK ideograph blocks (Unicode 15, as BERT's tokenizer has them)."""
    return len(entry) == 1 and (
        "\u4e00" <= entry <= "\u9fff" or "\u3400" <= entry <= "\u4dbf" or "\uf900" <= entry <= "\ufaff"
        or "\U00020000" <= entry <= "\U0002fa1f")


def is_term(word: str) -> bool:
    """True for case-folded words worth counting."""
    return len(word) >= MIN_LETTERS and word.isalpha() and word not in STOP_WORDS


_lexicons: dict[int, Lexicon] = {}
_lexicons_lock = threading.Lock()


def lexicon_of(vocabulary: Sequence[str]) -> Lexicon:
    """The lexicon of this very vocabulary object; begun anew when it has grown too large, and at most four are kept."""
    known = _lexicons.get(id(vocabulary))
    if known is not None and known.vocabulary is vocabulary and known.remembered - len(vocabulary) <= MAX_REMEMBERED:
        return known
    made = Lexicon(vocabulary)
    with _lexicons_lock:
        _lexicons.pop(id(vocabulary), None)
        while len(_lexicons) >= 4:
            del _lexicons[next(iter(_lexicons))]
        _lexicons[id(vocabulary)] = made
    return made


def _groups_of(events: Sequence[TextEvent], groups: Ids) -> list[Group]:
    numbered = zip(groups.tolist(), events, strict=True)
    return [(group, event.source, event.product, event.lang or NO_LANG) for group, event in numbered]


def _lay_out(
    said: list[Group], tags: Tags, topics: Sequence[str], keys: NDArray[np.uint64], rows: Ids
) -> _Layout:
    distinct = list(dict.fromkeys(said))
    numbers = {group: number for number, group in enumerate(distinct)}
    group = np.fromiter(map(numbers.__getitem__, said), np.int64, len(said))
    code = (group * len(topics) + tags.topic.argmax(axis=1))[rows]
    by_cell = np.lexsort((keys[rows], code))
    code = code[by_cell]
    change = np.flatnonzero(code[1:] != code[:-1]) + 1
    starts = np.concatenate(([0], change, [len(code)]))
    names = [(*distinct[number // len(topics)], topics[number % len(topics)]) for number in code[starts[:-1]].tolist()]
    return _Layout(rows[by_cell], np.repeat(np.arange(len(names)), np.diff(starts)), starts, names)


def _cells(tags: Tags, layout: _Layout, version: str) -> tuple[Ids, list[Cell]]:
    """(sentiment of each row in order, the cells with their plain counts)."""
    probabilities = tags.sentiment[layout.order].astype(np.float64)
    if not np.isfinite(probabilities).all():
        raise ValueError("a sentiment probability of the model is not a number: its rows must be marked as failed")
    sentiment = probabilities.argmax(axis=1)
    chosen = probabilities[np.arange(len(sentiment)), sentiment]
    bins = np.clip((chosen * CONFIDENCE_BINS).astype(np.int64), 0, CONFIDENCE_BINS - 1)
    records = np.diff(layout.starts).tolist()
    counts = _crossed(layout.cell, sentiment, len(records), len(SENTIMENTS))
    confidence = _crossed(layout.cell, bins, len(records), CONFIDENCE_BINS)
    scores = np.add.reduceat(np.rint(chosen * SCORE_SCALE).astype(np.int64), layout.starts[:-1]).tolist()
    columns = zip(records, counts, scores, confidence, strict=True)
    return sentiment, [
        Cell(number, negative, neutral, positive, score, confidence=histogram, versions={version: number})
        for number, (negative, neutral, positive), score, histogram in columns]


def _crossed(first: Ids, second: Ids, rows: int, columns: int) -> list[list[int]]:
    """How often each pair of numbers occurs, as rows x columns."""
    table = np.bincount(first * columns + second, minlength=rows * columns).reshape(rows, columns)
    counts: list[list[int]] = table.tolist()
    return counts


def _count_terms(cells: list[Cell], layout: _Layout, sentiment: Ids, tags: Tags, lexicon: Lexicon) -> None:
    """Sorts (cell, term, rank of the row) as one integer each, so that equal ones, then equal terms, stand together."""
    rank = np.full(len(tags.token_splits) - 1, -1, np.int64)
    rank[layout.order] = np.arange(len(layout.order))
    terms, rows = _occurrences(tags, lexicon)
    ranks = rank[rows]
    counted = ranks >= 0
    if not counted.all():
        terms, ranks = terms[counted], ranks[counted]
    if not len(terms):
        return
    row_bits = len(layout.order).bit_length()
    term_bits = int(terms.max()).bit_length()
    packed = np.sort((layout.cell[ranks] << (term_bits + row_bits)) | (terms << row_bits) | ranks)
    packed = packed[_changes(packed)]
    entry = packed >> row_bits
    first = _changes(entry)
    entry, begins = entry[first], np.flatnonzero(first)
    ones = np.left_shift(1, COUNT_BITS * sentiment)[packed & ((1 << row_bits) - 1)]
    counts = map(lexicon.triples.__getitem__, np.add.reduceat(ones, begins).tolist())
    names = map(lexicon.names.__getitem__, (entry & ((1 << term_bits) - 1)).tolist())
    ends = np.searchsorted(entry >> term_bits, np.arange(len(cells)), side="right")
    for cell, size in zip(cells, np.diff(ends, prepend=0).tolist(), strict=True):
        cell.terms = dict(zip(itertools.islice(names, size), counts, strict=False))   # the names end first


def _changes(values: Ids) -> Mask:
    """True where a value is not the one before it."""
    return np.concatenate(([True], values[1:] != values[:-1]))


def _occurrences(tags: Tags, lexicon: Lexicon) -> tuple[Ids, Ids]:
    """(terms, the rows that they stand in), a term as often as it occurs."""
    ids, lengths = tags.token_ids, np.diff(tags.token_splits)
    row_of = np.repeat(np.arange(len(lengths)), lengths)
    begins = tags.token_splits[:-1][lengths > 0]
    continues = np.zeros(len(ids) + MAX_PIECES + 1, np.bool_)
    continues[: len(ids)] = lexicon.continues[ids]
    continues[begins] = False   # whatever a text begins with begins a word
    starts, goes_on = ~continues[: len(ids)], continues[1 : len(ids) + 1]
    alone = lexicon.alone[ids]
    alone_at = np.flatnonzero(starts & ~goes_on & (alone >= 0))
    words, words_at = _composed(ids, continues, np.flatnonzero(starts & goes_on), lexicon)
    pairs, pairs_at = _pairs(ids, begins, lexicon)
    terms = np.concatenate((alone[alone_at], words, pairs))
    return terms, row_of[np.concatenate((alone_at, words_at, pairs_at))]


def _composed(ids: NDArray[np.int32], continues: Mask, heads: Ids, lexicon: Lexicon) -> tuple[Ids, Ids]:
    """(terms, places) of the words of several pieces, whose first pieces stand at `heads`."""
    if not len(heads):
        return heads, heads
    padded = np.zeros(len(continues), np.int64)
    padded[: len(ids)] = ids
    padded += 1
    key = padded[heads]
    inside = np.ones(len(heads), np.bool_)
    for step in range(1, lexicon.pieces):
        inside &= continues[heads + step]
        key |= np.where(inside, padded[heads + step], 0) << (lexicon.bits * step)
    whole = ~(inside & continues[heads + lexicon.pieces])
    terms = np.fromiter(map(lexicon.words.__getitem__, key[whole].tolist()), np.int64)
    kept = terms >= 0
    return terms[kept], heads[whole][kept]


def _pairs(ids: NDArray[np.int32], begins: Ids, lexicon: Lexicon) -> tuple[Ids, Ids]:
    """(terms, places) of the neighbouring Chinese characters of one text."""
    place = lexicon.place[ids]
    both = (place[:-1] >= 0) & (place[1:] >= 0)
    both[begins[begins > 0] - 1] = False   # the last of a text and the first of the next
    at = np.flatnonzero(both)
    return lexicon.pairs + place[at] * len(lexicon.characters) + place[at + 1], at


def _count_entities(
    cells: list[Cell], layout: _Layout, events: Sequence[TextEvent], tags: Tags, tagger: Tagger
) -> None:
    cell_of = np.full(len(events), -1, np.int64)
    cell_of[layout.order] = layout.cell
    rows = np.repeat(np.arange(len(events)), np.diff(tags.entity_splits)).tolist()
    numbers = cell_of.tolist()
    for row, key in set(_named(rows, events, tags, tagger)):
        if numbers[row] >= 0 and key:
            entities = cells[numbers[row]].entities
            entities[key] = entities.get(key, 0) + 1


def _named(
    rows: list[int], events: Sequence[TextEvent], tags: Tags, tagger: Tagger
) -> Iterator[tuple[int, str]]:
    """(row, key) of every entity. The key is empty when nothing is left of the text."""
    known, types = lexicon_of(tagger.vocabulary).entities, tagger.entity_types
    spans = zip(rows, tags.entity_type.tolist(), tags.entity_start.tolist(), tags.entity_end.tolist(), strict=True)
    for row, kind, start, end in spans:
        text = events[row].text
        said = text[start:end] if text.isascii() else text.encode()[start:end].decode(errors="replace")
        key = known.get((kind, said))
        if key is None:
            key = known[kind, said] = entity_key(types[kind], said)
        yield row, key


def entity_key(type_name: str, said: str) -> str:
    """type<TAB>text, case-folded and with single spaces; empty when nothing is left of the text."""
    plain = " ".join(said.casefold().split())
    return f"{type_name}\t{plain}" if plain else ""


@lru_cache(maxsize=1 << 16)
def _author_key(author_id: str) -> int:
    return event_key(author_id)


def authors_of(author_ids: Sequence[str]) -> Sketch:
    """The sketch of the authors; the empty id is no author. An id means the same author in every source."""
    return sketch_of(map(_author_key, {*author_ids} - {""}))


def _name_some(cells: list[Cell], layout: _Layout, events: Sequence[TextEvent], keys: NDArray[np.uint64]) -> None:
    """Authors and samples. Rows of a cell are in the order of their keys, so its samples are its first rows."""
    order = layout.order.tolist()
    hashes = keys[layout.order].tolist()
    authors = [events[row].author_id for row in order]
    for cell, (start, end) in zip(cells, itertools.pairwise(layout.starts.tolist()), strict=True):
        cell.authors = authors_of(authors[start:end])
        first = range(start, min(end, start + SAMPLES))
        cell.samples = tuple([(hashes[place], events[order[place]].event_id) for place in first])


def _show_some(
    cells: list[Cell], layout: _Layout, events: Sequence[TextEvent], sentiment: Ids, tags: Tags, tagger: Tagger
) -> None:
    """The redacted texts of the samples."""
    order, felt, splits = layout.order.tolist(), sentiment.tolist(), tags.entity_splits.tolist()
    columns = (tags.entity_start.tolist(), tags.entity_end.tolist(), tags.entity_type.tolist())
    shown = [(cell, place, order[place]) for cell, start in zip(cells, layout.starts[:-1].tolist(), strict=True)
             for place in range(start, start + len(cell.samples))]
    texts = [events[row].text for _, _, row in shown]
    entities: list[list[tuple[int, int, str]]] = []
    for text, (_, _, row) in zip(texts, shown, strict=True):
        begin, end = splits[row], splits[row + 1]
        spans = [] if begin == end else _in_characters(text, zip(*(column[begin:end] for column in columns), strict=True))
        entities.append([(start, stop, tagger.entity_types[kind]) for start, stop, kind in spans])
    for (cell, place, row), (text, kept) in zip(shown, redacted(texts, entities), strict=True):
        cell.texts[events[row].event_id] = Text(text, felt[place], kept)


def _in_characters(text: str, spans: Iterable[tuple[int, int, int]]) -> Iterator[tuple[int, int, int]]:
    """Spans in bytes of the UTF-8 text -> spans in its characters."""
    for start, end, kind in spans:
        data = text.encode()
        yield len(data[:start].decode(errors="ignore")), len(data[:end].decode(errors="ignore")), kind


def _units(cells: list[Cell], layout: _Layout, offsets: NDArray[np.int64]) -> dict[tuple[int, str, str], Unit]:
    last = np.maximum.reduceat(offsets[layout.order], layout.starts[:-1]).tolist()
    units: dict[tuple[int, str, str], Unit] = {}
    for (group, source, product, lang, topic), cell, offset in zip(layout.names, cells, last, strict=True):
        unit = units.setdefault((group, source, product), Unit())
        unit.records += cell.records
        unit.last_offset = max(unit.last_offset, offset)
        unit.cells[lang, topic] = cell
    return units
