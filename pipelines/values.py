"""Values of options: from the text that was given, with what was expected where it is none."""
import functools
import re
from collections.abc import Callable
from typing import TypeVar

UNITS_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86_400.0}
LONGEST_S = 1e9
LARGEST_BYTES = 1 << 50
SECRET = re.compile(r"(password|secret|token)$")
TOPIC_NAME = re.compile(r"[A-Za-z0-9._-]{1,249}")
T = TypeVar("T")
N = TypeVar("N", int, float)


def expecting(what: str) -> Callable[[Callable[[str], T]], Callable[[str], T]]:
    """A parser that fails says what it expects, whatever failed in it."""
    def wrap(parse: Callable[[str], T]) -> Callable[[str], T]:
        @functools.wraps(parse)
        def parsed(text: str) -> T:
            try:
                return parse(text)
            except (ValueError, OverflowError) as error:
                raise ValueError(f"expected {what}") from error

        return parsed

    return wrap


@expecting("a length of time, such as 500ms, 90s, 10m or 1h")
def duration_s(text: str) -> float:
    """Seconds in "90", "90s", "10m", "1h" or "500ms": 0 or more. Raises ValueError."""
    unit = next((unit for unit in sorted(UNITS_S, key=len, reverse=True) if text.strip().endswith(unit)), "")
    return _within(float(text.strip().removesuffix(unit)) * UNITS_S.get(unit, 1.0), LONGEST_S)


@expecting("a length of time above zero, such as 500ms, 90s, 10m or 1h")
def positive_s(text: str) -> float:
    """A duration above zero, in seconds. Raises ValueError."""
    return _above_zero(duration_s(text))


@expecting("a size, such as 65536, 64k, 512M or 1G")
def size_bytes(text: str) -> int:
    """Bytes in "65536", "64k", "512M" or "1G": 0 or more. Raises ValueError."""
    powers = {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
    last = text.strip()[-1:].lower()
    size = float(text.strip()[:-1]) * powers[last] if last in powers else int(text)
    return int(_within(size, LARGEST_BYTES))


@expecting("a size above zero, such as 65536, 64k or 1M")
def positive_bytes(text: str) -> int:
    """A size above zero, in bytes. Raises ValueError."""
    return _above_zero(size_bytes(text))


@expecting("a port, 0 to 65535")
def port_number(text: str) -> int:
    """0 to 65535. Raises ValueError."""
    return int(_within(int(text), 65_535))


@expecting("a whole number, 0 or more")
def count(text: str) -> int:
    """A whole number, 0 or more. Raises ValueError."""
    return int(_within(int(text), 1 << 60))


@expecting("a number, 0 or more")
def pace(text: str) -> float:
    """A number of 0 or more. Raises ValueError."""
    return _within(float(text), 1e15)


@expecting("a number above 0")
def rate(text: str) -> float:
    """A number above 0. Raises ValueError."""
    return _above_zero(pace(text))


@expecting("1 to 20000")
def poll_size(text: str) -> int:
    """1 to 20,000 records: a chunk is tabulated at once. Raises ValueError."""
    return int(_within(_above_zero(int(text)), 20_000))


@expecting("a name")
def name(text: str) -> str:
    """Any text but an empty one, without the spaces around it. Raises ValueError."""
    if not text.strip():
        raise ValueError("empty")
    return text.strip()


@expecting("a topic of letters, digits, dots, _ and -, 249 at most")
def topic(text: str) -> str:
    """The name of a topic, as Kafka's Topic.java allows it; empty: none. Raises ValueError."""
    if text.strip() and (not TOPIC_NAME.fullmatch(text.strip()) or text.strip() in (".", "..")):
        raise ValueError("not a topic")
    return text.strip()


@expecting("topics with commas between them, each of letters, digits, dots, _ and -")
def topics(text: str) -> str:
    """Names of topics with commas between them, each once and without the spaces around it. Raises ValueError."""
    return ",".join(dict.fromkeys(topic(name(part)) for part in text.split(",")))


@expecting("host:port, several with commas")
def servers(text: str) -> str:
    """Addresses host:port with commas between them; empty: none. Raises ValueError."""
    addresses = [part.strip() for part in text.split(",")] if text.strip() else []
    for address in addresses:
        host, _, port = address.rpartition(":")
        _above_zero(port_number(port))
        name(host)
    return ",".join(addresses)


def one_of(*names: str) -> Callable[[str], str]:
    """A parser that takes these names alone."""
    @expecting(f"one of {', '.join(names)}")
    def parse(text: str) -> str:
        if text not in names:
            raise ValueError("none of them")
        return text

    return parse


def _within(number: N, largest: float) -> N:
    if not 0 <= number <= largest:   # NaN is neither
        raise ValueError("out of bounds")
    return number


def _above_zero(number: N) -> N:
    if not number > 0:
        raise ValueError("not above zero")
    return number
