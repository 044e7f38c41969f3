"""What the entries of a vocabulary mean as terms: words put together from pieces, and pairs of Chinese characters."""
import itertools
import re
import threading
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from insights.cells import Counts

COUNT_BITS = 16
COUNT_MASK = (1 << COUNT_BITS) - 1
MAX_PIECES = 4
MIN_LETTERS = 3
MAX_REMEMBERED = 500_000

_STOP_WORDS = """
about above after again against ain all also although always and another any anyone anything are aren because been
before being below between both but can cannot could couldn did didn does doesn doing don done down during each
either else enough etc even ever every everyone everything few for from further get gets getting got had hadn has
hasn have haven having her here hers herself him himself his how however into isn its itself just let lot made make
makes many may maybe might mine more most much must mustn myself need neither never nobody none nor not nothing now
off often once one only onto other others our ours ourselves out over own per perhaps quite rather really same say
says several shall shan she should shouldn since some someone something still such than that the their theirs them
themselves then there these they thing things this those though through thus till too toward towards two under
until unto upon use used very via was wasn way well went were weren what whatever when whenever where wherever
whether which while who whoever whole whom whose why will with within without won would wouldn yet you your yours
yourself yourselves
"""
STOP_WORDS = frozenset(_STOP_WORDS.split())
"""English function words of three or more letters, and what is left of their short forms (don't: don)."""
PARTICLES = frozenset("的了吗呢吧啊呀嘛我你您他她它们这那")
"""Chinese particles and pronouns: a pair with one of them says little."""

_LETTERS = re.compile(r"[^\W\d_]+")


class _Words(dict[int, int]):
    """Composite key of a word's pieces -> its term, or -1 for no term. Put together when first asked for."""

    def __init__(self, lexicon: "Lexicon") -> None:
        super().__init__()
        self.lexicon = lexicon

    def __missing__(self, key: int) -> int:
        term = self[key] = self.lexicon.compose(key)
        return term


class _Names(dict[int, str]):
    """Term -> its string. Pairs of Chinese characters are put together when first asked for."""

    def __init__(self, lexicon: "Lexicon") -> None:
        super().__init__()
        self.lexicon = lexicon

    def __missing__(self, term: int) -> str:
        left, right = divmod(term - self.lexicon.pairs, len(self.lexicon.characters))
        name = self[term] = self.lexicon.characters[left] + self.lexicon.characters[right]
        return name


class _Triples(dict[int, Counts]):
    """Three counts of 16 bits in one integer -> a tuple of them; nearly all are the same few."""

    def __missing__(self, packed: int) -> Counts:
        triple = self[packed] = (packed & COUNT_MASK, packed >> COUNT_BITS & COUNT_MASK, packed >> 2 * COUNT_BITS)
        return triple


class Lexicon:
    """What the entries of one vocabulary mean as terms, and what was put together from them so far.

    Terms are integers: the entry itself for a word of one piece; from `composed` on, words of several pieces in the
    order of their coming; from `pairs` on, left * characters + right for two neighbouring Chinese characters. Words of
    the same letters are the same term. Safe to use from several threads.
    """

    def __init__(self, vocabulary: Sequence[str]) -> None:
        self.vocabulary = vocabulary
        self.bits = (len(vocabulary) + 1).bit_length()
        self.pieces = min(MAX_PIECES, 63 // self.bits)
        self.continues = np.array([entry.startswith("##") for entry in vocabulary], np.bool_)
        self.characters = [entry for entry in vocabulary if is_chinese(entry) and entry not in PARTICLES]
        self.places = {entry: place for place, entry in enumerate(self.characters)}
        self.place = np.array([self.places.get(entry, -1) for entry in vocabulary], np.int64)
        self.names, self.words, self.triples = _Names(self), _Words(self), _Triples()
        self.term_of: dict[str, int] = {}
        words = [entry.removeprefix("##") for entry in vocabulary]
        self.alone = np.array([self._term(word, number) for number, word in enumerate(words)], np.int64)
        self.composed = itertools.count(len(vocabulary))
        self.pairs = len(vocabulary) + (1 << 24)
        self.entities: dict[tuple[int, str], str] = {}
        self._lock = threading.Lock()

    @property
    def remembered(self) -> int:
        """How much was put together so far."""
        return len(self.words) + len(self.names) + len(self.entities) + len(self.triples)

    def compose(self, key: int) -> int:
        """The term of a word of several pieces, -1 for none."""
        mask = (1 << self.bits) - 1
        numbers = [key >> self.bits * step & mask for step in range(self.pieces)]
        word = "".join(self.vocabulary[number - 1].removeprefix("##") for number in numbers if number)
        with self._lock:
            return self._term(word, next(self.composed))

    def terms_in(self, said: str) -> list[int]:
        """The terms that a stretch of a text may have given to the counts."""
        words, pairs = _plain_words(said)
        terms = [self.term_of[word] for word in words if word in self.term_of]
        places = [(self.places.get(left, -1), self.places.get(right, -1)) for left, right in pairs]
        return terms + [self.pairs + left * len(self.characters) + right for left, right in places if left >= 0 and right >= 0]

    def _term(self, entry: str, number: int) -> int:
        word = entry.casefold()
        if not is_term(word):
            return -1
        term = self.term_of.setdefault(word, number)
        self.names[term] = word
        return term


def is_chinese(entry: str) -> bool:
    """True for one character of the CJK ideograph blocks (Unicode 15, as BERT's tokenizer has them)."""
    return len(entry) == 1 and (
        "\u4e00" <= entry <= "\u9fff" or "\u3400" <= entry <= "\u4dbf" or "\uf900" <= entry <= "\ufaff"
        or "\U00020000" <= entry <= "\U0002fa1f")


def is_term(word: str) -> bool:
    """True for case-folded words worth counting."""
    return len(word) >= MIN_LETTERS and word.isalpha() and word not in STOP_WORDS


@lru_cache(maxsize=1 << 14)
def _plain_words(said: str) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
    """(words, neighbouring Chinese characters) as BERT's tokenizers have them: in lower case, with and without accents."""
    plain = "".join(character for character in unicodedata.normalize("NFD", said.lower()) if unicodedata.category(character) != "Mn")
    words = tuple({word.casefold() for text in (plain, said) for word in _LETTERS.findall(text)})
    pairs = tuple(pair for pair in itertools.pairwise(plain) if is_chinese(pair[0]) and is_chinese(pair[1]))
    return words, pairs


_lexicons: dict[int, Lexicon] = {}
_lexicons_lock = threading.Lock()


def lexicon_of(vocabulary: Sequence[str]) -> Lexicon:
    """The lexicon of this very vocabulary object; begun anew when it has grown too large, and at most four are kept."""
    known = _lexicons.get(id(vocabulary))
    if known is not None and known.vocabulary is vocabulary and known.remembered - len(vocabulary) <= MAX_REMEMBERED:
        return known
    made = Lexicon(vocabulary)
    with _lexicons_lock:
        _lexicons.pop(id(vocabulary), None)
        while len(_lexicons) >= 4:
            del _lexicons[next(iter(_lexicons))]
        _lexicons[id(vocabulary)] = made
    return made
