"""Buckets and the gate: never more than was promised, and never more memory."""
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.guard.limits import SENT_WITHIN_S, Buckets, Gate

TIMES = st.lists(st.floats(0, 3, allow_nan=False), max_size=200)


@given(TIMES, st.floats(0.1, 50), st.floats(1, 50))
def test_in_any_time_a_client_gets_the_burst_and_its_rate_and_no_more(pauses: Sequence[float], rate: float, burst: float) -> None:
    buckets, now_s, taken = Buckets(rate, burst), 0.0, list[float]()
    for pause in pauses:
        now_s += pause
        if not buckets.take("a", now_s):
            taken.append(now_s)
    for first, then_s in enumerate(taken):
        for last in range(first, len(taken)):
            assert last - first + 1 <= burst + (taken[last] - then_s) * rate + 1e-6


@given(TIMES, st.floats(0.1, 50), st.floats(1, 50))
def test_who_waits_as_long_as_told_goes_on(pauses: Sequence[float], rate: float, burst: float) -> None:
    buckets, now_s = Buckets(rate, burst), 0.0
    for pause in pauses:
        now_s += pause
        if wait_s := buckets.take("a", now_s):
            now_s += wait_s + 1e-6
            assert not buckets.take("a", now_s)


@given(st.lists(st.tuples(st.integers(0, 30), st.floats(0, 1)), max_size=300))
def test_one_client_takes_nothing_from_another(asked: Sequence[tuple[int, float]]) -> None:
    shared, alone, now_s = Buckets(1.0, 3.0), {number: Buckets(1.0, 3.0) for number in range(31)}, 0.0
    for number, pause in asked:
        now_s += pause
        assert shared.take(str(number), now_s) == alone[number].take("", now_s)


@given(st.lists(st.integers(0, 10_000), max_size=500))
def test_however_many_come_few_are_remembered(clients: Sequence[int]) -> None:
    buckets = Buckets(1.0, 1.0, most=16)
    for client in clients:
        buckets.take(str(client), 0.0)
    assert len(buckets) == min(16, len(set(clients)))


def test_a_clock_that_goes_back_gives_nothing() -> None:
    buckets = Buckets(1.0, 1.0)
    assert buckets.take("a", 100.0) == 0
    assert buckets.take("a", 0.0) > 0
    assert buckets.take("a", 100.5) > 0


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 20), st.integers(0, 3)), max_size=300))
def test_the_gate_counts_as_a_list_of_names_would(steps: Sequence[tuple[bool, int, int]]) -> None:
    gate, inside = Gate(6, 3), dict[int, str]()
    for comes, connection, client in steps:
        if not comes:
            gate.leave(connection)
            inside.pop(connection, None)
        elif connection not in inside:
            room = len(inside) < 6 and list(inside.values()).count(str(client)) < 3
            assert gate.enter(connection, str(client)) == room
            if room:
                inside[connection] = str(client)
    assert len(gate) == len(inside)


class Slow:
    def __init__(self, waiting: int) -> None:
        self.waiting, self.aborted = waiting, False

    def get_write_buffer_size(self) -> int:
        return self.waiting

    def abort(self) -> None:
        self.aborted = True


@pytest.mark.parametrize(("waiting", "ends"), [(0, False), (9, True)])
def test_who_does_not_take_what_was_sent_is_cut_off(waiting: int, ends: bool) -> None:
    gate, client = Gate(9, 9), Slow(waiting)
    gate.enter(client, "a")
    gate.sweep(0.0)
    gate.sweep(SENT_WITHIN_S)
    assert not client.aborted
    gate.sweep(SENT_WITHIN_S + 1)
    assert client.aborted == ends


def test_who_has_taken_everything_in_between_is_not() -> None:
    gate, client = Gate(9, 9), Slow(9)
    gate.enter(client, "a")
    for now_s, waiting in ((0.0, 9), (50.0, 0), (100.0, 9), (150.0, 9)):
        client.waiting = waiting
        gate.sweep(now_s)
    assert not client.aborted
