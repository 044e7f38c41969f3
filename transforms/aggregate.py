"""From tagged chunks to whole units in the store: one CombineFn, and on a stream the state that keeps a unit whole."""
import dataclasses
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import apache_beam as beam
import numpy as np
from apache_beam.coders import Coder
from apache_beam.transforms.timeutil import TimeDomain
from apache_beam.transforms.trigger import AccumulationMode, AfterCount, AfterWatermark
from apache_beam.transforms.userstate import ReadModifyWriteStateSpec, TimerSpec, on_timer
from apache_beam.transforms.window import FixedWindows, GlobalWindow, GlobalWindows, TimestampedValue
from apache_beam.utils.timestamp import Duration, Timestamp
from apache_beam.utils.windowed_value import WindowedValue

from insights.cells import Unit
from insights.store import UnitKey
from insights.tabulate import tabulate
from privacy.redact import Redactor
from schemas.decode import Decoder
from schemas.tagging import Tagger
from transforms.elements import KeyedUnit, TaggedChunk
from transforms.job import JobSettings, job_of
from transforms.kept import Key
from transforms.sinks import Sinks, publish_dead

MAX_HELD_UNITS = 250   # in a bundle before they are written: bounds a worker's memory


class UnitCoder(Coder):
    """Units as MessagePack."""

    def encode(self, value: Unit) -> bytes:
        """The unit's bytes."""
        return value.encode()

    def decode(self, encoded: bytes) -> Unit:
        """The unit of these bytes."""
        return Unit.decode(encoded)

    def is_deterministic(self) -> bool:
        """Units are values, never keys."""
        return False


Cut = tuple[list[tuple[Key, Unit, int]], dict[int, str]]   # units with their earliest event times; row -> why it is in none


def units_of(tagged: TaggedChunk, tagger: Tagger, redactor: Redactor, texts: bool = True) -> Iterator[tuple[Key, Unit, int]]:
    """(key, unit, earliest event time) of the units that a chunk adds to, without the rows on which something failed."""
    chunk = tagged.chunk
    good = np.ones(len(chunk.events), np.bool_)
    good[list(tagged.failed)] = False
    places = np.stack([chunk.windows_us, chunk.origin], axis=1)
    distinct, groups = np.unique(places, axis=0, return_inverse=True)
    tabulated = tabulate(
        chunk.events, tagged.tags, tagger, chunk.keys, chunk.offsets, groups.reshape(-1), good, texts=texts, redactor=redactor)
    earliest = np.full(len(distinct), np.iinfo(np.int64).max)
    np.minimum.at(earliest, groups.reshape(-1), chunk.times_us)
    for (group, source, product), unit in tabulated.items():
        window_us, origin = distinct[group].tolist()
        name, epoch = chunk.origins[origin]
        yield (window_us, name, source, product, epoch), unit, int(earliest[group])


def units_and_failures(tagged: TaggedChunk, tagger: Tagger, redactor: Redactor, texts: bool = True) -> Cut:
    """units_of, and row -> error for the rows on which it fails: these are found one by one and left out."""
    try:
        return list(units_of(tagged, tagger, redactor, texts)), {}
    except Exception:
        failed = dict(_failing_rows(tagged, tagger, redactor, texts))
        if len(failed) in (0, len(tagged.chunk.events) - len(tagged.failed)):   # none or all: not a matter of records
            raise
        return list(units_of(TaggedChunk(tagged.chunk, tagged.tags, tagged.failed | failed), tagger, redactor, texts)), failed


def _failing_rows(tagged: TaggedChunk, tagger: Tagger, redactor: Redactor, texts: bool) -> Iterator[tuple[int, str]]:
    rows = set(range(len(tagged.chunk.events))) - tagged.failed.keys()
    for row in sorted(rows):
        alone = TaggedChunk(tagged.chunk, tagged.tags, dict.fromkeys(set(range(len(tagged.chunk.events))) - {row}, ""))
        try:
            list(units_of(alone, tagger, redactor, texts))
        except Exception as error:   # noqa: BLE001 - see above
            yield row, f"{type(error).__name__}: {error}"[:500]


class MergeUnits(beam.CombineFn):
    """Adds units up; associative and commutative, the empty unit is the unit."""

    def create_accumulator(self) -> Unit:
        """The empty unit."""
        return Unit()

    def add_input(self, mutable_accumulator: Unit, element: Unit) -> Unit:
        """One more."""
        mutable_accumulator.add(element)
        return mutable_accumulator

    def merge_accumulators(self, accumulators: Iterable[Unit]) -> Unit:
        """All of them."""
        merged = Unit()
        for accumulator in accumulators:
            merged.add(accumulator)
        return merged

    def extract_output(self, accumulator: Unit) -> Unit:
        """The unit."""
        return accumulator


class ToUnits(beam.DoFn):
    """TaggedChunk -> (key, unit), each stamped with the earliest event time of its window; rows that failed become dead letters,
    durable before their unit can be.

    Units are cut in a thread of their own, while the model, which leaves a part of the cores idle, tags the next chunk; so the units of a
    chunk come with the next one of its bundle, or at the bundle's end.
    """

    def __init__(self, settings: JobSettings, decoder: Callable[[], Decoder], load: Callable[[], Tagger], sinks: Sinks) -> None:
        self.settings, self.decoder, self.load, self.sinks = settings, decoder, load, sinks

    def setup(self) -> None:
        """The thread."""
        self.cutter = ThreadPoolExecutor(1, "cut units")

    def teardown(self) -> None:
        """Ends it."""
        self.cutter.shutdown()

    def start_bundle(self) -> None:
        """A failed bundle leaves nothing to the next."""
        self.cutting: tuple[TaggedChunk, Future[Cut]] | None = None

    def process(self, element: TaggedChunk) -> Iterator[TimestampedValue]:
        """The units of the chunk before this one."""
        redactor = job_of(self.settings, self.decoder).redactor
        before, self.cutting = self.cutting, (
            element, self.cutter.submit(units_and_failures, element, self.load(), redactor, self.settings.sample_texts))
        if before:
            yield from self._units(*before)

    def finish_bundle(self) -> Iterator[WindowedValue]:
        """The units of the last one."""
        last, self.cutting = self.cutting, None
        if last:
            for stamped in self._units(*last):
                yield WindowedValue(stamped.value, stamped.timestamp, (GlobalWindow(),))

    def _units(self, element: TaggedChunk, cut: "Future[Cut]") -> Iterator[TimestampedValue]:
        units, failed = cut.result()
        if element.failed or failed:
            letters, outdated = job_of(self.settings, self.decoder).reject(element.chunk, element.failed | failed)
            if self.sinks.dead_letter_topic:
                publish_dead(self.sinks, letters)
            units += [   # empty panes: these units are written again as a whole
                (dataclasses.astuple(unit_key), Unit(), int(element.chunk.times_us[row])) for row, unit_key in outdated.items()]
        for key, unit, earliest_us in units:
            yield TimestampedValue((key, unit), Timestamp(micros=earliest_us))


class WriteUnits(beam.DoFn):
    """(key, whole unit) -> the store, in one transaction a bundle. What cannot be written fails the bundle."""

    def __init__(self, settings: JobSettings, decoder: Callable[[], Decoder]) -> None:
        self.settings, self.decoder = settings, decoder
        self.held: dict[Key, Unit] = {}

    def start_bundle(self) -> None:
        """A failed bundle leaves nothing to the next."""
        self.held = {}

    def process(self, element: tuple[Key, Unit]) -> None:
        """Holds the unit until the bundle ends."""
        self.hold(*element)

    def hold(self, key: Key, unit: Unit) -> None:
        """The last unit of a key in a bundle is the largest."""
        self.held[key] = unit
        if len(self.held) >= MAX_HELD_UNITS:
            self.finish_bundle()

    def finish_bundle(self) -> None:
        """Writes what is held."""
        if self.held:
            batch: list[KeyedUnit] = [(UnitKey(*key), unit) for key, unit in self.held.items()]
            job_of(self.settings, self.decoder).write(batch)
            self.held = {}


class KeepUnits(WriteUnits):
    """Adds a pane, which holds only what is new, to the unit kept in the process; the whole unit goes to the store.

    For a runner that keeps nothing: its state would be asked for every unit of a bundle, one after the other, each some milliseconds
    there and back, and be no safer.
    """

    def process(self, element: tuple[Key, Unit]) -> None:
        """One pane."""
        key, pane = element
        self.hold(key, job_of(self.settings, self.decoder).kept_units.add(key, pane))


class KeepUnitsInState(WriteUnits):
    """Adds a pane, which holds only what is new, to the unit kept in the runner's state; the whole unit goes to the store.

    Accumulating panes would say the same, but Prism keeps their elements until the window expires and holds back late firings
    until then. The key holds the window and the state lives in the global one, for Prism drops a window's state at its end.
    """

    UNIT = ReadModifyWriteStateSpec("unit", UnitCoder())
    EXPIRY = TimerSpec("expiry", TimeDomain.WATERMARK)

    def process(
        self, element: tuple[Key, Unit], state: Any = beam.DoFn.StateParam(UNIT), timer: Any = beam.DoFn.TimerParam(EXPIRY)
    ) -> None:
        """One pane."""
        key, unit = element
        whole: Unit | None = state.read()
        if whole is None:
            timer.set(Timestamp(micros=key[0] + self.settings.window_us + self.settings.lateness_us))
            whole = unit
        else:
            whole.add(unit)
        state.write(whole)
        self.hold(key, whole)

    @on_timer(EXPIRY)
    def expire(self, state: Any = beam.DoFn.StateParam(UNIT)) -> None:
        """The window is over: nothing more comes for it."""
        state.clear()


@dataclass
class AggregateUnits(beam.PTransform):
    """TaggedChunk in the global window -> the store.

    On a stream discarding panes fire early and late, so that a record stands in the store a second or two after it came; in a
    backfill everything is added up once, at the end.
    """

    settings: JobSettings
    decoder: Callable[[], Decoder]
    load: Callable[[], Tagger]
    sinks: Sinks

    def expand(self, chunks: beam.PCollection) -> beam.PCollection:
        """The steps."""
        units = (
            chunks
            | "ToUnits" >> beam.ParDo(ToUnits(self.settings, self.decoder, self.load, self.sinks)).with_output_types(tuple[Key, Unit])
            | "BaseWindows" >> base_windows(self.settings)
            | "MergeUnits" >> beam.CombinePerKey(MergeUnits()).with_output_types(tuple[Key, Unit]))
        if self.settings.kind == "backfill":
            return units | "WriteUnits" >> beam.ParDo(WriteUnits(self.settings, self.decoder))
        if self.settings.runner_keeps_nothing:
            return units | "KeepUnits" >> beam.ParDo(KeepUnits(self.settings, self.decoder))
        return (
            units
            | "IntoGlobal" >> beam.WindowInto(GlobalWindows())
            | "KeepUnitsInState" >> beam.ParDo(KeepUnitsInState(self.settings, self.decoder)))


def base_windows(settings: JobSettings) -> beam.WindowInto:
    """Base windows: on a stream with early, on-time and late discarding panes."""
    windows = FixedWindows(Duration(micros=settings.window_us))
    if settings.kind == "backfill":
        return beam.WindowInto(windows)
    return beam.WindowInto(
        windows, trigger=AfterWatermark(early=AfterCount(1), late=AfterCount(1)), accumulation_mode=AccumulationMode.DISCARDING,
        allowed_lateness=Duration(micros=settings.lateness_us))


beam.coders.registry.register_coder(Unit, UnitCoder)
