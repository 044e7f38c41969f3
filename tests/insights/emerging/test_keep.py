"""Stored topics are a function of the stored windows: however, and however often, judging came to them."""
import numpy as np
import pytest
import sqlalchemy as sa

from insights.alerts.detect import Sensitivity
from insights.cells import Cell, Unit
from insights.emerging.keep import Past, judge_topics
from insights.emerging.say import told
from insights.queries import QueryError, job_row
from insights.store import Store, UnitKey
from insights.tables import emerging_states, emerging_topics

MINUTE = 60_000_000
FIRST = 29_000_003
WANTED = Sensitivity(lookback=60, warm_up=20, widths=(1, 3, 10), gap=10, records=6)
LATENESS = 10
WINDOWS = 170
STRIKE, STORM = ("strike", "pilots", "union"), ("storm", "snow", "roads")
THEMES = ((STRIKE, "airline", range(100, 125)), (STORM, "parcels", range(105, 130)))


def windows(seed=1, themes=THEMES):
    """{window: its units}: two products of tickets, of which two themes come over twenty ordinary words."""
    made = {}
    for at in range(WINDOWS):
        random, of_themes, made[at] = np.random.default_rng([seed, at, 0]), np.random.default_rng([seed, at, 1]), []
        for product in ("airline", "parcels"):
            records, words = int(random.poisson(25)), {}
            for number in range(20):
                words[f"word{number}"] = int(random.binomial(records, 0.5 / (number + 1)))
            for theme, where, when in themes:
                of_theme = int(of_themes.poisson(8)) if where == product and at in when else 0
                records += of_theme
                for _ in range(of_theme):
                    for word in theme:
                        words[word] = words.get(word, 0) + int(of_themes.random() < 0.6)
            terms = {word: (count, 0, 0) for word, count in words.items() if count}
            key = UnitKey((FIRST + at) * MINUTE, "texts/0", "tickets", product, 0)
            made[at].append((key, Unit(records, at, {("en", "help"): Cell(records, records, 0, 0, terms=terms)})))
    return made


@pytest.fixture
def store(url):
    made = Store(url)
    made.open_job("job", "stream", MINUTE, LATENESS * MINUTE)
    yield made
    made.close()


@pytest.fixture
def another(tmp_path):
    made = Store(f"sqlite:///{tmp_path}/another.db")
    made.open_job("job", "stream", MINUTE, LATENESS * MINUTE)
    yield made
    made.close()


def write(store, units, minute):
    """Units, and the watermark at the end of a window."""
    store.write_units("job", 0, units, 1)
    store.save("job", 0, (FIRST + max(0, minute + 1 - LATENESS)) * MINUTE, (FIRST + minute + 1) * MINUTE, [])


def judge(store, now_us=1, past=None):
    return judge_topics(store, "job", now_us, past, WANTED)


def kept(store):
    """What is stored, but for when it was."""
    with store.snapshot() as db:
        rows = db.execute(sa.select(emerging_topics).order_by(emerging_topics.c.id)).mappings().all()
        states = db.execute(sa.select(emerging_states.c.through_us, emerging_states.c.watched)).all()
    return [{name: value for name, value in row.items() if name != "updated_us"} for row in rows], [tuple(row) for row in states]


def topics(store):
    with store.snapshot() as db:
        return list(told(db, job_row(db, "job")))


@pytest.fixture
def at_once(store):
    """The topics of all windows, judged in one go."""
    write(store, [unit for units in windows().values() for unit in units], WINDOWS - 1)
    judge(store)
    return kept(store)


def test_two_themes_at_once_are_two_topics_with_their_words(store, at_once):
    found = topics(store)

    assert [{member.text for member in topic.members} for topic in found] == [set(STRIKE), set(STORM)]
    assert all(set(topic.name.split(", ")) in (set(STRIKE), set(STORM)) for topic in found)
    assert [100 <= topic.opened.timestamp() // 60 - FIRST < 103 for topic in found[:1]] == [True]
    assert all(topic.closed is not None and 60 <= topic.records <= 25 * 8 for topic in found)


def test_a_quiet_stream_has_no_topics(store):
    write(store, [unit for units in windows(themes=()).values() for unit in units], WINDOWS - 1)
    judge(store)

    assert topics(store) == []


@pytest.mark.parametrize("every", [1, 7, 40])
@pytest.mark.parametrize("restarted", [0, 30, 1], ids=["never", "sometimes", "always"])
def test_live_and_at_once_say_the_same(another, at_once, every, restarted):
    past = Past()
    for at, units in windows().items():
        write(another, units, at)
        if at % every == 0:
            judge(another, at, past)
        if restarted and at % restarted == 0:
            past = Past()
    judge(another, 1, past)

    assert kept(another) == at_once


@pytest.mark.parametrize("lag", [1, 5, LATENESS - 1])
def test_late_records_have_their_windows_judged_again(another, at_once, lag):
    late = {at: units for at, units in windows().items() if 98 <= at < 130}
    for at, units in windows().items():
        write(another, windows(themes=())[at] if at in late else units, at)
        judge(another)
        another.write_units("job", 0, late.get(at - lag, []), 1)
    judge(another)

    assert kept(another) == at_once


def test_judging_again_changes_nothing(store, at_once):
    assert judge(store, 9) == 0
    assert kept(store) == at_once


def test_windows_in_pieces_and_in_any_order_say_the_same(another, at_once):
    """A unit comes first with a part of its records and is replaced; origins of a window are merged."""
    random = np.random.default_rng(3)
    for at, units in windows().items():
        parts = []
        for key, unit in units:
            (cell,) = unit.cells.values()
            mine = {word: (int(random.integers(0, count[0] + 1)), 0, 0) for word, count in sorted(cell.terms.items())}
            rest = {word: (count[0] - mine[word][0], 0, 0) for word, count in cell.terms.items() if count[0] > mine[word][0]}
            mine = {word: count for word, count in mine.items() if count[0]}
            half = cell.records // 2
            for origin, records, terms in (("texts/1", cell.records - half, rest), ("texts/0", half, mine)):
                of_origin = UnitKey(key.window_us, origin, key.source, key.product, 0)
                parts.append((of_origin, Unit(records, at, {("en", "help"): Cell(records, records, 0, 0, terms=terms)})))
        for place in random.permutation(len(parts)).tolist():
            another.write_units("job", 0, [parts[place]], 1)
        write(another, parts, at)
    judge(another)

    assert kept(another) == at_once


def test_an_outdated_judge_changes_nothing(store, at_once, monkeypatch):
    """Another one got further between its reading and its writing."""
    with store.transaction() as db:
        db.execute(emerging_states.delete())
        db.execute(emerging_topics.delete())
    transaction = store.transaction

    def late():
        monkeypatch.undo()
        judge(store)
        return transaction()

    monkeypatch.setattr(store, "transaction", late)

    assert judge(store, 2) == 0
    assert kept(store) == at_once


def test_an_unknown_job_is_named(store):
    with pytest.raises(QueryError, match="nobody"):
        judge_topics(store, "nobody", 1)


def test_a_job_without_windows_has_no_topics(store):
    assert judge(store) == 0
    assert kept(store) == ([], [])
