"""What a case plays in: a topic with traffic, a running job and its store; and the end, where all is compared."""
import json
import subprocess
import sys
import uuid
from pathlib import Path

from folders import ROOT, point
from kafka import KafkaConsumer, TopicPartition
from oracle import Logged, Stored, Verdict, judge
from product import JOB, Look, Stream
from timing import US, Timing, TooLate, until
from traffic import Traffic

from insights.conservation import verify
from insights.difference import difference
from insights.store import Store
from pipelines.broker import Broker, create_topic

SETTLE_S = 240.0


class Scene:
    """One case's world. models: the folders that a restart may find, in turn."""

    def __init__(
        self, folder: Path, store_folder: Path, broker: Broker, timing: Timing, seed: int, models: list[Path], *,
        short: bool, kills: int, copying: bool,
    ) -> None:
        self.folder, self.broker, self.timing, self.seed, self.models = folder, broker, timing, seed, models
        self.short, self.kills = short, kills
        self.kills_made = self.swaps = 0
        self.topic = f"chaos-{uuid.uuid4().hex[:8]}"
        self.log: dict[tuple[str, int], Logged] = {}
        create_topic(broker.bootstrap, self.topic, 3, retention_ms=-1)
        self.model = folder / "model"
        point(self.model, models[0])
        store = store_folder / "store.db"
        self.stream = Stream(folder, store, broker.bootstrap, self.topic, timing, self.model)
        self.look = Look(store)
        self.traffic = Traffic(seed, broker.bootstrap, self.topic, timing, self.look.closed_us, copying=copying)

    def open(self) -> None:
        """Starts traffic and job; returns when records are counted."""
        self.traffic.start()
        self.stream.start()
        self.until_counting("at the start")

    def until_counting(self, when: str) -> None:
        """Returns when more stands in the store than now."""
        before = self.look.counted()

        def moved() -> bool:
            if self.traffic.error:
                raise self.traffic.error
            return self.look.counted() > before

        until(moved, f"records are counted {when}")

    def kill(self, kind: str) -> None:
        """kill -9; see Stream.kill."""
        self.stream.kill(kind)
        self.kills_made += 1

    def swap_model(self) -> None:
        """The next worker finds the next model."""
        self.swaps += 1
        point(self.model, self.models[self.swaps % len(self.models)])

    def ends(self) -> dict[str, int]:
        """Origin -> the offset behind its last record."""
        consumer = self._consumer()
        ends = consumer.end_offsets(self._partitions(consumer))
        consumer.close()
        return {f"{part.topic}/{part.partition}": end for part, end in ends.items()}

    def dump(self) -> None:
        """Adds what the log holds to what is known of it."""
        consumer = self._consumer()
        parts = self._partitions(consumer)
        ends = consumer.end_offsets(parts)
        consumer.assign(parts)
        consumer.seek_to_beginning(*parts)

        def read() -> bool:
            for part, records in consumer.poll(timeout_ms=200).items():
                for record in records:
                    logged = Logged(f"{part.topic}/{part.partition}", record.offset, record.value)
                    self.log[logged.place] = logged
            return all(consumer.position(part) >= ends[part] for part in parts)

        until(read, "the whole log is read")
        consumer.close()

    def close(self) -> Verdict:
        """Ends the traffic, waits until all of it is in closed windows, stops the job, and compares."""
        confirmed = self.traffic.stop()
        self.dump()
        problems = []
        if confirmed - self.log.keys():
            problems.append(f"{len(confirmed - self.log.keys())} confirmed records are not in the log")
        backfill = self._start_backfill()
        ends, last_us = self.ends(), self._last_window_end_us()
        try:
            until(lambda: self._settled(ends, last_us), "all windows closed", SETTLE_S)
        except TooLate as late:
            where = f"frontiers {self.look.frontiers()} of {ends}, closed {self.look.closed_us()} of {last_us}"
            problems.append(f"{late}: {where}")
        code = self.stream.stop()
        if code:
            problems.append(f"the job ended with code {code} after SIGTERM")
        if left := self.stream.left():
            problems.append(f"processes left behind: {left}")
        if backfill.wait(SETTLE_S):
            problems.append("the backfill failed: see backfill.log")
        verdict = judge(
            self.log.values(), Stored.of(self.stream.store, JOB), self.traffic.bad, self.traffic.too_late, self.timing)
        verdict.complaints += problems
        verdict.complaints += self._compare(bool(verdict.dead["gap"]) or verdict.named > 0)
        return verdict

    def _settled(self, ends: dict[str, int], last_us: int) -> bool:
        frontiers = self.look.frontiers()
        return self.look.closed_us() >= last_us and all(frontiers.get(name, 0) >= end for name, end in ends.items())

    def _last_window_end_us(self) -> int:
        times = [json.loads(record.value)["event_time"] for record in self.log.values()
                 if record.value not in self.traffic.bad and b'"event_time": 1' in (record.value or b"")]
        return self.timing.window_of(max(times) * 1000) + self.timing.window_s * US

    def _compare(self, lost: bool) -> list[str]:
        store = Store(f"sqlite:///{self.stream.store}", create=False)
        problems = [f"verify: {finding}" for finding in verify(store)[:5]]
        if not lost:   # a backfill has what retention took
            archive = Store(f"sqlite:///{self.folder / 'backfill.db'}", create=False)
            found = difference(store, JOB, archive, "backfill", tags=not self.swaps)
            problems += [f"diff: {entry}" for entry in found.differing[:5]]
            if not found.authors:
                problems.append("diff: authors were not compared")
            if found.not_closed:
                problems.append(f"diff: {found.not_closed} windows are not closed")
            archive.close()
        store.close()
        return problems

    def _start_backfill(self) -> "subprocess.Popen[bytes]":
        """Of the same records, while the stream closes its last windows; a backfill has no clock: no future ones."""
        archive = self.folder / "log.jsonl"
        with archive.open("wb") as out:
            for _, record in sorted(self.log.items()):
                if record.value is not None and self.traffic.bad.get(record.value) != "future_time":
                    out.write(record.value + b"\n")
        store = f"sqlite:///{self.folder / 'backfill.db'}"
        command = [
            sys.executable, "-m", "pipelines.cli", "backfill", str(archive), "--store", store, "--job", "backfill",
            "--window", f"{self.timing.window_s}s", "--model", str(self.models[0]), "--policy", str(self.stream.policy)]
        with (self.folder / "backfill.log").open("wb") as log:
            return subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)

    def _consumer(self) -> KafkaConsumer:
        return KafkaConsumer(bootstrap_servers=self.broker.bootstrap, enable_auto_commit=False)

    def _partitions(self, consumer: KafkaConsumer) -> list[TopicPartition]:
        consumer.topics()
        return [TopicPartition(self.topic, number) for number in sorted(consumer.partitions_for_topic(self.topic))]
