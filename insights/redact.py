"""Takes what may be personal out of a text before it is stored as a sample: rather too much than too little.

Masked are e-mail addresses, web addresses, handles, keys and tokens, network addresses, and every code or number of six
digits or more but dates (phones, cards, accounts, IBANs, identity and passport numbers, orders), and the names of persons that the
model found. A mask says what it stands for. Every pattern is bounded, and a text is cut before it is searched, so that no
text can make this slow.
"""
import re
from collections.abc import Sequence

CHARACTERS = 280   # of a redacted text
LOOKED_AT = 600    # characters of the text: what is longer is cut, by whole words where there are any
PERSONS = ("person", "per")

Span = tuple[int, int, str]
"""Where an entity stands, in characters, and its type."""

_DIGITS = r"\d(?:[ \u00a0().\-–]{0,3}\d)"
_KINDS = {
    "link": r"\b(?:[A-Za-z][A-Za-z0-9+.\-]{1,15}://|www\.)[^\s<>\"'，。！？、；）】」]{1,600}",
    "email": r"[A-Za-z0-9._%+\-]{1,64}[@＠][A-Za-z0-9\-]{1,63}(?:\.[A-Za-z0-9\-]{1,63}){1,8}",
    "handle": r"[@＠][\w.\-]{2,40}",
    "key": r"(?<![A-Za-z0-9])(?=[A-Za-z_\-+/=]{0,200}\d)(?=[0-9_\-+/=]{0,200}[A-Za-z])[A-Za-z0-9_\-+/=]{20,600}",
    "address": r"(?<![\w.:])(?:(?:\d{1,3}\.){3}\d{1,3}|(?:[0-9A-Fa-f]{2}[:\-]){5}[0-9A-Fa-f]{2}"
               r"|(?:[0-9A-Fa-f]{1,4}:){3,7}[0-9A-Fa-f]{1,4}"
               r"|(?:[0-9A-Fa-f]{1,4}:){1,6}:(?:[0-9A-Fa-f]{1,4}:){0,5}[0-9A-Fa-f]{1,4})(?![\w:])",
    "code": r"(?<![A-Za-z0-9])[A-Za-z]{1,4}[ \-]?\d{2}(?=(?:[^\n\d]{0,20}\d){3})"
            r"(?:[ \-]?[A-Za-z0-9]{4}){2,7}(?:[ \-]?[A-Za-z0-9]{1,4})?(?![A-Za-z0-9])"
            r"|(?<![A-Za-z0-9])[A-Za-z]{1,4}[ \-]?\d{5,}[A-Za-z]?",
    "number": rf"(?<!\d)(?<!\d-)(?!\d{{4}}-\d\d-\d\d(?!\d))[+＋(]?{_DIGITS}{{5,}}[Xx]?",
}
_ANY = re.compile("|".join(f"(?P<{kind}>{pattern})" for kind, pattern in _KINDS.items()))
_MAYBE = re.compile(   # quick to say of most texts that none of these is in them
    r"[@＠]|://|www\.|(?:\d\D{0,40}){5}|::|[0-9A-Fa-f]{2}[:\-][0-9A-Fa-f]{2}[:\-]|:[0-9A-Fa-f]{1,4}:|[A-Za-z0-9_\-+/=]{20}")


def redacted(text: str, entities: Sequence[Span] = ()) -> tuple[str, tuple[Span, ...]]:
    """The text with masks, on one line, of at most CHARACTERS; and where the entities stand in it that no mask has covered."""
    if not entities and len(text) <= CHARACTERS and not _MAYBE.search(text):   # most texts
        return _one_line(text), ()
    entities = [span for span in entities if span[0] < span[1]]
    looked = text if len(text) <= LOOKED_AT else _cut(text, LOOKED_AT)
    hidden = [(start, end, "person") for start, end, kind in entities if kind.casefold() in PERSONS and start < len(looked)]
    if _MAYBE.search(looked):
        hidden += [(found.start(), found.end(), str(found.lastgroup)) for found in _ANY.finditer(looked)]
    if not hidden and len(text) <= CHARACTERS:
        return _one_line(text), tuple(sorted(span for span in entities if span[1] <= len(text)))
    said, place = _masked(looked, sorted(hidden))
    kept = tuple(
        (place[start], place[end], kind) for start, end, kind in entities
        if end <= len(looked) and not any(start < other_end and other < end for other, other_end, _ in hidden))
    if len(said) > CHARACTERS or len(looked) < len(text):
        said = _cut(said, CHARACTERS - 2) + " …"
        kept = tuple(span for span in kept if span[1] <= len(said) - 2)
    return said, tuple(sorted(kept))


def _masked(text: str, hidden: list[Span]) -> tuple[str, list[int]]:
    """(the text with masks, where each of its characters stands now). What overlaps is one mask, of the first kind."""
    parts: list[str] = []
    place: list[int] = []
    at = length = 0
    for start, end, kind in [*hidden, (len(text), len(text), "")]:
        if start >= at:
            plain = _one_line(text[at:start])
            parts.append(plain)
            place += range(length, length + len(plain))
            length += len(plain)
            mask = f"[{kind}]" if kind else ""
            parts.append(mask)
            place += [length] * (min(end, len(text)) - start)
            length += len(mask)
            at = min(end, len(text))
        elif end > at:
            place += [length] * (min(end, len(text)) - at)
            at = min(end, len(text))
    return "".join(parts), [*place, length]


def _one_line(text: str) -> str:
    """As long as it was: what cannot be printed is a space."""
    return text if text.isprintable() else "".join(character if character.isprintable() else " " for character in text)


def _cut(text: str, length: int) -> str:
    """At most so many characters; the last word is left out where it is cut in two."""
    if len(text) <= length or text[length].isspace():
        return text[:length]
    head = text[:length]
    word = max(head.rfind(" "), head.rfind("\n"))
    return head[:word] if word > length // 2 else head
