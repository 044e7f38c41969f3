"""A report: whatever its texts hold, they are text, in HTML and in Markdown; and tables hold what they were given."""
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.document import markdown, page
from models.document.bars import LONGEST_NAME, Bar, bars
from models.document.parts import Document, Picture, Section, Table
from schemas.visible import visible
from tests.models.seen_page import SeenPage

HOSTILE = st.text(st.characters(exclude_categories=[]) | st.sampled_from("<>&\"'|`*_~[]()\\:/@#\0\x1b\u202e\u2066\n\r")) | st.sampled_from([
    "</td><script>alert(1)</script>", "</title></style><img src=x onerror=alert(1)>", "&lt;b&gt;", "a | b", "```\nx", "[a](http://b)",
    "http://a.example www.a.example", "\u202egnp.exe", "-->", "]]>", "# a\n- b"])


def document(text: str, *, folded: bool = False) -> Document:
    table = Table((text, "number"), [[text, 1_234], ["-", 0.5]], text, folded)
    picture = Picture(bars(text, [Bar(text, (1.0, 2.0), text)]), text)
    return Document(text, text, [Section(text, text, [picture, table, Table(("none",), [], text)], 3, folded)])


@given(HOSTILE, st.booleans())
def test_no_text_changes_what_the_page_consists_of(text: str, folded: bool) -> None:
    seen, plain = (SeenPage(page.text(document(said, folded=folded))) for said in (f"x{text}", "x"))
    assert seen.tags == plain.tags
    names, wanted = ([name for name, _ in one.attributes if name != "class"] for one in (seen, plain))   # long cells have a class
    assert names == wanted
    seen.assert_quiet()
    assert not set("\0\x1b\u202e\u2066") & set("".join([*seen.text, *(value for _, value in seen.attributes)]))


@given(HOSTILE)
def test_a_cell_of_the_page_shows_its_text(text: str) -> None:
    seen = SeenPage(page.text(document(f"a{text}")))
    assert "".join(seen.text).count(visible(f"a{text}")) >= 5


@given(HOSTILE)
def test_no_text_begins_a_line_a_cell_or_markup_in_markdown(text: str) -> None:
    said, plain = (markdown.text(document(f"x{each}x")).split("\n") for each in (text, ""))
    unescaped = re.compile(r"(?<!\\)(?:\\\\)*([|`*_~\[\]])")
    assert [unescaped.findall(line) for line in said] == [unescaped.findall(line) for line in plain]
    assert not re.search(r"<|(?<!\\)://|www\.", "\n".join(said))
    assert not set("\0\x1b\u202e\u2066\r") & set("".join(said))


def test_numbers_are_flush_right_and_a_title_stands_above_its_table() -> None:
    said = markdown.text(document("a"))
    assert "a:\n\n| a | number |\n| --- | ---: |\n| a | 1,234 |\n| - | 0.500 |\n" in said
    assert "### a" in said and "a:\n\nNone." in said
    html = page.text(document("a"))
    assert '<th class="number">number</th>' in html and '<td class="number">1,234</td>' in html


@pytest.mark.parametrize("folded", [True, False])
def test_what_is_folded_can_be_opened_without_a_script(folded: bool) -> None:
    assert ("details" in SeenPage(page.text(document("a", folded=folded))).tags) == folded


def test_bars_are_as_long_as_their_share_of_the_longest() -> None:
    widths = [float(width) for width in re.findall(r'<rect [^>]*width="([^"]+)"', bars("", [Bar("a", (1, 3), ""), Bar("b", (2,), "")]))]
    assert widths == [105, 315, 210]
    assert f">{'n' * (LONGEST_NAME - 1)}…<" in bars("", [Bar("n" * 99, (0,), "")])
    assert 'width="210.0"' in bars("", [Bar("a", (0.5,), "")], largest=1)
