"""HTML, written so that no text of a stranger can become markup: whatever is not Markup is escaped. It is well-formed XML, too."""
import html
from collections.abc import Iterable
from typing import TypeAlias

from schemas.visible import visible

VOID = frozenset(("br", "meta", "link", "rect", "line", "path", "circle", "polyline", "col"))


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


Inside: TypeAlias = "str | Iterable[Inside]"


def escaped(text: str) -> Markup:
    """The text as HTML shows it, in an element or an attribute; Markup as it is."""
    return text if isinstance(text, Markup) else Markup(html.escape(visible(text)))


def joined(inside: Inside) -> Markup:
    """All of it, one after the other."""
    return escaped(inside) if isinstance(inside, str) else Markup("".join(joined(part) for part in inside))


def tag(name: str, *inside: Inside, **attributes: str | int | float) -> Markup:
    """An element. Attributes: _ stands for -, and for nothing at the end of a name (class_); numbers have two decimals at most."""
    said = "".join(f' {key.rstrip("_").replace("_", "-")}="{escaped(_plain(value))}"' for key, value in attributes.items())
    return Markup(f"<{name}{said}/>") if name in VOID else Markup(f"<{name}{said}>{joined(inside)}</{name}>")


def _plain(value: str | int | float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else value if isinstance(value, str) else str(value)
