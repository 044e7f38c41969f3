"""Personal items in every field of thousands of records: after a full run no byte of anything that was written holds one of them."""
import json
import os
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from canaries import Canaries, found_in, malformed, names_of, records
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from insights.conservation import audit
from insights.store import Store
from pipelines.broker import create_topic
from pipelines.children import end, free_port, spawn
from pipelines.errors import EnvironmentProblem
from pipelines.page import start_page
from pipelines.prism import find_prism
from schemas.records import Reason

ROOT = Path(__file__).resolve().parents[2]
SEED, GOOD, BAD, POISONED = 5, 2_400, 400, 40
POISON = "(a text that the test's model refuses)"   # as tests/chaos/folders.py has it
S_MS = 1_000
KEY = {"TEXTPULSE_ORIGINALS_KEY": "0123456789abcdef0123456789abcdef"}


@pytest.fixture
def poisonable(tmp_path):
    """The model of the repository, in a graph that fails where a text holds the word."""
    program = ROOT / "tests" / "chaos" / "folders.py"
    subprocess.run([sys.executable, program, ROOT / "models" / "fast", tmp_path / "model"], check=True, capture_output=True)
    return tmp_path / "model"


@pytest.fixture
def canaries():
    return Canaries(SEED)


def with_times(rows, start_ms):
    for number, row in enumerate(rows):
        yield json.dumps(row | {"event_time": start_ms + number}, ensure_ascii=False).encode()


def persons_in(tagger, texts):
    """The names that the model finds in the texts, whole, in lower case."""
    found = set()
    for first in range(0, len(texts), 512):
        tags = tagger.tag(texts[first:first + 512])
        rows = [row for row, number in enumerate(tags.entity_splits[1:] - tags.entity_splits[:-1]) for _ in range(number)]
        for row, kind, start, stop in zip(rows, tags.entity_type, tags.entity_start, tags.entity_end, strict=True):
            if tagger.entity_types[kind] == "person":
                found.add(texts[first + row].encode()[start:stop].lower())
    return found


class Run:
    """A stream with every sink over one topic, on a new broker's topics."""

    def __init__(self, folder, broker, topic, model, metrics_port):
        self.folder, self.broker, self.topic, self.metrics_port = folder, broker, topic, metrics_port
        self.url = f"sqlite:///{folder}/store/canary.db"
        (folder / "store").mkdir()
        for name in self.topics:
            create_topic(broker.bootstrap, name, 1)
        tagged, letters, insights = self.topics[1:]
        self.child = spawn(
            [sys.executable, "-m", "pipelines.cli", "stream", "--bootstrap-servers", broker.bootstrap, "--topic", topic, "--job", "canary",
             "--store", self.url, "--model", str(model), "--window", "10s", "--allowed-lateness", "5s", "--idle-after", "1s",
             "--tagged-topic", tagged, "--dead-letter-topic", letters, "--insights-topic", insights, "--tagged-files",
             str(folder / "files"), "--files-format", "jsonl", "--metrics-port", str(metrics_port), "--keep-originals"],
            env={"PYTHONPATH": str(ROOT), "TEXTPULSE_DEBUG": "1", **KEY}, log=folder / "job.log", new_group=True)

    @property
    def topics(self):
        return self.topic, f"{self.topic}-tagged", f"{self.topic}-letters", f"{self.topic}-insights"

    def send(self, values, headers=()):
        producer = KafkaProducer(bootstrap_servers=self.broker.bootstrap, acks="all", max_request_size=4 << 20)
        for value in values:
            producer.send(self.topic, value, headers=headers)
        producer.close()

    def totals(self):
        store = Store(self.url)
        try:
            return {total.job: total for total in audit(store).totals}.get("canary")
        finally:
            store.close()

    def told(self, *command, code=0):
        """What a command says of the store, on both its outputs."""
        given = [sys.executable, "-m", "pipelines.cli", *command, "--store", self.url, "--job", "canary"]
        done = subprocess.run(given, cwd=ROOT, capture_output=True, check=False, env={**os.environ, **KEY})
        assert done.returncode == code, done.stderr
        return done.stdout + done.stderr

    def read(self, name):
        """All bytes of a topic."""
        consumer = KafkaConsumer(bootstrap_servers=self.broker.bootstrap, enable_auto_commit=False)
        part = TopicPartition(name, 0)
        consumer.assign([part])
        consumer.seek_to_beginning(part)
        stop, parts = consumer.end_offsets([part])[part], []
        while consumer.position(part) < stop:
            for message in consumer.poll(timeout_ms=500).get(part, ()):
                parts += [message.key or b"", message.value or b"", *(piece for header in message.headers for piece in (
                    header[0].encode(), header[1]))]
        consumer.close()
        return b"\n".join(parts)


def pages(request, run, log, eventually):
    """What a browser shows of the store, where there is one."""
    try:
        pytest.importorskip("nicegui")
        chrome = request.getfixturevalue("chrome")
    except pytest.skip.Exception:
        return {}
    page = start_page(run.url, "canary", 0, "", log)
    try:
        eventually(lambda: page.address != "" or page.problem() != "", "the page starts")
        shown = []
        for place, what in (("", ".tiles"), ("dead-letters", "details.letter"), ("job", ".columns")):
            chrome.get(page.address + place)
            eventually(lambda: chrome.find_elements("css selector", what), f"/{place} shows {what}")   # noqa: B023 - polled at once
            shown.append(chrome.page_source.encode())
    finally:
        end(page.child)
    return {"page": b"".join(shown)}


@pytest.mark.kafka
@pytest.mark.prism
@pytest.mark.model
def test_no_byte_that_is_written_holds_a_personal_item(request, broker, topic, tmp_path, poisonable, canaries, eventually):
    from models.load import DEFAULT, load

    try:
        find_prism()
    except EnvironmentProblem as missing:
        pytest.skip(str(missing))
    good = list(records(canaries, GOOD, names_of(canaries)))
    persons = persons_in(load(DEFAULT), [row["text"] for row in good])
    late = list(records(canaries, 200, [], 50_000))
    poisoned = [row | {"text": f"{row['text']} {POISON}"} for row in records(canaries, POISONED, [], 90_000)]
    future = list(records(canaries, 20, [], 95_000))
    sent_whole = set(canaries.planted)
    bad = list(malformed(canaries, BAD))
    headers = [(canaries.item("email"), canaries.item("phone").encode())]
    canaries.cores |= {name for name in persons if b" " in name}
    port = free_port()
    run = Run(tmp_path, broker, topic, poisonable, port)
    try:
        now_ms = int(time.time() * S_MS)
        sent = list(with_times(good, now_ms - 5 * S_MS))
        run.send([*sent, *sent[:50], *bad, *with_times(poisoned, now_ms), *with_times(future, now_ms + 3_600 * S_MS)], headers)
        first = len(sent) + 50 + len(bad) + len(poisoned) + len(future)
        eventually(lambda: (said := run.totals()) is not None and said.read >= first, "the first records are read", 180)
        eventually(lambda: run.totals().open == 0, "their windows are closed", 120)
        run.send(with_times(late, now_ms - 3_600 * S_MS), headers)
        eventually(lambda: run.totals().dead.get(Reason.LATE, 0) == len(late), "the late ones are dead letters", 60)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
            metrics = answer.read()
    finally:
        code = end(run.child, grace_s=20.0)
    assert code == 0
    totals = run.totals()
    assert totals.in_cells == GOOD and {**totals.dead} | {"malformed": 0} == {
        **totals.dead, "duplicate": 50, "late": 200, "model_error": POISONED, "future_time": 20, "malformed": 0}
    assert totals.dead.keys() >= {"malformed", "missing_field", "wrong_type", "bad_encoding", "too_long"}

    mended = [
        run.told("dlq", "fix", "--all", "--set", "text=mended", "--limit", "0", "--write"),
        run.told("dlq", "replay", "--all", "--limit", "0", "--tagged-files", str(tmp_path / "files"), "--files-format", "jsonl", code=1)]
    assert run.totals().replayed > 300
    told = [*mended, *(run.told(*command) for command in (
        ("insights", "--json", "--by", "source,product,lang,topic", "--top", "1000"), ("dlq", "list", "--limit", "0", "--json"),
        ("report", "--output", str(tmp_path / "report.html"))))]
    written = {
        "store": b"".join(path.read_bytes() for path in (tmp_path / "store").iterdir()), "job.log": (tmp_path / "job.log").read_bytes(),
        "files": b"".join(path.read_bytes() for path in sorted((tmp_path / "files").iterdir())), "metrics": metrics,
        **{name: run.read(name) for name in run.topics[1:]}, "commands": b"".join(told),
        "report": (tmp_path / "report.html").read_bytes()}
    written |= pages(request, run, tmp_path / "page.log", eventually)
    left = {name: found for name, data in written.items() if (found := found_in(data, canaries.cores))}
    assert not left, {name: (len(found), sorted(found)[:10]) for name, found in left.items()}
    sizes = {name: len(data) for name, data in written.items()}
    assert min(size for name, size in sizes.items() if name != "job.log") > 1_000, sizes
    given = found_in(run.read(run.topic), canaries.cores)   # the search itself: all of them came in
    names = given - canaries.planted
    assert given >= sent_whole and len(given) > 10_000 and len(names) > 20
