"""textpulse backfill: archives to windows, once."""
import argparse

from pipelines.commands.archives import check_archives, check_output
from pipelines.commands.command import Command, Positional
from pipelines.commands.models import check_model
from pipelines.commands.reading import check_durable
from pipelines.options import BACKFILL

OPTIONS = BACKFILL


def run(args: argparse.Namespace) -> int:
    """Runs the backfill to its end; what is given wrong is refused before it leaves a trace in a store."""
    check_archives(args.files)
    check_durable(args.store)
    check_model(args.model)
    check_output(args.tagged_files)
    from pipelines import backfill

    return backfill.run(args)


COMMAND = Command(
    "backfill", "read archives, tag their texts, and store the insights of their windows",
    ("backfill events.jsonl.gz --store sqlite:///events.db",
     "backfill 'archive/2026-*.parquet' --job june --runner=FlinkRunner"),
    OPTIONS, run,
    (Positional("files", "archives: paths, globs or URLs of .jsonl (also .gz), .avro and .parquet", "+"),), beam=True)
