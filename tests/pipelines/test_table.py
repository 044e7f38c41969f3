"""Tables: aligned, folded where they must be, nothing lost, and quick with thousands of rows."""
import time

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from pipelines.commands.table import fitted, table_lines

texts = st.text(st.characters(categories=["L", "N", "P"]) | st.just(" "), max_size=30)


def test_columns_stand_below_each_other_and_numbers_flush_right() -> None:
    rows = [["name", "records"], ["银行", "7"], ["card", "1,234"]]
    assert list(table_lines(rows, {1}, 80)) == ["name  records", "银行        7", "card    1,234"]


def test_the_widest_column_gives_way_and_breaks_at_spaces() -> None:
    rows = [["id", "text"], ["1", "one two three"]]
    assert list(table_lines(rows, set(), 11)) == ["id  text", "1   one two", "    three"]


def test_a_word_without_a_space_is_cut() -> None:
    assert list(table_lines([["abcdefg"]], set(), 3)) == ["abc", "def", "g"]


@given(st.integers(1, 4).flatmap(lambda n: st.lists(st.lists(texts, min_size=n, max_size=n), min_size=1, max_size=5)),
       st.integers(20, 60))
def test_no_line_is_wider_than_the_screen_and_no_character_is_lost(rows: list[list[str]], width: int) -> None:
    lines = list(table_lines(rows, set(), width))
    assert max(map(cell_len, lines)) <= width
    assert sorted("".join(lines).replace(" ", "")) == sorted("".join(map("".join, rows)).replace(" ", ""))


@given(st.lists(st.integers(0, 500), min_size=1, max_size=12), st.integers(1, 300))
def test_widths_fit_or_cannot(widths: list[int], width: int) -> None:
    cut = fitted(widths, width)
    assert all(a <= b for a, b in zip(cut, widths, strict=True))
    assert sum(cut) + 2 * (len(cut) - 1) <= width or max(cut) <= 1


def test_ten_thousand_rows_take_seconds_at_most() -> None:
    rows = [[f"2026-06-01 {at}", "tickets", str(at), "Acme Bank (ORG) 12, " * 5] for at in range(10_000)]
    begun = time.perf_counter()
    assert sum(1 for _ in table_lines(rows, {2}, 120)) >= 10_000
    assert time.perf_counter() - begun < 8
