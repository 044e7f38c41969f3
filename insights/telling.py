"""Which words of a text go with its feeling, by what the store counts of them."""
import itertools
import math
import re
from collections.abc import Iterator, Mapping

from insights.cells import Counts
from insights.lexicon import PARTICLES, is_chinese, is_term

PRIOR = 5.0           # texts with the feelings of all, which a word has to outweigh
LEAST_TEXTS = 3
LEAST_LIFT = 1.25     # times the share of all texts that feel so
MOST = 4
_WORD = re.compile(r"[^\W\d_]+")


def terms_of(text: str) -> Iterator[tuple[int, int, str]]:
    """(start, end, term) of every place of the text that a cell may count, in characters: words, and pairs of Chinese characters."""
    for found in _WORD.finditer(text):
        start, word = found.start(), found.group()
        for chinese, part in itertools.groupby(enumerate(word), key=lambda pair: is_chinese(pair[1])):
            places = list(part)
            begin, end = start + places[0][0], start + places[-1][0] + 1
            if not chinese:
                term = text[begin:end].casefold()
                if is_term(term):
                    yield begin, end, term
                continue
            for at in range(begin, end - 1):
                pair = text[at:at + 2]
                if PARTICLES.isdisjoint(pair):
                    yield at, at + 2, pair


def holds(text: str, dimension: str, value: str) -> bool:
    """Whether a text holds a term, or names an entity ("type<TAB>text"), as far as its letters tell."""
    if dimension == "term":
        return re.search(rf"\b{re.escape(value)}\b" if value.isascii() else re.escape(value), text.casefold()) is not None
    return dimension == "entity" and value.partition("\t")[2] in " ".join(text.casefold().split())


def telling(text: str, feeling: int, counts: Mapping[str, Counts], whole: Counts) -> tuple[tuple[int, int], ...]:
    """Where the words stand that go with the feeling: those whose texts feel so more often than all texts do.

    feeling: 0 negative, 1 neutral, 2 positive. counts: term -> texts that hold it, by feeling; whole: all texts. What few texts hold is
    drawn towards the share of all, so that chance does not tell. At most MOST words, the most telling ones; places that touch are one.
    """
    usual = (whole[feeling] + 1) / (sum(whole) + 3)
    lifts: dict[str, float] = {}
    places = list(terms_of(text))
    for _, _, term in places:
        of_term = counts.get(term)
        if of_term and of_term[feeling] >= LEAST_TEXTS:
            lift = (of_term[feeling] + PRIOR * usual) / (sum(of_term) + PRIOR) / usual
            if lift >= LEAST_LIFT:
                lifts[term] = math.log(lift)
    chosen = set(sorted(lifts, key=lambda term: (-lifts[term], term))[:MOST])
    joined: list[tuple[int, int]] = []
    for start, end, term in sorted(places):
        if term in chosen:
            if joined and start <= joined[-1][1]:
                joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
            else:
                joined.append((start, end))
    return tuple(joined)
