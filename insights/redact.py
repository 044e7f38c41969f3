"""What of a text may be shown as a sample: on one line, not too long, without what is personal in it."""
from collections.abc import Sequence

from privacy.kinds import Span
from privacy.policy import Mode, Policy
from privacy.redact import Redactor

CHARACTERS = 280   # of a redacted text
LOOKED_AT = 600    # characters of the text: what is longer is cut, by whole words where there are any
PERSONS = ("person", "per")

MASKS = Redactor(Policy(author_id=Mode.MASK))


def redacted(texts: Sequence[str], entities: Sequence[Sequence[Span]], redactor: Redactor = MASKS) -> list[tuple[str, tuple[Span, ...]]]:
    """Each text with masks, on one line, of at most CHARACTERS; and where its entities stand in it that no mask has covered.

    entities: where they stand in each text, in characters, and their types.
    """
    looked = [text if len(text) <= LOOKED_AT else _cut(text, LOOKED_AT) for text in texts]
    persons = [[(start, end) for start, end, kind in some if kind.casefold() in PERSONS] for some in entities]
    shown = []
    for text, short, hidden, some in zip(texts, looked, redactor.redacted_all(looked, persons), entities, strict=True):
        said = _one_line(hidden.text)
        placed = [(hidden.at(start, end), kind) for start, end, kind in some if start < end <= len(short)]
        kept = sorted((*place, kind) for place, kind in placed if place is not None)
        if len(said) > CHARACTERS or len(short) < len(text):
            said = _cut(said, CHARACTERS - 2) + " …"
            kept = [span for span in kept if span[1] <= len(said) - 2]
        shown.append((said, tuple(kept)))
    return shown


def _one_line(text: str) -> str:
    """As long as it was: what cannot be printed is a space."""
    return text if text.isprintable() else "".join(character if character.isprintable() else " " for character in text)


def _cut(text: str, length: int) -> str:
    """At most so many characters; the last word is left out where it is cut in two."""
    if len(text) <= length or text[length].isspace():
        return text[:length]
    head = text[:length]
    word = max(head.rfind(" "), head.rfind("\n"))
    return head[:word] if word > length // 2 else head
