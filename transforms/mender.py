"""Opens dead letters and mends them: from what was kept of a record to the event that it is now. No Beam, no store."""
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from insights.mending import Letter
from schemas.archived import ArchiveDecoder
from schemas.decode import MAX_TEXT_BYTES, Decoder, SchemaUnavailable
from schemas.fixes import Fix, FixError, RowOf, decode_fix, json_row, mended
from schemas.records import Reason, Rejected, TextEvent
from transforms.originals import Original, OriginalsProblem, Seal

NOT_KEPT = "its original was not kept (--keep-originals)"


class Stays(Exception):
    """A letter that stays one: why, in words."""


@dataclass(slots=True)
class Mender:
    """Opens letters and mends them. decoder, row_of: of the job's format. max_future_us: how far ahead of the clock an event may be."""

    seal: Seal
    decoder: Decoder
    row_of: RowOf
    clock_us: Callable[[], int]
    max_future_us: int
    max_text_bytes: int = MAX_TEXT_BYTES
    plain: ArchiveDecoder = field(init=False)

    def __post_init__(self) -> None:
        self.plain = ArchiveDecoder(self.max_text_bytes)

    def original(self, letter: Letter) -> Original:
        """What it was. Raises Stays."""
        if letter.done:
            raise Stays(f"already {letter.state}")
        if letter.sealed is None:
            raise Stays(NOT_KEPT)
        try:
            return self.seal.open(letter.sealed, letter.place)
        except OriginalsProblem as problem:
            raise Stays(str(problem)) from problem

    def rows(self, original: Original) -> RowOf:
        """What makes a row of this original's bytes."""
        return json_row if original.as_json else self.row_of

    def value(self, original: Original, fix: Fix | None) -> bytes | dict[str, Any]:
        """Its value with the fix. Raises Stays where the fix does not fit it."""
        try:
            return original.value if fix is None else mended(original.value, fix, self.rows(original))
        except FixError as error:
            raise Stays(f"the fix does not fit: {error}") from error

    def event(self, letter: Letter, fix: Fix | None) -> TextEvent:
        """The mended event, as it came: nothing in it is redacted. Raises Stays."""
        try:
            return self._event(letter, fix)
        except SchemaUnavailable as error:
            raise Stays(f"its schema cannot be had now: {error}") from error

    def _event(self, letter: Letter, fix: Fix | None) -> TextEvent:
        original = self.original(letter)
        event = self._decoded(original, self.value(original, fix))
        if isinstance(event, Rejected):
            raise Stays(f"{event.reason}: {event.detail}")
        ahead_us = event.time_us - self.clock_us()
        if ahead_us > self.max_future_us:
            raise Stays(f"{Reason.FUTURE_TIME}: event_time is {ahead_us / 1e6:.0f} s ahead of the clock (--max-future)")
        if letter.reason is Reason.DUPLICATE:
            before = self._decoded(original, original.value)
            if isinstance(before, TextEvent) and before.event_id == event.event_id:
                raise Stays("the event that it is a duplicate of is counted; only with another event_id would it be one of its own")
        return event

    def _decoded(self, original: Original, value: bytes | Mapping[str, Any]) -> TextEvent | Rejected:
        if original.as_json or not isinstance(value, bytes):
            return self.plain.decode(value, original.log_time_us)
        return self.decoder.decode(value, original.log_time_us)


def fix_of(letter: Letter) -> Fix | None:
    """The fix that is kept for it."""
    return decode_fix(letter.fix) if letter.fix else None
