"""Puts masks and pseudonyms in the place of what is personal."""
import base64
import hmac
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from hashlib import blake2b, sha256

import re2

from privacy.kinds import PERSON, Span, digits_of, find_all, find_in_fields
from privacy.policy import Mode, Policy, PolicyError

PSEUDONYM_BYTES = 10   # 80 bits: two of ten billion persons are the same with a probability of 4 in 100,000
MOST_IN_FIELD = 8
REMEMBERED = 1 << 14   # pseudonyms of authors and values of fields
PLAIN_KINDS = ("number", "code", "link")
SHAPE = re.compile(r"[xX9\W_]*")
NUMBERS = ("phone", "card", "cn_id", "us_ssn", "number")   # the same however they are spaced


class Redacted:
    """A text with masks. place: where each character of the original stands now, and one place more for its end."""

    def __init__(self, text: str, place: Sequence[int] | None, hidden: Sequence[Span]) -> None:
        self.text, self._place, self.hidden = text, place, hidden

    def at(self, start: int, end: int) -> tuple[int, int] | None:
        """Where a stretch of the original stands now; None where a mask covers some of it."""
        if overlaps(start, end, self.hidden):
            return None
        return (start, end) if self._place is None else (self._place[start], self._place[end])


    def around(self, start: int, end: int) -> tuple[int, int] | None:
        """Where the mask stands that covers a whole stretch of the original; None where none does."""
        found = next(((begin, stop) for begin, stop, _ in self.hidden if begin <= start and end <= stop), None)
        return None if found is None or self._place is None else (self._place[found[0]], self._place[found[1]])


def overlaps(start: int, end: int, hidden: Sequence[Span]) -> bool:
    """True when some of the stretch is hidden."""
    return any(start < other_end and other < end for other, other_end, _ in hidden)


class Redactor:
    """A policy at work. key: of pseudonyms, at least 16 random bytes; a text is the same pseudonym as long as the key is."""

    def __init__(self, policy: Policy, key: bytes = b"") -> None:
        if not key and Mode.PSEUDONYM in policy.modes:
            raise PolicyError("pseudonyms need a key")
        self.policy, self._key = policy, key
        self._own = [(name, re2.compile(own.pattern)) for name, own in policy.patterns.items()]
        self._names: dict[str, str] = {}   # of names that were looked at; empty: the same
        self._author = lru_cache(REMEMBERED)(lambda author_id: self.pseudonym("author", author_id))
        self._author_key = b"" if policy.author_id is Mode.KEEP else sha256(b"authors" + key).digest()
        self.author_number = lru_cache(REMEMBERED)(self._author_number)

    @property
    def mark(self) -> str:
        """Tells apart what makes ids, names and numbers of authors others: their modes, and the key, by 64 bits of an HMAC of it."""
        keyed = [] if self.policy.fields is self.policy.author_id is Mode.KEEP else [
            hmac.new(self._key, b"textpulse pseudonyms", sha256).hexdigest()[:16]]
        return ":".join([self.policy.fields, "keep" if self.policy.author_id is Mode.KEEP else "keyed", *keyed])

    def hidden_all(self, texts: Sequence[str], persons: Mapping[int, Sequence[tuple[int, int]]]) -> dict[int, list[Span]]:
        """By the number of the text: what is to be hidden in it. persons: likewise, where the model found some, in characters."""
        found = find_all(texts)
        rows = range(len(texts)) if self._own else found.keys() | persons.keys()
        hidden = {row: self._hidden(texts[row], found.get(row, ()), persons.get(row, ())) for row in rows}
        return {row: spans for row, spans in hidden.items() if spans}

    def _hidden(self, text: str, found: Iterable[Span], persons: Iterable[tuple[int, int]]) -> list[Span]:
        """In order; what overlaps is one stretch, of the kind of the user's own in it, else of the longest."""
        own = [(0, span) for span in self._find_own(text)]
        others = [(1, span) for span in (*found, *((start, end, PERSON) for start, end in persons if start < end))]
        hidden: list[Span] = []
        ranks: list[tuple[int, int]] = []
        for rank, (start, end, kind) in sorted([*own, *others], key=lambda one: one[1]):
            if self.policy.mode_of(kind) is Mode.KEEP:
                continue
            size = rank, start - end
            if hidden and start < hidden[-1][1]:
                before, until, kind_before = hidden[-1]
                hidden[-1] = before, max(until, end), kind if size < ranks[-1] else kind_before
                ranks[-1] = min(size, ranks[-1])
            else:
                hidden.append((start, end, kind))
                ranks.append(size)
        return hidden

    def redacted(self, text: str, persons: Sequence[tuple[int, int]] = ()) -> Redacted:
        """The text with masks and pseudonyms."""
        return self.covered(text, self.hidden_all([text], {0: persons}).get(0, ()))

    def covered(self, text: str, hidden: Sequence[Span]) -> Redacted:
        """The text with masks and pseudonyms in the place of what hidden_all said of it."""
        if not hidden:
            return Redacted(text, None, hidden)
        parts: list[str] = []
        place: list[int] = []
        at = length = 0
        for start, end, kind in hidden:
            parts += [text[at:start], self.in_place_of(kind, text[start:end])]
            place += range(length, length + start - at)
            length += start - at
            place += [length] * (end - start)
            length += len(parts[-1])
            at = end
        parts.append(text[at:])
        place += range(length, length + len(text) - at + 1)
        return Redacted("".join(parts), place, hidden)

    def detail(self, said: str) -> str:
        """What is said of a record, which may quote it: its numbers are offsets, sizes and ids, and stay, and so do shapes of values."""
        hidden = [span for span in self.hidden_all([said], {}).get(0, ())
                  if span[2] not in PLAIN_KINDS and not SHAPE.fullmatch(said[span[0]:span[1]])]
        return self.covered(said, hidden).text

    def in_place_of(self, kind: str, said: str) -> str:
        """[kind], or [kind:pseudonym]."""
        return f"[{kind}]" if self.policy.mode_of(kind) is Mode.MASK else f"[{kind}:{self.pseudonym(kind, said)}]"

    def ids(self, values: Sequence[str]) -> dict[str, str]:
        """Of ids the ones that hold something personal -> what stands for them; different ones stay different."""
        if self.policy.fields is Mode.KEEP:
            return {}
        return {values[row]: self._with_pseudonyms(values[row], found) for row, found in find_in_fields(values).items()}

    def names(self, values: set[str]) -> dict[str, str]:
        """As ids, of names that come again and again."""
        new = list(values - self._names.keys())
        if len(self._names) + len(new) > REMEMBERED:
            self._names.clear()
            new = list(values)
        self._names |= dict.fromkeys(new, "") | self.ids(new)
        return {value: said for value in values if (said := self._names[value])}

    def _with_pseudonyms(self, value: str, found: Sequence[Span]) -> str:
        if len(found) > MOST_IN_FIELD:   # a name of many handles would become longer than an index takes
            return f"[{found[0][2]}:{self._digest(found[0][2], value)}]"
        for start, end, kind in reversed(found):
            value = f"{value[:start]}[{kind}:{self._digest(kind, value[start:end])}]{value[end:]}"   # whatever differs stays different
        return value

    def author(self, author_id: str) -> str:
        """What is kept of an author's id."""
        if not author_id or self.policy.author_id is Mode.KEEP:
            return author_id
        return "[author]" if self.policy.author_id is Mode.MASK else self._author(author_id)

    def _author_number(self, author_id: str) -> int:
        """A hash of 64 bits by which distinct authors are counted: keyed BLAKE2b (RFC 7693), unless ids are kept."""
        return int.from_bytes(blake2b(author_id.encode(), digest_size=8, key=self._author_key).digest(), "little")

    def author_mark(self, author_id: str) -> str:
        """The same hash in hexadecimal, by which what an author wrote is found again; empty for none."""
        return f"{self.author_number(author_id):016x}" if author_id else ""

    def pseudonym(self, kind: str, said: str) -> str:
        """HMAC-SHA256 of kind and text (RFC 2104), 80 bits of it in base 32: the same for the same, and of no use without the key."""
        plain = digits_of(said) if kind in NUMBERS else " ".join(said.casefold().split())
        return self._digest(kind, plain)

    def _digest(self, kind: str, said: str) -> str:
        digest = hmac.new(self._key, f"{kind}\0{said}".encode("utf-8", "surrogatepass"), sha256).digest()[:PSEUDONYM_BYTES]
        return base64.b32encode(digest).decode().lower()

    def _find_own(self, text: str) -> Iterable[Span]:
        for name, pattern in self._own:
            for found in pattern.finditer(text):
                start, end = found.span(1) if pattern.groups and found.span(1)[0] >= 0 else found.span()
                if start < end:
                    yield start, end, name
