"""What a dead letter says of its record: the reason, and as much of the rest as may leave the worker."""
import itertools
import reprlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from insights.store import Place
from privacy.kinds import PERSON
from privacy.policy import Mode
from privacy.redact import Redactor
from schemas.records import DeadLetter, Reason, TextEvent
from schemas.shape import shape
from transforms.ledger import Gap

SAMPLE_CHARACTERS = 200
UNREAD = TextEvent("", 0, "")   # what is known of a record that could not be decoded


@dataclass(frozen=True, slots=True)
class Letters:
    """Makes them. now_us: the clock, in microseconds since 1970."""

    redactor: Redactor
    now_us: Callable[[], int]

    def of_event(self, origin: str, offset: int, reason: Reason, detail: str, event: TextEvent, window_us: int | None) -> DeadLetter:
        """Of a record that was decoded."""
        return DeadLetter(
            origin, offset, reason, self.redactor.detail(detail), event.event_id, window_us, event.source, event.product,
            self._sample(event.text), {}, self.now_us(), self.redactor.author_mark(event.author_id))

    def of_record(
        self, place: Place, reason: Reason, detail: str, value: object, event: TextEvent | None, window_us: int, headers: Mapping[str, str],
    ) -> DeadLetter:
        """Of a record as it was read. event: None where it could not be decoded; its beginning is the sample then."""
        letter = self.of_event(*place, reason, detail, event or UNREAD, window_us if event else None)
        if event is None and isinstance(value, bytes | Mapping):
            letter.sample = beginning(value, whole=self.redactor.policy.keeps_all)
        hide = self.redactor.redacted
        letter.headers = {hide(name).text: hide(said).text for name, said in headers.items()}
        return letter

    def of_gap(self, gap: Gap) -> DeadLetter:
        """Of records that nobody can read any more."""
        detail = (f"offsets {gap.first} to {gap.end - 1} cannot all be read again (retention, or no longer a topic of the job): "
                  f"at most {gap.lost} records are lost")
        return DeadLetter(gap.origin, gap.first, Reason.GAP, detail, first_seen_us=self.now_us())

    def _sample(self, text: str) -> str:
        """No model has looked for persons in the text: unless these may be kept its shape is shown."""
        if self.redactor.policy.mode_of(PERSON) is Mode.KEEP:
            return self.redactor.redacted(text).text[:SAMPLE_CHARACTERS]
        return shape(text[:SAMPLE_CHARACTERS])


def beginning(value: bytes | Mapping[str, object], whole: bool) -> str:
    """The first characters of a record that is no event, or their shape; what no store takes is escaped."""
    errors = "backslashreplace" if whole else "replace"
    text = value[: 4 * SAMPLE_CHARACTERS].decode("utf-8", errors) if isinstance(value, bytes) else _brief(value)
    text = text[:SAMPLE_CHARACTERS] if whole else shape(text[:SAMPLE_CHARACTERS])
    return text.replace("\0", "\\x00")[:SAMPLE_CHARACTERS]


def _brief(row: Mapping[str, object]) -> str:
    """As str() begins, however deep and large the row is."""
    fields = (f"{name!r}: {_BRIEF.repr(value)}" for name, value in itertools.islice(row.items(), SAMPLE_CHARACTERS))
    return "{" + ", ".join(fields) + "}"


_BRIEF = reprlib.Repr()
_BRIEF.maxstring = _BRIEF.maxother = SAMPLE_CHARACTERS
