"""Finds what has the form of an entity in all texts of a chunk at once.

RE2 reads them in linear time (R. Cox, "Regular Expression Matching in the Wild", 2010); hashtags and mentions, of which posts are full,
are found by NumPy.
"""
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import re2
from numpy.typing import NDArray

from models.patterns.alphabet import ALPHABET, IN_LINK, IS_JOINED, IS_LETTER, IS_WORD, NO_LETTERS, OWN
from models.patterns.checks import CHECKS, HASHTAG, LONGEST, MENTION, ORDER
from models.patterns.grammar import PATTERNS

MOST = 64
"""So many proposals are looked at in a text, and so many spans are taken, the first ones: texts that are made of them cost little more."""

Ids = NDArray[np.int64]
_LATIN1 = re2.Options()
_LATIN1.encoding = re2.Options.Encoding.LATIN1
_ANY = re2.compile("|".join(PATTERNS).translate({ord(character): byte for character, byte in OWN.items()}).encode("latin-1"), _LATIN1)
_CHECKS = {number: CHECKS[name.decode()] for name, number in _ANY.groupindex.items()}


class Found(NamedTuple):
    """Spans of N texts, by text and place, without overlaps: row int64[M], type int32[M] (place in PATTERN_TYPES), and in bytes of the
    UTF-8 text start and end int32[M]."""

    row: Ids
    type: NDArray[np.int32]
    start: NDArray[np.int32]
    end: NDArray[np.int32]


def find(texts: Sequence[str]) -> Found:
    """What stands in texts. What is said of one does not depend on the others. A lone surrogate is one byte, as for the network."""
    codes = np.frombuffer("\0".join([*texts, ""]).encode("utf-32-le", "replace"), np.uint32)
    ends = np.cumsum([len(text) + 1 for text in texts], dtype=np.int64)
    read = ALPHABET[codes]
    read[ends - 1] = 0   # which no pattern goes beyond
    said = read.tobytes()
    kind, start, end = _apart(_formed(said), _marked(read, said))
    kept = ~_in_links(read, said, start)
    kind, start, end = kind[kept], start[kept], end[kept]
    row = np.searchsorted(ends, start, "right")
    kept = np.arange(len(row)) - np.searchsorted(row, row) < MOST
    kind, start, end, row = kind[kept], start[kept], end[kept], row[kept]
    begin = np.concatenate(([0], ends))[row]
    begin, start, end = _in_bytes(codes, begin, start, end)
    return Found(row, kind.astype(np.int32), (start - begin).astype(np.int32), (end - begin).astype(np.int32))


def _in_bytes(codes: NDArray[np.uint32], *places: Ids) -> list[Ids]:
    """Places in characters -> the same in bytes of UTF-8."""
    wide = np.flatnonzero(codes > 0x7F)
    if not len(wide):
        return [*places]
    several = codes[wide]
    more = np.concatenate(([0], np.cumsum(1 + (several > 0x7FF) + (several > 0xFFFF).astype(np.int64))))
    return [at + more[np.searchsorted(wide, at)] for at in places]


Spans = tuple[Ids, Ids, Ids]
"""Type, start and end, in characters of all texts, by place and without overlaps."""


def _marked(read: NDArray[np.uint8], said: bytes) -> Spans:
    """Hashtags and mentions: words behind # and @ that are part of no other word."""
    at = np.flatnonzero((read == ord("#")) | (read == ord("@")))
    before, tag = read[at - 1], read[at] == ord("#")   # the last character is a 0, which stands before the first too
    other = np.where(tag, ord("&"), ord("@"))          # &#x27; is HTML
    fits = ~IS_JOINED[before] & (before != ord("/")) & (before != other) & IS_WORD[read[at + 1]]
    at, before, tag = at[fits], before[fits], tag[fits]
    if not len(at):
        return at, at, at
    end = _next(IS_WORD, said, at)
    letter = at + 1
    for few in np.flatnonzero(~IS_LETTER[read[letter]]).tolist():   # such as #2024goals
        letter[few] = end[few] - len(said[letter[few]:end[few]].lstrip(NO_LETTERS))
    is_time = (letter == end - 2) & ((read[end - 1] | 0x20) == ord("m")) & (letter > at + 1)   # "@5pm"
    is_address = IS_WORD[before] & (read[end] == ord(".")) & IS_LETTER[read[np.minimum(end + 1, len(read) - 1)]]
    fits = (letter < end) & (end - at <= LONGEST) & (tag | ((end - at > 2) & ~is_time & ~is_address))
    at, end, tag = at[fits], end[fits], tag[fits]
    return np.where(tag, HASHTAG, MENTION), at, end


def _next(table: NDArray[np.bool_], said: bytes, at: Ids) -> Ids:
    """The first place behind each of what is not in the table."""
    places = np.flatnonzero(np.frombuffer(said.translate((~table).tobytes()), np.bool_))   # the 0 behind a text is in none
    found: Ids = places[np.searchsorted(places, at + 1)]
    return found


def _formed(read: bytes) -> Spans:
    """What the automaton proposes and a check takes for something, of the first MOST proposals in a text."""
    found, begun = list[tuple[int, int, int]](), list[int]()
    at = 0
    while at < len(read):
        matches, at = _ANY.finditer(read, at), len(read)
        for match in matches:
            begin, end = match.span(match.lastindex)
            kind = _CHECKS[match.lastindex](read, begin, end)
            if kind is not None:
                found.append((kind, begin, end))
            begun.append(begin)
            if len(begun) >= MOST and read.find(b"\0", begun[-MOST], begin) < 0:
                at = read.index(b"\0", end)
                break
            if kind is None and (match.start() < begin or read[begin] == ord("#")):   # something else may begin in it
                at = begin if match.start() < begin else end - 1
                break
    kinds, starts, ends = np.array(found, np.int64).reshape(-1, 3).T
    return kinds, starts, ends


def _apart(formed: Spans, marked: Spans) -> Spans:
    """Both together. Where they overlap, a hashtag or a mention stays whole, unless an order number or a closed hashtag is there."""
    kind, start, end = formed
    if len(kind) and len(marked[0]):
        first, last = np.searchsorted(end, marked[1], "right"), np.searchsorted(start, marked[2])
        strong = np.concatenate(([0], np.cumsum((kind == ORDER) | (kind == HASHTAG))))
        kept = strong[first] == strong[last]
        marked = marked[0][kept], marked[1][kept], marked[2][kept]
        kept = np.searchsorted(marked[2], start, "right") == np.searchsorted(marked[1], end)
        kind, start, end = kind[kept], start[kept], end[kept]
    together = [np.concatenate(both) for both in zip((kind, start, end), marked, strict=True)]
    order = np.argsort(together[1], kind="stable")
    return together[0][order], together[1][order], together[2][order]


def _in_links(read: NDArray[np.uint8], said: bytes, start: Ids) -> NDArray[np.bool_]:
    """Whether a link has begun before each of these places and not ended."""
    marks = np.flatnonzero(read[:-2] == ord(":"))
    marks = marks[(read[marks + 1] == ord("/")) & (read[marks + 2] == ord("/"))]
    if not len(marks) or not len(start):
        return np.zeros(len(start), np.bool_)
    ends = np.append(-1, _next(IN_LINK, said, marks))   # of no link, in front
    inside: NDArray[np.bool_] = ends[np.searchsorted(marks, start)] >= start
    return inside
