"""Each incident is told when it opens, grows, ends or goes again: once, whoever asks and however often."""
import itertools
from types import SimpleNamespace

import msgspec
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from insights.alerts import outbox
from insights.alerts.announce import Event, Said, State, announce, due, said_of
from insights.alerts.explain import Reason
from insights.alerts.judge import Kind, Series, Severity, Signal
from insights.alerts.outbox import DeliveryState, claim, delay_s, delivered, failed, try_again
from insights.store import Store
from insights.tables import acknowledgements, alerts, deliveries, messages, mutes

MINUTE, S = 60_000_000, 1_000_000
OPEN, CLOSED, GONE = State.OPEN, State.CLOSED, State.WITHDRAWN
said = st.builds(
    lambda state, severity, names: Said(state, severity, tuple(sorted(names))), st.sampled_from([OPEN, CLOSED]),
    st.sampled_from(list(Severity)), st.sets(st.sampled_from("abc"), min_size=1))
happens = st.lists(st.tuples(st.none() | said, st.booleans()), max_size=12)


def everything(before, now, quiet=False):
    """The messages that are due one after the other, and what has been said with them."""
    events = []
    while step := due(before, now, quiet):
        events.append(step[0])
        before = step[1]
        assert len(events) < 4
    return events, before


def one(state=OPEN, severity=Severity.WARNING, names=("a",)):
    return Said(state, severity, names)


@pytest.mark.parametrize(("before", "now", "quiet", "events"), [
    (None, one(), False, [Event.OPENED]),
    (None, one(CLOSED), False, [Event.OPENED, Event.CLOSED]),
    (None, one(), True, []),
    (None, None, False, []),
    (one(), one(), False, []),
    (one(), one(names=("a", "b")), False, [Event.CHANGED]),
    (one(), one(severity=Severity.CRITICAL), False, [Event.CHANGED]),
    (one(severity=Severity.CRITICAL), one(), False, []),
    (one(names=("a", "b")), one(), False, []),
    (one(), one(names=("a", "b")), True, []),
    (one(), one(CLOSED), True, [Event.CLOSED]),
    (one(), None, True, [Event.WITHDRAWN]),
    (one(CLOSED), one(), False, [Event.REOPENED]),
    (one(CLOSED), one(), True, []),
    (one(CLOSED), None, False, [Event.WITHDRAWN]),
    (one(GONE), None, False, []),
    (one(GONE), one(CLOSED), False, [Event.REOPENED, Event.CLOSED]),
])
def test_what_is_told(before, now, quiet, events):
    assert everything(before, now, quiet)[0] == events


@given(happens)
def test_openings_and_ends_alternate_and_the_last_message_says_what_holds(course):
    before, told = None, []
    for now, quiet in course:
        events, before = everything(before, now, quiet)
        told += events
        assert everything(before, now, quiet)[0] == []   # asked again, nothing is due
        if not quiet:
            assert (before.state if before else GONE) == (now.state if now else GONE)
        if now is None or now.state is CLOSED:
            assert before is None or before.state is not OPEN
    begins = [event for event in told if event in (Event.OPENED, Event.REOPENED)]
    assert not told or told[0] is Event.OPENED
    assert told.count(Event.OPENED) <= 1
    assert len(begins) >= told.count(Event.CLOSED)


@pytest.fixture
def store(url):
    made = Store(url)
    made.open_job("job", "stream", MINUTE, 0)
    with made.transaction() as db:
        db.execute(sa.text("UPDATE jobs SET watermark_us = 600000000"))   # ten minutes
    yield made
    made.close()


def put(store, name, *, incident="i", opened=20, closed=None, severity=Severity.WARNING, value="shop"):
    peak = Signal(Kind.SPIKE, Series("source", value), True, 1, 30, 10.0, 0, 1e-9, 1.0)
    row = {
        "job": "job", "run": 0, "id": name, "incident": incident, "kind": "spike", "dimension": "source", "value": value,
        "severity": str(severity), "opened_us": opened * MINUTE, "last_us": opened * MINUTE,
        "closed_us": None if closed is None else closed * MINUTE, "peak_us": opened * MINUTE,
        "peak": msgspec.json.encode(peak).decode(), "reason": msgspec.json.encode(Reason()).decode(), "updated_us": 1}
    with store.transaction() as db:
        db.execute(alerts.delete().where(alerts.c.id == name))
        db.execute(alerts.insert().values(row))


def bodies(store):
    with store.snapshot() as db:
        return [msgspec.json.decode(row.body) for row in db.execute(sa.select(messages).order_by(messages.c.made_us, messages.c.id))]


def types(store):
    return [body["type"] for body in bodies(store)]


def test_an_incident_is_told_once_with_all_its_alerts(store):
    put(store, "a")
    put(store, "b", severity=Severity.CRITICAL, value="other")

    assert announce(store, "job", ["one", "two"], 5) == 1
    assert announce(store, "job", ["one", "two"], 6) == 0
    (body,) = bodies(store)
    assert body["type"] == "incident.opened"
    assert body["data"]["title"] == "source other: 30 records in 1 min, 10.0 expected"
    assert [alert["id"] for alert in body["data"]["alerts"]] == ["a", "b"]
    with store.snapshot() as db:
        assert {row.target for row in db.execute(sa.select(deliveries))} == {"one", "two"}


def test_what_had_ended_before_anybody_was_to_be_told_is_not_told(store):
    put(store, "old", incident="old", opened=5, closed=8)
    put(store, "new", incident="new", opened=5)

    announce(store, "job", [], 5)

    assert [body["data"]["incident"] for body in bodies(store)] == ["new"]


def test_what_came_and_went_since_is_told(store):
    announce(store, "job", [], 5)
    put(store, "a", opened=12, closed=15)

    announce(store, "job", [], 6)

    assert types(store) == ["incident.opened", "incident.closed"]
    assert bodies(store)[1]["data"]["closed"] == "1970-01-01T00:16:00Z"


def test_what_late_records_refute_is_withdrawn(store):
    put(store, "a")
    announce(store, "job", [], 5)
    with store.transaction() as db:
        db.execute(alerts.delete())

    announce(store, "job", [], 6)

    assert types(store) == ["incident.opened", "incident.withdrawn"]


def test_who_has_acknowledged_an_incident_hears_of_its_end_alone(store):
    put(store, "a")
    announce(store, "job", [], 5)
    with store.transaction() as db:
        db.execute(acknowledgements.insert().values(job="job", incident="i", note="", at_us=5))
    put(store, "b")
    announce(store, "job", [], 6)
    put(store, "a", closed=25)
    put(store, "b", closed=25)
    announce(store, "job", [], 7)

    assert types(store) == ["incident.opened", "incident.closed"]


def test_a_muted_alert_is_told_when_the_mute_ends_before_it_does(store):
    with store.transaction() as db:
        db.execute(mutes.insert().values(job="job", kind="", dimension="source", value="shop", until_us=50, note=""))
    put(store, "a")
    announce(store, "job", [], 10)
    assert types(store) == []
    put(store, "b", value="loud")
    announce(store, "job", [], 20)
    assert [alert["id"] for alert in bodies(store)[0]["data"]["alerts"]] == ["b"]

    announce(store, "job", [], 50)

    assert types(store) == ["incident.opened", "incident.changed"]


def test_an_incident_that_is_muted_as_a_whole_after_it_was_told_is_ended_all_the_same(store):
    put(store, "a")
    announce(store, "job", [], 5)
    with store.transaction() as db:
        db.execute(mutes.insert().values(job="job", kind="spike", dimension="", value="", until_us=50, note=""))
    put(store, "a", severity=Severity.CRITICAL)
    announce(store, "job", [], 6)
    put(store, "a", closed=25)
    announce(store, "job", [], 7)

    assert types(store) == ["incident.opened", "incident.closed"]


def test_said_is_open_while_any_alert_is():
    rows = [SimpleNamespace(id=name, closed_us=closed, severity=Severity.WARNING) for name, closed in (("b", 1), ("a", None))]

    assert said_of(rows) == Said(OPEN, Severity.WARNING, ("a", "b"))
    assert said_of([]) is None


# the outbox

def told_store(store, count=1):
    for number in range(count):
        put(store, f"a{number}", incident=f"i{number}")
    announce(store, "job", ["here"], 0)
    return store


def test_a_message_is_claimed_by_one(store):
    told_store(store)

    assert claim(store, "here", 0).message == "i0-1"
    assert claim(store, "here", 1) is None
    assert claim(store, "elsewhere", 1) is None


def test_a_claim_runs_out_when_who_made_it_is_gone(store):
    told_store(store)
    claim(store, "here", 0)

    assert claim(store, "here", round(outbox.CLAIM_S * S)).message == "i0-1"


def test_what_has_arrived_is_not_sent_again(store):
    told_store(store)
    delivered(store, claim(store, "here", 0), 1)

    assert claim(store, "here", 1 << 60) is None
    assert try_again(store, "job", 2) == 0


def test_what_has_not_arrived_is_tried_again_later_and_at_last_given_up(store):
    told_store(store)
    at_us, tried = 0, []
    while found := claim(store, "here", at_us):
        tried.append(at_us)
        failed(store, found, "down", at_us, 0.5)
        with store.snapshot() as db:
            row = db.execute(sa.select(deliveries)).one()
        at_us = row.due_us

    assert row.state == DeliveryState.GIVEN_UP
    assert row.error == "down"
    assert tried[-1] >= outbox.GIVE_UP_S * S
    pauses = [later - earlier for earlier, later in itertools.pairwise(tried)]
    assert pauses == sorted(pauses)
    assert try_again(store, "job", at_us) == 1
    assert claim(store, "here", at_us).attempts == len(tried)


def test_one_that_fails_does_not_hold_up_the_others(store):
    told_store(store, 2)
    failed(store, claim(store, "here", 0), "500", 0, 0.0)

    assert claim(store, "here", 1).message == "i1-1"


@given(st.integers(0, 10_000), st.floats(0, 1))
def test_pauses_are_bounded(attempts, jitter):
    assert outbox.FIRST_S <= delay_s(attempts, jitter) <= 1.2 * outbox.LONGEST_S
