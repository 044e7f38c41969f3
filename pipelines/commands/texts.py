"""The texts that a command is given: lines of files and of stdin, and archives of events."""
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, TypeAlias

from pipelines.commands.archives import files_of, is_archive
from pipelines.commands.command import Positional
from pipelines.commands.output import note

if TYPE_CHECKING:
    from schemas.records import Rejected, TextEvent

STDIN = "-"
FILES = Positional("files", "text files (a text each line), archives of events, or - for stdin; default: stdin", "*")
BLOCK_BYTES = 1 << 16
CHUNK = 512

Chunks: TypeAlias = "Iterator[list[TextEvent | Rejected]]"


class Source:
    """Where texts come from. lines: whether each is a line, which has no id, no time and no source of its own."""

    def __init__(self, name: str) -> None:
        self.name, self.lines = name, name == STDIN or not is_archive(name)

    def chunks(self, max_text_bytes: int) -> Chunks:
        """Its texts in their order, at most CHUNK at once."""
        if not self.lines:
            yield from _event_chunks(self.name, max_text_bytes)
        elif self.name == STDIN:
            yield from _line_chunks(sys.stdin.buffer, max_text_bytes)
        else:
            with Path(self.name).open("rb") as file:
                yield from _line_chunks(file, max_text_bytes)


def sources_of(names: Sequence[str]) -> list[Source]:
    """stdin first, where it is named or nothing is; then the files that the names match. Raises UsageProblem for one that is not there."""
    given = names or [STDIN]
    files = [name for name in given if name != STDIN]
    return [*([Source(STDIN)] if STDIN in given else []), *(Source(path) for path in (files_of(files) if files else []))]


def texts_of(sources: Sequence[Source], max_text_bytes: int) -> Iterator[list[str]]:
    """Their texts, in chunks. How many were none is noted in the end."""
    from schemas.records import Rejected

    left_out = 0
    for source in sources:
        for chunk in source.chunks(max_text_bytes):
            texts = [item.text for item in chunk if not isinstance(item, Rejected)]
            left_out += len(chunk) - len(texts)
            yield texts
    if left_out:
        note(f"left out: {left_out:,} that are no texts (textpulse tag says why)")


def _line_chunks(file: IO[bytes], max_text_bytes: int) -> Chunks:
    """What can be read without waiting, as items of whole lines: a text typed in is answered at once."""
    read = getattr(file, "read1", file.read)
    left = b""
    while block := read(BLOCK_BYTES):
        *whole, left = (left + block).split(b"\n")
        for start in range(0, len(whole), CHUNK):
            yield [_text(line, max_text_bytes) for line in whole[start : start + CHUNK]]
    if left:
        yield [_text(left, max_text_bytes)]


def _text(line: bytes, max_text_bytes: int) -> "TextEvent | Rejected":
    from schemas.records import Reason, Rejected, TextEvent

    line = line.removesuffix(b"\r")
    if len(line) > max_text_bytes:
        return Rejected(Reason.TOO_LONG, f"{len(line)} bytes, more than {max_text_bytes}")
    try:
        text = line.decode()
    except UnicodeDecodeError as error:
        return Rejected(Reason.BAD_ENCODING, f"not UTF-8 at byte {error.start}")
    if not text or text.isspace():
        return Rejected(Reason.EMPTY_TEXT, "the line is empty")
    return TextEvent("", 0, text)


def _event_chunks(path: str, max_text_bytes: int) -> Chunks:
    from schemas.archived import ArchiveDecoder
    from transforms.archives import read_records

    decoder = ArchiveDecoder(max_text_bytes)
    for batch in read_records(path, batch=CHUNK):
        yield [decoder.decode(value, None) for value in batch.values]
