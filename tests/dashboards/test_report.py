"""A report's page over a real store: whole, self-contained, in two languages, and harmless whatever the store holds."""
import html
import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import msgspec
import pytest

from dashboards.report.figures import count, growth, length, moment, percent, shift, until, value
from dashboards.report.page import page
from dashboards.report.words import CHINESE, ENGLISH, LANGUAGES, Words
from insights.alerts.detect import Sensitivity
from insights.alerts.keep import judge
from insights.board import Feeling
from insights.carried import Carrier, Said
from insights.cells import Cell, Text, Unit
from insights.emerging.say import Member
from insights.emerging.say import Told as Topic
from insights.queries import insights
from insights.report import Report, report
from insights.store import Store, UnitKey
from schemas.records import DeadLetter, Reason, time_of

MINUTE = 60_000_000
START = 29_000_000 * MINUTE   # 2025-02-19T21:20Z
HOSTILE = ("</style><script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "\u202egnp.exe", "\x1b[2J\x01", "&amp;<b>", "' onload='x")
JOB = '<b>"job"&'


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, Report]]:
    """260 windows; from 240 on an incident; every name in it is hostile."""
    store = Store(f"sqlite:///{tmp_path_factory.mktemp('report')}/a.db")
    store.open_job(JOB, "stream", MINUTE, MINUTE)
    script, image, turned, control, entity, attribute = HOSTILE
    batch = []
    for at in range(260):
        cells = {("en", script): Cell(20 + at % 3, 0, 20 + at % 3, 0, 9_000, terms={turned: (0, 5, 0)}, versions={attribute: 20})}
        if 240 <= at < 243:
            cells["en", image] = Cell(60, 60, 0, 0, terms={control: (60, 0, 0)}, entities={f"{entity}\t{image}": 9, "no tab": 1},
                                    samples=((at, f"{image} {at}"),), texts={f"{image} {at}": Text(f"said {script}", 0)})
        unit = Unit(sum(cell.records for cell in cells.values()), at, cells)
        batch += [(UnitKey(START + at * MINUTE, "texts/0", script, product), unit) for product in (attribute, "")]
    store.write_units(JOB, 0, batch, 7)
    store.write_dead(JOB, 0, [
        DeadLetter("texts/0", 900, Reason.LATE, script, image, START + 250 * MINUTE, script, image),
        DeadLetter("texts/0", 901, Reason.MALFORMED, script, image, None, script, image)], {"texts/0": 902})
    store.save(JOB, 0, START + 259 * MINUTE, START + 260 * MINUTE, [])
    judge(store, JOB, Sensitivity(), 7)
    yield store, report(store, JOB, START + 200 * MINUTE)
    store.close()


def made(of: Report, words: Words = ENGLISH) -> str:
    return page(of, f"textpulse report --job {HOSTILE[0]}", START, words)


def parsed(of: Report, words: Words = ENGLISH) -> ElementTree.Element:
    return ElementTree.fromstring(made(of, words).encode())


def said(element: ElementTree.Element) -> str:
    return " ".join(" ".join(element.itertext()).split())


def section(root: ElementTree.Element, heading: str) -> ElementTree.Element:
    return next(part for part in root.iter("section") if part.findtext("h2") == heading)


def test_an_incident_is_shown_by_sample_texts(found: tuple[Store, Report]) -> None:
    quotes = next(part for part in parsed(found[1]).iter("ul") if part.get("class") == "quotes")

    assert [said(quote) for quote in quotes] == [f"said {HOSTILE[0]} Negative"] * 2


def test_the_words_that_carried_a_sentiment_are_bold_whatever_stands_around_them(found: tuple[Store, Report]) -> None:
    text = f"said {HOSTILE[0]}"
    start = text.index("alert")
    carrier = Carrier("<b>fast</b> 1", lambda asked: [Said("positive", [(start, start + 5, 2.0), (0, 4, 1.0)])] * len(asked))
    for words in LANGUAGES.values():
        root = ElementTree.fromstring(page(found[1], "textpulse report", START, words, carrier).encode())
        quotes = next(part for part in root.iter("ul") if part.get("class") == "quotes")
        assert [part.text for part in quotes.iter("strong")] == ["said", "alert"] * 2
        feeling = words.aside.format(words.negative, words.instead.format(words.positive))
        assert ["".join(quote.itertext()) for quote in quotes] == [f"{text} {feeling}"] * 2
        assert words.carried.format("<b>fast</b> 1") in said(section(root, words.incidents))
        assert not {part.tag for part in root.iter()} & {"script", "img", "b"}
    assert not list(parsed(found[1]).iter("strong"))
    assert "In bold" not in made(found[1])


def test_topics_that_emerged_are_told_with_their_words_whatever_these_are(found: tuple[Store, Report]) -> None:
    members = [Member(kind="term", text=text, weight=9.0) for text in HOSTILE]
    topic = Topic(id="a", name=", ".join(HOSTILE[:3]), opened=time_of(START + 240 * MINUTE), last=time_of(START + 250 * MINUTE),
                  closed=None, into=None, records=1_234, members=members)
    root = parsed(msgspec.structs.replace(found[1], topics=[topic]))

    _, row = section(root, ENGLISH.emerging).iter("tr")
    assert "still open 1,234" in said(row) and "alert(1)" in said(row)
    assert ENGLISH.emerging not in {part.findtext("h2") for part in parsed(found[1]).iter("section")}


@pytest.mark.parametrize("words", LANGUAGES.values(), ids=LANGUAGES)
def test_the_page_loads_nothing_and_runs_nothing(found: tuple[Store, Report], words: Words) -> None:
    root = parsed(found[1], words)
    names = {part.tag for part in root.iter()}

    assert not names & {"script", "img", "link", "iframe", "object", "embed", "a", "base", "form", "image", "use", "b"}
    for part in root.iter():
        assert not {key for key in part.attrib if key in ("src", "href", "style", "srcset", "action") or key.startswith("on")}
        assert not any("://" in text for text in part.attrib.values())
    style = root.findtext("head/style") or ""
    assert not re.search(r"@import|url\(|expression|://", style)
    policy = next(part for part in root.iter("meta") if part.get("http-equiv"))
    assert (policy.get("http-equiv"), (policy.get("content") or "").split(";")[0]) == ("Content-Security-Policy", "default-src 'none'")


def test_hostile_names_are_shown_as_text(found: tuple[Store, Report]) -> None:
    text = made(found[1])

    for name in HOSTILE[:2]:
        assert name not in text
        assert html.escape(name) in text
    assert not {c for c in text if (ord(c) < 32 and c != "\n") or c == "\u202e"}
    assert "\ufffdgnp.exe" in text


def test_its_numbers_are_those_of_the_queries(found: tuple[Store, Report]) -> None:
    store, of = found
    windows = insights(store, JOB, from_us=of.span.from_us)
    records, negative = sum(one.records for one in windows), sum(one.negative for one in windows)
    root = parsed(of)

    cards = {card.findtext("p"): card for card in root.iter("div") if len(card) == 3 and card[0].get("class") == "name"}
    assert [part.text for part in cards["Records"]][1:] == [f"{records:,}", growth(records, of.before.records, ENGLISH)]
    assert cards["Negative"][1].text == f"{negative / records:.0%}"
    assert cards["Incidents"][1].text == str(len(of.incidents))
    assert cards["Dead letters"][1].text == "1"
    rows = [[part.text if len(part) == 0 else said(part) for part in row] for row in section(root, "Dead letters").iter("tr")]
    assert rows[1:] == [["late", "1", "0", "1"], ["malformed", "0", "0", "1"]]
    topics = [said(row[1]).split()[0] for row in section(root, "Topics").iter("tr")][1:]
    by_topic = insights(store, JOB, from_us=of.span.from_us, to_us=of.span.to_us, size_us=MINUTE, by=["topic"])
    assert sum(int(text.replace(",", "")) for text in topics) == sum(one.records for one in by_topic)


def test_an_incident_has_its_times_numbers_severity_and_reasons(found: tuple[Store, Report]) -> None:
    of = found[1]
    article = next(parsed(of).iter("article"))
    text = said(article)

    assert "2025-02-20 01:20 to 01:24" in text
    assert "critical" in text
    alert = of.incidents[0].alerts[0]
    assert f"{alert.peak.observed} " in text
    assert "more records source " in text
    assert "expected" in text
    assert len(list(article.iter("li"))) >= 1
    marks = [part.text for part in parsed(of).iter("text") if part.get("class") == "mark"]
    assert marks == [str(number) for number in range(1, len(of.incidents) + 1)]


def test_it_says_how_complete_it_is_and_what_made_it(found: tuple[Store, Report]) -> None:
    root = parsed(found[1])
    complete, end = said(section(root, "How complete this is")), said(next(root.iter("footer")))

    assert "59 closed: nothing changes any more; 1 complete" in complete
    assert "2025-02-19 21:20 to 2025-02-20 01:40" in complete
    assert "textpulse report --job" in end


def test_who_cannot_see_has_headings_captions_and_titles(found: tuple[Store, Report]) -> None:
    root = parsed(found[1])

    assert root.get("lang") == "en"
    assert len(list(root.iter("h1"))) == 1
    assert all(part.findtext("h2") for part in root.iter("section"))
    assert all(part.findtext("caption") and part.find("thead/tr/th[@scope='col']") is not None for part in root.iter("table"))
    assert all(row.find("th[@scope='row']") is not None or row.find("td[@colspan]") is not None for row in root.iterfind(".//tbody/tr"))
    assert all(part.findtext("title") for part in root.iter("svg") if part.get("role") == "img")
    ids = [part.get("id") for part in root.iter() if part.get("id")]
    assert len(ids) == len(set(ids))


def test_a_report_without_a_span_before_shows_no_changes(found: tuple[Store, Report]) -> None:
    root = parsed(report(found[0], JOB, START, START + 10 * MINUTE))

    assert "Nothing to compare with" in said(root)
    assert "What changed" not in said(root)
    assert not list(root.iter("small")) or all("+" not in (part.text or "") for part in root.iter("small"))


def test_the_smallest_report_is_a_page(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path}/a.db")
    store.open_job("job", "stream", MINUTE, MINUTE)
    store.write_units("job", 0, [(UnitKey(0, "texts/0", "", ""), Unit(1, 0, {("", ""): Cell(1, 0, 1, 0)}))], 7)
    for words in LANGUAGES.values():
        assert parsed(report(store, "job"), words).find("body/main") is not None
    store.close()


def test_every_word_is_translated() -> None:
    same = {name for name in Words._fields if getattr(ENGLISH, name) == getattr(CHINESE, name)}

    assert same == set()
    for name in Words._fields:
        ours, theirs = getattr(ENGLISH, name), getattr(CHINESE, name)
        if isinstance(ours, str):
            assert len(re.findall(r"\{\d?\}", ours)) == len(re.findall(r"\{\d?\}", theirs)), name
        elif name != "reasons":
            assert ours.keys() == theirs.keys(), name
    assert CHINESE.reasons.keys() == {str(reason) for reason in Reason}


def test_numbers_and_times_are_written_as_people_write_them() -> None:
    assert [count(0), count(1234567), count(1.25), count(9.0), count(99.6)] == ["0", "1,234,567", "1.2", "9", "100"]
    assert [percent(1, 3), percent(1, 0)] == ["33%", "–"]
    assert [growth(*pair, ENGLISH) for pair in ((110, 100), (90, 100), (100, 100), (0, 0), (5, 0), (300, 100), (0, 5))] == [
        "+10%", "−10%", "same", "same", "new", "3×", "−100%"]
    assert [shift(Feeling(10, 5), Feeling(10, 2), ENGLISH), shift(Feeling(), Feeling(1, 1), ENGLISH)] == ["+30 pts", ""]
    assert [length(us * 1_000_000, ENGLISH) for us in (86_400, 5_400, 7_200, 60, 7)] == ["1 d", "90 min", "2 h", "1 min", "7 s"]
    assert [moment(START), until(START + MINUTE, START), until(START + 1_440 * MINUTE, START)] == [
        "2025-02-19 21:20", "21:21", "2025-02-20 21:20"]
    assert [value("topic", "top_up", ENGLISH), value("entity", "person\tAnn", CHINESE)] == ["top up", "Ann（person）"]
    assert [value("source", "", ENGLISH), value("term", "x" * 99, ENGLISH)] == ["(none)", "x" * 60 + "…"]
