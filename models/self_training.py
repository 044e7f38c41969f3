"""Learning from texts without labels: a model labels those that it is surest of, more from round to round, and learns anew from all.

Pseudo-labels: D.-H. Lee, ICML workshop 2013. A share that grows, and each round begun anew: curriculum labelling, P. Cascante-Bonilla et
al., AAAI 2021.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any, NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from models.data import DataError, key_of
from models.labels import Labels
from models.teachers.files import Vectors, key

SHARES = (0.2, 0.4, 0.6, 0.8, 1.0)
"""Of the texts that are likely enough, by round."""
LIKELY = 0.5
"""A label is taken where its probability is above this: likelier right than wrong."""
DIGITS = 4
"""Of a confidence: the last bits of a float are no reason to prefer a text."""

Shares = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Unlabelled:
    """Texts, none of them a copy of another. source: their files, as they were named."""

    source: str
    texts: Sequence[str]

    @property
    def sha256(self) -> str:
        """Of the texts, whatever files they were in."""
        return hashlib.sha256("\0".join(self.texts).encode("utf-8", "surrogatepass")).hexdigest()


class Pseudo(NamedTuple):
    """A text and what a model takes it for. shares: float32[C], the probabilities. confidence: that of the label."""

    text: str
    label: int
    confidence: float
    shares: Shares


class Round(Protocol):
    """What was trained on labels and some pseudo-labels."""

    @property
    def pseudo(self) -> Sequence[Pseudo]:
        """What it learnt beside the labels."""

    @property
    def dev(self) -> float:
        """Its score on the dev rows."""

    @property
    def shares(self) -> Shares:
        """float32[N, C]: what it takes the texts without labels for."""


R = TypeVar("R", bound=Round)


def unlabelled(texts: Iterable[str], labels: Labels, source: str) -> Unlabelled:
    """The texts in an order of their own, each once, without those that are in the file of labels, whatever their split.

    Case, marks and spaces do not tell texts apart. Raises DataError where none is left.
    """
    known = {key_of(row.text.strip()) for row in labels.rows}
    found: dict[str, str] = {}
    for text in texts:
        name = key_of(text.strip())
        found[name] = min(text, found.get(name, text))
    left = [found[name] for name in sorted(found.keys() - known)]
    if not left:
        why = "each of them is in the file of labels already" if found else "it holds no text"
        raise DataError(f"--unlabelled {source}: nothing to learn from: {why}; name files of other texts, or leave it out")
    return Unlabelled(source, left)


def most_confident(texts: Sequence[str], shares: Shares, share: float) -> list[Pseudo]:
    """Of each label that share of the texts that it is likely for, the surest first; of no label more than as if all had as many.

    texts: each once. shares: float32[N, C], probabilities. A larger share gives the same and more.
    """
    labels, sure = shares.argmax(1), np.round(shares.max(1).astype(float), DIGITS)
    of_label: dict[int, list[int]] = {}
    for at in sorted(np.flatnonzero(sure > LIKELY).tolist(), key=lambda at: (-sure[at], texts[at])):
        of_label.setdefault(int(labels[at]), []).append(at)
    even = ceil(sum(len(rows) for rows in of_label.values()) / max(len(of_label), 1))
    return [Pseudo(texts[at], label, float(sure[at]), shares[at])
            for label, rows in sorted(of_label.items()) for at in rows[: ceil(share * min(len(rows), even))]]


def soft(pseudo: Sequence[Pseudo]) -> Vectors:
    """The probabilities, found by text: soft labels (Hinton et al. 2015)."""
    rows = sorted(pseudo, key=lambda one: key(one.text))
    return Vectors(np.array([key(one.text) for one in rows], np.uint64), np.array([one.shares for one in rows], np.float16))


def best_round(
    train: Callable[[int, list[Pseudo]], R], texts: Sequence[str], said: Callable[[str], None],
) -> tuple[R, list[dict[str, Any]]]:
    """The round that is best on dev, and what there is to tell of each.

    train: gives the round of a number and some pseudo-labels. Round 0 has none, and the best is never worse on dev; each further one takes
    what the best so far is surest of. Of equals the later is kept: it has learnt more.
    """
    best = train(0, [])
    told = [_told(0, best)]
    for number, share in enumerate(SHARES, 1):
        pseudo = most_confident(texts, best.shares, share)
        if not pseudo:
            said(f"no text without a label is likelier than {LIKELY} to have one: learnt from the labels alone")
            break
        said(f"round {number}/{len(SHARES)}: {len(pseudo):,} of {len(texts):,} texts without labels, sure to {least(pseudo):.2f} and above")
        found = train(number, pseudo)
        told.append(_told(number, found))
        if found.dev >= best.dev:
            best = found
    return best, told


_TOLD = """
## Texts without labels

{texts:,} texts without labels ({source}) were labelled by the best round so far, and those that it was surest of learnt beside the labels,
with its probabilities as their targets. The best round on dev is kept: {kept}.

| round | pseudo-labels | least confidence | dev |
|---:|---:|---:|---:|
{rows}
"""


def told(given: Unlabelled, best: Round, rounds: Sequence[dict[str, Any]]) -> str:
    """What the card says."""
    kept = f"one with {len(best.pseudo):,} pseudo-labels, each of confidence {least(best.pseudo):.2f} or more" if best.pseudo else (
        "the first, without pseudo-labels")
    rows = "\n".join(f"| {one['round']} | {one['pseudo_labels']:,} | {one['least_confidence']:.2f} | {one['dev']:.3f} |" for one in rounds)
    return _TOLD.format(texts=len(given.texts), source=given.source, kept=kept, rows=rows)


def least(pseudo: Sequence[Pseudo]) -> float:
    """The lowest confidence; of none 1."""
    return min((one.confidence for one in pseudo), default=1.0)


def _told(number: int, found: Round) -> dict[str, Any]:
    return {"round": number, "pseudo_labels": len(found.pseudo), "least_confidence": least(found.pseudo), "dev": found.dev}
