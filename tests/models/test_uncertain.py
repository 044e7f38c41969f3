"""What is most worth labelling: the least margins, each text once."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from models.data import bare
from models.uncertain import doubts, most_doubtful

texts_and_shares = st.integers(0, 30).flatmap(lambda n: st.tuples(
    st.lists(st.text("abc !", min_size=1, max_size=3), min_size=n, max_size=n),
    arrays(np.float32, (n, 4), elements=st.floats(0, 1, width=32))))


@given(texts_and_shares, st.integers(0, 8))
def test_they_are_the_first_of_all_sorted_by_margin_without_repeats(given_: tuple[list[str], np.ndarray], limit: int) -> None:
    texts, shares = given_
    every = list(doubts(texts, shares))
    firsts = {}
    for doubt in every:
        firsts.setdefault(bare(doubt.text) or doubt.text, doubt)
    wanted = sorted(firsts.values(), key=lambda doubt: (doubt.margin, doubt.offset))[:limit]
    assert most_doubtful(every, limit) == wanted


@given(texts_and_shares)
def test_the_two_likeliest_are_named_with_what_the_model_gave_them(given_: tuple[list[str], np.ndarray]) -> None:
    texts, shares = given_
    for at, doubt in enumerate(doubts(texts, shares, offset=7)):
        ordered = np.sort(shares[at])[::-1]
        assert (doubt.first_share, doubt.second_share) == (ordered[0], ordered[1]) and doubt.first != doubt.second
        assert doubt.offset == at + 7 and 0 <= doubt.margin <= 1
