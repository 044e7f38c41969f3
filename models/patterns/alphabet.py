"""The alphabet that patterns are written in: every character is one byte, so that a pattern knows no encodings and places are characters.

Digits of any script and width are ASCII digits, currency signs are $, and the Chinese characters that patterns name have bytes of their
own, traditional ones those of the simplified.
"""
import unicodedata

import numpy as np
from numpy.typing import NDArray

from models.patterns.grammar import PATTERNS

OWN = {character: byte for byte, character in enumerate(sorted(set("".join(PATTERNS)) - {*map(chr, range(128))}), 0x80)}
"""A byte for each character of the patterns that is not ASCII."""
_SAME = str.maketrans("萬億圓圆塊錢點號訂單編碼發歐鎊幣韓臺盧銖運為餘", "万亿元元块钱点号订单编码发欧镑币韩台卢铢运为余")
_MARK, _LETTER, _GOES_ON, _CASED = 0x01, 0x02, 0x03, 0x78   # no part of a word; a letter without case; within a word; one with case
_JOINERS = "\u200c\u200d·・"   # stand within a hashtag, as in twitter-text
LAST_LETTER = 0x33480   # of Unicode 16; selectors and private characters follow, which are in no word


def _alphabet() -> NDArray[np.uint8]:
    """uint8[0x110000]: the byte of every character. From 0x80 on all are letters."""
    made = np.full(0x110000, _MARK, np.uint8)
    made[:0x80] = [code if chr(code).isprintable() or code == 0x0A else 0x20 if chr(code).isspace() else _MARK for code in range(0x80)]
    for code in range(0x80, LAST_LETTER):
        character = chr(code)
        category = unicodedata.category(character)
        if 0xFF01 <= code <= 0xFF5E:   # of full width
            made[code] = code - 0xFEE0
        elif category == "Nd":
            made[code] = 0x30 + unicodedata.decimal(character)
        elif category == "Sc":
            made[code] = ord("$")
        elif character in _JOINERS or (category in ("Mn", "Mc") and not 0xFE00 <= code <= 0xFE0F):
            made[code] = _GOES_ON
        elif category in ("Lu", "Ll", "Lt", "Lm"):
            made[code] = _CASED
        elif category[0] == "L":
            made[code] = OWN.get(character.translate(_SAME), _LETTER)
        elif character.isspace():
            made[code] = 0x20
    for character, byte in OWN.items():
        made[ord(character)] = byte
    made[ord("，")] = _MARK   # between clauses, not in numbers
    return made


def _table(*bytes_: int) -> NDArray[np.bool_]:
    made = np.zeros(256, np.bool_)
    made[list(bytes_)] = True
    return made


_DIGITS, LATIN = range(0x30, 0x3A), (*range(0x41, 0x5B), *range(0x61, 0x7B))
ALPHABET = _alphabet()
IS_WORD = _table(*_DIGITS, *LATIN, 0x5F, _LETTER, _GOES_ON, *range(0x80, 0x100))
IS_LETTER = _table(*LATIN, _LETTER, *range(0x80, 0x100))
IS_JOINED = _table(*_DIGITS, *LATIN, 0x5F, _GOES_ON)   # what stands before # and @ within a word: scripts without case have no spaces
IN_LINK = _table(*set(range(0x21, 0x7F)) - {*b"<>\"'"})
WORDS, NO_LETTERS = (bytes(np.flatnonzero(table).tolist()) for table in (IS_WORD, ~IS_LETTER))
