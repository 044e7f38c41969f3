"""textpulse stream: Kafka to windows, as long as it runs."""
import argparse

from pipelines.commands.archives import check_output
from pipelines.commands.beam_options import RUNNER
from pipelines.commands.command import Command
from pipelines.commands.models import check_model
from pipelines.commands.reading import check_durable
from pipelines.errors import UsageProblem
from pipelines.options import STREAM
from pipelines.registry import check_schemas

OPTIONS = STREAM
BOUNDED_ONLY = ("BundleBasedDirectRunner", "SwitchingDirectRunner", "FnApiRunner", "InteractiveRunner", "TestDirectRunner")
"""Runners that read an endless source without ever firing a window."""


def run(args: argparse.Namespace) -> int:
    """Runs the streaming job until it is told to stop; what is given wrong is refused before a process is started."""
    check(args)
    from pipelines import stream

    return stream.run(args)


def check(args: argparse.Namespace) -> None:
    """Raises UsageProblem, EnvironmentProblem or ModelError for what needs no broker to be known wrong."""
    read = args.topic.split(",")
    for option in ("tagged_topic", "dead_letter_topic", "insights_topic"):
        if (named := getattr(args, option)) in read:
            raise UsageProblem(f"--{option.replace('_', '-')} {named}: the job reads this topic, and would read its own results for ever")
    check_schemas(args)
    for option in args.beam:
        flag, _, value = option.partition("=")
        if flag == RUNNER and value in BOUNDED_ONLY:
            raise UsageProblem(f"{option}: it never fires a window of a stream; leave it out, or name a runner for streams")
    check_durable(args.store)
    check_model(args.model)
    check_output(args.tagged_files)


COMMAND = Command(
    "stream", "read texts from Kafka, tag them, keep insights of their windows up to date",
    ("stream --bootstrap-servers localhost:9092 --topic texts",
     "stream --bootstrap-servers localhost:9092 --window 5m --store postgresql+psycopg://localhost/texts"),
    OPTIONS, run, beam=True)
