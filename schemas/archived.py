"""What an archive's reader hands on, decoded: a line of JSON, a row of named values, or a record it could not read."""
from collections.abc import Mapping
from typing import Any

from schemas.decode import MAX_TEXT_BYTES, from_mapping, mapping_attributes
from schemas.json_events import JsonDecoder
from schemas.json_events import attributes as json_attributes
from schemas.records import Rejected, TextEvent


class ArchiveDecoder:
    """A Decoder for the values of any archive."""

    def __init__(self, max_text_bytes: int = MAX_TEXT_BYTES) -> None:
        """max_text_bytes: the longest text, in UTF-8."""
        self.max_text_bytes = max_text_bytes
        self._json = JsonDecoder(max_text_bytes)

    def decode(
        self, value: bytes | Mapping[str, Any] | Rejected | None, log_time_us: int | None
    ) -> TextEvent | Rejected:
        """The event, or why it is none; what the reader rejected stays rejected."""
        if value is None or isinstance(value, bytes):
            return self._json.decode(value, log_time_us)
        if isinstance(value, Rejected):
            return value
        return from_mapping(value, log_time_us, self.max_text_bytes)

    def attributes(self, value: bytes | Mapping[str, Any]) -> dict[str, str]:
        """The fields of an accepted record that textpulse does not know."""
        return json_attributes(value) if isinstance(value, bytes) else mapping_attributes(value)
