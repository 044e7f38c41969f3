"""Laws of spans: a window that is asked for is never cut, and never cuts what is stored."""
from hypothesis import given
from hypothesis import strategies as st

from insights.rollup import DAY_US, HOUR_US, Marks, spans_of

MINUTE = 60_000_000
sizes = st.integers(1, 3_000).map(lambda minutes: minutes * MINUTE)
times = st.integers(-10 * DAY_US, 10 * DAY_US)
marks = st.tuples(st.integers(-5, 5), st.integers(0, 5 * 24)).map(
    lambda told: Marks(told[0] * DAY_US + told[1] * HOUR_US, told[0] * DAY_US))


@given(marks, times)
def test_a_time_lies_in_one_span_that_the_marks_do_not_cut(marks, time_us):
    start = marks.span_start(time_us, MINUTE)
    end = start + marks.span_of(time_us, MINUTE)
    assert start <= time_us < end
    assert not any(start < mark < end for mark in marks)
    assert marks.span_start(start, MINUTE) == start


@given(marks, times, st.integers(0, 5 * DAY_US), sizes)
def test_a_range_is_widened_so_that_it_cuts_no_window_and_no_span(marks, from_us, length_us, size_us):
    begin, end = marks.widened(from_us, from_us + length_us, size_us)
    assert begin <= from_us <= from_us + length_us <= end
    for at_us in (begin, end):
        assert at_us % size_us == 0
        assert at_us == marks.span_start(at_us, MINUTE)


@given(marks)
def test_a_range_without_bounds_stays_so(marks):
    assert marks.widened(None, None, MINUTE) == (None, None)


def test_windows_are_merged_into_what_they_fill():
    assert spans_of(MINUTE) == (HOUR_US, DAY_US)
    assert spans_of(40 * MINUTE) == (DAY_US,)
    assert spans_of(HOUR_US) == (DAY_US,)
    assert spans_of(7 * MINUTE) == spans_of(DAY_US) == spans_of(7 * DAY_US) == ()
