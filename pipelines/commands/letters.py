"""What the commands that work on dead letters share: which are meant, and how they are opened and mended."""
import argparse
import time
from typing import TYPE_CHECKING

from pipelines.commands.reading import time_us
from pipelines.errors import UsageProblem
from pipelines.options import FORMAT, JOB, ORIGINALS_KEY, POLICY, READER, REGISTRY, SCHEMAS, TEXT_LIMIT, Option
from pipelines.values import count, positive_s

if TYPE_CHECKING:
    from insights.mending import Selection
    from insights.queries import JobRow
    from insights.store import Store
    from privacy.redact import Redactor
    from transforms.mender import Mender

FILTERS = (
    Option("reason", str, "", "only this reason, such as late or malformed"),
    Option("origin", str, "", "only this origin: topic/partition or a file"),
    Option("offset", count, None, "only this offset, or record number in a file"),
    Option("source", str, "", "only this source, such as tickets"),
    Option("from", str, "", "rejected at or after this time, ISO 8601"),
    Option("to", str, "", "rejected before this time, ISO 8601"),
    Option("state", str, "", "only this state: dead, fixed, replayed or dropped"))
SELECT = (JOB, *FILTERS, Option("all", bool, False, "all dead letters of the job: needed where nothing else says which"))
MEND = (ORIGINALS_KEY, FORMAT, SCHEMAS, *REGISTRY, READER, TEXT_LIMIT, POLICY,
        Option("max-future", positive_s, 300.0, "events further ahead of the clock stay dead letters"))


def selection(args: argparse.Namespace, *, whole: bool = False) -> "Selection":
    """Which letters the options mean. whole: also all of them, without being told so. Raises UsageProblem."""
    from insights.letters import State
    from insights.mending import Selection
    from schemas.records import Reason

    for option, value, known in (("--reason", args.reason, [*Reason]), ("--state", args.state, [*State])):
        if value and value not in known:
            raise UsageProblem(f"{option} {value}: no such {option[2:]}; choose from {', '.join(known)}")
    found = Selection(
        args.job, args.reason, args.origin, args.offset, args.source, time_us(getattr(args, "from"), "--from"), time_us(args.to, "--to"),
        args.state)
    if not whole and not args.all and found == Selection(args.job):
        raise UsageProblem("which dead letters? Name --reason, --origin, --offset, --source, --from, --to or --state, or say --all")
    return found


def job_and_redactor(store: "Store", args: argparse.Namespace) -> "tuple[JobRow, Redactor]":
    """The job, and the redactor that it works with. Raises QueryError, PolicyError, and UsageProblem for another policy than the job's."""
    from insights.queries import job_row
    from pipelines.policy import policy_of
    from transforms.job import redactor_of

    redactor = redactor_of(policy_of(args.policy), store)
    with store.snapshot() as db:
        about = job_row(db, args.job)
    if about.pseudonyms and about.pseudonyms != redactor.mark:
        raise UsageProblem(f"job {args.job!r} has another key of pseudonyms, or other `fields` in its policy: give the job's own --policy")
    return about, redactor


def mender(args: argparse.Namespace) -> "Mender":
    """Opens and mends the job's letters. Raises UsageProblem, PolicyError, OriginalsProblem, SchemaError or RegistryProblem."""
    from pipelines.registry import avro_settings, check_schemas
    from schemas.avro import AvroDecoder
    from schemas.fixes import json_row
    from schemas.json_events import JsonDecoder
    from transforms.mender import Mender
    from transforms.originals import Seal, key_source

    seal = Seal(args.job, key_source(args.originals_key_file))
    check_schemas(args)
    if args.format == "avro":
        if not args.schemas:
            raise UsageProblem("--format avro needs --schemas: a FOLDER with <id>.avsc files, or the address of a schema registry")
        avro = AvroDecoder(avro_settings(args), args.max_text_bytes)
        return Mender(seal, avro, avro.row, now_us, round(args.max_future * 1e6), args.max_text_bytes)
    return Mender(seal, JsonDecoder(args.max_text_bytes), json_row, now_us, round(args.max_future * 1e6), args.max_text_bytes)


def now_us() -> int:
    """The clock, in microseconds since 1970."""
    return time.time_ns() // 1_000
