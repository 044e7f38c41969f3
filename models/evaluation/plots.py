"""The pictures of an evaluation as inline SVG: confusion as a heat map, calibration as a reliability diagram, F1 as bars."""
from collections.abc import Mapping, Sequence

from models.document.bars import Bar, bars, cut
from models.document.page import escaped
from models.evaluation.result import Bin, Confusion, Score

NAMES_PX, LETTER_PX = 150, 5
"""Room for names beside a heat map; above it, slanted, each letter takes so much upward and to the right."""
WIDE_PX, NARROW_PX, MOST_WIDE = 52, 24, 8
"""Cells of a heat map are wide up to so many classes."""
LONGEST_NAME = 20
LEAST_SEEN, LEAST_SAID, DARK = 0.05, 0.05, 0.5
"""Shares of a row: drawn as this at least, said from there on, and written in white from there on."""
SIDE_PX, LEFT_PX, FOOT_PX, COUNTS_PX = 260, 50, 40, 60


def heat_map(title: str, confused: Confusion) -> str:
    """Gold classes down, answers across. A cell is as strong as its share of its row; what is right is blue."""
    size = WIDE_PX if len(confused.classes) <= MOST_WIDE else NARROW_PX
    side, names = size * len(confused.classes), [cut(name, LONGEST_NAME) for name in confused.classes]
    head = 20 + LETTER_PX * max(map(len, names))
    labels = "\n".join(_names(at, name, size, head) for at, name in enumerate(names))
    cells = "\n".join(_cell(confused, size, head, row, column) for row, counts in enumerate(confused.counts)
                      for column, count in enumerate(counts) if count)
    width, height = NAMES_PX + side + head, head + side + 2
    return (f'<svg viewBox="0 0 {width} {height}" width="{width}" role="img" aria-label="{escaped(title)}">\n'
            f'<text class="small" x="{NAMES_PX - 8}" y="{head - 8}" text-anchor="end">gold ↓ answer →</text>\n'
            f'<rect class="frame" x="{NAMES_PX}" y="{head}" width="{side}" height="{side}"/>\n{labels}\n{cells}\n</svg>')


def _names(at: int, name: str, size: int, head: int) -> str:
    said, middle = escaped(name), at * size + size // 2
    x, y = NAMES_PX + middle, head - 8
    return (f'<text x="{NAMES_PX - 8}" y="{head + middle + 4}" text-anchor="end">{said}</text>'
            f'<text x="{x}" y="{y}" transform="rotate(-45 {x} {y})">{said}</text>')


def _cell(confused: Confusion, size: int, head: int, row: int, column: int) -> str:
    count, total = confused.counts[row][column], sum(confused.counts[row])
    share = count / total
    x, y, gold, said = NAMES_PX + column * size, head + row * size, confused.classes[row], confused.classes[column]
    drawn = (f'<rect class="{"first" if row == column else "wrong"}" x="{x + 1}" y="{y + 1}" width="{size - 2}" height="{size - 2}" '
             f'fill-opacity="{max(share, LEAST_SEEN):.2f}">'
             f"<title>{escaped(gold)} called {escaped(said)}: {count:,} of {total:,} ({share:.1%})</title></rect>")
    if share < LEAST_SAID:
        return drawn
    kind = "small on" if share >= DARK else "small"
    return f'{drawn}<text class="{kind}" x="{x + size // 2}" y="{y + size // 2 + 4}" text-anchor="middle">{100 * share:.0f}</text>'


def diagram(title: str, bins: Sequence[Bin]) -> str:
    """Accuracy by confidence, with the gap to a confidence that would be true; below it how many answers each bin has."""
    total, most = sum(one.count for one in bins), max(one.count for one in bins)
    drawn = "\n".join(_bin(one, total, most) for one in bins if one.count)
    width, height = LEFT_PX + SIDE_PX + 20, SIDE_PX + COUNTS_PX + FOOT_PX + 20
    low, right, base = 10 + SIDE_PX, LEFT_PX + SIDE_PX, 20 + SIDE_PX + COUNTS_PX
    ticks = "".join(f'<text class="small" x="{LEFT_PX - 6}" y="{low - SIDE_PX * share + 4:.0f}" text-anchor="end">{share:g}</text>'
                    f'<text class="small" x="{LEFT_PX + SIDE_PX * share:.0f}" y="{base + 14}" text-anchor="middle">{share:g}</text>'
                    for share in (0, 0.5, 1))
    return (f'<svg viewBox="0 0 {width} {height}" width="{width}" role="img" aria-label="{escaped(title)}">\n'
            f'<rect class="frame" x="{LEFT_PX}" y="10" width="{SIDE_PX}" height="{SIDE_PX}"/>\n{drawn}\n'
            f'<line class="dashed" x1="{LEFT_PX}" y1="{low}" x2="{right}" y2="10"/>\n{ticks}\n'
            f'{_upward("accuracy", 10 + SIDE_PX // 2)}\n{_upward("count", base - COUNTS_PX // 2)}\n'
            f'<text x="{LEFT_PX + SIDE_PX // 2}" y="{base + 30}" text-anchor="middle">confidence</text>\n</svg>')


def _upward(said: str, y: int) -> str:
    return f'<text x="14" y="{y}" text-anchor="middle" transform="rotate(-90 14 {y})">{said}</text>'


def _bin(one: Bin, total: int, most: int) -> str:
    x, width = LEFT_PX + SIDE_PX * one.low + 1, SIDE_PX * (one.high - one.low) - 2
    low, base = 10 + SIDE_PX, 20 + SIDE_PX + COUNTS_PX
    gap_top, gap = low - SIDE_PX * max(one.accuracy, one.confidence), SIDE_PX * abs(one.accuracy - one.confidence)
    height, count = SIDE_PX * one.accuracy, COUNTS_PX * one.count / most
    about = (f"confidence {one.low:.2f} to {one.high:.2f}: {one.count:,} answers ({one.count / total:.1%}), "
             f"mean confidence {one.confidence:.3f}, accuracy {one.accuracy:.3f}")
    return (f'<g><title>{about}</title><rect class="first" x="{x:.1f}" y="{low - height:.1f}" width="{width:.1f}" height="{height:.1f}"/>'
            f'<rect class="wrong" fill-opacity="0.45" x="{x:.1f}" y="{gap_top:.1f}" width="{width:.1f}" height="{gap:.1f}"/>'
            f'<rect class="second" x="{x:.1f}" y="{base - count:.1f}" width="{width:.1f}" height="{count:.1f}"/></g>')


def f1_bars(title: str, classes: Mapping[str, Score]) -> str:
    """F1 of each class, from 0 to 1."""
    return bars(title, [Bar(name, (score.f1,), f"{score.f1:.3f} ({score.support:,})") for name, score in classes.items()], largest=1)
