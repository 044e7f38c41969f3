"""Dead letters, page by page."""
from hypothesis import given
from hypothesis import strategies as st

from insights.letters import by_reason, letters_page
from insights.store import Store
from insights.tables import dead_letters
from schemas.records import DeadLetter, Reason

LETTERS = st.lists(
    st.tuples(st.sampled_from(["a/0", "a/1", "b/0"]), st.integers(0, 50), st.sampled_from([Reason.LATE, Reason.GAP, Reason.MALFORMED]),
              st.integers(0, 5)), unique_by=lambda one: one[:3], max_size=60)


def pages(db, where, size):
    after, seen = None, []
    while True:
        found, after = letters_page(db, where, after, size)
        seen += [(one["first_seen"], one["origin"], one["offset"], one["reason"]) for one in found]
        if after is None:
            return seen
        assert len(found) == size


@given(LETTERS, st.integers(1, 7))
def test_the_pages_together_hold_every_letter_once_the_newest_first(letters, size):
    store = Store("sqlite://")
    store.open_job("job", "stream", 1, 0)
    for place, (origin, offset, reason, seen_s) in enumerate(letters):
        store.write_dead("job", 0, [DeadLetter(
            origin, offset, reason, "", f"e{place}", None, "s", "p", first_seen_us=seen_s * 1_000_000)], {})
    where = [dead_letters.c.job == "job"]
    with store.snapshot() as db:
        seen = pages(db, where, size)
        assert seen == sorted(seen, reverse=True)
        assert len(set(seen)) == len(seen) == len(letters)
        assert sum(by_reason(db, where).values()) == len(letters)
        late = pages(db, [*where, dead_letters.c.reason == Reason.LATE], size)
        assert len(late) == by_reason(db, where).get("late", 0)
    store.close()


def test_letters_of_a_killed_run_are_not_shown(url):
    store = Store(url)
    store.open_job("job", "backfill", 1, 0)
    for place in range(2):
        run = store.begin_run("job", 1)
        store.write_dead("job", run, [DeadLetter("a/0", place, Reason.LATE, "", "", None, "s", "p")], {})
        if not place:
            store.finish_run("job", run, 2)
    with store.snapshot() as db:
        assert by_reason(db, [dead_letters.c.job == "job"]) == {"late": 1}
        assert [one["offset"] for one in letters_page(db, [dead_letters.c.job == "job"])[0]] == [0]
    store.close()


def test_pages_follow_each_other_on_every_database(url):
    store = Store(url)
    store.open_job("job", "stream", 1, 0)
    letters = [DeadLetter(f"a/{place % 2}", place, Reason.LATE, "", "", None, "s", "p", first_seen_us=place // 3) for place in range(9)]
    store.write_dead("job", 0, letters, {})
    with store.snapshot() as db:
        seen = pages(db, [dead_letters.c.job == "job"], 2)
    assert seen == sorted(seen, reverse=True)
    assert len(set(seen)) == len(letters)
    store.close()
