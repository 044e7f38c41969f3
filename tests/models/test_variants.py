"""Texts like those of a set: made of their words alone, never an evaluated one, the same each time."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.data import SETS, Example, bare
from models.teachers import files
from models.teachers.variants import LONGEST, NEAREST, TIMES, VARIED, Near, near_by, variants, varied

WORDS = ["card", "lost", "my", "Where", "is", "it?", "arrived,", "money"]
NEAR = {"card": ("cash",), "lost": ("found", "gone")}
texts = st.lists(st.lists(st.sampled_from(WORDS), min_size=1, max_size=LONGEST + 20).map(" ".join), min_size=1, max_size=8, unique=True)
chinese = st.lists(st.text("卡丢了吗。我的钱", min_size=1, max_size=LONGEST + 20), min_size=1, max_size=8, unique=True)


def near(word: str) -> tuple[str, ...]:
    return NEAR.get(word, ())


@given(texts, st.randoms())
def test_a_variant_has_words_of_its_sources_and_near_ones_alone(known: list[str], order: object) -> None:
    made = variants(known, "en", near, set())
    assert len(made) <= TIMES * len(known) and made.keys().isdisjoint(known)
    for text, sources in made.items():
        assert 1 <= len(sources) <= 2 and {*sources} <= {*known}
        allowed = {word for source in sources for word in source.split()}
        assert {*text.split()} <= allowed | {other for word in allowed for other in near(word.lower())}
        assert len(text.split()) <= LONGEST * len(sources)
    assert variants([*reversed(known), known[0]], "en", near, set()) == made


@given(chinese)
def test_a_chinese_variant_has_characters_of_its_sources(known: list[str]) -> None:
    for text, sources in variants(known, "zh", near, set()).items():
        assert {*text} <= {*"".join(sources)} and len(text) <= LONGEST * len(sources)


@given(texts)
def test_no_variant_is_an_evaluated_text(known: list[str]) -> None:
    every = variants(known, "en", near, set())
    evaluated = {bare(text) for text in list(every)[::2]}
    assert {*variants(known, "en", near, evaluated)} == {text for text in every if bare(text) not in evaluated}


def test_near_words_are_those_whose_rows_point_the_same_way_and_a_word_is_not_near_itself() -> None:
    rng = np.random.default_rng(1)
    words = [f"w{chr(97 + at // 26)}{chr(97 + at % 26)}" for at in range(NEAREST * 3)]
    known = {name: at for at, name in enumerate(["##s", "Card", *words])}
    table = rng.normal(size=(len(known), 6)).astype(np.float32)
    table[known["wab"]] = table[known["waa"]] * 2
    of: Near = near_by(known, table)
    assert of("waa")[0] == "wab" and len(of("waa")) == NEAREST
    assert "waa" not in of("waa") and not {"##s", "Card"} & {*of("waa")}
    assert list(of("unknown")) == []


@pytest.mark.parametrize("name", [VARIED[0], "tweets_en"])
def test_only_sets_that_teachers_know_more_of_are_varied(name: str, tmp_path: Path) -> None:
    words = ["card", "cash", "lost"]
    files.write_pieces(tmp_path / f"minilm{files.PIECES_SUFFIX}", words, np.eye(3, dtype=np.float32))
    dataset = next(one for one in SETS if one.name == name)
    made = varied({dataset: [Example("my card is lost at sea"), Example("where is the cash of mine")]}, tmp_path, set())
    assert (dataset in made) == (name in VARIED) and all(made.values())
