"""textpulse tag: texts in, tagged JSON lines out. No Beam, no Kafka."""
import argparse
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from pipelines.commands.command import Command
from pipelines.commands.texts import FILES, Source, sources_of
from pipelines.options import MODEL, TEXT_LIMIT, Option

if TYPE_CHECKING:
    from models.explain import Why
    from schemas.records import Rejected, TextEvent
    from schemas.tagging import Tagger, Tags

    Explain = Callable[[Sequence[str], Tags], Sequence[Why]] | None

OPTIONS = (MODEL, TEXT_LIMIT, Option("explain", bool, False, "also name the words that carried the sentiment and the topic"))
LINE_FIELDS = ("origin", "offset", "text", "sentiment", "sentiment_score", "sentiment_probabilities", "topic",
               "topic_score", "intent", "intent_score", "entities", "model", "model_version")
"""What is said of a line of text: it has no id, no time and no source of its own."""


def run(args: argparse.Namespace) -> int:
    """Tags every text; one JSON line for each, in their order."""
    sources = sources_of(args.files)   # all must be there before a model is loaded
    from pipelines.commands.models import explainer, tagger

    model = tagger(args.model)
    explain = explainer(model).explain if args.explain else None
    for source in sources:
        _tag_all(model, explain, source, args.max_text_bytes)
    return 0


def _tag_all(model: "Tagger", explain: "Explain", source: Source, max_text_bytes: int) -> None:
    import msgspec

    encode, number = msgspec.json.Encoder().encode, 0
    for chunk in source.chunks(max_text_bytes):
        for row in _tagged(model, explain, source.name, number, chunk, lines=source.lines):
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


COMMAND = Command(
    "tag", "tag texts, without Kafka and without Beam: one JSON line for each",
    ("tag < texts.txt", "tag events.jsonl.gz > tagged.jsonl"), OPTIONS, run,
    (FILES,))
