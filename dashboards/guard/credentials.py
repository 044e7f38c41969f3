"""Who may ask: by a bearer token (RFC 6750) or a user's password (RFC 7617) in the Authorization header."""
import base64
import binascii
import hashlib
import hmac
import itertools
import re
from dataclasses import dataclass

LEAST_CHARACTERS, LEAST_DIFFERENT = 16, 8
MOST_CHARACTERS = 4_096
TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")
_AUTHORIZATION = re.compile(rb"([A-Za-z]+) +([A-Za-z0-9._~+/-]+=*)")


@dataclass(frozen=True, repr=False)
class Credentials:
    """What is demanded; empty: not this way. Its repr shows nothing."""

    token: str = ""
    user: str = ""
    password: str = ""

    @property
    def header(self) -> str:
        """The Authorization header of one who may ask."""
        if self.token:
            return f"Bearer {self.token}"
        return "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode()


@dataclass(frozen=True, repr=False)
class Presented:
    """What a request brings. user: None for a bearer token."""

    user: bytes | None
    secret: bytes


def presented(header: bytes) -> Presented | None:
    """Of the value of an Authorization header; None for what is neither a bearer token nor a user and a password."""
    found = _AUTHORIZATION.fullmatch(header.strip(b" \t"))
    if found is None:
        return None
    scheme, rest = found[1].lower(), found[2]
    if scheme == b"bearer":
        return Presented(None, rest)
    if scheme != b"basic":
        return None
    try:
        user, colon, password = base64.b64decode(rest, validate=True).partition(b":")
    except binascii.Error:
        return None
    return Presented(user, password) if colon else None


def authorized(header: bytes, wanted: Credentials) -> bool:
    """Whether this Authorization header may pass. A browser, which knows no bearer tokens, sends the token as the password of any user."""
    found = presented(header)
    if found is None:
        return False
    by_token = same(found.secret, wanted.token)
    if found.user is None:
        return by_token
    named, known = same(found.user, wanted.user), same(found.secret, wanted.password)   # both, always: no answer is quicker
    return by_token or (named and known)


def same(given: bytes, wanted: str) -> bool:
    """Whether they are equal, in a time that says nothing of where they differ or how long they are; never for an empty one."""
    alike = hmac.compare_digest(hashlib.sha256(given).digest(), hashlib.sha256(wanted.encode()).digest())
    return alike and bool(wanted)


def weakness(secret: str) -> str:
    """Why a secret could be guessed; empty when it could not."""
    neighbours = sum(abs(ord(one) - ord(other)) <= 1 for one, other in itertools.pairwise(secret))
    period = (secret + secret).find(secret, 1)
    return next((why for wrong, why in (
        (len(secret) < LEAST_CHARACTERS, f"has fewer than {LEAST_CHARACTERS} characters"),
        (len(secret) > MOST_CHARACTERS, f"has more than {MOST_CHARACTERS} characters"),
        (not secret.isprintable(), "has characters that cannot be typed"),
        (len(set(secret)) < LEAST_DIFFERENT, f"has fewer than {LEAST_DIFFERENT} different characters"),
        (period < LEAST_CHARACTERS, "says the same again and again"),
        (neighbours > len(secret) // 2, "is a row of neighbours, such as 123456")) if wrong), "")
