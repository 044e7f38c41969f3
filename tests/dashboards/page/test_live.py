"""One look for everybody: what has changed is told, what has not is not, and what is wrong is said."""
import uuid

import pytest

from dashboards.page.live import Live
from insights.board import Filters
from insights.cells import Cell, Unit
from insights.store import Progress, Store, StoreError, UnitKey
from schemas.records import DeadLetter, Reason

MINUTE = 60_000_000


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def store(request, tmp_path):
    """A store that others may use too: its job's name is new."""
    url = f"sqlite:///{tmp_path}/a.db" if request.param == "sqlite" else request.getfixturevalue("postgres")
    made = Store(url)
    yield made
    made.close()


@pytest.fixture
def job(store):
    """A stream without windows."""
    name = uuid.uuid4().hex
    store.open_job(name, "stream", MINUTE, 0)
    return name


def write(store, job, minute, records=1):
    unit = Unit(records, records - 1, {("en", "price"): Cell(records, records)})
    store.write_units(job, 0, [(UnitKey(minute * MINUTE, "texts/0", "tickets", ""), unit)], minute * MINUTE)


def live_of(store, job):
    return Live(lambda: Store(store.url, create=False), job)


def test_a_look_tells_what_has_changed_and_nothing_else(store, job):
    live = live_of(store, job)
    assert live.look()
    assert live.now.end_us == 0
    assert not live.look()
    write(store, job, 5, 3)
    assert live.look()
    assert not live.look()
    assert (live.now.first_us, live.now.end_us) == (5 * MINUTE, 6 * MINUTE)
    assert live.overview(Filters()).all.records == 3
    write(store, job, 5, 4)
    assert live.overview(Filters()).all.records == 3
    assert live.look()
    assert live.overview(Filters()).all.records == 4
    store.save(job, 0, 0, 7 * MINUTE, [Progress("texts/0", 0, 0, 0, 4, 4, 4)])
    assert live.look()
    assert live.now.about.watermark_us == 7 * MINUTE
    store.write_dead(job, 0, [DeadLetter("texts/0", 4, Reason.LATE, "", "", None, "tickets", "")], {"texts/0": 5})
    assert live.look()
    assert not live.look()


def test_an_answer_is_found_once_for_everybody(store, job):
    live = live_of(store, job)
    write(store, job, 5)
    live.look()
    assert live.overview(Filters(source="tickets")) is live.overview(Filters(source="tickets"))
    for place in range(200):
        live.overview(Filters(source=str(place)))
    assert len(live._answers) <= 64


def test_a_job_that_is_not_there_is_a_problem_until_it_is(store):
    name = uuid.uuid4().hex
    live = live_of(store, name)
    assert live.look()
    assert f"--job {name}" in live.problem
    assert not live.look()
    store.open_job(name, "stream", MINUTE, 0)
    assert live.look()
    assert live.problem == ""


def test_a_store_that_cannot_be_opened_is_tried_again():
    tries = []

    def refuse():
        tries.append(1)
        raise StoreError("no such store; make one")

    live = Live(refuse, "job")
    assert live.look()
    assert not live.look()
    assert (live.problem, len(tries)) == ("no such store; make one", 2)


def test_another_file_under_the_same_name_is_another_store(tmp_path):
    names = [tmp_path / "a.db", tmp_path / "b.db"]
    for records, name in enumerate(names, 1):
        store = Store(f"sqlite:///{name}")
        store.open_job("job", "stream", MINUTE, 0)
        write(store, "job", 5, records)
        store.close()
    live = Live(lambda: Store(f"sqlite:///{names[0]}", create=False), "job")
    live.look()
    assert live.overview(Filters()).all.records == 1
    names[1].rename(names[0])
    assert live.look()
    assert live.overview(Filters()).all.records == 2
    names[0].unlink()
    assert live.look()
    assert "No such file" in live.problem
    assert live.overview(Filters()).all.records == 2, "what it said before"
