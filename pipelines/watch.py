"""The process beside a stream that judges its windows as they end, and tells of what it finds. The stream never waits for it."""
import argparse
import json
import logging
import os
import random
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING

from insights.alerts import outbox
from insights.alerts.announce import announce
from insights.alerts.detect import Sensitivity
from insights.alerts.keep import Past, judge
from insights.emerging.keep import Past as TopicsPast
from insights.emerging.keep import judge_topics
from insights.queries import QueryError, job_row
from insights.store import Store, StoreError
from pipelines.security import security_of
from pipelines.stream import WATCH_OPTIONS
from pipelines.targets import NotDelivered, Target, targets_of

if TYPE_CHECKING:
    from insights.queries import JobRow

NICE = 10
LOOK_EVERY_S, RETRY_EVERY_S, ANNOUNCE_EVERY_S = 0.5, 5.0, 5.0   # mutes end, and others judge too
S = 1_000_000
log = logging.getLogger("textpulse.alerts")


class Watch:
    """Judges, announces and delivers until told to stop. What has to survive is the store's."""

    def __init__(self, store: Store, job: str, targets: list[Target]) -> None:
        self.store, self.job, self.targets = store, job, targets
        self.stop = threading.Event()
        self.past, self.topics_past = Past(), TopicsPast()
        self.seen: tuple[int, ...] = ()
        self.announce_due = 0.0

    def run(self) -> None:
        """Returns when stopped."""
        senders = [threading.Thread(target=self._send, args=(target,), name=target.name, daemon=True) for target in self.targets]
        for sender in senders:
            sender.start()
        wait_s = 0.0
        while not self.stop.wait(wait_s):
            try:
                self.look()
                wait_s = LOOK_EVERY_S
            except (StoreError, QueryError) as error:
                log.warning("%s; alerts are judged again in %.0f s", error, RETRY_EVERY_S)
                wait_s = RETRY_EVERY_S

    def look(self) -> None:
        """Judges when a window has ended or was closed since the last time, and tells what is due. Raises QueryError, StoreError."""
        with self.store.snapshot() as db:
            about = job_row(db, self.job)
        now_us = time.time_ns() // 1_000
        mark = _mark(about)
        if mark != self.seen:
            judge(self.store, self.job, Sensitivity(), now_us, self.past)
        if self.targets and (mark != self.seen or time.monotonic() >= self.announce_due):
            announce(self.store, self.job, [target.name for target in self.targets], now_us)
            self.announce_due = time.monotonic() + ANNOUNCE_EVERY_S
        if mark != self.seen:
            judge_topics(self.store, self.job, now_us, self.topics_past)
        self.seen = mark

    def _send(self, target: Target) -> None:
        """Sends what is due to one target, one message at a time."""
        wait_s = 0.0
        while not self.stop.wait(wait_s):
            try:
                wait_s = 0.0 if deliver(self.store, target) else LOOK_EVERY_S
            except StoreError as error:
                log.warning("%s; %s waits for %.0f s", error, target.name, RETRY_EVERY_S)
                wait_s = RETRY_EVERY_S


def _mark(about: "JobRow") -> tuple[int, ...]:
    return about.run, about.watermark_us // about.window_us, about.closed_us // about.window_us


def deliver(store: Store, target: Target) -> bool:
    """Sends the next message that is due there, if there is one. Raises StoreError."""
    claimed = outbox.claim(store, target.name, time.time_ns() // 1_000)
    if claimed is None:
        return False
    try:
        target.send(claimed.message, claimed.incident, claimed.body, int(time.time()))
    except NotDelivered as error:
        outbox.failed(store, claimed, str(error), time.time_ns() // 1_000, random.random())
        log.warning("%s: message %s %s (attempt %d)", target.name, claimed.message, error, claimed.attempts + 1)
    else:
        outbox.delivered(store, claimed, time.time_ns() // 1_000)
    return True


def main() -> None:
    """The process: its options come in a variable, which `ps` does not show."""
    logging.basicConfig(level=logging.ERROR, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    log.setLevel(logging.INFO)
    os.nice(NICE)
    args = argparse.Namespace(**json.loads(os.environ.pop(WATCH_OPTIONS)))
    targets = targets_of(args.alert_webhook, args.webhook_secret_file, args.bootstrap_servers, args.alert_topic, security=security_of(args))
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    watch = None
    while watch is None and not stop.wait(LOOK_EVERY_S):
        try:
            watch = Watch(Store(args.store, create=False), args.job, targets)
        except StoreError:   # the worker has not made it yet; it says what is wrong with it
            continue
    if watch:
        watch.stop = stop
        watch.run()


if __name__ == "__main__":
    main()
