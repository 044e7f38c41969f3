"""Columns of text, folded where they do not fit. rich lays out a table of thousands of rows a hundred times slower."""
from collections.abc import Collection, Iterator, Sequence
from itertools import zip_longest

from rich.cells import cell_len, chop_cells

GAP = 2


def table_lines(rows: Sequence[Sequence[str]], right: Collection[int], width: int) -> Iterator[str]:
    """The lines of rows whose columns stand below each other, none wider than `width` cells where that can be.

    right: the columns that are set flush right. A cell that is too wide goes on in the line below, at a space if it has
    one. The widest columns give way first.
    """
    widths = fitted([max(map(cell_len, column)) for column in zip(*rows, strict=True)], width)
    for row in rows:
        folded = [_folded(text, size) for text, size in zip(row, widths, strict=True)]
        for parts in zip_longest(*folded, fillvalue=""):
            cells = [_padded(text, size, at in right) for at, (text, size) in enumerate(zip(parts, widths, strict=True))]
            yield (" " * GAP).join(cells).rstrip()


def fitted(widths: Sequence[int], width: int) -> list[int]:
    """The widths, the widest cut to one that lets all of them and the gaps stand in `width`; never below 1."""
    room = width - GAP * (len(widths) - 1)
    most = next((most for most in range(max(widths), 1, -1) if sum(min(size, most) for size in widths) <= room), 1)
    return [min(size, most) for size in widths]


def _folded(text: str, width: int) -> list[str]:
    if cell_len(text) <= width:
        return [text]
    lines = [""]
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}" if lines[-1] else word
        if cell_len(longer) <= width:
            lines[-1] = longer
        else:
            lines += chop_cells(word, width)
    return lines if lines[0] else lines[1:]


def _padded(text: str, width: int, right: bool) -> str:
    space = " " * (width - cell_len(text))
    return space + text if right else text + space
