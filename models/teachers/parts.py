"""Clauses of longer Chinese texts, as texts of their own: there are many more of them than texts, and a teacher needs no label."""

import re
from collections.abc import Iterable

from models.data import bare

LONG = 120
"""Characters of a text that is cut; shorter ones are like clauses already."""
LEAST, MOST = 8, 60
"""Characters of a clause."""
MOST_PARTS = 5
"""Of one text: the first ones, so that a few long texts do not speak for all."""
_END = re.compile(r"(?<=[。！？；，、])|(?<=[.!?;])\s+|\n+")
_CHINESE = re.compile("[\u3400-\u9fff]")


def parts_of(text: str) -> list[str]:
    """The clauses of a long text, in order; none of a short one, or of one that is mostly not Chinese."""
    if len(text) <= LONG or len(_CHINESE.findall(text)) * 4 <= len(text):
        return []
    parts = [part.strip() for part in _END.split(text)]
    return [part for part in parts if LEAST <= len(part) <= MOST][:MOST_PARTS]


def parts_of_all(texts: Iterable[str], evaluated: set[str]) -> set[str]:
    """Those of all texts but for the evaluated ones, which are given bare (data.evaluated_texts)."""
    return {part for text in texts for part in parts_of(text) if bare(part) not in evaluated}
