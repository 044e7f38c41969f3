from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from models.pieces import PAD, PIECES_LIMIT, UNKNOWN, PieceTokenizer
from models.vocabulary import learn, read, words_of, write

ENTRIES = [PAD, UNKNOWN, "cafe", "##s", "中", "国", "a", "b", "##a", "😀", "@", "1"]


@pytest.fixture(scope="module")
def tokenizer() -> PieceTokenizer:
    return PieceTokenizer(ENTRIES)


def test_offsets_are_bytes_of_the_text_as_it_came(tokenizer: PieceTokenizer) -> None:
    text = "Cafés 中国😀 e\u0301"
    pieces = tokenizer(tf.constant([text]))
    cut = [text.encode()[a:b].decode() for a, b in zip(pieces.starts.numpy(), pieces.ends.numpy(), strict=True)]
    assert cut == ["Café", "s", "中", "国", "😀", "e\u0301"]


@settings(max_examples=100)
@given(st.lists(st.text(max_size=30), min_size=1, max_size=4))
def test_offsets_lie_within_the_text_and_on_characters(tokenizer: PieceTokenizer, texts: list[str]) -> None:
    texts = [text.encode("utf-8", "replace").decode() for text in texts]
    pieces = tokenizer(tf.constant([text.encode() for text in texts]))
    splits = pieces.splits.numpy()
    for row, text in enumerate(texts):
        bounds = set(np.cumsum([0, *(len(c.encode()) for c in text)]).tolist())
        assert set(pieces.starts.numpy()[splits[row] : splits[row + 1]].tolist()) <= bounds
        assert set(pieces.ends.numpy()[splits[row] : splits[row + 1]].tolist()) <= bounds


def test_a_text_is_cut_at_the_limit_and_its_neighbours_are_not(tokenizer: PieceTokenizer) -> None:
    pieces = tokenizer(tf.constant(["", "a " * 1000, "b 中"]))
    assert pieces.splits.numpy().tolist() == [0, 0, PIECES_LIMIT, PIECES_LIMIT + 2]
    assert [ENTRIES[i] for i in pieces.ids.numpy()[-2:]] == ["b", "中"]


def test_shapes_tell_case_digits_script_and_whether_a_space_came_before(tokenizer: PieceTokenizer) -> None:
    pieces = tokenizer(tf.constant(["a Cafe AB 1 中 @a", "a"]))
    assert [int(shape) // 2 for shape in pieces.shapes] == [1, 2, 3, 4, 5, 0, 1, 1]
    assert [int(shape) % 2 for shape in pieces.shapes] == [0, 0, 0, 0, 0, 0, 1, 0]


def test_bytes_that_are_not_utf8_get_an_answer(tokenizer: PieceTokenizer) -> None:
    assert tokenizer(tf.constant([b"\xff\xfe a", b"\xe4\xb8"])).splits.numpy()[-1] >= 1


def test_no_texts_make_no_pieces(tokenizer: PieceTokenizer) -> None:
    assert tokenizer(tf.constant([], tf.string)).splits.numpy().tolist() == [0]


def test_a_vocabulary_holds_no_entry_twice_and_reads_back_as_written(tmp_path: Path) -> None:
    entries = learn(["the cats sat", "the cat sat 中国", "the dogs 中国 \u2028\u2028"] * 3)
    assert len(entries) == len(set(entries))
    assert entries[:2] == [PAD, UNKNOWN]
    path = tmp_path / "vocabulary.txt"
    write(path, entries)
    assert read(path) == entries
    write(path, ["a\u2028b", "c\x85"])
    assert read(path) == ["a\u2028b", "c\x85"]


def test_words_seen_once_are_not_learnt() -> None:
    entries = learn(["common common 中中", "unique 国"])
    assert "common" in entries and "中" in entries
    assert "unique" not in entries and "国" not in entries


def test_a_vocabulary_keeps_to_its_size() -> None:
    texts = [f"word{i} word{i}" for i in range(500)]
    assert len(learn(texts, size=120)) <= 120


def test_words_are_cut_as_the_tokenizer_cuts_them() -> None:
    assert words_of("Don't go, 中国CAFÉ_x") == ["don", "'", "t", "go", ",", "中", "国", "cafe", "_", "x"]
