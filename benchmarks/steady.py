"""make steady: textpulse as a user runs it, at a steady rate: how fresh its results are, how much memory it takes, and whether it grows.

steady.py [--minutes M] [--rate R] [--bootstrap-servers HOST:PORT] [-- options of `textpulse stream`]

Everything is seen from outside, through the store and the tagged topic, and an upper bound: the store is asked every
100 ms, and a record is stored when it is first seen there.
"""
import argparse
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict, deque
from pathlib import Path

import numpy as np
import sqlalchemy as sa
from kafka import KafkaConsumer, KafkaProducer

from insights.store import Store
from insights.tables import units
from pipelines.broker import broker_cache, create_topic, open_broker
from pipelines.sample.stream import generate

WINDOW_US, OUT_OF_ORDER_S = 60_000_000, 2.0   # the defaults of `textpulse stream`
FILLED_S = 720.0                              # window + allowed lateness + a minute: the ids of open windows are all there
LOOK_EVERY_S, WEIGH_EVERY_S, WARM_UP_S = 0.1, 5.0, 20.0


class Sightings:
    """What was sent and is not yet seen in the store, by unit; and what was measured."""

    def __init__(self):
        self.lock = threading.Lock()
        self.waiting = defaultdict(deque)   # (window, origin, source, product) -> (offset, sent, late)
        self.sent = {}                      # (origin, offset) -> when, for the tagged topic
        self.stored, self.late, self.tagged = [], [], []
        self.complete = defaultdict(float)  # window -> when its last timely record was seen

    def add(self, record, sent, origin, offset):
        key = (record.time_us // WINDOW_US * WINDOW_US, origin, record.source, record.product)
        with self.lock:
            self.waiting[key].append((offset, sent, record.kind == "late"))
            self.sent[origin, offset] = sent

    def see(self, key, last_offset, now):
        """A unit holds everything of its key up to an offset."""
        with self.lock:
            queue, end = self.waiting.get(key), key[0] / 1e6 + 60.0
            while queue and queue[0][0] <= last_offset:
                _, sent, late = queue.popleft()
                (self.late if late else self.stored).append(now - sent)
                if sent <= end + OUT_OF_ORDER_S:
                    self.complete[key[0]] = max(self.complete[key[0]], now - end)


def send(servers, topic, rate, seen, stopped):
    """The sample stream in real time; each record is told when the broker has it, with the time at which it was sent."""
    producer = KafkaProducer(bootstrap_servers=servers, linger_ms=5, acks="all")

    def done(record, sent):
        return lambda at: seen.add(record, sent, f"{at.topic}/{at.partition}", at.offset)

    for record in generate(1, rate=rate, start_us=int(time.time() * 1e6)):
        while (wait := record.arrival_us / 1e6 - time.time()) > 0 and not stopped.is_set():
            time.sleep(min(wait, 0.05))
        if stopped.is_set():
            break
        future = producer.send(topic, record.value, key=record.key)
        if record.reason is None:
            future.add_callback(done(record, time.time()))
    producer.close()


def watch_store(url, seen, stopped):
    """Looks at the units that changed."""
    store, since = Store(url), 0
    while not stopped.wait(LOOK_EVERY_S):
        with store.snapshot() as db:
            rows = db.execute(sa.select(units).where(units.c.updated_us >= since)).all()
        now = time.time()
        for row in rows:
            seen.see((row.window_us, row.origin, row.source, row.product), row.last_offset, now)
            since = max(since, row.updated_us - 1_000_000)   # a transaction may take a while to show


def watch_tagged(servers, topic, seen, stopped):
    """The time of each tagged event in its topic, against that of its record."""
    consumer = KafkaConsumer(topic, bootstrap_servers=servers, auto_offset_reset="earliest", group_id=None)
    while not stopped.is_set():
        for records in consumer.poll(timeout_ms=200).values():
            for record in records:
                headers = dict(record.headers)
                with seen.lock:
                    sent = seen.sent.pop((headers["textpulse-origin"].decode(), int(headers["textpulse-offset"])), None)
                if sent:
                    seen.tagged.append(record.timestamp / 1e3 - sent)


def weigh(pid):
    """(resident MB, of it Prism's, Prism's CPU seconds) of a process and everything below it."""
    rows, ticks, page = {}, os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError):
            head, _, tail = (entry / "stat").read_text().rpartition(")")
            fields = tail.split()
            rows[int(entry.name)] = (head.partition("(")[2], int(fields[1]), (int(fields[11]) + int(fields[12])) / ticks,
                                     int(fields[21]) * page / 2**20)
    ours = {pid}
    while more := {child for child, row in rows.items() if row[1] in ours} - ours:
        ours |= more
    prism = [rows[at] for at in ours if at in rows and rows[at][0] == "prism"]
    return sum(rows[at][3] for at in ours if at in rows), sum(row[3] for row in prism), sum(row[2] for row in prism)


def percentiles(name, values, limit):
    """One line."""
    if values:
        p50, p99, most = np.percentile(values, 50), np.percentile(values, 99), max(values)
        print(f"{name:38} {len(values):>9,}  p50 {p50:6.2f} s  p99 {p99:6.2f} s  max {most:6.2f} s   (reach: p99 {limit})", flush=True)


def run(args, servers, folder):
    """One run; prints its table."""
    url, seen, stopped = f"sqlite:///{folder}/steady.db", Sightings(), threading.Event()
    for topic in ("steady", "steady-tagged"):
        create_topic(servers, topic, 3)
    command = [sys.executable, "-m", "pipelines", "stream", "--bootstrap-servers", servers, "--topic", "steady", "--store", url,
               "--metrics-port", "0", "--tagged-topic", "steady-tagged", *args.options]
    log = (Path(folder) / "stream.log").open("wb")
    stream = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    threads = [threading.Thread(target=target, args=arguments, daemon=True) for target, arguments in (
        (send, (servers, "steady", args.rate, seen, stopped)), (watch_tagged, (servers, "steady-tagged", seen, stopped)))]
    try:
        wait_for(Path(folder) / "stream.log", b"reading", stream)
        begun = time.time()
        for thread in threads:
            thread.start()
        watcher = threading.Thread(target=watch_store, args=(url, seen, stopped), daemon=True)
        watcher.start()
        weights = []
        while (now := time.time() - begun) < args.minutes * 60 and stream.poll() is None:
            weights.append((now, *weigh(stream.pid)))
            if now < WARM_UP_S:   # the first call of the model, the first bundle
                seen.stored, seen.late, seen.tagged = [], [], []
            time.sleep(WEIGH_EVERY_S)
        stopped.set()
        for thread in (*threads, watcher):
            thread.join(timeout=10)
        report(args, seen, np.array(weights), begun)
        if stream.poll() is not None:
            raise SystemExit(f"the stream ended early with code {stream.returncode}:\n{(Path(folder) / 'stream.log').read_text()[-2000:]}")
    finally:
        stream.send_signal(signal.SIGTERM)
        stream.wait(timeout=30)
        log.close()


def wait_for(path, word, process, within_s=90.0):
    """Until a word stands in a file."""
    deadline = time.monotonic() + within_s
    while word not in path.read_bytes():
        if process.poll() is not None or time.monotonic() > deadline:
            raise SystemExit(f"the stream did not start:\n{path.read_text()[-2000:]}")
        time.sleep(0.2)


def report(args, seen, weights, begun):
    """The table."""
    options = " ".join(args.options) or "windows of 60 s, lateness 600 s"
    print(f"{args.rate:,.0f} events/s for {args.minutes:g} minutes, {options}; the first {WARM_UP_S:.0f} s apart")
    percentiles("arrival to a stored cell", seen.stored, "2 s")
    percentiles("arrival to a stored cell, late records", seen.late, "2 s")
    percentiles("arrival to the tagged topic", seen.tagged, "1 s")
    whole = [delay for window, delay in seen.complete.items() if begun <= window / 1e6 and window / 1e6 + 64.0 <= time.time()]
    percentiles("window's end to its last timely record", whole, f"{OUT_OF_ORDER_S + 2:.0f} s")
    at, group, prism, cpu = weights.T
    print(f"memory of the process group: largest {group.max():,.0f} MB, at the end {group[-1]:,.0f} MB, of it Prism {prism[-1]:,.0f} MB")
    filled = at > FILLED_S
    if filled.sum() > 20:
        slope = np.polyfit(at[filled] / 60, group[filled], 1)[0]
        print(f"slope once the seen ids have filled ({FILLED_S / 60:.0f} min to the end): {slope:+.2f} MB a minute")
    fifth = len(at) // 5
    for name, rows in (("in the middle", slice(2 * fifth, 3 * fifth)), ("at the end", slice(4 * fifth, None))):
        spent = (cpu[rows][-1] - cpu[rows][0]) / max(at[rows][-1] - at[rows][0], 1e-9)
        print(f"Prism's CPU {name} (a fifth of the run): {100 * spent:.1f} % of a core")
    for minute in range(0, int(at[-1] // 60) + 1, max(1, int(at[-1] // 600))):
        row = int(np.searchsorted(at, minute * 60))
        print(f"  minute {minute:3}: {group[row]:7,.0f} MB, Prism {prism[row]:5,.0f} MB")


def main():
    """All of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--rate", type=float, default=1_000.0)
    parser.add_argument("--bootstrap-servers", default="")
    parser.add_argument("options", nargs="*", help="handed on to `textpulse stream`; freshness is reckoned for windows of 60 s")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if args.bootstrap_servers:
            run(args, args.bootstrap_servers, folder)
        else:
            with open_broker(broker_cache(), Path(folder) / "broker.log") as broker:
                run(args, broker.bootstrap, folder)


if __name__ == "__main__":
    main()
