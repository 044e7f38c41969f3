"""What is personal in texts, and of which kind: one automaton proposes, checks decide.

The automaton is RE2's, which is linear in the length of a text whatever the text (R. Cox, "Regular Expression Matching in the Wild",
2010). It reads plain bytes, one for each character: digits of any script are ASCII digits, other letters are one byte. Proposed is rather
too much than too little; a check says of which kind a stretch is, by check digits where there are any (python-stdnum), or that it is
nothing. Long numbers and codes of no known kind are kinds too.
"""
import ipaddress
import unicodedata
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import re2
from numpy.typing import NDArray
from stdnum import iban, luhn
from stdnum.iso7064 import mod_11_2
from stdnum.us import ssn

Span = tuple[int, int, str]
"""Where something stands in a text, in characters, and of which kind it is."""

KINDS = (
    "email", "phone", "card", "iban", "cn_id", "us_ssn", "passport", "licence", "ip", "mac", "secret_link", "link", "secret", "key",
    "handle", "code", "number", "person")
PERSON = "person"   # found by the model, not here
CONTEXT = 24        # characters before a code that may say what it is
LEAST_DIGITS = 6    # of a number
SHORTEST_IBAN = 15
MOST_GROUPS = 12    # of digits in a number, between which others are looked for
LONGEST_CODE = 11   # digits of a code of letters and digits; more are a number of their own

_NO_WORD = "0123456789!#$%&*+=?@^_~"   # a password without any of these is taken for a word
_LETTER, _MARK = 0x02, 0x01    # any other letter; any other sign, which ends whatever it stands in
_SAID = {"密": 0x0E, "码": 0x0F, "口": 0x10, "令": 0x11, "钥": 0x12, "是": 0x13, "为": 0x14, "＠": 0x40, "＋": 0x2B, "（": 0x28, "）": 0x29,
         "：": 0x15, "＝": 0x3D, "．": 0x2E, "－": 0x2D, "\u2013": 0x2D}
_GAP = r"(?:[ ()\-]{0,3}|\.)"
_PROPOSALS = {
    "link": r"""(?:\b[A-Za-z][A-Za-z0-9+.\-]*://|\bwww\.)[^\s<>"'\x01]+""",
    "email": r"[A-Za-z0-9._%+\-]+(?:@| ?[\[(]at[\])] ?)[A-Za-z0-9\-]+(?:(?:\.| ?[\[(]dot[\])] ?)[A-Za-z0-9\-]+)+",
    "secret": r"(?:(?i:\b(?:password|passwd|passcode|pwd|pin|secret|token|api[ _\-]?key|access[ _\-]?key)(?: +is\b| *[:=\x15])) *"
              r"|(?:\x0e\x0f|\x10\x11|\x0e\x12) *[:=\x13\x14\x15] *)(?P<value>[^\s\x01,;]+)",
    "key": r"\b(?:eyJ[A-Za-z0-9_\-]+\.[A-Za-z0-9_\-]+(?:\.[A-Za-z0-9_\-]*)?|[A-Za-z0-9][A-Za-z0-9_\-+/=]{19}[A-Za-z0-9_\-+/=]*)",
    "mac": r"\b[0-9A-Fa-f]{2}(?:[:\-][0-9A-Fa-f]{2}){5}\b",
    "ip": r"\b\d{1,3}(?:\.\d{1,3}){3}\b|[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}",
    "code": r"\b[A-Za-z]{2}\d{2}(?:[ \-]?[A-Za-z0-9]{4}){2,7}(?:[ \-]?[A-Za-z0-9]{1,3})?\b"
            r"|\b(?:[A-Z]{1,4}[ \-]?|[a-z]{1,4}-?)\d{5}\d*[A-Za-z]?\b|\b[A-Za-z9]{5}\d{6}[A-Za-z0-9]{5,7}\b",
    "number": rf"[+(]?\d(?:{_GAP}\d){{5}}(?:{_GAP}\d)*[Xx]?",
    "handle": r"""@[^\s@:,()<>"'\x01\x15]{2}[^\s@:,()<>"'\x01\x15]*""",
}


_FIELD_PROPOSALS = {   # less is proposed: most ids are of letters and digits, and nothing
    "link": _PROPOSALS["link"], "email": _PROPOSALS["email"], "mac": _PROPOSALS["mac"], "ip": _PROPOSALS["ip"],
    "code": r"\b[A-Z]{2}\d{2}(?:[ \-]?[A-Z0-9]{4}){2,7}(?:[ \-]?[A-Z0-9]{1,3})?\b",
    "number": rf"[+(]?\d(?:{_GAP}\d){{8}}(?:{_GAP}\d)*[Xx]?", "handle": _PROPOSALS["handle"]}
SURE = frozenset({"email", "phone", "card", "iban", "cn_id", "us_ssn", "ip", "mac", "secret_link", "handle"})
"""Kinds that an id or a name of a product is not taken for."""


class _Automaton:
    """The union of some proposals."""

    def __init__(self, proposals: dict[str, str]) -> None:
        self.any = re2.compile("|".join(f"(?P<{name}>{pattern})" for name, pattern in proposals.items()).encode())
        self.names = {number: name.decode() for name, number in self.any.groupindex.items()}
        self.value = self.any.groupindex.get(b"value", 0)


_TEXTS, _FIELDS = _Automaton(_PROPOSALS), _Automaton(_FIELD_PROPOSALS)
_DATES = re2.compile(r"(?:19|20)\d\d(?:[\-./]\d{1,2}[\-./]\d{1,2}|-(?:19|20)\d\d)(?:\D|$)")
_DECIMAL = re2.compile(r"\d+\.\d+")
_QUAD = re2.compile(r"\d{1,3}(?:\.\d{1,3}){3}")
_SSN = re2.compile(r"\d{3}[\- ]\d{2}[\- ]\d{4}")
_CARD = re2.compile("|".join((   # beginnings and lengths by issuer (ISO/IEC 7812)
    r"4(?:\d{12}|\d{15}|\d{18})",                       # Visa
    r"(?:5[1-5]|2[2-7])\d{14}",                          # Mastercard
    r"3[47]\d{13}",                                      # American Express
    r"6(?:011|4[4-9]\d|5\d\d)\d{12}(?:\d{3})?",         # Discover
    r"3(?:0[0-5]|[689]\d)\d{11}(?:\d{2,5})?",            # Diners Club
    r"35\d{14}(?:\d{3})?", r"62\d{14,17}",               # JCB, UnionPay
    r"(?:50|5[6-8]|6[37])\d{11,17}")))                   # Maestro
_BIRTHDAY = re2.compile(r"^[1-9]\d{5}(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])")
_SURE_PHONE = re2.compile(r"1[3-9]\d{9}|[2-9]\d\d-[2-9]\d\d-\d{4}|0\d{2,3}-\d{7,8}")
_GROUPS = re2.compile(r"\d+[Xx]?")
_PHONE_PARTS = re2.compile(r"\D+")
_PASSPORT_OF_CHINA = re2.compile(r"(?i)(?:[EGDSPH]\d{8}|E[A-Z]\d{7})")
_LICENCE = re2.compile(r"(?i)[A-Z9]{5}\d{6}[A-Z0-9]{5,7}")


def _plain_bytes() -> NDArray[np.uint8]:
    """uint8[0x110000]: the byte of every character."""
    made = np.full(0x110000, _MARK, np.uint8)
    for code in range(0x110000):
        character = chr(code)
        if code < 0x80:
            made[code] = code if character.isprintable() else 0x20
        elif character.isdecimal():
            made[code] = 0x30 + unicodedata.decimal(character)
        elif character.isalpha():
            made[code] = _LETTER
        elif character.isspace():
            made[code] = 0x20
    for character, byte in _SAID.items():
        made[ord(character)] = byte
    return made


_PLAIN = _plain_bytes()


def plain(text: str) -> str:
    """As many characters, all ASCII: what the automaton reads."""
    return bytes(_PLAIN[np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)]).decode("ascii")


def find_all(texts: Sequence[str]) -> dict[int, list[Span]]:
    """By the number of the text: what is personal in it, in order, without overlaps. Persons are the model's to find.

    All texts are read in one go: the automaton takes nanoseconds for a character, and a microsecond to be called.
    """
    return _find(texts, _TEXTS)


def find_in_fields(values: Sequence[str]) -> dict[int, list[Span]]:
    """As find_all, in values that are no texts but ids and names: of kinds that are SURE alone."""
    sure = {row: [span for span in found if span[2] in SURE] for row, found in _find(values, _FIELDS).items()}
    return {row: found for row, found in sure.items() if found}


def _find(texts: Sequence[str], automaton: _Automaton) -> dict[int, list[Span]]:
    found: dict[int, list[Span]] = {}
    if not texts:
        return found
    ends = np.cumsum([len(text) + 1 for text in texts])
    codes = np.frombuffer("\n".join([*texts, ""]).encode("utf-32-le", "surrogatepass"), np.uint32)
    read = _PLAIN[codes]
    read[ends - 1] = 0x0A   # which no pattern goes beyond
    joined = read.tobytes()
    starts = np.concatenate([[0], ends[:-1]])
    for match in automaton.any.finditer(joined):
        name = automaton.names[match.lastindex]
        begin, stop = match.span(automaton.value if name == "secret" else 0)
        at = int(np.searchsorted(ends, begin, "right"))
        first = int(starts[at])
        said = joined[first:int(ends[at]) - 1].decode("ascii")
        if spans := list(_CHECKS[name](said, texts[at], begin - first, stop - first)):
            found.setdefault(at, []).extend(spans)
    return found


def find(text: str) -> list[Span]:
    """What is personal in one text."""
    return find_all([text]).get(0, [])


def digits_of(said: str) -> str:
    """Its decimal digits, of whatever script, as ASCII; an X at the end of an identity number stays."""
    digits = "".join(character for character in plain(said) if character.isdigit())
    return digits + "X" if said[-1:] in ("x", "X") else digits


Check = Callable[[str, str, int, int], Iterator[Span]]
"""(plain text, text, start, end) -> what stands there."""


def _link(said: str, text: str, start: int, end: int) -> Iterator[Span]:
    rest = said[start:end].partition("://")[2] or said[start:end]
    host, _, path = rest.partition("/")
    secret = "@" in host or "?" in rest or "#" in rest or any(_is_key(part) for part in path.split("/"))
    yield start, end, "secret_link" if secret else "link"


def _is_key(said: str) -> bool:
    return len(said) >= 20 and any(character.isdigit() for character in said) and any(character.isalpha() for character in said)


def _key(said: str, text: str, start: int, end: int) -> Iterator[Span]:
    word = said[start:end]
    if _is_key(word):
        yield start, end, "iban" if iban.is_valid(word) else "key"
    elif word.replace("-", "").isdigit():
        yield from _number(said, text, start, end)


def _secret(said: str, text: str, start: int, end: int) -> Iterator[Span]:
    if any(character in _NO_WORD for character in said[start:end]):
        yield start, end, "secret"
    else:
        yield from ((start + begin, start + stop, kind) for begin, stop, kind in find(text[start:end]))


def _ip(said: str, text: str, start: int, end: int) -> Iterator[Span]:
    try:
        ipaddress.ip_address(said[start:end])
    except ValueError:
        return
    if said[start:end] != "::":
        yield start, end, "ip"


def _code(said: str, text: str, start: int, end: int) -> Iterator[Span]:
    word = said[start:end]
    if len(word) >= SHORTEST_IBAN and iban.is_valid(word):
        yield start, end, "iban"
        return
    letters = len(word) - len(word.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz -"))
    if word[letters:].rstrip("Xx").isdigit() and len(word) - letters > LONGEST_CODE:   # such as "ID 1101051949..."
        yield from _number(said, text, start + letters, end)
        return
    if sum(character.isdigit() for character in word) < 5:
        return
    before = text[max(0, start - CONTEXT):start].casefold()
    if "licen" in before or "driv" in before or "驾" in before or _LICENCE.fullmatch(word):
        yield start, end, "licence"
    elif "passport" in before or "护照" in before or _PASSPORT_OF_CHINA.fullmatch(word):
        yield start, end, "passport"
    else:
        yield start, end, "code"


def _number(said: str, text: str, start: int, end: int) -> Iterator[Span]:
    while date := _DATES.match(said[start:end]):   # dates, and spans of years
        start += date.end()
        while start < end and not said[start].isdigit():
            start += 1
    if said[start:end][-1:] in ("x", "X") and said[end:end + 1].isalnum():
        end -= 1
    if said[start:start + 1] == "(" and ")" not in said[start:end]:
        start += 1
    if _QUAD.fullmatch(said[start:end]):
        yield from _ip(said, text, start, end)
        return
    digits = digits_of(said[start:end])
    if len(digits) >= LEAST_DIGITS and not _DECIMAL.fullmatch(said[start:end]):
        kind = _kind_of_number(said[start:end], digits)
        yield from _parts(said, start, end) if kind == "number" else [(start, end, kind)]


def _parts(said: str, start: int, end: int) -> Iterator[Span]:
    """A number of no kind, or those of known kinds that it is put together from ("order 7-13812345678"), and what is between them."""
    groups = [(start + group.start(), start + group.end()) for group in _GROUPS.finditer(said[start:end])]
    found: list[Span] = []
    if 1 < len(groups) <= MOST_GROUPS:
        stretches = [(first, last) for at, (first, _) in enumerate(groups) for _, last in groups[at:]]
        kinds = [(_kind_of_part(said[first:last]), first, last) for first, last in stretches]
        for kind, first, last in sorted(kinds, key=lambda one: (one[0] == "phone", one[1] - one[2])):   # what is checked comes first
            if kind and all(last <= begin or stop <= first for begin, stop, _ in found):
                found.append((first, last, kind))
    at = start
    for first, last, kind in sorted(found):
        yield from _rest(said, at, first)
        yield first, last, kind
        at = last
    yield from _rest(said, at, end)


def _kind_of_part(said: str) -> str:
    """Of a kind that is sure even inside a longer number; empty for none."""
    if _QUAD.fullmatch(said):
        return "ip" if all(int(part) < 256 for part in said.split(".")) else ""
    digits = digits_of(said)
    if len(digits) < LEAST_DIGITS:
        return ""
    kind = _kind_of_number(said, digits)
    return kind if kind in ("cn_id", "card", "us_ssn") or (kind == "phone" and _SURE_PHONE.fullmatch(said)) else ""


def _rest(said: str, start: int, end: int) -> Iterator[Span]:
    stretch = said[start:end].strip(" -().")
    if sum(character.isdigit() for character in stretch) >= LEAST_DIGITS:
        first = said.index(stretch, start)
        yield first, first + len(stretch), "number"


def _kind_of_number(said: str, digits: str) -> str:
    if len(digits) == 18 and _BIRTHDAY.search(digits) and mod_11_2.is_valid(digits):   # GB 11643, whatever the county
        return "cn_id"
    if _CARD.fullmatch(digits) and luhn.is_valid(digits):
        return "card"
    if _SSN.fullmatch(said) and ssn.is_valid(digits):
        return "us_ssn"
    return "phone" if _is_phone(said, digits) else "number"


def _is_phone(said: str, digits: str) -> bool:
    parts = len([part for part in _PHONE_PARTS.split(said) if part])
    if said[0] == "+":
        return 8 <= len(digits) <= 15   # E.164
    if len(digits) == 11 and digits[0] == "1" and digits[1] in "3456789":
        return True                     # a mobile of China
    if digits[0] == "0" or said[0] == "(":
        return 9 <= len(digits) <= 13
    if len(digits) in (10, 11) and digits[-10] in "23456789" and digits[-7] in "23456789":
        return parts > 1 or len(digits) == 10   # the North American plan
    return 2 < parts < 6 and 8 <= len(digits) <= 13


def _always(kind: str) -> Check:
    def check(said: str, text: str, start: int, end: int) -> Iterator[Span]:
        yield start, end, kind

    return check


_CHECKS: dict[str, Check] = {
    "link": _link, "email": _always("email"), "secret": _secret, "key": _key, "mac": _always("mac"), "ip": _ip, "code": _code,
    "number": _number, "handle": _always("handle")}
