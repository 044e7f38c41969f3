"""Laws of cells and units: they merge in any order and grouping, and survive rows and bytes."""
import copy

from hypothesis import given
from hypothesis import strategies as st

from insights.cells import CONFIDENCE_BINS, SAMPLES, Cell, Text, Unit
from insights.sketch import K, sketch_of
from schemas.decode import event_key

counts = st.integers(0, 1_000)
words = st.text("abc安全\t\"", min_size=1, max_size=3)
hashes = st.integers(0, 2**64 - 1)
samples = st.lists(words, max_size=SAMPLES, unique=True).map(   # an id has one hash
    lambda names: tuple(sorted((event_key(name), name) for name in names)))
triples = st.tuples(counts, counts, counts)
cells = st.builds(
    lambda felt, score, entities, terms, confidence, authors, samples, versions, texts: Cell(
        sum(felt), *felt, score, entities, terms, confidence, authors, samples, versions,
        {name: text for (_, name), text in zip(samples, texts, strict=False)}),
    triples, st.integers(0, 2**50), st.dictionaries(words, counts, max_size=4),
    st.dictionaries(words, triples, max_size=4),
    st.lists(counts, min_size=CONFIDENCE_BINS, max_size=CONFIDENCE_BINS), st.sets(hashes, max_size=6).map(sketch_of),
    samples, st.dictionaries(words, counts, max_size=2), st.lists(st.builds(Text, words, st.integers(0, 2)), max_size=SAMPLES))
units = st.builds(
    lambda offset, cells: Unit(sum(cell.records for cell in cells.values()), offset, cells),
    st.integers(-1, 2**62), st.dictionaries(st.tuples(words, words), cells, max_size=3))


def added(*parts):
    whole = Unit()
    for part in parts:
        whole.add(part)
    return whole


@given(cells, cells, cells)
def test_merging_cells_is_associative(a, b, c):
    assert Cell.merge(Cell.merge(a, b), c) == Cell.merge(a, Cell.merge(b, c))


@given(cells, cells)
def test_merging_cells_is_commutative(a, b):
    assert Cell.merge(a, b) == Cell.merge(b, a)


@given(cells)
def test_the_empty_cell_is_the_unit_of_merging(a):
    assert Cell.merge(a, Cell.empty()) == Cell.merge(Cell.empty(), a) == a


@given(cells, cells)
def test_merging_preserves_every_total(a, b):
    merged = Cell.merge(a, b)
    for name in ("records", "negative", "neutral", "positive", "score_sum"):
        assert getattr(merged, name) == getattr(a, name) + getattr(b, name)
    for name in ("entities", "versions"):
        totals = [sum(getattr(cell, name).values()) for cell in (a, b, merged)]
        assert totals[0] + totals[1] == totals[2]
    for place in range(3):
        held = [sum(triple[place] for triple in cell.terms.values()) for cell in (a, b, merged)]
        assert held[0] + held[1] == held[2]
    assert merged.confidence == [left + right for left, right in zip(a.confidence, b.confidence, strict=True)]
    assert merged.negative + merged.neutral + merged.positive == merged.records


@given(cells, cells)
def test_texts_are_those_of_the_samples(a, b):
    merged = Cell.merge(a, b)
    named = {name for _, name in merged.samples}
    assert merged.texts.keys() == named & (a.texts.keys() | b.texts.keys())
    assert all(text in (a.texts.get(name), b.texts.get(name)) for name, text in merged.texts.items())


@given(cells, cells, cells)
def test_samples_are_the_smallest_hashes_of_all(a, b, c):
    merged = Cell.merge(Cell.merge(a, b), c)
    assert merged.samples == tuple(sorted({*a.samples, *b.samples, *c.samples})[:SAMPLES])


@given(cells, cells)
def test_merging_changes_neither_cell_and_shares_nothing(a, b):
    before = copy.deepcopy((a, b))
    merged = Cell.merge(a, b)
    merged.add(b)
    assert (a, b) == before


@given(units, units, units)
def test_adding_units_is_associative_and_commutative_and_the_empty_unit_is_its_unit(a, b, c):
    assert added(added(a, b), c) == added(a, added(b, c)) == added(c, b, a)
    assert added(a, Unit()) == added(Unit(), a) == a


@given(units, units)
def test_a_unit_counts_its_cells_and_adding_changes_only_the_first(a, b):
    before = copy.deepcopy((a, b))
    whole = added(a, b)
    assert whole.records == sum(cell.records for cell in whole.cells.values())
    assert whole.last_offset == max(a.last_offset, b.last_offset)
    whole.add(b)
    assert (a, b) == before


@given(units)
def test_a_unit_survives_encoding(unit):
    assert Unit.decode(unit.encode()) == unit


@given(cells)
def test_a_cell_survives_a_row(cell):
    row = cell.to_row()
    assert Cell.from_row(row) == cell
    assert row["authors"] == len(cell.authors)


def test_a_row_keeps_hashes_beyond_the_integers_of_json_readers():
    cell = Cell(authors=sketch_of(2**64 - 1 - number for number in range(2 * K)))
    assert Cell.from_row(cell.to_row()).authors == cell.authors
    assert cell.to_row()["authors"] == cell.authors_estimate
