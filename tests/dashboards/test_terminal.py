"""The live view as rendered text."""
import io

import pytest
from rich.cells import cell_len
from rich.console import Console

from dashboards.terminal import Snapshot, WindowView, bar, duration, plain, render

START_US = 1_780_272_000_000_000  # 2026-06-01T00:00:00Z
WINDOW = WindowView(START_US, START_US + 10_000_000, "live", 1_234, 617, 0, 617,
                    [("delivery", 700), ("card", 534)], [("王丽", 31), ("Kestrel Airlines", 12)])
CLOSED = WindowView(START_US - 10_000_000, START_US, "closed", 3, 1, 1, 1)
FULL = Snapshot(windows=[CLOSED, WINDOW], rate_per_s=1012.4, lag_records=57, dead_letters={"late": 2, "malformed": 40},
                metrics_address="http://127.0.0.1:9464/metrics", page_address="http://127.0.0.1:8080/", uptime_s=3_725,
                totals={"records": 81_000})


def shown(snapshot: Snapshot, width: int) -> str:
    console = Console(file=io.StringIO(), width=width, color_system=None, legacy_windows=False)
    console.print(render(snapshot, width))
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_every_line_fits_the_console_even_with_chinese_text(width: int) -> None:
    wide = [("中文" * 40, 5), ("x" * 300, 1)]
    windows = [WINDOW, WindowView(START_US, START_US + 1, "complete", 1, 1, 0, 0, wide, wide)]
    for line in shown(Snapshot(windows=windows), width).splitlines():
        assert cell_len(line) == width


@pytest.mark.parametrize("width", [70, 140])
def test_narrow_and_wide_consoles_show_the_same_facts(width: int) -> None:
    text = shown(FULL, width)
    for fact in ("00:00:00-00:00:10", "1,234", "50%", "delivery 700", "王丽 31", "1:02:05", "1,012", "57",
                 "malformed 40, late 2", "9464", "8080", "81,000"):
        assert fact in text


def test_an_empty_snapshot_says_that_it_waits() -> None:
    assert "waiting for the first window" in shown(Snapshot(), 80)
    assert "waiting for the first window" in plain(Snapshot())
    assert "lag unknown" in plain(Snapshot())


def test_a_name_with_brackets_is_shown_as_it_is_and_not_read_as_markup() -> None:
    window = WindowView(START_US, START_US + 1, "live", 1, 0, 0, 1, [("[bold]loud[/bold]", 1)])
    assert "[bold]loud[/bold]" in shown(Snapshot(windows=[window]), 140)


def test_an_entity_cannot_send_escape_codes_or_line_breaks_to_the_terminal() -> None:
    window = WindowView(START_US, START_US + 1, "live", 1, 0, 0, 1, entities=[("a\x1b]0;b\x07\nc", 1)])
    snapshot = Snapshot(windows=[window])
    for text in (shown(snapshot, 140), plain(snapshot)):
        assert "\x1b" not in text
        assert "a�]0;b��c 1" in text


def test_plain_lines_have_no_escape_codes_and_one_line_a_window() -> None:
    lines = plain(FULL).splitlines()
    assert "\x1b" not in plain(FULL)
    assert sum(" records | neg " in line for line in lines) == len(FULL.windows)
    assert lines[2] == ("00:00:00-00:00:10 live | 1,234 records | neg 50% neu 0% pos 50% | topics: delivery 700, "
                        "card 534 | entities: 王丽 31, Kestrel Airlines 12")


def test_a_window_without_sentiment_has_no_share_and_no_bar() -> None:
    window = WindowView(START_US, START_US + 1, "live", 0, 0, 0, 0)
    assert bar(window).plain == ""
    assert "neg - neu - pos -" in plain(Snapshot(windows=[window]))


@pytest.mark.parametrize("counts", [(1, 1, 1), (1, 0, 0), (0, 0, 9), (997, 1, 2), (5, 7, 11)])
def test_a_bar_always_has_its_full_length(counts: tuple[int, int, int]) -> None:
    window = WindowView(0, 1, "live", sum(counts), *counts)
    assert cell_len(bar(window, 24).plain) == 24


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (42.9, "0:42"), (725, "12:05"), (11_240, "3:07:20")])
def test_a_duration_reads_like_a_clock(seconds: float, text: str) -> None:
    assert duration(seconds) == text
