"""What a report consists of, whatever it is written as."""
from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypeAlias

Cell: TypeAlias = str | int | float
"""Numbers are set flush right, floats with three decimals."""


class Table(NamedTuple):
    """Rows under their columns. title: what it holds, where a section has several. folded: shown on request, where that can be."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    title: str = ""
    folded: bool = False

    @property
    def numeric(self) -> list[bool]:
        """Whether a column holds numbers."""
        return [any(not isinstance(row[at], str) for row in self.rows) for at in range(len(self.columns))]


class Picture(NamedTuple):
    """An inline SVG, of which a table has the numbers, and what it shows."""

    svg: str
    caption: str


class Section(NamedTuple):
    """A heading of that level and what stands under it. folded: shown on request, where that can be."""

    title: str
    about: str
    parts: Sequence[Table | Picture] = ()
    level: int = 2
    folded: bool = False


class Document(NamedTuple):
    """The whole report."""

    title: str
    summary: str
    sections: Iterable[Section]


def shown(cell: Cell) -> str:
    """A cell as text."""
    return f"{cell:,}" if isinstance(cell, int) else cell if isinstance(cell, str) else f"{cell:.3f}"
