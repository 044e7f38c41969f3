"""What redaction costs: backfills of one archive by turns, with the default policy and with one that keeps all.

python -m benchmarks.redaction [--records N] [--rounds R]

Seconds from the first record read to the last row in the store; processor seconds of the whole process, which other work on the machine
changes less. The sample stream has a mask in one text of fifteen.
"""
import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.efficiency import write_archive

KEEPS = 'default = "keep"\nauthor_id = "keep"\nfields = "keep"\n'


def backfill(archive, folder, policy):
    """(seconds, processor seconds)."""
    store = f"sqlite:///{folder}/{len(list(folder.iterdir()))}.db"
    command = [sys.executable, "-m", "pipelines", "backfill", str(archive), "--store", store, *policy]
    before = os.times()
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    after = os.times()
    seconds = float(re.search(r"records in ([\d.]+) s", done.stderr)[1])
    return seconds, after.children_user + after.children_system - before.children_user - before.children_system


def main():
    """Pairs, and the medians of their ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        archive, policy = folder / "archive.jsonl", folder / "keeps.toml"
        write_archive(archive, args.records)
        policy.write_text(KEEPS)
        times, processor = [], []
        for _ in range(args.rounds):
            kept = backfill(archive, folder, ["--policy", str(policy)])
            masked = backfill(archive, folder, [])
            times.append(masked[0] / kept[0])
            processor.append(masked[1] / kept[1])
            print(f"kept {kept[0]:.1f} s, {kept[1]:.1f} s of processor; masked {masked[0]:.1f} s, {masked[1]:.1f} s", flush=True)
    print(f"masked to kept: time {statistics.median(times):.3f}, processor {statistics.median(processor):.3f} (medians of {args.rounds})")


if __name__ == "__main__":
    main()
