"""A text in pieces is the text."""
from hypothesis import given
from hypothesis import strategies as st

from dashboards.marked import Piece, pieces
from insights.cells import Span


def test_a_text_is_cut_where_marks_begin_and_end():
    assert list(pieces("Acme is late", [Span(0, 4, "brand")], [(8, 12), (2, 3)])) == [
        Piece("Ac", "brand", False), Piece("m", "brand", True), Piece("e", "brand", False), Piece(" is ", "", False),
        Piece("late", "", True)]
    assert list(pieces("", [], [])) == []


@given(st.text(), st.data())
def test_the_pieces_of_a_text_are_the_text(text, data):
    places = st.tuples(st.integers(0, len(text)), st.integers(0, len(text))).map(sorted)
    entities = [Span(*place, "brand") for place in data.draw(st.lists(places, max_size=3))]
    assert "".join(piece.text for piece in pieces(text, entities, data.draw(st.lists(places, max_size=3)))) == text
