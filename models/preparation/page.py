"""The report as one HTML file: no scripts, nothing loaded from elsewhere, bars as inline SVG, every text escaped."""
from collections.abc import Sequence
from html import escape

from models.preparation.manifest import Manifest
from models.preparation.report import TITLE, Bar, Section, sections, summary

NAME_PX, BARS_PX, COUNT_PX, ROW_PX = 250, 420, 150, 20
LONGEST_NAME = 34
STYLE = """
:root { color-scheme: light dark; --gold: #2f7fb5; --silver: #b9a24a; --line: #8884; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
h2 { margin-top: 2.5rem; }
div { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .2rem .7rem; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
td.number { text-align: right; }
svg { display: block; margin: .8rem 0; max-width: 100%; height: auto; }
svg text { font: 12px system-ui, sans-serif; fill: currentColor; }
.gold { fill: var(--gold); } .silver { fill: var(--silver); }
"""
LEGEND = "Bars: the train split, labels by hand in blue, silver ones in yellow."
POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def report(manifest: Manifest) -> str:
    """The whole document."""
    body = "\n".join(_section(one) for one in sections(manifest))
    return (f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
            f'<meta http-equiv="Content-Security-Policy" content="{escape(POLICY)}">\n'
            f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{escape(TITLE)}</title>\n'
            f"<style>{STYLE}</style>\n</head>\n<body>\n<h1>{escape(TITLE)}</h1>\n<p>{escape(summary(manifest))}</p>\n{body}\n"
            "</body>\n</html>\n")


def _section(section: Section) -> str:
    head = f"<h2>{escape(section.title)}</h2>\n<p>{escape(section.about)}</p>"
    if not section.rows:
        return f"{head}\n<p>None.</p>"
    columns = "".join(f"<th>{escape(column)}</th>" for column in section.columns)
    rows = "\n".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in section.rows)
    bars = f"{chart(section.title, section.bars)}\n<p>{LEGEND}</p>\n" if any(bar.gold + bar.silver for bar in section.bars) else ""
    return f"{head}\n{bars}<div><table>\n<tr>{columns}</tr>\n{rows}\n</table></div>"


def _cell(cell: str | int) -> str:
    return f'<td class="number">{cell:,}</td>' if isinstance(cell, int) else f"<td>{escape(cell)}</td>"


def chart(title: str, bars: Sequence[Bar]) -> str:
    """Horizontal bars of the train split, silver labels behind the gold ones."""
    largest = max(bar.gold + bar.silver for bar in bars)
    drawn = "\n".join(_bar(at, bar, largest) for at, bar in enumerate(bars))
    width, height = NAME_PX + BARS_PX + COUNT_PX, ROW_PX * len(bars)
    return (f'<svg viewBox="0 0 {width} {height}" width="{width}" role="img" aria-label="{escape(title)}, train split">\n'
            f"{drawn}\n</svg>")


def _bar(at: int, bar: Bar, largest: int) -> str:
    gold, silver = (BARS_PX * count / largest for count in (bar.gold, bar.silver))
    top, line = at * ROW_PX + 3, at * ROW_PX + 15
    name = bar.name if len(bar.name) <= LONGEST_NAME else f"{bar.name[:LONGEST_NAME - 1]}…"
    said = f"{bar.gold:,}" + (f" + {bar.silver:,} silver" if bar.silver else "")
    return (f'<text x="{NAME_PX - 8}" y="{line}" text-anchor="end">{escape(name)}</text>'
            f'<rect class="gold" x="{NAME_PX}" y="{top}" width="{gold:.1f}" height="{ROW_PX - 6}"/>'
            f'<rect class="silver" x="{NAME_PX + gold:.1f}" y="{top}" width="{silver:.1f}" height="{ROW_PX - 6}"/>'
            f'<text x="{NAME_PX + gold + silver + 6:.1f}" y="{line}">{said}</text>')
