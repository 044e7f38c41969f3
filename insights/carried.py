"""Which words of a shown text carried its sentiment: what a model says of the text, asked once. No model is known here."""
import re
import threading
import unicodedata
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import NamedTuple

from schemas.tagging import SENTIMENTS

LEAST_SHARE = 0.25   # of the weight of the heaviest word: what is lighter is not marked
REMEMBERED = 1_024   # texts, of 280 characters each at most
MASK = re.compile(r"\[\w[\w-]*(?::[a-z2-7]{16})?\]")   # privacy.redact.Redactor.in_place_of
_JOINER = "\N{ZERO WIDTH JOINER}"
_SKIN = ("\N{EMOJI MODIFIER FITZPATRICK TYPE-1-2}", "\N{EMOJI MODIFIER FITZPATRICK TYPE-6}")
_FLAG = ("\N{REGIONAL INDICATOR SYMBOL LETTER A}", "\N{REGIONAL INDICATOR SYMBOL LETTER Z}")

Place = tuple[int, int]
"""First character, and the character it ends before."""
Text = tuple[str, str]
"""A text as it stands in the store, and the sentiment that it was counted under."""


class Said(NamedTuple):
    """What a model says of a Text: the sentiment that it gives the text itself, and which words speak for the one it was counted under.

    words: (first character, the one it ends before, weight above 0).
    """

    sentiment: str
    words: Sequence[tuple[int, int, float]]


class Carried(NamedTuple):
    """The words to mark, in order and apart. instead: the sentiment that the model gives the text, where that is another; else empty."""

    marks: tuple[Place, ...] = ()
    instead: str = ""


Ask = Callable[[Sequence[Text]], Sequence[Said]]


class Carrier:
    """Asks a model about shown texts, and remembers the last REMEMBERED answers. May be used by several threads: they take turns.

    model: its name and version, as they are shown.
    """

    def __init__(self, model: str, ask: Ask, most: int = REMEMBERED) -> None:
        self.model, self._ask, self._most = model, ask, most
        self._known: OrderedDict[Text, Carried] = OrderedDict()
        self._turn = threading.Lock()

    def of(self, texts: Sequence[Text]) -> list[Carried]:
        """For each text what carried its sentiment; nothing where the store keeps no text. All that is new is asked at once."""
        asked = [one for one in dict.fromkeys(texts) if one[0] and one[1] in SENTIMENTS]
        with self._turn:
            found = {one: self._known[one] for one in asked if one in self._known}
            if new := [one for one in asked if one not in found]:
                found |= {one: carried(*one, said) for one, said in zip(new, self._ask(new), strict=True)}
            for one in asked:
                self._known[one] = found[one]
                self._known.move_to_end(one)
            while len(self._known) > self._most:
                self._known.popitem(last=False)
        return [found.get(one, Carried()) for one in texts]


def carried(text: str, sentiment: str, said: Said) -> Carried:
    """Of the words those of at least LEAST_SHARE of the weight of the heaviest, as whole signs; none in a mask, which nobody wrote."""
    masks = [mask.span() for mask in MASK.finditer(text)]
    words = [word for word in said.words if not any(word[0] < end and start < word[1] for start, end in masks)]
    least = LEAST_SHARE * max((weight for _, _, weight in words), default=0.0)
    marks: list[Place] = []
    for start, end in sorted(whole_signs(text, start, end) for start, end, weight in words if weight >= least):
        if marks and start < marks[-1][1]:
            marks[-1] = marks[-1][0], max(end, marks[-1][1])
        elif start < end:
            marks.append((start, end))
    return Carried(tuple(marks), said.sentiment if said.sentiment != sentiment else "")


def whole_signs(text: str, start: int, end: int) -> Place:
    """The stretch, widened to what is drawn as one sign: a letter with its accents, an emoji of several characters, a flag.

    The rules of Unicode (UAX 29) as far as words begin or end there.
    """
    while start > 0 and start < end and _goes_on(text, start):
        start -= 1
    while end < len(text) and start < end and _goes_on(text, end):
        end += 1
    return start, end


def _goes_on(text: str, at: int) -> bool:
    """Whether a sign that begins before this character, which is there, goes on with it."""
    here, before = text[at], text[at - 1]
    if unicodedata.category(here)[0] == "M" or _JOINER in (here, before) or _SKIN[0] <= here <= _SKIN[1]:
        return True
    if not (_FLAG[0] <= here <= _FLAG[1]):
        return False
    letters = 0   # two make a flag
    while letters < at and _FLAG[0] <= text[at - 1 - letters] <= _FLAG[1]:
        letters += 1
    return letters % 2 == 1
