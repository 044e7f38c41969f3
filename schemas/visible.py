"""Texts of strangers as they may be shown."""

JOINERS = "\u200c\u200d"   # hold letters and emoji together, and turn nothing around


def visible(text: str) -> str:
    """The text in one line, without what is not seen: control characters, marks that turn the writing around, halves of characters."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in JOINERS else " " if c.isspace() else "\N{REPLACEMENT CHARACTER}" for c in text)
