"""Cleans a text, and moves the spans of its entities along. Each step is a pure function with a law of its own."""
import html
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, TypeAlias

from models.data import half_width

USER, URL, EMAIL = "<user>", "<url>", "<email>"
MASKS = (USER, URL, EMAIL)
LONGEST_RUN = 3

Spot: TypeAlias = tuple[int, int, int]
"""An entity: what it is, its first character, and the character it ends before."""
Spots: TypeAlias = tuple[Spot, ...]
Edit: TypeAlias = tuple[int, int, str]
"""From which character, up to which, and what stands there instead."""

_MARKS = "[\u0300-\u036f]*"   # a mark that is left behind would melt into the last sign of the mask
_REFERENCE = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_NESTED = re.compile(r"&(?:(?:amp|#0{0,4}38|#x0{0,4}26);)+", re.IGNORECASE)   # &amp;amp;lt; at once, however deep
_CONTROLS = dict.fromkeys([*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029], " ")
_URL = re.compile(rf"(?:https?://|(?<![A-Za-z0-9_])www\.)[!#-;=?-~]*[0-9A-Za-z/_=&#%~-]{_MARKS}", re.IGNORECASE)
_EMAIL = re.compile(
    rf"(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{{2,}}(?![A-Za-z0-9]){_MARKS}")
_USER = re.compile(rf"@(?:[A-Za-z0-9_-]+(?!\w)|[\w-]{{1,30}}(?=[\s:：@/)）]|\Z)|[A-Za-z0-9_]+){_MARKS}")
"""A name of other letters (up to 30, as on Weibo) has to be ended by a sign that ends names: the words of a Chinese sentence follow
without a space, and would be masked with it."""
_USERS = re.compile(rf"(?<![A-Za-z0-9_])(?:{_USER.pattern})+")   # one after the other, so that a thousand take one pass
_RUN = re.compile(r"([^\d])\1{3,}", re.DOTALL)


class Cleaned(NamedTuple):
    """A cleaned text, its entities, and the names of the steps that changed it, in order."""

    text: str
    spots: Spots
    changed: tuple[str, ...]


def clean(text: str, spots: Spots = ()) -> Cleaned:
    """All steps, again and again until none changes anything: so a clean text stays as it is.

    This ends: a reference, an address or a run that is gone does not come again, and the other steps are stable after themselves.
    spots: entities in order, none within another. One whose words are wholly behind a mask is no entity any more.
    """
    changed: set[str] = set()
    before = None
    while before != text:
        before = text
        for name, step in STEPS.items():
            after, spots = step(text, spots)
            if after != text:
                changed.add(name)
            text = after
    return Cleaned(text, spots, tuple(name for name in STEPS if name in changed))


def unescaped(text: str, spots: Spots = ()) -> tuple[str, Spots]:
    """HTML's references as what they stand for, however often they were escaped. A bare & without a semicolon is left alone."""
    while "&" in text:
        edits = [(found.start() + 1, found.end(), "") for found in _NESTED.finditer(text)]
        edits = edits or [(*found.span(), new) for found in _REFERENCE.finditer(text)
                          if (new := html.unescape(found.group()) or " ") != found.group()]
        if not edits:
            break
        text, spots = edited(text, spots, edits)
    return text, spots


def without_controls(text: str, spots: Spots = ()) -> tuple[str, Spots]:
    """A space for every control character, line breaks included."""
    return text.translate(_CONTROLS), spots


def narrow(text: str, spots: Spots = ()) -> tuple[str, Spots]:
    """Full-width digits and Latin letters as plain ones, as the model's graph is given them in training."""
    return half_width(text), spots


def composed(text: str, spots: Spots = ()) -> tuple[str, Spots]:
    """Unicode's normal form NFC (UAX 15). An entity that begins or ends inside a character grows to the whole of it."""
    if unicodedata.is_normalized("NFC", text):
        return text, spots
    whole = unicodedata.normalize("NFC", text)

    def parts_at(at: int) -> bool:
        return unicodedata.normalize("NFC", text[:at]) + unicodedata.normalize("NFC", text[at:]) == whole

    def moved(spot: Spot) -> Spot:
        kind, start, end = spot
        while not parts_at(start):
            start -= 1
        while not parts_at(end):
            end += 1
        return kind, len(unicodedata.normalize("NFC", text[:start])), len(unicodedata.normalize("NFC", text[:end]))

    return whole, _apart(moved(spot) for spot in spots)


def without_urls(text: str, spots: Spots = ()) -> tuple[str, Spots]:
    """A mask for every web address."""
    return _masked(text, spots, _URL.finditer(text), URL) if "://" in text or "www." in text.lower() else (text, spots)


def without_emails(text: str, spots: Spots = ()) -> tuple[str, Spots]:
    """A mask for every e-mail address."""
    return _masked(text, spots, _EMAIL.finditer(text), EMAIL) if "@" in text else (text, spots)


def without_users(text: str, spots: Spots = ()) -> tuple[str, Spots]:
    """A mask for every account that is addressed, such as @name."""
    if "@" not in text:
        return text, spots
    return _masked(text, spots, (one for all_of_them in _USERS.finditer(text) for one in _USER.finditer(text, *all_of_them.span())), USER)


def short_runs(text: str, spots: Spots = ()) -> tuple[str, Spots]:
    """No character more than three times in a row, but digits: 1000000 is a number."""
    return edited(text, spots, [(found.start() + LONGEST_RUN, found.end(), "") for found in _RUN.finditer(text)])


STEPS: dict[str, Callable[[str, Spots], tuple[str, Spots]]] = {
    "html_entities": unescaped, "control_characters": without_controls, "full_width": narrow, "unicode_nfc": composed,
    "url_mask": without_urls, "email_mask": without_emails, "user_mask": without_users, "repeated_characters": short_runs}
"""By the name that the report gives them, in their order: masks stand after what may reveal an address."""


def edited(text: str, spots: Spots, edits: Sequence[Edit]) -> tuple[str, Spots]:
    """The text with the edits made, which are in order and apart, and the spots on the same words.

    A spot with an end inside an edited piece takes the whole of what stands there now.
    """
    if not edits:
        return text, spots
    pieces, done = [], 0
    for start, end, new in edits:
        pieces += [text[done:start], new]
        done = end
    moved = ((kind, _moved(start, edits, is_end=False), _moved(end, edits, is_end=True)) for kind, start, end in spots)
    # what was cut away entirely was the same character as the one before it
    return "".join((*pieces, text[done:])), _apart((kind, min(start, end - 1), end) for kind, start, end in moved)


def _moved(at: int, edits: Sequence[Edit], *, is_end: bool) -> int:
    shift = 0
    for start, end, new in edits:
        if end <= at:
            shift += len(new) - (end - start)
        elif start < at:
            return start + shift + (len(new) if is_end else 0)
        else:
            break
    return at + shift


def _apart(spots: Iterable[Spot]) -> Spots:
    """Without those that begin inside the one before them."""
    kept: list[Spot] = []
    for spot in spots:
        if not kept or kept[-1][2] <= spot[1]:
            kept.append(spot)
    return tuple(kept)


def _masked(text: str, spots: Spots, matches: Iterable[re.Match[str]], mask: str) -> tuple[str, Spots]:
    edits = [(*found.span(), mask) for found in matches]
    seen = tuple(spot for spot in spots if not any(start <= spot[1] and spot[2] <= end for start, end, _ in edits))
    return edited(text, seen, edits)
