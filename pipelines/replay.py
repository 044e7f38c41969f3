"""Archives as a stream of records to produce: their values as they are, each with its event time."""
import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec

from pipelines.errors import UsageProblem
from schemas.records import Rejected, time_of, to_us

Record = tuple[bytes | None, bytes | None, int]
"""Value, key and time in microseconds: what produce() takes."""

_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
"""Fields by name, each as the bytes that stand in the record."""


class _Stamp(msgspec.Struct):
    event_time: dt.datetime | int | None = None


_STAMP = msgspec.json.Decoder(_Stamp)


class Archive:
    """The records of the archives that patterns name, in file order.

    shift_to_us: a constant is added to all event times so that the first becomes this one (None: times stay). Records
    whose event time cannot be read pass as they are. damaged: called with the detail of what an archive does not give
    back. Raises UsageProblem for a pattern that names no archive, at once, and for one that cannot be opened, later.
    """

    def __init__(self, patterns: Sequence[str], *, shift_to_us: int | None = None,
                 damaged: Callable[[str], None] = lambda detail: None) -> None:
        from transforms.archives import ArchiveError, expand  # late: it loads pyarrow

        try:
            self.paths = expand(patterns)
        except ArchiveError as error:
            raise UsageProblem(str(error)) from error
        self._shift_to_us = shift_to_us
        self._shift_us: int | None = None
        self._damaged = damaged
        self._done = 0.0

    def done(self) -> float:
        """How much of the files has been read, from 0 to 1."""
        return self._done

    def __iter__(self) -> Iterator[Record]:
        from transforms.archives import ArchiveError, read_records

        time_us = 0
        try:
            for at, path in enumerate(self.paths):
                for batch in read_records(path):
                    self._done = (at + batch.bytes_read / batch.size_bytes) / len(self.paths)
                    for value in batch.values:
                        if isinstance(value, Rejected):
                            self._damaged(value.detail)
                            continue
                        data = value if isinstance(value, bytes) else _encoded(value)
                        data, time_us = self._stamped(data, time_us)
                        yield data, None, time_us
        except ArchiveError as error:
            raise UsageProblem(str(error)) from error

    def _stamped(self, value: bytes, before_us: int) -> tuple[bytes, int]:
        """The value, shifted when asked, and its time; the time of the record before when it has none."""
        own_us = event_time_us(value)
        if own_us is None:
            return value, before_us
        if self._shift_to_us is None:
            return value, own_us
        if self._shift_us is None:
            self._shift_us = self._shift_to_us - own_us
        return shifted(value, own_us + self._shift_us), own_us + self._shift_us


def event_time_us(value: bytes) -> int | None:
    """The event time of a JSON record in microseconds (ISO 8601 or milliseconds), None when it cannot be read."""
    try:
        time = _STAMP.decode(value).event_time
    except msgspec.DecodeError:
        return None
    if isinstance(time, int):
        return time * 1000
    return None if time is None or time.tzinfo is None else to_us(time)


def shifted(value: bytes, time_us: int) -> bytes:
    """The JSON record with another event_time; every other field keeps its bytes."""
    fields = _FIELDS.decode(value)
    text = time_of(time_us).isoformat(timespec="microseconds" if time_us % 1000 else "milliseconds")
    fields["event_time"] = msgspec.Raw(msgspec.json.encode(text.replace("+00:00", "Z")))
    return msgspec.json.encode(fields)


def _encoded(row: dict[str, Any]) -> bytes:
    return msgspec.json.encode(row, enc_hook=str)
