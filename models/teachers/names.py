"""Silver labels: the names that a tagger finds in posts and tickets, whose own data sets have few of them."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from models.data import Span
from models.taxonomy import ENTITY_TYPES

BATCH = 256
MARKS = ("@", "#")
TYPE_OF = {
    "PERSON": "person", "GPE": "location", "LOC": "location", "FAC": "location", "ORG": "organisation", "PRODUCT": "product",
    "WORK_OF_ART": "work"}
"""Ours for those of OntoNotes 5 (R. Weischedel et al. 2013)."""


def names_of(texts: Sequence[str], model: Path) -> Iterator[tuple[str, list[Span]]]:
    """Each text with the entities that spaCy's en_core_web_md names (MIT), but for mentions and hashtags. model: its folder."""
    import spacy  # noqa: PLC0415

    tagger = spacy.load(model, exclude=["parser", "lemmatizer", "attribute_ruler", "tagger"])
    for text, said in zip(texts, tagger.pipe(texts, batch_size=BATCH), strict=True):
        yield text, [_span(text, one.start_char, one.end_char, TYPE_OF[one.label_]) for one in said.ents
                     if one.label_ in TYPE_OF and not one.text.startswith(MARKS)]


def _span(text: str, start: int, end: int, kind: str) -> Span:
    return ENTITY_TYPES.index(kind), len(text[:start].encode()), len(text[:end].encode())
