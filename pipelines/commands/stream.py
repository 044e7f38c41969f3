"""textpulse stream: Kafka to windows, as long as it runs."""
import argparse

from pipelines.commands.command import Command
from pipelines.options import STREAM

OPTIONS = STREAM


def run(args: argparse.Namespace) -> int:
    """Runs the streaming job until it is told to stop."""
    from pipelines import stream

    return stream.run(args)


COMMAND = Command(
    "stream", "read texts from Kafka, tag them, keep insights of their windows up to date",
    ("stream --bootstrap-servers localhost:9092 --topic texts",
     "stream --bootstrap-servers localhost:9092 --window 5m --store postgresql+psycopg://localhost/texts"),
    OPTIONS, run, beam=True)
