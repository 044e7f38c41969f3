"""The page in a real browser behind its guard: it works whole with credentials, and scripts of strangers do not run."""
from urllib.parse import urlsplit

import pytest

from dashboards.guard.credentials import Credentials
from dashboards.guard.hosts import Names, listen
from dashboards.guard.judge import Policy
from pipelines.endpoint import Endpoint

TOKEN = "4be1a7f09c3d52e8b6401f7a"
METRICS = b"# TYPE textpulse_consumer_lag_records gauge\ntextpulse_consumer_lag_records{topic=\"t\",partition=\"0\"} 4321\n"


@pytest.fixture
def metrics():
    """The address of metrics that demand the token."""
    where = listen("127.0.0.1", 0)
    Endpoint(Policy(Names(), Credentials(token=TOKEN)), lambda _: (METRICS, "text/plain")).start(where)
    return f"http://127.0.0.1:{where.getsockname()[1]}/metrics"


@pytest.fixture
def locked(shop, tmp_path, metrics, serve_page, monkeypatch):
    """The address of a page that demands the token; a browser that knows it asks with it."""
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    return serve_page(shop.url, "shop", "--http-token-file", str(tmp_path / "token"), "--metrics", metrics).address


def known(address, secret=TOKEN):
    """As one types it: the browser keeps what it is told, and answers the challenge with it."""
    return address.replace("http://", f"http://anyone:{secret}@")


def test_without_credentials_a_browser_sees_nothing(locked, tab):
    tab.chrome.get(known(locked, "wrong"))
    assert tab.count("script, .tiles, #app") == 0 and "nicegui" not in tab.chrome.page_source


def test_with_the_token_as_a_password_the_page_lives_and_the_console_is_silent(locked, shop, tab):
    tab.open(known(locked))
    tab.shows(".tiles .big", "631")
    tab.eventually(lambda: tab.count(".chart svg path") > 100, "the chart is drawn")
    tab.click(".topics a", "quality")          # by the websocket
    tab.shows(".tiles .big", "240")
    shop.hear(60, 5, "positive", topic="quality")
    tab.shows(".tiles .big", "245")            # pushed by the server
    assert {host.rpartition("@")[2] for host in tab.hosts()} == {urlsplit(locked).netloc}
    assert tab.complaints() == []


def test_the_page_reads_metrics_that_demand_the_same_credentials(locked, tab):
    tab.open(known(locked) + "job")
    tab.shows("#content", "4,321")
    assert tab.complaints() == []


@pytest.mark.parametrize("path", ["", "job", "dead-letters", "nothing"])
def test_every_page_is_silent_under_its_policy(page, tab, path):
    tab.open(page + path)
    tab.eventually(lambda: tab.run("return document.readyState") == "complete", "the page is there")
    assert [said for said in tab.complaints() if "404" not in said] == []


@pytest.mark.parametrize("smuggled", [
    "const one = document.createElement('script'); one.textContent = 'window.smuggled = true'; document.body.append(one)",
    "document.body.insertAdjacentHTML('beforeend', '<img src=\"data:,\" onerror=\"window.smuggled = true\">')",
    "document.body.insertAdjacentHTML('beforeend', '<button id=pressed onclick=\"window.smuggled = true\">x</button>');"
    "document.getElementById('pressed').click()",
    "const one = document.createElement('script'); one.src = 'https://127.0.0.1:9/x.js'; document.body.append(one)",
    "location.href = 'javascript:window.smuggled = true'"])
def test_a_script_that_is_smuggled_into_the_page_does_not_run(page, tab, smuggled):
    tab.open(page)
    tab.run("window.broken = []; document.addEventListener('securitypolicyviolation', e => window.broken.push(e.effectiveDirective))")
    tab.run(smuggled)
    tab.eventually(lambda: any("script-src" in one for one in tab.run("return window.broken")), "the browser says no")
    assert tab.run("return window.smuggled") is None


def test_the_page_sends_nothing_elsewhere_and_stands_in_no_frame(page, tab):
    tab.open(page)
    assert tab.run("return fetch('http://127.0.0.1:9/').then(() => 'sent', () => 'not sent')") == "not sent"
    tab.run("const one = document.createElement('iframe'); one.src = '/'; one.id = 'framed'; document.body.append(one)")
    tab.eventually(lambda: any("frame" in said for said in tab.complaints()), "the browser says no")
