"""Puts masks and pseudonyms in the place of what is personal."""
import base64
import hmac
from collections.abc import Iterable, Sequence
from hashlib import sha256

import re2

from privacy.kinds import PERSON, Span, digits_of, find_all
from privacy.policy import Mode, Policy, PolicyError

PSEUDONYM_BYTES = 10   # 80 bits: two of ten billion persons are the same with a probability of 4 in 100,000
NUMBERS = ("phone", "card", "cn_id", "us_ssn", "number")   # the same however they are spaced


class Redacted:
    """A text with masks. place: where each character of the original stands now, and one place more for its end."""

    def __init__(self, text: str, place: Sequence[int] | None, hidden: Sequence[Span]) -> None:
        self.text, self._place, self.hidden = text, place, hidden

    def at(self, start: int, end: int) -> tuple[int, int] | None:
        """Where a stretch of the original stands now; None where a mask covers some of it."""
        if any(start < other_end and other < end for other, other_end, _ in self.hidden):
            return None
        return (start, end) if self._place is None else (self._place[start], self._place[end])


class Redactor:
    """A policy at work. key: of pseudonyms, at least 16 random bytes; a text is the same pseudonym as long as the key is."""

    def __init__(self, policy: Policy, key: bytes = b"") -> None:
        if not key and Mode.PSEUDONYM in (policy.default, policy.author_id, *policy.kinds.values(),
                                          *(own.mode for own in policy.patterns.values())):
            raise PolicyError("pseudonyms need a key")
        self.policy, self._key = policy, key
        self._own = [(name, re2.compile(own.pattern)) for name, own in policy.patterns.items()]

    def hidden(self, text: str, found: Iterable[Span], persons: Iterable[tuple[int, int]] = ()) -> list[Span]:
        """What is to be hidden, in order; what overlaps is one stretch, of the kind of the user's own in it, else of the longest.

        found: what kinds.find_all says of the text. persons: where the model found some.
        """
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

    def redacted_all(self, texts: Sequence[str], persons: Sequence[Sequence[tuple[int, int]]]) -> list[Redacted]:
        """The texts with masks and pseudonyms. persons: where the model found some in each, in characters."""
        return [self._redacted(text, self.hidden(text, found, some))
                for text, found, some in zip(texts, find_all(texts), persons, strict=True)]

    def redacted(self, text: str, persons: Sequence[tuple[int, int]] = ()) -> Redacted:
        """One text."""
        return self.redacted_all([text], [persons])[0]

    def _redacted(self, text: str, hidden: list[Span]) -> Redacted:
        if not hidden:
            return Redacted(text, None, hidden)
        parts: list[str] = []
        place: list[int] = []
        at = length = 0
        for start, end, kind in hidden:
            parts += [text[at:start], self._in_place_of(kind, text[start:end])]
            place += range(length, length + start - at)
            length += start - at
            place += [length] * (end - start)
            length += len(parts[-1])
            at = end
        parts.append(text[at:])
        place += range(length, length + len(text) - at + 1)
        return Redacted("".join(parts), place, hidden)

    def author(self, author_id: str) -> str:
        """What is kept of an author's id."""
        if not author_id or self.policy.author_id is Mode.KEEP:
            return author_id
        return "[author]" if self.policy.author_id is Mode.MASK else self.pseudonym("author", author_id)

    def pseudonym(self, kind: str, said: str) -> str:
        """HMAC-SHA256 of kind and text (RFC 2104), 80 bits of it in base 32: the same for the same, and of no use without the key."""
        plain = digits_of(said) if kind in NUMBERS else " ".join(said.casefold().split())
        digest = hmac.new(self._key, f"{kind}\0{plain}".encode(), sha256).digest()[:PSEUDONYM_BYTES]
        return base64.b32encode(digest).decode().lower()

    def _find_own(self, text: str) -> Iterable[Span]:
        for name, pattern in self._own:
            for found in pattern.finditer(text):
                start, end = found.span(1) if pattern.groups and found.span(1)[0] >= 0 else found.span()
                if start < end:
                    yield start, end, name

    def _in_place_of(self, kind: str, said: str) -> str:
        return f"[{kind}]" if self.policy.mode_of(kind) is Mode.MASK else f"[{kind}:{self.pseudonym(kind, said)}]"
