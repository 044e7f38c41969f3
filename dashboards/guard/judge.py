"""Whether a request is answered at all: one order of checks for the metrics and the page."""
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from dashboards.guard.answers import Answer
from dashboards.guard.credentials import Credentials, authorized
from dashboards.guard.hosts import Names, same_origin
from dashboards.guard.limits import Buckets

MOST_HEAD_BYTES, MOST_DIGITS = 16_384, 20
CHALLENGE = 'Basic realm="textpulse", charset="UTF-8", Bearer realm="textpulse"'
_TARGET = re.compile(rb"/(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/?\[\]|^`{}\"<>\\]|%[0-9A-Fa-f]{2})*")
_NULL = re.compile(rb"%0[0-9A-Fa-f]|%1[0-9A-Fa-f]|%7[Ff]")


@dataclass(frozen=True)
class Policy:
    """Who may ask, under which names. credentials: None where nobody needs any."""

    names: Names = field(default_factory=Names)
    credentials: Credentials | None = None


@dataclass(frozen=True)
class Asked:
    """A request: the target as it came, the names of its headers in lower case."""

    client: str
    method: str
    target: bytes
    headers: Sequence[tuple[bytes, bytes]]

    def all(self, name: bytes) -> list[bytes]:
        """The values of one header."""
        return [value for key, value in self.headers if key == name]


@dataclass
class Guard:
    """A policy and what its clients have asked lately."""

    policy: Policy
    buckets: Buckets
    methods: Sequence[str] = field(default=("GET", "HEAD"))

    def refusal(self, asked: Asked, now_s: float, cost: float = 1.0, methods: Sequence[str] = (), most_body: int = 0) -> Answer | None:
        """Why it is not answered; None when it is. most_body: bytes of a body that it may announce."""
        return (self._too_much(asked, now_s, cost) or _malformed(asked) or self._misdirected(asked)
                or _of_method(asked, methods or self.methods) or _of_body(asked, most_body) or self._unknown(asked))

    def _too_much(self, asked: Asked, now_s: float, cost: float) -> Answer | None:
        wait_s = self.buckets.take(asked.client, now_s, cost)
        if not wait_s:
            return None
        return Answer(429, "Too many requests.", {"Retry-After": str(max(1, math.ceil(wait_s))), "Connection": "close"})

    def _misdirected(self, asked: Asked) -> Answer | None:
        hosts = asked.all(b"host")
        if len(hosts) != 1:
            return Answer(400, "One Host header is needed.", {"Connection": "close"})
        if not self.policy.names.known(hosts[0]):
            return Answer(421, "This server is not known by that name; --http-hosts names more.", {"Connection": "close"})
        if any(not same_origin(origin, hosts[0]) for origin in asked.all(b"origin")):
            return Answer(403, "Asked by another site.", {"Connection": "close"})
        return None

    def _unknown(self, asked: Asked) -> Answer | None:
        if self.policy.credentials is None:
            return None
        given = asked.all(b"authorization")
        if len(given) == 1 and authorized(given[0], self.policy.credentials):
            return None
        return Answer(401, "Credentials are needed.", {"WWW-Authenticate": CHALLENGE})


def _malformed(asked: Asked) -> Answer | None:
    size = len(asked.target) + sum(len(name) + len(value) + 4 for name, value in asked.headers)
    if size > MOST_HEAD_BYTES:
        return Answer(431, "The head of the request is too large.", {"Connection": "close"})
    if not _TARGET.fullmatch(asked.target) or _NULL.search(asked.target.partition(b"?")[0]):
        return Answer(400, "The address is malformed.", {"Connection": "close"})
    return None


def _of_method(asked: Asked, methods: Sequence[str]) -> Answer | None:
    if asked.method in methods:
        return None
    return Answer(405, "Not allowed here.", {"Allow": ", ".join(methods), "Connection": "close"})


def _of_body(asked: Asked, most_body: int) -> Answer | None:
    lengths, coded = asked.all(b"content-length"), asked.all(b"transfer-encoding")
    announced = max((int(one) if one.isdigit() and len(one) < MOST_DIGITS else most_body + 1 for one in lengths), default=0)
    if announced > most_body or (coded and not most_body):
        return Answer(413, "The body of the request is too large.", {"Connection": "close"})
    return None
