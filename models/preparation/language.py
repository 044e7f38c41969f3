"""The language of a text by the script it is written in: no model, and the same answer for everybody."""
import re

from models.preparation.cleaning import MASKS

LANGUAGES = ("en", "zh", "other")
LEAST_HAN = 0.2
"""Share of the letters: Chinese texts hold Latin names and words, and a Chinese character says as much as several letters."""
MOST_OTHER = 0.5
_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_LATIN = re.compile("[A-Za-z\u00c0-\u024f]")
_LETTER = re.compile(r"[^\W\d_]")
_MASK = re.compile("|".join(MASKS))


def language(text: str) -> str:
    """zh, en (any language in Latin letters: a script tells no more) or other, which also stands for no letters at all."""
    bare = _MASK.sub("", text)
    letters, han, latin = (len(kind.findall(bare)) for kind in (_LETTER, _HAN, _LATIN))
    if not letters or letters - han - latin > MOST_OTHER * letters:
        return "other"
    return "zh" if han >= LEAST_HAN * letters else "en"
