"""Intents: among those of a set, out of scope, and where to abstain."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from models.intents import MOST_LOST, decided, threshold_of, within
from models.taxonomy import INTENTS, OUT_OF_SCOPE, SCOPES, intent_of, intents_of, scope_of

NAMES = (OUT_OF_SCOPE, "banking77/a", "banking77/b", "clinc150/c", "newsgroups20/d")
shares = npst.arrays(np.int32, st.tuples(st.integers(1, 20), st.just(len(NAMES))), elements=st.integers(1, 1_000)).map(
    lambda rows: (rows / rows.sum(1, keepdims=True)).astype(np.float32))


def test_every_label_is_there_once_and_belongs_to_the_set_that_names_it() -> None:
    assert len(set(INTENTS)) == len(INTENTS) and INTENTS[0] == OUT_OF_SCOPE
    assert [len(intents_of(one)) for one in ("support_intents_en", "clinc150_en", "newsgroups20_en", "titles_zh")] == [77, 151, 20, 10]
    assert intent_of("clinc150_en", "oos") == OUT_OF_SCOPE and scope_of(OUT_OF_SCOPE) == ""
    assert intent_of("support_intents_en", "card_arrival") in intents_of("support_intents_en")
    assert {scope_of(name) for name in INTENTS} > {*SCOPES}
    with pytest.raises(KeyError):
        intent_of("tweets_en", "pos")


@given(shares)
def test_among_some_labels_the_others_are_impossible_and_the_order_stays(rows: np.ndarray) -> None:
    allowed = NAMES[1:3]
    found = within(rows, NAMES, allowed)
    np.testing.assert_allclose(found.sum(1), 1, atol=1e-5)
    assert not found[:, [0, 3, 4]].any()
    np.testing.assert_array_equal(found[:, 1] > found[:, 2], rows[:, 1] > rows[:, 2])


@given(shares, st.floats(0, 1))
def test_an_intent_is_said_only_where_it_is_likeliest_and_likely_enough(rows: np.ndarray, threshold: float) -> None:
    for row, said in zip(rows, decided(rows, NAMES, threshold), strict=True):
        likeliest = int(row.argmax())
        assert said == (likeliest if likeliest in (1, 2, 3) and row[likeliest] >= threshold else 0)


@given(shares, st.data())
def test_the_threshold_loses_no_more_than_it_may(rows: np.ndarray, draw: st.DataObject) -> None:
    rows = np.repeat(rows, 30, axis=0)
    gold = np.array([draw.draw(st.integers(0, 3))] * len(rows), np.int32)
    at = threshold_of(rows, NAMES, gold)
    wanting = gold != 0
    lost = ((decided(rows, NAMES, 0.0) == gold) & (decided(rows, NAMES, at) != gold))[wanting].sum()
    assert lost <= MOST_LOST * max(wanting.sum(), 1)
