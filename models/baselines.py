"""Two baselines that any model must beat: a vote of keywords, and a list of known names."""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from models.data import Example, Span
from models.vocabulary import words_of

WORDS_PER_CLASS = 100
_CHINESE = re.compile(r"[\u3400-\u9fff]")
_LONGEST_NAME = 12
_TOKEN = re.compile(r"[\u3400-\u9fff]|[^\W\u3400-\u9fff]+|[^\w\s]")


def terms(text: str) -> list[str]:
    """Words, and pairs of neighbouring Chinese characters."""
    words = words_of(text)
    pairs = [a + b for a, b in pairwise(words) if _CHINESE.match(a) and _CHINESE.match(b)]
    return pairs + [word for word in words if not _CHINESE.match(word)]


class KeywordVote:
    """The class whose keywords a text holds most often; the majority class when none or several lead.

    Keywords of a class: the terms with the highest log-odds of occurring in its training texts against the others',
    with one added to each count.
    """

    def __init__(self, texts: Sequence[str], labels: Sequence[int]) -> None:
        self.majority = Counter(labels).most_common(1)[0][0]
        inside: dict[int, Counter[str]] = defaultdict(Counter)
        for text, label in zip(texts, labels, strict=True):
            inside[label].update(set(terms(text)))
        total: Counter[str] = sum(inside.values(), Counter())
        rows = Counter(labels)
        self._classes_of: dict[str, list[int]] = defaultdict(list)
        for label, counts in inside.items():
            for term in self._keywords(counts, total, rows[label], len(labels) - rows[label]):
                self._classes_of[term].append(label)

    @staticmethod
    def _keywords(counts: Counter[str], total: Counter[str], rows: int, others: int) -> list[str]:
        names = sorted(term for term, n in counts.items() if n > 1)
        within = np.array([counts[term] for term in names], float)
        without = np.array([total[term] for term in names], float) - within
        odds = np.log((within + 1) / (rows - within + 1)) - np.log((without + 1) / (others - without + 1))
        return [names[i] for i in np.argsort(-odds, kind="stable")[:WORDS_PER_CLASS]]

    def predict(self, texts: Sequence[str]) -> list[int]:
        """The class of each text."""
        return [self._predict(text) for text in texts]

    def _predict(self, text: str) -> int:
        votes: Counter[int] = Counter(label for term in terms(text) for label in self._classes_of.get(term, ()))
        best = votes.most_common(2)
        if not best or (len(best) > 1 and best[0][1] == best[1][1]):
            return self.majority
        return best[0][0]


class Gazetteer:
    """Finds the names of the training texts, longest match first, each with the type it most often had."""

    def __init__(self, examples: Sequence[Example]) -> None:
        kinds: dict[tuple[str, ...], Counter[int]] = defaultdict(Counter)
        for example in examples:
            raw = example.text.encode()
            for kind, start, end in example.entities or ():
                kinds[tuple(_TOKEN.findall(raw[start:end].decode()))][kind] += 1
        self._kind_of = {name: counts.most_common(1)[0][0] for name, counts in kinds.items()}

    def predict(self, texts: Sequence[str]) -> list[list[Span]]:
        """The spans of each text."""
        return [self._predict(text) for text in texts]

    def _predict(self, text: str) -> list[Span]:
        found = list(_TOKEN.finditer(text))
        tokens = [match.group() for match in found]
        spans, at = [], 0
        while at < len(tokens):
            length, kind = self._match(tokens, at)
            if length:
                start, end = found[at].start(), found[at + length - 1].end()
                spans.append((kind, len(text[:start].encode()), len(text[:end].encode())))
            at += max(length, 1)
        return spans

    def _match(self, tokens: Sequence[str], at: int) -> tuple[int, int]:
        for length in range(min(_LONGEST_NAME, len(tokens) - at), 0, -1):
            kind = self._kind_of.get(tuple(tokens[at : at + length]))
            if kind is not None:
                return length, kind
        return 0, -1
