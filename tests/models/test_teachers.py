"""What teachers said is found again by the text; clauses; start values; and vectors as targets."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from models.data import SETS, Example, bare
from models.distillation import Distillation, Guesses
from models.losses import GUESSED, cross_entropy
from models.pieces import PAD, UNKNOWN
from models.start import pieces_of, start, widened
from models.taxonomy import ENTITY_TYPES
from models.teachers import files
from models.teachers.__main__ import teach
from models.teachers.encoders import Teacher
from models.teachers.guesses import FOLDS, guesses
from models.teachers.parts import LEAST, LONG, MOST, MOST_PARTS, parts_of, parts_of_all
from models.train import silver, variants, without_labels

TEXTS = ["good", "坏", "a text", ""]


def unit(rows: int, width: int, seed: int = 1) -> np.ndarray:
    values = np.random.default_rng(seed).normal(size=(rows, width)).astype(np.float32)
    return values / np.linalg.norm(values, axis=1, keepdims=True)


def test_a_text_finds_its_vector_and_another_text_finds_none(tmp_path: Path) -> None:
    values = unit(len(TEXTS), 8)
    files.write(tmp_path / "x.vectors.npz", TEXTS, values)
    found = files.read(tmp_path / "x.vectors.npz")
    rows = files.rows_of(found, ["坏", "Good", "", "坏", "a text", "good"])
    assert rows[1] == -1 and rows[0] == rows[3]
    for row, text in zip(rows[[0, 2, 4, 5]], ["坏", "", "a text", "good"], strict=True):
        np.testing.assert_allclose(found.values[row], values[TEXTS.index(text)], atol=1e-3)
    with pytest.raises(files.TeachersError, match=r"holds no names\.json, no bge\.pieces\.npz, no minilm\.pieces\.npz; write them"):
        files.found(tmp_path)
    for name in (files.NAMES, *(f"{of}{files.PIECES_SUFFIX}" for of in files.STARTERS.values())):
        (tmp_path / name).touch()
    assert {*files.found(tmp_path)} == {"x"}


def test_no_vectors_at_all_find_nothing_and_an_empty_folder_is_said(tmp_path: Path) -> None:
    files.write(tmp_path / "x.vectors.npz", [], np.zeros((0, 4), np.float32))
    assert files.rows_of(files.read(tmp_path / "x.vectors.npz"), ["a"]).tolist() == [-1]
    (tmp_path / "none").mkdir()
    with pytest.raises(files.TeachersError, match="make teachers"):
        files.found(tmp_path / "none")


def test_a_teacher_is_asked_once_about_a_text_and_forgets_those_that_are_no_longer_there(tmp_path: Path) -> None:
    asked: list[str] = []

    def encode(texts: Sequence[str]) -> np.ndarray:
        asked.extend(texts)
        return np.array([[len(text), 1.0] for text in texts], np.float32)

    teacher, out = Teacher("x", ("en",), lambda folder, threads: encode), tmp_path / "x.vectors.npz"
    assert teach(teacher, ["a", "bb"], tmp_path, 1, out) and teach(teacher, ["bb", "ccc", "a"], tmp_path, 1, out)
    assert asked == ["a", "bb", "ccc"] and not teach(teacher, ["ccc", "bb", "a"], tmp_path, 1, out)
    found = files.read(out)
    np.testing.assert_array_equal(found.values[files.rows_of(found, ["a", "bb", "ccc"])], [[1, 1], [2, 1], [3, 1]])
    assert teach(teacher, ["ccc", "a"], tmp_path, 1, out) and len(asked) == 3
    assert files.rows_of(files.read(out), ["bb", "dddd"]).tolist() == [-1, -1]


def test_names_come_back_by_their_text_and_no_text_is_stored(tmp_path: Path) -> None:
    files.write_names(tmp_path / files.NAMES, {"Anna was here": [(0, 0, 4)], "nobody": []})
    assert b"Anna" not in (tmp_path / files.NAMES).read_bytes()
    rows = silver(tmp_path, [Example("Anna was here"), Example("nobody"), Example("not asked"), Example("nobody")])
    assert [(row.text, row.entities) for row in rows] == [("Anna was here", ((0, 0, 4),)), ("nobody", ())]


def test_a_text_in_which_a_teacher_sees_a_kind_that_it_tells_badly_is_not_learnt(tmp_path: Path) -> None:
    person, place, group = (ENTITY_TYPES.index(kind) for kind in ("person", "location", "group"))
    files.write_names(tmp_path / files.NAMES, {
        "Anna in Rome": [(person, 0, 4), (place, 8, 12)], "Anna of Queen": [(person, 0, 4), (group, 8, 13)]})
    assert [row.text for row in silver(tmp_path, [Example("Anna in Rome"), Example("Anna of Queen")])] == ["Anna in Rome"]


PHRASES = ("你好世界再见朋友", "价格太高了，", "好。", "short. ", "\n", "字" * 70, "屏幕清晰，速度很快。")


@given(st.lists(st.sampled_from(PHRASES), max_size=40).map("".join))
def test_clauses_are_parts_of_a_long_chinese_text_in_its_order(text: str) -> None:
    parts = parts_of(text)
    assert len(parts) <= MOST_PARTS and (len(text) > LONG or not parts)
    at = 0
    for part in parts:
        assert LEAST <= len(part) <= MOST and part == part.strip()
        at = text.index(part, at) + len(part)


def test_an_evaluated_text_is_no_clause_and_a_clause_has_no_label() -> None:
    clause, other = "这个手机的屏幕非常清晰，", "电池用了两天还有电。"
    text = clause + other + "啊" * LONG
    assert parts_of_all([text], {bare(other)}) == {clause}
    rows = without_labels([Example(text, topic=3)], [Example("有名字的", entities=())], {bare(other)})
    assert [(row.text, row.topic, row.entities) for row in rows] == sorted([("有名字的", -1, None), (clause, -1, None)])


def test_a_piece_is_cut_by_the_longest_that_is_known() -> None:
    known = {"un": 0, "##happ": 1, "##ha": 2, "##y": 3, "sad": 4, "##ppy": 5}
    assert pieces_of("sad", known) == [4]
    assert pieces_of("unhappy", known) == [0, 1, 3]
    assert pieces_of("unknown", known) == []
    assert pieces_of("##un", known) == [0]


def test_the_vocabulary_is_widened_by_whole_words_that_the_teacher_knows_each_once(tmp_path: Path) -> None:
    known = ["anna", "the", "##na", "to", "9th", "anna-maria", "rome"]
    files.write_pieces(tmp_path / f"minilm{files.PIECES_SUFFIX}", known, unit(len(known), 3))
    assert widened([PAD, UNKNOWN, "the", "##x"], tmp_path) == [PAD, UNKNOWN, "the", "##x", "anna", "rome"]


def test_alike_words_begin_alike_and_unknown_ones_at_random(tmp_path: Path) -> None:
    english = [f"w{at}" for at in range(20)]
    table = unit(20, 12)
    table[1] = table[0]
    files.write_pieces(tmp_path / f"minilm{files.PIECES_SUFFIX}", english, table)
    files.write_pieces(tmp_path / f"bge{files.PIECES_SUFFIX}", ["中"], unit(1, 12))
    found = start([PAD, UNKNOWN, *english, "zz", "中"], tmp_path, 4, np.random.default_rng(3))
    assert found.shape == (24, 4) and found.dtype == np.float32
    np.testing.assert_allclose(found[2], found[3], atol=1e-3)
    assert np.abs(found[2] - found[4]).max() > 1e-2 and np.abs(found[22]).max() > 0
    again = start([PAD, UNKNOWN, *english, "zz", "中"], tmp_path, 4, np.random.default_rng(3))
    np.testing.assert_array_equal(found, again)


def test_what_a_teacher_has_not_seen_pulls_nothing_and_what_it_has_pulls_towards_it() -> None:
    tf.keras.utils.set_random_seed(2)
    vectors = files.Vectors(np.arange(3, dtype=np.uint64), unit(3, 5).astype(np.float16))
    taught = Distillation([vectors], 4)
    hidden = tf.Variable(tf.random.normal([2, 4]))
    assert float(taught.loss(hidden, tf.constant([[-1], [-1]]))) == 0.0
    assert float(Distillation([], 4).loss(hidden, tf.zeros([2, 0], tf.int32))) == 0.0
    before = float(taught.loss(hidden, tf.constant([[0], [-1]])))
    with tf.GradientTape() as tape:
        loss = taught.loss(hidden, tf.constant([[0], [-1]]))
    gradient = tape.gradient(loss, hidden)
    assert np.abs(gradient[0]).max() > 0 and not np.abs(gradient[1]).max()
    hidden.assign_sub(0.1 * gradient)
    assert float(taught.loss(hidden, tf.constant([[0], [-1]]))) < before


def test_soft_labels_are_those_of_the_text_and_of_its_task_and_none_elsewhere() -> None:
    tables = {"sentiment": files.Vectors(np.arange(2, dtype=np.uint64), np.array([[0.2, 0.3, 0.5], [1, 0, 0]], np.float16)),
              "intent": files.Vectors(np.arange(1, dtype=np.uint64), np.array([[0.25, 0.75]], np.float16))}
    guessed, rows = Guesses(tables), tf.constant([[1, -1], [-1, 0]])
    np.testing.assert_allclose(guessed.of("sentiment", rows), [[1, 0, 0], [0, 0, 0]])
    np.testing.assert_allclose(guessed.of("intent", rows), [[0, 0], [0.25, 0.75]])
    assert guessed.of("topic", rows) is None and Guesses({}).of("sentiment", tf.zeros([2, 0], tf.int32)) is None


def test_a_row_with_a_guess_is_drawn_towards_both_and_one_without_to_its_label_alone() -> None:
    logits, labels = tf.constant([[2.0, 0.0], [2.0, 0.0]]), tf.constant([0, 0])
    plain = cross_entropy(logits, labels, 0.0)
    none = cross_entropy(logits, labels, 0.0, guesses=tf.zeros([2, 2]))
    np.testing.assert_allclose(none, plain)
    other = float(cross_entropy(logits, tf.constant([1, 1]), 0.0))
    both = cross_entropy(logits, labels, 0.0, guesses=tf.constant([[0.0, 1.0], [0.0, 1.0]]))
    np.testing.assert_allclose(both, (1 - GUESSED) * float(plain) + GUESSED * other, rtol=1e-5)
    unlabelled = cross_entropy(logits, tf.constant([-1, -1]), 0.0, guesses=tf.constant([[0.0, 1.0], [0.0, 0.0]]))
    np.testing.assert_allclose(unlabelled, other, rtol=1e-5)   # the one that is guessed alone
    assert float(cross_entropy(logits, tf.constant([-1, -1]), 0.0, guesses=tf.zeros([2, 2]))) == 0.0


def test_a_row_is_guessed_by_a_teacher_that_has_not_seen_its_label() -> None:
    texts = [f"{'good' if at % 2 else 'bad'} thing number {at}" for at in range(20 * FOLDS)]
    labels = np.array([at % 2 for at in range(len(texts))], np.int32)
    found = guesses(texts, labels, [], "en")
    np.testing.assert_allclose(found.sum(1), 1, atol=1e-5)
    assert (found.argmax(1) == labels).all()
    labels[0] = 1   # a mistake: what its words say is believed
    assert guesses(texts, labels, [], "en")[0].argmax() == 0


def test_a_text_that_is_no_row_is_guessed_by_a_teacher_of_all_rows_and_changes_no_guess_of_them() -> None:
    texts = [f"{'good' if at % 2 else 'bad'} thing number {at}" for at in range(20 * FOLDS)]
    labels = np.array([at % 2 for at in range(len(texts))], np.int32)
    found = guesses(texts, labels, [], "en", ["a good day", "bad bad"])
    np.testing.assert_array_equal(found[:-2], guesses(texts, labels, [], "en"))
    assert found[-2:].argmax(1).tolist() == [1, 0]


def test_a_variant_is_not_learnt_from_where_a_source_of_it_is_left_out(tmp_path: Path) -> None:
    files.write_pieces(tmp_path / f"minilm{files.PIECES_SUFFIX}", ["card"], np.ones((1, 3), np.float32))
    banking = next(one for one in SETS if one.name == "support_intents_en")
    rows = [Example(f"my card number {at} has not arrived", topic=0, intent=0) for at in range(40)]
    every = {row.text for row in variants(tmp_path, {banking: rows}, set(), set())}
    kept = {row.text for row in variants(tmp_path, {banking: rows}, set(), {bare(rows[7].text)})}
    assert kept < every and not any("7" in text.split() for text in kept) and any("7" in text.split() for text in every)
