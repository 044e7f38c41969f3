"""From records to chunks: the archive reader as a DoFn, and the stage fused with every read that makes a poll durable."""
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import apache_beam as beam
import numpy as np

from schemas.decode import Decoder
from transforms.archives import read_records
from transforms.elements import EventChunk, PollBatch
from transforms.job import Job, JobSettings, Raw, job_of
from transforms.sinks import Sinks, publish_dead

READ_AHEAD = 2   # batches decoded while the model works on the one before
Report = Callable[[str, int, int, int], None]
_reports: list[Report] = []


def on_progress(report: Report) -> None:
    """The report is told (file, records, bytes read, size) after each batch read in this process."""
    _reports.append(report)


class HandOn(beam.DoFn):
    """PollBatch -> its chunk; dead letters and positions are durable first."""

    def __init__(self, settings: JobSettings, decoder: Callable[[], Decoder], sinks: Sinks) -> None:
        self.settings, self.decoder, self.sinks = settings, decoder, sinks

    def process(self, element: PollBatch) -> Iterator[EventChunk]:
        """One poll."""
        if element.dead and self.sinks.dead_letter_topic:
            publish_dead(self.sinks, element.dead)
        job_of(self.settings, self.decoder).hand_on(element)
        if element.chunk:
            yield element.chunk


class ReadArchives(beam.DoFn):
    """A list of files -> PollBatch. One reader decides for all files, in their order: a duplicate is one across files too."""

    def __init__(self, settings: JobSettings, decoder: Callable[[], Decoder]) -> None:
        self.settings, self.decoder = settings, decoder

    def process(self, element: Sequence[str]) -> Iterator[PollBatch]:
        """All files."""
        job = job_of(self.settings, self.decoder)
        for path in element:
            job.add(path)
            yield from _ahead(polls_of(job, path))
        job.finish()


def polls_of(job: Job, path: str) -> Iterator[PollBatch]:
    """A file's polls. The decoding of the next one runs beside the model."""
    for batch in read_records(path):
        count = len(batch.values)
        offsets = np.arange(batch.first, batch.first + count)
        yield job.take([Raw(path, offsets, batch.values, [None] * count)])
        for report in _reports:
            report(path, batch.first + count, batch.bytes_read, batch.size_bytes)


def _ahead(polls: Iterator[PollBatch]) -> Iterator[PollBatch]:
    """The same items, made in a thread of their own a little ahead of their use. An exception is raised where it belongs."""
    ready: queue.Queue[PollBatch | BaseException | None] = queue.Queue(READ_AHEAD)
    stopped = threading.Event()

    def work() -> None:
        end: BaseException | None = None
        try:
            for poll in polls:
                if not _put(ready, poll, stopped):
                    return
        except Exception as error:   # noqa: BLE001 - handed to the thread that reads the queue, which raises it
            end = error
        _put(ready, end, stopped)

    thread = threading.Thread(target=work, name="read-ahead", daemon=True)
    thread.start()
    try:
        while (item := ready.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        stopped.set()
        thread.join()


def _put(ready: queue.Queue[Any], item: Any, stopped: threading.Event) -> bool:
    """False when nobody reads any more."""
    while not stopped.is_set():
        try:
            ready.put(item, timeout=0.1)
            return True
        except queue.Full:
            continue
    return False
