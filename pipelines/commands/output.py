"""What commands print: JSON, tables and notes. Texts come from strangers, so no control character gets through."""
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from rich.text import Text

PIPE_WIDTH = 200
"""Columns of a table where no terminal says how many it has."""


def print_json(value: object) -> None:
    """One indented JSON document on stdout; times in ISO 8601."""
    line(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def line(text: str = "") -> None:
    """A line on stdout."""
    sys.stdout.write(text + "\n")


def note(text: str) -> None:
    """A line on stderr, at once: what a person wants to know while the work goes on."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def harmless(text: str) -> str:
    """The text without control characters: a line break or an escape sequence must not reach the terminal."""
    return text if text.isprintable() else "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, numbers: Sequence[str] = ()) -> None:
    """A table on stdout. numbers: the columns that are set flush right."""
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in columns:
        table.add_column(name, justify="right" if name in numbers else "left", overflow="fold")
    for row in rows:
        table.add_row(*(_cell(value) for value in row))
    console = Console(width=None if sys.stdout.isatty() else PIPE_WIDTH)
    with console.capture() as printed:   # rich ends the process on a closed pipe; ours is handled in one place
        console.print(table)
    for text in printed.get().splitlines():
        line(text.rstrip())


def _cell(value: object) -> "Text":
    """Never rich's own markup: a text may hold square brackets."""
    from rich.text import Text

    return Text(f"{value:,}" if isinstance(value, int) else harmless(str(value)))
