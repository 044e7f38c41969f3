"""textpulse tag: texts in, tagged JSON lines out. No Beam, no Kafka."""
import argparse
import sys
from typing import TYPE_CHECKING, Any

from pipelines.commands.command import Command
from pipelines.commands.texts import FILES, Source, sources_of
from pipelines.options import MODEL, TEXT_LIMIT

if TYPE_CHECKING:
    from schemas.records import Rejected, TextEvent
    from schemas.tagging import Tagger

OPTIONS = (MODEL, TEXT_LIMIT)
LINE_FIELDS = ("origin", "offset", "text", "sentiment", "sentiment_score", "sentiment_probabilities", "topic",
               "topic_score", "entities", "model", "model_version")
"""What is said of a line of text: it has no id, no time and no source of its own."""


def run(args: argparse.Namespace) -> int:
    """Tags every text; one JSON line for each, in their order."""
    sources = sources_of(args.files)   # all must be there before a model is loaded
    from pipelines.commands.models import tagger

    model = tagger(args.model)
    for source in sources:
        _tag_all(model, source, args.max_text_bytes)
    return 0


def _tag_all(model: "Tagger", source: Source, max_text_bytes: int) -> None:
    import msgspec

    encode, number = msgspec.json.Encoder().encode, 0
    for chunk in source.chunks(max_text_bytes):
        for row in _tagged(model, source.name, number, chunk, lines=source.lines):
            sys.stdout.buffer.write(encode(row) + b"\n")
        sys.stdout.buffer.flush()
        number += len(chunk)


def _tagged(model: "Tagger", origin: str, first: int, chunk: "list[TextEvent | Rejected]", *,
            lines: bool) -> list[dict[str, Any]]:
    """A row for each item: what the model says, or why it was not asked."""
    import msgspec

    from schemas.records import Rejected
    from schemas.tagged import tagged_events

    events = []
    for number, item in enumerate(chunk, first):
        if not isinstance(item, Rejected):
            item.offset = number
            events.append(item)
    said = iter(tagged_events(events, model.tag([event.text for event in events]), model, origin) if events else [])
    rows: list[dict[str, Any]] = []
    for number, item in enumerate(chunk, first):
        if isinstance(item, Rejected):
            rows.append({"origin": origin, "offset": number, "rejected": item.reason.value, "detail": item.detail})
            continue
        row = msgspec.to_builtins(next(said))
        rows.append({name: row[name] for name in LINE_FIELDS} if lines else row)
    return rows


COMMAND = Command(
    "tag", "tag texts, without Kafka and without Beam: one JSON line for each",
    ("tag < texts.txt", "tag events.jsonl.gz > tagged.jsonl"), OPTIONS, run,
    (FILES,))
