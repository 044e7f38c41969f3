"""Dead letters once more through the steps of the pipeline: opened, mended, decoded, tagged, cut into units, and counted.

A batch counts in one transaction (insights/mending.py), so it is done wholly or not at all, whoever else replays or reads meanwhile.
"""
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import msgspec
import numpy as np

from insights import mending
from insights.mending import Counted, Dealt, Letter
from insights.queries import JobRow
from insights.store import Place, Store, StoreError, UnitKey
from privacy.redact import Redactor
from schemas.decode import event_keys
from schemas.records import Reason, TextEvent, time_of
from schemas.tagging import Tagger
from transforms.aggregate import Cut, units_and_failures
from transforms.elements import EventChunk, TaggedChunk
from transforms.job import redact_fields
from transforms.mender import Mender, Stays, fix_of
from transforms.sinks import PublishTagged, Sinks, WriteTaggedFiles
from transforms.tag import tag_chunk

ATTEMPTS = 5
EPOCH = -1   # in a batch; the store chooses


class Outcome(msgspec.Struct, frozen=True):
    """What came of one letter. done: it counts now. why: where it stays a dead letter, the reason in words. by_other: somebody else has
    counted it, or given it up, meanwhile."""

    origin: str
    offset: int
    done: bool
    why: str = ""
    by_other: bool = False


@dataclass(slots=True)
class Replay:
    """One job's replay. sample_texts, redactor: as the job has them. sinks: where tagged events go too, at least once."""

    store: Store
    about: JobRow
    mender: Mender
    tagger: Tagger
    redactor: Redactor
    sinks: Sinks = field(default_factory=Sinks)
    sample_texts: bool = True

    def run(self, letters: Sequence[Letter]) -> list[Outcome]:
        """Counts those of a batch that can be; each that cannot says why. Raises StoreError, and KafkaProblem of a sink."""
        stay: dict[Place, str] = {}
        events: dict[Place, TextEvent] = {}
        for letter in letters:
            try:
                events[letter.place] = self.mender.event(letter, fix_of(letter))
            except Stays as why:
                stay[letter.place] = str(why)
        for _ in range(ATTEMPTS):
            chunk, known, others = self._chunk({place: event for place, event in events.items() if place not in stay})
            stay |= known
            try:
                done = self._count(chunk, stay) if chunk else set()
            except Dealt:   # somebody else was here: what they did not do is still to be done
                continue
            return [Outcome(*letter.place, letter.place in done, stay.get(letter.place, ""), letter.place in others)
                    for letter in letters]
        raise StoreError(f"{self.store.name}: others deal with the same dead letters of job {self.about.job!r}: try again")

    def _chunk(self, events: Mapping[Place, TextEvent]) -> tuple[EventChunk | None, dict[Place, str], set[Place]]:
        """The events that may count, as one chunk; why others may not; and the letters that somebody else has dealt with."""
        places = list(events)
        keys = event_keys([event.event_id for event in events.values()])
        times = np.fromiter((event.time_us for event in events.values()), np.int64, len(events))
        windows = times // self.about.window_us * self.about.window_us
        ids = list(zip(windows.tolist(), keys.tolist(), strict=True))
        with self.store.snapshot() as db:   # one for both: else a letter that another counts in between would be called its own duplicate
            others = {*places} - {*mending.undone(db, self.about, places)}
            seen = mending.known_keys(db, self.about, ids)
        known: dict[Place, str] = {}
        rows = []
        for row, (window_us, key) in enumerate(ids):
            if places[row] in others:
                continue
            if (window_us, key) in seen:
                known[places[row]] = f"{Reason.DUPLICATE}: an event of this event_id and window was replayed"
            elif window_us < self.about.marks.dropped_us:
                known[places[row]] = f"its window, {time_of(window_us):%Y-%m-%dT%H:%MZ}, was dropped for its age"
            else:
                seen.add((window_us, key))
                rows.append(row)
        if not rows:
            return None, known, others
        names = sorted({places[row][0] for row in rows})
        chosen = [msgspec.structs.replace(events[places[row]]) for row in rows]
        redact_fields(chosen, self.redactor)
        return EventChunk(
            chosen, keys[rows], np.array([places[row][1] for row in rows], np.int64), times[rows], windows[rows],
            np.array([names.index(places[row][0]) for row in rows], np.int64), [(name, EPOCH) for name in names]), known, others

    def _count(self, chunk: EventChunk, stay: dict[Place, str]) -> set[Place]:
        """Tags the chunk and counts it; a row on which the model fails is added to `stay`. Raises Dealt."""
        tagged = tag_chunk(self.tagger, chunk)
        units, failed = self._cut(tagged)
        tagged.failed |= failed
        batch = []
        for row, (origin, offset) in enumerate(zip(chunk.origin.tolist(), chunk.offsets.tolist(), strict=True)):
            place = chunk.origins[origin][0], offset
            if row in tagged.failed:
                stay[place] = f"{Reason.MODEL_ERROR}: {tagged.failed[row]}"
            else:
                batch.append(Counted(*place, int(chunk.windows_us[row]), int(chunk.keys[row])))
        if batch:
            self._send(tagged)
            mending.count(self.store, self.about, batch, [(UnitKey(*key), unit) for key, unit, _ in units], self.mender.clock_us())
        return {(one.origin, one.offset) for one in batch}

    def _cut(self, tagged: TaggedChunk) -> Cut:
        """The units; of a single record that cannot be cut its error."""
        try:
            return units_and_failures(tagged, self.tagger, self.redactor, self.sample_texts)
        except Exception as error:
            if len(tagged.chunk.events) - len(tagged.failed) > 1:
                raise
            return [], dict.fromkeys(range(len(tagged.chunk.events)), f"{type(error).__name__}: {error}"[:500])

    def _send(self, tagged: TaggedChunk) -> None:
        """Before they count: who is killed in between sends them again."""
        def load() -> Tagger:
            return self.tagger

        def redaction() -> Redactor:
            return self.redactor

        if self.sinks.tagged_topic:
            topic = PublishTagged(self.sinks, load, redaction)
            topic.process(tagged)
            topic.finish_bundle()
        if self.sinks.tagged_files:
            files = WriteTaggedFiles(self.sinks, load, redaction)
            files.process(tagged)
            files.finish_bundle()
