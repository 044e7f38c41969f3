"""One run of textpulse's own pipelines for a benchmark. Prints one JSON line.

pipeline.py archive FILE | topic SERVERS TOPIC COUNT   [--profile]

--profile prints to the standard error which share of the time each part was at work in, or waiting in, by the stacks of all
threads every 4 ms. Threads run side by side, so the shares add up to more than 100 %; the part itself is slower for it.
"""
import argparse
import collections
import json
import os
import sys
import tempfile
import threading
import time
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

from pipelines.options import BACKFILL, STREAM

PARTS = {   # a function that stands for a part, the innermost first
    "tag_chunk": "the model",
    "units_of": "cutting units",
    "write_units": "writing the store",
    "hand_on": "handing on: dead letters and positions",
    "decode": "reading ahead: decoding",
    "take": "reading ahead: deciding",
    "poll": "reading ahead: polling",
    "process_bundle": "Beam and waiting for it",
}


def defaults(options, **given):
    """A command's arguments: its defaults, and what is given."""
    values = {option.key: option.default for option in options}
    return argparse.Namespace(**values, beam=[]) if not given else argparse.Namespace(**{**values, "beam": [], **given})


def archive(path, folder):
    """A backfill of one file."""
    from insights.store import Store
    from pipelines.backfill import run_graph
    from pipelines.policy import policy_of

    args = defaults(BACKFILL, store=f"sqlite:///{folder}/bench.db")
    store = Store(args.store)
    store.open_job(args.job, "backfill", int(args.window * 1e6), 0)
    return run_graph(args, [path], store.begin_run(args.job, 0), policy_of(args.policy), None)


def topic(servers, name, count, folder):
    """The stream, from a backlog of `count` records to the last row in the store."""
    from pipelines.worker import Worker

    args = defaults(STREAM, store=f"sqlite:///{folder}/bench.db", bootstrap_servers=servers, topic=name, metrics_port=0)
    worker = Worker(args)
    watcher = threading.Thread(target=until_stored, args=(worker, count), daemon=True)
    watcher.start()
    worker.run()
    seconds = worker.job.last_write - worker.job.first_read
    worker.prism.kill()
    return count, seconds


def until_stored(worker, count):
    """Stops the worker when everything was read and written."""
    while not worker.stop.is_set():
        time.sleep(0.1)
        job = getattr(worker, "job", None)
        if job and sum(origin.records for origin in list(job.ledger.origins.values())) >= count and job.settled():
            worker.stop.set()


def sample_stacks(counts):
    """Counts under `all` the moments, and under each part those in which a thread was in it."""
    from transforms.job import running_jobs

    own = threading.get_ident()
    while True:
        time.sleep(0.004)
        if not any(job.first_read for job in running_jobs()):
            continue
        counts["all"] += 1
        for thread, frame in list(sys._current_frames().items()):
            part = None if thread == own else part_of(frame)
            if part:
                counts[part] += 1


def part_of(frame):
    """The part that a stack is in."""
    while frame:
        if frame.f_code.co_name in PARTS:
            return PARTS[frame.f_code.co_name]
        frame = frame.f_back
    return None


def main():
    """One run."""
    kind, *rest = [argument for argument in sys.argv[1:] if argument != "--profile"]
    counts = collections.Counter()
    if "--profile" in sys.argv:
        threading.Thread(target=sample_stacks, args=(counts,), daemon=True).start()
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        records, seconds = archive(rest[0], folder) if kind == "archive" else topic(rest[0], rest[1], int(rest[2]), folder)
        whole = time.perf_counter() - begun
        size = sum(path.stat().st_size for path in Path(folder).iterdir())
    line = {"what": f"textpulse {kind}", "texts": records, "seconds": seconds, "per_s": records / seconds,
            "start_up_s": whole - seconds, "store_bytes": size, "peak_mb": peak_mb()}
    print(json.dumps(line), flush=True)
    for part, times in counts.most_common():
        print(f"{times / counts['all']:6.1%}  {part}", file=sys.stderr, flush=True)
    os._exit(0)


def peak_mb():
    """The largest resident set of this process, in MB."""
    status = Path("/proc/self/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))) >> 10


if __name__ == "__main__":
    main()
