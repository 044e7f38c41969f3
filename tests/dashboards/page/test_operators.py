"""Job health and dead letters in a real browser; and what the page says when there is little to say."""
import sqlite3
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from insights.store import Store

ANSWER = """\
# TYPE textpulse_records_total counter
textpulse_records_total{source="tickets",outcome="counted"} %d
textpulse_consumer_lag_records{topic="texts",partition="0"} 40
textpulse_consumer_lag_records{topic="texts",partition="1"} 2
textpulse_watermark_age_seconds 3.5
textpulse_oldest_open_window_age_seconds 0
textpulse_broker_unreachable_seconds 0
textpulse_model_info{model="fast",version="2026.1",tier="fast"} 1
textpulse_restarts_total{cause="failure"} 2
textpulse_inference_seconds_bucket{model="fast",version="2026.1",le="0.01"} 90
textpulse_inference_seconds_bucket{model="fast",version="2026.1",le="0.1"} 100
textpulse_inference_seconds_bucket{model="fast",version="2026.1",le="+Inf"} 100
textpulse_inference_seconds_sum{model="fast",version="2026.1"} 0.8
textpulse_inference_seconds_count{model="fast",version="2026.1"} 100
"""


@pytest.fixture
def metrics():
    """A metrics endpoint whose counter grows by 100 with every answer."""
    records = [0]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            records[0] += 100
            self.send_response(200)
            self.end_headers()
            self.wfile.write((ANSWER % records[0]).encode())

        def log_message(self, *args):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_job_health_shows_the_metrics_and_says_when_they_stop(shop, serve_page, tab, metrics):
    address = f"http://127.0.0.1:{metrics.server_port}/metrics"
    tab.open(serve_page(shop.url, "shop", "--metrics", address).address + "job")
    tab.shows(".health", "running")
    tab.shows(".health", "42")          # lag, over partitions
    tab.shows(".health", "3.5 s")       # the watermark's age
    tab.shows(".columns", "fast 2026.1")
    tab.shows(".columns", "8 ms mean")
    tab.eventually(lambda: "–" not in tab.text(".health"), "the rate is known after a second look")
    metrics.shutdown()
    metrics.server_close()
    tab.shows(".message", f"{address} does not answer")
    tab.shows(".health", "no answer")
    tab.shows(".health", "behind the clock, by the store")
    assert tab.complaints() == []


def test_the_books_are_those_of_verify(page, tab):
    tab.open(page + "job")
    tab.shows(".columns", "Records read")
    assert "missing_field 120" in tab.text(".columns")


def test_dead_letters_are_paged_newest_first_with_their_detail(page, tab):
    tab.open(page + "dead-letters")
    tab.eventually(lambda: tab.count("details.letter") == 50, "a page of letters")
    assert "texts/0 · 119" in tab.text("details.letter summary")
    for left in (50, 20):
        tab.click(".pager a", "Older")
        tab.eventually(lambda left=left: tab.count("details.letter") == left and f"· {69 if left == 50 else 19}"
                       in tab.text("details.letter summary"), "the next page")
    assert "after=" in tab.address
    tab.click("details.letter summary")
    assert "<script>alert(1)</script>" in tab.text("details.letter dl")
    tab.click(".pager a", "Newest")
    tab.eventually(lambda: "texts/0 · 119" in tab.text("details.letter summary"), "the first page again")


def test_dead_letters_of_one_reason(page, tab):
    tab.open(page + "dead-letters?reason=late")
    tab.shows(".columns", "No dead letters")
    tab.click(".reasons a", "missing_field")
    tab.eventually(lambda: tab.count("details.letter") == 50, "its letters")
    assert "reason=missing_field" in tab.address


def test_an_open_letter_stays_open_while_others_come(shop, serve_page, tab):
    shop.refuse(3, "malformed", "not JSON")
    tab.open(serve_page(shop.url).address + "dead-letters")
    tab.eventually(lambda: tab.count("details.letter") == 3, "the letters")
    tab.click("details.letter summary")
    shop.refuse(5, "malformed", "not JSON")
    tab.eventually(lambda: tab.count("details.letter") == 5, "two more")
    assert tab.count("details.letter[open]") == 1
    assert "· 2" in tab.text("details.letter[open] summary")


def test_a_store_that_comes_later_is_shown_when_it_is_there(tmp_path, serve_page, tab):
    url = f"sqlite:///{tmp_path / 'later.db'}"
    tab.open(serve_page(url).address)
    tab.shows(".message", "there is no such file")
    assert not (tmp_path / "later.db").exists()
    store = Store(url)
    tab.shows(".message", "no such job")
    store.open_job("shop", "stream", 60_000_000, 0)
    tab.shows(".message", "holds no window yet")
    store.close()


def test_a_job_that_is_not_there_names_those_that_are(shop, serve_page, tab):
    tab.open(serve_page(shop.url, "another").address)
    tab.shows(".message", "it has: shop")


def test_a_store_of_an_older_schema_says_what_upgrades_it(shop, tmp_path, serve_page, tab):
    with sqlite3.connect(tmp_path / "shop.db") as db:
        db.execute("update schema_version set version = 2")
    tab.open(serve_page(shop.url).address)
    tab.shows(".message", "schema 2")


def test_a_store_that_goes_away_leaves_its_last_words_and_comes_back(shop, tmp_path, serve_page, tab):
    tab.open(serve_page(shop.url).address)
    tab.shows(".tiles .big", "631")
    shop.store.close()
    (tmp_path / "shop.db").rename(tmp_path / "away.db")
    tab.shows(".message", "cannot be read now")
    assert tab.text(".tiles .big") == "631"
    (tmp_path / "away.db").rename(tmp_path / "shop.db")
    tab.eventually(lambda: tab.count(".message") == 0, "the message goes")
    tab.shows(".tiles .big", "631")


def test_one_window_is_a_page(tmp_path, serve_page, tab):
    from insights.cells import Cell, Unit
    from insights.store import UnitKey

    store = Store(f"sqlite:///{tmp_path / 'one.db'}")
    store.open_job("shop", "stream", 60_000_000, 0)
    store.write_units("shop", 0, [(UnitKey(0, "texts/0", "tickets", ""), Unit(1, 0, {("en", "price"): Cell(1, 0, 1)}))], 1)
    tab.open(serve_page(store.url).address)
    tab.shows(".tiles .big", "1")
    assert tab.complaints() == []
    store.close()


def test_a_gap_of_years_in_the_clock_is_an_axis_and_not_a_million_bars(shop, serve_page, tab):
    shop.hear(-60 * 24 * 365 * 3)
    tab.open(serve_page(shop.url).address + "?range=all")
    tab.shows(".tiles .big", "632")
    tab.eventually(lambda: 0 < tab.count(".chart svg path") < 1_000, "the chart is drawn")
