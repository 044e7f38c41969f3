"""No text becomes markup, whatever it holds; and what is made is well-formed XML."""
from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from dashboards.report.markup import Markup, escaped, tag
from schemas.visible import visible

TEXTS = st.text(st.characters(exclude_categories=[]) | st.sampled_from("<>&\"'\0\x1b\u202e\ud800\ufffe"))   # lone surrogates too


@given(TEXTS, TEXTS)
def test_any_text_comes_back_as_the_text_of_its_element_and_nothing_else(text: str, other: str) -> None:
    made = tag("p", text, tag("b", "x"), title=other)
    found = ElementTree.fromstring(made.encode())

    assert [part.tag for part in found.iter()] == ["p", "b"]
    assert (found.text or "") == visible(text)
    assert found.attrib == {"title": visible(other)}


@given(TEXTS)
def test_what_is_shown_has_no_control_characters_and_can_be_written(text: str) -> None:
    shown = visible(text)

    assert shown.encode().decode() == shown
    assert not {c for c in shown if ord(c) < 32 or c in "\u202a\u202b\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f"}


def test_joined_emoji_and_wide_spaces_stay_readable() -> None:
    assert visible("👩\u200d🔧\u3000好\n的") == "👩\u200d🔧 好 的"


def test_markup_is_taken_as_it_is_and_text_is_not() -> None:
    assert escaped("<b>") == "&lt;b&gt;"
    assert escaped(Markup("<b/>")) == "<b/>"
    assert tag("td", "a", class_="n", aria_label="x", x=1.50) == '<td class="n" aria-label="x" x="1.5">a</td>'
    assert tag("br") == "<br/>"
