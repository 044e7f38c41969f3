"""Types of entities that mean something beyond their name, and what may be counted of them."""

PERSONS = ("person", "per")
"""What models call a person, in lower case: it is hidden."""
PATTERN_TYPES = ("money", "date", "percentage", "order_number", "hashtag", "mention")
"""Found by their form and not by a network (models/patterns.py), whatever the model."""
NEVER_COUNTED = frozenset(PATTERN_TYPES) - {"hashtag"}
"""Nearly every one is another: they would flood the cells. Order numbers and mentions are personal besides."""
NAMED_BY_MASK = frozenset({*PERSONS, "order_number", "mention"})
"""Of these a mask that hides all of one stands for it."""


def is_counted(entity_type: str) -> bool:
    """Whether cells and their samples name entities of this type."""
    return entity_type.casefold() not in NEVER_COUNTED
