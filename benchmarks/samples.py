"""What `--explain` costs a page and a report: the model's start, and sample texts that are new and that are known.

python -m benchmarks.samples

The texts are of the sample stream, joined to about 280 characters, the most that a store keeps of one. A page shows 6 samples, a report
60 at most (20 incidents).
"""
import resource
import statistics
import time
from itertools import islice

import orjson

from insights.board.types import SHOWN
from insights.redact import CHARACTERS
from pipelines.commands.models import carrier
from pipelines.sample.stream import generate

ROUNDS = 30
BATCHES = (SHOWN, 60)


def texts():
    """Long ones, each another, without an end."""
    said = ""
    for record in generate(1):
        try:
            text = orjson.loads(record.value)["text"]
        except (ValueError, KeyError, TypeError):   # the stream has faults
            continue
        said = f"{said} {text}".strip() if isinstance(text, str) else said
        if len(said) > CHARACTERS:
            yield said[:CHARACTERS], "negative"
            said = ""


def took_ms(carries, batch):
    """Milliseconds."""
    begin = time.perf_counter()
    carries.of(batch)
    return (time.perf_counter() - begin) * 1e3


def main():
    """A line for each figure."""
    before, begin = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
    carries, source = carrier(""), texts()
    print(f"start {time.perf_counter() - begin:.1f} s, first {SHOWN} texts {took_ms(carries, list(islice(source, SHOWN))):.0f} ms")
    print("| samples at once | new, median | new, most | known |\n|---:|---:|---:|---:|")
    for size in BATCHES:
        rounds = [list(islice(source, size)) for _ in range(ROUNDS)]
        new = [took_ms(carries, batch) for batch in rounds]
        known = [took_ms(carries, rounds[-1]) for _ in rounds]
        print(f"| {size} | {statistics.median(new):.1f} ms | {max(new):.1f} ms | {statistics.median(known):.2f} ms |")
    print(f"memory grown by {(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024:.0f} MiB")


if __name__ == "__main__":
    main()
