"""textpulse produce: archives, or the sample stream, into a Kafka topic."""
import argparse
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from pipelines.commands.archives import check_archives
from pipelines.commands.command import Command, Positional
from pipelines.commands.output import note
from pipelines.commands.quiet import quiet_kafka
from pipelines.errors import UsageProblem
from pipelines.options import PRODUCE
from pipelines.security import security_of

if TYPE_CHECKING:
    from pipelines.produce import Progress
    from pipelines.replay import Record

OPTIONS = PRODUCE


def run(args: argparse.Namespace) -> int:
    """Sends everything and returns when the broker has confirmed it."""
    _check(args)
    quiet_kafka()
    if args.sample:
        progress = _send(args, _sample(args), total=args.sample)
    else:
        from pipelines.replay import Archive

        shift_to_us = int(time.time() * 1_000_000) if args.shift_to_now else None
        archive = Archive(args.files, shift_to_us=shift_to_us, damaged=lambda detail: note(f"left out: {detail}"))
        progress = _send(args, archive, done=archive.done)
    note(f"done: {progress.records:,} records in {progress.elapsed_s:.1f} s, {progress.rate:,.0f}/s, "
         f"topic {args.topic} at {args.bootstrap_servers}")
    return 0


def _check(args: argparse.Namespace) -> None:
    """The usage errors that need no look at the world."""
    if bool(args.files) == bool(args.sample):
        raise UsageProblem("name either archives or --sample N; see textpulse produce --help")
    if not args.bootstrap_servers:
        raise UsageProblem("--bootstrap-servers HOST:PORT is needed: the Kafka to produce to")
    security_of(args)
    if "," in args.topic:
        raise UsageProblem(f"--topic {args.topic}: records are produced to one topic")
    if args.files:
        check_archives(args.files)


def _send(args: argparse.Namespace, records: "Iterable[Record]", *, total: int | None = None,
          done: Callable[[], float] | None = None) -> "Progress":
    from pipelines.produce import produce

    return produce(
        args.bootstrap_servers, args.topic, records, speed=args.speed, partitions=args.partitions, total=total,
        done=done, report=lambda progress: note(progress.line()), connect_timeout_s=args.connect_timeout,
        security=security_of(args))


def _sample(args: argparse.Namespace) -> "Iterator[Record]":
    from pipelines.sample import generate
    from pipelines.sample.stream import START_US

    start_us = int(time.time() * 1_000_000) if args.shift_to_now else START_US
    sample = generate(args.seed, rate=args.rate, start_us=start_us, count=args.sample)
    return ((record.value, record.key, record.arrival_us) for record in sample)


COMMAND = Command(
    "produce", "send archives, or a sample stream, to a Kafka topic",
    ("produce events.jsonl.gz --bootstrap-servers localhost:9092 --speed 60",
     "produce --sample 10000 --bootstrap-servers localhost:9092 --speed 1 --shift-to-now"),
    OPTIONS, run,
    (Positional("files", "archives: paths, globs or URLs of .jsonl (also .gz), .avro and .parquet", "*"),))
