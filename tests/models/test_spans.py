from itertools import pairwise

import numpy as np
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from models.data import NO_LABEL
from models.pieces import Pieces
from models.spans import decode, encode, labels_of

TYPES = ("person", "location")
PIECE = st.tuples(st.integers(0, 2 * len(TYPES)), st.booleans())
ROWS = st.lists(st.lists(PIECE, max_size=6), max_size=4)


def _decoded(rows: list[list[tuple[int, bool]]], scores: float = 0.5) -> list[list[tuple[int, int, int]]]:
    """Each piece is two bytes long, with a space before each word; the first piece of a text never continues."""
    labels = [label for row in rows for label, _ in row]
    continues = [bool(c and at) for row in rows for at, (_, c) in enumerate(row)]
    starts = [3 * at for row in rows for at in range(len(row))]
    splits = np.cumsum([0, *map(len, rows)])
    flat = np.array(starts, np.int32)
    pieces = Pieces(flat, flat, tf.constant(flat), tf.constant(flat + 2), tf.constant(splits, tf.int64))
    given_scores = tf.fill([len(labels)], scores)
    spans = decode(tf.constant(labels, tf.int32), given_scores, tf.constant(continues, tf.bool), pieces)
    columns = [column.numpy().tolist() for column in spans[:3]]
    assert np.allclose(spans.score.numpy(), scores)
    bounds = spans.splits.numpy().tolist()
    flat_spans = list(zip(*columns, strict=True))
    return [flat_spans[a:b] for a, b in pairwise(bounds)]


def _expected(row: list[tuple[int, bool]]) -> list[tuple[int, int, int]]:
    """The same in plain Python: words by their first piece, then BIO with stray I- tags opening a span."""
    words: list[list[int]] = []
    for at, (label, continues) in enumerate(row):
        if continues and at:
            words[-1][2] = 3 * at + 2
        else:
            words.append([label, 3 * at, 3 * at + 2])
    spans: list[tuple[int, int, int]] = []
    previous = -1
    for label, start, end in words:
        kind = (label - 1) // 2 if label else -1
        if label and label % 2 == 0 and kind == previous:
            spans[-1] = (kind, spans[-1][1], end)
        elif label:
            spans.append((kind, start, end))
        previous = kind
    return spans


@settings(max_examples=60)
@given(ROWS)
def test_any_labelling_decodes_to_what_plain_python_says(rows: list[list[tuple[int, bool]]]) -> None:
    assert _decoded(rows) == [_expected(row) for row in rows]


@settings(max_examples=60)
@given(ROWS)
def test_spans_of_a_text_are_never_empty_never_overlap_and_never_leave_it(rows: list[list[tuple[int, bool]]]) -> None:
    for row, spans in zip(rows, _decoded(rows), strict=True):
        edges = [edge for _, start, end in spans for edge in (start, end)]
        assert edges == sorted(set(edges))
        assert all(0 <= edge < 3 * len(row) for edge in edges)


def test_a_span_does_not_go_on_into_the_next_text() -> None:
    assert _decoded([[(1, False)], [(2, False)]]) == [[(0, 0, 2)], [(0, 0, 2)]]


def test_labels_count_two_a_type_and_one_outside() -> None:
    assert labels_of(TYPES) == ["O", "B-person", "I-person", "B-location", "I-location"]


def test_encoding_marks_the_first_piece_and_leaves_continuations_out() -> None:
    starts, ends = np.array([0, 4, 6, 9], np.int32), np.array([3, 6, 8, 12], np.int32)
    labels = encode([(1, 4, 12)], starts, ends, np.array([False, False, True, False]))
    assert labels.tolist() == [0, 3, NO_LABEL, 4]
