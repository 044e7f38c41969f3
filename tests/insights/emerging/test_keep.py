"""What is stored of topics; the laws of all that is judged are in tests/insights/test_judging.py."""
import numpy as np
import pytest

from insights.cells import Cell, Unit
from insights.emerging.say import told
from insights.queries import job_row
from insights.store import UnitKey
from tests.insights.judged import FIRST, STORM, STRIKE, TOPICS, open_job, write, write_all


@pytest.fixture
def store(tmp_path):
    made = open_job(f"sqlite:///{tmp_path}/store.db")
    yield made
    made.close()


def topics(store):
    with store.snapshot() as db:
        return list(told(db, job_row(db, "job")))


def test_two_themes_at_once_are_two_topics_with_their_words(store):
    write_all(store, TOPICS.eventful)
    TOPICS.judge(store)
    found = topics(store)

    assert [{member.text for member in topic.members} for topic in found] == [set(STRIKE), set(STORM)]
    assert all(set(topic.name.split(", ")) in (set(STRIKE), set(STORM)) for topic in found)
    assert 100 <= found[0].opened.timestamp() // 60 - FIRST < 103
    assert all(topic.closed is not None and topic.into is None and 60 <= topic.records <= 25 * 8 for topic in found)


def test_a_quiet_stream_has_no_topics(store):
    write_all(store, TOPICS.quiet)
    TOPICS.judge(store)

    assert topics(store) == []


def test_windows_in_pieces_and_in_any_order_say_the_same(store):
    """A unit comes first with a part of its records and is replaced; origins of a window are merged."""
    write_all(store, TOPICS.eventful)
    TOPICS.judge(store)
    usual = TOPICS.kept(store)
    TOPICS.forget(store)
    with store.transaction() as db:
        for table in ("units", "cells"):
            db.exec_driver_sql(f"DELETE FROM {table}")
    random = np.random.default_rng(3)
    for at, units in enumerate(TOPICS.eventful):
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
            store.write_units("job", 0, [parts[place]], 1)
        write(store, parts, at)
    TOPICS.judge(store)

    assert TOPICS.kept(store) == usual
