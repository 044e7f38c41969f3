"""What commands print: JSON, tables and notes. Texts come from strangers, so no control character gets through."""
import shutil
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

BOLD, PLAIN = "\x1b[1m", "\x1b[0m"
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
    from pipelines.commands.table import table_lines

    screen = sys.stdout.isatty()
    width = shutil.get_terminal_size().columns if screen else PIPE_WIDTH
    right = {at for at, name in enumerate(columns) if name in numbers}
    head, *rest = table_lines([columns, *([_cell(value) for value in row] for row in rows)], right, width)
    line(f"{BOLD}{head}{PLAIN}" if screen else head)
    for text in rest:
        line(text)


def _cell(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else harmless(str(value))
