"""What of a tagged text leaves the worker: not what a policy hides, and of a sample not more than a few lines."""
from collections.abc import Iterable, Sequence

import numpy as np

from privacy.kinds import Span
from privacy.policy import Mode, Policy
from privacy.redact import Redactor
from schemas.entity_types import NAMED_BY_MASK, PERSONS
from schemas.records import TaggedEvent, TextEvent
from schemas.tagged import characters_of
from schemas.tagging import Tagger, Tags

CHARACTERS = 280   # of a redacted text
READ = 8_192       # characters of a text that cells and samples are made of: a model reads half of it at most
LOOKED_AT = 600    # characters of the text: what is longer is cut, by whole words where there are any

MASKS = Redactor(Policy(author_id=Mode.KEEP, fields=Mode.KEEP))


def hidden_in(
    events: Sequence[TextEvent], tags: Tags, tagger: Tagger, redactor: Redactor, most: int | None = None
) -> dict[int, list[Span]]:
    """Row -> what is to be hidden of its text, in characters: what is personal by its form, and persons that the model found.

    most: how much of a text is looked at; None for all of it.
    """
    if redactor.policy.keeps_all:
        return {}
    persons: dict[int, list[tuple[int, int]]] = {}
    named = [number for number, name in enumerate(tagger.entity_types) if name.casefold() in PERSONS]
    rows = np.repeat(np.arange(len(events)), np.diff(tags.entity_splits))
    for at in np.flatnonzero(np.isin(tags.entity_type, named)).tolist():
        row = int(rows[at])
        span = int(tags.entity_start[at]), int(tags.entity_end[at])
        persons.setdefault(row, []).extend(in_characters(events[row].text, [span]))
    return redactor.hidden_all([event.text[:most] for event in events], persons)


def in_characters(text: str, spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Spans in bytes of the UTF-8 text -> spans in its characters."""
    offsets = characters_of(text, [offset for span in spans for offset in span])
    return list(zip(offsets[::2], offsets[1::2], strict=True))


def instead_of(text: str, start: int, end: int, hidden: Sequence[Span], redactor: Redactor) -> str:
    """What an entity is counted as of which something is hidden: a pseudonym, where all of it is hidden by one, else nothing."""
    whole = [span for span in hidden if span[0] <= start and end <= span[1]]
    if whole and redactor.policy.mode_of(whole[0][2]) is Mode.PSEUDONYM:
        return redactor.in_place_of(whole[0][2], text[whole[0][0]:whole[0][1]])
    return ""


def hide(record: TaggedEvent, hidden: Sequence[Span], redactor: Redactor) -> None:
    """Puts masks into a tagged event's text; its entities move, or say what stands for them, or go where they were part of something."""
    covered = redactor.covered(record.text, hidden)
    kept = []
    for entity in record.entities:
        place = covered.at(entity.start, entity.end)
        if place is None and entity.type.casefold() in NAMED_BY_MASK:
            place = covered.around(entity.start, entity.end)
        if place is not None:
            entity.text, (entity.start, entity.end) = covered.text[slice(*place)], place
            kept.append(entity)
    record.text, record.entities = covered.text, kept


def sample_of(
    text: str, entities: Sequence[Span], hidden: Sequence[Span], redactor: Redactor = MASKS
) -> tuple[str, tuple[Span, ...]]:
    """The text with masks, on one line, of at most CHARACTERS; and where its entities stand in it that no mask has covered.

    entities, hidden: where they stand in the text, in characters, and their types.
    """
    short = text if len(text) <= LOOKED_AT else _cut(text, LOOKED_AT)
    short = text[:min([len(short), *(start for start, end, _ in hidden if end > len(short))])]
    covered = redactor.covered(short, [span for span in hidden if span[1] <= len(short)])
    said = _one_line(covered.text)
    placed = [(covered.at(start, end), kind) for start, end, kind in entities if start < end <= len(short)]
    kept = sorted((*place, kind) for place, kind in placed if place is not None)
    if len(said) > CHARACTERS or len(short) < len(text):
        said = _cut(said, CHARACTERS - 2) + " …"
        kept = [span for span in kept if span[1] <= len(said) - 2]
    return said, tuple(kept)


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
