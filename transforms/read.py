"""From records to chunks: the archive reader as a DoFn, and the stage fused with a stream's read that makes a poll durable."""
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
        hand_on(job_of(self.settings, self.decoder), self.sinks, element)
        if element.chunk:
            yield element.chunk


def hand_on(job: Job, sinks: Sinks, poll: PollBatch) -> None:
    """Makes a poll's dead letters and positions durable."""
    if poll.dead and sinks.dead_letter_topic:
        publish_dead(sinks, poll.dead)
    job.hand_on(poll)


class ReadArchives(beam.DoFn):
    """A list of files -> the chunks of their polls, whose dead letters are durable.

    One reader decides for all files, in their order: a duplicate is one across files too.
    """

    def __init__(self, settings: JobSettings, decoder: Callable[[], Decoder], sinks: Sinks) -> None:
        self.settings, self.decoder, self.sinks = settings, decoder, sinks

    def process(self, element: Sequence[str]) -> Iterator[EventChunk]:
        """All files."""
        job = job_of(self.settings, self.decoder)
        for path in element:
            job.add(path)
            yield from _ahead(chunks_of(job, self.sinks, path))
        job.finish()


def chunks_of(job: Job, sinks: Sinks, path: str) -> Iterator[EventChunk]:
    """A file's chunks. Decoding and writing the dead letters of the next one runs beside the model."""
    for batch in read_records(path):
        count = len(batch.values)
        offsets = np.arange(batch.first, batch.first + count)
        poll = job.take([Raw(path, offsets, batch.values, [None] * count)])
        hand_on(job, sinks, poll)
        if poll.chunk:
            yield poll.chunk
        for report in _reports:
            report(path, batch.first + count, batch.bytes_read, batch.size_bytes)


def _ahead(chunks: Iterator[EventChunk]) -> Iterator[EventChunk]:
    """The same items, made in a thread of their own a little ahead of their use. An exception is raised where it belongs."""
    ready: queue.Queue[EventChunk | BaseException | None] = queue.Queue(READ_AHEAD)
    stopped = threading.Event()

    def work() -> None:
        end: BaseException | None = None
        try:
            for chunk in chunks:
                if not _put(ready, chunk, stopped):
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
