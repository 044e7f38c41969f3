"""A forgotten author is nowhere in the store, stays so whatever is written again, and is counted as before."""
import msgspec
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from insights import forget as module
from insights import retention, tables
from insights.alerts.explain import Contributor, Reason
from insights.cells import Cell, Sample, Text, Unit
from insights.conservation import verify
from insights.forget import Forgotten, count, forget
from insights.retention import compact
from insights.rollup import DAY_US, Ages
from insights.store import Store, UnitKey
from schemas.decode import event_key
from schemas.records import DeadLetter
from schemas.records import Reason as Why

MINUTE = 60_000_000
ANN, BOB = "00000000000000aa", "00000000000000bb"


def cell(event_id, author):
    return Cell(1, 1, 0, 0, 9_000, {"ORG\tacme": 1}, {"late": (1, 0, 0)}, [0] * 9 + [1], (event_key(author),),
                ((event_key(event_id), event_id),), {"v1": 1}, {event_id: Text(f"{event_id} is late", 0, (), author)})


def unit_of(*said):
    whole = Unit()
    for offset, (event_id, author) in enumerate(said):
        whole.add(Unit(1, offset, {("en", "delivery"): cell(event_id, author)}))
    return whole


@pytest.fixture
def store(url):
    made = Store(url)
    made.open_job("job", "stream", MINUTE, MINUTE)
    yield made
    made.close()


def dump(store):
    """Everything that is stored, as text, but for the table that says who is forgotten."""
    with store.snapshot() as db:
        return "\n".join(str(tuple(row)) for table in tables.metadata.sorted_tables if table.name != "forgotten"
                         for row in db.execute(sa.select(table)))


def letter(offset, author, event_id):
    return DeadLetter("texts/0", offset, Why.LATE, "", event_id, 0, "posts", "", "xxx", {"h": "v"}, 1, author)


def alert(store, name, reason):
    with store.transaction() as db:
        db.execute(tables.alerts.insert().values(
            job="job", run=0, id=name, incident=name, kind="spike", dimension="all", value="", severity="warning", opened_us=1, last_us=1,
            peak_us=1, peak="{}", reason=msgspec.json.encode(reason).decode(), updated_us=1))
        body = {"type": "incident.opened", "data": {"alerts": [{"id": name, "reason": msgspec.to_builtins(reason)}]}}
        db.execute(tables.messages.insert().values(id=name, job="job", incident=name, body=msgspec.json.encode(body).decode(), made_us=1))


def filled(store):
    keys = [UnitKey(minute * MINUTE, "texts/0", "posts", "") for minute in range(3)]
    units = [(key, unit_of((f"ann-{number}", ANN), (f"bob-{number}", BOB))) for number, key in enumerate(keys)]
    store.write_units("job", 0, units, 1)
    store.write_dead("job", 0, [letter(8, ANN, "ann-8"), letter(9, BOB, "bob-9")], {})
    samples = Sample("ann-0", "ann-0 is late", "negative"), Sample("bob-0", "bob-0 is late", "negative")
    alert(store, "a", Reason((Contributor("source", "posts", 2, 1.0, 1.0),), samples, (ANN, BOB)))
    alert(store, "old", Reason((), samples[1:]))
    return units


def test_a_forgotten_author_is_gone_and_nobody_else(store, monkeypatch):
    monkeypatch.setattr(module, "BATCH", 2)
    units = filled(store)
    before = count(store, ANN)
    assert before == Forgotten(3, 1, 1, 1)
    assert forget(store, ANN, 7) == before
    said = dump(store)
    assert ANN not in said and "ann-" not in said
    assert all(f"bob-{number}" in said for number in (0, 1, 2, 9)) and said.count(BOB) > 5
    with store.snapshot() as db:
        assert db.execute(sa.select(tables.forgotten)).all() == [(ANN, 7)]
        assert db.scalar(sa.select(sa.func.sum(tables.cells.c.records))) == sum(unit.records for _, unit in units)
        assert db.scalar(sa.select(sa.func.count()).select_from(tables.dead_letters)) == 2
        authors = [Cell.from_row(dict(row)).authors for row in db.execute(sa.select(tables.cells)).mappings()]
        assert all(len(found) == 2 for found in authors)   # a keyed hash in a sketch is a count
    assert not [finding for finding in verify(store) if "cells" in finding.law]
    assert forget(store, ANN, 9) == Forgotten(0, 0, 0, 0) == count(store, ANN)


def test_what_is_written_again_brings_nothing_back(store):
    units = filled(store)
    forget(store, ANN, 7)
    store.write_units("job", 0, units, 8)
    store.write_dead("job", 0, [letter(8, ANN, "ann-8"), letter(10, ANN, "ann-10")], {})
    assert "ann-" not in dump(store) and ANN not in dump(store)
    assert [sample for sample in units[0][1].cells["en", "delivery"].samples if sample[1].startswith("ann")]   # the kept unit is as it was


def test_a_merge_that_read_before_brings_nothing_back(store, monkeypatch):
    filled(store)
    store.write_units("job", 0, [(UnitKey(80 * DAY_US, "texts/0", "posts", ""), unit_of(("bob-80", BOB)))], 1)
    with store.transaction() as db:
        db.execute(tables.jobs.update().values(closed_us=90 * DAY_US))
        for table in (tables.alert_states, tables.emerging_states):
            db.execute(table.insert().values(job="job", run=0, through_us=90 * DAY_US, watched="{}"))
    merged, merges = retention.merged, []

    def forgets_meanwhile(*args):
        merges.append(args)
        if len(merges) == 1:
            forget(store, ANN, 7)
        return merged(*args)

    monkeypatch.setattr(retention, "merged", forgets_meanwhile)
    assert list(compact(store, "job", Ages(60 * DAY_US, 70 * DAY_US, None), unsent=True))
    assert len(merges) > 1 and "ann-" not in dump(store)


events = st.tuples(st.text("abc", min_size=1, max_size=2), st.sampled_from([ANN, BOB, ""]))


@given(st.lists(events, max_size=6), st.sampled_from([ANN, BOB]))
def test_without_leaves_all_but_the_samples_of_the_authors(said, gone):
    owners = {}
    whole = Unit()
    for event_id, author in said:
        whole.add(Unit(1, 0, {("en", "x"): cell(event_id, owners.setdefault(event_id, author))}))
    for found in whole.cells.values():
        copy = found.copy()
        left = found.without({gone})
        assert found == copy
        assert [name for _, name in left.samples] == [name for _, name in found.samples if owners[name] != gone]
        assert msgspec.structs.replace(left, samples=found.samples, texts=found.texts) == found
