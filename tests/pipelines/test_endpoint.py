"""The server of the metrics, asked by raw sockets: whatever comes, each gets an answer or the door, and the next scrape is served."""
import base64
import gzip
import secrets
import socket
import ssl
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.guard.answers import HEADERS
from dashboards.guard.credentials import Credentials
from dashboards.guard.hosts import Names, listen
from dashboards.guard.judge import Asked, Policy
from pipelines import endpoint
from pipelines.endpoint import BURST, CONNECTIONS_EACH, BadRequest, Endpoint, request_of
from tests.wire import exchanged, status

TOKEN = "tok-8f3a9c2e71b0d465"
BODY = b"textpulse_records_total 7.0\n" * 500
Start = Callable[..., int]


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> Start:
    """start(): an endpoint on a port of its own, without a limit of requests unless asked for."""
    def started(credentials: Credentials | None = None, render: Callable[[str], tuple[bytes, str]] = lambda _: (BODY, "text/plain"),
                tls: ssl.SSLContext | None = None, burst: float = 1e9) -> int:
        monkeypatch.setattr(endpoint, "BURST", burst)
        where = listen("127.0.0.1", 0)
        Endpoint(Policy(Names(), credentials), render, tls).start(where)
        return int(where.getsockname()[1])

    return started


def said(port: int, request: bytes, within_s: float = 20.0) -> bytes:
    """What comes back until the server closes; what it takes back by a reset is not counted."""
    return exchanged(socket.create_connection(("127.0.0.1", port), within_s), request)


def get(target: str = "/metrics", *headers: str, method: str = "GET", host: str = "localhost") -> bytes:
    return "\r\n".join([f"{method} {target} HTTP/1.1", f"Host: {host}", *headers, "", ""]).encode()


def served(port: int, *headers: str) -> bool:
    answer = said(port, get("/metrics", *headers))
    return status(answer) == 200 and answer.endswith(BODY)


def test_prometheus_gets_the_metrics_with_every_header_of_safety(start: Start) -> None:
    port = start()
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        assert answer.read() == BODY
        assert HEADERS.items() <= dict(answer.headers).items()
        assert "Server" not in answer.headers
    packed = said(port, get("/metrics", "Accept-Encoding: gzip"))
    assert gzip.decompress(packed.partition(b"\r\n\r\n")[2]) == BODY
    head = said(port, get(method="HEAD"))
    assert status(head) == 200 and head.endswith(b"\r\n\r\n") and f"Content-Length: {len(BODY)}".encode() in head


@pytest.mark.parametrize(("request_", "wanted"), [
    (b"nonsense\r\n\r\n", 400), (b"GET\r\n\r\n", 400), (b"GET / HTTP/2.0\r\n\r\n", 400), (b"GET / HTTP/1.1\r\nHost localhost\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\nHost: localhost\r\n folded\r\n\r\n", 400), (b"GET / HTTP/1.1\r\nHost : localhost\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\n\r\n", 400), (b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n", 400),
    (b"GET /\x00 HTTP/1.1\r\nHost: localhost\r\n\r\n", 400), (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: \x00\r\n\r\n", 400),
    (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400), (b"\x00" * 200 + b"\r\n\r\n", 400),
    (get("/%zz"), 400), (get("/%00"), 400), (get("/%0d%0aX:1"), 400), (get("metrics"), 400), (get("http://localhost/metrics"), 400),
    (get("*", method="OPTIONS"), 400), (get("/m\xe9trics"), 400), (get("/" + "a" * 60_000), 431),
    (get("/metrics", *(f"X-{number}: {'y' * 100}" for number in range(1_000))), 431), (b"A" * 200_000, 431),
    (get("/metrics", method="POST"), 405), (get("/metrics", method="DELETE"), 405), (get("/metrics", method="TRACE"), 405),
    (get("/metrics", "Content-Length: 5") + b"hello", 413), (get("/metrics", "Transfer-Encoding: chunked") + b"0\r\n\r\n", 413),
    (get("/metrics", "Content-Length: -1"), 413), (get("/metrics", "Content-Length: " + "9" * 5_000), 413),
    (get("/nothing"), 404), (get("/../../etc/passwd"), 404), (get("/metrics", host="evil.example"), 421),
    (get("/metrics", "Origin: http://evil.example"), 403), (get("/metrics", "Origin: null"), 403)], ids=lambda value: str(value)[:50])
def test_wrong_requests_are_answered_in_a_line_and_the_next_one_is_served(start: Start, request_: bytes, wanted: int) -> None:
    port = start()
    answer = said(port, request_)
    assert status(answer) == wanted
    head, _, body = answer.partition(b"\r\n\r\n")
    assert all(f"{name}: {value}".encode() in head for name, value in HEADERS.items())
    assert body.count(b"\n") == 1 and b"Traceback" not in answer and b"python" not in answer.lower()
    assert served(port)


def test_who_breaks_off_gets_nothing_and_harms_nobody(start: Start) -> None:
    port = start()
    for part in (b"", b"GET /met", b"GET /metrics HTTP/1.1\r\nHost: loc"):
        with socket.create_connection(("127.0.0.1", port)) as talk:
            talk.sendall(part)
    assert served(port)


def test_credentials_are_demanded_on_loopback_too_and_both_ways_work(start: Start) -> None:
    port = start(Credentials(token=TOKEN))
    refused = said(port, get())
    assert status(refused) == 401 and b"WWW-Authenticate: Basic" in refused and b"Bearer" in refused
    assert status(said(port, get("/metrics", "Authorization: Bearer wrong"))) == 401
    assert status(said(port, get("/metrics", f"Authorization: Bearer {TOKEN}", "Authorization: Bearer x"))) == 401
    assert served(port, f"Authorization: Bearer {TOKEN}")
    assert served(port, "Authorization: Basic " + base64.b64encode(f"prometheus:{TOKEN}".encode()).decode())


def test_an_error_is_a_number_that_stands_in_the_log(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    def fails(accept: str) -> tuple[bytes, str]:
        raise ValueError("postgresql://user:secret@host")

    answer = said(start(render=fails), get())
    number = answer.rpartition(b"under ")[2].strip(b".\n").decode()
    assert status(answer) == 500 and b"secret" not in answer and b"ValueError" not in answer
    assert number and number in caplog.text and "ValueError" in caplog.text


def test_of_ten_thousand_quick_requests_few_are_rendered(start: Start) -> None:
    rendered: list[str] = []
    port = start(render=lambda accept: (rendered.append(accept) or b"x\n", "text/plain"), burst=BURST)
    begun, answers = time.monotonic(), list[int]()

    def ask() -> None:
        for _ in range(1_250):
            answer = said(port, get())
            answers.append(status(answer))
            assert status(answer) != 429 or b"Retry-After: 1\r\n" in answer

    askers = [threading.Thread(target=ask) for _ in range(8)]
    for one in askers:
        one.start()
    for one in askers:
        one.join()
    allowed = BURST + endpoint.PER_SECOND * (time.monotonic() - begun) + 1
    assert len(answers) == 10_000 and set(answers) == {200, 429}
    assert 0 < len(rendered) == answers.count(200) <= allowed


def test_idle_connections_leave_room_for_others_and_are_closed(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint, "HEAD_WITHIN_S", 6.0)   # longer than 500 connections take on a busy machine
    port = start()
    with ExitStack() as held:
        idle = [held.enter_context(socket.create_connection(("127.0.0.1", port), 20)) for _ in range(500)]
        refused = sum(b" 503 " in talk.recv(4_096) for talk in idle[CONNECTIONS_EACH:])
        assert refused == 500 - CONNECTIONS_EACH
        with socket.socket() as other:   # another client than 127.0.0.1 has room
            other.bind(("127.0.0.2", 0))
            other.connect(("127.0.0.1", port))
            other.sendall(get())
            assert b" 200 " in other.recv(64)
        assert all(b" 408 " in talk.recv(4_096) for talk in idle[:CONNECTIONS_EACH])
    assert served(port)


def test_a_request_in_drops_is_cut_off_in_time(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint, "HEAD_WITHIN_S", 0.5)
    port = start()
    with socket.create_connection(("127.0.0.1", port), 20) as talk:
        talk.sendall(b"GET /metrics HTTP/1.1\r\n")
        talk.settimeout(0.05)
        answer, begun = b"", time.monotonic()
        while not answer and time.monotonic() - begun < 15:   # each drop comes before a timeout of a single read would
            talk.sendall(b"X")
            try:
                answer = talk.recv(4_096)
            except TimeoutError:
                continue
    assert b" 408 " in answer


def test_who_does_not_read_is_cut_off(start: Start, monkeypatch: pytest.MonkeyPatch, eventually: Callable[..., None]) -> None:
    monkeypatch.setattr(endpoint, "SENT_WITHIN_S", 0.5)
    port = start(render=lambda _: (b"x" * 8_000_000, "text/plain"))
    with ExitStack() as held:
        for _ in range(CONNECTIONS_EACH):
            talk = held.enter_context(socket.socket())
            talk.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            talk.connect(("127.0.0.1", port))
            talk.sendall(get(method="GET"))
        eventually(lambda: status(said(port, get("/nothing"))) == 404, "there is room again")


@pytest.mark.parametrize("tls", [False, True])
def test_who_reads_slowly_gets_all_of_a_large_answer(start: Start, pair: tuple[Path, Path], tls: bool) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*pair)
    body = secrets.token_bytes(12_000_000)
    port = start(render=lambda _: (body, "text/plain"), tls=context if tls else None)
    trust = ssl.create_default_context(cafile=str(pair[0]))
    with socket.socket() as plain_:
        plain_.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8_192)
        plain_.connect(("127.0.0.1", port))
        with trust.wrap_socket(plain_, server_hostname="localhost") if tls else plain_ as talk:
            talk.sendall(get())
            answer = b"".join(iter(lambda: talk.recv(4_096), b""))
    assert answer.partition(b"\r\n\r\n")[2] == body


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Path]]:
    """(certificate of localhost, its key)."""
    folder = tmp_path_factory.mktemp("tls")
    cert, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                    "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key, "-out", cert],
                   check=True, capture_output=True)
    return cert, key


def test_by_tls_they_are_served_and_idle_handshakes_harm_nobody(start: Start, pair: tuple[Path, Path]) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*pair)
    port = start(tls=context)
    trust = ssl.create_default_context(cafile=str(pair[0]))
    with ExitStack() as held:
        for _ in range(CONNECTIONS_EACH // 2):
            held.enter_context(socket.create_connection(("127.0.0.1", port)))
        assert said(port, get()) == b""   # who speaks in plain gets nothing
        with urllib.request.urlopen(f"https://localhost:{port}/metrics", timeout=10, context=trust) as answer:
            assert answer.read() == BODY


@given(st.binary(max_size=300))
def test_any_bytes_are_a_request_or_a_bad_one(head: bytes) -> None:
    try:
        found = request_of(head + b"\r\n\r\n", "a")
    except BadRequest:
        return
    assert isinstance(found, Asked)


TOKENS = st.text("abcdefghijklmnopqrstuvwxyz-", min_size=1, max_size=10)
VALUES = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7e), min_size=1, max_size=20)


@given(TOKENS, st.lists(st.tuples(TOKENS, VALUES), max_size=5))
def test_a_request_comes_out_as_it_went_in(path: str, headers: list[tuple[str, str]]) -> None:
    head = "\r\n".join([f"GET /{path} HTTP/1.1", *(f"{name.title()}:  {value} " for name, value in headers), "", ""]).encode()
    found = request_of(head, "a")
    assert (found.method, found.target) == ("GET", f"/{path}".encode())
    assert found.headers == [(name.encode(), value.encode()) for name, value in headers]
