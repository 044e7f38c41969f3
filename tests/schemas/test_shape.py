"""A shape tells nothing of the content but its form."""
from hypothesis import given
from hypothesis import strategies as st

from schemas.records import FIELDS
from schemas.shape import shape


@given(st.text())
def test_a_shape_is_as_long_and_has_no_other_letters_and_digits(text):
    said = shape(text)
    assert len(said) == len(text)
    known = [f"{quote}{name}{quote}" for name in FIELDS for quote in "'\""]
    if not any(name in text for name in known):
        assert all(shown in "xX9字" or shown == original for shown, original in zip(said, text, strict=True))
        assert not any(character.isalnum() and character not in "xX9字" for character in said)


def test_names_of_known_fields_stay_where_they_name():
    assert shape('{"event_id": "text", \'lang\' : 7, "mail": "Jo１酒"}') == '{"event_id": "xxxx", \'lang\' : 9, "xxxx": "Xx9字"}'
