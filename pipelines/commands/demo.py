"""textpulse demo: everything at once, on this machine."""
import argparse

from pipelines.commands.command import Command
from pipelines.options import DEMO

OPTIONS = DEMO


def run(args: argparse.Namespace) -> int:
    """Runs the demo until Ctrl-C, or for as long as asked."""
    from pipelines import demo

    return demo.run(args)


COMMAND = Command(
    "demo", "start a broker, a stream of sample texts and the streaming job, and show what comes out",
    ("demo", "demo --for 60 --input events.jsonl.gz"), OPTIONS, run)
