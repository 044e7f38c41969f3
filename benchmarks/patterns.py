"""What entities found by patterns cost: tagging with and without them by turns, in one run.

python -m benchmarks.patterns [--data ../shared/data] [--texts 16384] [--rounds 7]

Chunks of 512 texts of the stream; a round is all chunks. Printed are medians of the rounds, by the clock and in processor time of the
whole process, which tells the same on a machine that does other work too, and the ratio of neighbouring rounds.
"""
import argparse
import gzip
import json
import statistics
import time
from collections import Counter
from pathlib import Path

from models.load import load
from schemas.entity_types import PATTERN_TYPES

CHUNK = 512


def texts_of(path, many):
    """The first texts of the stream."""
    texts = []
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            try:
                text = json.loads(line).get("text")
            except json.JSONDecodeError:
                continue
            if isinstance(text, str):
                texts.append(text)
    return texts[:many]


class Without:
    """Says nothing beside the network."""

    def added(self, tags, texts):
        """The tags."""
        return tags


def seconds(model, patterns, chunks):
    """Of all chunks: by the clock, and of the processor."""
    model._patterns = patterns
    clock, processor = time.perf_counter(), time.process_time()
    for chunk in chunks:
        model.tag(chunk)
    return time.perf_counter() - clock, time.process_time() - processor


def main():
    """The times and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--texts", type=int, default=16_384)
    parser.add_argument("--rounds", type=int, default=7)
    args = parser.parse_args()
    texts = texts_of(args.data / "stream" / "events_en_zh.jsonl.gz", args.texts)
    chunks = [texts[at:at + CHUNK] for at in range(0, len(texts), CHUNK)]
    model = load()
    ways = {"without": Without(), "with": model._patterns}
    for patterns in ways.values():
        seconds(model, patterns, chunks)
    took = {name: [] for name in ways}
    for _ in range(args.rounds):
        for name, patterns in ways.items():
            took[name].append(seconds(model, patterns, chunks))
    for at, what in enumerate(("by the clock", "processor")):
        for name, rounds in took.items():
            print(f"{name}: {statistics.median(one[at] for one in rounds) / len(chunks) * 1e3:.2f} ms a chunk of {CHUNK} texts, {what}")
        ratios = [after[at] / before[at] for before, after in zip(took["without"], took["with"], strict=True)]
        print(f"with / without, {what}: {statistics.median(ratios):.3f} ({', '.join(f'{ratio:.3f}' for ratio in sorted(ratios))})")
    found = Counter(model.entity_types[kind] for chunk in chunks for kind in model.tag(chunk).entity_type.tolist())
    print("found:", ", ".join(f"{found[name]} {name}" for name in PATTERN_TYPES))


if __name__ == "__main__":
    main()
