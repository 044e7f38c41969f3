"""Laws of the kept units: what comes back is all panes of a key so far, until its window is dropped."""
import threading
from collections import defaultdict

from hypothesis import given
from hypothesis import strategies as st

from insights.cells import Cell, Unit
from transforms.kept import KeptUnits

keys = st.tuples(st.integers(-2, 2), st.sampled_from("ab"), st.sampled_from("ab"), st.just(""), st.integers(0, 1))
steps = st.lists(st.tuples(keys, st.integers(0, 2)) | st.integers(-2, 3), max_size=30)   # a pane in cell en, zh or ja; or a drop


def pane_of(offset, place):
    return Unit(1, offset, {(["en", "zh", "ja"][place], "card"): Cell(records=1, neutral=1, entities={f"at {offset}": 1})})


@given(steps)
def test_a_unit_is_the_sum_of_its_panes_since_its_window_was_dropped(taken):
    kept, expected = KeptUnits(), defaultdict(Unit)
    for offset, step in enumerate(taken):
        if isinstance(step, int):
            kept.drop(step)
            for key in [key for key in expected if key[0] < step]:
                del expected[key]
            continue
        key, place = step
        expected[key].add(pane_of(offset, place))
        whole = kept.add(key, pane_of(offset, place))
        assert whole == expected[key]
        whole.add(pane_of(offset, place))   # the caller's own: what it does to it reaches nobody


def test_threads_lose_no_pane():
    kept, key, each = KeptUnits(), (0, "t/0", "posts", "", 0), 200
    threads = [threading.Thread(target=lambda: [kept.add(key, pane_of(0, 0)) for _ in range(each)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert kept.add(key, Unit()).records == 4 * each
