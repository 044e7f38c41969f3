"""The report as Markdown."""
import html
import re
from collections.abc import Sequence

from models.preparation.manifest import Manifest
from models.preparation.report import TITLE, Section, sections, summary


def report(manifest: Manifest) -> str:
    """The whole report."""
    return "\n".join([f"# {TITLE}", "", _text(summary(manifest)), "", *(line for one in sections(manifest) for line in _section(one))])


def _section(section: Section) -> list[str]:
    lines = [f"## {section.title}", "", _text(section.about), ""]
    if not section.rows:
        return [*lines, "None.", ""]
    rule = ["---:" if isinstance(cell, int) else "---" for cell in section.rows[0]]
    return [*lines, _line(section.columns), _line(rule), *(_line([_cell(cell) for cell in row]) for row in section.rows), ""]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(cell: str | int) -> str:
    return f"{cell:,}" if isinstance(cell, int) else _text(cell)


def _text(text: str) -> str:
    """As it stands: no sign in it is a mark of a table, of a link or of HTML."""
    return re.sub(r"([\\`*_\[\]|])", r"\\\1", html.escape(" ".join(text.split()), quote=False))
