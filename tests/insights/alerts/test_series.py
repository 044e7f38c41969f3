"""What windows say: the same whatever part of the stream is looked at, in whatever order its cells come."""
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from insights.alerts import baseline
from insights.alerts.detect import Sensitivity
from insights.alerts.judge import ALL, Kind, Series
from insights.alerts.series import Counts, Names, _groups, _past, count, signals
from insights.cells import Cell
from insights.queries import CellKey

MINUTE = 60_000_000
WANTED = Sensitivity(lookback=60, warm_up=20)
FIRST = 29_000_003   # not at a multiple of the refit


def stream(seed=1, windows=160, burst=None):
    """Rows of cells: two sources with two topics; in the windows of `burst` topic food of reviews comes five times as often."""
    random = np.random.default_rng(seed)
    for at in range(windows):
        for source, topic, rate in (("reviews", "food", 8), ("reviews", "film", 12), ("tickets", "bank", 20)):
            many = 5 if burst and at in burst and topic == "food" else 1
            records = int(random.poisson(rate * many))
            if records:
                negative = int(random.binomial(records, 0.3))
                spoiled = {"soup": (records - negative, 0, negative)} if many > 1 else {}
                yield (CellKey((FIRST + at) * MINUTE, source, "shop", "en", topic),
                       Cell(records, negative, 0, records - negative, terms={"the": (records, 0, 0), **spoiled}, entities={}))


NAMES = Names()


def history(rows, windows=160, before=WANTED.past):
    return list(count(rows, (FIRST - before) * MINUTE, (FIRST + windows) * MINUTE, MINUTE, WANTED.past, NAMES))


def flat(names, day):
    """The shape of a day of which nothing is known."""
    return np.ones((len(names), baseline.BINS))


def said(past, start=WANTED.past):
    return dict(signals(past, start, MINUTE, WANTED, flat, NAMES))


def plain(found):
    return [(counts.window_us, counts.records, NAMES.groups.unpack(counts.groups), NAMES.groups.unpack(counts.negative),
             NAMES.words.unpack(counts.entities), NAMES.words.unpack(counts.terms)) for counts in found]


def told(found):
    return {(window_us // MINUTE - FIRST, signal.kind, signal.series) for window_us, window in found.items()
            for signal in window if signal.told}


def test_a_burst_is_told_as_a_topic_and_a_term_of_its_windows_and_the_quiet_before_says_nothing():
    found = told(said(history(stream(burst=range(100, 110)))))

    assert (100, Kind.TOPIC, Series("topic", "food")) in found
    assert any(kind is Kind.TERM and series.value == "soup" and at in (100, 101) for at, kind, series in found)
    assert {at for at, _, _ in found} <= set(range(100, 111))
    assert told(said(history(stream(burst=None)))) == set()


@settings(max_examples=10)
@given(st.integers(0, 150))
def test_the_answer_is_the_same_whatever_part_is_given(start):
    past = history(stream(burst=range(120, 130)))
    whole = said(past)

    part = said(past[start:])

    for window_us, signals_of in part.items():
        assert [one for one in signals_of if one.told] == [one for one in whole[window_us] if one.told]
        assert {(one.kind, one.series) for one in signals_of if one.kind not in (Kind.TERM, Kind.ENTITY)} == {
            (one.kind, one.series) for one in whole[window_us] if one.kind not in (Kind.TERM, Kind.ENTITY)}


def test_cells_of_one_window_count_in_any_order():
    rows = list(stream(windows=40))
    random = np.random.default_rng(3)
    shuffled = sorted(random.permutation(np.arange(len(rows))).tolist(), key=lambda at: rows[at][0].window_us)

    assert plain(history((rows[at] for at in shuffled), 40)) == plain(history(rows, 40))


def test_windows_without_a_cell_are_windows_too():
    rows = [row for row in stream(windows=10) if (row[0].window_us // MINUTE - FIRST) % 4 == 2]

    found = history(rows, 10, before=0)

    assert [counts.window_us // MINUTE - FIRST for counts in found] == list(range(10))
    assert [counts.records > 0 for counts in found] == [at % 4 == 2 for at in range(10)]


def test_a_source_that_falls_silent_is_told():
    rows = [row for row in stream() if row[0].source != "tickets" or row[0].window_us // MINUTE - FIRST < 120]

    found = told(said(history(rows)))

    assert min(at for at, kind, series in found if kind is Kind.SILENCE and series == Series("source", "tickets")) in (120, 121)


def test_a_worse_mood_is_told_once_the_share_of_negative_ones_has_risen():
    def spoiled(key, cell):
        late = key.window_us // MINUTE - FIRST >= 120
        return Cell(cell.records, cell.records, 0, 0) if late and key.source == "tickets" else cell

    rows = [(key, spoiled(key, cell)) for key, cell in stream()]

    found = told(said(history(rows)))

    assert (120, Kind.WORSE, Series("source", "tickets")) in found
    assert not any(kind is Kind.BETTER for _, kind, _ in found)


@pytest.mark.parametrize("windows", [1, 5, WANTED.warm_up])
def test_a_stream_too_young_to_be_judged_says_nothing(windows):
    assert told(said(history(stream(windows=windows), windows))) == set()


def test_all_is_the_sum_of_its_sources():
    for counts in history(stream(), before=0):
        for columns in (counts.groups, counts.negative):
            groups = NAMES.groups.unpack(columns)
            assert groups.get(ALL, 0) == sum(number for series, number in groups.items() if series.dimension == "source")


def test_however_many_series_are_rare_only_the_others_are_judged():
    def rare(at):
        yield from (row for row in stream(burst=range(100, 110)) if row[0].window_us == (FIRST + at) * MINUTE)
        yield from ((CellKey((FIRST + at) * MINUTE, "posts", f"{at} {number}", "en", "film"), Cell(1, 0, 1, 0)) for number in range(200))

    past = history(row for at in range(160) for row in rare(at))

    assert (100, Kind.TOPIC, Series("topic", "food")) in told(said(past))
    families = list(_groups(_past(past, WANTED.past, MINUTE, WANTED, NAMES), flat))
    assert all(len(family.names) < 20 for family in families)


def test_nothing_comes_of_nothing():
    assert told(said([Counts((FIRST + at) * MINUTE) for at in range(WANTED.past + 80)])) == set()


@pytest.mark.parametrize("gap", [1, WANTED.past - 1, WANTED.past, WANTED.past + 1, 50_000])
def test_of_a_gap_only_as_much_is_looked_at_as_matters(gap):
    rows = [(key, cell) for key, cell in stream() if not 60 <= key.window_us // MINUTE - FIRST < 70]
    later = [(key._replace(window_us=key.window_us + gap * MINUTE), cell) for key, cell in rows if key.window_us // MINUTE - FIRST >= 70]
    early = [row for row in rows if row[0].window_us // MINUTE - FIRST < 60]

    found = history(early + later, 160 + gap)

    assert len(found) == WANTED.past + 60 + min(10 + gap, WANTED.past) + 90
    after = {at for at, _, _ in told(said(found)) if at >= 70 + gap}
    assert not after   # what comes back is no news
