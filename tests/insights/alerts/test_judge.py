"""Alerts open, last and close by rules that only look at the windows, in their order."""
from hypothesis import given
from hypothesis import strategies as st

from insights.alerts.judge import COOLING_WINDOWS, QUIET_WINDOWS, TOGETHER_WINDOWS, Kind, Series, Severity, Signal, Watched, step

MINUTE = 60_000_000
EMPTY = Watched()
signal_of = st.builds(
    lambda kind, value, told, width, size: Signal(kind, Series("source", value), told, width, 9, 3.0, 0, 1e-9, size),
    st.sampled_from([Kind.SPIKE, Kind.SILENCE]), st.sampled_from("ab"), st.booleans(), st.integers(1, 2), st.floats(0.5, 9))
windows_of = st.lists(st.lists(signal_of, max_size=3, unique_by=lambda signal: (signal.kind, signal.series)), max_size=40)


def signal(told=True, size=1.0, width=1, kind=Kind.SPIKE, value="a"):
    return Signal(kind, Series("source", value), told, width, 9, 3.0, 0, 1e-9, size)


def run(windows, watched=EMPTY, first=0):
    """(what is watched at the end, every state of every alert as (window, alert))."""
    said = []
    for number, signals in enumerate(windows, first):
        watched, changed = step(watched, "job", number * MINUTE, MINUTE, signals)
        said += [(number, alert) for alert in changed]
    return watched, said


def spans(windows):
    """The last state of each alert, as (opened, last, closed) in windows."""
    _, said = run(windows)
    final = {alert.id: alert for _, alert in said}
    return [(alert.opened_us // MINUTE, alert.last_us // MINUTE, None if alert.closed_us is None else alert.closed_us // MINUTE)
            for alert in final.values()]


def test_an_alert_opens_lasts_and_closes_after_quiet_windows():
    assert spans([[], [signal()], [signal()], *[[]] * QUIET_WINDOWS]) == [(1, 2, 2 + QUIET_WINDOWS)]


def test_it_is_open_as_long_as_the_quiet_does_not_last():
    gap = [[]] * (QUIET_WINDOWS - 1)

    assert spans([[signal()], *gap, [signal()], *gap]) == [(0, QUIET_WINDOWS, None)]


def test_a_weak_signal_keeps_it_open_and_opens_none():
    assert spans([[signal(told=False)], [signal()], [signal(told=False)], *[[]] * QUIET_WINDOWS]) == [(1, 2, 2 + QUIET_WINDOWS)]


def test_what_comes_back_while_it_cools_is_the_same_alert():
    pause = [[]] * (QUIET_WINDOWS + COOLING_WINDOWS - 1)

    assert spans([[signal()], *pause, [signal()]]) == [(0, len(pause) + 1, None)]
    assert spans([[signal()], *pause, [], [signal()]]) == [(0, 0, QUIET_WINDOWS), (len(pause) + 2, len(pause) + 2, None)]


def test_alerts_that_open_soon_after_one_another_are_one_incident():
    pause = [[]] * (TOGETHER_WINDOWS - 1)
    _, said = run([[signal(value="a"), signal(value="b")], *pause, [signal(value="c")], *pause, [], [signal(value="d")]])

    incidents = {alert.series.value: alert.incident for _, alert in said}
    first = next(alert for _, alert in said)
    assert incidents["a"] == incidents["b"] == incidents["c"] == first.id
    assert incidents["d"] not in (first.id, incidents["b"])


@given(windows_of)
def test_an_alert_stays_in_its_incident_whose_first_alert_names_it(windows):
    _, said = run(windows)

    assert len({(alert.id, alert.incident) for _, alert in said}) == len({alert.id for _, alert in said})
    assert {alert.incident for _, alert in said} <= {alert.id for _, alert in said}


def test_a_weak_signal_does_not_bring_it_back():
    assert spans([[signal()], *[[]] * QUIET_WINDOWS, [signal(told=False)]]) == [(0, 0, QUIET_WINDOWS)]


def test_one_that_two_windows_told_began_with_the_first_of_them():
    assert spans([[], [], [signal(width=2)]]) == [(1, 2, None)]


def test_the_peak_is_the_largest_change_and_says_how_severe_it_is():
    _, said = run([[signal(size=1.5)], [signal(size=6.0)], [signal(size=2.0)]])

    assert [(alert.peak.size, alert.peak_us // MINUTE, alert.severity) for _, alert in said] == [
        (1.5, 0, Severity.WARNING), (6.0, 1, Severity.CRITICAL), (6.0, 1, Severity.CRITICAL)]


def test_kinds_and_series_are_alerts_of_their_own():
    _, said = run([[signal(), signal(value="b"), signal(kind=Kind.SILENCE)]])

    assert len({alert.id for _, alert in said}) == 3


@given(windows_of, st.integers(0, 40))
def test_stopping_and_going_on_changes_nothing(windows, cut):
    watched, before = run(windows[:cut])

    assert run(windows) == (run(windows[cut:], watched, len(windows[:cut]))[0],
                            before + run(windows[cut:], watched, len(windows[:cut]))[1])


@given(windows_of, st.randoms())
def test_the_order_of_signals_within_a_window_is_of_no_account(windows, random):
    shuffled = [random.sample(signals, len(signals)) for signals in windows]

    assert run(shuffled) == run(windows)


@given(windows_of)
def test_every_alert_was_told_and_its_times_are_in_order(windows):
    _, said = run(windows)
    told = {(number, signal.kind, signal.series) for number, signals in enumerate(windows) for signal in signals if signal.told}
    first = {}
    for number, alert in said:
        first.setdefault(alert.id, (number, alert))
        assert alert.opened_us <= alert.peak_us <= alert.last_us <= number * MINUTE
        assert alert.closed_us is None or alert.closed_us - alert.last_us >= QUIET_WINDOWS * MINUTE
    assert all((number, alert.kind, alert.series) in told for number, alert in first.values())
