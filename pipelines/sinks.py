"""The sinks that the options name."""
import argparse

from pipelines.errors import UsageProblem
from pipelines.security import security_of
from transforms.kafka_connection import PLAINTEXT
from transforms.sinks import FILE_FORMATS, Sinks


def sinks_of(args: argparse.Namespace) -> Sinks:
    """Raises UsageProblem when a topic is named and no broker, or an unknown file format."""
    servers = args.bootstrap_servers
    topics = args.tagged_topic or args.dead_letter_topic or args.insights_topic
    if topics and not servers:
        raise UsageProblem(f"topic {topics!r} is to be written: name the brokers with --bootstrap-servers")
    if args.files_format not in FILE_FORMATS:
        raise UsageProblem(f"--files-format {args.files_format!r}: known are {', '.join(FILE_FORMATS)}")
    return Sinks(servers, args.tagged_topic, args.dead_letter_topic, args.insights_topic, args.tagged_files, args.files_format,
                 security_of(args) if servers else PLAINTEXT, args.connect_timeout)
