"""Which texts are learnt from without a label, and which round is kept."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from models.data import DataError, bare
from models.labels import Labels, read
from models.self_training import LIKELY, SHARES, Pseudo, best_round, most_confident, soft, unlabelled
from models.teachers.files import rows_of
from tests.models.test_labels import many, write

CLASSES = 4
some_texts = st.lists(st.text("abAB !", max_size=4), max_size=30)


@st.composite
def texts_and_shares(draw: st.DrawFn) -> tuple[list[str], np.ndarray]:
    count = draw(st.integers(0, 40))
    logits = draw(arrays(np.float32, (count, CLASSES), elements=st.sampled_from([0.0, 1.0, 2.0, 3.0, 4.0, 6.0])))
    shares = np.exp(logits)
    return draw(st.permutations([f"text {at}" for at in range(count)])), (shares / shares.sum(1, keepdims=True)).astype(np.float32)


def as_set(found: list[Pseudo]) -> set[tuple[str, int, float]]:
    return {(one.text, one.label, one.confidence) for one in found}


def labels_of(tmp_path: Path, splits: bool = False) -> Labels:
    rows = [[*row, ("train", "dev", "test")[at % 3]] for at, row in enumerate(many())] if splits else many()
    return read(write(tmp_path / "labels.csv", rows, "text,label,split" if splits else "text,label"))


@pytest.fixture(scope="module")
def temporary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("labels")


@given(texts_and_shares(), st.floats(0.01, 1), st.floats(0.01, 1))
def test_a_larger_share_gives_the_same_and_more(made: tuple[list[str], np.ndarray], one: float, other: float) -> None:
    fewer, more = (as_set(most_confident(*made, share)) for share in sorted((one, other)))
    assert fewer <= more


@given(texts_and_shares(), st.sampled_from(SHARES))
def test_of_each_label_the_surest_are_taken_and_of_none_more_than_an_even_part(made: tuple[list[str], np.ndarray], share: float) -> None:
    texts, shares = made
    found = most_confident(texts, shares, share)
    likely = {text: (int(row.argmax()), row.max()) for text, row in zip(texts, shares, strict=True) if row.max() > LIKELY}
    had, took = Counter(label for label, _ in likely.values()), Counter(one.label for one in found)
    even = -(-sum(had.values()) // max(len(had), 1))
    for label, count in had.items():
        assert 1 <= took[label] <= min(count, even)
        assert took[label] == pytest.approx(share * min(count, even), abs=1)
        lowest = min(one.confidence for one in found if one.label == label)
        left = [sure for text, (of, sure) in likely.items() if of == label and text not in {one.text for one in found}]
        assert all(sure <= lowest + 1e-4 for sure in left)
    assert all(likely[one.text][0] == one.label for one in found)


@given(texts_and_shares(), st.sampled_from(SHARES), st.randoms())
def test_the_order_of_the_texts_does_not_matter(made: tuple[list[str], np.ndarray], share: float, random: Random) -> None:
    texts, shares = made
    order = np.random.default_rng(random.getrandbits(32)).permutation(len(texts))
    assert as_set(most_confident(texts, shares, share)) == as_set(most_confident([texts[at] for at in order], shares[order], share))


@given(some_texts)
def test_a_text_of_the_labels_never_gets_another_and_each_text_comes_once(temporary: Path, texts: list[str]) -> None:
    labels = labels_of(temporary, splits=True)
    copies = [f"  {row.text.upper()}!" for row in labels.rows]   # of train, dev and test rows
    found = unlabelled([*texts, *copies, "new"], labels, "f").texts
    keys = [bare(text) or text.strip() for text in found]
    assert len(keys) == len(set(keys)) and not set(keys) & {bare(row.text) for row in labels.rows}
    assert set(keys) == {bare(text) or text.strip() for text in (*texts, "new")}
    assert found == unlabelled([*reversed(texts), "new"], labels, "f").texts


def test_where_nothing_is_left_it_is_said_why(tmp_path: Path) -> None:
    labels = labels_of(tmp_path)
    with pytest.raises(DataError, match=r"--unlabelled a\.txt: nothing to learn from: it holds no text; name files of other texts"):
        unlabelled([], labels, "a.txt")
    with pytest.raises(DataError, match=r"each of them is in the file of labels already"):
        unlabelled([row.text for row in labels.rows], labels, "a.txt")


def test_a_text_finds_its_own_probabilities() -> None:
    shares = np.eye(3, dtype=np.float32) * 0.5 + 0.25
    texts = ["x", "y", "z"]
    found = soft([Pseudo(text, at, 0.75, shares[at]) for at, text in enumerate(texts)])
    at = rows_of(found, ["z", "no", "x", "y"])
    assert at[1] == -1
    np.testing.assert_allclose(found.values[at[[2, 3, 0]]], shares)


@dataclass
class Made:
    pseudo: list[Pseudo]
    dev: float
    shares: np.ndarray


TEXTS = [f"text {at}" for at in range(20)]
SURE = np.tile(np.array([[0.9, 0.1], [0.2, 0.8]], np.float32), (10, 1))


def run(devs: list[float], shares: np.ndarray = SURE) -> tuple[Made, list[list[Pseudo]], list[dict[str, float]]]:
    asked: list[list[Pseudo]] = []

    def train(number: int, pseudo: list[Pseudo]) -> Made:
        assert number == len(asked)
        asked.append(pseudo)
        return Made(pseudo, devs[number], shares)

    best, told = best_round(train, TEXTS, lambda line: None)
    return best, asked, told


@given(st.lists(st.sampled_from([0.1, 0.5, 0.9]), min_size=len(SHARES) + 1, max_size=len(SHARES) + 1))
def test_the_round_that_is_best_on_dev_is_kept_and_never_one_worse_than_the_first(devs: list[float]) -> None:
    best, asked, told = run(devs)
    assert best.dev == max(devs) >= devs[0]
    assert best.pseudo == asked[len(devs) - 1 - devs[::-1].index(max(devs))]
    assert [one["dev"] for one in told] == devs and [one["pseudo_labels"] for one in told] == [len(of) for of in asked]


def test_the_first_round_learns_labels_alone_and_the_others_more_and_more() -> None:
    _, asked, _ = run([0.5] * 6)
    assert [len(of) for of in asked] == [0, 4, 8, 12, 16, 20]


def test_where_no_label_is_likely_the_first_round_is_all() -> None:
    best, asked, told = run([0.5] * 6, np.full((20, 2), 0.5, np.float32))
    assert len(asked) == len(told) == 1 and not best.pseudo
