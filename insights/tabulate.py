"""From a chunk of tagged texts to the units that they add up to, in columns.

Whatever is done once a text or once a token is done by NumPy on whole columns; Python objects are made once a cell, and
once a term of a cell.
"""
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from insights.cells import CONFIDENCE_BINS, SAMPLES, SCORE_SCALE, Cell, Text, Unit
from insights.lexicon import COUNT_BITS, MAX_PIECES, Lexicon, lexicon_of
from insights.redact import MASKS, READ, hidden_in, in_characters, instead_of, sample_of
from insights.sketch import Sketch, sketch_of
from privacy.kinds import Span
from privacy.redact import Redactor, overlaps
from schemas.entity_types import is_counted
from schemas.records import TextEvent
from schemas.tagging import SENTIMENTS, Tagger, Tags

NO_LANG = "und"   # "undetermined" in ISO 639-3
MAX_EVENTS = 1 << 15   # cell, term and row share 63 bits
MAX_TERM_BITS = 40

Ids = NDArray[np.int64]
Mask = NDArray[np.bool_]
Group = tuple[int, str, str, str]   # group, source, product, lang


@dataclass(slots=True)
class _Layout:
    """The counted rows, sorted by cell and in a cell by hashed event id; cell c owns order[starts[c]:starts[c + 1]]."""

    order: Ids
    cell: Ids                                  # of each row in `order`
    starts: Ids                                # int64[cells + 1]
    names: list[tuple[int, str, str, str, str]]   # group, source, product, lang, topic of each cell


def tabulate(
    events: Sequence[TextEvent], tags: Tags, tagger: Tagger, keys: NDArray[np.uint64], offsets: NDArray[np.int64],
    groups: Ids, good: Mask | None = None, *, texts: bool = True, redactor: Redactor = MASKS,
) -> dict[tuple[int, str, str], Unit]:
    """(group, source, product) -> the unit of the events and their tags.

    events: at most 32,768, in a group of different ids. keys uint64[N]: their hashed ids. offsets int64[N]. groups
    int64[N]: what else keeps units apart (window and origin), as the caller numbers it. good bool[N]: rows to count,
    all by default; the others add nothing. Topic and sentiment are those of the highest probability, the first of equal
    ones. A term or an entity counts once a text. Terms are words of 3 letters or more that are no stop words, of at
    most 4 pieces, and pairs of neighbouring Chinese characters. tagger.vocabulary must be one lasting object: what is
    remembered of it hangs on that. texts: whether the redacted texts of samples are kept. redactor: what it hides is in no
    entity, term or text. Raises ValueError for too many events, or a probability that is no number.
    """
    if len(events) > MAX_EVENTS:
        raise ValueError(f"{len(events)} events in a chunk: at most {MAX_EVENTS} can be tabulated at once")
    rows = np.arange(len(events)) if good is None else np.flatnonzero(good)
    if not len(rows):
        return {}
    lexicon = lexicon_of(tagger.vocabulary)
    layout = _lay_out(_groups_of(events, groups), tags, tagger.topics, keys, rows)
    sentiment, cells = _cells(tags, layout, tagger.version)
    hidden = hidden_in(events, tags, tagger, redactor, READ)
    _count_terms(cells, layout, sentiment, _known_terms(events, tags, lexicon, hidden), lexicon)
    _count_entities(cells, layout, _named(events, tags, tagger, hidden, redactor))
    _name_some(cells, layout, events, keys, redactor)
    if texts:
        _show_some(cells, layout, events, sentiment, tags, tagger, hidden, redactor)
    else:
        _note_authors(cells, layout, events, redactor)
    return _units(cells, layout, offsets)


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


def _known_terms(
    events: Sequence[TextEvent], tags: Tags, lexicon: Lexicon, hidden: Mapping[int, Sequence[Span]]
) -> tuple[Ids, Ids, int]:
    """(terms, the rows that they stand in, number of rows), without those that may come from what is hidden in their row."""
    terms, rows = _occurrences(tags, lexicon)
    gone = [row << MAX_TERM_BITS | term for row, spans in hidden.items() for start, end, _ in spans
            for term in lexicon.terms_in(events[row].text[start:end])]
    if gone:
        touched = np.zeros(len(events), np.bool_)
        touched[list(hidden)] = True
        at = np.flatnonzero(touched[rows])
        kept = np.ones(len(terms), np.bool_)
        kept[at] = ~np.isin(rows[at] << MAX_TERM_BITS | terms[at], gone)
        terms, rows = terms[kept], rows[kept]
    return terms, rows, len(events)


def _count_terms(cells: list[Cell], layout: _Layout, sentiment: Ids, known: tuple[Ids, Ids, int], lexicon: Lexicon) -> None:
    """Sorts (cell, term, rank of the row) as one integer each, so that equal ones, then equal terms, stand together."""
    terms, rows, number = known
    rank = np.full(number, -1, np.int64)
    rank[layout.order] = np.arange(len(layout.order))
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


def _count_entities(cells: list[Cell], layout: _Layout, named: Iterator[tuple[int, str]]) -> None:
    cell_of = dict(zip(layout.order.tolist(), layout.cell.tolist(), strict=True))
    for row, key in set(named):
        if key and row in cell_of:
            entities = cells[cell_of[row]].entities
            entities[key] = entities.get(key, 0) + 1


def _named(
    events: Sequence[TextEvent], tags: Tags, tagger: Tagger, hidden: Mapping[int, Sequence[Span]], redactor: Redactor
) -> Iterator[tuple[int, str]]:
    """(row, key) of every entity that is counted. The key is empty when nothing is left of the text."""
    known, types = lexicon_of(tagger.vocabulary).entities, tagger.entity_types
    rows = np.repeat(np.arange(len(events)), np.diff(tags.entity_splits))
    counted = np.isin(tags.entity_type, [number for number, name in enumerate(types) if is_counted(name)])
    spans = zip(*(column[counted].tolist() for column in (rows, tags.entity_type, tags.entity_start, tags.entity_end)), strict=True)
    for row, kind, start, end in spans:
        text = events[row].text
        if row in hidden:
            (begin, stop), = in_characters(text, [(start, end)])
            if overlaps(begin, stop, hidden[row]):
                yield row, entity_key(types[kind], instead_of(text, begin, stop, hidden[row], redactor))
                continue
        said = text[start:end] if text.isascii() else text.encode()[start:end].decode(errors="replace")
        key = known.get((kind, said))
        if key is None:
            key = known[kind, said] = entity_key(types[kind], said)
        yield row, key


def entity_key(type_name: str, said: str) -> str:
    """type<TAB>text, case-folded and with single spaces; empty when nothing is left of the text."""
    plain = " ".join(said.casefold().split())
    return f"{type_name}\t{plain}" if plain else ""


def authors_of(author_ids: Sequence[str], redactor: Redactor) -> Sketch:
    """The sketch of the authors; the empty id is no author. An id means the same author in every source."""
    return sketch_of(map(redactor.author_number, {*author_ids} - {""}))


def _name_some(
    cells: list[Cell], layout: _Layout, events: Sequence[TextEvent], keys: NDArray[np.uint64], redactor: Redactor
) -> None:
    """Authors and samples. Rows of a cell are in the order of their keys, so its samples are its first rows."""
    order = layout.order.tolist()
    hashes = keys[layout.order].tolist()
    authors = [events[row].author_id for row in order]
    for cell, (start, end) in zip(cells, itertools.pairwise(layout.starts.tolist()), strict=True):
        cell.authors = authors_of(authors[start:end], redactor)
        first = range(start, min(end, start + SAMPLES))
        cell.samples = tuple([(hashes[place], events[order[place]].event_id) for place in first])


def _show_some(
    cells: list[Cell], layout: _Layout, events: Sequence[TextEvent], sentiment: Ids, tags: Tags, tagger: Tagger,
    hidden: Mapping[int, Sequence[Span]], redactor: Redactor,
) -> None:
    """The redacted texts of the samples."""
    order, felt, splits = layout.order.tolist(), sentiment.tolist(), tags.entity_splits.tolist()
    starts, ends, types = tags.entity_start.tolist(), tags.entity_end.tolist(), tags.entity_type.tolist()
    for cell, first in zip(cells, layout.starts[:-1].tolist(), strict=True):
        for place in range(first, first + len(cell.samples)):
            row = order[place]
            event, begin, end = events[row], splits[row], splits[row + 1]
            spans = in_characters(event.text, list(zip(starts[begin:end], ends[begin:end], strict=True)))
            named = [(*span, tagger.entity_types[kind]) for span, kind in zip(spans, types[begin:end], strict=True)]
            entities = [span for span in named if is_counted(span[2])]
            text, kept = sample_of(event.text, entities, hidden.get(row, ()), redactor)
            cell.texts[event.event_id] = Text(text, felt[place], kept, redactor.author_mark(event.author_id))


def _note_authors(cells: list[Cell], layout: _Layout, events: Sequence[TextEvent], redactor: Redactor) -> None:
    """Whose the samples are, where their texts are not kept."""
    for cell, first in zip(cells, layout.starts[:-1].tolist(), strict=True):
        for row in layout.order[first:first + len(cell.samples)].tolist():
            cell.texts[events[row].event_id] = Text("", author=redactor.author_mark(events[row].author_id))


def _units(cells: list[Cell], layout: _Layout, offsets: NDArray[np.int64]) -> dict[tuple[int, str, str], Unit]:
    last = np.maximum.reduceat(offsets[layout.order], layout.starts[:-1]).tolist()
    units: dict[tuple[int, str, str], Unit] = {}
    for (group, source, product, lang, topic), cell, offset in zip(layout.names, cells, last, strict=True):
        unit = units.setdefault((group, source, product), Unit())
        unit.records += cell.records
        unit.last_offset = max(unit.last_offset, offset)
        unit.cells[lang, topic] = cell
    return units
