"""Who reads a text: every text is read, and by both only where it mixes scripts."""

import numpy as np
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from models.architectures.heads import SCRIPTS, readers, scripts_of
from models.pieces import PAD, UNKNOWN
from models.vocabulary import CHINESE, NO_SCRIPT, OTHER, scripts

counts = st.integers(0, 256)


def _readers(other: int, chinese: int) -> tuple[bool, bool]:
    row = readers(tf.constant([[other, chinese]], tf.float32)).numpy()[0]
    return bool(row[OTHER]), bool(row[CHINESE])


@given(counts, counts)
def test_every_text_is_read_and_by_whom_most_of_its_pieces_are(other: int, chinese: int) -> None:
    found = _readers(other, chinese)
    assert found[CHINESE if chinese > other else OTHER]


def test_a_few_foreign_words_do_not_change_who_reads_and_a_quarter_does() -> None:
    assert _readers(0, 0) == (True, False)
    assert _readers(9, 0) == (True, False) and _readers(0, 9) == (False, True)
    assert _readers(1, 9) == (False, True) and _readers(9, 1) == (True, False)
    assert _readers(3, 9) == (True, True) and _readers(9, 3) == (True, True)


def test_marks_digits_and_what_is_no_text_have_no_script() -> None:
    entries = [PAD, UNKNOWN, "中", "word", "##s", "7", "##7", "!", "。", "é", "か", "covid19"]
    found = scripts(entries)
    assert found.tolist() == [NO_SCRIPT, NO_SCRIPT, CHINESE, OTHER, OTHER, NO_SCRIPT, NO_SCRIPT, NO_SCRIPT, NO_SCRIPT, OTHER, OTHER, OTHER]
    np.testing.assert_array_equal(tf.reduce_sum(scripts_of(found), 0), [5, 1])
    assert scripts_of(found).shape[1] == SCRIPTS
