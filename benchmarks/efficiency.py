"""make bench: textpulse beside the bare loop, in one run, by turns: same model, texts, order and process limits.

efficiency.py [--records N] [--rounds R] [--only archive|topic] [--profile]
"""
import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from pipelines.broker import broker_cache, open_broker
from pipelines.produce import produce
from pipelines.sample.stream import generate

HERE = Path(__file__).parent
RATE = 1_000   # events a second of event time: what the freshness target is about


def write_archive(path, records):
    """The sample stream as JSON lines; returns how many."""
    written = 0
    with path.open("wb") as out:
        for record in generate(1, rate=RATE, count=records):
            if record.value is not None and b"\n" not in record.value:
                out.write(record.value + b"\n")
                written += 1
    return written


def values(path):
    """Records for produce()."""
    with path.open("rb") as lines:
        for line in lines:
            yield line.rstrip(b"\n"), None, 0


def run(script, *args):
    """One run in a process of its own."""
    done = subprocess.run([sys.executable, str(HERE / script), *map(str, args)], check=True, capture_output=True, text=True)
    line = json.loads(done.stdout.splitlines()[-1])
    print(f"{line['what']:18} {line['texts']:>8,} texts {line['seconds']:7.2f} s {line['per_s']:>9,.0f} texts/s, "
          f"start-up {line['start_up_s']:.1f} s" + (f", peak {line['peak_mb']:,} MB" if "peak_mb" in line else ""), flush=True)
    return line


def compare(kind, rounds, place, bare_place):
    """By turns; the ratio of each pair, by time for the same records."""
    ratios = []
    for _ in range(rounds):
        bare = run("bare.py", kind, *bare_place)
        ours = run("pipeline.py", kind, *place)
        ratios.append(bare["seconds"] / ours["seconds"])
    listed = ", ".join(f"{ratio:.3f}" for ratio in ratios)
    print(f"efficiency, {kind}: {statistics.median(ratios):.3f} (median of {listed})", flush=True)


def main():
    """All of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=("archive", "topic"))
    parser.add_argument("--profile", action="store_true", help="say where the time of a backfill goes, after the rounds")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sample.jsonl"
        records = write_archive(path, args.records)
        if args.only != "topic":
            run("bare.py", "model", path)
            compare("archive", args.rounds, [path], [path])
            if args.profile:
                subprocess.run([sys.executable, str(HERE / "pipeline.py"), "archive", str(path), "--profile"], check=True)
        if args.only != "archive":
            with open_broker(broker_cache(), Path(folder) / "broker.log") as broker:
                produce(broker.bootstrap, "bench", values(path), partitions=3)
                place = [broker.bootstrap, "bench", records]
                compare("topic", args.rounds, place, place)


if __name__ == "__main__":
    main()
