"""What the automaton proposes is looked at: whether a number goes on, a calendar has such a day, a code is one's name or a quantity."""
import calendar
import re
from collections.abc import Callable

from models.patterns.alphabet import IS_JOINED, IS_LETTER, IS_WORD, LATIN, NO_LETTERS, OWN, WORDS
from schemas.entity_types import PATTERN_TYPES

MONEY, DATE, PERCENTAGE, ORDER, HASHTAG, MENTION = range(len(PATTERN_TYPES))
LEAST_DIGITS = 5     # of an order number that nothing but a word such as order names
LONGEST = 101        # characters of a hashtag, a mention or an order number
LEAP = 2000          # a year for dates without one
_UNITS = b"%$" + bytes(OWN[character] for character in "年月元块万亿美欧英港")   # behind a quantity
_PIECE, _YEARS, _MONTHS_ZH = OWN["块"], OWN["年"], OWN["月"]
_MONTHS = [name.encode() for name in ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")]
_NUMBERS, _MONTH, _DIGIT, _LATIN_LETTER = (
    re.compile(pattern) for pattern in (rb"[0-9]+", b"(?i)" + b"|".join(_MONTHS), rb"[0-9]", rb"[A-Za-z]"))
_THREE = re.compile(rb"[0-9]{1,4}([\-/])[0-9]{1,2}\1[0-9]{1,4}")

Check = Callable[[bytes, int, int], int | None]
"""(what is read, start, end) -> what stands there."""


def _goes_on(read: bytes, begin: int, end: int) -> bool:
    """Whether a number at either end is part of a longer one."""
    return (read[end:end + 1].isdigit() or (read[end] in b".," and read[end + 1:end + 2].isdigit())
            or (begin > 1 and read[begin:begin + 1].isdigit() and read[begin - 1] in b".," and read[begin - 2:begin - 1].isdigit()))


def _money(read: bytes, begin: int, end: int) -> int | None:
    piece = read[end - 1] == _PIECE and IS_LETTER[read[end]]   # three of something: one letter more says what
    return None if piece or _goes_on(read, begin, end) else MONEY


def _percentage(read: bytes, begin: int, end: int) -> int | None:
    return None if _goes_on(read, begin, end) else PERCENTAGE


def _hashtag(read: bytes, begin: int, end: int) -> int | None:
    if end - begin > LONGEST:
        return None
    said = read[begin + 1:end - 1]
    letters = said.translate(None, NO_LETTERS)
    fits = letters and (not said.translate(None, WORDS) or letters.translate(None, bytes(LATIN)))
    return None if not fits or IS_JOINED[read[begin - 1]] or read[begin - 1] in b"/&" else HASHTAG


def _order_number(read: bytes, begin: int, end: int) -> int | None:
    """Behind "number", "#" and the like. "no longer-5" and "#Festival2015" are none: words have small letters and few digits."""
    said = read[begin:end]
    digits = len(_DIGIT.findall(said))
    if len(said) > LONGEST or digits * (3 if said.upper() == said else 1) < len(_LATIN_LETTER.findall(said)) or _is_quantity(read, end):
        return None
    return DATE if _THREE.fullmatch(said) and _is_date(said) else ORDER


def _perhaps_order_number(read: bytes, begin: int, end: int) -> int | None:
    """Behind a word such as order alone: a long number, or a code."""
    said = read[begin:end]
    digits = len(_DIGIT.findall(said))
    return None if digits < 3 or digits == len(said) < LEAST_DIGITS else _order_number(read, begin, end)


def _is_quantity(read: bytes, end: int) -> bool:
    return read[end] in _UNITS or (read[end] in b".," and read[end + 1:end + 2].isdigit())


def _date(read: bytes, begin: int, end: int) -> int | None:
    said = read[begin:end]
    mark = said.lstrip(b"0123456789")[:1]
    if mark in (b"-", b"/", b".") and (
            read[begin - 1:begin] == b"/" or (read[begin - 1:begin] in (mark, b".") and IS_WORD[read[begin - 2]])
            or (read[end:end + 1] == mark and IS_WORD[read[end + 1]])):
        return None   # of a longer chain
    if not said[0:1].isdigit() and _goes_on(read, begin, end):
        return None
    return DATE if _is_date(said) else None


def _is_date(said: bytes) -> bool:
    """Whether a calendar has such a day: month before day or behind it, where both are numbers."""
    numbers = [int(number) for number in _NUMBERS.findall(said)]
    if name := _MONTH.search(said):
        year = next((number for number in numbers if number > 31), LEAP)
        return _is_day(year, _MONTHS.index(name.group().lower()) + 1, next((number for number in numbers if number <= 31), 1))
    if said.find(_YEARS) >= 0 or said.find(_MONTHS_ZH) >= 0:
        year, month, *days = numbers if said.find(_YEARS) >= 0 else [LEAP, *numbers]
        return all(_is_day(year, month, day) for day in days)
    first, second, third = numbers
    if first > 31:
        return _is_day(first, second, third)
    return _is_day(third, first, second) or _is_day(third, second, first)


def _is_day(year: int, month: int, day: int) -> bool:
    return 1 <= month <= 12 and 1 <= day <= calendar.monthrange(year, month)[1]


CHECKS: dict[str, Check] = {
    "order_number": _order_number, "order_number_zh": _order_number, "order_zh": _order_number, "weak": _perhaps_order_number,
    "weak_zh": _perhaps_order_number, "date": _date, "percentage": _percentage, "money": _money, "hashtag": _hashtag}
"""By group of the grammar."""
