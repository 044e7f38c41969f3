"""The page's websocket, asked frame by frame: who comes from elsewhere or says what is none is shown the door, and the page goes on."""
import json
from contextlib import suppress

import pytest

from dashboards.page import server
from tests.dashboards.page.wire import Talk, frame, get, is_safe, said, upgrade
from tests.wire import status


@pytest.mark.parametrize(("request_", "wanted"), [
    (upgrade("Origin: http://evil.example"), 403), (upgrade("Origin: null"), 403), (upgrade(host="evil.example"), 421),
    (upgrade(path="/nothing"), 403), (upgrade().replace(b"Sec-WebSocket-Key", b"X"), 400),
    (upgrade().replace(b"Version: 13", b"Version: 99"), 400)], ids=lambda value: str(value)[:60])
def test_a_websocket_from_elsewhere_or_a_broken_one_is_refused(page, request_, wanted):
    answer = said(page, request_)
    assert status(answer) == wanted
    assert is_safe(answer)


@pytest.mark.parametrize(("sent", "codes"), [
    (frame(b"x" * 65_537), {1009}), (frame(b"4x", masked=False), {1002}), (frame(b"\xff\xfe"), {1007}), (frame(b"x", opcode=3), {1002}),
    (frame(b"x" * 126, opcode=9), {1002}), (b"\xff" * 1_000, {1002, 1009}), (bytes([0x81, 255]) + b"\x7f" + b"\xff" * 7, {1009, 1002}),
    (frame(b"3") * 2_000, {1008}), (frame(b"not engine.io"), {1011})], ids=lambda value: str(value)[:40])
def test_wrong_frames_close_the_websocket_and_nothing_else(page, sent, codes):
    talk = Talk(page)
    with suppress(BrokenPipeError, ConnectionResetError):
        talk.socket.sendall(sent)
    assert talk.code() in codes
    assert status(said(page, get())) == 200


EVENTS = [["event"], ["event", {}], ["event", {"client_id": "nobody"}], ["event", None], ["handshake", {}], ["handshake", "x"],
          ["ack", {"client_id": 1}], ["log", {"client_id": "x", "level": "error", "args": ["\x1b[2J forged"]}],
          ["javascript_response", []], ["nothing", 1], [], {}, [None]]


def test_wrong_events_tell_a_client_nothing_and_the_page_goes_on(page, eventually):
    talk = Talk(page)
    talk.socket.sendall(frame(b"40"))
    for event in EVENTS:
        talk.socket.sendall(frame(b"42" + json.dumps(event).encode()))
    talk.socket.sendall(frame(b"42" + b"[" * 20_000))
    talk.socket.sendall(frame(b"", opcode=8))
    talk.code()
    assert b"Traceback" not in talk.had and b"Error" not in talk.had
    assert status(said(page, get())) == 200


def test_websockets_that_have_ended_leave_room(tmp_path, serve_page):
    fresh = serve_page(f"sqlite:///{tmp_path}/none.db").address
    for _ in range(2 * server.CONNECTIONS_EACH):
        talk = Talk(fresh, client="127.0.0.1")
        talk.socket.sendall(frame(b"", opcode=8))
        assert talk.code() == 1005
    assert status(said(fresh, get(), "127.0.0.1")) == 200
