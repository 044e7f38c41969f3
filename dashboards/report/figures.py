"""Numbers and times as a report writes them."""
from dashboards.report.words import Words
from insights.board import Feeling
from schemas.records import time_of

MINUS = "\N{MINUS SIGN}"
LONGEST_NAME = 60
MINUTE_US = 60_000_000


def count(number: float) -> str:
    """1,234; with a decimal below 10 where it has one."""
    return f"{number:,.1f}" if number < 10 and number != int(number) else f"{number:,.0f}"


def percent(part: float, whole: float) -> str:
    """12%; a dash of nothing."""
    return f"{part / whole:.0%}" if whole else "\N{EN DASH}"


def growth(now: float, before: float, words: Words) -> str:
    """+12%, or 3.4x from three times on; "new" of what was not there."""
    if not before:
        return words.new if now else words.no_change
    if now >= 3 * before:
        return f"{count(now / before)}\N{MULTIPLICATION SIGN}"
    return _signed(round(100 * (now - before) / before), "{}%", words)


def shift(now: Feeling, before: Feeling, words: Words) -> str:
    """How many points the negative share has risen; empty where one of them has no records."""
    if not now.records or not before.records:
        return ""
    return _signed(round(100 * (now.negative / now.records - before.negative / before.records)), words.points, words)


def length(length_us: int, words: Words) -> str:
    """In the largest unit that it is a whole number of: "90 min"."""
    for size_s, unit in ((86_400, words.days), (3_600, words.hours), (60, words.minutes)):
        if length_us and length_us % (size_s * 1_000_000) == 0:
            return unit.format(f"{length_us // (size_s * 1_000_000):,}")
    return words.seconds.format(f"{length_us / 1e6:g}")


def moment(time_us: int) -> str:
    """A time in UTC; its seconds where it has some."""
    return f"{time_of(time_us):%Y-%m-%d %H:%M}" if time_us % MINUTE_US == 0 else f"{time_of(time_us):%Y-%m-%d %H:%M:%S}"


def until(time_us: int, since_us: int) -> str:
    """A time in UTC, without its day where that is the day of another one."""
    same = time_of(time_us).date() == time_of(since_us).date()
    return moment(time_us).partition(" ")[2] if same else moment(time_us)


def lasting(begin_us: int, end_us: int, still: bool, words: Words) -> str:
    """From when to when, and that it goes on where it does."""
    lasted = words.lasted.format(moment(begin_us), until(end_us, begin_us))
    return words.still_open.format(lasted) if still else lasted


def short(name: str, words: Words) -> str:
    """A name that fits a column."""
    if not name:
        return words.none
    return name if len(name) <= LONGEST_NAME else name[:LONGEST_NAME] + "…"


def value(dimension: str, name: str, words: Words) -> str:
    """A value of a dimension, as it is shown; an entity as "text (type)"."""
    if dimension == "entity":
        kind, _, text = name.partition("\t")
        return words.aside.format(short(text, words), kind) if text else short(kind, words)
    return short(name.replace("_", " ") if dimension == "topic" else name, words)


def _signed(number: int, unit: str, words: Words) -> str:
    return unit.format(f"{'+' if number > 0 else MINUS}{abs(number)}") if number else words.no_change
