"""Texts like those of a set, for teachers to say something of: a student learns more of what they know from more texts.

Words are left out or become ones that a teacher has near them, and parts of two texts are joined (data augmentation for distillation:
R. Tang et al., Distilling Task-Specific Knowledge from BERT into Simple Neural Networks, 2019; X. Jiao et al., TinyBERT, Findings of EMNLP
2020). What comes of it need not make sense: the teachers are asked what it says.
"""

import random
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.data import DataSet, Example, bare
from models.teachers.files import PIECES_SUFFIX, STARTERS, read_pieces

SEED = 5
TIMES = 2
"""How many are made of each text."""
VARIED = ("support_intents_en", "clinc150_en", "titles_zh")
"""Sets of many classes with few rows each. Of sentiment a student learns nothing more from variants, in Chinese."""
JOINED = 1 / 4
"""Of the variants; the others have changed words."""
THINNED = 1 / 3
"""Of these: words are left out. Chinese, whose characters have no near ones here, always."""
LEFT_OUT = 0.2
REPLACED = 0.3
"""Of the words of a text."""
NEAREST = 15
LONGEST = 60
"""Parts of a text that is varied: words, or Chinese characters; of a longer one a part is taken."""
SHORTEST = 20
"""Of the part of a longer one."""
_WORD = re.compile("([a-z]{3,})(.*)")

Near = Callable[[str], Sequence[str]]
"""The words that a teacher has near one; none for one that it does not know."""


def varied(of_sets: Mapping[DataSet, Sequence[Example]], teachers: Path, evaluated: set[str]) -> dict[DataSet, dict[str, Sequence[str]]]:
    """The variants of the training rows of those sets that are VARIED. teachers: the folder of what they said, or will say."""
    near = near_by(*read_pieces(teachers / f"{STARTERS['en']}{PIECES_SUFFIX}"))
    return {dataset: variants([row.text for row in rows], dataset.language, near, evaluated)
            for dataset, rows in of_sets.items() if dataset.name in VARIED}


def near_by(known: Mapping[str, int], table: NDArray[np.float32]) -> Near:
    """By the embedding of whole words: entry -> its row in float32[entries, D]."""
    words = [entry for entry in known if _WORD.fullmatch(entry)]
    if not words:
        return lambda word: ()
    rows = table[[known[word] for word in words]]
    rows = rows - rows.mean(0)
    rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
    at = {word: place for place, word in enumerate(words)}
    found: dict[str, list[str]] = {}

    def of(word: str) -> Sequence[str]:
        if word in at and word not in found:
            # Rounded, so that every machine has them in one order.
            order = np.argsort(-np.round(rows @ rows[at[word]], 3), kind="stable")
            found[word] = [words[place] for place in order[: NEAREST + 1] if place != at[word]]
        return found.get(word, [])

    return of


def variants(texts: Sequence[str], language: str, near: Near, evaluated: set[str]) -> dict[str, Sequence[str]]:
    """TIMES of each text, each with the texts that it is made of, but for those that are texts already.

    The same for the same texts in any order. evaluated: bare texts (data.bare) that none may be.
    """
    rng, known = random.Random(SEED), set(texts)
    glue = " " if language == "en" else ""
    every = [(text, part) for text in sorted(known) if (part := text.split() if glue else list(text))]
    found: dict[str, Sequence[str]] = {}
    for _ in range(TIMES):
        for text, part in every:
            source, other = rng.choice(every)
            own = _cut(part, rng)
            joins = rng.random() < JOINED
            made = glue.join(_joined(own, _cut(other, rng), rng) if joins else _changed(own, near, rng)).strip()
            if made and made not in known and bare(made) not in evaluated:
                found.setdefault(made, (text, source) if joins else (text,))
    return found


def _joined(part: Sequence[str], other: Sequence[str], rng: random.Random) -> Sequence[str]:
    """How one begins and how the other ends."""
    return [*part[: rng.randint(1, len(part))], *other[rng.randrange(len(other)) :]]


def _changed(part: Sequence[str], near: Near, rng: random.Random) -> Sequence[str]:
    """With words left out, or in the place of which others are."""
    changed = [word if rng.random() > REPLACED else _replaced(word, near, rng) for word in part]
    return [word for word in part if rng.random() > LEFT_OUT] if changed == part or rng.random() < THINNED else changed


def _replaced(word: str, near: Near, rng: random.Random) -> str:
    match = _WORD.fullmatch(word.lower())
    others = near(match[1]) if match else ()
    return rng.choice(others) + match[2] if match and others else word


def _cut(part: Sequence[str], rng: random.Random) -> Sequence[str]:
    if len(part) <= LONGEST:
        return part
    size = rng.randint(SHORTEST, LONGEST)
    first = rng.randrange(len(part) - size)
    return part[first : first + size]
