"""An address says what is shown: both ways, and whatever it holds."""
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.page.address import LANGUAGES, SPANS_S, BadAddress, View, language_of, parse, query, without
from dashboards.page.labels import LABELS
from insights.letters import Place
from schemas.records import Reason

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
WORD = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
TIME = st.integers(-(10**15), 10**17)
PART = st.none() | TEXT
PLACES = st.builds(Place, TIME, TEXT, st.integers(0, 2**62), st.sampled_from(list(Reason)).map(str))
ENTITIES = st.tuples(st.text(st.characters(categories=["Ll"]), min_size=1), WORD).map("\t".join)


@st.composite
def views(draw):
    """Any view that an address can say."""
    own = draw(st.booleans())
    start = draw(st.none() | TIME) if own else None
    end = draw((st.none() if start is not None else st.nothing()) | st.integers((start or 0) + 1, 2 * 10**17)) if own else None
    return View(
        "" if own else draw(st.sampled_from(list(SPANS_S))), start, end, *(draw(PART) for _ in range(4)), draw(st.just("") | ENTITIES),
        draw(TEXT), draw(st.sampled_from(["", *Reason]).map(str)), draw(st.none() | PLACES), draw(st.sampled_from(["", *LANGUAGES])))


@given(views())
def test_an_address_says_its_view_and_nothing_else(view):
    assert parse(query(view)) == view


NAMES = st.sampled_from(["range", "from", "to", "source", "entity", "term", "after", "lang", "reason", "x"])


@given(st.lists(st.tuples(NAMES, TEXT), max_size=4))
def test_any_address_is_a_view_or_names_its_bad_part_and_a_way_out(pairs):
    text = "?" + "&".join(f"{name}={quote(value, safe='')}" for name, value in pairs)
    for _ in range(len(pairs) + 1):
        try:
            parse(text)
            return
        except BadAddress as wrong:
            assert wrong.expected in LABELS
            shorter = without(text, wrong.parameter)
            assert len(shorter) < len(text)
            text = shorter
    pytest.fail("the ways out lead nowhere")


@pytest.mark.parametrize(("accepted", "lang"), [
    ("", "en"), ("zh-CN,zh;q=0.9,en;q=0.8", "zh"), ("de,en;q=0.5,zh;q=0.4", "en"), ("fr", "en"), ("en;q=0.2, zh-TW;q=0.3", "zh"),
    (";q=,,zh;q=x", "en")])
def test_the_browsers_language_counts_where_the_address_says_none(accepted, lang):
    assert language_of(View(), accepted) == lang
    assert language_of(View(lang="zh"), accepted) == "zh"


def test_times_and_span_take_each_others_place():
    view = View(span="1h", source="tickets")
    assert view.but(from_us=5, to_us=9) == View(span="", from_us=5, to_us=9, source="tickets")
    assert view.but(from_us=5, to_us=9).but(span="24h") == View(span="24h", source="tickets")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_span_that_is_longer_than_the_job_is_all_of_it(lang):
    hour = 3_600_000_000
    assert View(span="1h").filters(0, hour // 2).from_us is None
    assert View(span="1h").filters(0, 3 * hour).from_us == 2 * hour
    assert View(span="all").filters(0, 3 * hour).from_us is None


def test_labels_take_the_same_values_in_both_languages():
    from string import Formatter

    for key, texts in LABELS.items():
        english, chinese = ({name for _, name, _, _ in Formatter().parse(text) if name} for text in texts)
        assert english == chinese, key
