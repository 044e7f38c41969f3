"""The page's server, asked by raw sockets: whatever comes, each gets an answer or the door, and the page goes on."""
import base64
import re
import ssl
import subprocess
import time
import urllib.request
from contextlib import ExitStack

import pytest

from dashboards.page import server
from tests.dashboards.page.wire import Talk, call, get, headers_of, is_safe, said, upgrade
from tests.wire import status

TOKEN = "4be1a7f09c3d52e8b6401f7a"


def test_every_answer_has_the_headers_and_only_files_are_kept(page):
    whole = said(page, get())
    assert status(whole) == 200 and is_safe(whole)
    policy = headers_of(whole)["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
    assert "unsafe-inline" not in policy.split("script-src")[1].split(";")[0] and "http" not in policy
    assert headers_of(whole)["Cache-Control"] == "no-store"
    file = re.search(rb"/_nicegui/[^/]+/static/nicegui\.js", whole).group().decode()
    asked = said(page, get(file))
    assert status(asked) == 200 and is_safe(asked) and "max-age" in headers_of(asked)["Cache-Control"]
    assert headers_of(said(page, get(file + "x")))["Cache-Control"] == "no-store"


def test_a_nonce_is_of_one_answer_and_on_every_script(page):
    answers = [said(page, get()).decode() for _ in range(2)]
    nonces = [re.search(r"'nonce-([^']+)'", answer).group(1) for answer in answers]
    assert nonces[0] != nonces[1]
    for answer, nonce in zip(answers, nonces, strict=True):
        scripts = re.findall(r"<script[^>]*>", answer)
        assert len(scripts) > 5 and all(f"nonce=\"{nonce}\"" in script.replace("'", '"') for script in scripts)


@pytest.mark.parametrize(("request_", "wanted"), [
    (b"nonsense\r\n\r\n", 400), (b"GET\r\n\r\n", 400), (b"GET / HTTP/1.1\r\nHost localhost\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\n\r\n", 400), (b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n", 400),
    (b"GET /\x00 HTTP/1.1\r\nHost: localhost\r\n\r\n", 400), (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
    (get("/%zz"), 400), (get("/%00"), 400), (get("/_nicegui_ws/%00", method="POST"), 400), (get("/%0d%0aX:1"), 400),
    (get("http://localhost/"), 400), (get("*", method="OPTIONS"), 400), (get("/" + "a" * 20_000), 431),
    (get("/", *(f"X-{number}: {'y' * 100}" for number in range(1_000))), 431), (b"A" * 200_000, 431),
    (get(method="POST"), 405), (get(method="PUT"), 405), (get(method="TRACE"), 405), (get("/job", method="OPTIONS"), 405),
    (get("/", "Content-Length: 5") + b"hello", 413), (get("/", "Transfer-Encoding: chunked") + b"0\r\n\r\n", 413),
    (get("/_nicegui_ws/socket.io/?EIO=4&transport=polling", "Content-Length: 70000", method="POST") + b"x" * 70_000, 413),
    (get("/_nicegui_ws/socket.io/?EIO=4&transport=polling", "Transfer-Encoding: chunked", method="POST")
     + b"11170\r\n" + b"x" * 70_000 + b"\r\n0\r\n\r\n", 413),
    (get("/_nicegui_ws/socket.io/?EIO=4&transport=polling&sid=nobody", "Content-Length: 2", method="POST") + b"xx", 400),
    (get("/_nicegui_ws/socket.io/?EIO=9&transport=polling"), 400),
    (get("/nothing"), 404), (get("/nothing?client=1&request=2"), 404), (get("/../../etc/passwd"), 404), (get("/_nicegui/x/static/a"), 404),
    (get("/_nicegui/3.18.0/components/nothing"), 404), (get("/_nicegui/3.18.0/resources/x/..%2f..%2fetc"), 404),
    (get("/openapi.json"), 404), (get("/docs"), 404), (get("/?source=%00%ff"), 200), (get("/?after=%00"), 200), (get("/?a=b&a=b"), 200),
    (get(host="evil.example"), 421), (get(host="127.0.0.1.evil.example"), 421), (get("/", "Origin: http://evil.example"), 403),
    (get("/_nicegui_ws/socket.io/?EIO=4&transport=polling", "Origin: http://evil.example"), 403)],
    ids=lambda value: str(value)[:60])
def test_wrong_requests_are_answered_without_a_word_too_much_and_the_page_goes_on(page, request_, wanted):
    answer = said(page, request_)
    assert status(answer) == wanted
    assert is_safe(answer)
    assert status(said(page, get())) == 200


def test_a_prefix_that_somebody_sends_is_in_no_page(page):
    answer = said(page, get("/", "X-Forwarded-Prefix: //evil.example", "X-Forwarded-Host: evil.example"))
    assert status(answer) == 200 and b"evil.example" not in answer


@pytest.fixture(scope="module")
def locked(tmp_path_factory, serve_long):
    """The address of a page that demands a token."""
    folder = tmp_path_factory.mktemp("locked")
    (folder / "token").write_text(TOKEN)
    return serve_long(f"sqlite:///{folder}/none.db", "shop", "--http-token-file", str(folder / "token")).address


def test_nothing_is_shown_without_credentials_not_even_a_file_or_a_missing_page(locked):
    for target in ("/", "/job", "/nothing", "/_nicegui/3.18.0/static/nicegui.js", "/favicon.ico",
                   "/_nicegui_ws/socket.io/?EIO=4&transport=polling"):
        answer = said(locked, get(target))
        assert status(answer) == 401 and is_safe(answer) and "Basic" in headers_of(answer)["Www-Authenticate"]
        assert status(said(locked, get(target, "Authorization: Bearer wrong"))) == 401
    for given in ((), ("Authorization: Basic eDp5",)):
        answer = said(locked, upgrade(*given))
        assert status(answer) == 401 and is_safe(answer)


def test_the_token_lets_in_as_a_bearer_and_as_a_password(locked):
    for given in (f"Authorization: Bearer {TOKEN}", "Authorization: Basic " + base64.b64encode(f"me:{TOKEN}".encode()).decode()):
        assert status(said(locked, get("/", given))) == 200
        Talk(locked, given).socket.close()


def test_where_websockets_do_not_pass_polling_does_with_the_same_checks(locked):
    path, known = "/_nicegui_ws/socket.io/?EIO=4&transport=polling", f"Authorization: Bearer {TOKEN}"
    opened = said(locked, get(path, known, "Origin: http://localhost"))
    assert status(opened) == 200 and is_safe(opened) and "Access-Control-Allow-Origin" not in headers_of(opened)
    sid = re.search(rb'"sid":"([^"]+)"', opened).group(1).decode()
    post = get(f"{path}&sid={sid}", known, "Content-Length: 2", "Content-Type: text/plain", method="POST") + b"40"
    assert status(said(locked, post.replace(known.encode(), b"X: y"))) == 401
    assert status(said(locked, post)) == 200


def test_on_every_address_it_asks_for_credentials_and_takes_addresses_but_no_strange_name(tmp_path, serve_page):
    (tmp_path / "password").write_text("correct horse battery 9\n")
    served = serve_page(f"sqlite:///{tmp_path}/none.db", "shop", "--page-host", "0.0.0.0", "--http-user", "ann",
                        "--http-password-file", str(tmp_path / "password"), "--http-hosts", "page.example.com")
    assert "unencrypted" in served.log[0] and "correct" not in "".join(served.log)
    known = "Authorization: Basic " + base64.b64encode(b"ann:correct horse battery 9").decode()
    for host, given, wanted in (("192.0.2.1", (known,), 200), ("page.example.com", (known,), 200), ("localhost", (known,), 200),
                                ("192.0.2.1", (), 401), ("evil.example", (known,), 421)):
        assert status(said(served.address.replace("0.0.0.0", "127.0.0.1"), get("/", *given, host=host))) == wanted


def test_by_tls_the_page_is_served(tmp_path, serve_page):
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                    "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert],
                   check=True, capture_output=True)
    served = serve_page(f"sqlite:///{tmp_path}/none.db", "shop", "--http-cert-file", str(cert), "--http-key-file", str(key))
    assert served.address.startswith("https://")
    with ExitStack() as held:
        for _ in range(50):   # handshakes that never come
            held.enter_context(call(served.address))
        with urllib.request.urlopen(served.address, timeout=20, context=ssl.create_default_context(cafile=str(cert))) as answer:
            assert answer.status == 200
        assert said(served.address, get()) == b""


def test_an_error_is_a_number_that_stands_in_the_log_and_nothing_more(tmp_path, serve_page, eventually):
    """The job's name is one that no page can show: a page builder fails on it."""
    served = serve_page(f"sqlite:///{tmp_path}/none.db", "\udcff")
    answer = said(served.address, get())
    number = answer.rpartition(b"under ")[2].strip(b".\n").decode()
    assert status(answer) == 500 and is_safe(answer) and b"UTF-8" not in answer
    eventually(lambda: any(number in line for line in served.log), "the number is in the log")
    eventually(lambda: any("TypeError" in line for line in served.log), "the log says why")


@pytest.fixture
def fresh(tmp_path, serve_page):
    """A page of its own: the test uses up what a client may ask."""
    return serve_page(f"sqlite:///{tmp_path}/none.db").address


def test_of_many_quick_requests_most_are_refused_and_other_clients_are_served(fresh):
    begun, answers = time.monotonic(), []
    while len(answers) < 3_000:
        forged = f"X-Forwarded-For: 10.{len(answers) // 65_536}.{len(answers) // 256 % 256}.{len(answers) % 256}"
        answer = said(fresh, get("/_nicegui/x", forged), "127.0.0.1")
        answers.append(status(answer))
        assert status(answer) == 404 or b"retry-after: 1\r\n" in answer
    assert 300 <= answers.count(404) <= 300 + 50 * (time.monotonic() - begun) + 1
    assert set(answers) == {404, 429}
    assert status(said(fresh, get())) == 200


def test_idle_connections_leave_room_for_others_and_are_closed(fresh):
    with ExitStack() as held:
        idle = [held.enter_context(call(fresh, client="127.0.0.1")) for _ in range(500)]
        refused = [talk.recv(4_096) for talk in idle[server.CONNECTIONS_EACH:]]
        assert all(status(answer) == 503 and is_safe(answer) for answer in refused)
        assert status(said(fresh, get())) == 200
        assert all(status(talk.recv(4_096)) == 408 for talk in idle[:server.CONNECTIONS_EACH])
    assert status(said(fresh, get())) == 200


def test_a_request_in_drops_and_a_body_in_drops_are_cut_off(fresh):
    body = get("/_nicegui_ws/socket.io/?EIO=4&transport=polling", "Content-Length: 60000", method="POST")
    with ExitStack() as held:
        talks = [held.enter_context(call(fresh, 0.1)) for _ in range(2)]
        for talk, first in zip(talks, (b"GET / HTTP/1.1\r\n", body), strict=True):
            talk.sendall(first)
        answers, begun = [b"", b""], time.monotonic()
        while not all(answers) and time.monotonic() - begun < 40:
            for at, talk in enumerate(talks):
                if answers[at]:
                    continue
                try:
                    talk.sendall(b"X")
                    answers[at] = talk.recv(4_096)
                except TimeoutError:
                    continue
    assert [status(answer) for answer in answers] == [408, 408]
