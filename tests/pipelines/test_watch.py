"""Alerts are judged and told beside a stream, by a process that may die at any moment."""
import json
import os
import signal
import sys
import threading
import time

import numpy as np
import pytest
import sqlalchemy as sa

from insights.alerts.announce import announce
from insights.alerts.detect import Sensitivity
from insights.alerts.keep import judge
from insights.cells import Cell, Unit
from insights.store import Store, StoreError, UnitKey
from insights.tables import alerts, deliveries, messages
from pipelines.children import end, spawn
from pipelines.options import SECURITY
from pipelines.stream import WATCH_OPTIONS
from pipelines.targets import SECRET, NotDelivered, signed
from pipelines.watch import Watch, deliver

MINUTE, S = 60_000_000, 1_000_000
FIRST = 29_000_003
KEY = "a secret of more than twenty-four bytes"


@pytest.fixture
def store(tmp_path):
    made = Store(f"sqlite:///{tmp_path}/store.db")
    made.open_job("job", "stream", MINUTE, 0)
    yield made
    made.close()


def write(store, windows):
    """Twenty records a window, five times as many in 70 to 79; the watermark is at the end of the last."""
    for at in windows:
        records = int(np.random.default_rng(at).poisson(100 if 70 <= at < 80 else 20))
        store.write_units(
            "job", 0, [(UnitKey((FIRST + at) * MINUTE, "texts/0", "tickets", "", 0), Unit(records, at, {
                ("en", "film"): Cell(records, 0, records, 0)}))], 1)
    end_us = (FIRST + max(windows) + 1) * MINUTE
    store.save("job", 0, end_us, end_us, [])


def rows(store, table):
    with store.snapshot() as db:
        return db.execute(sa.select(table)).all()


@pytest.fixture
def start(store, receiver, tmp_path):
    """Starts the process; whatever is left of it is ended."""
    options = {option.key: option.default for option in SECURITY} | {
        "store": store.url, "job": "job", "bootstrap_servers": "", "alert_webhook": receiver.url, "webhook_secret_file": "",
        "alert_topic": "", "no_alerts": False}
    running = []

    def spawned():
        running.append(spawn([sys.executable, "-m", "pipelines.watch"], log=tmp_path / "watch.log",
                             env={WATCH_OPTIONS: json.dumps(options), SECRET: KEY}, new_group=True))
        return running[-1]

    yield spawned
    for child in running:
        end(child, 2.0)


def test_a_spike_is_judged_and_told_while_it_lasts_and_its_end_too(store, receiver, start, eventually):
    start()
    write(store, range(75))
    eventually(lambda: receiver.got, "a message")
    write(store, range(75, 95))
    eventually(lambda: len(receiver.got) == 2, "the message of its end")
    eventually(lambda: all(row.state == "delivered" for row in rows(store, deliveries)), "both are known to have arrived")

    told = [json.loads(body) for _, body in receiver.got]
    assert [one["type"] for one in told] == ["incident.opened", "incident.closed"]
    assert {one["kind"] for one in told[0]["data"]["alerts"]} == {"spike"}
    for headers, body in receiver.got:
        expected = signed(headers["webhook-id"], body, KEY.encode(), int(headers["webhook-timestamp"]))
        assert headers["webhook-signature"] == expected["webhook-signature"]


def test_killed_while_it_sends_it_sends_again_under_the_same_id(store, receiver, start, eventually, monkeypatch):
    freed, posted = threading.Event(), threading.Event()

    def hang(request):
        posted.set()
        freed.wait(60)
        request.send_response(204)

    receiver.answer = hang
    write(store, range(75))
    child = start()
    eventually(posted.is_set, "a message is on its way")
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    freed.set()
    with store.transaction() as db:   # as if the dead one's claim had run out
        db.execute(deliveries.update().values(due_us=0))
    receiver.answer = lambda request: request.send_response(204)

    start()

    eventually(lambda: [row.state for row in rows(store, deliveries)] == ["delivered"], "the message arrives")
    assert len({headers["webhook-id"] for headers, _ in receiver.got}) == 1
    assert len({body for _, body in receiver.got}) == 1


def test_it_judges_as_anybody_does(store, tmp_path):
    other = Store(f"sqlite:///{tmp_path}/other.db")
    other.open_job("job", "stream", MINUTE, 0)
    write(other, range(95))
    judge(other, "job", Sensitivity(), 1)
    watch = Watch(store, "job", [])
    for at in range(95):
        write(store, [at])
        watch.look()

    def judged(of):
        return [row._mapping["id"] for row in rows(of, alerts)], [row.reason for row in rows(of, alerts)]

    assert judged(store) == judged(other)
    assert judged(store)[0]
    other.close()


class Refusing:
    name = "there"

    def send(self, *_):
        raise NotDelivered("answered 500")


class Lost(Refusing):
    """Takes the message; its process ends before it can say so."""

    def send(self, *_):
        raise StoreError("gone")


def test_what_is_refused_waits_and_says_why(store):
    write(store, range(75))
    judge(store, "job", Sensitivity(), 1)
    announce(store, "job", ["there"], time.time_ns() // 1_000)

    assert deliver(store, Refusing())

    (row,) = rows(store, deliveries)
    assert (row.state, row.attempts, row.error) == ("pending", 1, "answered 500")
    assert not deliver(store, Refusing())   # not due yet


def test_a_message_is_lost_by_no_failure_between_sending_and_noting_it(store):
    write(store, range(75))
    judge(store, "job", Sensitivity(), 1)
    announce(store, "job", ["there"], 1)

    with pytest.raises(StoreError):
        deliver(store, Lost())

    (row,) = rows(store, deliveries)
    assert (row.state, row.attempts) == ("pending", 0)


def test_without_targets_nothing_is_put_into_the_outbox(store):
    write(store, range(75))
    Watch(store, "job", []).look()

    assert rows(store, alerts)
    assert not rows(store, messages)
