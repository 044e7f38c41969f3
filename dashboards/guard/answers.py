"""What every answer has in its head, and the answers that say no more than their status."""
import email.utils
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus

NOTHING = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
DENIED = ("accelerometer", "camera", "display-capture", "geolocation", "gyroscope", "magnetometer", "microphone", "midi", "payment",
          "publickey-credentials-get", "screen-wake-lock", "serial", "usb", "xr-spatial-tracking")
HEADERS: dict[str, str] = {
    "Content-Security-Policy": NOTHING, "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": ", ".join(f"{name}=()" for name in DENIED), "Cache-Control": "no-store"}
TEXT = "text/plain; charset=utf-8"


@dataclass(frozen=True)
class Answer:
    """An answer in plain text. headers: besides HEADERS."""

    status: int
    text: str
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def pairs(self) -> Sequence[tuple[str, str]]:
        """All of its headers."""
        return [*(HEADERS | {"Content-Type": TEXT, "Content-Length": str(len(self.body))} | dict(self.headers)).items()]

    @property
    def body(self) -> bytes:
        """Its text, with an end of line."""
        return f"{self.text}\n".encode()


def page_policy(nonce: str) -> str:
    """The Content-Security-Policy of the page. NiceGUI's Vue compiles templates (unsafe-eval), and Quasar and ECharts write style
    attributes (unsafe-inline for styles); scripts run from this server's files or with the nonce alone.
    """
    return ("default-src 'none'; script-src 'self' 'unsafe-eval' 'nonce-" + nonce + "'; style-src 'self' 'unsafe-inline'; "
            "img-src 'self' data:; font-src 'self'; connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; "
            "frame-ancestors 'none'")


def failed(number: str) -> Answer:
    """An error of ours. number: it stands in the log."""
    return Answer(500, f"Something went wrong here; the log has more under {number}.", {"Connection": "close"})


def wire(status: int, headers: Sequence[tuple[str, str]], body: bytes) -> bytes:
    """An answer of HTTP/1.1 as it is sent, after which the connection is closed."""
    given = {name.lower() for name, _ in headers}
    own = [("Date", email.utils.formatdate(usegmt=True)), ("Connection", "close"), ("Content-Length", str(len(body)))]
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}",
             *(f"{name}: {value}" for name, value in [*headers, *((name, value) for name, value in own if name.lower() not in given)])]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body


def plain(status: int, text: str) -> bytes:
    """An Answer as it is sent."""
    answer = Answer(status, text)
    return wire(status, answer.pairs, answer.body)
