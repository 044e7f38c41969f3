"""Dead letters of a running `textpulse stream` are mended and replayed; then it is killed, and reads the same records again."""
import itertools
import json
import os
import signal
import sqlite3
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaConsumer, TopicPartition

from pipelines.broker import create_topic
from pipelines.children import Child, end, spawn
from pipelines.errors import EnvironmentProblem
from pipelines.prism import find_prism
from tests.mendable import FIXES, TEXTPULSE, Record, environment, rows, textpulse

JOB, PARTITIONS = "mended", 2
WINDOW_MS, LATENESS_MS = 10_000, 60_000
GOOD, CARELESS, LATE, BROKEN, COPIES = 120, 60, 20, 6, 4
REPLAYED, STAY = CARELESS + LATE, BROKEN + COPIES
US_PER_MS = 1_000

pytestmark = [pytest.mark.kafka, pytest.mark.prism, pytest.mark.model]
Part = tuple[int, str, str]   # window, source, product


@dataclass
class Run:
    """A stream that keeps originals, over a topic that only this test writes to: time goes on in it as the events say, by no clock."""

    folder: Path
    servers: str
    topic: str
    producer: Any
    child: Child | None = None
    counted: list[Record] = field(default_factory=list)   # all that must count in the end
    archive: list[bytes] = field(default_factory=list)    # what was sent, as it should have been
    sent: int = 0

    def __post_init__(self) -> None:
        for name, partitions in ((self.topic, PARTITIONS), (self.insights, 1)):
            create_topic(self.servers, name, partitions)
        for name in ("pseudonyms.key", "originals.key"):
            (self.folder / name).write_text(os.urandom(32).hex())
        (self.folder / "policy.toml").write_text(f"[key]\nfile = {str(self.folder / 'pseudonyms.key')!r}\n")

    @property
    def insights(self) -> str:
        """The topic of insights."""
        return f"{self.topic}-insights"

    @property
    def log(self) -> Path:
        """What the stream says."""
        return self.folder / "stream.log"

    @property
    def url(self) -> str:
        """The store."""
        return f"sqlite:///{self.folder / 'stream.db'}"

    @property
    def policy(self) -> tuple[str, ...]:
        """Of the stream and of its backfill: the same key, so that authors can be compared."""
        return "--policy", str(self.folder / "policy.toml")

    @property
    def opening(self) -> tuple[str, ...]:
        """Options of every command that opens originals."""
        return "--store", self.url, "--job", JOB, *self.policy, "--originals-key-file", str(self.folder / "originals.key")

    @property
    def publishing(self) -> tuple[str, ...]:
        """Options of all that sends insights."""
        return "--bootstrap-servers", self.servers, "--insights-topic", self.insights

    def start(self) -> None:
        """Starts the supervisor. No partition is idle for so long that the clock would close windows."""
        self.child = spawn(
            [*TEXTPULSE, "stream", "--topic", self.topic, *self.opening, *self.publishing, "--keep-originals", "--window",
             f"{WINDOW_MS}ms", "--allowed-lateness", f"{LATENESS_MS}ms", "--idle-after", "1h", "--metrics-port", "0", "--no-alerts"],
            env=environment(), log=self.log, new_group=True)

    def crash(self) -> None:
        """kill -9 of the supervisor; its worker and Prism go with it."""
        assert self.child is not None
        os.kill(self.child.pid, signal.SIGKILL)
        self.child.wait()

    def send(self, value: bytes, right: bytes) -> None:
        """One record, to each partition in turn."""
        self.producer.send(self.topic, value, partition=self.sent % PARTITIONS)
        self.sent += 1
        self.archive.append(right)

    def produce(self, records: list[Record]) -> None:
        """Records that count in the end, as their producer writes them."""
        for record in records:
            self.send(record.sent(), record.right())
            self.counted.append(record)
        self.producer.flush()

    def rows(self, query: str) -> list[tuple]:
        """What the store answers; nothing while it is not there yet."""
        try:
            db = sqlite3.connect(f"file:{self.folder / 'stream.db'}?mode=ro", uri=True, timeout=20)
        except sqlite3.OperationalError:
            return []
        try:
            return db.execute(query).fetchall()
        except sqlite3.OperationalError:
            return []
        finally:
            db.close()

    def number(self, query: str) -> int:
        """One number, 0 for none."""
        found = self.rows(query)
        return found[0][0] or 0 if found else 0

    def read(self) -> int:
        """Records that the stream has handed on, as it saved last."""
        return self.number("select sum(frontier) from progress")

    def by_job(self) -> int:
        """Records that count without a replay."""
        return self.number("select sum(records) from units where epoch >= 0")

    def cells(self) -> Counter[Part]:
        """What counts."""
        found: Counter[Part] = Counter()
        for window_us, source, product, records in self.rows(
                "select window_us, source, product, cells.records from units join cells on cells.unit = units.id"):
            found[window_us, source, product] += records
        return found

    def dealt_with(self) -> dict[str, list[tuple]]:
        """All that must be the same after a restart."""
        return {
            "dead letters": self.rows('select * from dead_letters order by origin, "offset"'),
            "outcomes": self.rows('select * from outcomes order by origin, "offset"'),
            "originals": self.rows('select * from originals order by origin, "offset"'),
            "fixes": self.rows("select * from fixes"),
            "units": self.rows("select id, window_us, origin, source, product, epoch, records, revision from units where epoch < 0"),
            "cells": self.rows("select cells.* from cells join units on units.id = cells.unit where epoch < 0 order by 1, 2, 3")}

    def units_told(self) -> dict[tuple, list[dict[str, Any]]]:
        """From the topic of insights: of each unit the cells of its highest revision."""
        consumer = KafkaConsumer(bootstrap_servers=self.servers, enable_auto_commit=False)
        part = TopicPartition(self.insights, 0)
        consumer.assign([part])
        consumer.seek_to_beginning(part)
        stop = consumer.end_offsets([part])[part]
        told: dict[tuple, dict[int, dict[bytes, dict[str, Any]]]] = defaultdict(lambda: defaultdict(dict))
        while consumer.position(part) < stop:
            for message in consumer.poll(timeout_ms=500).get(part, ()):
                cell = json.loads(message.value)
                unit = tuple(cell[name] for name in ("window_us", "origin", "source", "product", "epoch"))
                told[unit][cell["revision"]][message.key] = cell   # at least once: the same cell may come again
        consumer.close()
        return {unit: [*revisions[max(revisions)].values()] for unit, revisions in told.items()}


@pytest.fixture
def run(tmp_path, broker, topic, producer):
    try:
        find_prism()
    except EnvironmentProblem as missing:
        pytest.skip(str(missing))
    made = Run(tmp_path, broker.bootstrap, topic, producer)
    yield made
    if made.child is not None:
        end(made.child, 1.0)


def part_of(record: Record) -> Part:
    return record.time_ms // WINDOW_MS * WINDOW_MS * US_PER_MS, record.source, record.row["product"]


def test_what_was_replayed_while_a_stream_runs_counts_once_after_a_kill_and_is_told_once(run, eventually):
    now_ms = int(time.time() * 1000) // WINDOW_MS * WINDOW_MS
    made = rows(1, 5_000)
    careless = itertools.cycle(FIXES)
    first = [Record(next(made), now_ms + number * 150, next(careless) if number % 3 == 2 else "") for number in range(GOOD + CARELESS)]
    run.start()
    run.produce(first)
    for number in range(BROKEN):
        run.send(b'{"event_id": "broken %d' % number, b"{")
    for record in [record for record in first if not record.careless][:COPIES]:
        run.send(record.right(), record.right())
    run.producer.flush()
    eventually(lambda: run.by_job() == GOOD, "the good ones are counted", 90)
    run.produce([Record(next(made), now_ms - 3_600_000 + number * 500) for number in range(LATE)])
    eventually(lambda: run.read() == run.sent, "all is read", 60)

    listed = json.loads(textpulse("dlq", "list", "--store", run.url, "--job", JOB, "--limit", "0", "--json"))
    assert Counter(letter["reason"] for letter in listed) == {
        **dict.fromkeys(FIXES, CARELESS // len(FIXES)), "late": LATE, "malformed": BROKEN, "duplicate": COPIES}
    assert all(letter["original_kept"] and letter["state"] == "dead" for letter in listed)
    fix_each(run)
    replay_while_it_counts(run, made, now_ms + 30_000, eventually)
    before = run.dealt_with()
    assert {name: len(found) for name, found in before.items() if name not in ("units", "cells")} == {
        "dead letters": REPLAYED + STAY, "outcomes": REPLAYED, "originals": STAY, "fixes": 0}
    assert sum(unit[-2] for unit in before["units"]) == REPLAYED

    run.crash()
    again = run.number(   # letters that a new process finds in what it reads once more
        "select count(*) from outcomes join progress using (job, run, origin) where outcomes.\"offset\" >= coalesce(saved, 0)")
    assert again == REPLAYED
    last_us = max(part_of(record)[0] for record in run.counted)
    run.start()
    run.produce([Record(next(made), now_ms + 200_000) for _ in range(PARTITIONS)])   # closes all that was before
    eventually(lambda: run.number("select closed_us from jobs") > last_us and run.read() == run.sent, "all is read and closed", 90)
    eventually(lambda: run.by_job() == len(run.counted) - REPLAYED, "all is counted", 30)

    assert run.dealt_with() == before
    textpulse("verify", "--store", run.url)
    assert run.cells() == Counter(map(part_of, run.counted))
    replayed = json.loads(textpulse(
        "dlq", "list", "--store", run.url, "--job", JOB, "--state", "replayed", "--limit", "0", "--json"))
    assert len(replayed) == REPLAYED and not any(letter["original_kept"] for letter in replayed)
    assert end(run.child, 20.0) == 0, run.log.read_text()[-3_000:]
    assert run.dealt_with() == before
    told_as_stored(run)
    equals_a_backfill(run)


def fix_each(run: Run) -> None:
    """Nothing is kept without --write."""
    for reason, change in FIXES.items():
        command = ("dlq", "fix", "--reason", reason, *change, *run.opening)
        said = textpulse(*command)
        assert f"{CARELESS // len(FIXES)} would be events\nnothing is written" in said
        assert run.number("select count(*) from fixes where fix is not null") == CARELESS // len(FIXES) * [*FIXES].index(reason)
        assert f"kept for {CARELESS // len(FIXES)}: " in textpulse(*command, "--write")


def replay_while_it_counts(run: Run, made: Any, time_ms: int, eventually: Any) -> None:
    """A replay of all letters, while records come in that the stream counts."""
    counted, log = run.by_job(), run.folder / "replay.log"
    replay = spawn([*TEXTPULSE, "dlq", "replay", "--all", *run.opening, *run.publishing], env=environment(), log=log)

    def over() -> bool:
        run.produce([Record(next(made), time_ms + 50 * len(run.counted) % 30_000)])
        return replay.poll() is not None

    eventually(over, "the replay ends", 60)
    said = log.read_text()
    assert replay.returncode == 1, said   # for some stay
    assert f"replayed: {REPLAYED}; stay dead letters: {STAY}\n" in said
    assert run.by_job() > counted
    assert run.rows("select count(*) from units where epoch < 0 and published < revision") == [(0,)]   # the command has told of its own
    textpulse("verify", "--store", run.url)
    eventually(lambda: run.by_job() == len(run.counted) - REPLAYED, "what came meanwhile is counted", 30)
    textpulse("verify", "--store", run.url)


def told_as_stored(run: Run) -> None:
    """Who reads the topic of insights and adds up gets what the store says."""
    units = run.units_told()
    assert sum(cell["records"] for unit, cells in units.items() if unit[-1] < 0 for cell in cells) == REPLAYED
    names = ("records", "negative", "neutral", "positive")
    told: dict[tuple, Counter[str]] = defaultdict(Counter)
    for unit, cells in units.items():
        for cell in cells:
            told[(unit[0], unit[2], unit[3], cell["lang"], cell["topic"])].update({name: cell[name] for name in names})
    stored: dict[tuple, Counter[str]] = defaultdict(Counter)
    for *key, records, negative, neutral, positive in run.rows(
            "select window_us, source, product, lang, topic, cells.records, negative, neutral, positive "
            "from units join cells on cells.unit = units.id"):
        stored[tuple(key)].update(dict(zip(names, (records, negative, neutral, positive), strict=True)))
    assert told == stored


def equals_a_backfill(run: Run) -> None:
    """Of what was sent, as it should have been."""
    archive, store = run.folder / "right.jsonl", f"sqlite:///{run.folder / 'backfill.db'}"
    archive.write_bytes(b"".join(line + b"\n" for line in run.archive))
    textpulse("backfill", archive, "--store", store, "--job", "archive", "--window", f"{WINDOW_MS}ms", *run.policy)
    said = textpulse("diff", run.url, store)
    assert said.startswith(f"{JOB} | archive: equal\n")
    assert "late only" not in said and "authors are not compared" not in said
