"""A report as Markdown (CommonMark, tables as on GitHub), without its pictures: the tables beside them say the same."""
import html
import re
from collections.abc import Iterator, Sequence

from models.document.parts import Document, Section, Table, shown
from schemas.visible import visible

MARKS = re.compile(r"([\\`*_~\[\]|]|:(?=//)|(?<=www)\.)", re.IGNORECASE)
"""What would begin code, stress, a link or another cell."""


def text(document: Document) -> str:
    """The whole report."""
    head = [f"# {plain(document.title)}", "", plain(document.summary), ""]
    return "\n".join([*head, *(line for section in document.sections for line in _section(section))])


def plain(said: str) -> str:
    """As it stands, in one line: no sign in it is a mark of a table, of a link or of HTML."""
    return MARKS.sub(r"\\\1", html.escape(" ".join(visible(said).split()), quote=False))


def _section(section: Section) -> Iterator[str]:
    yield from (f"{'#' * section.level} {plain(section.title)}", "", plain(section.about), "")
    for part in section.parts:
        if isinstance(part, Table):
            yield from _table(part)


def _table(table: Table) -> Iterator[str]:
    if table.title:
        yield from (f"{plain(table.title)}:", "")
    if not table.rows:
        yield from ("None.", "")
        return
    yield _line([plain(column) for column in table.columns])
    yield _line(["---:" if numeric else "---" for numeric in table.numeric])
    yield from (_line([plain(shown(cell)) for cell in row]) for row in table.rows)
    yield ""


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
