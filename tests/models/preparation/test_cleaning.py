import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.preparation import cleaning
from models.preparation.cleaning import clean

PIECES = st.sampled_from(
    ["&", "amp;", "&amp;", "&lt;", "&#38;", "&#x26;", "&#1;", "&ggg;", "&nbsp;", "#", "38;", ";", "g", "@", "@bob", "a@b.co", ".", "http://",
     "www.", "/", "<user>", "e",
     "\u0301", "\u0338", "\u0323", "Ａ", "９", "\x00", "\n", " ", "哈", "１", "0", ">", "<", "-", "_", "à", "가", "ᄀ",
     "ᅡ", "ᆨ", "😀", "\u3099", "か", "\u2028"])
HOSTILE = st.lists(PIECES, max_size=14).map("".join)
ANY = st.one_of(HOSTILE, st.text(max_size=40))
WORD = ANY.map(lambda text: "".join(text.split())).filter(lambda word: clean(word).text.strip())


@settings(max_examples=600)
@given(ANY)
def test_a_clean_text_stays_as_it_is(text: str) -> None:
    once = clean(text).text
    assert clean(once) == cleaning.Cleaned(once, (), ())


@pytest.mark.parametrize("name", [name for name in cleaning.STEPS if "mask" not in name])
@given(text=ANY)
def test_each_step_but_a_mask_does_nothing_more_when_it_is_done_again(name: str, text: str) -> None:
    once, _ = cleaning.STEPS[name](text, ())
    assert cleaning.STEPS[name](once, ())[0] == once


@given(ANY)
def test_a_clean_text_is_in_nfc_without_controls_and_long_runs(text: str) -> None:
    found = clean(text).text
    assert unicodedata.is_normalized("NFC", found)
    assert not any(unicodedata.category(c) == "Cc" for c in found)
    assert not any(a == b == c == d and not a.isdecimal() for a, b, c, d in zip(found, found[1:], found[2:], found[3:], strict=False))


@settings(max_examples=400)
@given(st.lists(st.tuples(WORD, st.booleans()), min_size=1, max_size=6))
def test_an_entity_stays_on_its_words(words: list[tuple[str, bool]]) -> None:
    text, spots, expected = "", [], []
    for word, named in words:
        if named and clean(word).text.strip() not in cleaning.MASKS:   # such a one is gone: see below
            expected.append(clean(word).text.split())
            spots.append((len(spots), len(text), len(text) + len(word)))
        text += word + " "
    cleaned = clean(text, tuple(spots))
    found = [cleaned.text[start:end].split() for _, start, end in cleaned.spots]   # spaces within a word may join those around it
    assert found == expected
    assert [kind for kind, _, _ in cleaned.spots] == list(range(len(spots)))


@settings(max_examples=400)
@given(ANY, st.data())
def test_entities_stay_apart_and_within_the_text_wherever_they_stood(text: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.sets(st.integers(0, len(text)), max_size=6)))
    spots = tuple((0, start, end) for start, end in zip(cuts[::2], cuts[1::2], strict=False))
    cleaned = clean(text, spots)
    ends = [0, *(at for _, start, end in cleaned.spots for at in (start, end)), len(cleaned.text)]
    assert ends == sorted(ends)
    assert all(start < end for _, start, end in cleaned.spots)


@pytest.mark.parametrize(("before", "after"), [
    ("fish &amp; chips", "fish & chips"),
    ("a &amp;lt; b &amp;amp;amp;lt; c", "a < b < c"),
    ("AT&T &copy 1", "AT&T &copy 1"),
    ("e\u0301te\u0301", "été"),
    ("soooooo good!!!!!!", "sooo good!!!"),
    ("price 1000000", "price 1000000"),
    ("@bob see http://example.com/a?b=1, ok", "<user> see <url>, ok"),
    ("转发@小明:看www.example.com。", "转发<user>:看<url>。"),
    ("@小明今天去哪？", "@小明今天去哪？"),
    ("@bob今天去哪？//@小红", "<user>今天去哪？//<user>"),
    ("write to a.b@example.org.", "write to <email>."),
    ("a @ b", "a @ b"),
    ("awww. so", "awww. so"),
    ("１９９８年，Ａｂ", "1998年，Ab"),
    ("one\r\ntwo\tthree", "one  two three"),
])
def test_what_becomes_of_a_text(before: str, after: str) -> None:
    assert clean(before).text == after


def test_an_entity_behind_a_mask_is_none_and_one_that_is_partly_there_has_the_mask() -> None:
    assert clean("by @ann in Rome", ((1, 4, 7), (2, 11, 15))).spots == ((2, 13, 17),)
    cleaned = clean("at @River Field", ((1, 4, 15),))
    assert [cleaned.text[start:end] for _, start, end in cleaned.spots] == ["<user> Field"]


@pytest.mark.parametrize(("text", "spot", "words"), [
    ("看www.example.cn/北京", (0, 16, 18), "北京"), ("&amp;Anna&amp;", (0, 5, 9), "Anna"), ("!!!!!!Anna", (0, 6, 10), "Anna"),
    ("cafe\u0301s", (0, 0, 4), "café"), ("cafe\u0301s", (0, 4, 6), "és"), ("e\u0301 Anna", (0, 3, 7), "Anna"),
    ("q\u0301\u0323s", (0, 0, 2), "q\u0323\u0301")])
def test_an_entity_keeps_its_words_beside_what_changes(text: str, spot: cleaning.Spot, words: str) -> None:
    cleaned = clean(text, (spot,))
    assert [cleaned.text[start:end] for _, start, end in cleaned.spots] == [words]


@pytest.mark.parametrize("text", [
    "@a" * 30_000, "&" + "amp;" * 20_000 + "lt;", "a" * 3 + "b" * 60_000 + "@", "ab" * 30_000 + "@",
    "a@b.co" * 10_000, "http://a.b/" * 6_000, "a@" * 30_000, "&" * 60_000, "&lt;" * 15_000, "www." * 15_000,
    "a." * 30_000 + "@" + "a." * 30_000, "e\u0301" * 30_000, "@一" * 30_000])
def test_a_long_hostile_text_takes_a_few_passes(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    passes: list[str] = []
    monkeypatch.setitem(cleaning.STEPS, "count", lambda text, spots: passes.append(text) or (text, spots))
    clean(text)
    assert len(passes) <= 4


def test_no_mark_of_an_account_melts_into_its_mask() -> None:
    assert clean("@x\u0338 http://a.b/\u0338 a@b.co\u0338").text == "<user> <url> <email>"


def test_the_steps_that_changed_a_text_are_named() -> None:
    assert clean("@a &amp;").changed == ("html_entities", "user_mask")
