"""The form of a value without its content: what may be said of a record that cannot be read."""
import re

from schemas.records import FIELDS

_NAMES = "|".join(FIELDS)
_PARTS = re.compile(
    rf"""(?P<name>["'](?:{_NAMES})["']\s*:)|(?P<digit>\d)|(?P<upper>[A-Z])|(?P<wide>(?=[\u2e80-\U0003ffff])\w)|(?P<letter>[^\W_])""")
_SHOWN = {"digit": "9", "upper": "X", "wide": "字", "letter": "x"}


def shape(text: str) -> str:
    """As long as the text: letters are x, X or 字, digits 9; names of known fields and signs are as they were."""
    return _PARTS.sub(lambda part: part.group() if part.lastgroup == "name" else _SHOWN[part.lastgroup or ""], text)
