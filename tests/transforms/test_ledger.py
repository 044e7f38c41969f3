"""Laws of the ledger: a record is decided once, and what is durable decides where a new process starts."""
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from insights.store import Known
from insights.tables import START_US
from schemas.records import Reason
from transforms.ledger import Batch, Gap, Ledger

S = 1_000_000
WINDOW, LATENESS, OUT_OF_ORDER = 10 * S, 20 * S, 5 * S
A, B = "t/0", "t/1"
EXPIRY = WINDOW + LATENESS + OUT_OF_ORDER   # the event time, after a window's start, at which it has expired


def ledger_of(*origins, closed_us=START_US, known=None):
    made = Ledger(WINDOW, LATENESS, OUT_OF_ORDER, closed_us, known)
    for origin in origins:
        made.add(origin)
    return made


def batch(first, *records, rejected=None):
    """Records from an offset on: (id, event time in seconds)."""
    ids, times = zip(*records, strict=True)
    return Batch(np.arange(first, first + len(ids)), np.array(ids, np.uint64), np.array(times) * S, rejected or {})


def read(ledger, origin, *records, **known):
    """Decides the records next in line and hands them on."""
    verdict = ledger.decide(origin, batch(ledger.origins[origin].position, *records, **known))
    ledger.handed_on({origin: ledger.origins[origin].position})
    return verdict


def at(ledger, seconds):
    """The watermark reaches this time, in every origin."""
    ledger.advance(dict.fromkeys(ledger.origins, seconds * S + OUT_OF_ORDER))


def said(verdict):
    return [verdict.dead.get(row, "counted" if counts else "skipped") for row, counts in enumerate(verdict.counted.tolist())]


# decided once


def test_a_record_is_counted_and_its_copy_in_the_window_is_a_duplicate():
    ledger = ledger_of(A, B)
    assert said(read(ledger, A, (1, 3), (1, 3), (2, 4))) == ["counted", Reason.DUPLICATE, "counted"]
    assert said(read(ledger, B, (2, 9), (2, 11))) == [Reason.DUPLICATE, "counted"]   # 11 is another window
    assert {window: {name: (count.first_offset, count.records) for name, count in counts.items()}
            for window, counts in ledger.open.items()} == {0: {A: (0, 2)}, WINDOW: {B: (1, 1)}}


def test_windows_begin_at_multiples_of_their_length_before_1970_too():
    starts = ledger_of().window_of(np.array([-1, 0, WINDOW - 1, WINDOW, -WINDOW]))
    assert starts.tolist() == [-WINDOW, 0, 0, WINDOW, -WINDOW]


def test_a_rejected_record_counts_nowhere_and_says_nothing_of_the_time():
    ledger = ledger_of(A)
    assert said(read(ledger, A, (1, 9_999), rejected={0: Reason.MALFORMED})) == [Reason.MALFORMED]
    ledger.advance({})
    assert (ledger.open, ledger.seen, ledger.watermark_us) == ({}, {}, START_US + LATENESS)


def test_late_begins_with_the_watermark_at_the_windows_end_and_the_lateness():
    ledger = ledger_of(A)
    read(ledger, A, (1, 3))
    at(ledger, 30 - 1e-6)
    assert said(read(ledger, A, (2, 3))) == ["counted"]
    at(ledger, 30)
    assert said(read(ledger, A, (3, 3), (1, 3), (4, 10))) == [Reason.LATE, Reason.DUPLICATE, "counted"]


def test_a_copy_of_a_closed_window_is_late():
    ledger = ledger_of(A)
    read(ledger, A, (1, 3))
    at(ledger, 30)
    ledger.close({(0, A): 1})
    assert said(read(ledger, A, (1, 3))) == [Reason.LATE]


records = st.lists(
    st.tuples(st.integers(0, 6), st.integers(0, 60), st.sampled_from([None] * 5 + [Reason.MALFORMED])), min_size=1, max_size=30)
cuts = st.lists(st.integers(1, 7), min_size=30, max_size=30)


def polled(ledger, log, sizes, *, moves):
    """Reads the log in polls of these sizes; offset -> what became of it. moves: the watermark follows after each."""
    found, sizes = {}, iter(sizes)
    while (first := ledger.origins[A].position) < len(log):
        size = min(next(sizes), ledger.limit(A) - first if ledger.replaying() else 30)
        part = log[first:first + size]
        rejected = {row: reason for row, (_, _, reason) in enumerate(part) if reason}
        found |= dict(enumerate(said(read(ledger, A, *[(key, time) for key, time, _ in part], rejected=rejected)), first))
        if moves:
            ledger.advance({})
    return found


@given(records, cuts)
def test_with_the_watermark_at_rest_any_cut_of_polls_decides_alike(log, sizes):
    one, other = ledger_of(A), ledger_of(A)
    assert polled(one, log, sizes, moves=False) == polled(other, log, [1] * 30, moves=False)
    assert one.open == other.open


@given(records, cuts, cuts)
def test_a_reader_built_again_from_a_mark_hears_the_same_and_counts_nothing_twice(log, sizes, others):
    ledger = ledger_of(A)
    mark = ledger.mark()
    first = polled(ledger, log, sizes, moves=True)
    opened = {window: counts[A].records for window, counts in ledger.open.items()}
    ledger.rewind(*mark)
    assert ledger.reported_us == mark[1]
    assert polled(ledger, log, others, moves=True) == first
    assert {window: counts[A].records for window, counts in ledger.open.items()} == opened


@given(records, cuts, cuts, st.data())
def test_a_process_that_starts_anew_repeats_every_decision_that_is_durable(log, sizes, others, data):
    before = ledger_of(A)
    first = polled(before, log, sizes, moves=True)
    durable = data.draw(st.integers(0, len(log)))
    dead = {offset: what for offset, what in first.items() if isinstance(what, Reason) and offset < durable}
    after = ledger_of(A, known={A: Known(saved=0, evidence=durable, dead=dead)})
    again = polled(after, log, others, moves=True)
    assert {offset: again[offset] for offset in range(durable)} == {offset: first[offset] for offset in range(durable)}


@given(records, cuts)
def test_every_record_is_counted_or_a_dead_letter_and_no_event_counts_twice_in_a_window(log, sizes):
    ledger = ledger_of(A)
    found = polled(ledger, log, sizes, moves=True)
    events = [(key, time // 10) for offset, (key, time, _) in enumerate(log) if found[offset] == "counted"]
    assert "skipped" not in found.values()
    assert len(events) == len(set(events)) == ledger.open_records(A)


# replay first


def test_what_was_decided_before_is_repeated_even_where_it_would_now_be_decided_otherwise():
    dead = {1: Reason.LATE, 2: Reason.DUPLICATE}
    ledger = ledger_of(A, known={A: Known(saved=0, evidence=4, dead=dead)})
    assert said(read(ledger, A, (1, 3), (2, 3), (3, 3), (4, 3))) == ["counted", Reason.LATE, Reason.DUPLICATE, "counted"]


def test_a_model_error_stays_a_dead_letter_after_a_restart_and_its_copy_a_duplicate():
    ledger = ledger_of(A, known={A: Known(saved=0, evidence=1, dead={0: Reason.MODEL_ERROR})})
    assert said(read(ledger, A, (1, 3))) == [Reason.MODEL_ERROR]
    assert ledger.open == {}


def test_records_of_closed_windows_are_skipped_on_replay_and_late_when_new():
    ledger = ledger_of(A, closed_us=WINDOW, known={A: Known(saved=0, evidence=2)})
    assert said(read(ledger, A, (1, 3), (2, 13), (3, 3))) == ["skipped", "counted", Reason.LATE]


def test_a_replay_reads_each_origin_up_to_its_own_evidence_and_the_watermark_stands_still():
    ledger = ledger_of(A, B, closed_us=WINDOW, known={A: Known(saved=4, evidence=6), B: Known(saved=2, evidence=2)})
    assert (ledger.replaying(), ledger.limit(A), ledger.limit(B)) == (True, 6, 2)
    read(ledger, A, (1, 90))
    at(ledger, 99)
    assert ledger.watermark_us == ledger.reported_us == WINDOW + LATENESS
    read(ledger, A, (2, 90))
    assert not ledger.replaying()
    at(ledger, 99)
    assert ledger.watermark_us == ledger.reported_us == 99 * S


def test_a_reader_built_from_a_mark_tells_the_marks_watermark_and_judges_by_the_ledgers():
    ledger = ledger_of(A)
    mark = ledger.mark()
    read(ledger, A, (1, 3), (2, 90))
    ledger.advance({})
    ledger.rewind(*mark)
    assert (ledger.reported_us, ledger.watermark_us) == (mark[1], 85 * S)
    assert ledger.replaying()
    ledger.advance({})
    assert ledger.reported_us == mark[1]
    assert said(read(ledger, A, (1, 3), (2, 90), (3, 3))) == ["counted", "counted", Reason.LATE]


def test_a_mark_that_does_not_know_an_origin_sends_it_back_to_what_was_saved():
    ledger = ledger_of(A, known={B: Known(saved=7, evidence=7)})
    mark = ledger.mark()
    ledger.add(B, 3)
    read(ledger, B, (1, 3))
    ledger.rewind(*mark)
    assert ledger.mark()[0] == {A: 0, B: 7}


def test_below_what_was_saved_nothing_is_asked_again():
    ledger = ledger_of(A)
    mark = ledger.mark()
    told = (1, 3), (1, 3), (2, 3), (2, 90)
    read(ledger, A, *told, rejected={2: Reason.MALFORMED})
    ledger.forget(A, 3)
    ledger.rewind(*mark)
    assert said(read(ledger, A, *told, rejected={2: Reason.MALFORMED})) == ["skipped", "skipped", "skipped", "counted"]


@pytest.mark.parametrize("forgotten", [False, True])
def test_a_record_from_the_future_never_moves_the_watermark_when_it_is_read_again(forgotten):
    ledger = ledger_of(A)
    mark = ledger.mark()
    read(ledger, A, (1, 99_999), rejected={0: Reason.FUTURE_TIME})
    if forgotten:
        ledger.forget(A, 1)
    ledger.rewind(*mark)
    read(ledger, A, (1, 99_999))   # the clock has moved on: nobody calls it the future now
    ledger.advance({})
    assert ledger.watermark_us == START_US + LATENESS


# the watermark


def test_the_watermark_is_the_slowest_origins_and_never_moves_back():
    ledger = ledger_of(A, B)
    read(ledger, A, (1, 50))
    ledger.advance({})
    assert ledger.watermark_us == START_US + LATENESS   # nothing is known of the other
    read(ledger, B, (2, 40))
    ledger.advance({})
    assert ledger.watermark_us == 40 * S - OUT_OF_ORDER
    ledger.add("t/2")
    ledger.advance({})
    assert ledger.watermark_us == 40 * S - OUT_OF_ORDER


def test_the_clock_moves_only_an_origin_that_the_broker_says_is_idle():
    ledger = ledger_of(A, B)
    read(ledger, A, (1, 50))
    ledger.advance({B: 70 * S})
    assert ledger.watermark_us == 50 * S - OUT_OF_ORDER
    ledger.advance({A: 60 * S, B: 70 * S})
    assert ledger.watermark_us == 60 * S - OUT_OF_ORDER
    ledger.advance({})   # the broker is gone: it stands still
    assert ledger.watermark_us == 60 * S - OUT_OF_ORDER


# becoming durable


def test_windows_close_in_order_when_they_have_expired_and_the_store_holds_every_origins_records():
    ledger = ledger_of(A, B)
    read(ledger, A, (1, 3), (2, 13))
    read(ledger, B, (3, 3))
    stored = {(0, A): 1, (WINDOW, A): 1, (0, B): 1}
    assert ledger.close(stored) == []
    at(ledger, 40)
    assert ledger.close(stored | {(0, B): 0}) == []   # the second is stored, and waits for the first
    assert ledger.overdue() == 0
    assert ledger.close(stored) == [0, WINDOW]
    assert (ledger.closed_us, ledger.overdue()) == (2 * WINDOW, None)


def test_the_ids_of_a_window_are_forgotten_when_it_closes():
    ledger = ledger_of(A)
    read(ledger, A, (1, 3), (2, 13))
    held = ledger.seen_bytes
    at(ledger, 30)
    ledger.close({(0, A): 1})
    assert list(ledger.seen) == list(ledger.open) == [WINDOW]
    assert 0 < ledger.seen_bytes < held


def test_a_record_on_which_the_model_fails_counts_no_more_and_only_once():
    ledger = ledger_of(A)
    read(ledger, A, (1, 3), (2, 3))
    at(ledger, 30)
    for _ in range(2):
        ledger.failed(A, 0, [1])
    assert ledger.open_records(A) == 1
    assert not ledger.complete(0, {})
    assert ledger.complete(0, {(0, A): 1})


def test_what_is_saved_is_the_first_open_record_or_else_the_end_of_what_was_handed_on():
    ledger = ledger_of(A)
    read(ledger, A, (1, 3))
    read(ledger, A, (2, 43), (3, 44))
    read(ledger, A, (4, 45))
    assert ledger.safe(A) == (0, 0)
    at(ledger, 30)
    ledger.close({(0, A): 1})
    assert ledger.safe(A) == (1, 1)
    at(ledger, 80)
    ledger.decide(A, batch(4, (5, 99)))   # read, and not handed on
    ledger.close({(4 * WINDOW, A): 3})
    assert ledger.safe(A) == (4, 4)
    assert ledger.handed(A) == (4, 0)


@given(records, cuts)
def test_what_is_saved_never_moves_back_and_covers_no_record_of_an_open_window(log, sizes):
    ledger, saved = ledger_of(A), 0
    at_end = []
    sizes = iter(sizes)
    while (first := ledger.origins[A].position) < len(log):
        part = log[first:first + next(sizes)]
        rejected = {row: reason for row, (_, _, reason) in enumerate(part) if reason}
        read(ledger, A, *[(key, time) for key, time, _ in part], rejected=rejected)
        ledger.advance({})
        ledger.close({(window, name): count.records for window, counts in ledger.open.items() for name, count in counts.items()})
        offset, below = ledger.safe(A)
        assert saved <= offset <= min([ledger.origins[A].frontier, *(counts[A].first_offset for counts in ledger.open.values())])
        assert below == offset   # this log has no holes: as many records as offsets
        assert ledger.handed(A) == (ledger.origins[A].frontier, ledger.open_records(A))
        saved = offset
        at_end.append(offset)
    assert at_end == sorted(at_end)


def test_offsets_that_hold_nothing_are_handed_on_only_when_nothing_is_on_its_way():
    ledger = ledger_of(A)
    ledger.skip_to(A, 2)
    assert ledger.safe(A) == (2, 0)
    ledger.decide(A, batch(2, (1, 3)))
    ledger.skip_to(A, 5)
    assert (ledger.origins[A].position, ledger.origins[A].frontier) == (5, 2)
    ledger.skip_to(A, 1)
    assert ledger.origins[A].position == 5


# gaps


def test_an_origin_starts_where_it_was_saved_and_a_new_one_where_its_log_begins():
    ledger = ledger_of(known={A: Known(saved=5, evidence=5)})
    assert (ledger.add(A, 5), ledger.add(B, 9)) == (None, None)
    assert ledger.mark()[0] == {A: 5, B: 9}


def test_a_gap_names_the_range_and_freezes_what_was_stored_under_the_old_epoch():
    ledger = ledger_of(known={A: Known(saved=2, evidence=8, epoch=3, stored=6)})
    assert ledger.add(A, 5) == Gap(A, 2, 8, 6)
    assert (ledger.origins[A].epoch, ledger.safe(A)) == (4, (8, 6))
    verdict = read(ledger, A, (1, 3), (2, 3), (3, 3), (1, 3), (4, 3))
    assert said(verdict) == ["skipped", "skipped", "skipped", Reason.DUPLICATE, "counted"]   # the frozen ids are known all the same
    assert ledger.open[0][A].records == 1


def test_an_origin_that_is_dropped_does_not_hold_the_watermark_back():
    ledger = ledger_of(A, known={B: Known(saved=0, evidence=4)})
    assert ledger.retire(B) == Gap(B, 0, 4, 4)
    ledger.drop(B)
    read(ledger, A, (1, 50))
    ledger.advance({})
    assert ledger.watermark_us == 50 * S - OUT_OF_ORDER
    assert ledger.add(B) is None, "found again, it goes on behind what its gap names"
    assert (ledger.origins[B].position, ledger.origins[B].epoch) == (4, 1)
