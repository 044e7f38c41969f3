"""The page in a real browser over a real store."""
from urllib.parse import urlsplit

import pytest

from insights.cells import Cell, Text, Unit
from insights.store import UnitKey
from schemas.tagging import SENTIMENTS
from tests.dashboards.page.conftest import MINUTE, START


def number(text):
    return int(text.replace(",", ""))


def test_the_page_asks_no_other_host_and_the_console_is_silent(page, tab):
    tab.open(page)
    tab.shows(".tiles .big", "631")
    tab.eventually(lambda: tab.count(".chart svg path") > 100, "the chart is drawn")
    assert tab.hosts() == {urlsplit(page).netloc}
    assert tab.complaints() == []


def test_the_headline_says_volume_mood_and_its_change(page, tab):
    tab.open(page)
    tiles = tab.text(".tiles")
    assert "631" in tiles
    assert "43 %" in tiles or "43%" in tiles
    assert "points in the last" in tiles


@pytest.mark.parametrize(("panel", "value", "address", "left"), [
    (".topics a", "quality", "topic=quality", 240),
    (".legend a", "reviews", "source=reviews", 240),
    (".named a", "Acme", "entity=brand:Acme", 240),
    (".named a", "价格", "term=价格", 120)])
def test_a_click_on_what_is_named_shows_it_alone(page, tab, panel, value, address, left):
    tab.open(page)
    tab.click(panel, value)
    tab.shows(".tiles .big", f"{left}")
    assert address in tab.address
    tab.run("history.back()")
    tab.shows(".tiles .big", "631")


def test_a_click_on_a_bar_looks_closer(page, tab):
    tab.open(page)
    tab.eventually(lambda: tab.count(".chart svg path") > 100, "the chart is drawn")
    box = tab.run("const b = document.querySelector('.chart').getBoundingClientRect(); return [b.x, b.y, b.width, b.height]")
    from selenium.webdriver import ActionChains

    actions = ActionChains(tab.chrome)
    actions.w3c_actions.pointer_action.move_to_location(int(box[0] + box[2] / 2), int(box[1] + box[3] * 0.85))
    actions.w3c_actions.pointer_action.click()
    actions.perform()
    tab.eventually(lambda: "from=" in tab.address, "the bar's time is the range")
    tab.eventually(lambda: 0 < number(tab.text(".tiles .big")) < 631, "fewer records are shown")


def test_an_address_shows_the_same_to_somebody_else(page, tab):
    tab.open(page + "?range=15m&source=tickets&language=en")
    assert tab.text(".tiles .big") == "135"
    assert tab.text(".spans [aria-current]") == "15 min"
    tab.open(page + "?from=2026-06-01T00:10Z&to=2026-06-01T00:12Z")
    assert tab.text(".tiles .big") == "18"


def test_menus_keep_each_other(page, tab):
    tab.open(page)
    for name, value in (("source", "tickets"), ("product", "kettle")):
        tab.run("""const menu = document.querySelector(`select[name=${arguments[0]}]`);
                   menu.value = [...menu.options].find(one => one.textContent.startsWith(arguments[1])).value;
                   menu.dispatchEvent(new Event('change', {bubbles: true}))""", name, value)
        tab.eventually(lambda name=name: tab.count(f".menu.set select[name={name}]") == 1, "the choice is shown")
    tab.shows(".tiles .big", "270")
    assert "source=tickets" in tab.address
    tab.click(".clear")
    tab.shows(".tiles .big", "631")


def test_a_commit_is_on_the_screen_within_two_seconds_without_a_reload(shop, serve_page, tab):
    served = serve_page(shop.url)
    tab.open(served.address)
    tab.shows(".tiles .big", "631")
    tab.run("window.sameDocument = true")
    for round_ in range(3):
        shop.hear(60 + round_, 7, "positive")
        tab.shows(".tiles .big", f"{631 + 7 * (round_ + 1)}", within_s=2)
    assert tab.run("return window.sameDocument")


def test_hostile_names_are_text(page, tab):
    tab.open(page)
    assert "<b>bold</b>" in tab.text(".columns")
    assert "<img src=x onerror=alert(1)>" in tab.text(".columns")
    assert tab.count(".columns img, .columns th b") == 0


@pytest.mark.parametrize(("query", "parameter", "said"), [
    ("range=2y", "range", "choose from"), ("from=yesterday", "from", "ISO 8601"), ("colour=red", "colour", "no such parameter"),
    ("source=a&source=b", "source", "twice"), ("entity=Acme", "entity", "type:text"), ("lang=fr", "lang", "en, zh"),
    ("from=2026-06-01T00:30Z&to=2026-06-01T00:00Z", "to", "after from"), ("range=1h&from=2026-06-01T00:00Z", "range", "either"),
    ("term=", "term", "empty"), ("source=tickets&after=%00", "after", "dead letters")])
def test_a_malformed_address_is_explained_with_a_way_out(page, tab, query, parameter, said):
    tab.open(f"{page}?{query}")
    shown = tab.text(".message")
    assert parameter in shown and said in shown
    assert "Traceback" not in shown
    tab.click(".message a")
    tab.shows(".tiles", "Records")
    assert f"{parameter}=" not in tab.address


def test_dark_is_the_systems_choice_until_the_switch_says_otherwise(page, tab):
    def back():
        return tab.run("return getComputedStyle(document.body).backgroundColor")

    light = tab.open(page) and back()
    dark = tab.open(page, dark=True) and back()
    assert dark != light
    tab.click("[data-theme-switch]")
    assert back() == light
    tab.open(page, dark=True)
    assert back() == light, "the choice is kept"


def test_a_narrow_screen_needs_no_sideways_scrolling(page, tab):
    tab.open(page, width=360, height=740)
    tab.eventually(lambda: tab.count(".chart svg path") > 100, "the chart is drawn")
    assert tab.run("return document.documentElement.scrollWidth") <= 360


def test_labels_are_chinese_where_asked_for(page, tab):
    tab.open(page + "?lang=zh")
    assert "概览" in tab.text("nav")
    assert tab.run("return document.documentElement.lang") == "zh-CN"
    tab.click(".tools a")
    tab.eventually(lambda: "Overview" in tab.text("nav"), "the switch leads to English")


def test_the_keyboard_reaches_everything_in_order(page, tab):
    from selenium.webdriver.common.keys import Keys

    tab.open(page)
    first = []
    for _ in range(8):
        tab.chrome.switch_to.active_element.send_keys(Keys.TAB)
        first.append(tab.run("return document.activeElement.textContent.trim()"))
    assert first[0] == "Skip to content"
    assert first[2:5] == ["Overview", "Job health", "Dead letters"]
    assert tab.run("return getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_an_address_that_leads_nowhere_leads_back(page, tab):
    import urllib.error
    import urllib.request

    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(page + "nowhere", timeout=20)
    tab.open(page + "nowhere")
    assert "no such page" in tab.text(".message")
    tab.click(".message a")
    tab.eventually(lambda: tab.text(".tiles .big") == "631", "the overview")


def test_many_tabs_see_the_same_commit(shop, serve_page, tab):
    served = serve_page(shop.url)
    tab.open(served.address + "?source=tickets")
    first = tab.chrome.current_window_handle
    tab.chrome.switch_to.new_window("tab")
    try:
        tab.open(served.address + "?source=posts")
        shop.hear(60, 5, "positive", source="posts")
        tab.shows(".tiles .big", "125", within_s=2)
        shop.hear(60, 5, "positive", source="tickets")
    finally:
        tab.chrome.close()
        tab.chrome.switch_to.window(first)
    tab.shows(".tiles .big", "275", within_s=2)


def test_focus_stays_where_it_is_while_numbers_change(shop, serve_page, tab):
    tab.open(serve_page(shop.url).address)
    tab.run("document.querySelector('.topics th a').focus()")
    before = tab.run("return document.activeElement.textContent")
    shop.hear(60, 7)
    tab.shows(".tiles .big", "638", within_s=2)
    tab.eventually(lambda: "277" in tab.text(".topics"), "the panel has changed")
    assert tab.run("return document.activeElement.textContent") == before == "delivery"


def test_what_is_clicked_before_the_server_listens_is_shown_all_the_same(page, tab):
    tab.open(page)
    tab.run("history.pushState(null, '', '?source=reviews')")   # an event that was lost
    tab.shows(".tiles .big", "240")


def test_a_range_of_ones_own_keeps_the_other_filters(page, tab):
    tab.open(page + "?source=tickets&lang=en")
    tab.run("""document.querySelector('#own').open = true;
               document.querySelector('#own [name=from]').value = '2026-06-01T00:10';
               document.querySelector('#own [name=to]').value = '2026-06-01T00:20';
               document.querySelector('#own button').click()""")
    tab.shows(".tiles .big", "30")
    tab.shows("#own summary", "2026-06-01 00:10 – 2026-06-01 00:20")
    assert "source=tickets" in tab.address and "lang=en" in tab.address
    assert tab.count(".spans [aria-current]") == 0


@pytest.mark.parametrize(("path", "title"), [
    ("", "Overview · shop · textpulse"), ("job?lang=zh", "作业状态 · shop · textpulse"),
    ("dead-letters", "Dead letters · shop · textpulse")])
def test_each_page_has_a_name(page, tab, path, title):
    tab.open(page + path)
    assert tab.chrome.title == title


def test_a_store_that_is_written_all_the_time_is_a_page_like_any_other(shop, serve_page, tab):
    import threading

    tab.open(serve_page(shop.url).address)
    writer = threading.Thread(target=lambda: [shop.hear(60 + number % 3, 1) for number in range(150)])
    writer.start()
    for link, name in ((".topics th a", "delivery"), (".legend a", "tickets"), (".spans a", "15 min")):
        tab.click(link, name)
    tab.eventually(lambda: "range=15m" in tab.address, "the links are followed")
    tab.eventually(lambda: tab.count(".clear") == 1, "the filters are shown")
    tab.click(".clear")
    writer.join()
    tab.shows(".tiles .big", "781")
    assert tab.complaints() == []


def test_samples_of_what_is_chosen_have_their_entities_and_telling_words_marked(page, tab):
    def samples(selector):
        return set(tab.run("return [...document.querySelectorAll(arguments[0])].map(one => one.textContent)", selector))

    tab.open(f"{page}?entity=brand:Acme")
    assert samples(".samples mark") == {"Acme"}
    tab.open(f"{page}?term=parcel")
    assert samples(".samples strong") == {"parcel"}
    assert all("parcel" in text for text in samples(".samples p"))
    assert samples(".samples li > small") and tab.count(".samples li.negative") == tab.count(".samples li")


@pytest.mark.model
def test_with_explain_the_words_that_carried_a_sample_s_sentiment_are_bold_and_the_legend_names_the_model(shop, serve_page, tab):
    for at, (feeling, text) in enumerate([("negative", "[person] says 质量太差 😡 <i>awful</i>"), ("positive", "awful, truly awful")]):
        cell = Cell(1, int(feeling == "negative"), 0, int(feeling == "positive"), samples=((at, f"said-{at}"),),
                    texts={f"said-{at}": Text(text, SENTIMENTS.index(feeling))})
        key = UnitKey((START + 58) * MINUTE, "texts/1", f"forum-{at}", "")
        shop.store.write_units(shop.job, 0, [(key, Unit(1, at, {("zh", "card"): cell}))], (START + 59) * MINUTE)
    tab.open(f"{serve_page(shop.url, 'shop', '--explain').address}?topic=card")
    texts, bold = tab.run("""const texts = [...document.querySelectorAll('.samples p')];
        return [texts.map(one => one.textContent), texts.map(one => [...one.querySelectorAll('strong')].map(b => b.textContent))]""")
    assert texts == ["[person] says 质量太差 😡 <i>awful</i>", "awful, truly awful"]
    assert "太差" in bold[0] and "awful" in bold[0] and not {"person", "[person]"} & {*bold[0]}
    assert tab.count(".samples li:nth-child(1) .instead") == 0
    assert tab.text(".samples li:nth-child(2) .instead") == "(by this model Negative)"
    notes = tab.run("return [...document.querySelectorAll('.note')].map(one => one.textContent)")
    assert any("bold: words that carried the sentiment, by model fast " in note for note in notes)
    assert tab.complaints() == []
