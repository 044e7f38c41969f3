"""kill -9 of a real `textpulse dlq replay`: every letter counts once or not at all, whenever that is, and the next does the rest."""
import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest
from oracle import Part
from product import Look, one_key
from timing import let_pass

from pipelines.children import Child, end, spawn
from tests.mendable import FIXES, ROOT, TEXTPULSE, Record, environment, rows, textpulse

SEED, GOOD, CARELESS = 5, 2_400, 4_800   # the careless ones are ten transactions
WINDOW_MS, SPAN_MS, START_MS = 60_000, 600_000, 1_780_000_020_000
KILLS = 3   # among transactions: at once when one of the two tables has grown, then at any moment

pytestmark = pytest.mark.model


@dataclass(frozen=True, slots=True)
class Work:
    """A folder with an archive, its store with a fix for every dead letter, and a store of the archive as it should have been."""

    folder: Path
    records: list[Record]   # as they stand in the archive: the place in this list is the offset

    @property
    def right(self) -> str:
        """The store of the right archive."""
        return f"sqlite:///{self.folder / 'right.db'}"

    def copy(self, name: str) -> "Book":
        """The store of the careless archive, once more."""
        for end_of_name in ("", "-wal"):
            if (self.folder / f"careless.db{end_of_name}").exists():
                shutil.copy(self.folder / f"careless.db{end_of_name}", self.folder / f"{name}.db{end_of_name}")
        return Book(self, self.folder / f"{name}.db")

    def options(self, store: Path) -> tuple[str, ...]:
        """Of every command that opens originals."""
        return ("--store", f"sqlite:///{store}", "--policy", str(self.folder / "policy.toml"),
                "--originals-key-file", str(self.folder / "originals.key"))


@dataclass(frozen=True, slots=True)
class Book:
    """One store in which letters are replayed."""

    work: Work
    path: Path

    @property
    def url(self) -> str:
        """As commands want it."""
        return f"sqlite:///{self.path}"

    def replay(self) -> Child:
        """Starts a replay of all letters."""
        command = [*TEXTPULSE, "dlq", "replay", "--all", *self.work.options(self.path)]
        return spawn(command, env=environment(), log=self.path.with_suffix(".log"))

    def replayed(self) -> set[int]:
        """Offsets of the letters that are said to count."""
        return {offset for offset, in self.rows('select "offset" from outcomes')}

    def rows(self, query: str) -> list[tuple]:
        """What the store answers."""
        db = sqlite3.connect(self.path)
        try:
            return db.execute(query).fetchall()
        finally:
            db.close()

    def check(self) -> int:
        """The law, by SQL of our own and by verify; returns how many letters were replayed."""
        textpulse("verify", "--store", self.url)
        replayed = self.replayed()
        cells: Counter[Part] = Counter()
        for window_us, source, product, records in self.rows(
                "select window_us, source, product, cells.records from units join cells on cells.unit = units.id"):
            cells[window_us, source, product] += records
        assert cells == Counter(
            part_of(record) for offset, record in enumerate(self.work.records) if not record.careless or offset in replayed)
        left = {offset for offset, record in enumerate(self.work.records) if record.careless} - replayed
        for table in ("originals", "fixes"):
            assert {offset for offset, in self.rows(f'select "offset" from {table}')} == left, table
        assert self.rows("select count(*) from dead_letters") == [(CARELESS,)]
        return len(replayed)


def part_of(record: Record) -> Part:
    return record.time_ms // WINDOW_MS * WINDOW_MS * 1_000, record.source, record.row["product"]


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Work:
    folder, chance = tmp_path_factory.mktemp("mended"), random.Random(SEED)
    kinds = ["", *FIXES]
    weights = [GOOD, *[CARELESS // len(FIXES)] * len(FIXES)]
    order = [kind for kind, weight in zip(kinds, weights, strict=True) for _ in range(weight)]
    chance.shuffle(order)
    records = [Record(row, START_MS + chance.randrange(SPAN_MS), kind)
               for kind, row in zip(order, rows(SEED, GOOD + CARELESS), strict=True)]
    made = Work(folder, records)
    one_key(folder)
    (folder / "originals.key").write_text(os.urandom(32).hex())
    (folder / "careless.jsonl").write_bytes(b"".join(record.sent() + b"\n" for record in records))
    (folder / "right.jsonl").write_bytes(b"".join(record.right() + b"\n" for record in records))
    right = subprocess.Popen(
        [*TEXTPULSE, "backfill", folder / "right.jsonl", "--store", made.right, "--policy", folder / "policy.toml"],
        cwd=ROOT, env=environment(), stderr=subprocess.DEVNULL)
    options = made.options(folder / "careless.db")
    textpulse("backfill", folder / "careless.jsonl", "--keep-originals", *options)
    for reason, change in FIXES.items():
        said = textpulse("dlq", "fix", "--reason", reason, *change, "--write", *options)
        assert f"kept for {CARELESS // len(FIXES):,}" in said
    assert right.wait(60) == 0
    return made


def kill_after(child: Child, book: Book, table: str, more: int, delay_s: float) -> None:
    """kill -9 as soon as the table says that so many more letters count, or so much later."""
    look = Look(book.path)
    query = {"outcomes": "select count(*) from outcomes", "units": "select sum(records) from units where epoch < 0"}[table]
    wanted = look.ask(query) + more
    polls = 0
    while look.ask(query) < wanted:
        polls += 1
        if polls % 100 == 0:
            assert child.poll() is None, book.path.with_suffix(".log").read_text()
    let_pass(delay_s)
    kill(child)


def kill(child: Child) -> None:
    """It must have had something left to do."""
    os.kill(child.pid, signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL


def test_a_replay_that_is_killed_anywhere_loses_and_doubles_nothing_and_the_next_does_the_rest(work):
    book, chance = work.copy("killed"), random.Random(SEED)
    child = book.replay()
    let_pass(chance.uniform(0.3, 3.0))   # while it starts
    kill(child)
    done = [book.check()]
    for number in range(KILLS):
        table, delay_s = ("units", "outcomes")[number % 2], chance.uniform(0.0, 0.1)
        kill_after(book.replay(), book, table, chance.choice((1, 501)), delay_s if number >= 2 else 0.0)
        done.append(book.check())
    assert done == sorted(set(done)) and done[-1] < CARELESS
    said = textpulse("dlq", "replay", "--all", *work.options(book.path))
    assert f"replayed: {CARELESS - done[-1]:,}; already replayed, and left alone: {done[-1]:,}" in said
    assert book.check() == CARELESS

    everything = [book.rows(f"select * from {table} order by 1, 2, 3, 4") for table in ("units", "cells", "outcomes", "dead_letters")]
    said = textpulse("dlq", "replay", "--all", *work.options(book.path))
    assert f"replayed: 0; already replayed, and left alone: {CARELESS:,}" in said
    assert everything == [
        book.rows(f"select * from {table} order by 1, 2, 3, 4") for table in ("units", "cells", "outcomes", "dead_letters")]

    said = textpulse("diff", book.url, work.right)
    assert re.search(r"^textpulse \| textpulse: equal\ncells equal: \d,?\d{3}\n", said), said
    assert f"counts {CARELESS:,} records that were mended" in said
    assert "authors are not compared" not in said


def test_of_two_replays_at_once_one_may_be_killed_and_every_letter_counts_once(work):
    book, chance = work.copy("both"), random.Random(SEED + 1)
    one, other = book.replay(), book.replay()
    try:
        kill_after(one, book, "units", chance.choice((1, 501)), 0.0)
        assert other.wait(60) == 0, book.path.with_suffix(".log").read_text()   # none stays a dead letter, whoever counted it
    finally:
        end(other)
    assert book.check() == CARELESS
    textpulse("diff", book.url, work.right)
