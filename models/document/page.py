"""A report as one HTML file: no scripts, nothing loaded from elsewhere, pictures as inline SVG, every text escaped."""
import html
from collections.abc import Sequence

from models.document.parts import Document, Section, Table, shown
from schemas.visible import visible

STYLE = """
:root { color-scheme: light dark; --first: #2f7fb5; --second: #b9a24a; --wrong: #c4552d; --line: #8884; }
@media (prefers-color-scheme: dark) { :root { --first: #4a9fd8; --second: #cdb85f; --wrong: #e0764f; } }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
h2 { margin-top: 2.5rem; } h3 { margin-top: 2rem; }
summary { cursor: pointer; } summary > * { display: inline; }
details { margin: .8rem 0; }
div { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
caption { text-align: left; padding: .4rem .7rem; }
th, td { padding: .2rem .7rem; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
.number { text-align: right; } .long { overflow-wrap: anywhere; min-width: 14rem; }
svg { display: block; margin: .8rem 0; max-width: 100%; height: auto; }
svg text { font: 12px system-ui, sans-serif; fill: currentColor; pointer-events: none; }
svg .small { font-size: 10px; } svg .on { fill: #fff; }
.first { fill: var(--first); } .second { fill: var(--second); } .wrong { fill: var(--wrong); }
.frame { fill: none; stroke: currentColor; stroke-opacity: .35; } .dashed { stroke: currentColor; stroke-dasharray: 4 4; }
"""
LONGEST_NAME = 34
POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def text(document: Document) -> str:
    """The whole document."""
    title, body = escaped(document.title), "\n".join(map(_section, document.sections))
    return (f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
            f'<meta http-equiv="Content-Security-Policy" content="{escaped(POLICY)}">\n'
            f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{title}</title>\n'
            f"<style>{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n<p>{escaped(document.summary)}</p>\n{body}\n</body>\n</html>\n")


def escaped(said: str) -> str:
    """The text as HTML shows it, in an element or an attribute."""
    return html.escape(visible(said))


def _section(section: Section) -> str:
    head = f"<h{section.level}>{escaped(section.title)}</h{section.level}>"
    body = "\n".join([f"<p>{escaped(section.about)}</p>", *(
        _table(part) if isinstance(part, Table) else f"{part.svg}\n<p>{escaped(part.caption)}</p>" for part in section.parts)])
    return f"<details>\n<summary>{head}</summary>\n{body}\n</details>" if section.folded else f"{head}\n{body}"


def _table(table: Table) -> str:
    if not table.rows:
        return f"<p>{escaped(table.title)}{': n' if table.title else 'N'}one.</p>"
    columns = _row("th", table.columns, table.numeric)
    rows = "\n".join(_row("td", [shown(cell) for cell in row], table.numeric) for row in table.rows)
    title = escaped(table.title)
    if table.folded:
        return f"<details>\n<summary>{title or 'Table'}</summary>\n<div><table>\n{columns}\n{rows}\n</table></div>\n</details>"
    caption = f"<caption>{title}</caption>\n" if title else ""
    return f"<div><table>\n{caption}{columns}\n{rows}\n</table></div>"


def _row(kind: str, cells: Sequence[str], numeric: Sequence[bool]) -> str:
    return f"<tr>{''.join(_cell(kind, cell, is_number) for cell, is_number in zip(cells, numeric, strict=True))}</tr>"


def _cell(kind: str, said: str, is_number: bool) -> str:
    """A cell of more than a name may be broken anywhere, for it may be one long word."""
    manner = ' class="number"' if is_number else ' class="long"' if len(said) > LONGEST_NAME else ""
    return f"<{kind}{manner}>{escaped(said)}</{kind}>"
