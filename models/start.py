"""Start values for the embedding of pieces: those of a larger model whose vocabulary is of WordPieces too, made smaller.

A network that begins with them knows which words are alike before it has seen a label (Turian et al. 2010).
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.pieces import CONTINUES
from models.teachers.files import PIECES_SUFFIX, STARTERS, read_pieces

DEVIATION = 0.1
"""Of the values: as of random ones."""
_CHINESE = re.compile("[\u3400-\u9fff]")
_WORD = re.compile("[a-z]{3,}")

Floats = NDArray[np.float32]


def widened(vocabulary: Sequence[str], folder: Path) -> list[str]:
    """The entries and then the words that the teacher of English knows beside them.

    A name that no training text holds is one piece then, and begins where the teacher has it: near other names. Raises FileNotFoundError.
    """
    known, _ = read_pieces(folder / f"{STARTERS['en']}{PIECES_SUFFIX}")
    return list(dict.fromkeys([*vocabulary, *filter(_WORD.fullmatch, known)]))


def start(vocabulary: Sequence[str], folder: Path, width: int, rng: np.random.Generator) -> Floats:
    """float32[entries, width]: of Chinese characters by the teacher of Chinese, of all else by that of English.

    An entry that a teacher lacks is the mean of its pieces there; one of which it knows nothing is random. Raises FileNotFoundError.
    """
    table = rng.normal(0, DEVIATION, (len(vocabulary), width)).astype(np.float32)
    chinese = np.array([_CHINESE.search(entry) is not None for entry in vocabulary])
    for name, mine in ((STARTERS["zh"], chinese), (STARTERS["en"], ~chinese)):
        known, rows = read_pieces(folder / f"{name}{PIECES_SUFFIX}")
        places = {at: pieces for at in np.flatnonzero(mine).tolist() if (pieces := pieces_of(vocabulary[at], known))}
        if len(places) > width:
            table[list(places)] = _smaller(np.stack([rows[pieces].mean(0) for pieces in places.values()]), width)
    return table


def pieces_of(entry: str, known: Mapping[str, int]) -> list[int]:
    """The rows of what a teacher cuts an entry into, the longest piece first (Schuster and Nakajima 2012); none where it cannot."""
    if entry in known:
        return [known[entry]]
    bare, found, at = entry.removeprefix(CONTINUES), list[int](), 0
    while at < len(bare):
        start_of = CONTINUES if at else ""
        end = next((end for end in range(len(bare), at, -1) if start_of + bare[at:end] in known), at)
        if end == at:
            return []
        found.append(known[start_of + bare[at:end]])
        at = end
    return found


def _smaller(rows: Floats, width: int) -> Floats:
    """The principal components of the rows, with DEVIATION."""
    centred = rows - rows.mean(0)
    _, _, directions = np.linalg.svd(centred, full_matrices=False)
    small = centred @ directions[:width].T
    return np.asarray(small / small.std() * DEVIATION, np.float32)
