"""Learns a WordPiece vocabulary from training texts by counting, in seconds."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.pieces import CONTINUES, PAD, UNKNOWN

SIZE = 16_000
WHOLE_WORDS_SHARE = 0.85
"""Of the entries left after the characters; the rest are pieces for the words outside."""
LONGEST_WORD = 40
LONGEST_PIECE = 8

NO_SCRIPT, OTHER, CHINESE = -1, 0, 1
CJK = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_CHINESE = re.compile(f"[{CJK}]")
_WORD = re.compile(rf"[{CJK}]|[^\W_{CJK}]+|[^\w\s]|_")


def words_of(text: str) -> list[str]:
    """The words as BERT's basic tokenizer cuts them: lower case, no accents, Chinese characters and marks alone."""
    plain = "".join(c for c in unicodedata.normalize("NFD", text.lower()) if unicodedata.category(c) != "Mn")
    return _WORD.findall(plain)


def learn(texts: Iterable[str], size: int = SIZE) -> list[str]:
    """Entries by id: padding, unknown, all characters seen twice, then the words and pieces that cover most text.

    Words seen once are left out: they would be learnt by heart. What a word outside the vocabulary is made of is
    counted as its prefixes and its ## continuations, weighed by the characters they save (WordPiece is matched
    longest first, Schuster and Nakajima 2012; learning by count is far faster than by likelihood and, for words of
    short texts, keeps the same frequent entries).
    """
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(words_of(text))
    seen = {word: n for word, n in counts.items() if n > 1 and len(word) <= LONGEST_WORD}
    characters = _characters(seen)
    room = max(size - len(characters) - 2, 0)
    by_count = sorted((w for w in seen if len(w) > 1), key=lambda word: (-seen[word], word))
    whole = by_count[: int(room * WHOLE_WORDS_SHARE)]
    pieces = _pieces({word: seen[word] for word in by_count[len(whole) :]}, room - len(whole), set(whole))
    return [PAD, UNKNOWN, *characters, *whole, *pieces]


def _characters(seen: dict[str, int]) -> list[str]:
    alone = {word for word in seen if len(word) == 1}
    inside: Counter[str] = Counter()
    for word, n in seen.items():
        if len(word) > 1:
            inside.update(dict.fromkeys(word, n))
    common = {c for c, n in inside.items() if n > 20}
    return sorted(alone | common) + sorted(CONTINUES + c for c in common)


def _pieces(words: dict[str, int], room: int, known: set[str]) -> list[str]:
    saved: Counter[str] = Counter()
    for word, n in words.items():
        for cut in range(2, min(len(word), LONGEST_PIECE) + 1):
            saved[word[:cut]] += n * (cut - 1)
            saved[CONTINUES + word[-cut:]] += n * (cut - 1)
    ranked = sorted((piece for piece in saved if piece not in known), key=lambda piece: (-saved[piece], piece))
    return ranked[:room]


def scripts(vocabulary: Sequence[str]) -> NDArray[np.int32]:
    """int32[entries]: CHINESE, OTHER for other letters, or NO_SCRIPT for what has none, such as marks, digits and the first two entries."""

    def script(entry: str) -> int:
        if _CHINESE.search(entry):
            return CHINESE
        return OTHER if any(map(str.isalpha, entry)) and entry not in (PAD, UNKNOWN) else NO_SCRIPT

    return np.array([script(entry) for entry in vocabulary], np.int32)


def write(path: Path, vocabulary: Sequence[str]) -> None:
    """One entry a line, in the order of the ids."""
    path.write_text("".join(f"{entry}\n" for entry in vocabulary), encoding="utf-8")


def read(path: Path) -> list[str]:
    """The entries that write() wrote."""
    return path.read_text(encoding="utf-8").split("\n")[:-1]
