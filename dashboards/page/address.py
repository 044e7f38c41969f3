"""The page's address: what is shown stands in its query string, so that a link shows the same to somebody else."""
import base64
import binascii
import datetime as dt
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl, urlencode

import msgspec

from insights.board import Filters
from insights.letters import Place
from schemas.records import Reason, time_of, to_us

SPANS_S = {"15m": 900, "1h": 3_600, "6h": 21_600, "24h": 86_400, "all": 0}
SPAN = "6h"
LANGUAGES = ("en", "zh")
SECOND = 1_000_000


class BadAddress(ValueError):
    """A part of the address that means nothing. expected: key of labels.py."""

    def __init__(self, parameter: str, value: str, expected: str) -> None:
        super().__init__(f"{parameter}={value}: {expected}")
        self.parameter, self.value, self.expected = parameter, value, expected


class View(msgspec.Struct, frozen=True):
    """What an address asks for. span: a key of SPANS_S, counted back from the newest window, or empty for from_us and to_us.

    lang: of the labels, empty for what the browser asks for. reason, after: of the dead letters' page.
    """

    span: str = SPAN
    from_us: int | None = None
    to_us: int | None = None
    source: str | None = None
    product: str | None = None
    language: str | None = None
    topic: str | None = None
    entity: str = ""
    term: str = ""
    reason: str = ""
    after: Place | None = None
    lang: str = ""

    def filters(self, first_us: int, end_us: int) -> Filters:
        """first_us, end_us: of the job's windows: a span that is longer than the job is all of it."""
        from_us, to_us = self.from_us, self.to_us
        if SPANS_S.get(self.span):
            from_us = end_us - SPANS_S[self.span] * SECOND
            from_us = None if from_us <= first_us else from_us
        return Filters(from_us, to_us, self.source, self.product, self.language, self.topic, self.entity, self.term)

    def but(self, **changes: Any) -> "View":
        """Another view. Times that are given take the place of the span, and the other way round."""
        if "from_us" in changes or "to_us" in changes:
            changes = {"span": "", **changes}
        elif "span" in changes:
            changes = {"from_us": None, "to_us": None, **changes}
        return msgspec.structs.replace(self, **changes)


def parse(query: str) -> View:
    """The view of a query string, with or without its question mark. Raises BadAddress."""
    found: dict[str, str] = {}
    for name, value in parse_qsl(query.removeprefix("?"), keep_blank_values=True):
        if name in found:
            raise BadAddress(name, value, "bad_twice")
        if name not in _PARSERS:
            raise BadAddress(name, value, "bad_unknown")
        found[name] = value
    told = {_FIELDS.get(name, name): _PARSERS[name](name, value) for name, value in found.items()}
    if "from" in found or "to" in found:
        if "range" in found:
            raise BadAddress("range", found["range"], "bad_range_and_times")
        told["span"] = "all" if told.get("from_us") is None and told.get("to_us") is None else ""
    view = View(**told)
    if view.from_us is not None and view.to_us is not None and view.from_us >= view.to_us:
        raise BadAddress("to", found["to"], "bad_order")
    return view


def query(view: View, keep: Iterable[str] = ()) -> str:
    """The address of a view, from its question mark on. parse is the inverse. keep: only these parameters; none: all."""
    pairs: list[tuple[str, str]] = []
    if view.span and view.span != SPAN:
        pairs.append(("range", view.span))
    pairs += [(name, time_of(at).isoformat().replace("+00:00", "Z")) for name, at in (("from", view.from_us), ("to", view.to_us))
              if at is not None]
    pairs += [(name, value) for name in ("source", "product", "language", "topic") if (value := getattr(view, name)) is not None]
    pairs += [("entity", view.entity.replace("\t", ":", 1))] if view.entity else []
    pairs += [(name, value) for name in ("term", "reason") if (value := getattr(view, name))]
    pairs += [("after", _cursor(view.after))] if view.after else []
    pairs += [("lang", view.lang)] if view.lang else []
    kept = tuple(keep)
    return "?" + urlencode([pair for pair in pairs if not kept or pair[0] in kept])


def without(text: str, parameter: str) -> str:
    """The query string without this parameter."""
    pairs = parse_qsl(text.removeprefix("?"), keep_blank_values=True)
    return "?" + urlencode([pair for pair in pairs if pair[0] != parameter])


def language_of(view: View, accepted: str) -> str:
    """en or zh. accepted: the browser's Accept-Language (RFC 9110, 12.5.4)."""
    if view.lang:
        return view.lang
    wanted: list[tuple[float, str]] = []
    for part in accepted.split(","):
        name, _, weight = part.strip().partition(";q=")
        try:
            wanted.append((-float(weight or 1), name.strip().lower()[:2]))
        except ValueError:
            continue
    return next((name for _, name in sorted(wanted, key=lambda pair: pair[0]) if name in LANGUAGES), LANGUAGES[0])


def _text(name: str, value: str) -> str:
    return value


def _word(name: str, value: str) -> str:
    if not value:
        raise BadAddress(name, value, "bad_empty")
    return value


def _entity(name: str, value: str) -> str:
    kind, colon, text = value.partition(":")
    if not (kind and colon and text):
        raise BadAddress(name, value, "bad_entity")
    return f"{kind}\t{text}"


def _time(name: str, value: str) -> int | None:
    if not value:   # an empty field of the form
        return None
    try:
        time = dt.datetime.fromisoformat(value)
        return to_us(time if time.tzinfo else time.replace(tzinfo=dt.UTC))
    except (ValueError, OverflowError) as error:
        raise BadAddress(name, value, "bad_time") from error


def _of(*values: str) -> Any:
    def one(name: str, value: str) -> str:
        if value not in values:
            raise BadAddress(name, value, "bad_choice_" + name)
        return value

    return one


def _cursor(place: Place) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(place)).decode().rstrip("=")


def _place(name: str, value: str) -> Place:
    try:
        return msgspec.json.decode(base64.b64decode(value + "=" * (-len(value) % 4), altchars=b"-_", validate=True), type=Place)
    except (ValueError, binascii.Error, msgspec.MsgspecError) as error:
        raise BadAddress(name, value, "bad_after") from error


_FIELDS = {"range": "span", "from": "from_us", "to": "to_us"}
_PARSERS: dict[str, Any] = {
    "range": _of(*SPANS_S), "from": _time, "to": _time, "source": _text, "product": _text, "language": _text, "topic": _text,
    "entity": _entity, "term": _word, "reason": _of(*Reason), "after": _place, "lang": _of(*LANGUAGES)}
