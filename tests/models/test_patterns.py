"""What patterns find in texts, where it stands, and how it stands beside what a network says."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import models.patterns.find as patterns
from insights.redact import MASKS
from models.patterns.checks import LONGEST, Check
from models.patterns.find import MOST, Found, find
from models.patterns.join import Patterns
from schemas.entity_types import PATTERN_TYPES
from schemas.tagging import Tags

Said = list[tuple[str, str]]

ALONE = {   # type -> texts of which the marked part, and nothing else, is one
    "money": (
        "it was «$1,200.50» in all", "«12 USD» please", "raised «£5m»", "about «€ 12,50» each", "«$5 million» fund", "only «$20k»!",
        "pay «EUR 30» now", "«1.200,50 €» bitte", "«99 cents»", "costs «15 bucks» more", "«US$ 40» off", "«3 thousand dollars»",
        "«12usd»",
        "一共«300元»", "«5万元»以上", "原价«¥99»", "«￥1,299.00元»", "才«300块»，值", "«3块钱»一个", "大约«200多元»", "赚了«1.5亿美元»",
        "«RMB300元»房价",
        "«人民币５００元»", "«25英镑»", "«٥٠ €»"),
    "date": (
        "on «2024-05-01» again", "«2024/5/1»", "«2024.5.1»", "since «5 May 2024»,", "«May 5th» works", "«May 5, 2024»", "«4th of July»",
        "«1 Jan»",
        "«Sept. 3»", "until «December 2023».", "«01/05/2024»", "«31/12/24»", "«12/31/2024»", "«1.5.2024»", "«05-May-2024»",
        "«29 Feb 2024»",
        "自«2024年5月1日»起", "«5月1日»发货", "«08年5月1号»", "«2024年5月»的账单", "«2024 年 5 月 1 日»", "«5月1-3日»放假", "«５月１日»"),
    "percentage": (
        "«12.5%» of it", "«12 percent»", "«20 per cent»", "up «3 pct»", "«50%»off", "«100 %» sure", "涨了«5％»", "«百分之五»",
        "«百分之十二点五»",
        "«百分之30»的人", "占«４０％»以上"),
    "order_number": (
        "order #«12345» is late", "my order no. «AB-1234-99»", "ticket «4711-22» please", "Order number: «7» failed", "order «1234567»",
        "Ref.«8441639»", "tracking number is «1Z999AA10123456784»", "order_id=«991»", "case # «00412»", "invoice «INV-2024-17»",
        "booking reference «JX7K2P»", "订单号：«2024050112345»", "订单编号 «88123»", "运单号«SF1234567890»到了", "订单 #«98765»",
        "订单«1409910435»换货",
        "訂單號：«20240»", "工单号为«4711-22»"),
    "hashtag": (
        "I «#love» it", "«#2024goals»", "so («#good»)", "«#été»", "«#cafe\u0301» time", "«#日本語»", "«#Привет» всем", "«#कविता»",
        "今天«#足球»", "«#话题#»很热",
        "我爱«#北京#»", "«#你好，世界#»", "«＃全角» 吧", "❤️«#heart»", "«#word_2»'s", "«#iPhone发布会#»", "see http://a.example/b «#end»",
        "order a ticket «#Festival2015»"),
    "mention": (
        "hi «@united», why", ".«@jetblue» again", "“«@some_one»: yes", "感谢«@小明» 的帮助", "«@50cent»", "(«@ab»)", "😀«@emoji_1»",
        "«＠全角名» 你好",
        "«@jo\u0308rg» there"),
}
NOTHING = (
    "at 10:30 or 5/1 or 3.14", "2024 was 100 times better", "room 4711", "v2024.5.1.3", "1.2024-05-01",
    "2024-02-30 2023-02-29 2024-13-01",
    "31/31/2024", "I may 5 times march 3", "31 Apr", "5月32日 13月1日", "5个月 5月", "2024年", "2块硬盘", "5 pounds of flour",
    "the 1st of many",
    "千分之五", "100%20", "1,2345元5", "order 2 pizzas", "in order to win", "reorder 12345", "case 5 of 7", "order no longer-5",
    "订单很多", "手机号13",
    "票很贵 2", "#2024", "#", "# word", "C#code", "a#b", "&#x27;", "http://a.example/#part", "https://a.example/p/@who?x=5%20#y",
    "x/@who", "b@c.example",
    "用户@qq.com", "@", "@ home", "@a", "meet @5pm", "12@34", "##", "#!#", "C#和F#", "\u200d#\ufe0f\u20e3", "")


def said_of(text: str) -> Said:
    return said_of_all([text])[0]


def said_of_all(texts: Sequence[str]) -> list[Said]:
    """The types and words of each text, by the bytes."""
    found, said = find(texts), [Said() for _ in texts]
    for row, kind, start, end in zip(*(column.tolist() for column in found), strict=True):
        said[row].append((PATTERN_TYPES[kind], texts[row].encode("utf-8", "replace")[start:end].decode()))
    return said


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in ALONE.items() for text in texts])
def test_the_marked_part_is_found_and_nothing_else(kind: str, text: str) -> None:
    before, marked = text.replace("»", "«").split("«")[:2]
    plain = text.replace("«", "").replace("»", "")
    assert said_of(plain) == [(kind, marked)]
    assert find([plain]).start.tolist() == [len(before.encode())]


@pytest.mark.parametrize("text", NOTHING)
def test_what_only_looks_like_something_is_nothing(text: str) -> None:
    assert said_of(text) == []


@pytest.mark.parametrize(("text", "said"), [
    ("order 5 May 2024", [("date", "5 May 2024")]),
    ("order 2024-05-01", [("date", "2024-05-01")]),
    ("订单12345元", [("money", "12345元")]),
    ("#2024年5月1日活动", [("hashtag", "#2024年5月1日活动")]),
    ("order #AB-1234", [("order_number", "AB-1234")]),
    ("#A##B#", [("hashtag", "#A#"), ("hashtag", "#B#")]),
    ("#foo,#bar", [("hashtag", "#foo"), ("hashtag", "#bar")]),
    ("2024.5.1-2024.5.3", [("date", "2024.5.1"), ("date", "2024.5.3")]),
    ("1thMay 3Mayday", [("date", "1thMay")]),
    ("May 5，5%，$5", [("date", "May 5"), ("percentage", "5%"), ("money", "$5")]),
])
def test_of_two_that_overlap_one_stays(text: str, said: Said) -> None:
    assert said_of(text) == said


PIECES = st.sampled_from([
    "order ", "no. ", "订单号", "#", "@", "＃", "12", "345.5", "%", "％", "百分之", "五", "$", "元", "万", "块", "年", "月", "日",
    "May ", "5th", "-", "/", ".",
    ",", ":", "http://", "a", "é", "e\u0301", "😀", "👨\u200d👩", "\ufe0f", "话题", " ", "\n", "\0", "\ud800", "USD", "k", "@x.com",
    "\u3000"])
TEXTS = st.one_of(st.text(max_size=40), st.lists(PIECES, max_size=14).map("".join))


@settings(max_examples=200, deadline=None)
@given(st.lists(TEXTS, max_size=6))
def test_spans_lie_in_order_on_characters_and_apart(texts: list[str]) -> None:
    found = find(texts)
    assert all(0 <= row < len(texts) for row in found.row.tolist())
    assert {column.dtype for column in found[1:]} == {np.dtype(np.int32)}
    last = (-1, 0)
    for row, kind, start, end in zip(*(column.tolist() for column in found), strict=True):
        raw = texts[row].encode("utf-8", "replace")
        assert (row, start) >= last
        assert 0 <= start < end <= len(raw) and 0 <= kind < len(PATTERN_TYPES)
        assert raw[:start].decode() + raw[start:end].decode() + raw[end:].decode() == raw.decode()   # no character is torn
        last = (row, end)


@settings(max_examples=150, deadline=None)
@given(st.lists(TEXTS, max_size=6))
def test_what_is_said_of_a_text_does_not_depend_on_its_neighbours(texts: list[str]) -> None:
    together = said_of_all(texts)
    assert together == [said_of(text) for text in texts]
    assert together[::-1] == said_of_all(texts[::-1])


@settings(max_examples=150, deadline=None)
@given(TEXTS)
def test_a_mention_is_hidden_by_its_form_whatever_a_network_says(text: str) -> None:
    raw = text.encode("utf-8", "replace")
    hidden = MASKS.hidden_all([text], {}).get(0, [])
    found = find([text])
    for kind, start, end in zip(found.type.tolist(), found.start.tolist(), found.end.tolist(), strict=True):
        if PATTERN_TYPES[kind] == "mention":
            first, last = (len(raw[:place].decode()) for place in (start, end))
            covered = {place for begin, stop, _ in hidden for place in range(begin, stop)}
            assert covered >= {*range(first, last)}


@pytest.mark.parametrize("piece", [
    "5%", "#a ", "#a", "@ab", "@ab ", "$1", "1,", "1,111", "order #", "order ", "order 5 ", "5月1日", "May 5 ", "百分之", "1.1.", "9",
    "#", "a-1-", "://",
    "订单号", "2024-", "1/1/20", "#话题#", "年", "😀#好 "])
def test_a_text_of_one_thing_repeated_is_looked_at_so_often_and_no_more(piece: str, monkeypatch: pytest.MonkeyPatch) -> None:
    looked = []

    def noting(check: Check) -> Check:
        def noted(read: bytes, begin: int, end: int) -> int | None:
            looked.append(begin)
            return check(read, begin, end)
        return noted

    monkeypatch.setattr(patterns, "_CHECKS", {number: noting(check) for number, check in patterns._CHECKS.items()})
    text = piece * (40_000 // len(piece))
    together = find([text, "$1", text])
    assert np.bincount(together.row, minlength=3).max() <= MOST and (together.row == 1).sum() == 1
    assert len(looked) <= 2 * MOST + 1 and looked == sorted(set(looked))   # and nothing twice


def test_of_a_text_the_first_ones_are_taken() -> None:
    text = " ".join(f"{number}%" for number in range(1, 3 * MOST))
    assert said_of_all(["$1", text, "$2"]) == [
        [("money", "$1")], [("percentage", f"{number}%") for number in range(1, MOST + 1)], [("money", "$2")]]
    assert said_of("#" + "a" * (LONGEST - 1)) and not said_of("#" + "a" * LONGEST)
    assert said_of("order #" + "9" * LONGEST) and not said_of("order #" + "9" * (LONGEST + 1)) and not said_of(f"#{'a' * LONGEST}#")


# Beside a network.

LEARNT = ("organisation", "person", "product")
Span = tuple[int, int, int]   # type, start, end


def tags_of(rows: Sequence[Sequence[Span]], learnt: Sequence[str] = LEARNT) -> Tags:
    flat = [span for row in rows for span in row]
    kind, start, end = (np.array([span[at] for span in flat], np.int32) for at in range(3))
    none, splits = np.zeros(0, np.int32), np.cumsum([0, *map(len, rows)])
    sentiment, topic = np.full((len(rows), 3), 1 / 3, np.float32), np.ones((len(rows), 1), np.float32)
    scores, tokens = np.full(len(flat), 0.5, np.float32), np.zeros(len(rows) + 1, np.int64)
    return Tags(sentiment, topic, topic[:, :0], kind, start, end, scores, splits, none, tokens)


def rows_of(tags: Tags) -> list[list[Span]]:
    flat = list(zip(tags.entity_type.tolist(), tags.entity_start.tolist(), tags.entity_end.tolist(), strict=True))
    return [flat[start:end] for start, end in pairwise(tags.entity_splits)]


def beside(text: str, *spans: tuple[str, str]) -> Said:
    """What is said of a text in which a network names these words."""
    patterns = Patterns(LEARNT)
    rows = [[(LEARNT.index(kind), len(text[:text.index(word)].encode()), len(text[:text.index(word) + len(word)].encode()))
             for kind, word in spans]]
    tags = patterns.added(tags_of(rows), [text])
    return [(patterns.entity_types[kind], text.encode()[start:end].decode()) for kind, start, end in rows_of(tags)[0]]


@pytest.mark.parametrize(("text", "network", "said"), [
    ("#Festival in Rome", [("organisation", "Festival")], [("hashtag", "#Festival")]),
    ("😀 $5 Box", [("product", "5 Box")], [("money", "$5")]),
    ("the 5 May 2024 Bridge", [("product", "5 May 2024 Bridge")], [("product", "5 May 2024 Bridge")]),
    ("pay 12 USD", [("product", "12 USD")], [("money", "12 USD")]),
    ("#AnnaLee sings", [("person", "AnnaLee")], [("person", "AnnaLee")]),
    ("@annalee sings", [("person", "annalee")], [("mention", "@annalee")]),
    ("@anna lee sings", [("person", "anna lee")], [("person", "anna lee")]),
    ("Acme owes $5", [("organisation", "Acme")], [("organisation", "Acme"), ("money", "$5")]),
    ("$5 to Anna", [("person", "Anna")], [("money", "$5"), ("person", "Anna")]),
])
def test_who_stays_of_a_pattern_and_a_network(text: str, network: list[tuple[str, str]], said: Said) -> None:
    assert beside(text, *network) == said


@st.composite
def apart(draw: st.DrawFn) -> list[Span]:
    """Spans of one text, in order and apart, none empty."""
    places = sorted(draw(st.lists(st.integers(0, 30), max_size=10, unique=True)))
    return [(draw(st.integers(0, 2)), start, end) for start, end in zip(places[::2], places[1::2], strict=False)]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(apart(), apart()), min_size=1, max_size=5), st.data())
def test_whatever_is_joined_is_in_order_and_apart_and_no_person_is_lost(
        rows: list[tuple[list[Span], list[Span]]], data: st.DataObject) -> None:
    patterns, flat = Patterns(LEARNT), [(row, *span) for row, (_, spans) in enumerate(rows) for span in spans]
    kinds = [data.draw(st.integers(0, len(PATTERN_TYPES) - 1)) for _ in flat]
    found = Found(np.array([span[0] for span in flat], np.int64), np.array(kinds, np.int32),
                  np.array([span[2] for span in flat], np.int32), np.array([span[3] for span in flat], np.int32))
    if not flat:
        return
    tags = patterns.joined(tags_of([network for network, _ in rows]), found)
    assert tags.entity_type.dtype == tags.entity_start.dtype == tags.entity_end.dtype == np.int32
    assert (tags.entity_score.dtype, tags.entity_splits.dtype) == (np.float32, np.int64)
    new = [(row, len(LEARNT) + kind, start, end) for (row, _, start, end), kind in zip(flat, kinds, strict=True)]
    mention = len(LEARNT) + PATTERN_TYPES.index("mention")
    for row, (together, (network, _)) in enumerate(zip(rows_of(tags), rows, strict=True)):
        assert all(span[2] <= after[1] for span, after in pairwise(together))
        given_ = [span[1:] for span in new if span[0] == row]
        assert {*together} <= {*network, *given_}
        for kind, start, end in network:
            if LEARNT[kind] == "person" and (kind, start, end) not in together:
                assert any(other == mention and first <= start and end <= last for other, first, last in together)
        for kind, start, end in given_:   # what stays is what the rule says
            touching = [one for one in network if one[1] < end and start < one[2]]
            longer = any(one[1] <= start and end <= one[2] and one[2] - one[1] > end - start for one in touching)
            person = any(LEARNT[one[0]] == "person" and not (kind == mention and start <= one[1] and one[2] <= end) for one in touching)
            assert ((kind, start, end) in together) == (not longer and not person)
        for span in network:
            by = [one for one in together if one not in network and one[1] < span[2] and span[1] < one[2]]
            assert (span in together) == (not by) or span in given_


def test_texts_without_patterns_are_as_the_network_says() -> None:
    tags = tags_of([[(1, 0, 4)], []])
    assert Patterns(LEARNT).added(tags, ["Anna came", "nothing"]) is tags
    assert rows_of(Patterns(()).added(tags_of([[], []]), ["a", "b 5%"])) == [[], [(2, 2, 4)]]
    assert rows_of(Patterns(()).added(tags_of([]), [])) == []


def test_a_type_that_the_network_learnt_too_has_one_id() -> None:
    patterns = Patterns(("date", "person"))
    assert patterns.entity_types == ["date", "person", "money", "percentage", "order_number", "hashtag", "mention"]
    assert rows_of(patterns.added(tags_of([[]]), ["5% on 2024-05-01"])) == [[(3, 0, 2), (0, 6, 16)]]
