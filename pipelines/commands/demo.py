"""textpulse demo: everything at once, on this machine."""
import argparse

from pipelines.commands.archives import check_archives
from pipelines.commands.command import Command
from pipelines.commands.models import check_model
from pipelines.commands.reading import check_durable
from pipelines.options import DEMO

OPTIONS = DEMO


def run(args: argparse.Namespace) -> int:
    """Runs the demo until Ctrl-C, or for as long as asked; what is given wrong is refused before a broker is started."""
    if args.input:
        check_archives([args.input])
    if args.store:
        check_durable(args.store)
    check_model(args.model)
    from pipelines import demo

    return demo.run(args)


COMMAND = Command(
    "demo", "start a broker, a stream of sample texts and the streaming job, and show what comes out",
    ("demo", "demo --for 60 --input events.jsonl.gz"), OPTIONS, run)
