"""What tests send to the page byte by byte, and what they read of its answers."""
import base64
import itertools
import re
import secrets
import socket
import struct
from contextlib import suppress

from dashboards.guard.answers import HEADERS
from tests.wire import exchanged, status

EVERY = {name: value for name, value in HEADERS.items() if name not in ("Content-Security-Policy", "Cache-Control")}


def place(address):
    host, port = re.match(r"https?://([^:/]+):(\d+)/", address).groups()
    return host, int(port)


def get(target="/", *headers, method="GET", host="localhost"):
    return "\r\n".join([f"{method} {target} HTTP/1.1", f"Host: {host}", "Connection: close", *headers, "", ""]).encode()


CLIENTS = itertools.count(1)


def call(address, within_s=30.0, client=None):
    """A connection of another client than any before, so that no limit of one client is met, or of a client that is named."""
    number = next(CLIENTS)
    return socket.create_connection(place(address), within_s, (client or f"127.1.{number // 250}.{1 + number % 250}", 0))


def said(address, request, client=None):
    """What comes back until the server closes."""
    return exchanged(call(address, client=client), request)


def headers_of(answer):
    lines = answer.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")[1:]
    return {name.title(): value.strip() for name, _, value in (line.partition(":") for line in lines)}


def is_safe(answer):
    had = headers_of(answer)
    return ({name.title(): value for name, value in EVERY.items()}.items() <= had.items() and "Content-Security-Policy" in had
            and "Server" not in had and not any(word in answer for word in (b"Traceback", b".py", b"Error:")))


def upgrade(*headers, path="/_nicegui_ws/socket.io/?EIO=4&transport=websocket", host="localhost"):
    key = base64.b64encode(secrets.token_bytes(16)).decode()
    return "\r\n".join([f"GET {path} HTTP/1.1", f"Host: {host}", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13",
                        f"Sec-WebSocket-Key: {key}", *headers, "", ""]).encode()


def frame(payload, opcode=1, masked=True):
    size = struct.pack("!B", len(payload) | 128 * masked) if len(payload) < 126 else (
        struct.pack("!BH", 126 | 128 * masked, len(payload)) if len(payload) < 65_536 else
        struct.pack("!BQ", 127 | 128 * masked, len(payload)))
    return bytes([0x80 | opcode]) + size + (b"\0\0\0\0" if masked else b"") + payload


class Talk:
    """A websocket of which the test sees every byte."""

    def __init__(self, address, *headers, client=None):
        self.socket = call(address, client=client)
        self.socket.sendall(upgrade(*headers))
        self.had = b""
        while b"\r\n\r\n" not in self.had:
            self.had += self.socket.recv(4_096)
        head, _, self.had = self.had.partition(b"\r\n\r\n")
        assert status(head) == 101 and is_safe(head + b"\r\n\r\n")

    def code(self):
        """The code of the server's close frame: 1005 when it names none, 1006 when it leaves without one."""
        with self.socket, suppress(ConnectionResetError):
            while True:
                for opcode, payload in frames(self.had):
                    if opcode == 8:
                        return struct.unpack("!H", payload[:2])[0] if payload else 1005
                if not (part := self.socket.recv(65_536)):
                    break
                self.had += part
        return 1006


def frames(had):
    """(opcode, payload) of every whole frame of a server: they are not masked."""
    while len(had) > 1:
        size, start = had[1] & 127, 2
        if size == 126:
            size, start = struct.unpack("!H", had[2:4].ljust(2, b"\xff"))[0], 4
        elif size == 127:
            size, start = struct.unpack("!Q", had[2:10].ljust(8, b"\xff"))[0], 10
        if len(had) < start + size:
            return
        yield had[0] & 15, had[start:start + size]
        had = had[start + size:]
