"""textpulse backfill: archives to windows, once."""
import argparse

from pipelines.commands.command import Command, Positional
from pipelines.options import BACKFILL

OPTIONS = BACKFILL


def run(args: argparse.Namespace) -> int:
    """Runs the backfill to its end."""
    from pipelines import backfill

    return backfill.run(args)


COMMAND = Command(
    "backfill", "read archives, tag their texts, and store the insights of their windows",
    ("backfill events.jsonl.gz --store sqlite:///events.db",
     "backfill 'archive/2026-*.parquet' --job june --runner=FlinkRunner"),
    OPTIONS, run,
    (Positional("files", "archives: paths, globs or URLs of .jsonl (also .gz), .avro and .parquet", "+"),), beam=True)
