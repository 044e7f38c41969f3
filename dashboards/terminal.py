"""The live view of a running job in a terminal, and the same as plain lines where there is none."""
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from schemas.records import time_of

State = Literal["live", "complete", "closed"]
Named = tuple[str, int]
"""A topic or an entity and how many records name it."""

SHOWN_WINDOWS = 8
BAR_CELLS = 24
MARKS: Mapping[State, str] = {"live": "●", "complete": "✓", "closed": "■"}
MARK_STYLES: Mapping[State, str] = {"live": "bold yellow", "complete": "green", "closed": "dim"}
NARROW_CELLS = 100
"""Below this width of the terminal, entities stand under the windows and not beside them."""


@dataclass(frozen=True, slots=True)
class WindowView:
    """One window, merged over all sources and products. Times in microseconds since 1970 UTC."""

    start_us: int
    end_us: int
    state: State
    records: int
    negative: int
    neutral: int
    positive: int
    topics: Sequence[Named] = ()
    entities: Sequence[Named] = ()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the job looks like now. windows: oldest first. lag_records: produced and not yet read, None when unknown.

    totals: name -> count, shown as they are, such as records and cells since the start.
    """

    windows: Sequence[WindowView] = ()
    rate_per_s: float = 0.0
    lag_records: int | None = None
    dead_letters: Mapping[str, int] = field(default_factory=dict)
    metrics_address: str = ""
    page_address: str = ""
    uptime_s: float = 0.0
    totals: Mapping[str, int] = field(default_factory=dict)


def render(snapshot: Snapshot, width: int = 120) -> RenderableType:
    """The view as one rich renderable, for rich.live.Live. width: columns of the console that will show it."""
    body: RenderableType = Text("waiting for the first window ...", style="dim italic")
    if snapshot.windows:
        body = _windows(snapshot.windows[-SHOWN_WINDOWS:], width)
    parts = [_headline(snapshot), Text(), body, Text(), _dead_letters(snapshot.dead_letters), _legend()]
    return Panel(Group(*parts), title="textpulse", title_align="left", subtitle=_address(snapshot),
                 subtitle_align="right", border_style="cyan")


def plain(snapshot: Snapshot) -> str:
    """The view as plain lines: one for the job, one for each window, one for the dead letters when there are any."""
    lines = [_headline(snapshot).plain]
    lines += [_plain_window(window) for window in snapshot.windows[-SHOWN_WINDOWS:]] or ["waiting for the first window"]
    if snapshot.dead_letters:
        lines.append(_dead_letters(snapshot.dead_letters).plain)
    if _address(snapshot):
        lines.append(_address(snapshot))
    return "\n".join(lines)


def duration(seconds: float) -> str:
    """0:42, 12:05 or 3:07:20."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def bar(window: WindowView, cells: int = BAR_CELLS) -> Text:
    """Negative, neutral and positive as parts of one bar of this many columns; empty for a window without records."""
    total = window.negative + window.neutral + window.positive
    text, reached, filled = Text(), 0, 0
    if not total:
        return text
    # Three shades as well as three colours: the parts can be told apart without colours too.
    parts = ((window.negative, "█", "red"), (window.neutral, "░", "bright_black"), (window.positive, "▒", "green"))
    for count, shade, style in parts:
        reached += count
        upto = round(cells * reached / total)  # rounding the sums, not the parts, keeps the bar's length
        text.append(shade * (upto - filled), style=style)
        filled = upto
    return text


def _headline(snapshot: Snapshot) -> Text:
    lag = "unknown" if snapshot.lag_records is None else f"{snapshot.lag_records:,} records"
    parts = [f"up {duration(snapshot.uptime_s)}", f"{snapshot.rate_per_s:,.0f} records/s", f"lag {lag}",
             *(f"{name} {count:,}" for name, count in snapshot.totals.items())]
    return Text("  ·  ".join(parts))


def _legend() -> Text:
    return Text("  ".join(f"{mark} {state}" for state, mark in MARKS.items()), style="dim")


def _windows(windows: Sequence[WindowView], width: int) -> Table:
    table = Table(box=None, pad_edge=False, expand=True)
    table.add_column("window (UTC)", no_wrap=True)
    table.add_column("records", justify="right", no_wrap=True)
    if width >= NARROW_CELLS:
        table.add_column("sentiment", no_wrap=True)
    table.add_column("neg", justify="right", style="red", no_wrap=True)
    table.add_column("pos", justify="right", style="green", no_wrap=True)
    table.add_column("topics" if width >= NARROW_CELLS else "topics, entities", ratio=1, overflow="fold")
    if width >= NARROW_CELLS:
        table.add_column("entities", ratio=1, overflow="fold")
    for window in windows:
        table.add_row(*_row(window, width))
    return table


def _row(window: WindowView, width: int) -> list[Text]:
    when = Text.assemble((MARKS[window.state], MARK_STYLES[window.state]), " ", _span(window))
    topics, entities = _named(window.topics), _named(window.entities)
    shares = [Text(_share(window.negative, window)), Text(_share(window.positive, window))]
    if width >= NARROW_CELLS:
        return [when, Text(f"{window.records:,}"), bar(window), *shares, Text(topics), Text(entities, style="cyan")]
    separator = "\n" if topics and entities else ""
    return [when, Text(f"{window.records:,}"), *shares, Text.assemble(topics, separator, (entities, "cyan"))]


def _plain_window(window: WindowView) -> str:
    parts = [f"{_span(window)} {window.state}", f"{window.records:,} records",
             f"neg {_share(window.negative, window)} neu {_share(window.neutral, window)} "
             f"pos {_share(window.positive, window)}"]
    if window.topics:
        parts.append("topics: " + _named(window.topics))
    if window.entities:
        parts.append("entities: " + _named(window.entities))
    return " | ".join(parts)


def _dead_letters(by_reason: Mapping[str, int]) -> Text:
    if not by_reason:
        return Text("dead letters: none", style="dim")
    counts = sorted(by_reason.items(), key=lambda item: (-item[1], item[0]))
    listed = ", ".join(f"{reason} {count:,}" for reason, count in counts)
    return Text(f"dead letters {sum(by_reason.values()):,}: {listed}", style="yellow")


def _address(snapshot: Snapshot) -> str:
    named = (("page", snapshot.page_address), ("metrics", snapshot.metrics_address))
    return ", ".join(f"{name} {address}" for name, address in named if address)


def _span(window: WindowView) -> str:
    start, end = time_of(window.start_us), time_of(window.end_us)
    return f"{start:%H:%M:%S}-{end:%H:%M:%S}"


def _named(counts: Sequence[Named]) -> str:
    return ", ".join(f"{_harmless(name)} {count:,}" for name, count in counts)


def _harmless(name: str) -> str:
    """An entity comes from a stranger's text: a line break or an escape sequence in it must not reach the terminal."""
    return name if name.isprintable() else "".join(c if c.isprintable() else "�" for c in name)


def _share(count: int, window: WindowView) -> str:
    total = window.negative + window.neutral + window.positive
    return f"{count / total:.0%}" if total else "-"
