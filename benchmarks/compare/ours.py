"""A model of ours as it is called, in a process of its own: ours.py WORK OUT FOLDER. It answers with classes, and with spans in bytes,
but for those that patterns found.
"""
import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.compare.peers import TypedSpan
from benchmarks.compare.rounds import Answer, Tool, serve


def model(folder: Path) -> Tool:
    """The model of the folder, whose every pass gives all three tags; the set says which is wanted."""
    from pipelines.commands.quiet import quiet_import
    with quiet_import():
        from models.evaluation.answers import answer, learnt
        from models.load import load
    from schemas.tagging import SENTIMENTS

    loaded = load(folder)

    def spans(texts: Sequence[str]) -> list[list[TypedSpan]]:
        of_texts = learnt(answer(loaded.tag, texts).entities, loaded.entity_types)
        return [[(loaded.entity_types[kind], start, end) for kind, start, end, _ in found] for found in of_texts]

    def sentiments(texts: Sequence[str]) -> list[str]:
        return [SENTIMENTS[at] for at in answer(loaded.tag, texts).sentiment.argmax(1).tolist()]

    def topics(texts: Sequence[str]) -> list[str]:
        return [loaded.topics[at] for at in answer(loaded.tag, texts).topic.argmax(1).tolist()]

    by_task: dict[str, Answer] = {"sentiment": sentiments, "topic": topics, "entities": spans}

    def tool(one: dict[str, Any]) -> Answer:
        return by_task[one["task"]]
    return tool


def main() -> None:
    """Answers the work file."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("work", "out", "folder"):
        parser.add_argument(name, type=Path)
    args = parser.parse_args()
    serve(lambda: model(args.folder), args.work, args.out)


if __name__ == "__main__":
    main()
