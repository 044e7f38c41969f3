"""textpulse tag: texts in, tagged JSON lines out. No Beam, no Kafka."""
import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from pipelines.commands.archives import files_of, is_archive
from pipelines.commands.command import Command, Positional
from pipelines.options import MODEL, TEXT_LIMIT, Option

if TYPE_CHECKING:
    from models.explain import Why
    from schemas.records import Rejected, TextEvent
    from schemas.tagging import Tagger, Tags

    Explain = Callable[[Sequence[str], Tags], Sequence[Why]] | None

OPTIONS = (MODEL, TEXT_LIMIT, Option("explain", bool, False, "also name the words that carried the sentiment and the topic"))
STDIN = "-"
BLOCK_BYTES = 1 << 16
CHUNK = 512
LINE_FIELDS = ("origin", "offset", "text", "sentiment", "sentiment_score", "sentiment_probabilities", "topic",
               "topic_score", "entities", "model", "model_version")
"""What is said of a line of text: it has no id, no time and no source of its own."""


def run(args: argparse.Namespace) -> int:
    """Tags every text; one JSON line for each, in their order."""
    names = args.files or [STDIN]
    files = [name for name in names if name != STDIN]
    paths = files_of(files) if files else []   # all must be there before a model is loaded
    from pipelines.commands.models import explainer, tagger

    model = tagger(args.model)
    explain = explainer(model).explain if args.explain else None
    if STDIN in names:
        _tag_all(model, explain, STDIN, _line_chunks(sys.stdin.buffer, args.max_text_bytes), lines=True)
    for path in paths:
        if is_archive(path):
            _tag_all(model, explain, path, _event_chunks(path, args.max_text_bytes), lines=False)
            continue
        with Path(path).open("rb") as file:
            _tag_all(model, explain, path, _line_chunks(file, args.max_text_bytes), lines=True)
    return 0


def _tag_all(model: "Tagger", explain: "Explain", origin: str, chunks: "Iterator[list[TextEvent | Rejected]]", *,
             lines: bool) -> None:
    import msgspec

    encode, number = msgspec.json.Encoder().encode, 0
    for chunk in chunks:
        for row in _tagged(model, explain, origin, number, chunk, lines=lines):
            sys.stdout.buffer.write(encode(row) + b"\n")
        sys.stdout.buffer.flush()
        number += len(chunk)


def _tagged(model: "Tagger", explain: "Explain", origin: str, first: int, chunk: "list[TextEvent | Rejected]", *,
            lines: bool) -> list[dict[str, Any]]:
    """A row for each item: what the model says and, where it is explained, why; or why it was not asked."""
    import msgspec

    from schemas.records import Rejected
    from schemas.tagged import tagged_events

    events = []
    for number, item in enumerate(chunk, first):
        if not isinstance(item, Rejected):
            item.offset = number
            events.append(item)
    texts = [event.text for event in events]
    tags = model.tag(texts)
    whys = explain(texts, tags) if explain else [None] * len(texts)
    said = zip(tagged_events(events, tags, model, origin), whys, strict=True)
    rows: list[dict[str, Any]] = []
    for number, item in enumerate(chunk, first):
        if isinstance(item, Rejected):
            rows.append({"origin": origin, "offset": number, "rejected": item.reason.value, "detail": item.detail})
            continue
        event, why = next(said)
        row = msgspec.to_builtins(event)
        if lines:
            row = {name: row[name] for name in LINE_FIELDS}
        rows.append(row if why is None else {**row, "why": msgspec.to_builtins(why)})
    return rows


def _line_chunks(file: IO[bytes], max_text_bytes: int) -> "Iterator[list[TextEvent | Rejected]]":
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


def _event_chunks(path: str, max_text_bytes: int) -> "Iterator[list[TextEvent | Rejected]]":
    from schemas.archived import ArchiveDecoder
    from transforms.archives import read_records

    decoder = ArchiveDecoder(max_text_bytes)
    for batch in read_records(path, batch=CHUNK):
        yield [decoder.decode(value, None) for value in batch.values]


COMMAND = Command(
    "tag", "tag texts, without Kafka and without Beam: one JSON line for each",
    ("tag < texts.txt", "tag events.jsonl.gz > tagged.jsonl"), OPTIONS, run,
    (Positional("files", "text files (a text each line), archives of events, or - for stdin; default: stdin", "*"),))
