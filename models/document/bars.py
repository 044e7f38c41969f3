"""Horizontal bars as inline SVG."""
from collections.abc import Sequence
from typing import NamedTuple

from models.document.page import LONGEST_NAME, escaped

NAME_PX, BARS_PX, SAID_PX, ROW_PX = 250, 420, 150, 20
CLASSES = ("first", "second")


class Bar(NamedTuple):
    """A name, the lengths of one or two parts that stand one behind the other, and what is written behind them."""

    name: str
    parts: Sequence[float]
    said: str


def bars(title: str, rows: Sequence[Bar], largest: float = 0) -> str:
    """The chart. largest: the length that fills it; by default that of the longest bar."""
    most = largest or max((sum(row.parts) for row in rows), default=0) or 1
    drawn = "\n".join(_bar(at, row, most) for at, row in enumerate(rows))
    width, height = NAME_PX + BARS_PX + SAID_PX, ROW_PX * len(rows)
    return f'<svg viewBox="0 0 {width} {height}" width="{width}" role="img" aria-label="{escaped(title)}">\n{drawn}\n</svg>'


def cut(name: str, longest: int = LONGEST_NAME) -> str:
    """The name, or its beginning where it is longer than that."""
    return name if len(name) <= longest else f"{name[:longest - 1]}…"


def _bar(at: int, row: Bar, most: float) -> str:
    top, line, x, drawn = at * ROW_PX + 3, at * ROW_PX + 15, float(NAME_PX), ""
    for kind, part in zip(CLASSES, row.parts, strict=False):
        width = BARS_PX * part / most
        drawn += f'<rect class="{kind}" x="{x:.1f}" y="{top}" width="{width:.1f}" height="{ROW_PX - 6}"/>'
        x += width
    return (f'<text x="{NAME_PX - 8}" y="{line}" text-anchor="end">{escaped(cut(row.name))}</text>{drawn}'
            f'<text x="{x + 6:.1f}" y="{line}">{escaped(row.said)}</text>')
